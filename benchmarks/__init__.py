"""Ratios and times, measured on request and never part of the tests."""
