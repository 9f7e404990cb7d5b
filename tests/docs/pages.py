"""The pages of the documentation, and the code blocks and links on them."""

import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

PAGES = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))

SHELLS = ("sh", "bash", "console")

PROGRAMS = (
    "enformer-vep", "bcftools", "echo", "make", "modisco", "pip", "python", "snakemake", "vep", ".venv/bin/python",
    "export", "mkdir", "sbatch", "sinfo", "nextflow", "docker", "apptainer",
)  # fmt: skip
"""What an indented block begins with if it is for the shell."""

_HEADING = re.compile(r"^#{1,6} (.+?)\s*#*$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A code block: its page, its first line (1-based), its kind ('' if it is indented), and its text."""

    page: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_shell(self) -> bool:
        if self.kind:
            return self.kind in SHELLS or (self.kind == "text" and self.text.startswith("$ "))
        return self.text.removeprefix("$ ").split()[0] in PROGRAMS

    @property
    def is_code(self) -> bool:
        return self.is_shell or self.kind == "python"

    def commands(self) -> list[str]:
        """The commands of a shell block, each on one line; output that is shown after a prompt is left out."""
        joined = re.sub(r"\s*\\\n\s*", " ", self.text)
        joined = re.sub(r"\|\n\s*", "| ", joined)
        lines = [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        if any(line.startswith("$ ") for line in lines):
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        return [part.strip() for line in lines for part in line.split(" && ")]


def is_ours(command: str) -> bool:
    """Whether a command line runs enformer-vep, with or without a line of text that it reads."""
    return re.match(r"(echo \S+ \| )?enformer-vep ", command) is not None


def arguments_of(command: str) -> list[str]:
    """The words after `enformer-vep` of a command line of ours."""
    return shlex.split(command.partition("enformer-vep ")[2], comments=True)


@cache
def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[Block]:
    """Every fenced and every indented block of a page, in order."""
    found: list[Block] = []
    fence, start, kept = None, 0, []
    for number, line in enumerate([*text_of(page).splitlines(), ""], start=1):
        if fence is not None:
            if line.strip() == "```":
                found.append(Block(page, start, fence, "\n".join(kept) + "\n"))
                fence, kept = None, []
            else:
                kept.append(line)
        elif line.startswith("    ") and (kept or not text_of(page).splitlines()[number - 2].strip()):
            start = start if kept else number
            kept.append(line[4:])
        else:
            if kept:
                found.append(Block(page, start, "", "\n".join(kept) + "\n"))
                kept = []
            if line.startswith("```"):
                fence, start = line[3:].strip() or "text", number + 1
    assert fence is None, f"{page}: a block that begins at line {start} does not end"
    return found


def prose(page: str) -> str:
    """The page without its code blocks."""
    text = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^    .*$", "", text, flags=re.MULTILINE)


def links(page: str) -> list[str]:
    """The addresses that a page links to, pictures included, as they stand there."""
    return _LINK.findall(prose(page))


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    named = re.findall(r'<a (?:id|name)="([^"]+)"', text_of(page))
    return {anchor(heading) for heading in _HEADING.findall(prose(page))} | set(named)


def anchor(heading: str) -> str:
    words = re.sub(r"[^\w\s-]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower())
    return re.sub(r"\s+", "-", words.strip())
