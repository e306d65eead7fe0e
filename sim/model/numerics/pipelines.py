"""How numba compiles rules, and where it keeps their machine code; only processes that compile import this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from llvmlite.binding import Linkage
from numba import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.extending import intrinsic, overload

from sim.model.numerics.folder import machine_code_folder

setattr(numba.config, "CACHE_DIR", str(machine_code_folder()))  # noqa: B010  # numba declares its settings at run time

JIT: Any = numba.njit


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
