"""Serve the app: Streamlit in this process, on one address, with no request to other hosts."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from streamlit import runtime
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.session_manager import SessionInfo
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.web import bootstrap
from streamlit.web.server import server

from sim.errors import Fault, InputError

PAGES = Path(__file__).with_name("pages") / "main.py"

MAX_UPLOAD_MB = 1
MOST_UPLOADS = 2  # files that the server holds for a visit; their scenarios are read at once

KEPT_VISIT = 60  # seconds in which a visit can be continued after its connection broke

OPTIONS = {
    "global.developmentMode": False,
    "server.fileWatcherType": "none",
    "server.runOnSave": False,
    "server.maxUploadSize": MAX_UPLOAD_MB,
    "server.disconnectedSessionTTL": KEPT_VISIT,
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
    "theme.light.codeTextColor": "#1A1A1A",
    "theme.dark.primaryColor": "#7CC4FF",
    "theme.dark.linkColor": "#7CC4FF",
}


class CappedUploads(MemoryUploadedFileManager):
    """The files that readers upload: the last two of each visit, whoever sends more."""

    def add_file(self, session_id: str, file: UploadedFileRec) -> None:
        """Hold a file, and remove the oldest of the visit beyond the cap."""
        super().add_file(session_id, file)
        for old in [*self.file_storage[session_id]][:-MOST_UPLOADS]:
            self.remove_file(session_id, old)


class EndedVisits(MemorySessionStorage):
    """Visits whose connection ended: they can be continued for a while, and hold no file."""

    def save(self, session_info: SessionInfo) -> None:
        """Store a visit, and remove its files: their scenarios have been read."""
        runtime.get_instance().uploaded_file_mgr.remove_session_files(session_info.session.id)
        super().save(session_info)


def cap_uploads() -> None:
    """Let Streamlit's server, which has no setting for it, cap the files of a visit and free them at its end."""
    vars(server).update(MemoryUploadedFileManager=CappedUploads, MemorySessionStorage=EndedVisits)


def leave_components_out() -> None:
    """Let Streamlit not look for components, of which the app uses only its own, in every installed package."""
    vars(manifest_scanner).update(scan_component_manifests=list)


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


def note_signals() -> list[int]:
    """Let Streamlit's server, which ends without a word of it, note each signal that stops it in this list."""
    noted: list[int] = []
    set_up = bootstrap._set_up_signal_handler

    def set_up_and_note(running: server.Server) -> None:
        set_up(running)
        stop = signal.getsignal(signal.SIGINT)  # that of SIGTERM, too

        def note_and_stop(number: int, frame: FrameType | None) -> None:
            noted.append(number)
            if callable(stop):
                stop(number, frame)

        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, note_and_stop)

    vars(bootstrap).update(_set_up_signal_handler=set_up_and_note)
    return noted


def serve(host: str, port: int, *, browser: bool, meanwhile: Callable[[], None] = lambda: None) -> int:
    """Serve the pages until a signal, after a call of `meanwhile`; return the exit code, 128 and the signal.

    Raise InputError if the port is taken.
    """
    check_address(host, port)
    cap_uploads()
    leave_components_out()
    signals = note_signals()
    meanwhile()
    options = {**OPTIONS, "server.address": host, "server.port": port, "server.headless": not browser}
    bootstrap.load_config_options({name.replace(".", "_"): value for name, value in options.items()})
    bootstrap.run(str(PAGES), False, [], {name.replace(".", "_"): value for name, value in options.items()})
    return 128 + signals[0] if signals else 0


def own_address() -> str:
    """Return this machine's address in its network, as its routes have it; sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        try:
            trial.connect(("192.0.2.1", 9))  # an address for documentation; a datagram socket connects without a packet
        except OSError:
            return "its address in your network"
        return str(trial.getsockname()[0])
