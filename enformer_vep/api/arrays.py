"""Scores as the arrays of other packages, with what is known of alleles and tracks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from enformer_vep.api.frames import allele_columns
from enformer_vep.errors import InputError
from enformer_vep.io.vcf.alleles import VcfAllele

if TYPE_CHECKING:
    import anndata
    import xarray


@dataclass(frozen=True, eq=False)
class SelectedScores:
    """The scores of all alleles for some statistics and tracks.

    Attributes:
      alleles: the alleles.
      statistics: the names of the statistics.
      tracks: the track table's rows.
      values: float32 [alleles, statistics, tracks].
    """

    alleles: Sequence[VcfAllele]
    statistics: Sequence[str]
    tracks: pd.DataFrame
    values: npt.NDArray[np.float32]

    @property
    def names(self) -> list[str]:
        """Each allele as chrom:pos:ref:alt."""
        variants = (allele.variant for allele in self.alleles)
        return [f"{variant.chrom}:{variant.pos}:{variant.ref}:{variant.alt}" for variant in variants]

    @property
    def columns(self) -> dict[str, Any]:
        """The columns that identify alleles; `allele`, the number of the ALT, is called `allele_number`."""
        columns = allele_columns(self.alleles)
        return {("allele_number" if name == "allele" else name): values for name, values in columns.items()}


def to_xarray(scores: SelectedScores, *, source: str, head: str) -> "xarray.DataArray":
    """Returns an array [allele, track, statistic].

    Args:
      scores: the scores.
      source: the path of the table.
      head: the head of the tracks.
    """
    import xarray

    of_tracks = scores.tracks
    return xarray.DataArray(
        scores.values.transpose(0, 2, 1),
        dims=("allele", "track", "statistic"),
        coords={
            "allele": scores.names,
            "track": of_tracks["identifier"].to_numpy(),
            "statistic": list(scores.statistics),
            **{name: ("allele", values) for name, values in scores.columns.items()},
            **{name: ("track", of_tracks[name].to_numpy()) for name in of_tracks.columns if name != "identifier"},
        },
        name="score",
        attrs={"source": source, "head": head},
    )


def to_anndata(scores: SelectedScores, run: Mapping[str, Any]) -> "anndata.AnnData":
    """Returns an AnnData: alleles as obs, tracks as var, X the first statistic and a layer for each.

    Args:
      scores: the scores.
      run: the run record, which is kept as JSON.
    """
    import anndata

    layers = {name: np.ascontiguousarray(scores.values[:, place]) for place, name in enumerate(scores.statistics)}
    obs = pd.DataFrame(scores.columns, index=_unique(scores.names))
    var = scores.tracks.set_index("identifier")
    var.index.name = None
    first = layers[scores.statistics[0]]
    return anndata.AnnData(first, obs, var, layers=layers, uns={"enformer_vep_run": json.dumps(run)})


def _unique(names: Sequence[str]) -> list[str]:
    """Returns names that are all different: a second 'x' is 'x-1'."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        number = seen[name] = seen.get(name, -1) + 1
        unique.append(name if not number else f"{name}-{number}")
    return unique


def check_installed(package: str) -> None:
    """Checks that the package of the extra of its name is installed.

    Raises:
      InputError: it is not.
    """
    try:
        import_module(package)
    except ImportError as error:
        raise InputError(
            f"{package} is not installed: install it with 'pip install enformer-vep[{package}]'"
        ) from error
