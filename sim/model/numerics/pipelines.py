"""How numba compiles rules, and where it keeps their machine code; only processes that compile import this."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from llvmlite.binding import Linkage
from numba import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, Flags
from numba.extending import intrinsic, overload

from sim.model.numerics.folder import machine_code_folder

setattr(numba.config, "CACHE_DIR", str(machine_code_folder()))  # noqa: B010  # numba declares its settings at run time

JIT: Any = numba.njit


def compile_once(rule: Any) -> Any:
    """Let numba compile a rule once for numbers and constants, where it would once more for each constant."""
    template = rule.get_call_template
    rule.get_call_template = lambda given, named: template([types.unliteral(kind) for kind in given], named)
    return rule


class RuleLibrary(JITCodeLibrary):
    """The machine code of a rule and all rules inside it."""

    def add_linking_library(self, library: Any) -> None:
        """Link a rule inside, and those inside that one, once each."""
        if library not in self._linking_libraries:
            super().add_linking_library(library)
            for inner in library._linking_libraries if isinstance(library, PartLibrary) else ():
                self.add_linking_library(inner)

    def _optimize_final_module(self) -> None:
        """Let LLVM know that nothing else calls the rules inside, so that it drops arguments without use."""
        for rule in self._final_module.functions:
            if not rule.is_declaration and rule.linkage == Linkage.linkonce_odr:
                rule.linkage = Linkage.internal
        super()._optimize_final_module()


class PartLibrary(JITCodeLibrary):
    """The code of a rule inside others; only they are optimised as a whole and become machine code."""

    def finalize(self) -> None:
        """Make no machine code, and leave it to the rules around it to link what this one calls."""
        self._finalized = True


class ApartLibrary(PartLibrary):
    """The code of a rule that stays a function of its own inside others."""

    def finalize(self) -> None:
        """Forbid LLVM to inline it."""
        super().finalize()
        for rule in self._final_module.functions:
            if not rule.is_declaration and rule.linkage == Linkage.external:
                rule.add_function_attribute("noinline")


class RuleFlags(Flags):
    """The options of a rule; rules differ only in whether they count references.

    numba compares the options of rules some fifty thousand times, and value by value that takes a tenth of its time.
    """

    def __hash__(self) -> int:
        """Tell rules that count references from others."""
        return hash(bool(self.nrt))

    def __eq__(self, other: object) -> bool:
        """Tell rules that count references from others."""
        return isinstance(other, RuleFlags) and bool(self.nrt) == bool(other.nrt)


class RuleCompiler(Compiler):
    """Compiles a rule that Python calls."""

    library: type[JITCodeLibrary] = RuleLibrary

    def __init__(self, *given: Any) -> None:
        """Take numba's options as those of a rule."""
        super().__init__(*given)
        self.state.flags = RuleFlags(self.state.flags)

    def _compile_core(self) -> Any:
        """Let the collector of garbage wait: it takes a tenth of the time, and finds little."""
        collects = gc.isenabled()
        gc.disable()
        try:
            return super()._compile_core()
        finally:
            if collects:
                gc.enable()

    def define_pipelines(self) -> Any:
        """Choose where the code goes."""
        self.state.library = self.library(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        self.state.library.enable_object_caching()
        return super().define_pipelines()


class PartCompiler(RuleCompiler):
    """Compiles a rule that only compiled rules call, as far as they need it."""

    library = PartLibrary

    def define_pipelines(self) -> Any:
        """Make no function that Python can call."""
        self.state.flags.no_compile = True
        return super().define_pipelines()

    def _compile_core(self) -> Any:
        """Give the rule a key by which others find it in place of such a function."""
        made = super()._compile_core()
        found = made._replace(entry_point=object())
        self.state.targetctx.insert_user_function(found.entry_point, found.fndesc, [found.library])
        return found


class ApartCompiler(PartCompiler):
    """Compiles such a rule as a function of its own."""

    library = ApartLibrary


@intrinsic
def multiply_words(_: Any, a: Any, b: Any) -> tuple[Any, Callable[..., Any]]:
    """Multiply two 64-bit words to 128 bits in LLVM and return both halves."""

    def instructions(context: Any, builder: Any, signature: Any, words: Any) -> Any:
        wide, word = ir.IntType(128), ir.IntType(64)
        product = builder.mul(*(builder.zext(factor, wide) for factor in words))
        high = builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), word)
        return context.make_tuple(builder, signature.return_type, (high, builder.trunc(product, word)))

    pair: Any = types.UniTuple
    return pair(types.uint64, 2)(types.uint64, types.uint64), instructions


def replace_product(function: Callable[..., object]) -> None:
    """Let compiled rules multiply words in LLVM where they call this function."""

    @overload(function)
    def compiled_product(a: Any, b: Any) -> Callable[..., Any]:
        def product(a: Any, b: Any) -> Any:
            return multiply_words(a, b)  # type: ignore[call-arg]  # its first argument is numba's own

        return product
