"""The one table of everything that can be fetched: where it is published, how large it is, and its checksum."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

Source = Literal["bucket", "kaggle", "huggingface"]
SOURCES: tuple[Source, ...] = get_args(Source)

WEIGHTS = "weights"
TRACKS = "tracks"

KAGGLE_HANDLE = "deepmind/enformer/tensorFlow2/enformer/1"
HUGGING_FACE_REPOSITORY = "EleutherAI/enformer-official-rough"
HUGGING_FACE_FILE = "pytorch_model.bin"

_BUCKET = "https://storage.googleapis.com/dm-enformer/models/enformer/sonnet_weights/"
_TABLES = "https://raw.githubusercontent.com/calico/basenji/0.5/manuscripts/cross2020/"
_UCSC = "https://hgdownload.soe.ucsc.edu/goldenPath/"


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be downloaded.

    Attributes:
      url: where it is published.
      place: where it lies below a mirror's URL, and below the cache's folder `downloads`.
      size: its length in bytes, None if it is not known. It is shown and never relied on.
      checksum: 'sha256:...' or 'md5:...', None if the file is checked in another way.
      room: how many times its length is needed on the disk until it is finished.
    """

    url: str
    place: str
    size: int | None = None
    checksum: str | None = None
    room: float = 1.0

    def at(self, mirror: str | None) -> str:
        """Returns its URL on a mirror, or where it is published."""
        return self.url if mirror is None else f"{mirror.rstrip('/')}/{self.place}"


@dataclass(frozen=True)
class Item:
    """Files that are fetched together.

    Attributes:
      name: the word that asks for it.
      files: its files.
    """

    name: str
    files: tuple[RemoteFile, ...]


@dataclass(frozen=True)
class RemoteGenome:
    """A genome of UCSC.

    Attributes:
      name: UCSC's name.
      assembly: what others call it.
      fasta: the gzipped FASTA. Its checksum is the one that UCSC's list had when this table was made.
      checksums: UCSC's list of MD5 sums beside it, which is asked first.
      aliases: other names that ask for it, in lower case.
    """

    name: str
    assembly: str
    fasta: RemoteFile
    checksums: RemoteFile
    aliases: tuple[str, ...] = ()

    @property
    def item(self) -> Item:
        """The files to fetch, the list of checksums first."""
        return Item(self.name, (self.checksums, self.fasta))


def _weights(name: str, size: int | None = None) -> RemoteFile:
    return RemoteFile(_BUCKET + name, f"models/enformer/{name}", size)


def _table(head: str, size: int, sha256: str) -> RemoteFile:
    name = f"targets_{head}.txt"
    return RemoteFile(_TABLES + name, f"tracks/{name}", size, f"sha256:{sha256}")


def _genome(name: str, assembly: str, size: int | None, md5: str, *aliases: str) -> RemoteGenome:
    folder = f"{_UCSC}{name}/bigZips/"
    # The download and the bgzipped file, which is a little larger, are there at the same time.
    fasta = RemoteFile(f"{folder}{name}.fa.gz", f"genomes/{name}/{name}.fa.gz", size, f"md5:{md5}", room=2.1)
    checksums = RemoteFile(f"{folder}md5sum.txt", f"genomes/{name}/md5sum.txt")
    return RemoteGenome(name, assembly, fasta, checksums, aliases)


_ITEMS = {
    # They are checked by the CRC-32C of every tensor.
    WEIGHTS: Item(
        WEIGHTS,
        (
            _weights("checkpoint"),
            _weights("enformer-fine-tuned-human-1.index"),
            _weights("enformer-fine-tuned-human-1.data-00000-of-00001", 1_005_000_000),
        ),
    ),
    TRACKS: Item(
        TRACKS,
        (
            _table("human", 800_919, "d90233175a9fec389e5ac04cc4aac8cfc08c4aa86217e2e5c10221de78023580"),
            _table("mouse", 250_458, "f76c869a38bfc79690d7a43e86f155db9b8ac8085ff5a717f99358b3253cd230"),
        ),
    ),
}
ITEMS: Mapping[str, Item] = MappingProxyType(_ITEMS)

_GENOMES = {
    genome.name: genome
    for genome in (
        _genome("hg38", "GRCh38", 983_659_424, "1c9dcaddfa41027f17cd8f7a82c7293b"),
        _genome("hg19", "GRCh37", 948_731_000, "806c02398f5ac5da8ffd6da2d1d5d1a9"),
        _genome("mm10", "GRCm38", 870_000_000, "db005b65828db31735f384e4c5787be5"),
        _genome("mm39", "GRCm39", None, "41ace1b7157b98b393746aef5d1287a8"),
        _genome(
            "hs1",
            "T2T-CHM13v2.0",
            None,
            "a493d5402cc86ecc3f54f6346d980036",
            *("chm13", "chm13v2", "chm13v2.0", "t2t-chm13", "t2t-chm13v2", "t2t-chm13v2.0", "t2t"),
        ),
    )
}
GENOMES: Mapping[str, RemoteGenome] = MappingProxyType(_GENOMES)


def find_genome(name: str) -> RemoteGenome | None:
    """Returns the genome that goes by a name, in either case; None if there is none."""
    name = name.lower()
    return next((genome for genome in GENOMES.values() if name in (genome.name, *genome.aliases)), None)


def genome_choices() -> str:
    """Returns the genomes' names for a message."""
    return ", ".join(f"{genome.name} ({genome.assembly})" for genome in GENOMES.values())
