"""The data that the page's script reads, as JSON has them: columns, with names that occur often written once."""

from collections.abc import Hashable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from enformer_vep.report.contents import Contents, Detailed, Float32s, GeneColumns, Logo, NearGene, Profile, Tracks

MAX_ID_CHARACTERS = 60
MAX_ALLELE_CHARACTERS = 40
MAX_NAME_CHARACTERS = 200
"""The length that a longer text is cut to, so that hostile input cannot make the page large."""

NUM_BIOSAMPLES = 25
"""Rows of a heat map."""

LARGEST = 65504.0
"""What infinite scores are shown as: the largest float16, beyond which scores written as float16 are infinite."""

T = TypeVar("T", bound=Hashable)


class Dictionary:
    """Numbers different values in the order in which they first occur."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def number(self, value: Any) -> int:
        """Returns a value's number."""
        return self._numbers.setdefault(value, len(self._numbers))

    @property
    def values(self) -> list[Any]:
        """The values by number."""
        return list(self._numbers)


def cut(text: str, most: int) -> str:
    """Returns a text, or its beginning and how long it is."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def rounded(values: npt.NDArray[Any], digits: int = 5) -> list[Any]:
    """Returns numbers with some significant digits, as nested lists; NaN is None, and infinity a large number."""
    finite = np.where(np.isinf(values), np.copysign(LARGEST, values), values)
    texts = [None if value != value else float(f"{value:.{digits}g}") for value in finite.ravel().tolist()]
    if values.ndim == 1:
        return texts
    width = values.shape[1]
    return [texts[start : start + width] for start in range(0, len(texts), width)]


def payload(contents: Contents) -> dict[str, Any]:
    """Returns the data that the script reads: numbers, texts, lists and objects alone."""
    alleles, chroms, tracks, genes = contents.alleles, Dictionary(), Dictionary(), Dictionary()
    fields = alleles.fields
    values: dict[str, Any] = {
        "statistic": contents.statistic,
        "groups": list(contents.groups),
        "counts": vars(contents.counts),
        "chrom": [chroms.number(cut(str(name), MAX_ID_CHARACTERS)) for name in fields["chrom"]],
        "pos": list(fields["pos"]),
        "id": [cut(str(text), MAX_ID_CHARACTERS) for text in fields["id"]],
        "ref": [cut(str(text), MAX_ALLELE_CHARACTERS) for text in fields["ref"]],
        "alt": [cut(str(text), MAX_ALLELE_CHARACTERS) for text in fields["alt"]],
        "record": list(fields["record"]),
        "allele": list(fields["allele"]),
        "track": [[tracks.number(place) for place in row] for row in alleles.track.tolist()],
        "score": rounded(alleles.score),
        "percentile": None if alleles.percentile is None else rounded(alleles.percentile, 6),
        "genes": None if contents.genes is None else _genes(contents.genes, genes),
        "histogram": {
            "lower": list(contents.histogram.lower),
            "counts": contents.histogram.counts.T.tolist(),
            "zeros": contents.histogram.zeros.tolist(),
            "perDecade": contents.histogram.per_decade,
        },
        "detailed": [_detailed(one, contents, tracks, genes) for one in contents.detailed],
    }
    values["chroms"] = chroms.values
    values["tracks"] = [_track(place, contents.tracks) for place in tracks.values]
    values["geneNames"] = genes.values
    return values


def _track(place: int, tracks: Tracks) -> list[str]:
    texts = (tracks.identifiers[place], tracks.descriptions[place], tracks.groups[place])
    return [cut(text, MAX_NAME_CHARACTERS) for text in texts]


def _genes(genes: GeneColumns, names: Dictionary) -> dict[str, Any]:
    def of(genes: Sequence[NearGene | None]) -> list[list[Any] | None]:
        return [None if gene is None else _gene(gene, names)[:4] for gene in genes]

    strongest = None if genes.strongest is None else of(genes.strongest)
    return {"statistic": genes.statistic, "nearest": of(genes.nearest), "strongest": strongest}


def _gene(gene: NearGene, names: Dictionary) -> list[Any]:
    name = names.number(cut(gene.name, MAX_ID_CHARACTERS))
    label = cut(gene.label, MAX_NAME_CHARACTERS)
    score = None if gene.score is None else rounded(np.array([gene.score]))[0]
    return [name, gene.strand, gene.distance_bp, score, label]


def _detailed(one: Detailed, contents: Contents, tracks: Dictionary, genes: Dictionary) -> dict[str, Any]:
    return {
        "place": one.place,
        "heat": _heat_map(one.scores, contents, tracks),
        "genes": [_gene(gene, genes) for gene in one.genes],
        "profile": None if one.profile is None else _profile(one.profile, tracks),
        "noProfile": cut(one.no_profile, MAX_NAME_CHARACTERS),
        "logos": [_logo(logo) for logo in one.logos],
    }


def _heat_map(scores: Float32s, contents: Contents, tracks: Dictionary) -> dict[str, Any]:
    """Returns the strongest track of each group in each biosample: those in which anything changes most.

    Each row has, for each group, the track's number and its score, or None where nothing was measured.
    """
    column = {group: number for number, group in enumerate(contents.groups)}
    strongest: dict[str, dict[int, int]] = {}
    order = np.argsort(-np.abs(scores), kind="stable")
    for place in order.tolist():
        cells = strongest.setdefault(contents.tracks.biosamples[place], {})
        cells.setdefault(column[contents.tracks.groups[place]], place)
    rows = []
    for biosample, cells in list(strongest.items())[:NUM_BIOSAMPLES]:
        row: list[Any] = [None] * len(contents.groups)
        for number, place in cells.items():
            row[number] = [tracks.number(place), rounded(scores[[place]])[0]]
        rows.append([cut(biosample, MAX_ID_CHARACTERS), row])
    return {"rows": rows, "numBiosamples": len(strongest)}


def _profile(profile: Profile, tracks: Dictionary) -> dict[str, Any]:
    return {
        "start": profile.start,
        "binSize": profile.bin_size_bp,
        "tracks": [tracks.number(place) for place in profile.tracks],
        "reference": rounded(profile.reference.T, 4),
        "difference": rounded(profile.difference.T, 3),
        "genes": [[cut(gene.name, MAX_ID_CHARACTERS), gene.strand, gene.pos] for gene in profile.genes],
    }


def _logo(logo: Logo) -> dict[str, Any]:
    return {
        "source": logo.source,
        "explained": cut(logo.explained, MAX_NAME_CHARACTERS),
        "rows": [
            {
                "allele": row.allele,
                "start": row.start,
                "letters": row.letters,
                "heights": rounded(row.heights, 3),
                "changed": list(row.changed),
            }
            for row in logo.rows
        ],
    }
