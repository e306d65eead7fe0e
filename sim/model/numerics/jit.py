"""Decorators of compiled rules; numba is imported only where they compile."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

from sim.model.numerics.folder import machine_code_folder

F = TypeVar("F", bound=Callable[..., object])

C = TypeVar("C", bound=type)


INTERPRETED = {"rules": os.environ.get("NUMBA_DISABLE_JIT", "0").strip() not in ("", "0")}

MOST_INTERPRETED = 4_000_000  # states² × steps that Python computes in less time than the compiler takes


def interpret_short_run(states: int, steps: int) -> None:
    """Let Python run the rules if they have no machine code yet and a run of this size is done before it is compiled.

    Both give the same bits. Only a process that makes one run may call this, before it imports the rules.
    """
    if interprets_sooner(states, steps) and "sim.model.rules" not in sys.modules:
        INTERPRETED["rules"] = True


def interprets_sooner(states: int, steps: int) -> bool:
    """Whether Python computes a run of this size before the rules are compiled, which they are not yet."""
    return states**2 * steps <= MOST_INTERPRETED and compiles_first()


def compiles_first() -> bool:
    """Whether compiled runs have to wait for machine code, which the cache lacks."""
    return not (interprets_rules() or any(machine_code_folder().rglob("compiled.simulate_runs*.nbi")))


def interprets_rules() -> bool:
    """Whether this process runs the rules as Python, which takes half a second for a run of the article's world."""
    return INTERPRETED["rules"]


# without the wrapper for calls from C
OPTIONS = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}

PART = {"no_cpython_wrapper": True, "_nrt": False}  # without reference counts, which a rule of many arrays has many of


def translate(function: F, pipeline: str, **options: bool) -> Any:
    """Let numba compile a rule by one of `pipelines`, or leave it to Python."""
    if interprets_rules():
        return function
    from sim.model.numerics import pipelines

    rule = pipelines.JIT(**OPTIONS, **options, pipeline_class=getattr(pipelines, pipeline))(function)
    return pipelines.compile_once(rule)


def compile_rule(function: F) -> F:
    """Compile a rule to machine code that releases the GIL; `NUMBA_DISABLE_JIT=1` runs it as Python."""
    return cast(F, translate(function, "RuleCompiler", cache=True, forceinline=False))


def compile_inline(function: F) -> F:
    """Compile and inline a rule that allocates no array; one that Python calls is compiled for Python separately."""
    return answer_python(translate(function, "PartCompiler", forceinline=True, **PART), function)


def compile_apart(function: F) -> F:
    """Compile a rule as `compile_inline`, but as a function of its own: for rules that are large or rarely called.

    LLVM takes much longer for one large function than for several small ones.
    """
    return answer_python(translate(function, "ApartCompiler", forceinline=False, **PART), function)


def compile_within(function: F) -> F:
    """Compile and inline a rule that only compiled rules call.

    A call from Python would compile it again, so it is refused; `compile_inline` is for rules that Python calls too.
    """
    rule = translate(function, "PartCompiler", forceinline=True, **PART)
    if rule is not function:  # the rules are not interpreted
        rule._insert = lambda *code: None  # so that a call from Python finds none and asks for it
        rule._compile_for_args = partial(refuse, function.__name__)
    return cast(F, rule)


def compile_product(function: F) -> F:
    """Let compiled rules multiply words in LLVM where they call this function, which Python can call too."""
    if not interprets_rules():
        from sim.model.numerics import pipelines

        pipelines.replace_product(function)
    return function


def python_of(rule: F) -> F:
    """Return a rule as Python, for one that is short, calls no other and is seldom called from Python."""
    return cast(F, getattr(rule, "py_func", rule))


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


def pass_as_record(kind: C) -> C:
    """Let compiled rules pass named tuples of this class on by their address (see `records`)."""
    if not interprets_rules():
        from sim.model.numerics import records

        records.register_record(kind)
    return kind
