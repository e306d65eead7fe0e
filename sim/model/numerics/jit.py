"""Decorators of compiled rules, and the cache folder of their machine code."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def cache_folder() -> Path:
    """Return a writable folder for machine code, named by the text of all compiled modules.

    numba checks only the file of the function that it loads. A new folder for each version of the text
    prevents stale machine code of edited callees in other files.
    """
    texts = (module.read_bytes() for module in sorted(Path(__file__).parents[2].rglob("*.py")))
    text = hashlib.sha256(
        b"".join(text for text in texts if re.search(rb"(from|import) (sim\.model\.numerics\.jit|numba)", text))
    )
    name = f"{text.hexdigest()[:16]}-{sys.version_info.major}{sys.version_info.minor}-{numba.__version__}"
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


if not os.environ.get("NUMBA_CACHE_DIR"):
    setattr(numba.config, "CACHE_DIR", str(cache_folder()))  # noqa: B010  # numba declares its settings at run time

MOST_INTERPRETED = 4_000_000  # states² × steps that Python computes in less time than the compiler takes


def interpret_short_run(states: int, steps: int) -> None:
    """Let Python run the rules if they have no machine code yet and a run of this size is done before it is compiled.

    Both give the same bits. Only a process that makes one run may call this, before it imports the rules.
    """
    if states**2 * steps <= MOST_INTERPRETED and compiles_first() and "sim.model.rules" not in sys.modules:
        setattr(numba.config, "DISABLE_JIT", 1)  # noqa: B010


def compiles_first() -> bool:
    """Whether compiled runs have to wait for machine code, which the cache lacks."""
    cached = any(Path(getattr(numba.config, "CACHE_DIR")).rglob("compiled.simulate_runs*.nbi"))  # noqa: B009
    return not (cached or interprets_rules())


def interprets_rules() -> bool:
    """Whether this process runs the rules as Python, which takes half a second for a run of the article's world."""
    return bool(getattr(numba.config, "DISABLE_JIT"))  # noqa: B009  # numba declares its settings at run time


JIT: Any = numba.njit

# without the wrapper for calls from C, which nothing uses
OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}


def compile_rule(function: F) -> F:
    """Compile a rule to machine code that releases the GIL; `NUMBA_DISABLE_JIT=1` runs it as Python."""
    return cast(F, JIT(**OPTIONS)(function))


def compile_inline(function: F) -> F:
    """Compile and inline a rule that allocates no array, without reference counts."""
    return cast(F, JIT(**OPTIONS, _nrt=False, forceinline=True)(function))


def compile_within(function: F) -> F:
    """Compile and inline a rule that only compiled rules call, without the wrapper for calls from Python.

    The wrapper of a function of many arrays takes longer to compile than the rest of it. A call from Python would
    meet no code, so it is refused; `compile_inline` is for rules that Python calls too.
    """
    rule = JIT(**OPTIONS, _nrt=False, forceinline=True, no_cpython_wrapper=True)(function)
    if rule is function:  # the rules are interpreted
        return function

    def refuse(*given: object, **named: object) -> None:
        raise TypeError(f"only compiled rules call {function.__name__}; compile it with compile_inline")

    rule._insert = lambda *code: None  # so that a call from Python finds none and asks for it
    rule._compile_for_args = refuse
    return cast(F, rule)
