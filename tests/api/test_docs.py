"""The examples of docs/python.md run as they stand, in order."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


@pytest.mark.full
def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("FASTA", "MODEL", "CACHE"):
        monkeypatch.delenv(f"ENFORMER_VEP_{name}", raising=False)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 6
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    assert names["scores"]["status"].tolist()[-1] == "contig_not_in_fasta"  # type: ignore[index]
    assert names["table"].notna().all(axis=None)  # type: ignore[attr-defined]
