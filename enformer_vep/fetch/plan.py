"""Says what would be downloaded, for those who carry files by hand or keep a mirror."""

from collections.abc import Sequence

from enformer_vep.fetch.cache import Cache
from enformer_vep.fetch.remote import (
    HUGGING_FACE_FILE,
    HUGGING_FACE_REPOSITORY,
    KAGGLE_HANDLE,
    WEIGHTS,
    Item,
    Source,
)
from enformer_vep.wording import sized

COLUMNS = ("url", "size", "checksum", "place")

_PAGES: dict[Source, tuple[str, str]] = {
    "kaggle": (f"https://www.kaggle.com/models/{KAGGLE_HANDLE}", "saved_model.pb and the folder variables"),
    "huggingface": (f"https://huggingface.co/{HUGGING_FACE_REPOSITORY}", HUGGING_FACE_FILE),
}


def plan(items: Sequence[Item], cache: Cache, *, mirror: str | None = None, source: Source = "bucket") -> str:
    """Returns a tab-separated table of the files with their URLs, sizes, checksums and places, and how to use it.

    Args:
      items: what is wanted.
      cache: where it is to go.
      mirror: the mirror that has the files, None for where they are published.
      source: where the weights come from.
    """
    rows, notes = [COLUMNS], []
    for item in items:
        if item.name == WEIGHTS and source != "bucket":
            page, what = _PAGES[source]
            notes.append(f"from {page} take {what}, put it into {cache.weights} and give the same command")
            continue
        for file in item.files:
            size = "" if file.size is None else f"about {sized(file.size)}"
            checksum = file.checksum or ("CRC-32C of each tensor" if item.name == WEIGHTS else "")
            rows.append((file.at(mirror), size, checksum, file.place))
    if len(rows) > 1:
        notes.append(
            f"by hand: put each file at its place in {cache.downloads} and give the same command, which checks"
        )
        notes.append(
            "the files and, for a genome, compresses it with bgzip and indexes it; it needs no connection then"
        )
        notes.append("mirror: a web server with the files at their places; name its URL with --mirror")
    table = ["\t".join(row) for row in rows] if len(rows) > 1 else []
    return "\n".join(table + [f"# {note}" for note in notes])
