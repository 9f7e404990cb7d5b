"""Models that tests of one process load again and again: equal ones are the same object, and so share their graphs."""

import dataclasses
import hashlib
from collections.abc import Callable

from cachetools import LRUCache

from enformer_vep.model.enformer import Enformer
from enformer_vep.model.location import ModelLocation
from enformer_vep.model.weights import LoadedModel, load_model

MAX_PARAMETERS = 20_000_000
"""Of models that are kept: all but those of the full size."""

NUM_KEPT = 8


def digest(model: Enformer) -> str:
    """Returns the digest of the values of all variables."""
    found = hashlib.sha256()
    for variable in model.variables:
        found.update(f"{variable.shape} {variable.dtype}".encode())
        found.update(variable.numpy().tobytes())
    return found.hexdigest()


def loading_equal_models_once() -> Callable[[ModelLocation], LoadedModel]:
    """Returns a `load_model` that gives equal models as one object.

    It reads and checks all files each time, as a run in a process of its own does, and compares all values with those
    that the known model has now. What it spares is only the tracing of graphs.
    """
    known: LRUCache[tuple[str, str], Enformer] = LRUCache(NUM_KEPT)

    def load(location: ModelLocation) -> LoadedModel:
        loaded = load_model(location)
        if sum(variable.shape.num_elements() for variable in loaded.model.variables) > MAX_PARAMETERS:
            return loaded
        key = repr(loaded.model.config), digest(loaded.model)
        model = known.setdefault(key, loaded.model)
        assert digest(model) == key[1], "a test changed a model that others use"
        return dataclasses.replace(loaded, model=model)

    return load
