"""What importing the package costs, and what it offers."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import get_type_hints

import pytest

import enformer_vep as ev
from enformer_vep.api import scoring
from enformer_vep.api.options import ScoreOptions, ScoreVariantsOptions, in_words_of_python
from enformer_vep.options.commands import options_of
from enformer_vep.wording import option


def settings(**options: object) -> object:
    given = {"out": "a.parquet", "fasta": "a.fa", "model": "demo", "cache": None}
    return scoring._settings({**given, **options}, vcf="a.vcf", quiet=True)


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


def test_score_vcf_takes_every_option_of_score() -> None:
    """All but those of the terminal, and `-q`, which is `progress=False`."""
    given = {"out", "fasta", "model", "cache", "annotate"}
    assert given | {"vcf", "progress", "options"} == set(inspect.signature(ev.score_vcf).parameters)
    for name in options_of("score").keys() - given - {"quiet", "debug", "help"}:
        settings(**{name: None})
    for name in ("windo", "quiet", "debug", "help"):
        with pytest.raises(TypeError, match=f"score_vcf.. has no option '{name}'"):
            settings(**{name: "grid"})
    with pytest.raises(TypeError, match="no option 'windo'; did you mean window"):
        settings(windo="grid")


def python_words(message: str) -> str:
    @in_words_of_python
    def fail() -> None:
        raise ev.InputError(message)

    with pytest.raises(ev.InputError) as caught:
        fail()
    return str(caught.value)


def test_messages_name_arguments() -> None:
    engine, precision = option("--engine", "full"), option("--precision", "mixed")
    for message, expected in {
        f"remove {option('--strict')} to skip": "remove strict=True to skip",
        f"{engine} cannot round: remove {precision}": "engine='full' cannot round: remove precision='mixed'",
        f"{option('--span', 5)}: expected at least 10": "span=5: expected at least 10",
        f"{option('--width', '200,000')} is more": "width=200000 is more",
        f"{option('--bins', 'chr1:5-9')} lies outside": "bins='chr1:5-9' lies outside",
        f"genes ({option('-g')}) need those": "genes (gtf) need those",
        f"expected at most 0.07 ({option('--verify-tolerance')})": "expected at most 0.07 (verify_tolerance)",
        "chr1:5-f or a-b stay": "chr1:5-f or a-b stay",
    }.items():
        assert python_words(message) == expected


def test_what_is_added_to_a_message_names_arguments_too() -> None:
    @in_words_of_python
    def fail() -> None:
        error = ev.EnformerVepError(f"{option('--device', 'gpu')} went away")
        error.add(f"; use {option('--resume')} to continue")
        assert str(error) == "--device gpu went away; use --resume to continue"
        raise error

    with pytest.raises(ev.EnformerVepError, match=r"^device='gpu' went away; use resume=True to continue$"):
        fail()


@pytest.mark.parametrize(
    ("function", "options"), [(ev.score_variants, ScoreVariantsOptions), (ev.Model.score, ScoreOptions)]
)
def test_the_typed_options_are_those_of_the_function(function: Callable, options: type) -> None:
    given = [name for name in inspect.signature(function).parameters if name not in ("self", "variants")]
    assert sorted(given) == sorted(get_type_hints(options))
