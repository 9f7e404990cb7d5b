"""The pipeline's choices of engine, windows, cache and verification."""

import json
from pathlib import Path

import numpy as np
import pytest

from enformer_vep.errors import EnformerVepError
from enformer_vep.model.enformer import Enformer
from tests.pipeline_runs import HUMAN, SCORED, other, reference, run
from tests.support import needs_bfloat16

pytestmark = pytest.mark.slow


def test_the_record_says_what_was_computed_and_reused(folder: Path, tmp_path: Path) -> None:
    """If the engine fell back to whole windows, it would be seen here."""
    positions = range(3000, 3100, 10)
    records = [("chr1", pos, f"v{pos}", reference("chr1", pos), other(reference("chr1", pos))) for pos in positions]
    bins = {}
    for engine, window in (("full", "centred"), ("reusing", "centred"), ("reusing", "grid"), ("reusing", "shared:512")):
        out = tmp_path / f"{engine}.{window.partition(':')[0]}.tsv"
        run(folder, out, records, engine=engine, placement=window, part_size=3)
        record = json.loads(Path(f"{out}.run.json").read_text())
        assert (record["engine"], record["placement"]) == (engine, window)
        bins[engine, window] = record["tower_bins"]["computed"], record["tower_bins"]["reused"]
    num_bins = 24
    assert bins["full", "centred"] == (2 * 10 * num_bins, 0)
    # Ten SNVs: a patch of 6 bins each, the other 18 are their references'. Each window has its own grid: it lies in two
    # tiles of 24 bins, and has a patch at each end.
    assert bins["reusing", "centred"] == (10 * (2 * num_bins + 3 * 6), 10 * (num_bins - 6))
    for window in ("grid", "shared:512"):
        computed, reused = bins["reusing", window]
        assert computed <= 10 * 6 + 2 * num_bins + 2 * 2 * 6
        assert reused >= 10 * (num_bins - 6)


@pytest.mark.parametrize("window", ["grid", "shared:512"])
def test_another_placement_scores_its_own_windows(folder: Path, model: Enformer, tmp_path: Path, window: str) -> None:
    records = SCORED[:6]
    reusing = run(folder, tmp_path / "reusing.tsv", records, placement=window)
    full = run(folder, tmp_path / "full.tsv", records, placement=window, engine="full")
    centred = run(folder, tmp_path / "centred.tsv", records)
    assert list(reusing["id"]) == [record[2] for record in records]  # in the input's order, whatever order they ran in
    spread = full[HUMAN].to_numpy().std()
    np.testing.assert_allclose(reusing[HUMAN], full[HUMAN], rtol=1e-3, atol=2e-3 * spread)
    assert not np.allclose(centred[HUMAN], full[HUMAN], rtol=1e-2, atol=1e-3 * spread)


def test_the_cache_changes_no_bit(folder: Path, tmp_path: Path) -> None:
    files = []
    for cache_bytes in (0, 5000, 2**28):
        out = tmp_path / f"{cache_bytes}.tsv"
        run(folder, out, SCORED, placement="grid", cache_bytes=cache_bytes)
        files.append(out.read_bytes())
    assert files[0] == files[1] == files[2]


@needs_bfloat16
def test_verified_alleles_are_in_the_record_and_the_summary(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "out.tsv", SCORED, verify=4, precision="mixed", verify_tolerance=0.5, part_size=3)
    record = json.loads((tmp_path / "out.tsv.run.json").read_text())
    assert record["verification"]["alleles"] == 4
    assert 0 <= record["verification"]["median_error"] <= record["verification"]["largest_error"] <= 0.5
    assert record["verification"]["tolerance"] == 0.5
    run(folder, tmp_path / "out.parquet", SCORED, verify=100)
    record = json.loads((tmp_path / "out.parquet.run.json").read_text())
    assert record["verification"]["alleles"] == len(SCORED)
    assert record["verification"]["largest_error"] < 2e-3


@needs_bfloat16
def test_a_failed_verification_is_exit_1_and_keeps_the_parts(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EnformerVepError, match=r"verification failed at .*--overwrite$") as caught:
        run(folder, tmp_path / "out.tsv", SCORED, verify=4, precision="mixed", verify_tolerance=1e-9)
    assert caught.value.exit_code == 1
    assert not (tmp_path / "out.tsv").exists()
    table = run(folder, tmp_path / "out.tsv", SCORED, verify=4, precision="mixed", verify_tolerance=0.5, resume=True)
    assert len(table) == len(SCORED)


def test_passes_that_verify_are_not_counted(folder: Path, tmp_path: Path) -> None:
    """The full engine verifies its own scores."""
    passes = []
    for verify in (0, 2):
        run(folder, tmp_path / f"{verify}.tsv", SCORED[:3], engine="full", verify=verify)
        passes.append(json.loads((tmp_path / f"{verify}.tsv.run.json").read_text())["transformer_passes"])
    assert passes[0] == passes[1] > 0
