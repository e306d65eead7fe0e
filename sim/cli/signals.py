"""Signals that ask the command to end: a thread ends it, wherever Python happens to be."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading

NUMBERS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

SHOW_CURSOR = "\x1b[?25h\n"  # a progress bar hides it

parting: list[str] = []  # what is said when a signal ends the command


def handle_signals() -> None:
    """From now on the first signal ends the process at once, as a shell expects of that signal.

    What is committed stays, as after kill -9. An exception in the main thread would be lost in a `__del__`, and
    would wait for a call that does not come back to Python.
    """
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)
    for number in NUMBERS:
        signal.signal(number, handled)
    signal.set_wakeup_fd(mouth.detach(), warn_on_full_buffer=False)
    threading.Thread(target=watch_signals, args=(ear,), daemon=True).start()


def handled(number: int, frame: object) -> None:
    """Nothing in the main thread."""


def watch_signals(ear: socket.socket) -> None:
    """Wait for a signal that nothing else handles, as the app's server does, say how to go on, and end the process."""
    while signal.getsignal(number := ear.recv(1)[0]) is not handled:
        continue
    with contextlib.suppress(OSError):  # the terminal may be gone
        os.write(2, "".join([SHOW_CURSOR if os.isatty(2) else "", *parting]).encode())
    os._exit(128 + number)


def ignore_signals() -> None:
    """From now on no signal asks anything: what was to be done is done."""
    for number in NUMBERS:
        signal.signal(number, signal.SIG_IGN)
