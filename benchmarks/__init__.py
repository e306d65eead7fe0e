"""Measure speed on request; not part of the tests."""
