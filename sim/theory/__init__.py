"""Landscape theory, structural balance and persistence: exact results that the model is checked against."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
