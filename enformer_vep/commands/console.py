"""What all commands share: how options are declared, and messages on standard error."""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click
import cloup

from enformer_vep.options.commands import COMMANDS
from enformer_vep.options.kinds import Choice, Flag, Number, Option, Parsed, Whole

if TYPE_CHECKING:
    from enformer_vep.genome.views import ViewSettings

PROGRAM = "enformer-vep"

C = TypeVar("C", bound=Callable[..., Any])


def with_options(command: str) -> Callable[[C], C]:
    """Returns a decorator that declares all options of a command, in their groups."""

    def declare(function: C) -> C:
        for group in reversed(COMMANDS[command]):
            function = cloup.option_group(group.title, *map(_declared, group.options))(function)
        return function

    return declare


def _declared(option: Option) -> Any:
    names = [*([option.short] if option.short else []), option.name]
    if option.name == "--help":
        return cloup.help_option(*names, help=option.help)
    kind = option.kind
    more: dict[str, Any] = {}
    if isinstance(kind, Flag):
        more["is_flag"] = True
    elif isinstance(kind, Choice):
        more["type"] = click.Choice(kind.values)
    elif isinstance(kind, Whole):
        more["type"] = click.IntRange(kind.least, kind.most)
    elif isinstance(kind, Number):
        more["type"] = click.FloatRange(kind.least, kind.most, min_open=kind.is_open)
    elif isinstance(kind, Parsed) and not option.is_repeated:
        more["callback"] = parsed(kind)
    if option.default is not None:
        more |= {"default": option.default, "show_default": True}
    return cloup.option(
        *names,
        option.setting,
        help=option.help,
        metavar=option.metavar,
        required=option.is_required,
        multiple=option.is_repeated,
        envvar=option.variable,
        show_envvar=option.variable is not None,
        **more,
    )


def parsed(kind: Parsed) -> Callable[[click.Context, click.Parameter, str | None], object]:
    """Returns the callback that makes a value of the text of an option or argument."""

    def callback(ctx: click.Context, param: click.Parameter, text: str | None) -> object:
        if text is None:
            return None
        try:
            return kind.parse(text)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, param) from error

    return callback


def pick(settings: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Returns some of the settings that a command was given."""
    return {name: settings[name] for name in names}


def pick_views(settings: dict[str, Any]) -> "ViewSettings":
    """Removes the settings of views from those of a command, and returns them."""
    from enformer_vep.genome.views import ViewSettings
    from enformer_vep.genome.windows import IndelPolicy

    strands, shifts, indels = (settings.pop(name) for name in ("reverse_complement", "shifts", "indels"))
    return ViewSettings(strands, shifts, IndelPolicy(indels))


def set_up_logging(*, quiet: bool) -> None:
    """Sends the library's notices to standard error; only warnings if quiet."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(f"{PROGRAM}: %(message)s"))
    logger = logging.getLogger("enformer_vep")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.WARNING if quiet else logging.INFO)


def tell(message: str, *, quiet: bool) -> None:
    """Prints what was done to standard error, unless quiet."""
    if not quiet:
        click.echo(f"{PROGRAM}: {message}", err=True)
