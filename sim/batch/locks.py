"""Locks of a results folder: one process writes the whole of it, or several write one share each."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock

from sim.errors import Fault, InputError, display_path
from sim.files import read_file, require_regular

LOCK, HOLDER = ".lock", ".holder"
LONGEST_NAME = 1_000  # bytes of a holder's name
PATIENCE = 120.0  # seconds that a share waits while other processes prepare the folder
NAMING = 2  # seconds that the holder of a lock has to write its name


@dataclass(frozen=True)
class SweepShare:
    """The part of a sweep's chunks that one of several processes computes."""

    index: int  # from 1
    of: int

    def __str__(self) -> str:
        return f"{self.index}/{self.of}"

    def has(self, chunk: int) -> bool:
        """Whether the chunk with this number belongs to this share."""
        return chunk % self.of == self.index - 1


@contextlib.contextmanager
def lock_folder(
    folder: Path, share: SweepShare | None = None, first: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Lock a folder, or one share of it; call `first` while no other process can enter.

    Raises InputError that names the holder where another process has the lock.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as own:
        with hold_lock(folder, "", PATIENCE if share else 0):
            require_free(folder, lambda name: share is None or not name.endswith(f"-of-{share.of}"))
            if share is not None:
                own.enter_context(hold_lock(folder, f"-{share.index}-of-{share.of}"))
            first()
            if share is None:
                yield
        if share is not None:
            yield


def refuse_writers(folder: Path, share: SweepShare | None) -> None:
    """Raise InputError where another share is being written."""
    own = "" if share is None else f"{LOCK}-{share.index}-of-{share.of}"
    require_free(folder, lambda name: name != own)


def require_free(folder: Path, chosen: Callable[[str], bool]) -> None:
    """Raise InputError where a chosen lock of a share is taken; the lock of the folder keeps others from taking one."""
    for path in folder.glob(f"{LOCK}-*"):
        if chosen(path.name):
            with hold_lock(folder, path.name.removeprefix(LOCK)):
                pass


@contextlib.contextmanager
def hold_lock(folder: Path, which: str, patience: float = 0) -> Iterator[None]:
    """Hold one lock of a folder; with patience, wait for it unless a whole sweep, which writes its name, has it."""
    require_regular(folder / f"{LOCK}{which}")
    lock = filelock.FileLock(folder / f"{LOCK}{which}")
    holder = folder / f"{HOLDER}{which}"
    deadline = time.monotonic() + patience
    while not lock.is_locked:
        try:
            lock.acquire(timeout=min(patience, 1))
        except filelock.Timeout:
            if holder.is_file() or time.monotonic() >= deadline:
                raise InputError([Fault(display_path(folder), 1, "", describe_holder(folder, which))]) from None
    try:
        holder.unlink(missing_ok=True)  # a killed process left it
        if not patience:
            with holder.open("x", encoding="utf-8") as file:
                file.write(f"process {os.getpid()} on {platform.node()}")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def describe_holder(folder: Path, which: str) -> str:
    """The message for a taken lock; a process that has just taken it gets time to write its name."""
    deadline = time.monotonic() + NAMING
    while not (name := read_holder(folder, which)) and time.monotonic() < deadline:
        time.sleep(0.02)
    share = f" (share {which[1:].replace('-of-', '/')})" if which else ""
    return f"is being written by {name or 'another process'}{share}; wait for it or choose another --out"


def read_holder(folder: Path, which: str) -> str:
    """The name that the holder of a lock has written, or ''."""
    try:
        return read_file(folder / f"{HOLDER}{which}", LONGEST_NAME).decode()
    except (OSError, ValueError):
        return ""
