"""Predicted tracks: of regions of the genome, and of both alleles of a variant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from enformer_vep.api.arrays import check_installed
from enformer_vep.api.options import Path, to_regions
from enformer_vep.api.session import Session, progress_of
from enformer_vep.api.variants import OneVariant, read_variants
from enformer_vep.errors import InputError
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.tiling import BinSpan, covering_bins, tiles
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.run.predict.predicted_regions import find_regions, parse_regions
from enformer_vep.run.predict.profiles import variant_profiles
from enformer_vep.run.predict.regions import predicted_spans
from enformer_vep.run.predict.settings import PREDICT_PRECISIONS
from enformer_vep.run.score.placed import Unscored
from enformer_vep.run.settings import ScoringSettings
from enformer_vep.wording import plural

if TYPE_CHECKING:
    import xarray

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Prediction:
    """The predicted tracks of regions.

    Attributes:
      values: float32 [bins, tracks].
      bins: one row per bin: chrom, start (0-based), end.
      tracks: one row per track, as `Model.tracks`.
    """

    values: Float32s
    bins: pd.DataFrame
    tracks: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Returns the bins, with a column for each track."""
        return _wide(self.bins, self.values, self.tracks)

    def to_xarray(self) -> "xarray.DataArray":
        """Returns an array [bin, track]. It needs the extra 'xarray'.

        Raises:
          InputError: xarray is not installed.
        """
        return _array({"": self.values}, self.bins, self.tracks)


@dataclass(frozen=True, eq=False)
class AllelePrediction:
    """The predicted tracks of both alleles of a variant, in the bins of its window.

    Attributes:
      variant: the variant, as chr:pos:ref:alt.
      reference: float32 [bins, tracks].
      difference: float32 [bins, tracks], the alternate's prediction less the reference's.
      bins: one row per bin: chrom, start (0-based), end; bins beyond the contig's ends are cut, or empty.
      tracks: one row per track, as `Model.tracks`.
    """

    variant: str
    reference: Float32s
    difference: Float32s
    bins: pd.DataFrame
    tracks: pd.DataFrame

    @property
    def alternate(self) -> Float32s:
        """The alternate's prediction: float32 [bins, tracks]."""
        return self.reference + self.difference

    def to_xarray(self) -> "xarray.DataArray":
        """Returns an array [allele, bin, track] of 'reference' and 'alternate'. It needs the extra 'xarray'.

        Raises:
          InputError: xarray is not installed.
        """
        return _array({"reference": self.reference, "alternate": self.alternate}, self.bins, self.tracks)


def predict_regions(
    session: Session,
    regions: Path | Sequence[Path],
    scoring: ScoringSettings,
    *,
    windows_per_bin: int,
    max_windows: int,
    progress: bool | None,
) -> Prediction:
    """Predicts the reference over regions: see `Model.predict`.

    Raises:
      InputError: a region or an option cannot be used.
      EnformerVepError: the model failed.
    """
    with session.lock:
        session.check_open()
        _check_precision(session)
        intervals = find_regions(parse_regions(to_regions(regions)), session.genome)
        geometry = session.opened.loaded.model.config.geometry
        spans = covering_bins(intervals, geometry.bin_size_bp)
        try:
            windows = tiles(spans, geometry, windows_per_bin)
        except ValueError as error:
            raise InputError(str(error)) from error
        if len(windows) > max_windows:
            raise InputError(
                f"the regions take {plural(len(windows), 'window')}: expected at most {max_windows:,}; choose smaller "
                "regions, or raise max_windows"
            )
        scorer = session.scorer(scoring)
        values = np.empty((sum(span.num_bins for span in spans), len(scorer.tracks.identifiers)), dtype=np.float32)
        found: list[BinSpan] = []
        done = 0
        with progress_of("windows", is_wanted=progress) as shown:
            shown.start(len(windows))
            for span, of_span in predicted_spans(
                scorer.engine, windows, windows_per_bin, scoring.views, session.opened_for(scoring), shown.done
            ):
                values[done : done + span.num_bins] = of_span
                done += span.num_bins
                found.append(span)
        return Prediction(values, _bins(found, session, geometry), scorer.tracks.table.copy())


def predict_alleles(session: Session, variant: OneVariant, scoring: ScoringSettings) -> AllelePrediction:
    """Predicts both alleles of a variant: see `Model.predict_alleles`.

    Raises:
      InputError: the variant or an option cannot be used.
      EnformerVepError: the model failed.
    """
    allele = one_allele(variant)
    with session.lock:
        session.check_open()
        _check_precision(session)
        geometry = session.opened.loaded.model.config.geometry
        scorer = session.scorer(scoring)
        (profile,) = variant_profiles(scorer, [allele.variant], geometry)
        if isinstance(profile, Unscored):
            raise InputError(f"{allele} cannot be predicted: {profile.detail} ({profile.reason})")
        span = BinSpan(profile.bins.contig, 0, geometry.num_bins, profile.bins.start)
        bins = _bins([span], session, geometry)
        name = ":".join(map(str, allele.variant))
        return AllelePrediction(name, profile.reference, profile.difference, bins, scorer.tracks.table.copy())


def one_allele(variant: OneVariant) -> VcfAllele:
    """Returns the only allele of what names a variant.

    Raises:
      InputError: it is not a variant, or has several ALT alleles.
    """
    alleles = read_variants([variant]).alleles
    if alleles[0].malformed:
        raise InputError(f"{variant!r} is not a variant: expected chr:pos:ref:alt, such as chr1:1000:A:G")
    if len(alleles) > 1:
        raise InputError(f"{variant!r} has {len(alleles)} ALT alleles: expected one")
    return alleles[0]


def _check_precision(session: Session) -> None:
    precision = session.compute.precision
    if precision not in PREDICT_PRECISIONS:
        raise InputError(
            f"a model in precision {precision!r} is made for differences between alleles: open it with "
            f"{' or '.join(PREDICT_PRECISIONS)} to predict tracks"
        )


def _bins(spans: Sequence[BinSpan], session: Session, geometry: Geometry) -> pd.DataFrame:
    edges = [span.edges(session.genome.contigs[span.contig], geometry.bin_size_bp) for span in spans]
    found: pd.DataFrame = pd.DataFrame(
        {
            "chrom": pd.Series([span.contig for span in spans for _ in range(span.num_bins)], dtype=str),
            "start": np.concatenate([starts for starts, _ in edges]),
            "end": np.concatenate([ends for _, ends in edges]),
        }
    )
    return found


def _wide(bins: pd.DataFrame, values: Float32s, tracks: pd.DataFrame) -> pd.DataFrame:
    found: pd.DataFrame = pd.concat([bins, pd.DataFrame(values, columns=list(tracks["identifier"]))], axis=1)
    return found


def _array(values: dict[str, Float32s], bins: pd.DataFrame, tracks: pd.DataFrame) -> "xarray.DataArray":
    check_installed("xarray")
    import xarray

    coords = {"track": tracks["identifier"].to_numpy(), **{name: ("bin", bins[name].to_numpy()) for name in bins}}
    arrays = list(values.values())
    if len(arrays) == 1:
        return xarray.DataArray(arrays[0], dims=("bin", "track"), coords=coords, name="prediction")
    coords["allele"] = list(values)
    return xarray.DataArray(np.stack(arrays), dims=("allele", "bin", "track"), coords=coords, name="prediction")
