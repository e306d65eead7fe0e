"""Histories: why each state moved in a run, the turning points, and how often they happen in other runs."""
