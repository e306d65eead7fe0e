"""blocs: how states form blocs, as an agent-based simulation in which every number cites its source.

Every command is also a function: ``from sim import compare, load, run, sweep``.
"""

import warnings

import lazy_loader

__version__ = "0.2.0.dev0"
_attribute, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

RENAMED = {"Trajectory": "History"}  # names of the release before, by the new one


def __getattr__(name: str) -> object:
    """Return a public name, loaded when it is first used; an old name with a warning."""
    if name in RENAMED:
        message = f"sim.{name} is now sim.{RENAMED[name]}; the old name goes with the next release"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return _attribute(RENAMED[name])
    return _attribute(name)
