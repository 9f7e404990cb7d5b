import pytest

from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.variant import Interval
from enformer_vep.genome.windows import Placement, max_allele_bp
from tests.support import variant

OFFICIAL = Geometry()
PLACEMENTS = [Placement(), Placement("grid"), Placement("shared", 128), Placement("shared", 1000)]


def test_the_first_ref_base_stands_at_98_303_of_a_centred_window() -> None:
    window = Placement().window(variant(pos=1_000_000), "chr1", OFFICIAL)
    assert window.interval == Interval("chr1", 999_999 - 98_303, 999_999 + 98_305)
    assert window.interval.length == 196_608
    assert window.offset_bp == 98_303


def test_windows_may_reach_beyond_a_contigs_start() -> None:
    assert Placement().window(variant(pos=1), "1", OFFICIAL).interval == Interval("1", -98_303, 98_305)


def test_room_for_alleles() -> None:
    assert max_allele_bp(Placement().window(variant(pos=500), "1", OFFICIAL)) == 98_305


@pytest.mark.parametrize("pos", [1, 127, 128, 129, 98_304, 1_000_000, 1_000_001])
def test_grid_moves_the_start_down_to_a_multiple_of_128(pos: int) -> None:
    centred = Placement().window(variant(pos=pos), "1", OFFICIAL)
    grid = Placement("grid").window(variant(pos=pos), "1", OFFICIAL)
    assert grid.interval.start % 128 == 0
    assert 0 <= centred.interval.start - grid.interval.start < 128
    assert grid.interval.start + grid.offset_bp == pos - 1


@pytest.mark.parametrize("shared_bp", [128, 130, 255, 256, 1000, 57_344])
def test_shared_windows_hold_all_variants_near_their_centre(shared_bp: int) -> None:
    placement = Placement("shared", shared_bp)
    placement.check(OFFICIAL)
    starts = set()
    for pos in range(1, 4 * shared_bp, max(1, shared_bp // 50)):
        window = placement.window(variant(pos=pos), "1", OFFICIAL)
        assert window.interval.start % 128 == 0
        assert window.interval.start + window.offset_bp == pos - 1
        assert abs(window.offset_bp - 98_304) <= shared_bp
        starts.add(window.interval.start)
    assert 2 <= len(starts) <= 6  # 4 BP of positions, 2 BP of a window, less what rounding to bins takes


@pytest.mark.parametrize("placement", PLACEMENTS, ids=str)
def test_a_variant_stands_at_one_of_the_placements_offsets(placement: Placement) -> None:
    offsets = {placement.window(variant(pos=pos), "1", OFFICIAL).offset_bp for pos in range(1, 5000)}
    assert offsets == set(placement.offsets(OFFICIAL))


@pytest.mark.parametrize("placement", PLACEMENTS, ids=str)
def test_a_placement_is_known_by_its_name(placement: Placement) -> None:
    assert Placement.parse(str(placement)) == placement


@pytest.mark.parametrize("text", ["", "centered", "shared", "shared:", "shared:0", "shared:-5", "shared:1.5", "grid:8"])
def test_an_unknown_placement_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected centred, grid or shared:BP"):
        Placement.parse(text)


@pytest.mark.parametrize("shared_bp", [1, 127, 57_345])
def test_a_distance_that_no_window_has_is_refused(shared_bp: int) -> None:
    with pytest.raises(ValueError, match=f"128 to 57344 bp, .* got {shared_bp}"):
        Placement("shared", shared_bp).check(OFFICIAL)


@pytest.mark.parametrize(("name", "shared_bp"), [("shared", 0), ("grid", 5), ("other", 0)])
def test_a_placement_that_contradicts_itself_is_refused(name: str, shared_bp: int) -> None:
    with pytest.raises(ValueError, match="expected centred, grid, or shared"):
        Placement(name, shared_bp)
