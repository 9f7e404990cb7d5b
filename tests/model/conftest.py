"""Random numbers that are the same whichever tests ran before."""

import numpy as np
import pytest

from tests.model import random_modules


@pytest.fixture(autouse=True)
def _same_random_numbers(request: pytest.FixtureRequest) -> None:
    for module in (request.module, random_modules):
        if hasattr(module, "RNG"):
            module.RNG.bit_generator.state = np.random.default_rng(2).bit_generator.state
