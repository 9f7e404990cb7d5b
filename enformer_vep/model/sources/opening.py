"""Opens a weights file, whatever its format."""

from enformer_vep.model.location import INDEX_SUFFIX, ModelLocation
from enformer_vep.model.sources.bundle import read_bundle_index
from enformer_vep.model.sources.checkpoint import bundle_source
from enformer_vep.model.sources.own_file import FORMAT_KEY, OwnFileSource
from enformer_vep.model.sources.pytorch import PickledState, PyTorchSource, SafetensorsState
from enformer_vep.model.sources.safetensors_file import SafetensorsFile
from enformer_vep.model.sources.source import WeightsSource


def open_source(location: ModelLocation) -> WeightsSource:
    """Opens the weights of a model, and reads no more than tells their format.

    Args:
      location: where `locate_model` found them.

    Raises:
      WeightsError: the file is of no known format, or it is cut short or damaged.
    """
    path = location.path
    if path.name.endswith(INDEX_SUFFIX):
        return bundle_source(path, read_bundle_index(path), location.config_path)
    if path.suffix == ".safetensors":
        file = SafetensorsFile(path)
        return OwnFileSource(file) if FORMAT_KEY in file.metadata else PyTorchSource(SafetensorsState(file))
    return PyTorchSource(PickledState(path))
