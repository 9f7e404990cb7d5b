"""What importing the package costs, and what it offers."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import get_type_hints

import pytest

import enformer_vep as ev
from enformer_vep.api.options import ScoreOptions, ScoreVariantsOptions
from enformer_vep.cli import cli


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


@pytest.mark.parametrize(
    ("function", "options"), [(ev.score_variants, ScoreVariantsOptions), (ev.Model.score, ScoreOptions)]
)
def test_the_typed_options_are_those_of_the_function(function: Callable, options: type) -> None:
    given = [name for name in inspect.signature(function).parameters if name not in ("self", "variants")]
    assert sorted(given) == sorted(get_type_hints(options))
