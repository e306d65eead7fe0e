"""blocs: how states form blocs, as an agent-based simulation in which every number cites its source.

The functions of the command are also functions here: `from sim import compare, load, run, sweep`.
"""

import lazy_loader

__version__ = "0.2.0.dev0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
