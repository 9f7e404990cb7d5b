"""The code of docs/components.md runs on what `components --fit` writes."""

import re
from pathlib import Path

import numpy as np
import pytest

from enformer_vep.cli import main
from tests.score_tables import write_scores

PAGE = (Path(__file__).parents[1] / "docs" / "components.md").read_text(encoding="utf-8")


def test_the_code_shows_the_tracks_of_a_component(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(1).normal(size=(200, 12))
    noise[:, 7] *= 1 + 30 * (np.arange(200) % 10 == 0)  # heavy tails, which robust scaling leaves
    write_scores(Path("scores.parquet"), noise)
    assert main(["components", "scores.parquet", "--fit", "transform.npz", "-o", "out.tsv", "--num", "3"]) == 0
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    capsys.readouterr()
    exec(compile(code, "docs/components.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert re.match(r"ENC7 +0\.9\d+", printed[0])
    assert len(printed) == 11
