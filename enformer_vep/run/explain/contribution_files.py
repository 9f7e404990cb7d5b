"""The files of `contributions`: a folder of bigWig files, a table, or arrays."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from enformer_vep.errors import InputError, OutputError
from enformer_vep.genome.tiling import BinSpan
from enformer_vep.io.arrays.bigwig import (
    BIGWIG_SUFFIX,
    RUN_NAME,
    TRACKS_NAME,
    check_bigwig_support,
    check_file_names,
    is_bigwig_folder,
    write_bigwig,
)
from enformer_vep.io.arrays.contributions import write_contribution_table
from enformer_vep.io.arrays.modisco_files import check_equal_lengths, modisco_paths, write_modisco
from enformer_vep.io.arrays.zarr_folder import check_zarr_folder, check_zarr_support, whole_zarr
from enformer_vep.io.files import check_folder, check_writable, whole_file, whole_folder
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.run.explain.contribution_arrays import Contributions, at_letters
from enformer_vep.run.explain.sequences import ExplainedSequence
from enformer_vep.run.explain.settings import BIGWIG_FOLDER, ContributionOutput
from enformer_vep.run.model_run import CONTRIBUTIONS, ContributionCourse, ContributionIdentity
from enformer_vep.run.predict.files import RUN_SUFFIX, beside
from enformer_vep.run.record_json import is_record_of, record_text
from enformer_vep.run.score.results import RUN_METADATA, TRACKS_METADATA, tracks_to_json

_JSON_ARRAYS = {"tracks": TRACKS_METADATA, "run": RUN_METADATA}
"""The arrays of one text each in which an .npz file has what the schema's metadata has of a table."""


def check_output(output: ContributionOutput) -> dict[str, str]:
    """Checks that the output can be written, and writes nothing.

    Returns:
      Versions of the packages that it needs besides those of every run.

    Raises:
      OutputError: it cannot be written, or must not be replaced.
    """
    others = [] if output.modisco is None else list(modisco_paths(Path(output.modisco)))
    if output.format != BIGWIG_FOLDER:
        others.append(beside(output.path, RUN_SUFFIX))
    for path in others:
        check_writable(path, overwrite=output.overwrite)
    if output.format == BIGWIG_FOLDER:
        check_folder(output.path, _is_from_contributions, overwrite=output.overwrite)
        return check_bigwig_support()
    if output.format == "zarr":
        check_zarr_folder(output.path, CONTRIBUTIONS, overwrite=output.overwrite)
        return check_zarr_support()
    check_writable(output.path, overwrite=output.overwrite)
    return {}


def check_content(output: ContributionOutput, sequences: Sequence[ExplainedSequence], scalars: Sequence[str]) -> None:
    """Checks that the contributions can be written in the chosen format.

    Raises:
      InputError: sequences have different lengths but are to be one array, or a bigWig file would have two values for a
        base, or bases that the genome does not have.
      TrackError: the name of a track cannot name a file.
      OutputError: arrays for TF-MoDISco were asked for more than one scalar.
    """
    if output.modisco is not None:
        check_equal_lengths([len(sequence.wanted) for sequence in sequences])
        if len(scalars) > 1:
            raise OutputError(
                f"--modisco writes the contributions to one track or mean, but {len(scalars)} are chosen: choose one "
                "with --tracks, or explain their mean with --mean-by all"
            )
    if output.format == BIGWIG_FOLDER:
        check_file_names(scalars)
        _check_one_value_per_base(sequences)
    elif output.format != "parquet" and len({len(sequence.wanted) for sequence in sequences}) > 1:
        raise InputError(
            "the regions have different lengths, and cannot be one array: write as many bases of each with --width, or "
            "choose another format with -o OUT.parquet"
        )


def _check_one_value_per_base(sequences: Sequence[ExplainedSequence]) -> None:
    if any(sequence.allele for sequence in sequences):
        raise InputError(
            "the bases of alternate alleles have no place in bigWig files: write a table with -o OUT.parquet, "
            "or arrays with -o OUT.npz or OUT.zarr"
        )
    for one, other in pairwise(sorted(sequences, key=_place)):
        if one.contig == other.contig and _place(other)[1] < _place(one)[1] + len(one.wanted):
            raise InputError(
                f"regions {one.name} and {other.name} have bases in common, whose contributions differ between their "
                "windows: leave one out, or choose another format with -o OUT.parquet"
            )


def _place(sequence: ExplainedSequence) -> tuple[str, int]:
    """Returns the contig and the first base, 0-based, of a region's bases that are written."""
    (_, piece), *_ = sequence.layout.cut(sequence.wanted.start, sequence.wanted.stop).placed()
    return sequence.contig, getattr(piece, "start", 0)


def write(
    output: ContributionOutput,
    identity: ContributionIdentity,
    course: ContributionCourse,
    contributions: Contributions,
    tracks: TrackTable,
    contigs: Mapping[str, int],
) -> None:
    """Writes the output, which appears under its name when it is whole.

    Raises:
      EnformerVepError: it cannot be written.
    """
    record = record_text(identity, course)
    with ExitStack() as stack:
        if output.format == BIGWIG_FOLDER:
            folder = stack.enter_context(whole_folder(output.path))
            _write_bigwigs(folder, contributions, contigs)
            (folder / TRACKS_NAME).write_bytes(tracks.to_tsv())
            (folder / RUN_NAME).write_bytes(record)
        else:
            stack.enter_context(whole_file(beside(output.path, RUN_SUFFIX))).write(record)
            texts = {TRACKS_METADATA: tracks_to_json(tracks), RUN_METADATA: record_text(identity)}
            stack.enter_context(_written(output, contributions, texts))
        if output.modisco is not None:
            scores = [hypothetical for *_, hypothetical in contributions.of_sequences(0)]
            write_modisco(Path(output.modisco), contributions.codes, scores)


@contextmanager
def _written(output: ContributionOutput, contributions: Contributions, texts: Mapping[bytes, bytes]) -> Iterator[None]:
    """Writes a table or arrays, which appear under their name when the block ends.

    Args:
      output: the file, and its format.
      contributions: the contributions.
      texts: the track table and the run record, by the names that a schema's metadata has for them.
    """
    if output.format == "zarr":
        attributes = {name.decode(): text.decode() for name, text in texts.items()}
        with whole_zarr(output.path, {"kind": CONTRIBUTIONS} | attributes) as store:
            for name, values in contributions.arrays().items():
                store.add(name, values)
            yield
        return
    with whole_file(output.path) as stream:
        if output.format == "parquet":
            write_contribution_table(stream, contributions.rows(), texts)
        else:
            json_texts = {name: np.array(texts[key].decode()) for name, key in _JSON_ARRAYS.items()}
            arrays: dict[str, Any] = contributions.arrays() | json_texts
            np.savez_compressed(stream, **arrays)
        yield


def _write_bigwigs(folder: Path, contributions: Contributions, contigs: Mapping[str, int]) -> None:
    for number, name in enumerate(contributions.scalars):
        pieces = []
        for sequence, codes, positions, hypothetical in contributions.of_sequences(number):
            on_contig = np.flatnonzero(positions)
            first = int(positions[on_contig[0]]) - 1
            span = BinSpan(sequence.contig, first, first + len(on_contig))
            pieces.append((span, at_letters(hypothetical, codes)[on_contig]))
        pieces.sort(key=lambda piece: (piece[0].contig, piece[0].first))
        values = np.concatenate([values for _, values in pieces])
        write_bigwig(folder / f"{name}{BIGWIG_SUFFIX}", contigs, [span for span, _ in pieces], values, 1)


def _is_from_contributions(folder: Path) -> bool:
    """Returns whether a folder is empty, or has the record of a run of `contributions` and only files of such runs."""
    return is_bigwig_folder(folder, lambda record: is_record_of(record, CONTRIBUTIONS))
