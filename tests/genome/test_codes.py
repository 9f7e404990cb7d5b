import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enformer_vep.genome.codes import encode, one_hot, place_alleles, reverse_complement

SEQUENCES = st.text(alphabet="ACGTNacgtnRYKM-", max_size=50)


@given(SEQUENCES)
def test_encode_is_case_blind_and_everything_else_is_n(sequence: str) -> None:
    expected = ["ACGT".index(letter) if letter in "ACGT" else 4 for letter in sequence.upper()]
    assert encode(sequence).tolist() == expected
    assert encode(sequence.encode()).tolist() == expected


def test_letters_outside_latin_are_n() -> None:
    assert encode("A\u03b1C").tolist() == [0, 4, 1]


def test_one_hot_is_in_the_order_a_c_g_t_and_n_is_zeros() -> None:
    assert one_hot(encode("ACGTN")).tolist() == [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 0],
    ]
    assert one_hot(encode("A")).dtype == np.float32


@given(SEQUENCES)
def test_reverse_complement_twice_is_nothing(sequence: str) -> None:
    codes = encode(sequence)
    assert np.array_equal(reverse_complement(reverse_complement(codes)), codes)


def test_reverse_complement() -> None:
    assert reverse_complement(encode("AACGTN")).tolist() == encode("NACGTT").tolist()


@pytest.mark.parametrize(
    ("ref", "alt", "expected"),
    [
        # the window is 8 bp of ACGTACGTAC, REF begins at offset 3
        ("T", "G", "ACGGACGT"),  # SNV
        ("TA", "GG", "ACGGGCGT"),  # MNV
        ("T", "TCC", "ACGTCCAC"),  # insertion: the right end loses GT
        ("TAC", "T", "ACGTGTAC"),  # deletion: two more bases of reference at the right end
        ("TA", "C", "ACGCCGTA"),  # delins
        ("T", "CCCCCCCCC", "ACGCCCCC"),  # an insertion that reaches beyond the window
    ],
)
def test_place_alleles(ref: str, alt: str, expected: str) -> None:
    region = encode("ACGTACGTAC")
    before = region.copy()
    reference, alternate = place_alleles(region, offset_bp=3, num_ref_bp=len(ref), alternate=encode(alt), length_bp=8)
    assert reference.tolist() == encode("ACGTACGT").tolist()
    assert alternate.tolist() == encode(expected).tolist()
    assert np.array_equal(region, before)


def test_a_region_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 10 bp, got 9"):
        place_alleles(encode("ACGTACGTA"), offset_bp=3, num_ref_bp=3, alternate=encode("T"), length_bp=8)


@given(
    region=st.text(alphabet="ACGTN", min_size=60, max_size=60),
    offset=st.integers(0, 30),
    num_ref=st.integers(1, 20),
    alt=st.text(alphabet="ACGT", min_size=1, max_size=40),
)
def test_place_alleles_as_strings_do_it(region: str, offset: int, num_ref: int, alt: str) -> None:
    length = 36
    reference, alternate = place_alleles(
        encode(region), offset_bp=offset, num_ref_bp=num_ref, alternate=encode(alt), length_bp=length
    )
    assert np.array_equal(reference, encode(region[:length]))
    assert np.array_equal(alternate, encode((region[:offset] + alt + region[offset + num_ref :])[:length]))
