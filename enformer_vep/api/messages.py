"""Errors in the words of Python: options of the command line go by the names of arguments."""

import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from enformer_vep.errors import EnformerVepError

P = ParamSpec("P")
T = TypeVar("T")

_FLAGS = {
    *("allow_mismatches", "allow_nondeterministic", "overwrite", "pass_only", "resume", "reverse_complement", "strict"),
}
_SHORT = {"f": "fasta", "g": "gtf", "m": "model", "o": "out"}
_VALUES = r"\d[\w.]*|full|reusing|float32|tf32|mixed|bfloat16|cpu|gpu(?::\d+)?|centred|grid|shared:\d+|left|tower"
_OPTION = re.compile(rf"(?<![\w-])(?:--([a-z][a-z-]*)|-([{''.join(_SHORT)}]))(?: ({_VALUES})(?![\w.]))?")


def in_words_of_python(function: Callable[P, T]) -> Callable[P, T]:
    """Makes a function's errors name its arguments: precision='mixed' for the command line's --precision mixed."""

    @wraps(function)
    def call(*arguments: P.args, **options: P.kwargs) -> T:
        try:
            return function(*arguments, **options)
        except EnformerVepError as error:
            error.args = (python_words(str(error)), *error.args[1:])
            raise

    return call


def python_words(message: str) -> str:
    """Returns a message in which options are arguments: strict=True for --strict, and fasta for -f."""
    return _OPTION.sub(_argument, message)


def _argument(option: re.Match[str]) -> str:
    long, short, value = option.groups()
    name = long.replace("-", "_") if long else _SHORT[short]
    if value is not None:
        is_number = value.replace(".", "", 1).isdigit()
        return f"{name}={value if is_number else repr(value)}"
    return f"{name}=True" if name in _FLAGS else name
