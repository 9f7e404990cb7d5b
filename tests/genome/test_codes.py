import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from enformer_vep.genome.codes import encode, one_hot, reverse_complement

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
