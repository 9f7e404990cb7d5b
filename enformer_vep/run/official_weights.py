"""Checks that weights are the official ones, and whole, without TensorFlow."""

from pathlib import Path

from enformer_vep.errors import WeightsError
from enformer_vep.model.location import locate_model
from enformer_vep.model.sources.opening import open_source


def check_official_weights(folder: Path) -> None:
    """Reads the official weights from end to end.

    Each tensor is compared with the checksum that its file stores, if it does, and the checksums with the published
    ones.

    Args:
      folder: the folder of a checkpoint, of a SavedModel, or with a state of PyTorch.

    Raises:
      WeightsError: a file is missing or cut short, a tensor is damaged, or the weights are not the published ones.
    """
    source = open_source(locate_model(str(folder)))
    source.check_files()
    for key in source.entries():
        source.read(key)
    if not source.identity().is_published:
        raise WeightsError(f"the weights in {folder} are whole, but not the official ones")
