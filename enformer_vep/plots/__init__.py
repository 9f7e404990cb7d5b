"""Pictures of variants: arrays, genes and names in, figures out. What draws them needs the extra `plots`."""

from importlib import import_module

from enformer_vep.errors import InputError


def check_plot_support() -> None:
    """Checks that the packages of the extra `plots` are there.

    Raises:
      InputError: one is not.
    """
    for name in ("matplotlib", "logomaker"):
        try:
            import_module(name)
        except ImportError as error:
            raise InputError(f"plots need {name}: install it with pip install 'enformer-vep[plots]'") from error
