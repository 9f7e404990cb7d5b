"""The page's policy, and the libraries in it."""

import base64
import hashlib
import re
from importlib.resources import files

import numpy as np

from enformer_vep.errors import SkipReason
from enformer_vep.io.vcf.alleles import AlleleFields
from enformer_vep.report.contents import Contents, Counts, Histogram, ShownAlleles, Tracks
from enformer_vep.report.page import REASONS, SCRIPTS, STATISTICS, STYLES, render, shown
from enformer_vep.report.payload import cut, rounded
from enformer_vep.scoring import STATISTICS as ALL_STATISTICS


def empty_page() -> str:
    nothing = ShownAlleles(dict.fromkeys(AlleleFields._fields, ()), np.zeros((0, 1), np.int64), np.zeros((0, 1)))
    histogram = Histogram([], np.zeros((0, 1), np.int64), np.zeros(1, np.int64), 5)
    contents = Contents(
        name="input.vcf",
        notice=None,
        facts=(),
        counts=Counts(0, 0, 0),
        skipped=(),
        statistic="SAD",
        tracks=Tracks(["A"], ["CAGE:A"], ["CAGE"], ["A"]),
        groups=("CAGE",),
        alleles=nothing,
        histogram=histogram,
    )
    return render(contents).decode()


def test_the_policy_allows_the_pages_own_scripts_and_styles_alone() -> None:
    page = empty_page()
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    directives = dict(line.split(" ", 1) for line in policy.replace("&#39;", "'").split("; "))
    assert {name for name in directives if directives[name] == "'none'"} == {"default-src", "base-uri", "form-action"}
    for tag, name, number in (("script", "script-src", len(SCRIPTS)), ("style", "style-src", len(STYLES))):
        texts = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
        assert len(texts) == number
        assert directives[name] == " ".join(f"'sha256-{digest}'" for digest in digests)


def test_the_page_names_no_other_file() -> None:
    page = empty_page()
    assert not re.search(r"<(?:link|img|iframe|script)\b[^>]*\b(?:src|href)=", page)
    assert not re.search(r"url\(|@import", page.split("</style>")[2])
    assert "sourceMappingURL" not in page
    assert not re.search(r" style=| on[a-z]+=", page.split("<body>")[1].split('<script type="application/json"')[0])


def test_libraries_are_those_that_their_readme_names() -> None:
    folder = files("enformer_vep.report").joinpath("vendor")
    readme = folder.joinpath("README.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"\| `([^`]+)` \| `dist/[^`]+` \| `([0-9a-f]{64})` \|", readme))
    assert set(named) == {name.removeprefix("vendor/") for name in (*SCRIPTS, *STYLES) if name.startswith("vendor/")}
    for name, digest in named.items():
        assert hashlib.sha256(folder.joinpath(name).read_bytes()).hexdigest() == digest
    for library in ("tabulator", "uPlot"):
        assert "MIT" in folder.joinpath(f"{library}.LICENSE").read_text(encoding="utf-8")


def test_unseen_characters_are_shown_by_their_codes() -> None:
    assert shown("a\u202egnp\x00\ufeff é 中") == "a⟨U+202E⟩gnp⟨U+0000⟩⟨U+FEFF⟩ é 中"
    script = files("enformer_vep.report").joinpath("page.js").read_text(encoding="utf-8")
    (pattern,) = re.findall(r"const UNSEEN = /\[(.*)\]/g", script)
    in_script = re.compile(f"[{pattern}]")
    for code in range(0x10000):
        assert bool(in_script.match(chr(code))) == (shown(chr(code)) != chr(code))


def test_long_texts_are_cut() -> None:
    assert cut("x" * 60, 60) == "x" * 60
    assert cut("x" * 61, 60) == f"{'x' * 60}… (61 characters)"


def test_numbers_are_rounded_to_digits_that_json_has() -> None:
    values = np.array([[0.000123456789, -np.inf], [np.nan, 123456.789]])
    assert rounded(values, 5) == [[0.00012346, -65504.0], [None, 123460.0]]
    assert rounded(np.array([1.23456, 2.0]), 3) == [1.23, 2.0]


def test_every_statistic_and_reason_has_words() -> None:
    assert set(STATISTICS) == set(ALL_STATISTICS)
    assert set(REASONS) == {reason.value for reason in SkipReason}
