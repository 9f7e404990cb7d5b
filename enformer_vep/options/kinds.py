"""What an option is, and how its values are read, whether they come from the command line or from Python."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, TypeAlias

from enformer_vep.errors import InputError
from enformer_vep.options.values import is_whole
from enformer_vep.wording import did_you_mean


@dataclass(frozen=True)
class Flag:
    """An option without a value on the command line, and a bool in Python."""

    def read(self, name: str, value: Any) -> Any:
        """Returns the value."""
        return value


@dataclass(frozen=True)
class Text:
    """Any text, or in Python a path."""

    def read(self, name: str, value: Any) -> Any:
        """Returns a path as text."""
        return os.fsdecode(value) if isinstance(value, os.PathLike | bytes) else value


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: Sequence[Any]

    def read(self, name: str, value: Any) -> Any:
        """Returns the choice that equals the value: 3 for NumPy's 3, which JSON could not hold.

        Raises:
          InputError: it is none of the choices.
        """
        if value in self.values:
            return self.values[self.values.index(value)]
        texts = list(map(str, self.values))
        raise InputError(
            f"unknown {name} {value!r}: expected one of {', '.join(texts)}{did_you_mean(str(value), texts)}"
        )


@dataclass(frozen=True)
class Whole:
    """A whole number of at least `least` and, if there is a limit, at most `most`."""

    least: int
    most: int | None = None

    def read(self, name: str, value: Any) -> int:
        """Returns the number.

        Raises:
          InputError: it is none, or too small or too large.
        """
        if is_whole(value) and value >= self.least and (self.most is None or value <= self.most):
            return int(value)
        most = "" if self.most is None else f" and at most {self.most}"
        raise InputError(f"{name} is {value!r}: expected a whole number of at least {self.least}{most}")


@dataclass(frozen=True)
class Number:
    """A number of at least `least`, or more than it if `is_open`, and, if there is a limit, at most `most`."""

    least: float
    most: float | None = None
    is_open: bool = False

    def read(self, name: str, value: Any) -> float:
        """Returns the number.

        Raises:
          InputError: it is none, or too small or too large.
        """
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        if is_number and self._is_large_enough(value) and (self.most is None or value <= self.most):
            return float(value)
        if self.most is not None:
            raise InputError(f"{name} is {value!r}: expected a number from {self.least:g} to {self.most:g}")
        least = "more than" if self.is_open else "at least"
        raise InputError(f"{name} is {value!r}: expected a number of {least} {self.least:g}")

    def _is_large_enough(self, value: Any) -> bool:
        return bool(value > self.least if self.is_open else value >= self.least)


@dataclass(frozen=True)
class Parsed:
    """A text, or in Python perhaps a list, that a function parses; its ValueErrors say what is wrong."""

    parse: Callable[[Any], Any]

    def read(self, name: str, value: Any) -> Any:
        """Returns the parsed value.

        Raises:
          InputError: the function refuses it.
        """
        try:
            return self.parse(value)
        except InputError:
            raise
        except ValueError as error:
            raise InputError(str(error)) from error


Kind: TypeAlias = Flag | Text | Choice | Whole | Number | Parsed


@dataclass(frozen=True)
class Option:
    """An option of one or several commands.

    Attributes:
      name: its name on the command line, such as '--gene-window'.
      help: its text in `--help`.
      kind: the kind of its values.
      default: its value on the command line where it is not given.
      metavar: the name of its value in `--help`.
      short: its short name, such as '-g'.
      parameter: the setting that it becomes, where that has another name than Python's argument.
      variable: the environment variable that gives its value where the command does not.
      is_required: whether a command needs it.
      is_repeated: whether it can be given several times.
    """

    name: str
    help: str
    kind: Kind = Text()
    default: Any = None
    metavar: str | None = None
    short: str | None = None
    parameter: str | None = None
    variable: str | None = None
    is_required: bool = False
    is_repeated: bool = False

    @property
    def argument(self) -> str:
        """Its name in Python: 'gene_window'."""
        return self.name.removeprefix("--").replace("-", "_")

    @property
    def setting(self) -> str:
        """The setting that it becomes."""
        return self.parameter or self.argument

    def read(self, value: Any) -> Any:
        """Returns the setting for an argument of Python; where it is None, for the environment or the default.

        Raises:
          InputError: the value cannot be used.
        """
        if value is None:
            value = (os.environ.get(self.variable) if self.variable else None) or self.default
        return None if value is None else self.kind.read(self.argument, value)

    def in_python(self, value: str | None) -> str:
        """Returns it as Python's users write it: precision='mixed' for --precision mixed, strict=True for --strict."""
        if isinstance(self.kind, Flag):
            return f"{self.argument}=True"
        if value is None:
            return self.argument
        number = value.replace(",", "")
        return f"{self.argument}={number if number.replace('.', '', 1).isdigit() else repr(value)}"


@dataclass(frozen=True)
class Group:
    """Options that `--help` shows together."""

    title: str
    options: tuple[Option, ...]


def group(title: str, *options: Option) -> Group:
    """Returns a group."""
    return Group(title, options)
