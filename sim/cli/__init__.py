"""The command `blocs`."""

from sim.cli.commands import app, claims, data, explain, forecast, landscape, results, run, scenarios, uncertainty
from sim.cli.main import cli, main

__all__ = [
    "app",
    "claims",
    "cli",
    "data",
    "explain",
    "forecast",
    "landscape",
    "main",
    "results",
    "run",
    "scenarios",
    "uncertainty",
]
