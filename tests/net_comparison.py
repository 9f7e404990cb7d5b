"""Compares what a case of the net (`tests/net.py`) wrote on two sides, and says the first difference in each file."""

import gzip
import json
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.net_cases import Step, steps

# ---- What is not compared ----

_DATE = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?"
_SCRUBBED = (
    (re.compile(r"^enformer-vep: (?:preparing, .* so far|[\d,]+ of [\d,]+ \w+ done.*)\n", re.MULTILINE), ""),
    (re.compile(r'^\{"event": "progress", .*\n', re.MULTILINE), ""),
    (re.compile(_DATE), "<time>"),
    (re.compile(r'("(?:seconds_\w+|alleles_per_second)":\s*)(?:null|-?[\d.]+(?:e-?\d+)?)'), r'\1"<duration>"'),
    (re.compile(r'("peak_memory_bytes":\s*)\d+'), r'\1"<memory>"'),
    (re.compile(r"(?<= in )[\d.e+]+ (?:s|min|h|d)(?: \d+ (?:min|h))?\b"), "<duration>"),
    (re.compile(r"(?<=\()[\d.e+-]+ s (?=per allele\))"), "<duration> "),
    (re.compile(r'((?:"enformer-vep":\s*"|enformer-vep,? (?:version )?|Version="))\d+\.\d+[\w.+-]*'), r"\1<version>"),
)


def scrub(text: str, paths: Sequence[tuple[str, str]]) -> str:
    """Takes out of a text what may differ between equal runs: paths, times, progress, memory, our version."""
    for path, name in paths:
        text = text.replace(path, name)
    for pattern, name in _SCRUBBED:
        text = pattern.sub(name, text)
    return text


# ---- Comparison: each function returns the first difference in words, or None ----


@dataclass(frozen=True)
class Side:
    """What one checkout wrote in a case.

    Attributes:
      folder: has `files`, what the commands wrote, and `log`, what they printed.
      paths: each path that stands in the output, and what replaces it.
    """

    folder: Path
    paths: tuple[tuple[str, str], ...]

    def scrub(self, text: str) -> str:
        return scrub(text, self.paths)

    def names(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if not path.is_dir()}


def read_side(folder: Path) -> Side:
    paths = tuple((path, name) for path, name in json.loads((folder / "paths.json").read_text()))
    return Side(folder, paths)


def compare_cases(case: Sequence[Step], base: Side, new: Side) -> list[str]:
    """Returns all files that differ, with the first difference in each."""
    differences = []
    for name, side in (("the base", base), ("this checkout", new)):
        for number, step in enumerate(case):
            code = (side.folder / "log" / f"{number:02}.exit_code").read_text()
            if code != str(step.exit_code):
                last = (
                    (side.folder / "log" / f"{number:02}.stderr").read_text(errors="replace").strip().splitlines()[-1:]
                )
                differences.append(
                    f"{step.title} ends with {code} instead of {step.exit_code} in {name}: {' '.join(last)[:300]}"
                )
    base_names, new_names = base.names(), new.names()
    differences += [f"{_title(name, case)} is missing" for name in sorted(base_names - new_names)]
    differences += [f"{_title(name, case)} is new" for name in sorted(new_names - base_names)]
    for name in sorted(base_names & new_names):
        if name.endswith(".exit_code"):
            continue
        if difference := compare_files(base.folder / name, new.folder / name, base, new):
            differences.append(f"{_title(name, case)}: {difference}")
    return differences


def _title(name: str, case: Sequence[Step]) -> str:
    folder, _, rest = name.partition("/")
    if folder != "log":
        return rest
    number, kind = rest.split(".")
    return f"{kind} of {case[int(number)].title}"


def compare_files(base_path: Path, new_path: Path, base: Side, new: Side) -> str | None:
    base_bytes, new_bytes = base_path.read_bytes(), new_path.read_bytes()
    if base_bytes == new_bytes:
        return None
    kind = base_path.suffix
    try:
        if kind == ".parquet":
            return compare_parquet(base_path, new_path, base, new)
        if kind == ".npz":
            return compare_npz(base_path, new_path, base, new)
        if kind in (".gz", ".bcf"):
            base_bytes, new_bytes = gzip.decompress(base_bytes), gzip.decompress(new_bytes)
            if base_bytes == new_bytes:
                return "the content is equal, and the compressed bytes differ"
        if kind == ".bcf":
            (base_header, base_bytes), (new_header, new_bytes) = _split_bcf(base_bytes), _split_bcf(new_bytes)
            return compare_texts(base_header, new_header, base, new) or compare_bytes(base_bytes, new_bytes)
        base_text, new_text = base_bytes.decode(), new_bytes.decode()
    except (OSError, ValueError) as error:
        return f"{compare_bytes(base_bytes, new_bytes)} (not comparable otherwise: {error})"
    if "\0" in base_text or "\0" in new_text:
        return compare_bytes(base_bytes, new_bytes)
    if kind == ".html":
        return compare_pages(base_text, new_text, base, new)
    if kind == ".json":
        return compare_json(base_text, new_text, base, new)
    return compare_texts(base_text, new_text, base, new)


def compare_bytes(base: bytes, new: bytes) -> str | None:
    if base == new:
        return None
    at = next(
        (i for i, (one, other) in enumerate(zip(base, new, strict=False)) if one != other), min(len(base), len(new))
    )
    sizes = f"{len(base)} bytes" if len(base) == len(new) else f"{len(base)} and {len(new)} bytes"
    return f"byte {at} of {sizes}: {base[at : at + 12]!r} and {new[at : at + 12]!r}"


def compare_texts(base_text: str, new_text: str, base: Side, new: Side) -> str | None:
    base_lines, new_lines = base.scrub(base_text).split("\n"), new.scrub(new_text).split("\n")
    for number, (one, other) in enumerate(zip_longest(base_lines, new_lines), 1):
        if one != other:
            return f"line {number}: {_apart(one, other)}"
    return None


def _apart(one: str | None, other: str | None) -> str:
    """Shows two texts from shortly before the place where they part."""
    if one is None or other is None:
        return f"{_short(one)} and {_short(other)}"
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    begin = max(at - 40, 0)
    return f"{_short(one[begin:])} and {_short(other[begin:])}"


def _short(value: Any, size: int = 160) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= size else f"{text[:size]}..."


def compare_json(base_text: str, new_text: str, base: Side, new: Side) -> str | None:
    base_text, new_text = base.scrub(base_text), new.scrub(new_text)
    if base_text == new_text:
        return None
    try:
        difference = compare_items(json.loads(base_text), json.loads(new_text))
    except ValueError as error:
        return f"no JSON ({error}): {_apart(base_text, new_text)}"
    return difference or f"the items are equal, and the text differs: {_apart(base_text, new_text)}"


def compare_items(base: Any, new: Any, place: str = "") -> str | None:
    if isinstance(base, dict) and isinstance(new, dict):
        if list(base) != list(new):
            missing, more = [key for key in base if key not in new], [key for key in new if key not in base]
            return (
                f"items of {place or 'the whole'}: missing {missing}, new {more}"
                if missing or more
                else (f"items of {place or 'the whole'} are in another order")
            )
        pairs: Iterable[tuple[Any, Any, Any]] = ((key, base[key], new[key]) for key in base)
    elif isinstance(base, list) and isinstance(new, list):
        if len(base) != len(new):
            return f"{place or 'the whole'} has {len(base)} and {len(new)} items"
        pairs = ((number, *pair) for number, pair in enumerate(zip(base, new, strict=True)))
    elif type(base) is type(new) and repr(base) == repr(new):
        return None
    elif isinstance(base, str) and isinstance(new, str):
        return f"{place}: {_apart(base, new)}"
    else:
        return f"{place}: {_short(base)} and {_short(new)}"
    return next((found for key, *pair in pairs if (found := compare_items(*pair, f"{place}[{key!r}]"))), None)


_PAYLOAD = re.compile(r'(<script type="application/json"[^>]*>)(.*?)(</script>)', re.DOTALL)


def compare_pages(base_text: str, new_text: str, base: Side, new: Side) -> str | None:
    payloads = [[match[1] for match in _PAYLOAD.findall(text)] for text in (base_text, new_text)]
    if len(payloads[0]) != len(payloads[1]):
        return f"{len(payloads[0])} and {len(payloads[1])} payloads"
    for one, other in zip(*payloads, strict=True):
        if difference := compare_json(one, other, base, new):
            return f"payload: {difference}"
    return compare_texts(_PAYLOAD.sub(r"\1\3", base_text), _PAYLOAD.sub(r"\1\3", new_text), base, new)


def compare_npz(base_path: Path, new_path: Path, base: Side, new: Side) -> str | None:
    with np.load(base_path, allow_pickle=False) as base_arrays, np.load(new_path, allow_pickle=False) as new_arrays:
        if base_arrays.files != new_arrays.files:
            return f"arrays {base_arrays.files} and {new_arrays.files}"
        scrubbed = False
        for name in base_arrays.files:
            one, other = base_arrays[name], new_arrays[name]
            if one.dtype.kind == other.dtype.kind == "U" and one.ndim == other.ndim == 0:
                difference = None if one == other else compare_json(str(one), str(other), base, new)
                scrubbed |= one != other
            else:
                difference = compare_arrays(one, other)
            if difference:
                return f"array {name}: {difference}"
    return None if scrubbed else "the arrays are equal, and the bytes of the file differ"


def compare_arrays(one: np.ndarray, other: np.ndarray) -> str | None:
    """Compares types, shapes and bits: NaN equals the same NaN, and -0 is not 0."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return f"{one.dtype} {list(one.shape)} and {other.dtype} {list(other.shape)}"
    if one.dtype.kind == "O":
        different = np.array([repr(a) != repr(b) for a, b in zip(one.ravel(), other.ravel(), strict=True)], bool)
        different = different.reshape(one.shape)
    elif one.dtype.kind == "f":
        bits = f"u{one.dtype.itemsize}"
        different = np.ascontiguousarray(one).view(bits) != np.ascontiguousarray(other).view(bits)
    else:
        different = one != other
    if not different.any():
        return None
    at = tuple(int(i) for i in np.argwhere(different)[0]) if one.ndim else ()
    return (
        f"{int(different.sum())} of {different.size} values differ, first at {list(at)}: {one[at]!r} and {other[at]!r}"
    )


def compare_parquet(base_path: Path, new_path: Path, base: Side, new: Side) -> str | None:
    one, other = pq.ParquetFile(base_path), pq.ParquetFile(new_path)
    names, new_names = one.schema_arrow.names, other.schema_arrow.names
    if names != new_names:
        missing, more = (
            [name for name in names if name not in new_names],
            [name for name in new_names if name not in names],
        )
        return f"columns: missing {missing}, new {more}" if missing or more else "columns are in another order"
    for name in names:
        fields = [str(schema.schema_arrow.field(name)) for schema in (one, other)]
        if fields[0] != fields[1]:
            return f"column {name}: {fields[0]} and {fields[1]}"
    if one.metadata.num_rows != other.metadata.num_rows:
        return f"{one.metadata.num_rows} and {other.metadata.num_rows} rows"
    tables = [file.read() for file in (one, other)]
    for name in names:
        if difference := _compare_columns(*(table[name] for table in tables)):
            return f"column {name}: {difference}"
    if difference := compare_items(_layout(one), _layout(other)):
        return f"layout: {difference}"
    if _before_the_footer(base_path) != _before_the_footer(new_path):
        return "the values are equal, and the bytes before the footer differ"
    metadata = [file.schema_arrow.metadata or {} for file in (one, other)]
    if list(metadata[0]) != list(metadata[1]):
        return f"metadata: items {list(metadata[0])} and {list(metadata[1])}"
    scrubbed = False
    for key, value in metadata[0].items():
        values = value.decode(), metadata[1][key].decode()
        if values[0] != values[1]:
            scrubbed = True
            compare = compare_json if value[:1] in (b"{", b"[") else compare_texts
            if difference := compare(*values, base, new):
                return f"metadata {key.decode()}: {difference}"
    return None if scrubbed else "all is equal, and the bytes of the footer differ"


def _compare_columns(one: pa.ChunkedArray, other: pa.ChunkedArray) -> str | None:
    first, second = one.combine_chunks(), other.combine_chunks()
    if pa.types.is_list(one.type) or pa.types.is_large_list(one.type) or pa.types.is_fixed_size_list(one.type):
        lengths = [array.is_null().to_pylist() for array in (first, second)]
        if lengths[0] != lengths[1] or first.value_lengths() != second.value_lengths():
            return "the lists have other lengths"
        first, second = first.flatten(), second.flatten()
    if first.is_null() != second.is_null():
        return "other rows are null"
    if pa.types.is_floating(first.type):
        return compare_arrays(first.to_numpy(zero_copy_only=False), second.to_numpy(zero_copy_only=False))
    if first.equals(second):
        return None
    return compare_arrays(np.array(first.to_pylist(), object), np.array(second.to_pylist(), object))


def _layout(file: pq.ParquetFile) -> dict[str, Any]:
    """Returns what the footer says beside the metadata, sizes and places of pages included."""
    footer = file.metadata.to_dict()
    del footer["serialized_size"]  # of the footer, with the metadata
    return {"schema": str(file.schema).split("\n")[1:], **footer}


def _before_the_footer(path: Path) -> bytes:
    content = path.read_bytes()
    return content[: -8 - int.from_bytes(content[-8:-4], "little")]


def _split_bcf(content: bytes) -> tuple[str, bytes]:
    end = 9 + int.from_bytes(content[5:9], "little")
    return content[9:end].decode(), content[end:]


# ---- The test of the comparison ----


def self_test() -> int:
    """Changes what a run wrote in ways that must and must not be noticed; returns how many are judged wrongly."""
    record = {
        "versions": {"enformer-vep": "0.1.0", "numpy": "2.0"},
        "paths": {"vcf": "/new/a.vcf"},
        "seconds_total": 1.5,
        "started": "2026-11-30T21:09:25+00:00",
        "counts": 2,
    }
    scores = pa.table({"pos": [1, 2, 3], "a": np.array([0, np.nan, 1], "f4"), "b": pa.array([[1.0], [2.0, 3.0], []])})

    def changed(**items: Any) -> dict[str, Any]:
        return record | items

    def write_table(path: Path, table: pa.Table, run: dict[str, Any]) -> None:
        pq.write_table(table.replace_schema_metadata({"enformer_vep.run": json.dumps(run)}), path)

    def write_all(folder: Path, root: str, seconds: float) -> None:
        run = changed(
            seconds_total=seconds, started=f"2026-12-01T00:00:0{seconds:.0f}+00:00", paths={"vcf": f"{root}/a.vcf"}
        )
        (folder / "files").mkdir(parents=True)
        (folder / "log").mkdir()
        (folder / "paths.json").write_text(json.dumps([[root, "<folder>"]]))
        write_table(folder / "files" / "out.parquet", scores, run)
        (folder / "files" / "out.tsv.gz").write_bytes(gzip.compress(b"pos\ta\n1\t0.5\n", mtime=0))
        (folder / "files" / "run.json").write_text(json.dumps(run))
        np.savez(folder / "files" / "arrays.npz", effects=np.array([0, 0.5], "f4"), attributes=json.dumps(run))
        page = f'<p>run in {seconds} s</p><script type="application/json" id="data">{{"score":[1,2]}}</script>'
        (folder / "files" / "page.html").write_text(page)
        (folder / "files" / "track.bw").write_bytes(b"\x88\x8f\xfc\x26\0\0")
        (folder / "log" / "00.exit_code").write_text("0")
        (folder / "log" / "00.stdout").write_text("")
        (folder / "log" / "00.stderr").write_text(
            f"wrote {root}/out.tsv in {seconds} s (0.{seconds:.0f} s per allele)\n"
        )

    def zero(table: pa.Table, value: float) -> pa.Table:
        return table.set_column(1, "a", pa.array(np.array([value, np.nan, 1], "f4")))

    trials = {
        "nothing but times and paths": lambda new: None,
        "a float, by its sign": lambda new: write_table(new / "out.parquet", zero(scores, -0.0), record),
        "a float, by its last bit": lambda new: write_table(new / "out.parquet", zero(scores, 1e-45), record),
        "a float in a list": lambda new: write_table(
            new / "out.parquet", scores.set_column(2, "b", pa.array([[1.0], [2.0, 3.5], []])), record
        ),
        "a dropped column": lambda new: write_table(new / "out.parquet", scores.drop_columns("a"), record),
        "float64 for float32": lambda new: write_table(
            new / "out.parquet", scores.set_column(1, "a", scores["a"].cast("float64")), record
        ),
        "other row groups": lambda new: pq.write_table(
            scores.replace_schema_metadata({"enformer_vep.run": "{}"}), new / "out.parquet", row_group_size=1
        ),
        "a count in the metadata": lambda new: write_table(new / "out.parquet", scores, changed(counts=3)),
        "a digit in compressed text": lambda new: (new / "out.tsv.gz").write_bytes(gzip.compress(b"pos\ta\n1\t0.6\n")),
        "other compression": lambda new: (new / "out.tsv.gz").write_bytes(
            gzip.compress(b"pos\ta\n1\t0.5\n", 1, mtime=9)
        ),
        "a dropped item of JSON": lambda new: (new / "run.json").write_text(json.dumps({"counts": 2})),
        "a library's version": lambda new: (new / "run.json").write_text(
            json.dumps(changed(versions={"enformer-vep": "0.2.0", "numpy": "2.1"}))
        ),
        "a float in arrays": lambda new: np.savez(
            new / "arrays.npz", effects=np.array([0, 0.25], "f4"), attributes=json.dumps(record)
        ),
        "the payload of a page": lambda new: (new / "page.html").write_text(
            '<p>run in 2 s</p><script type="application/json" id="data">{"score":[1,3]}</script>'
        ),
        "a byte of a bigWig": lambda new: (new / "track.bw").write_bytes(b"\x88\x8f\xfc\x26\0\1"),
        "another message": lambda new: (new.parent / "log" / "00.stderr").write_text("wrote /new/out.parquet in 2 s\n"),
        "another exit code": lambda new: (new.parent / "log" / "00.exit_code").write_text("1"),
        "a file that is missing": lambda new: (new / "run.json").unlink(),
        "a file that is new": lambda new: (new / "more.tsv").write_text(""),
    }
    case = steps("score few.vcf")
    num_wrong = 0
    for title, change in trials.items():
        with tempfile.TemporaryDirectory() as folder:
            base, new = Path(folder) / "base", Path(folder) / "new"
            write_all(base, "/base", 1.5)
            write_all(new, "/new", 2.25)
            change(new / "files")
            differences = compare_cases(case, read_side(base), read_side(new))
        is_right = len(differences) == (title != "nothing but times and paths")
        num_wrong += not is_right
        print(f"{'right' if is_right else 'WRONG'}  {title}: {'; '.join(differences) or 'equal'}")
    return num_wrong
