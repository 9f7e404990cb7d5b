"""The identity of a run: its inputs and settings, which do not depend on where, when and in how many parts it runs."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from enformer_vep.run.file_identity import FileIdentity
from enformer_vep.run.json_values import to_json_values

RUN_RECORD_FORMAT = 3
"""To be raised when an item is added or removed, or changes its meaning."""


class Difference(NamedTuple):
    """An item in which two records differ: its name as a path with dots, and both values, None for no such item."""

    item: str
    first: Any
    second: Any


@dataclass(frozen=True)
class FastaIdentity(FileIdentity):
    """A FASTA and its index."""

    index: FileIdentity | None = None


@dataclass(frozen=True)
class ModelIdentity:
    """A model.

    Attributes:
      name: as it calls itself.
      file: the file that identifies its weights: the index of a checkpoint, or the one file that they are in.
      format: as `WeightsIdentity.file_format` names it.
      tensors_sha256: digest of the keys and checksums of its tensors.
      is_published: whether the tensors are the published ones.
      config: its sizes.
    """

    name: str
    file: FileIdentity
    format: str
    tensors_sha256: str
    is_published: bool
    config: dict[str, Any]


@dataclass(frozen=True)
class TracksIdentity:
    """The number of tracks, and a digest of their table."""

    num_tracks: int
    sha256: str


@dataclass(frozen=True)
class SelectionIdentity:
    """The numbers of regions and IDs of a selection, and a digest of them."""

    num_regions: int
    pass_only: bool
    num_include_ids: int | None
    sha256: str


@dataclass(frozen=True)
class ViewsIdentity:
    """How variants are looked at: see `ViewSettings`."""

    reverse_complement: bool
    shifts: tuple[int, ...]
    indels: str


@dataclass(frozen=True)
class GenesIdentity:
    """The annotation whose genes are scored, and how: see `GeneSettings`."""

    gtf: FileIdentity
    transcripts: str
    bins: int
    window: str
    statistics: tuple[str, ...]
    tracks: TracksIdentity
    columns: str


@dataclass(frozen=True)
class SaturationIdentity:
    """The bases whose changes are scored, how many of them are N and have none, the deletions, and a digest."""

    num_regions: int
    num_bases: int
    num_unknown_bases: int
    max_deletion_bp: int
    num_deletions_left_out: int
    sha256: str


@dataclass(frozen=True)
class RunIdentity:
    """The inputs and settings of a run; two runs that agree in all of it write the same bytes for the same alleles.

    `background` is the file of the percentiles, None if there are none. Of a saturation, `vcf` is the list of changes.
    The rest is named as in the settings.

    It does not depend on where, when and in how many parts and shards they run.
    """

    format: int
    notice: str | None
    versions: dict[str, str]
    vcf: FileIdentity
    fasta: FastaIdentity
    model: ModelIdentity
    head: str
    statistics: tuple[str, ...]
    tracks: TracksIdentity
    selection: SelectionIdentity
    placement: str
    bins: str
    views: ViewsIdentity
    engine: str
    precision: str
    device: str
    is_deterministic: bool
    batch_size: int
    layout: str
    dtype: str
    summary: str
    background: FileIdentity | None = None
    genes: GenesIdentity | None = None
    saturation: SaturationIdentity | None = None

    def differences(self, other: "RunIdentity") -> list[Difference]:
        """Returns the items in which another run differs; none may, neither between shards nor to resume a run."""
        found = find_differences(to_json_values(self), to_json_values(other))
        # Other bases are another list of changes too, whose digest says less.
        return sorted(found, key=lambda difference: not difference.item.startswith("saturation"))


@dataclass(frozen=True)
class ShardRecord:
    """Which alleles a shard has.

    Attributes:
      number: of the shard, from 1.
      of: number of shards.
      first_allele: its first allele, from 0.
      end_allele: the one after its last.
      num_alleles: alleles of all shards.
    """

    number: int
    of: int
    first_allele: int
    end_allele: int
    num_alleles: int

    def differences_in_division(self, other: "ShardRecord") -> list[Difference]:
        """Returns the items in which another shard of the same run must not differ."""
        mine, its = ({"of": shard.of, "num_alleles": shard.num_alleles} for shard in (self, other))
        return find_differences(mine, its, "shard")


def find_differences(first: Any, second: Any, name: str = "") -> list[Difference]:
    """Returns the items in which two values of a record differ, those within dictionaries by themselves."""
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return [] if first == second else [Difference(name, first, second)]
    return [
        found
        for key in {**second, **first}
        for found in find_differences(first.get(key), second.get(key), f"{name}.{key}".lstrip("."))
    ]
