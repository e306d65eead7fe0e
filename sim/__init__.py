"""blocs: how states form blocs, as an agent-based simulation in which every number cites its source.

Every command is also a function: ``from sim import compare, load, run, sweep``.
"""

import importlib
import warnings

import lazy_loader

__version__ = "0.2.0"
_attribute, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

RENAMED = {"Trajectory": "History"}  # names of the release before, by the new one
MOVED = {"charts": "sim.reporting.charts"}  # modules of the release before


def warn_of_old(name: str, new: str) -> None:
    """Warn that a name of the release before has a new one."""
    message = f"sim.{name} is now {new}; the old name will be removed in 0.3 (docs/migration.md)"
    warnings.warn(message, DeprecationWarning, stacklevel=3)


def __getattr__(name: str) -> object:
    """Return a public name, loaded when it is first used; an old name with a warning."""
    if name in RENAMED:
        warn_of_old(name, f"sim.{RENAMED[name]}")
        return _attribute(RENAMED[name])
    if name in MOVED:
        warn_of_old(name, MOVED[name])
        return importlib.import_module(MOVED[name])
    if name not in __all__:
        raise AttributeError(f"sim has no {name}; docs/migration.md says which names of 0.1 changed", name=name)
    return _attribute(name)
