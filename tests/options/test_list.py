"""The list of all options, held against the command line, Python, messages, documentation and workflows."""

import ast
import importlib.util
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import numpy as np
import pytest
import yaml

import enformer_vep as ev
from enformer_vep.cli import cli
from enformer_vep.errors import InputError
from enformer_vep.options.commands import COMMANDS, option_named, options_of
from enformer_vep.options.kinds import Choice, Flag, Number, Option, Parsed, Whole

ROOT = Path(__file__).parents[2]

EVERY = [(command, option) for command in COMMANDS for option in options_of(command).values()]


def parameter(command: str, option: Option) -> click.Option:
    """What click knows of an option."""
    (found,) = [known for known in cli.commands[command].params if option.name in known.opts]
    assert isinstance(found, click.Option)
    return found


def test_the_command_line_has_the_options_of_the_list_and_no_others() -> None:
    assert list(cli.commands) == list(COMMANDS)
    for name, command in cli.commands.items():
        known = [known.opts for known in command.params if isinstance(known, click.Option)]
        listed = [[*([option.short] if option.short else []), option.name] for option in options_of(name).values()]
        assert sorted(known) == sorted(listed), name


def test_an_option_has_one_spelling_and_one_name_in_python() -> None:
    shorts: dict[str, str] = {}
    kinds: dict[str, type] = {}
    for _, option in EVERY:
        assert option.name == f"--{option.argument.replace('_', '-')}"
        assert option.argument.isidentifier()
        assert kinds.setdefault(option.name, type(option.kind)) in (type(option.kind), Whole, Number), option.name
        if option.short:
            assert shorts.setdefault(option.short, option.name) == option.name
            assert option_named(option.short).name == option.name
        assert option.help.endswith((".", "]")), option.name


def test_python_and_the_command_line_have_the_same_limits() -> None:
    def is_accepted(call: Callable[[], Any]) -> bool:
        try:
            call()
        except (InputError, click.ClickException):
            return False
        return True

    num_checked = 0
    for command, option in EVERY:
        kind, values = option.kind, list[Any]()
        if isinstance(kind, Whole | Number):
            step = 1 if isinstance(kind, Whole) else 0.25
            values = [edge + by for edge in (kind.least, kind.most) if edge is not None for by in (-step, 0, step)]
        elif isinstance(kind, Choice):
            values = [*kind.values, "none of them"]
        known = parameter(command, option)
        for value in values:
            in_command = is_accepted(lambda: known.type.convert(str(value), known, None))  # noqa: B023
            assert is_accepted(lambda: option.read(value)) == in_command, f"{command} {option.name} {value}"  # noqa: B023
            num_checked += 1
    assert num_checked > 100


def test_a_default_is_a_value() -> None:
    for command, option in EVERY:
        assert parameter(command, option).is_flag == isinstance(option.kind, Flag)
        if option.default is not None:
            option.read(option.default)
            assert parameter(command, option).show_default


def test_a_text_is_read_alike_by_both() -> None:
    texts = {"--bins": "centre:500", "--window": "grid", "--shifts": "-1,0,1", "--tracks": "0-2,X", "--shard": "2/3"}
    for name, text in {**texts, "--stats": "SAD,sar", "--cache-size": "2G", "--device": "gpu:1"}.items():
        option = option_named(name)
        known = parameter("score", option)
        assert known.callback is not None
        assert isinstance(option.kind, Parsed)
        assert known.callback(click.Context(cli), known, text) == option.read(text)


PYTHON = {
    ev.score_variants: "score",
    ev.score_vcf: "score",
    ev.open_model: "score",
    ev.Model.score: "score",
    ev.Model.predict: "predict",
    ev.Model.predict_alleles: "predict",
    ev.Model.saturate: "saturate",
    ev.Model.contributions: "contributions",
    ev.Model.plot: "plot",
}

NO_OPTIONS = {"self", "variants", "variant", "regions", "what", "vcf", "progress", "options"}


@pytest.mark.parametrize("function", PYTHON, ids=lambda function: function.__qualname__)
def test_arguments_in_python_are_options_with_their_defaults(
    function: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FASTA", "MODEL", "CACHE"):
        monkeypatch.delenv(f"ENFORMER_VEP_{name}", raising=False)
    options = options_of(PYTHON[function])
    for name, argument in inspect.signature(function).parameters.items():
        if name in NO_OPTIONS:
            continue
        option = options[name]
        if isinstance(option.kind, Flag):
            assert argument.default in (False, None), name
        elif argument.default != 0 or name != "steps":  # 0 is none, which the command line has no number for
            assert option.read(argument.default) == option.read(None), name


def is_option(node: ast.AST) -> bool:
    """Whether it is `option("--name")` or `option("--name", value)`."""
    is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "option"
    return is_call and isinstance(node.args[0], ast.Constant)  # type: ignore[attr-defined]


def named_in_messages() -> list[tuple[Path, str]]:
    """The options that errors name, and where."""
    found = []
    for path in (ROOT / "enformer_vep").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if is_option(node):
                found.append((path, node.args[0].value))  # type: ignore[attr-defined]
    return found


def test_errors_name_options_of_the_list() -> None:
    named = named_in_messages()
    assert len(named) > 50
    for path, name in named:
        assert option_named(name).name.startswith("--"), path


ONLY_COMMANDS = {
    *("cli", "commands", "demo", "fetch", "components", "report", "background"),
    *("bigwig", "bigwig_folder", "transform_file", "contribution_files", "derive", "merge", "track_listing", "header"),
}
"""Rooms and modules whose errors Python's users do not meet; `header` names an option of bcftools."""


def test_no_error_that_python_meets_spells_an_option_out() -> None:
    for path in (ROOT / "enformer_vep").rglob("*.py"):
        if ONLY_COMMANDS & set(path.relative_to(ROOT).with_suffix("").parts):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error"):
                texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
                names = {call.args[0].value for call in ast.walk(node) if is_option(call)}  # type: ignore[attr-defined]
                spelled = [text for text in texts if isinstance(text, str) and re.search(r"(?<![\w-])--[a-z]", text)]
                assert set(spelled) <= names, f"{path}: {spelled}"


def site_hooks() -> ModuleType:
    pytest.importorskip("mkdocs")
    spec = importlib.util.spec_from_file_location("site_hooks", ROOT / "tools" / "site_hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_option_has_a_row_in_the_documentation() -> None:
    assert "<!-- commands -->" in (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    sections = site_hooks().command_reference().split("\n## ")
    rows = {section.removeprefix("## ").split("\n", 1)[0]: section.split("\n") for section in sections}
    for command, option in EVERY:
        names = f"{option.short}, {option.name}" if option.short else option.name
        assert any(row.startswith(f"| <code>{names}") for row in rows[command]), f"{command} {option.name}"


def workflow_items() -> dict[str, dict[str, Any]]:
    """What the schemas of both workflows say of each parameter."""
    snakemake = yaml.safe_load((ROOT / "workflows/snakemake/workflow/schemas/config.schema.yaml").read_text())
    nextflow = json.loads((ROOT / "workflows/nextflow/nextflow_schema.json").read_text())
    items = {f"snakemake {name}": rule for name, rule in snakemake["properties"].items()}
    for group in nextflow["$defs"].values():
        items |= {f"nextflow {name}": rule for name, rule in group["properties"].items()}
    return items


OF_WORKFLOWS = {
    *("outdir", "id", "format", "shards", "normalise", "norm_args", "report", "profiles", "keep_shards", "options"),
    *("score_args", "parts", "queue", "account", "gpu_type", "gpu_queue", "max_retries", "help", "vcf"),
}
"""Parameters that are about the workflow; all others are options of `score`."""


def test_parameters_of_workflows_are_options_of_score() -> None:
    items = workflow_items()
    assert {name.split()[1] for name in items} >= OF_WORKFLOWS
    checked = set()
    for item, rule in items.items():
        name = item.split()[1]
        if name in OF_WORKFLOWS:
            continue
        option = options_of("score")[name]
        checked.add(name)
        values = [*rule.get("enum", []), *rule.get("names", [])]
        if rule.get("default") not in (None, "auto", True):
            assert rule["default"] == option.default, item
        for value in values:
            option.read(value)
        if name == "device":
            for value in ("cpu", "gpu", "gpu:1"):
                option.read(value)
    assert {"fasta", "model", "head", "stats", "tracks", "track_table", "background", "gtf", "device"} <= checked


def test_workflows_pass_options_of_the_commands() -> None:
    config = (ROOT / "workflows/nextflow/conf/modules.config").read_text(encoding="utf-8")
    passed = re.findall(r"'(--[a-z-]+)': params", config)
    assert len(passed) > 5
    known = {option.name for command in ("score", "report") for option in options_of(command).values()}
    assert set(passed) <= known


def test_a_choice_is_the_listed_value_and_not_its_twin() -> None:
    assert type(Choice((3, 10)).read("gene_bins", np.int64(3))) is int
