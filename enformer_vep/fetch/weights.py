"""Fetches the official weights: from the public bucket, or from Kaggle or Hugging Face through their own clients.

One source at a time is in the cache, as one folder. A single rename gives it its place once it is whole and checked.
"""

import logging
import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from enformer_vep.errors import FetchError, InputError
from enformer_vep.fetch.download import Downloader
from enformer_vep.fetch.remote import HUGGING_FACE_FILE, HUGGING_FACE_REPOSITORY, ITEMS, KAGGLE_HANDLE, WEIGHTS, Source
from enformer_vep.fetch.transfer import write_error
from enformer_vep.wording import cause

logger = logging.getLogger(__name__)

CheckWeights = Callable[[Path], None]
"""Reads the weights in a folder from end to end; raises an InputError if they are damaged or not the official ones."""


def fetch_weights(source: Source, downloader: Downloader, check: CheckWeights, *, force: bool) -> Path:
    """Puts the official weights into the cache, or checks those that are there.

    Args:
      source: where they come from.
      downloader: gets files from the bucket, and knows the cache.
      check: checks them.
      force: whether weights that are there are fetched again and replaced.

    Returns:
      Their folder.

    Raises:
      FetchError: they cannot be fetched, or weights of another source are there.
      InputError: they are damaged, or not the official ones.
    """
    final = downloader.cache.weights
    present = source_of(final)
    if present is not None and not force:
        if present != source:
            raise FetchError(
                f"{final} has the weights of --source {present} already, and they give the same scores: keep them, or "
                "replace them with --force"
            )
        _check(check, final, "fetch them again with --force")
        return final
    if present is None and not force and final.is_dir() and any(final.iterdir()):
        raise FetchError(f"{final} has files, but no weights: move them away, or let --force replace the folder")
    if source == "bucket":
        folder = _from_bucket(downloader)
    else:
        folder = downloader.cache.downloads / source
        _FROM_CLIENT[source](folder, is_quiet=downloader.is_quiet)
    try:
        _check(check, folder, "nothing of them was kept")
    except InputError:
        _clear(folder)
        raise
    _move(folder, final)
    return final


def source_of(folder: Path) -> Source | None:
    """Returns where the weights in a folder came from, by their files; None if there are none."""
    if any(folder.glob("*.index")):
        return "bucket"
    if (folder / "saved_model.pb").is_file():
        return "kaggle"
    return "huggingface" if (folder / HUGGING_FACE_FILE).is_file() else None


def _from_bucket(downloader: Downloader) -> Path:
    files = [downloader.get(file) for file in ITEMS[WEIGHTS].files]
    return files[0].parent


def _from_kaggle(folder: Path, *, is_quiet: bool) -> None:
    try:
        import kagglehub
    except ImportError as error:
        raise _no_client("kaggle", "kagglehub") from error
    if is_quiet:
        logging.getLogger("kagglehub").setLevel(logging.WARNING)
    logger.info("downloading the Kaggle model %s", KAGGLE_HANDLE)
    # Without force_download, the client refuses a folder in which it was interrupted.
    place = Path(
        _asked(
            "Kaggle",
            lambda: kagglehub.model_download(KAGGLE_HANDLE, force_download=True, output_dir=str(folder)),
        )
    )
    if place.resolve() != folder.resolve():  # in a notebook of Kaggle or Colab, models are mounted elsewhere
        shutil.copytree(place, folder, dirs_exist_ok=True)


def _from_hugging_face(folder: Path, *, is_quiet: bool) -> None:
    try:
        import huggingface_hub
        from huggingface_hub.utils import disable_progress_bars  # which the package itself does not always import
    except ImportError as error:
        raise _no_client("huggingface", "huggingface_hub") from error
    if find_spec("torch") is None:  # without which the file could not be checked when it is there
        raise _no_client("huggingface", "torch")
    if is_quiet:
        disable_progress_bars()
    logger.info("downloading %s from the Hugging Face repository %s", HUGGING_FACE_FILE, HUGGING_FACE_REPOSITORY)
    _asked(
        "Hugging Face",
        lambda: huggingface_hub.hf_hub_download(HUGGING_FACE_REPOSITORY, HUGGING_FACE_FILE, local_dir=folder),
    )
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # the client's notes


_FROM_CLIENT: dict[Source, Callable[..., None]] = {"kaggle": _from_kaggle, "huggingface": _from_hugging_face}


def _no_client(source: Source, package: str) -> FetchError:
    return FetchError(
        f"--source {source} needs the package {package}: install it with pip install 'enformer-vep[{source}]', or "
        "leave out --source"
    )


def _asked(site: str, ask: Callable[[], Any]) -> str:
    """Calls a client, and turns whatever it raises into a FetchError."""
    try:
        return str(ask())
    except Exception as error:
        raise FetchError(f"{site}'s client could not download the weights: {cause(error)[:300]}") from error


def _check(check: CheckWeights, folder: Path, advice: str) -> None:
    logger.info("checking the weights in %s", folder)
    try:
        check(folder)
    except InputError as error:
        error.add(f"; {advice}")
        raise


def _clear(folder: Path) -> None:
    try:
        if folder.is_dir():
            shutil.rmtree(folder)
    except OSError as error:
        raise write_error(folder, error) from error


def _move(folder: Path, final: Path) -> None:
    """Renames a folder; one that has the name already is replaced."""
    old = final.with_name(f".{final.name}.old")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _clear(old)
        if final.exists():
            os.rename(final, old)
        os.rename(folder, final)
    except OSError as error:
        raise write_error(final, error) from error
    shutil.rmtree(old, ignore_errors=True)
