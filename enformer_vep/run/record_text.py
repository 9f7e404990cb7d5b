"""The records of commands that write their output in one go, as JSON text."""

import json
from pathlib import Path
from typing import Any

from enformer_vep.run.json_values import to_json_values


def record_text(identity: Any, course: Any | None = None) -> bytes:
    """Returns a record as JSON text; without a course it is that of a file, which is the same for equal runs.

    Args:
      identity: a dataclass of the inputs and settings, which do not depend on where and when the command runs.
      course: a dataclass of where and how it ran.
    """
    values: dict[str, Any] = to_json_values(identity) | ({} if course is None else to_json_values(course))
    return json.dumps(values, indent=None if course is None else 2).encode() + (b"" if course is None else b"\n")


def is_record_of(path: Path, kind: str) -> bool:
    """Returns whether a file is the record of a run of a command, of any version.

    Args:
      path: the file.
      kind: what the record's item `kind` must be.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and record.get("kind") == kind
