"""What importing the package costs, and what it offers."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import get_type_hints

import click
import pytest

import enformer_vep as ev
from enformer_vep.api import score_settings
from enformer_vep.api.messages import python_words
from enformer_vep.api.options import ScoreOptions, ScoreVariantsOptions
from enformer_vep.cli import cli


def settings(**options: object) -> object:
    return score_settings.score_settings(
        vcf="a.vcf", out="a.parquet", fasta="a.fa", model="demo", cache=None, quiet=True, **options
    )


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, time\nstart = time.perf_counter()\nimport enformer_vep as ev\n"
        "took = time.perf_counter() - start\nassert {'score_variants', 'open_model', 'read_scores'} <= set(dir(ev))\n"
        "print(took, *sorted(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    took, *loaded = run.stdout.split()
    heavy = {"numpy", "pandas", "polars", "tensorflow", "pyarrow", "click", "enformer_vep.errors"}
    assert not heavy & set(loaded)
    assert float(took) < 1  # it takes 0.01 s; nothing that is slow can be in it


def test_every_public_name_is_there() -> None:
    for name in ev.__all__:
        assert getattr(ev, name) is not None, name
    with pytest.raises(AttributeError, match="no attribute 'score_variant'"):
        ev.score_variant  # noqa: B018


def test_a_run_loads_no_tensorflow_before_its_variants_are_known() -> None:
    code = (
        "import sys, enformer_vep as ev\n"
        "try:\n    ev.score_variants('none.vcf', fasta='none.fa', model='demo')\n"
        "except ev.InputError as error:\n    print(error)\n"
        "assert 'tensorflow' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "no such file: none.vcf" in run.stdout


SAME = {"stats": "statistics", "window": "placement", "cache_size": "cache_bytes"}


@pytest.mark.parametrize("function", [ev.score_variants, ev.open_model, ev.Model.score])
def test_options_have_the_names_and_defaults_of_the_command_line(function: object) -> None:
    options = {parameter.name: parameter for parameter in cli.commands["score"].params}
    for name, parameter in inspect.signature(function).parameters.items():  # type: ignore[arg-type]
        if name in ("self", "variants", "progress"):
            continue
        option = options[SAME.get(name, name)]
        if name in ("fasta", "model", "cache"):
            assert option.envvar == f"ENFORMER_VEP_{name.upper()}"
            assert parameter.default is None
        elif name == "shifts":
            assert (parameter.default, option.default) == ((0,), "0")
        elif name == "cache_size":
            assert (parameter.default, option.default) == (128 * 2**20, "128M")
        else:
            assert f"--{name.replace('_', '-')}" in option.opts
            default = option.default is True if option.is_flag else option.default
            assert parameter.default == (default if isinstance(default, str | bool) else None), name


def test_score_vcf_takes_every_option_of_score() -> None:
    """All but those of the terminal, and `-q`, which is `progress=False`."""
    given = {"vcf", "out", "fasta", "model", "cache", "annotate", "progress"}
    assert given | {"options"} == set(inspect.signature(ev.score_vcf).parameters)
    options = {
        max(option.opts, key=len).removeprefix("--").replace("-", "_")
        for option in cli.commands["score"].params
        if isinstance(option, click.Option)
    }
    assert options - given - {"quiet", "debug", "help"} == score_settings.OPTIONS
    for name in score_settings.OPTIONS:
        settings(**{name: None})
    with pytest.raises(TypeError, match="no option 'windo'; did you mean window"):
        settings(windo="grid")


def test_messages_name_arguments() -> None:
    for message, expected in {
        "remove --strict to skip": "remove strict=True to skip",
        "--engine full cannot round: remove --precision mixed": "engine='full' cannot round: remove precision='mixed'",
        "--span 5: expected at least 10": "span=5: expected at least 10",
        "genes (-g) need those": "genes (gtf) need those",
        "expected at most 0.07 (--verify-tolerance)": "expected at most 0.07 (verify_tolerance)",
        "chr1:5-f or a-b stay": "chr1:5-f or a-b stay",
    }.items():
        assert python_words(message) == expected


@pytest.mark.parametrize(
    ("function", "options"), [(ev.score_variants, ScoreVariantsOptions), (ev.Model.score, ScoreOptions)]
)
def test_the_typed_options_are_those_of_the_function(function: Callable, options: type) -> None:
    given = [name for name in inspect.signature(function).parameters if name not in ("self", "variants")]
    assert sorted(given) == sorted(get_type_hints(options))
