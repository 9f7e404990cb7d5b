"""Runs the code of docs/worked_example.md, and prints what it prints or writes it into the page.

The folder must hold `variants.vcf.gz` and `genome.fa.gz` with its index. The numbers of the page come from
hg38_chr1_real_variants.vcf.gz and hg38_sparse.fa.gz of the test data.

pip install polars duckdb; python -m tools.worked_example DIR
"""

import argparse
import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from enformer_vep.cli import main as enformer_vep

PAGE = Path(__file__).parents[1] / "docs" / "worked_example.md"

_BLOCK = re.compile(r"```(sh|python|text)\n(.*?)```", re.DOTALL)


def score(changes: Mapping[str, str] | None = None) -> None:
    """Runs the page's command in the working folder, over an earlier output.

    Args:
      changes: options with the values that they have instead of the page's.
    """
    command = next(code for kind, code in _BLOCK.findall(PAGE.read_text(encoding="utf-8")) if kind == "sh")
    arguments = [*shlex.split(command)[1:], "--overwrite"]
    for option, value in (changes or {}).items():
        if option in arguments:
            arguments[arguments.index(option) + 1] = value
        else:
            arguments += [option, value]
    if exit_code := enformer_vep(arguments):
        raise SystemExit(exit_code)


def run_blocks() -> list[str]:
    """Runs the page's Python blocks in the working folder, where the scores are; returns what each one prints."""
    names: dict[str, object] = {}
    printed = []
    for kind, code in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "python":
            with redirect_stdout(StringIO()) as out:
                exec(compile(code, str(PAGE), "exec"), names)
            printed.append(out.getvalue())
    return printed


def shown_blocks() -> list[str]:
    """Returns what the page shows as printed by each Python block."""
    return [text for kind, text in _BLOCK.findall(PAGE.read_text(encoding="utf-8")) if kind == "text"]


def write_page(printed: Sequence[str]) -> None:
    """Puts what the blocks print into the page."""
    texts = iter(printed)
    page = PAGE.read_text(encoding="utf-8")
    page = _BLOCK.sub(lambda block: f"```text\n{next(texts)}```" if block[1] == "text" else block[0], page)
    PAGE.write_text(page, encoding="utf-8")


def main() -> None:
    """Runs the page's command and code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", metavar="DIR", type=Path, help="folder with variants.vcf.gz and genome.fa.gz")
    parser.add_argument("--write", action="store_true", help="write what is printed into the page")
    options = parser.parse_args()
    os.chdir(options.folder)
    score()
    printed = run_blocks()
    sys.stdout.write("\n".join(printed))
    if options.write:
        write_page(printed)


if __name__ == "__main__":
    main()
