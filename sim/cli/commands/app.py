"""The command that serves the app: app."""

from __future__ import annotations

import importlib.util

import click

from sim.cli.main import cli
from sim.errors import Fault, InputError


@cli.command()
@click.option("--port", type=click.IntRange(1, 65_535), default=8501, show_default=True, help="Where it listens.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help="The address it listens on; 0.0.0.0 lets every machine around reach it.")  # fmt: skip
@click.option("--browser/--no-browser", default=True, show_default=True, help="Open the page.")
def app(port: int, host: str, browser: bool) -> None:
    """Serve the app in which the model is set, played and compared in a browser; Ctrl-C ends it.

    Example: blocs app --port 8502 --no-browser
    """
    if importlib.util.find_spec("streamlit") is None:
        raise InputError([Fault("app", 1, "", "needs Streamlit, which is not installed: pip install 'blocs[app]'")])
    from sim.app.serve import serve

    at = f"[{host}]" if ":" in host else host
    click.echo(f"blocs app: http://{at}:{port} (Ctrl-C ends it)")
    serve(host, port, browser=browser)
