"""What the commands say on standard error."""

import logging

import click

PROGRAM = "enformer-vep"


def set_up_logging(*, quiet: bool) -> None:
    """Sends the library's notices to standard error; only warnings if quiet."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(f"{PROGRAM}: %(message)s"))
    logger = logging.getLogger("enformer_vep")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.WARNING if quiet else logging.INFO)


def tell(message: str, *, quiet: bool) -> None:
    """Says what was done, unless quiet."""
    if not quiet:
        click.echo(f"{PROGRAM}: {message}", err=True)
