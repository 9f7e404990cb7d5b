"""Finds the files of a model by name or path, without TensorFlow.

A model is a folder or prefix of a TensorFlow checkpoint, a SavedModel's folder, a safetensors file, a pickled state of
PyTorch, a folder with one of these files, or a name: `enformer`, the official weights in the cache folder, or `demo`,
which the package carries.
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from enformer_vep.errors import WeightsError
from enformer_vep.wording import did_you_mean, listed, option

OFFICIAL = "enformer"
DEMO = "demo"
INDEX_SUFFIX = ".index"
SAFETENSORS_SUFFIX = ".safetensors"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth")
_FILES = f"a file that ends in {', '.join((SAFETENSORS_SUFFIX, *PICKLE_SUFFIXES))}"
CONFIG_NAME = "config.json"

OFFICIAL_FILES = (
    "checkpoint",
    "enformer-fine-tuned-human-1.index",
    "enformer-fine-tuned-human-1.data-00000-of-00001",
)


@dataclass(frozen=True)
class ModelLocation:
    """Where a model's weights are.

    Attributes:
      name: its name in messages and in the names of outputs.
      path: the file that identifies them: a checkpoint's index, a safetensors file or a pickle.
      config_path: the project's own config beside a checkpoint, None for other formats.
    """

    name: str
    path: Path
    config_path: Path | None = None

    @property
    def prefix(self) -> Path:
        """Path of a checkpoint without `.index`; of other formats, the file."""
        return self.path.with_name(self.path.name.removesuffix(INDEX_SUFFIX))

    def track_table_path(self, head: str) -> Path | None:
        """The table that names a head's tracks, if the model has it beside its config."""
        path = None if self.config_path is None else self.config_path.with_name(f"tracks_{head}.tsv")
        return path if path is not None and path.is_file() else None


def locate_model(model: str, cache: Path | None = None) -> ModelLocation:
    """Finds the files of a model.

    Args:
      model: a name, a folder or a prefix.
      cache: the cache folder, without which `enformer` cannot be found.

    Returns:
      Where its weights are. Whether they can be read is not checked.

    Raises:
      WeightsError: there are no weights; the message says where to get them.
      ValueError: `enformer` is wanted, and no cache folder was given.
    """
    if model == DEMO:
        return _in_folder(Path(str(files("enformer_vep.demo"))) / "model", DEMO)
    if model == OFFICIAL:
        if cache is None:
            raise ValueError("the official weights are in a cache folder, and none was given")
        folder = cache / "models" / OFFICIAL
        if not folder.is_dir():
            raise WeightsError(
                f"the official weights are not in {folder}: first run 'enformer-vep fetch weights', or name a "
                f"checkpoint or SavedModel with {option('-m')}, or try the tool with {option('-m', DEMO)} (a tiny "
                "model of a made-up genome, whose scores mean nothing biologically)"
            )
        return _in_folder(folder, OFFICIAL)
    path = Path(model)
    if path.is_dir():
        return _in_folder(path, OFFICIAL)
    prefix = Path(model.removesuffix(INDEX_SUFFIX))
    if prefix.with_name(prefix.name + INDEX_SUFFIX).is_file():
        return _at_prefix(prefix, OFFICIAL)
    if path.is_file() and path.name.endswith((SAFETENSORS_SUFFIX, *PICKLE_SUFFIXES)):
        return ModelLocation(OFFICIAL, path)
    raise WeightsError(
        f"no model at {model!r}: expected a checkpoint's folder or prefix (PREFIX{INDEX_SUFFIX}), a SavedModel's "
        f"folder, {_FILES}, or one of the names {OFFICIAL}, {DEMO}{did_you_mean(model, (OFFICIAL, DEMO))}"
    )


def _in_folder(folder: Path, name: str) -> ModelLocation:
    variables = folder / "variables" / "variables"
    if variables.with_name(variables.name + INDEX_SUFFIX).is_file():
        return _at_prefix(variables, name)
    prefixes = sorted(path.with_name(path.name.removesuffix(INDEX_SUFFIX)) for path in folder.glob(f"*{INDEX_SUFFIX}"))
    if len(prefixes) > 1:
        prefixes = [prefix for prefix in prefixes if prefix.name == _latest_checkpoint(folder)] or prefixes
    if len(prefixes) == 1:
        return _at_prefix(prefixes[0], name)
    if not prefixes:
        return ModelLocation(name, _single_file(folder))
    names = ", ".join(prefix.name for prefix in prefixes[:3])
    raise WeightsError(
        f"{len(prefixes)} checkpoints in {folder} ({names} ...), and no file 'checkpoint' that says which to use: "
        "name one by its prefix"
    )


def _single_file(folder: Path) -> Path:
    """Returns the one safetensors file of a folder, or else its one pickle."""
    for suffixes in ((SAFETENSORS_SUFFIX,), PICKLE_SUFFIXES):
        paths = sorted(path for path in folder.iterdir() if path.name.endswith(suffixes))
        if len(paths) > 1:
            names = listed(path.name for path in paths)
            raise WeightsError(f"{len(paths)} weights files in {folder} ({names}): name one of them")
        if paths:
            return paths[0]
    raise WeightsError(
        f"no model in {folder}: expected a checkpoint (such as {' and '.join(OFFICIAL_FILES[1:])}), a SavedModel "
        f"(variables/variables{INDEX_SUFFIX}), or {_FILES}"
    )


def _latest_checkpoint(folder: Path) -> str | None:
    """Reads the prefix that TensorFlow's `checkpoint` file names; the folder may have been moved since."""
    try:
        state = (folder / "checkpoint").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    match = re.search(r'^model_checkpoint_path:\s*"([^"]*)"', state, re.MULTILINE)
    return match and re.split(r"[/\\]", match.group(1))[-1]


def _at_prefix(prefix: Path, name: str) -> ModelLocation:
    config_path = prefix.with_name(CONFIG_NAME)
    index_path = prefix.with_name(prefix.name + INDEX_SUFFIX)
    return ModelLocation(name, index_path, config_path if config_path.is_file() else None)
