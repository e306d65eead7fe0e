"""Named tuples of arrays that compiled rules pass on by where they are, as one address.

numba hands every part of every array from rule to rule: two hundred values for a world, which take most of the time
to compile. Rules only read the tuples, though they write to the arrays in them.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel.models import StructModel
from numba.core.imputils import impl_ret_borrowed, lower_getattr_generic
from numba.extending import NativeValue, register_model, typeof_impl, unbox


class RecordType(types.NamedTuple):
    """The type of a named tuple that rules pass on as an address."""


def register_record(kind: type) -> None:
    """Let numba take named tuples of this class as records."""
    typeof_impl.register(kind)(type_of_record)


def type_of_record(values: Any, context: Any) -> RecordType:
    """Return the type of a record with these values."""
    return RecordType([typeof_impl(value, context) for value in values], type(values))


@register_model(RecordType)
class RecordModel(StructModel):
    """A record in LLVM: the address of its values, one after the other. One inside another is part of it."""

    def __init__(self, models: Any, kind: RecordType) -> None:
        """List the values."""
        super().__init__(models, kind, list(zip(kind.fields, kind.types, strict=True)))

    def get_value_type(self) -> Any:
        """Return the type of the address."""
        return self.get_data_type().as_pointer()

    get_argument_type = get_value_type

    def as_argument(self, builder: Any, value: Any) -> Any:
        """Pass the address."""
        return value

    def from_argument(self, builder: Any, value: Any) -> Any:
        """Let LLVM know that no rule writes there."""
        value.add_attribute("noalias")
        return value

    def load_from_data_pointer(self, builder: Any, ptr: Any, align: Any = None) -> Any:
        """Return where a record inside another is."""
        return ptr

    def get(self, builder: Any, val: Any, pos: Any) -> Any:
        """Read one value."""
        n = self.get_field_position(pos) if isinstance(pos, str) else pos
        return self.get_model(n).load_from_data_pointer(builder, cgutils.gep_inbounds(builder, val, 0, n))

    def traverse(self, builder: Any) -> list[Any]:
        """List no references to count: Python holds those of the tuple while rules use it."""
        return []


@lower_getattr_generic(RecordType)
def read_value(context: Any, builder: Any, kind: RecordType, place: Any, name: str) -> Any:
    """Read one value of a record."""
    n = kind.fields.index(name)
    return impl_ret_borrowed(context, builder, kind.types[n], context.data_model_manager[kind].get(builder, place, n))


@unbox(RecordType)
def record_of_tuple(kind: RecordType, given: Any, c: Any) -> NativeValue:
    """Take a named tuple from Python and store its values in one place."""
    place = cgutils.alloca_once(c.builder, c.context.data_model_manager[kind].get_data_type())
    return NativeValue(place, is_error=store_values(kind, given, place, c))


def store_values(kind: RecordType, given: Any, place: Any, c: Any) -> Any:
    """Store the values of a named tuple and return whether that failed.

    Arrays are borrowed, because Python holds the tuple while rules use it, so nothing is given back.
    """
    failed, signature = cgutils.false_bit, ir.FunctionType(ir.IntType(32), [c.pyapi.pyobj, cgutils.voidptr_t])
    borrow = cgutils.get_or_insert_function(c.builder.module, signature, "numba_adapt_ndarray")  # as without references
    for n, part in enumerate(kind.types):
        value, to = c.pyapi.tuple_getitem(given, n), cgutils.gep_inbounds(c.builder, place, 0, n)
        if isinstance(part, RecordType):
            fails = store_values(part, value, to, c)
        elif isinstance(part, types.Array):
            status = c.builder.call(borrow, (value, c.builder.bitcast(to, cgutils.voidptr_t)))
            fails = cgutils.is_not_null(c.builder, status)
        else:
            native = c.unbox(part, value)
            c.builder.store(c.context.data_model_manager[part].as_data(c.builder, native.value), to)
            fails = native.is_error
        failed = c.builder.or_(failed, fails)
    return failed
