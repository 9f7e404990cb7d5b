from enformer_vep.geometry import Geometry
from enformer_vep.variant import Interval
from enformer_vep.windows import centred_window, max_allele_bp
from tests.support import variant


def test_the_first_ref_base_stands_at_98303() -> None:
    window = centred_window(variant(pos=1_000_000), "chr1", Geometry())
    # pos 1,000,000 is base 999,999 from 0; 999,999 - 98,303 = 901,696
    assert window.interval == Interval("chr1", 901_696, 901_696 + 196_608)
    assert window.offset_bp == 98_303


def test_a_window_may_begin_before_the_contig() -> None:
    assert centred_window(variant(pos=1), "1", Geometry()).interval == Interval("1", -98_303, 98_305)


def test_room_for_an_allele() -> None:
    assert max_allele_bp(Geometry()) == 98_305
