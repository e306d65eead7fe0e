"""The folder in which compiled rules keep their machine code."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
from functools import cache
from importlib import metadata
from pathlib import Path


@cache
def machine_code_folder() -> Path:
    """Return the folder of machine code: that of `NUMBA_CACHE_DIR`, or one of the user's cache."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    return Path(named) if named else cache_folder()


def cache_folder() -> Path:
    """Return a writable folder for machine code, named by the text of all compiled modules.

    numba checks only the file of the function that it loads. A new folder for each version of the text
    prevents stale machine code of edited callees in other files.
    """
    texts = (module.read_bytes() for module in sorted(Path(__file__).parents[2].rglob("*.py")))
    text = hashlib.sha256(
        b"".join(text for text in texts if re.search(rb"(from|import) (sim\.model\.numerics\.jit|numba)", text))
    )
    name = f"{text.hexdigest()[:16]}-{sys.version_info.major}{sys.version_info.minor}-{metadata.version('numba')}"
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or str(Path.home() / ".cache")
    folder = Path(home) / "blocs" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        fallback = Path(tempfile.mkdtemp(prefix="blocs-compiled-"))
        sys.stderr.write(
            f"blocs: {folder} is not writable, so compiled code goes to {fallback} and is compiled again next time;"
            " set NUMBA_CACHE_DIR to a writable folder to keep it\n"
        )
        return fallback
