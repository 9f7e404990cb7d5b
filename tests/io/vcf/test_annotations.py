"""What INFO may hold, whatever names and descriptions have in them."""

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enformer_vep.io.vcf.annotations import (
    InfoField,
    info_key,
    line_item,
    percent_encoded,
    quoted,
    structured_line,
    track_fields,
)

FORBIDDEN = set(' \t\r\n;=,|%"\\')


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("ENCFF833POA", "ENCFF833POA"),
        ("DEMO:CHIP:GATA", "DEMO:CHIP:GATA"),
        ("brain, adult", "brain%2C%20adult"),
        ("a;b=c|d%", "a%3Bb%3Dc%7Cd%25"),
        ("é", "%C3%A9"),
        (b"\xe9 x", "%E9%20x"),
        ("\udce9", "%E9"),
    ],
)
def test_what_separates_is_encoded(text: str | bytes, encoded: str) -> None:
    assert percent_encoded(text) == encoded


@given(st.text())
def test_nothing_forbidden_is_left_and_nothing_is_lost(text: str) -> None:
    try:
        content = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return  # half a character, which no file has
    encoded = percent_encoded(text)
    assert encoded.isascii()
    assert encoded.isprintable()
    assert unquote_to_bytes(encoded) == content
    assert not (FORBIDDEN - {"%"}) & set(encoded)


def test_keys_are_those_of_vcf_and_all_different() -> None:
    fields = track_fields("SAD", ["a:b", "a_b", "a b", "é.1"], ["", "", "", "d"], "ENFORMER")
    keys = ["ENFORMER_SAD_a_b", "ENFORMER_SAD_a_b_2", "ENFORMER_SAD_a_b_3", "ENFORMER_SAD__.1"]
    assert [field.key for field in fields] == keys
    assert info_key("1000G-x") == "1000G_x"


def test_header_lines_are_one_line_whatever_is_in_them() -> None:
    hostile = 'a "b" \\ c,ID=other>\n##INFO=<ID=x>\u2028'
    assert quoted(hostile) == '"a \\"b\\" \\\\ c,ID=other> ##INFO=<ID=x>"'
    line = InfoField("KEY", "Float", hostile).declaration("me", "1")
    assert line.startswith('##INFO=<ID=KEY,Number=A,Type=Float,Description="a ')
    assert line_item(line, "ID") == "KEY"
    assert line_item(line, "IDX") is None
    assert line_item('##INFO=<Description="x,ID=no",ID=yes>', "ID") == "yes"
    assert structured_line("k", {"ID": "x", "A": "b c"}) == '##k=<ID=x,A="b c">'
