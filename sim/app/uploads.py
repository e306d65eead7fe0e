"""Check uploaded scenario files as `blocs check` does; never trust them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from sim.app.setting import ancestors_of, safe_name, size_fault
from sim.errors import Fault, InputError, display_path, escape_controls
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario

MAX_BYTES = 256 * 1024


class Upload(NamedTuple):
    """An uploaded file: its name, its resolved scenario, and the names of those that it extends, the nearest first."""

    stem: str
    scenario: Scenario
    ancestors: tuple[str, ...]


def read_upload(name: str, size: int, content: Callable[[], bytes]) -> Upload:
    """Read a file, but only if its size is in bounds.

    Raise InputError with every fault, under the file's name as the reader knows it.
    """
    shown = escape_controls(name.replace("\\", "/").rsplit("/", 1)[-1])[:80] or "file"
    if size > MAX_BYTES:
        message = f"has {size} bytes; an uploaded scenario has at most {MAX_BYTES} ({MAX_BYTES // 1024} kB)"
        raise InputError([Fault(shown, 1, "", message)])
    stem = safe_name(name)
    with tempfile.TemporaryDirectory(prefix="blocs-upload-") as folder:
        path = Path(folder) / f"{stem}.toml"
        path.write_bytes(content())
        try:
            scenario = load_scenario(path)
            ancestors = ancestors_of(path)
        except InputError as error:
            own = display_path(path)
            raise InputError(f._replace(file=shown) if f.file == own else f for f in error.faults) from None
    if message := size_fault(scenario):
        raise InputError([Fault(shown, 1, "states" if "states;" in message else "steps", message)])
    return Upload(stem, scenario, ancestors)
