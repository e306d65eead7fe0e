"""Worlds of any year from the field's public datasets: reading, codes, rules and their log."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
