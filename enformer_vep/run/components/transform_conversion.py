"""The command `convert-transform`: a pickled pipeline of scikit-learn as a transform of plain arrays."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from enformer_vep.errors import InputError, OutputError, TransformError
from enformer_vep.io.files import check_writable
from enformer_vep.io.tables.components import PUBLISHED, SUFFIX, Transform, TransformOrigin, save_transform
from enformer_vep.io.tracks.table import read_track_table
from enformer_vep.run.identities import identify_file
from enformer_vep.wording import cause, plural

UNPICKLING = Path(__file__).with_name("unpickling.py")

DEEPMIND_DIVISOR = 896
"""DeepMind's transform takes means over the bins, where SAD is a sum."""


@dataclass(frozen=True)
class ConversionSettings:
    """The settings of `convert-transform`; the defaults are those of DeepMind's transform.

    Attributes:
      pickle: the file to convert.
      out: the file to write.
      is_trusted: whether code that the pickle holds may run.
      track_table: the track table that names the tracks; None to know them by their numbers.
      head: the head.
      statistic: the statistic that it takes.
      divisor: the number by which scores are divided first.
      any_weights: whether it takes scores of any weights, and not the published ones alone.
      overwrite: whether an existing file is replaced.
    """

    pickle: str
    out: str
    is_trusted: bool
    track_table: str | None = None
    head: str = "human"
    statistic: str = "SAD"
    divisor: float = DEEPMIND_DIVISOR
    any_weights: bool = False
    overwrite: bool = False


def convert_transform(settings: ConversionSettings) -> str:
    """Converts a pickle, which is read in a process of its own.

    Returns:
      What was written, in one line.

    Raises:
      InputError: the pickle is not trusted, cannot be read, or holds no such transform.
      EnformerVepError: the file cannot be written.
    """
    if not settings.is_trusted:
        raise InputError(
            f"reading {settings.pickle} runs the code that it holds, as unpickling does: if you trust where it comes "
            "from, repeat the command with --trust-pickle"
        )
    if not settings.out.endswith(SUFFIX):
        raise OutputError(f"cannot write a transform to {settings.out!r}: expected a name that ends in {SUFFIX}")
    path = Path(settings.out)
    check_writable(path, overwrite=settings.overwrite)
    if not Path(settings.pickle).is_file():
        raise InputError(f"no such file: {settings.pickle}: expected a pickled pipeline of scikit-learn")
    identity = identify_file(settings.pickle)
    arrays = _unpickled(settings.pickle)
    num_tracks = arrays["scale"].size
    identifiers = None
    if settings.track_table is not None:
        identifiers = tuple(read_track_table(settings.track_table, settings.head, num_tracks).identifiers)
    origin = TransformOrigin(
        settings.statistic,
        float(settings.divisor),
        settings.head,
        "" if settings.any_weights else PUBLISHED,
        {"bins": "all"},
        f"{Path(settings.pickle).name}, sha256 {identity.digest}",
    )
    try:
        transform = Transform(origin, np.arange(num_tracks), identifiers, **arrays)
    except TransformError as error:
        raise TransformError(f"{settings.pickle} holds no usable transform: {error}") from error
    save_transform(transform, path)
    return f"{path}: {plural(transform.num_components, 'component')} of {plural(num_tracks, 'track')}"


def _unpickled(source: str) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    with tempfile.TemporaryDirectory(prefix="enformer-vep-") as folder:
        target = Path(folder) / "arrays.npz"
        # Not in this process, which may hold more than the user wants to give to the pickle's code.
        command = [sys.executable, str(UNPICKLING), str(Path(source).resolve()), str(target)]
        child = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if child.returncode != 0 or not target.is_file():
            lines = child.stderr.strip().splitlines()
            reason = lines[-1] if lines else f"the process ended with {child.returncode}"
            raise TransformError(
                f"{source} cannot be converted: {reason} (what an older scikit-learn wrote may need that version)"
            )
        try:
            with np.load(target, allow_pickle=False) as file:
                return {name: file[name].astype(np.float64) for name in file.files}
        except (OSError, ValueError) as error:
            raise TransformError(f"{source} cannot be converted: {cause(error)}") from error
