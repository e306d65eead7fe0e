"""The command app."""

from __future__ import annotations

import importlib.util
import sys

import click

from sim.cli.main import cli


@cli.command()
@click.option("--port", type=click.IntRange(1, 65_535), default=8501, show_default=True, help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help="Address to listen on; 0.0.0.0 accepts every machine of the network.")  # fmt: skip
@click.option("--browser/--no-browser", default=True, show_default=True, help="Browser window with the page, or none.")
def app(port: int, host: str, browser: bool) -> None:
    """Serve the app in a browser: set, play and compare the model. Ctrl-C ends it.

    Example: blocs app --port 8502 --no-browser
    """
    if importlib.util.find_spec("streamlit") is None:
        raise click.UsageError("The app needs Streamlit, which is not installed. In the clone: pip install '.[app]'")
    from sim.app.player.ahead import begin_first_page
    from sim.app.serve import serve

    at = f"[{host}]" if ":" in host else host
    click.echo(f"blocs app: http://{at}:{port} (Ctrl-C ends it)")
    sys.exit(serve(host, port, browser=browser, meanwhile=begin_first_page))
