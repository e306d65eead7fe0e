"""The command `blocs`."""

from sim.cli.commands import app, backtest, claims, explain, forecast, history, results, run, uncertainty
from sim.cli.commands.worlds import data, landscape, scenarios
from sim.cli.main import cli, main

__all__ = [
    "app",
    "backtest",
    "claims",
    "cli",
    "data",
    "explain",
    "forecast",
    "history",
    "landscape",
    "main",
    "results",
    "run",
    "scenarios",
    "uncertainty",
]
