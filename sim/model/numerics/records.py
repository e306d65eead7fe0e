"""Named tuples of arrays that compiled rules pass on by where they are, as one address.

numba hands every part of every array from rule to rule: two hundred values for a world, which take most of the time
to compile. Rules only read the tuples, though they write to the arrays in them.
"""

from __future__ import annotations

from typing import Any

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
    plain = types.NamedTuple(kind.types, kind.instance_class)
    native = c.unbox(plain, given)
    models = c.context.data_model_manager
    place = cgutils.alloca_once(c.builder, models[kind].get_data_type())
    for n, part in enumerate(kind.types):
        value = c.builder.extract_value(native.value, n)
        data = c.builder.load(value) if isinstance(part, RecordType) else models[part].as_data(c.builder, value)
        c.builder.store(data, cgutils.gep_inbounds(c.builder, place, 0, n))

    def release() -> None:
        """Give back the references that numba has taken: a record has none to count."""
        if native.cleanup is not None:
            native.cleanup()
        if c.context.enable_nrt:
            c.context.nrt.decref(c.builder, plain, native.value)

    return NativeValue(place, is_error=native.is_error, cleanup=release)
