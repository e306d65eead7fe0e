"""Signals that end the command: a thread receives them, whatever the main thread does."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading

NUMBERS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

SHOW_CURSOR = "\x1b[?25h\n"  # a progress bar hides it

parting: list[str] = []  # message for a command that a signal ends


def handle_signals() -> None:
    """Let the first signal end the process at once with exit code 128 + signal.

    Committed results stay, as after kill -9. An exception in the main thread would not do: a `__del__` may swallow
    it, and a call that does not return to Python delays it.
    """
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    for number in NUMBERS:
        signal.signal(number, leave_to_thread)
    signal.set_wakeup_fd(sender.detach(), warn_on_full_buffer=False)
    threading.Thread(target=watch_signals, args=(receiver,), daemon=True).start()


def leave_to_thread(number: int, frame: object) -> None:
    """Do nothing in the main thread."""


def watch_signals(receiver: socket.socket) -> None:
    """Wait for a signal that nothing else handles (the app's server handles its own), print `parting`, and end."""
    while signal.getsignal(number := receiver.recv(1)[0]) is not leave_to_thread:
        continue
    with contextlib.suppress(OSError):  # the terminal may be gone
        os.write(2, "".join([SHOW_CURSOR if os.isatty(2) else "", *parting]).encode())
    os._exit(128 + number)


def ignore_signals() -> None:
    """Ignore signals from now on: the command has finished."""
    for number in NUMBERS:
        signal.signal(number, signal.SIG_IGN)
