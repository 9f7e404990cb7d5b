"""The options of Python's functions: those of the command line by their names in Python, and errors that name them."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypedDict, TypeVar

from enformer_vep.errors import EnformerVepError
from enformer_vep.genome.views import ViewSettings
from enformer_vep.genome.windows import IndelPolicy
from enformer_vep.inference.device import Precision
from enformer_vep.options.commands import option_named, options_of
from enformer_vep.options.values import Path, Shifts, Stats, Tracks
from enformer_vep.run.settings import EngineName

P = ParamSpec("P")
T = TypeVar("T")


class ScoreOptions(TypedDict, total=False):
    """The options of `Model.score`."""

    stats: Stats
    tracks: Tracks | None
    window: str
    bins: str
    reverse_complement: bool
    shifts: Shifts
    indels: str
    strict: bool
    allow_mismatches: bool
    progress: bool | None


class ScoreVariantsOptions(ScoreOptions, total=False):
    """The options of `score_variants`: those of `Model.score`, and of opening the model."""

    fasta: Path | None
    model: Path | None
    head: str
    track_table: Path | None
    precision: Precision
    engine: EngineName
    device: str | None
    batch_size: int | None
    cache_size: int | str
    allow_nondeterministic: bool
    cache: Path | None


def in_words_of_python(function: Callable[P, T]) -> Callable[P, T]:
    """Makes a function's errors name its arguments: precision='mixed' for the command line's --precision mixed."""

    @wraps(function)
    def call(*arguments: P.args, **options: P.kwargs) -> T:
        try:
            return function(*arguments, **options)
        except EnformerVepError as error:
            error.render(lambda name, value: option_named(name).in_python(value))
            raise

    return call


def read(name: str, value: object, command: str = "score") -> Any:
    """Returns the setting for an argument; where it is None, that of the environment variable, or else the default.

    Args:
      name: the argument.
      value: its value.
      command: the command whose option it is.

    Raises:
      InputError: the value cannot be used.
    """
    return options_of(command)[name].read(value)


def read_views(
    indels: str | None = None, shifts: Shifts | None = None, *, reverse_complement: bool | None = None
) -> ViewSettings:
    """Returns the views of each allele.

    Raises:
      InputError: there is no such policy, or no shift, or one twice.
    """
    policy = IndelPolicy(read("indels", indels))
    return ViewSettings(bool(reverse_complement), read("shifts", shifts), policy)
