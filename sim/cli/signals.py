"""Signals that ask the command to end, and the thread that sees to it wherever Python happens to be."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading

NUMBERS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
PATIENCE = 4.0  # seconds for what is under way to end by itself, of the 5 that are promised
SHOW_CURSOR = "\x1b[?25h"  # a progress bar hides it

heard: list[int] = []  # signals that have come
parting: list[str] = []  # what is still to be said should the command be ended


class Interrupted(BaseException):
    """A signal asked this process to end."""


class Ending:
    """Ends as the signal that came asks, whichever error leaves: an import that is struck puts its own in its place."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        failed = error.code if isinstance(error, SystemExit) else error
        if heard and failed:
            stopped()


def obey() -> None:
    """From now on the first signal raises Interrupted in the main thread, and a thread sees that the process ends.

    An exception is lost where it strikes in a `__del__`, and has to wait for a call that does not come back to Python.
    So the process is ended after `PATIENCE`, or at the second signal, whatever it is doing: what it has committed
    stays, as after kill -9.
    """
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)
    for number in NUMBERS:
        signal.signal(number, interrupt)
    signal.set_wakeup_fd(mouth.detach(), warn_on_full_buffer=False)
    threading.Thread(target=watch, args=(ear,), daemon=True).start()


def interrupt(number: int, frame: object) -> None:
    """Note a signal; the first one raises Interrupted."""
    heard.append(number)
    if len(heard) == 1:
        raise Interrupted(number)


def answer() -> None:
    """Raise Interrupted once more where one was lost; called between pieces of long work."""
    if heard:
        raise Interrupted(heard[0])


def watch(ear: socket.socket) -> None:
    """Wait for a signal, then for its work to be done or for another signal, and end the process."""
    number = next_of(ear)
    ear.settimeout(PATIENCE)
    with contextlib.suppress(TimeoutError):
        next_of(ear)
    with contextlib.suppress(OSError):  # nobody reads it any more
        os.write(2, "".join([SHOW_CURSOR if os.isatty(2) else "", *parting]).encode())
    os._exit(128 + number)


def next_of(ear: socket.socket) -> int:
    """The next signal of those obeyed."""
    while (number := ear.recv(1)[0]) not in NUMBERS:
        continue
    return number


def ignore() -> None:
    """From now on no signal asks anything: what was to be done is done."""
    for number in NUMBERS:
        signal.signal(number, signal.SIG_IGN)


def stopped() -> None:
    """Say what is to be said, once, and exit as a shell expects of the signal that came."""
    ignore()
    while parting:
        sys.stderr.write(parting.pop())
    sys.exit(128 + heard[0])
