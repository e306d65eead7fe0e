"""Files that a folder of results contains: one way to write a named file, and one way to open one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import uuid
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from pydantic_core import from_json

from sim.errors import Fault, InputError, display_path

LINK = "is a link, which {} cannot contain; replace it by the file or remove it"
SPECIAL = "is a pipe, a device or a socket, which {} cannot contain; remove it"
MAX_RECORD, MAX_TABLE = 32 * 2**20, 2 * 2**30  # bytes of a JSON file, which is read whole, and of a Parquet table
MOST_VALUES = 1_300_000  # of a JSON file
# A value takes up to 130 bytes of memory, and a text up to four times its bytes, so a record takes less than 260 MB.

NOT_JSON = {
    "recursion limit exceeded": "is nested too deeply",
    "invalid unicode code point": "is not UTF-8",
    "number out of range": "has a number with thousands of digits",
}


def refuse_file(path: Path, message: str) -> NoReturn:
    """Raise InputError that names a file."""
    raise InputError([Fault(display_path(path), 1, "", message)])


def require_regular(path: Path, kept_in: str = "results") -> None:
    """Raise InputError where a path is a link, a pipe, a device or a socket; it may be a folder or be missing."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISLNK(mode):
        refuse_file(path, LINK.format(kept_in))
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        refuse_file(path, SPECIAL.format(kept_in))


def open_regular(path: Path, kept_in: str = "results") -> BinaryIO:
    """Open a file for reading; raises InputError where it is a link, a pipe, a device or a socket."""
    require_regular(path, kept_in)
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    return open(os.open(path, flags), "rb")


def read_file(path: Path, most: int = MAX_RECORD) -> bytes:
    """Read a file of at most `most` bytes.

    Raises InputError where it is a link, a pipe, a device, a socket or larger, and OSError where it cannot be read.
    """
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        refuse_file(path, f"is larger than {most // 2**20} MB, the limit for {path.suffix[1:]} files of results")
    return content


def read_record(path: Path, remedy: str, most: int = MAX_RECORD) -> dict[str, Any]:
    """Read a JSON file that contains a table.

    Raises InputError with the remedy where it is none, or has more values than a record of results can have; OSError
    where the file is missing.
    """
    try:
        raw = read_file(path, most)
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        refuse_file(path, f"cannot be read ({error.strerror}); {remedy}")
    if count_values(raw) > MOST_VALUES:
        refuse_file(path, f"has more than {MOST_VALUES} values, the limit for a record of results; {remedy}")
    try:
        content = from_json(raw)  # which makes no text of the whole file, as `json` does
    except ValueError as error:
        reason, _, place = str(error).partition(" at line ")
        message = f"{NOT_JSON.get(reason, f'is not JSON ({reason})')}; {remedy}"
        raise InputError([Fault(display_path(path), int(place.partition(" ")[0] or 1), "", message)]) from None
    if not isinstance(content, dict):
        refuse_file(path, f"is not a table; {remedy}")
    return content


def count_values(raw: bytes) -> int:
    """Count at least the values of a JSON text, without reading it; commas in texts count too."""
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def require_plain(folder: Path, deep: int = 0) -> None:
    """Require that a folder, and the folders in it down to a depth, contain only files and folders.

    Raises InputError with every link, pipe, device and socket, and with every file above 2 GB.
    """
    if faults := list(plain_faults(folder, deep)):
        raise InputError(faults)


def plain_faults(folder: Path, deep: int) -> Iterator[Fault]:
    """Find what `require_plain` refuses; nothing where the folder is missing. Temporary files of others may vanish."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                yield from plain_faults(path, deep - 1) if deep else ()
            elif entry.is_symlink():
                yield Fault(display_path(path), 1, "", LINK.format("results"))
            elif not entry.is_file(follow_symlinks=False):
                yield Fault(display_path(path), 1, "", SPECIAL.format("results"))
            elif entry.stat(follow_symlinks=False).st_size > MAX_TABLE:
                message = f"is larger than {MAX_TABLE // 2**30} GB, the limit for a table of results"
                yield Fault(display_path(path), 1, "", message)


@contextlib.contextmanager
def aside_of(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside a file and remove what is left there; errors of the system name the file."""
    if not path.is_symlink():
        require_regular(path)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        yield aside
    except OSError as error:
        if error.errno is not None and str(error.filename or aside) == str(aside):
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


@contextlib.contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside a file; then sync what was written there and rename it to the file.

    The file appears whole or not at all. A link of its name is replaced and not followed. Raises InputError where a
    pipe, a device or a socket has the name, and OSError that names the file where it cannot be written.
    """
    with aside_of(path) as aside:
        yield aside
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        aside.replace(path)
    sync_folder(path.parent)


def write_synced(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, sync it and rename it, as `written_aside` does."""
    with written_aside(path) as aside, aside.open("xb") as file:
        file.write(content)


def require_writable(path: Path) -> None:
    """Raise what `write_synced` would raise where a file cannot be written, before anything is computed for it."""
    with aside_of(path) as aside, aside.open("xb") as file:
        file.write(b" ")
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Sync a folder after a rename, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def known_hash(path: Path) -> str:
    """SHA-256 of a file, computed once for each time at which it was written; '' where it cannot be read."""
    try:
        found = path.stat()
        return cached_hash(str(path), found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    except OSError:
        return ""


@lru_cache(maxsize=100_000)
def cached_hash(path: str, *written: int) -> str:
    """What `hash_file` finds; the rest only tells one file from the next."""
    return hash_file(Path(path))


def file_size(path: Path) -> int:
    """Bytes of a file; 0 where it is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def hash_file(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
