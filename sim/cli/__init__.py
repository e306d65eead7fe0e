"""The command `blocs`: the only room besides the app that prints and exits."""

from sim.cli import claims, landscape, results, runs, scenarios
from sim.cli.group import cli, main

__all__ = ["claims", "cli", "landscape", "main", "results", "runs", "scenarios"]
