"""Serve the app: Streamlit in this process, on one address, with no request to other hosts."""

from __future__ import annotations

import socket
from pathlib import Path

from streamlit.web import bootstrap

from sim.errors import Fault, InputError

PAGES = Path(__file__).with_name("pages") / "main.py"

MAX_UPLOAD_MB = 1

OPTIONS = {
    "global.developmentMode": False,
    "server.fileWatcherType": "none",
    "server.runOnSave": False,
    "server.maxUploadSize": MAX_UPLOAD_MB,
    "server.maxMessageSize": 50,
    "server.enableStaticServing": False,
    "server.showEmailPrompt": False,
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "runner.magicEnabled": False,
    "runner.postScriptGC": False,  # a full collection after every script is slow; Python collects when needed
    "logger.hideWelcomeMessage": True,
    "logger.level": "error",
    "theme.light.primaryColor": "#005A9C",
    "theme.light.textColor": "#1A1A1A",
    "theme.light.linkColor": "#005A9C",
    "theme.dark.primaryColor": "#7CC4FF",
    "theme.dark.linkColor": "#7CC4FF",
}


def check_address(host: str, port: int) -> None:
    """Raise InputError if a server cannot listen at this host and port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
    except socket.gaierror:
        raise InputError([Fault("--host", 1, host, "is no address of this machine; 127.0.0.1 is")]) from None
    except OSError as error:
        message = f"cannot be listened on: {error.strerror}; give another, such as --port {port % 65_535 + 1}"
        raise InputError([Fault("--port", 1, str(port), message)]) from None


def serve(host: str, port: int, *, browser: bool) -> None:
    """Serve the pages until a signal; raise InputError if the port is taken."""
    check_address(host, port)
    options = {**OPTIONS, "server.address": host, "server.port": port, "server.headless": not browser}
    bootstrap.load_config_options({name.replace(".", "_"): value for name, value in options.items()})
    bootstrap.run(str(PAGES), False, [], {name.replace(".", "_"): value for name, value in options.items()})
