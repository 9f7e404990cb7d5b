"""Whether a file's tensors are those of an Enformer, and of which sizes; nothing is read but their names and shapes."""

from collections.abc import Mapping
from dataclasses import dataclass

from enformer_vep.errors import WeightsError
from enformer_vep.model.architecture import infer_config, tensor_dtype, tensor_shapes
from enformer_vep.model.config import EnformerConfig
from enformer_vep.model.sources.published import is_training_state
from enformer_vep.model.sources.source import TensorEntry, WeightsSource


@dataclass(frozen=True)
class Misfits:
    """Where tensors are not those of an Enformer of the sizes that its config says.

    Attributes:
      missing: keys that inference needs and the file has not.
      unexpected: keys that such a model has not.
      misshapen: keys with another shape or type, each with what was expected and found.
    """

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    misshapen: tuple[str, ...] = ()

    def __str__(self) -> str:
        found = [(self.missing, "missing key"), (self.unexpected, "unexpected key"), (self.misshapen, "misshapen key")]
        return "; ".join(some(keys, what) for keys, what in found if keys)


def some(keys: tuple[str, ...], what: str) -> str:
    """Counts keys and names the first three: '329 missing keys: a, b, c ...'."""
    return f"{len(keys)} {what}{'s' * (len(keys) != 1)}: {', '.join(keys[:3])}{' ...' * (len(keys) > 3)}"


def find_misfits(entries: Mapping[str, TensorEntry], config: EnformerConfig) -> Misfits:
    """Compares tensors with those of an Enformer of these sizes; only training state may be missing."""
    expected = tensor_shapes(config)
    missing = [key for key in expected if key not in entries and not is_training_state(key)]
    unexpected = [key for key in entries if key not in expected]
    misshapen = []
    for key, entry in entries.items():
        if key not in expected:
            continue
        if entry.dtype != tensor_dtype(key):
            wanted = f"{tensor_dtype(key)} {list(expected[key])}"
            misshapen.append(f"{key} (expected {wanted}, found {entry.dtype} {list(entry.shape)})")
        elif entry.shape != expected[key]:
            misshapen.append(f"{key} (expected {list(expected[key])}, found {list(entry.shape)})")
    return Misfits(tuple(missing), tuple(unexpected), tuple(misshapen))


def source_config(source: WeightsSource) -> EnformerConfig:
    """Returns the sizes that a file says, or else those that its tensors have.

    Raises:
      WeightsError: what it says cannot be used, or the tensors are not an Enformer's.
    """
    settings = source.settings()
    if settings.config is not None:
        return settings.config
    try:
        return infer_config(source.entries())
    except ValueError as error:
        raise WeightsError(f"{source.path}: {error}") from error


def fitting_config(source: WeightsSource) -> EnformerConfig:
    """Returns the sizes of a model whose tensors a file has: all that are needed, and no others.

    Raises:
      WeightsError: it has not; the message names the tensors.
    """
    if source.foreign:
        raise WeightsError(f"{source.path}: not an Enformer's weights, {some(source.foreign, 'unexpected key')}")
    source.check_files()
    config = source_config(source)
    if problems := str(find_misfits(source.entries(), config)):
        raise WeightsError(f"{source.path}: {problems}")
    return config
