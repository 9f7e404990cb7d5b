"""A small model of the published form, and its weights."""

import numpy as np
import pytest

from enformer_vep.model.enformer import Enformer
from enformer_vep.model.weights import checkpoint_variables
from tests.model.test_weights import PUBLISHED_FORM
from tests.support import reference_model


@pytest.fixture(scope="session")
def small() -> Enformer:
    return reference_model(PUBLISHED_FORM)


@pytest.fixture(scope="session")
def weights(small: Enformer) -> dict[str, np.ndarray]:
    """The values of its variables by our keys."""
    return {key: variable.numpy() for key, variable in checkpoint_variables(small).items()}
