"""Models that tests of one process load again and again: equal ones are the same object, and so share their graphs."""

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any

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


def files_of(location: ModelLocation) -> tuple[tuple[str, int, int, int], ...]:
    """Returns what changes when a file of a model is written anew: inode, size and time of each file beside it."""
    folder = location.path if location.path.is_dir() else location.path.parent
    found = ((path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file())
    return tuple((str(path), stat.st_ino, stat.st_size, stat.st_mtime_ns) for path, stat in found)


def loading_equal_models_once() -> Callable[[ModelLocation], LoadedModel]:
    """Returns a `load_model` that gives equal models as one object, and reads files once that nobody has touched.

    It spares runs of this process the reading and the tracing of graphs that a run in a process of its own does.
    """
    models: LRUCache[tuple[str, str], Enformer] = LRUCache(NUM_KEPT)
    loads: LRUCache[Any, tuple[LoadedModel, str]] = LRUCache(NUM_KEPT)

    def load(location: ModelLocation) -> LoadedModel:
        files = location, files_of(location)
        if files in loads:
            known, values = loads[files]
            assert digest(known.model) == values, "a test changed a model that others use"
            return known
        loaded = load_model(location)
        if sum(variable.shape.num_elements() for variable in loaded.model.variables) > MAX_PARAMETERS:
            return loaded
        key = repr(loaded.model.config), digest(loaded.model)
        model = models.setdefault(key, loaded.model)
        assert digest(model) == key[1], "a test changed a model that others use"
        shared = dataclasses.replace(loaded, model=model)
        loads[files] = shared, key[1]
        return shared

    return load
