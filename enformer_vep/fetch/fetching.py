"""Fetches the items of a command, each once, and plans downloads by other programs."""

import logging
import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from enformer_vep.errors import InputError
from enformer_vep.fetch.cache import Cache
from enformer_vep.fetch.download import Downloader, checksum_of, locked
from enformer_vep.fetch.genomes import fetch_genome, is_fetched
from enformer_vep.fetch.remote import (
    GENOMES,
    HUGGING_FACE_FILE,
    HUGGING_FACE_REPOSITORY,
    ITEMS,
    KAGGLE_HANDLE,
    TRACKS,
    WEIGHTS,
    Item,
    RemoteFile,
    Source,
    find_genome,
    genome_choices,
)
from enformer_vep.fetch.transfer import Patience, write_error
from enformer_vep.fetch.weights import CheckWeights, fetch_weights, source_of
from enformer_vep.wording import did_you_mean, sized

logger = logging.getLogger(__name__)

_GENOME = "genome"


@dataclass(frozen=True)
class FetchSettings:
    """The settings of `fetch`.

    Attributes:
      items: the wanted items, each once.
      cache: where it goes.
      mirror: a web folder that has the files, None for where they are published.
      source: where the weights come from.
      force: whether items that are there are fetched again.
      is_quiet: whether no progress is shown.
      patience: how long servers are waited for.
    """

    items: tuple[Item, ...]
    cache: Cache
    mirror: str | None = None
    source: Source = "bucket"
    force: bool = False
    is_quiet: bool = False
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        if self.mirror is not None and not self.mirror.lower().startswith(("http://", "https://")):
            raise InputError(f"the mirror {self.mirror!r} is not a URL: expected http://... or https://...")


def parse_words(words: Sequence[str]) -> tuple[Item, ...]:
    """Reads 'weights tracks genome hg38' as items, each once; a genome's name alone will do.

    Raises:
      InputError: a word is unknown, or 'genome' is not followed by the name of one.
    """
    wanted: dict[str, Item] = {}
    after_genome = False
    for word in words:
        genome = find_genome(word)
        if genome is not None:
            wanted[genome.name] = genome.item
        elif after_genome:
            raise InputError(
                f"unknown genome {word!r}: expected {genome_choices()}{did_you_mean(word, GENOMES, likeness=0.5)}"
            )
        elif word.lower() in ITEMS:
            wanted[word.lower()] = ITEMS[word.lower()]
        elif word.lower() != _GENOME:
            raise InputError(
                f"nothing to fetch is called {word!r}: expected {WEIGHTS}, {TRACKS} or a genome of "
                f"{genome_choices()}{did_you_mean(word, (*ITEMS, *GENOMES))}"
            )
        after_genome = genome is None and word.lower() == _GENOME
    if after_genome:
        raise InputError(f"genome needs the name of one: expected {genome_choices()}, as in genome hg38")
    return tuple(wanted.values())


def fetch(settings: FetchSettings, check_weights: CheckWeights) -> list[Path]:
    """Fetches everything that is wanted and not there.

    Args:
      settings: what is wanted.
      check_weights: checks the official weights in a folder.

    Returns:
      Where each item is: the weights' folder, the track tables' folder, a genome's FASTA.

    Raises:
      FetchError: something cannot be fetched. What was fetched before it stays.
      InputError: the weights are not the official ones.
    """
    downloader = Downloader(settings.cache, settings.mirror, settings.is_quiet, settings.patience)
    places = []
    for item in settings.items:
        # What is there is found without the lock, which a shared cache may not let this user take.
        with nullcontext() if _is_there(item, settings) else locked(settings.cache, item.name):
            places.append(_fetch(item, settings, downloader, check_weights))
    return places


def _is_there(item: Item, settings: FetchSettings) -> bool:
    if settings.force:
        return False
    if item.name == WEIGHTS:
        return source_of(settings.cache.weights) is not None
    if item.name == TRACKS:
        return all(_is_right(settings.cache.folder / file.place, file) for file in item.files)
    return is_fetched(settings.cache.genome(item.name))


def _fetch(item: Item, settings: FetchSettings, downloader: Downloader, check_weights: CheckWeights) -> Path:
    cache = settings.cache
    if item.name == WEIGHTS:
        return fetch_weights(settings.source, downloader, check_weights, force=settings.force)
    is_there = _is_there(item, settings)  # now that no other process is fetching it
    if item.name == TRACKS:
        if not is_there:
            _fetch_tables(item, downloader)
        return cache.folder / "tracks"
    return cache.genome(item.name) if is_there else fetch_genome(GENOMES[item.name], downloader)


def _fetch_tables(item: Item, downloader: Downloader) -> None:
    for file in item.files:
        final = downloader.cache.folder / file.place
        if final.is_file() and not _is_right(final, file):
            logger.warning("%s is not the published table, and is replaced", final)
        table = downloader.get(file, file.checksum)
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            os.replace(table, final)
        except OSError as error:
            raise write_error(final, error) from error


def _is_right(path: Path, file: RemoteFile) -> bool:
    return path.is_file() and file.checksum is not None and checksum_of(path, file.checksum) == file.checksum


COLUMNS = ("url", "size", "checksum", "place")

_PAGES: dict[Source, tuple[str, str]] = {
    "kaggle": (f"https://www.kaggle.com/models/{KAGGLE_HANDLE}", "saved_model.pb and the folder variables"),
    "huggingface": (f"https://huggingface.co/{HUGGING_FACE_REPOSITORY}", HUGGING_FACE_FILE),
}


def plan(items: Sequence[Item], cache: Cache, *, mirror: str | None = None, source: Source = "bucket") -> str:
    """Returns a tab-separated table of the files with their URLs, sizes, checksums and places, and how to use it.

    Args:
      items: the wanted items.
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
