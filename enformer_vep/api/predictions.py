"""Predicted tracks: of regions of the genome, and of both alleles of a variant, which can be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from enformer_vep.api.arrays import check_installed
from enformer_vep.api.options import read
from enformer_vep.api.variants import OneVariant, read_variants
from enformer_vep.errors import InputError
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.tiling import BinSpan
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.options.values import Path, read_regions
from enformer_vep.plots import check_plot_support
from enformer_vep.run.arguments import find_regions, parse_regions
from enformer_vep.run.plot.pages import PageMaker
from enformer_vep.run.plot.settings import PageSettings
from enformer_vep.run.predict.regions import find_windows, predicted_spans
from enformer_vep.run.predict.settings import PREDICT_PRECISIONS
from enformer_vep.run.progress import notebook_progress
from enformer_vep.run.score.genes import open_genes
from enformer_vep.run.score.placed import Unscored
from enformer_vep.run.session import Session
from enformer_vep.run.settings import GeneSettings, ScoringSettings
from enformer_vep.wording import plural

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

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
    with session.turn():
        _check_precision(session)
        intervals = find_regions(parse_regions(read_regions(regions)), session.genome)
        model = session.model_for(scoring)
        spans, windows = find_windows(intervals, model.geometry, windows_per_bin)
        if len(windows) > max_windows:
            raise InputError(
                f"the regions take {plural(len(windows), 'window')}: expected at most {max_windows:,}; choose smaller "
                "regions, or raise max_windows"
            )
        values = np.empty((sum(span.num_bins for span in spans), len(model.tracks.identifiers)), dtype=np.float32)
        predicted: list[BinSpan] = []
        num_bins = 0
        with notebook_progress("windows", is_wanted=progress) as shown:
            shown.start(len(windows))
            for span, of_span in predicted_spans(session, scoring, windows, windows_per_bin, shown.done):
                values[num_bins : num_bins + span.num_bins] = of_span
                num_bins += span.num_bins
                predicted.append(span)
        return Prediction(values, _bins(predicted, session, model.geometry), model.tracks.table.copy())


def predict_alleles(session: Session, variant: OneVariant, scoring: ScoringSettings) -> AllelePrediction:
    """Predicts both alleles of a variant: see `Model.predict_alleles`.

    Raises:
      InputError: the variant or an option cannot be used.
      EnformerVepError: the model failed.
    """
    allele = one_allele(variant)
    with session.turn():
        _check_precision(session)
        scorer = session.scorer(scoring)
        (profile,) = scorer.profiles([allele])
        if isinstance(profile, Unscored):
            raise InputError(f"{allele} cannot be predicted: {profile.detail} ({profile.reason})")
        span = BinSpan(profile.bins.contig, 0, scorer.geometry.num_bins, profile.bins.start)
        bins = _bins([span], session, scorer.geometry)
        name = ":".join(map(str, allele.variant))
        return AllelePrediction(name, profile.reference, profile.difference, bins, scorer.tracks.table.copy())


def plot_variant(
    session: Session,
    variant: OneVariant,
    scoring: ScoringSettings,
    page: PageSettings,
    *,
    gtf: Path | None,
    progress: bool | None,
) -> "Figure":
    """Draws both alleles of a variant: see `Model.plot`.

    Raises:
      InputError: the variant or an option cannot be used, or matplotlib is not installed.
      EnformerVepError: the model failed.
    """
    allele = one_allele(variant)
    check_plot_support()
    from enformer_vep.plots.page import draw_page
    from enformer_vep.plots.style import page_style

    with session.turn():
        genes = open_genes(GeneSettings(read("gtf", gtf, "plot")), session.genome)
        maker = PageMaker(session, scoring, page, genes)
        with notebook_progress("alleles", is_wanted=progress) as shown:
            shown.start(maker.num_alleles(allele.variant))
            made = maker.make(allele, shown.done)
    if isinstance(made, Unscored):
        raise InputError(f"{allele} cannot be plotted: {made.detail} ({made.reason})")
    with page_style():
        return draw_page(made, page.width_mm)


def one_allele(variant: OneVariant) -> VcfAllele:
    """Returns the allele of a variant that is given as a text, a tuple or a Variant.

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
    frame: pd.DataFrame = pd.DataFrame(
        {
            "chrom": pd.Series([span.contig for span in spans for _ in range(span.num_bins)], dtype=str),
            "start": np.concatenate([starts for starts, _ in edges]),
            "end": np.concatenate([ends for _, ends in edges]),
        }
    )
    return frame


def _wide(bins: pd.DataFrame, values: Float32s, tracks: pd.DataFrame) -> pd.DataFrame:
    frame: pd.DataFrame = pd.concat([bins, pd.DataFrame(values, columns=list(tracks["identifier"]))], axis=1)
    return frame


def _array(values: dict[str, Float32s], bins: pd.DataFrame, tracks: pd.DataFrame) -> "xarray.DataArray":
    check_installed("xarray")
    import xarray

    coords = {"track": tracks["identifier"].to_numpy(), **{name: ("bin", bins[name].to_numpy()) for name in bins}}
    arrays = list(values.values())
    if len(arrays) == 1:
        return xarray.DataArray(arrays[0], dims=("bin", "track"), coords=coords, name="prediction")
    coords["allele"] = list(values)
    return xarray.DataArray(np.stack(arrays), dims=("allele", "bin", "track"), coords=coords, name="prediction")
