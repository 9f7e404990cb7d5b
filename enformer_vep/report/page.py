"""Makes the page: one file with its styles, scripts and data, which a browser opens without a network.

Its content security policy allows the scripts and styles of the file, known by their digests, and nothing else. What
comes from the input is text: Jinja2 escapes it in HTML, and the data are JSON in which no character can end a script.
"""

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

import jinja2
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from enformer_vep import __version__
from enformer_vep.report.contents import Contents
from enformer_vep.report.payload import MAX_NAME_CHARACTERS, cut, payload

STATISTICS: Mapping[str, str] = MappingProxyType(
    {
        "SAD": "the predicted signal of ALT minus that of REF, added up over the bins. 10 is 10 counts more with ALT",
        "SAR": "the change in log2(1 + signal) from REF to ALT, added up over the bins",
        "SADR": "the change in log2 of the total signal from REF to ALT. 1 means twice the signal with ALT",
        "sqrtSAD": "the change in the square root of the signal from REF to ALT, added up over the bins",
        "SAX": "the change from REF to ALT in the bin that changes most",
        "SAXR": "the change in log2(1 + signal) from REF to ALT in the bin that changes most",
        "D1": "the change from REF to ALT, up or down, added up over the bins. It has no direction",
        "logD1": "the change in log2(1 + signal), up or down, added up over the bins. It has no direction",
        "D2": "the Euclidean distance between the signals of ALT and REF. It has no direction",
        "logD2": "the Euclidean distance between log2(1 + signal) of ALT and REF. It has no direction",
        "JS": "how much the shape of the signal differs between ALT and REF. It has no direction",
        "logJS": "how much the shape of log2(1 + signal) differs between ALT and REF. It has no direction",
        "REF": "the signal that is predicted for REF. It is not an effect",
        "ALT": "the signal that is predicted for ALT. It is not an effect",
    }
)
"""What a score is, by the name of its statistic."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "malformed_record": "The line is not a valid VCF record.",
        "no_alt": "The record has no ALT allele.",
        "spanning_deletion": "ALT is *, a deletion that another record describes.",
        "symbolic_alt": "ALT is symbolic, such as <DEL>, and has no sequence.",
        "breakend": "ALT is a breakend, which joins two places of the genome.",
        "invalid_alt": "ALT is not a sequence of the letters A, C, G, T and N.",
        "invalid_ref": "REF is not a sequence of the letters A, C, G, T and N.",
        "allele_too_long": "The allele is longer than the model's window has room for.",
        "contig_not_in_fasta": "The reference genome does not have this contig.",
        "out_of_range": "The position lies outside its contig.",
        "ref_mismatch": "REF is not what the reference genome has there.",
        "ref_alt_swapped": "REF is not what the reference genome has there, but ALT is.",
        "outside_bins": "The model does not see the bins that were asked for from this variant.",
        "not_finite": "The model predicted a value that is not a number.",
    }
)
"""What a reason for skipping an allele means."""

UNSIGNED = frozenset({"D1", "logD1", "D2", "logD2", "JS", "logJS", "REF", "ALT"})
"""Statistics that are never negative."""


SCRIPTS = ("vendor/tabulator.min.js", "vendor/uPlot.iife.min.js", "page.js")
STYLES = ("vendor/tabulator_simple.min.css", "vendor/uPlot.min.css", "page.css")
TEMPLATE = "page.html.j2"

_SOURCE_MAP = ("//# sourceMappingURL=", "/*# sourceMappingURL=")

_UNSEEN = {
    code: f"\N{MATHEMATICAL LEFT ANGLE BRACKET}U+{code:04X}\N{MATHEMATICAL RIGHT ANGLE BRACKET}"
    for codes in (range(0x20), range(0x7F, 0xA0), range(0x200B, 0x2010), range(0x202A, 0x202F), range(0x2066, 0x206A))
    for code in codes
} | {0xFEFF: "\N{MATHEMATICAL LEFT ANGLE BRACKET}U+FEFF\N{MATHEMATICAL RIGHT ANGLE BRACKET}"}
"""How characters are shown that are unseen or turn the direction of the text around them. page.js has the same."""


class Part(NamedTuple):
    """A script or style of the page, with the digest by which the policy knows it."""

    text: Markup
    digest: str


def render(contents: Contents) -> bytes:
    """Returns the page, in UTF-8."""
    scripts, styles = ([_part(name) for name in names] for names in (SCRIPTS, STYLES))
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["shown"] = shown
    page = environment.from_string(_read(TEMPLATE)).render(
        page=contents,
        policy=_policy(scripts, styles),
        scripts=scripts,
        styles=styles,
        data=htmlsafe_json_dumps(payload(contents), separators=(",", ":"), allow_nan=False, ensure_ascii=False),
        meaning=STATISTICS.get(contents.statistic, "a score of this name"),
        is_signed=contents.statistic not in UNSIGNED,
        reasons=REASONS,
        version=__version__,
    )
    return page.encode("utf-8", "replace")


def shown(text: str, most: int = MAX_NAME_CHARACTERS) -> str:
    """Returns a text as it is shown: unseen characters by their codes, and the beginning of what is too long."""
    return cut(str(text), most).translate(_UNSEEN)


def _policy(scripts: list[Part], styles: list[Part]) -> str:
    """Returns the content security policy. Nothing but the page's own scripts and styles is allowed."""
    digests = [" ".join(f"'{part.digest}'" for part in parts) for parts in (scripts, styles)]
    return f"default-src 'none'; script-src {digests[0]}; style-src {digests[1]}; base-uri 'none'; form-action 'none'"


def _part(name: str) -> Part:
    """Reads a script or style. A browser's digest is of exactly the text between the tags."""
    lines = [line for line in _read(name).split("\n") if not line.startswith(_SOURCE_MAP)]
    text = "\n".join(["", *lines, ""])
    for mark in ("</script", "</style", "<!--"):
        if mark in text.lower():
            raise ValueError(f"{name} cannot stand in a page: it has {mark}")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Part(Markup(text), f"sha256-{digest}")


def _read(name: str) -> str:
    return files("enformer_vep.report").joinpath(*name.split("/")).read_text(encoding="utf-8")
