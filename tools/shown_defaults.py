"""Lets the API reference show the values of defaults, which the code gives by their names."""

import inspect
import sys
from operator import attrgetter
from typing import Any

import griffe

import enformer_vep

PUBLIC_MODULES = {getattr(enformer_vep, name).__module__ for name in enformer_vep.__all__ if name != "__version__"}


class ShownDefaults(griffe.Extension):
    """Replaces each default by the value that it has when the package runs."""

    def on_function(self, *, func: griffe.Function, **_: Any) -> None:
        """Looks up a function of the public modules."""
        module = func.module.path
        if module not in PUBLIC_MODULES:
            return
        found = attrgetter(func.path.removeprefix(f"{module}."))(sys.modules[module])
        for parameter in inspect.signature(found).parameters.values():
            if isinstance(func.parameters[parameter.name].default, griffe.Expr):
                func.parameters[parameter.name].default = repr(parameter.default)
