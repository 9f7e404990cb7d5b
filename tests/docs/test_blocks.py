"""Every code block of README and docs asks for what exists: options, extras, targets, and Python that parses."""

import re
import shlex
import warnings
from configparser import ConfigParser
from importlib.util import find_spec

import click
import pytest

from enformer_vep.cli import cli
from tests.docs.pages import PAGES, PROGRAMS, ROOT, Block, arguments_of, blocks, is_ours

ALL = [block for page in PAGES for block in blocks(page)]
SHELL = [block for block in ALL if block.is_shell]


@pytest.mark.parametrize("block", [block for block in SHELL if any(map(is_ours, block.commands()))], ids=str)
def test_commands_have_options_that_exist(block: Block) -> None:
    for command in filter(is_ours, block.commands()):
        name, *arguments = arguments_of(command)
        assert name in cli.commands, f"{block}: no command {name}"
        try:
            cli.commands[name].make_context(name, arguments, parent=click.Context(cli, info_name="enformer-vep"))
        except click.ClickException as error:
            pytest.fail(f"{block}: {command}: {error.format_message()}")


@pytest.mark.parametrize("block", [block for block in ALL if block.kind == "python"], ids=str)
def test_python_compiles(block: Block) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile(block.text, str(block), "exec")


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_what_other_programs_are_asked_for_exists(block: Block) -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for command in block.commands():
        if made := re.match(r"make ([\w-]+)", command):
            assert made[1] in targets, command
        if module := re.match(r"\S*python -m (benchmarks\.\w+|tools\.\w+)", command):
            assert find_spec(module[1]), command
        if extras := re.match(r"pip install '[^'\[]*\[([\w,]+)\]'", command):
            assert set(extras[1].split(",")) <= set(setup["options.extras_require"]), command
        if command.startswith("cd "):
            assert (ROOT / shlex.split(command)[1]).is_dir(), command


@pytest.mark.parametrize("block", [block for block in ALL if not block.is_code], ids=str)
def test_no_command_stands_in_a_block_that_is_taken_for_text(block: Block) -> None:
    begins = tuple(f"{program} " for program in PROGRAMS)
    assert not [line for line in block.text.splitlines() if line.removeprefix("$ ").startswith(begins)]
