import pytest

from enformer_vep.wording import (
    cause,
    did_you_mean,
    for_command_line,
    listed,
    nearest,
    option,
    plural,
    shortened,
    sized,
)


@pytest.mark.parametrize(("count", "expected"), [(0, "0 contigs"), (1, "1 contig"), (2000, "2,000 contigs")])
def test_plural(count: int, expected: str) -> None:
    assert plural(count, "contig") == expected


def test_a_list_that_is_cut_says_so() -> None:
    assert listed([]) == ""
    assert listed("abcde") == "a, b, c, d, e"
    assert listed("abcdefg") == "a, b, c, d, e and 2 more"
    assert listed("abc", most=2) == "a, b and 1 more"


@pytest.mark.parametrize(
    ("name", "expected"), [("Enformer", "enformer"), ("enfromer", "enformer"), ("sadd", None), ("", None)]
)
def test_nearest(name: str, expected: str | None) -> None:
    assert nearest(name, ("enformer", "demo")) == expected


def test_did_you_mean() -> None:
    assert did_you_mean("sadd", ("SAD", "SAR")) == "; did you mean SAD?"
    assert did_you_mean("sadd", ("SAR", "SAD"), most=3) == "; did you mean SAD?"
    assert did_you_mean("sat", ("SAR", "SAD"), most=3) == "; did you mean SAR or SAD?"
    assert did_you_mean("x", ("SAD", "SAR")) == ""


def test_a_long_text_is_shortened() -> None:
    assert shortened("abcdef", most=6) == "abcdef"
    assert shortened("abcdefg", most=6) == "abc..."


def test_a_cause_is_one_line_without_a_number() -> None:
    assert cause(FileNotFoundError(2, "No such file or directory", "a")) == "No such file or directory"
    assert cause(OSError("odd\nlines")) == "odd lines"
    assert cause(ValueError()) == "ValueError"


SIZES = {0: "0 bytes", 1: "1 byte", 640: "640 bytes", 999: "999 bytes", 800_919: "801 kB", 999_960: "1 MB"}


@pytest.mark.parametrize(("num_bytes", "expected"), [*SIZES.items(), (983_659_424, "984 MB"), (10**10, "10 GB")])
def test_a_size_in_the_unit_that_people_use(num_bytes: int, expected: str) -> None:
    assert sized(num_bytes) == expected


def test_an_option_is_shown_as_it_is_written_on_the_command_line() -> None:
    message = f"{option('--bins', 'centre:5')} and {option('-g')} or {option('--span', 5)}"
    assert for_command_line(message) == "--bins centre:5 and -g or --span 5"
    assert for_command_line("a message without options") == "a message without options"
