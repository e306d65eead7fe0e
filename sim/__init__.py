"""blocs: how states form blocs, as an agent-based simulation whose every number cites its source.

From Python as from the shell: `from sim import compare, load, run, sweep` (see `sim.api`).
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.api import Comparison, Ensemble, Trajectory, compare, load, read, run, sweep
    from sim.faults import InputError, InputWarning

__version__ = "0.1.0"
__all__ = [
    "Comparison", "Ensemble", "InputError", "InputWarning", "Trajectory", "compare", "load", "read", "run", "sweep",
]  # fmt: skip


class Package(ModuleType):
    """The package: its names are those of `sim.api`, also where a module is called the same.

    Importing `sim.sweep`, which `from sim.sweep import …` does, would otherwise put the module in the function's place.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if name not in __all__ or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


def __getattr__(name: str) -> object:
    """A public name, imported when it is first asked for: the command must start without pandas or Mesa."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sim import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


sys.modules[__name__].__class__ = Package
