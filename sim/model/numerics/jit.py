"""Decorators of compiled rules, and the cache folder of their machine code."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from llvmlite.binding import Linkage
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

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
    if interprets_sooner(states, steps) and "sim.model.rules" not in sys.modules:
        setattr(numba.config, "DISABLE_JIT", 1)  # noqa: B010


def interprets_sooner(states: int, steps: int) -> bool:
    """Whether Python computes a run of this size before the rules are compiled, which they are not yet."""
    return states**2 * steps <= MOST_INTERPRETED and compiles_first()


def compiles_first() -> bool:
    """Whether compiled runs have to wait for machine code, which the cache lacks."""
    cached = any(Path(getattr(numba.config, "CACHE_DIR")).rglob("compiled.simulate_runs*.nbi"))  # noqa: B009
    return not (cached or interprets_rules())


def interprets_rules() -> bool:
    """Whether this process runs the rules as Python, which takes half a second for a run of the article's world."""
    return bool(getattr(numba.config, "DISABLE_JIT"))  # noqa: B009  # numba declares its settings at run time


JIT: Any = numba.njit

# without the wrapper for calls from C, which nothing uses
OPTIONS = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}

PART = {"no_cpython_wrapper": True, "_nrt": False}  # without reference counts, which a rule of many arrays has many of


class RuleLibrary(JITCodeLibrary):
    """The machine code of a rule and all rules inside it."""

    def _optimize_final_module(self) -> None:
        """Let LLVM know that nothing else calls the rules inside, so that it drops arguments without use."""
        for rule in self._final_module.functions:
            if not rule.is_declaration and rule.linkage == Linkage.linkonce_odr:
                rule.linkage = Linkage.internal
        super()._optimize_final_module()  # type: ignore[no-untyped-call]


class PartLibrary(JITCodeLibrary):
    """The code of a rule inside others; only they are optimised as a whole and become machine code."""

    def _optimize_final_module(self) -> None:
        """Leave this to the rules around it."""

    def _finalize_final_module(self) -> None:
        """Make no machine code."""
        self._finalize_dynamic_globals()  # type: ignore[no-untyped-call]
        self._finalized = True


class ApartLibrary(PartLibrary):
    """The code of a rule that stays a function of its own inside others."""

    def _finalize_final_module(self) -> None:
        """Forbid LLVM to inline it."""
        super()._finalize_final_module()
        for rule in self._final_module.functions:
            if not rule.is_declaration and rule.linkage == Linkage.external:
                rule.add_function_attribute("noinline")


class RuleCompiler(Compiler):
    """Compiles a rule that Python calls."""

    library: type[JITCodeLibrary] = RuleLibrary

    def define_pipelines(self) -> Any:
        """Choose where the code goes."""
        self.state.library = self.library(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        self.state.library.enable_object_caching()
        return super().define_pipelines()  # type: ignore[no-untyped-call]


class PartCompiler(RuleCompiler):
    """Compiles a rule that only compiled rules call, as far as they need it."""

    library = PartLibrary

    def define_pipelines(self) -> Any:
        """Make no function that Python can call."""
        self.state.flags.no_compile = True
        return super().define_pipelines()

    def _compile_core(self) -> Any:
        """Give the rule a key by which others find it in place of such a function."""
        made = super()._compile_core()  # type: ignore[no-untyped-call]
        found = made._replace(entry_point=object())
        self.state.targetctx.insert_user_function(found.entry_point, found.fndesc, [found.library])
        return found


class ApartCompiler(PartCompiler):
    """Compiles such a rule as a function of its own."""

    library = ApartLibrary


def compile_rule(function: F) -> F:
    """Compile a rule to machine code that releases the GIL; `NUMBA_DISABLE_JIT=1` runs it as Python."""
    return cast(F, JIT(**OPTIONS, cache=True, forceinline=False, pipeline_class=RuleCompiler)(function))


def compile_inline(function: F) -> F:
    """Compile and inline a rule that allocates no array; one that Python calls is compiled for Python separately."""
    return answer_python(JIT(**OPTIONS, **PART, forceinline=True, pipeline_class=PartCompiler)(function), function)


def compile_apart(function: F) -> F:
    """Compile a rule as `compile_inline`, but as a function of its own: for rules that are large or rarely called.

    LLVM takes much longer for one large function than for several small ones.
    """
    return answer_python(JIT(**OPTIONS, **PART, forceinline=False, pipeline_class=ApartCompiler)(function), function)


def compile_allocation(function: F) -> F:
    """Compile a rule as `compile_apart`, with the reference counts of the arrays that it allocates."""
    options = {**OPTIONS, **PART, "_nrt": True}
    return answer_python(JIT(**options, forceinline=False, pipeline_class=ApartCompiler)(function), function)


def compile_within(function: F) -> F:
    """Compile and inline a rule that only compiled rules call.

    A call from Python would compile it again, so it is refused; `compile_inline` is for rules that Python calls too.
    """
    rule = JIT(**OPTIONS, **PART, forceinline=True, pipeline_class=PartCompiler)(function)
    if rule is not function:  # the rules are not interpreted
        rule._insert = lambda *code: None  # so that a call from Python finds none and asks for it
        rule._compile_for_args = partial(refuse, function.__name__)
    return cast(F, rule)


def refuse(name: str, *given: object, **named: object) -> None:
    """Refuse a call of a rule from Python."""
    raise TypeError(f"only compiled rules call {name}; compile it with compile_inline")


def answer_python(rule: Any, function: F) -> F:
    """Give calls of a rule from Python machine code of their own."""
    if rule is not function:
        called = compile_rule(function)
        rule._insert = lambda *code: None
        rule._compile_for_args = lambda *given, **named: called
    return cast(F, rule)
