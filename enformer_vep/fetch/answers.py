"""What the headers of a server's answer say (RFC 9110), and what an error of requests means."""

import re
from typing import Any

import requests


def validator(response: requests.Response) -> str:
    """Returns what identifies the version of a file in If-Range, which takes no weak tags; '' if nothing does."""
    etag = response.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")


def length(response: requests.Response) -> int | None:
    """Returns how many bytes the answer's body has, None if it does not say."""
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdigit() else None


def content_range(response: requests.Response) -> tuple[int, int | None]:
    """Returns where a partial answer begins, and the file's whole length."""
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if match is None:
        return -1, None
    return int(match[1]), None if match[2] == "*" else int(match[2])


def whole_length(response: requests.Response) -> int | None:
    """Returns the file's length that an answer 416 gives."""
    match = re.fullmatch(r"bytes \*/(\d+)", response.headers.get("Content-Range", ""))
    return None if match is None else int(match[1])


def plain_reason(error: Exception) -> str:
    """Returns the innermost reason of an error of requests, whose own text is long."""
    reason: Any = error.args[0] if error.args else error
    text = " ".join(str(getattr(reason, "reason", reason)).split())
    text = re.split(r"(?:\)|>): ", text, maxsplit=1)[-1]  # what comes before names an object
    return re.sub(r"\[Errno -?\d+\] ", "", text)
