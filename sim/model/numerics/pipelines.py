"""How numba compiles rules, and where it keeps their machine code; only processes that compile import this."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from typing import Any

import numba
from llvmlite import ir
from llvmlite.binding import Linkage, create_pass_builder, create_pipeline_tuning_options
from numba import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, Flags
from numba.core.compiler_machinery import PassManager
from numba.core.typed_passes import (
    AnnotateTypes,
    IRLegalization,
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
    PreLowerStripPhis,
)
from numba.core.untyped_passes import FixupArgs, IRProcessing, ReconstructSSA, TranslateByteCode
from numba.extending import intrinsic, lower_builtin, overload

from sim.model.numerics.folder import machine_code_folder

setattr(numba.config, "CACHE_DIR", str(machine_code_folder()))  # noqa: B010  # numba declares its settings at run time

JIT: Any = numba.njit


def remember_calls(kind: Any) -> None:
    """Let numba find the types of a call once, where it would try a dozen rules for each + it meets."""
    found: dict[tuple[object, ...], Any] = {}
    find = kind.get_call_type

    def find_once(function: Any, context: Any, given: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        call = function, given, *sorted(named.items())
        if call not in found:
            found[call] = find(function, context, given, named)
        return found[call]

    kind.get_call_type = find_once


remember_calls(types.Function)


@lower_builtin("__array__", types.Array)
def array_of_array(_context: Any, _builder: Any, _signature: Any, given: tuple[Any]) -> Any:
    """Return an array as itself; where numba finds no such rule, it reads all its registries for each index."""
    return given[0]


def compile_once(rule: Any) -> Any:
    """Let numba compile a rule once for numbers and constants, where it would once more for each constant."""
    template = rule.get_call_template
    rule.get_call_template = lambda given, named: template([types.unliteral(kind) for kind in given], named)
    return rule


class LateLibrary(JITCodeLibrary):
    """The code of a rule, which is optimised as a whole with all rules inside it."""

    def _optimize_functions(self, module: Any) -> None:
        """Optimise no function before."""
        module.data_layout = self._codegen._data_layout


class RuleLibrary(LateLibrary):
    """The machine code of a rule and all rules inside it."""

    def add_linking_library(self, library: Any) -> None:
        """Link a rule inside, and those inside that one, once each."""
        if library not in self._linking_libraries:
            super().add_linking_library(library)
            for inner in library._linking_libraries if isinstance(library, PartLibrary) else ():
                self.add_linking_library(inner)

    def _optimize_final_module(self) -> None:
        """Let LLVM know that nothing else calls the rules inside, so that it drops arguments without use.

        It optimises them once, where numba would do so twice for the sake of reference counts, and asks for no code
        that takes longer to make than it saves.
        """
        for rule in self._final_module.functions:
            if not rule.is_declaration and rule.linkage == Linkage.linkonce_odr:
                rule.linkage = Linkage.internal
        options = create_pipeline_tuning_options(speed_level=2)
        options.loop_vectorization, options.loop_interleaving, options.inlining_threshold = True, False, 25
        builder = create_pass_builder(self._codegen._tm, options)
        builder.getModulePassManager().run(self._final_module, builder)


class PartLibrary(LateLibrary):
    """The code of a rule inside others; only they become machine code."""

    attributes: tuple[str, ...] = ()

    def finalize(self) -> None:
        """Make no machine code, and leave it to the rules around it to link what this one calls."""
        self._finalized = True
        for rule in self._final_module.functions:
            if not rule.is_declaration and rule.linkage == Linkage.external:
                rule.linkage = Linkage.linkonce_odr  # numba would do so on a copy
                for attribute in self.attributes:
                    rule.add_function_attribute(attribute)


class ApartLibrary(PartLibrary):
    """The code of a rule that stays a function of its own inside others."""

    attributes = ("noinline",)


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


# Of numba's own passes, those that rules need: they hold no function, comprehension, `with` or `raise`.
PASSES = (
    TranslateByteCode, FixupArgs, IRProcessing, ReconstructSSA, NopythonTypeInference, PreLowerStripPhis,
    IRLegalization, AnnotateTypes, NativeLowering, NoPythonBackend,
)  # fmt: skip


class RuleCompiler(CompilerBase):
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
        """Choose where the code goes, and list the passes."""
        self.state.library = self.library(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        self.state.library.enable_object_caching()
        manager = PassManager("rule")
        for step in PASSES:
            manager.add_pass(step, step.__name__)
        manager.finalize()
        return [manager]


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
