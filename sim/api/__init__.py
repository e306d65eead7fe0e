"""Public functions: load scenarios, run them and analyse the results. Every command calls one of them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
