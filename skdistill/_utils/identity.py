"""What tells one object from another: its content, and the code that acts on it."""

import copyreg
import hashlib
import io
import pickle
import struct
import sys
import types
from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from skdistill._utils.code import (
    cell_content,
    find,
    globals_of,
    is_compiled,
    module_name,
    version_of,
)
from skdistill._utils.types import NDArray

# What a class holds beside its code.
NOT_CODE = {
    "__abstractmethods__",
    "__annotate__",
    "__annotate_func__",
    "__annotations__",
    "__annotations_cache__",
    "__dict__",
    "__doc__",
    "__firstlineno__",
    "__orig_bases__",
    "__parameters__",
    "__slotnames__",
    "__static_attributes__",
    "__weakref__",
    "_abc_impl",
}
# What of compiled code says what it does; not where it stands.
OF_CODE = (
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_flags",
    "co_code",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_consts",
    "co_exceptiontable",
)


def identify(*parts: object) -> str:
    """Hash objects by their content and by the code that acts on them.

    Equal objects have equal hashes, in any process of one version of Python. Code of installed
    packages is known by their version; other code by its bytecode, and by that of the functions,
    classes and constants that it uses.

    Parameters
    ----------
    *parts : objects

    Returns
    -------
    str

    Raises
    ------
    TypeError
        If an object cannot be told from another; the message says where it is.
    """
    identifier = _Identifier()
    try:
        return identifier.digest(parts).hex()
    except Exception as error:  # pickling calls anyone's code
        where = ".".join(identifier.trail)
        raise TypeError(f"`{where}`: {error}" if where else str(error)) from error


class _Identifier:
    """Digests of objects, each looked at once.

    Attributes
    ----------
    trail : list of str
        Names on the way to the object that is being looked at.
    """

    def __init__(self) -> None:
        self.trail: list[str] = []
        # By id: what is done; how deep what is not done is.
        self._known: dict[int, tuple[Any, bytes]] = {}
        self._open: dict[int, int] = {}
        self._reached, self._n_in_cycles = 0, 0

    def digest(self, value: Any) -> bytes:
        """The digest of an object that others may refer to."""
        place, depth = id(value), len(self._open)
        if place in self._known:
            return self._known[place][1]
        if place in self._open:
            self._reached = min(self._reached, self._open[place])
            return b"up %d" % (depth - self._open[place])
        self._open[place] = depth
        around, self._reached = self._reached, depth
        result = hashlib.blake2b(self._content(value), digest_size=16).digest()
        del self._open[place]
        known = result
        if self._reached < depth:  # it refers to what is around it: that may differ elsewhere
            self._n_in_cycles += 1
            known = b"again %d" % self._n_in_cycles
        self._reached = min(around, self._reached)
        self._known[place] = value, known  # the value too: its id is not to be given away
        return result

    def _encode(self, value: Any) -> bytes:
        """The bytes of an atom; a digest of anything else."""
        kind = type(value)
        if kind is str:
            text = value.encode("utf-8", "surrogatepass")
            return b"s%d:%b" % (len(text), text)
        if kind is float:
            return b"f" + struct.pack("<d", value)
        if value is None or kind in (bool, int, complex, type(...), type(NotImplemented)):
            return b"a%b;" % repr(value).encode()
        if kind is bytes:
            return b"b%d:%b" % (len(value), value)
        digest = self.digest(value)
        return b"#%d:%b" % (len(digest), digest)

    def _all(self, kind: str, *values: Any) -> bytes:
        return kind.encode() + b"(" + b"".join(map(self._encode, values)) + b")"

    def _named(self, kind: str, named: Iterable[tuple[Any, Any]]) -> bytes:
        """Values under names, which an error message shows."""
        parts = [kind.encode()]
        for name, value in named:
            self.trail.append(str(name))
            parts += [self._encode(name), self._encode(value)]
            self.trail.pop()
        return b"".join(parts)

    def _content(self, value: Any) -> bytes:
        kind = type(value)
        if kind in (list, tuple):
            return self._all(kind.__name__, *value)
        if kind is dict:  # in its order, which a teacher may follow
            return self._named("dict", value.items())
        if kind in (set, frozenset):
            return kind.__name__.encode() + b"".join(sorted(map(self._encode, value)))
        if kind in (np.ndarray, np.memmap):  # others have more to them than their values
            return self._array(value)
        if kind is pd.DataFrame:
            return self._frame(value)
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, types.CodeType):
            return self._named("code", ((name, getattr(value, name)) for name in OF_CODE))
        if isinstance(value, types.FunctionType):
            return self._reference(value) or self._function(value)
        if isinstance(value, type):
            return self._reference(value) or self._class(value)
        if isinstance(value, types.ModuleType):
            return self._module(value)
        if hasattr(kind, "key_parts"):
            return self._all("keyed", kind, value.key_parts())
        inside = _inside(value)
        return self._reduced(value) if inside is None else self._all("part", kind, *inside)

    def _array(self, array: NDArray[Any]) -> bytes:
        if array.dtype.names:  # what lies between the fields is nobody's
            return self._named("fields", [(name, array[name]) for name in array.dtype.names])
        if array.dtype.hasobject:
            return self._all("objects", str(array.dtype), array.shape, array.ravel().tolist())
        layout = "C"
        if array.flags.f_contiguous and not array.flags.c_contiguous:
            layout, array = "F", array.T
        flat = np.ascontiguousarray(array).reshape(-1)
        data = flat.view(np.uint8).data if array.nbytes else b""
        content = hashlib.blake2b(data, digest_size=16).digest()
        return self._all("array", repr(array.dtype), array.shape, layout, content)

    def _frame(self, frame: pd.DataFrame) -> bytes:
        """By columns: how pandas puts them together depends on where the frame comes from."""
        columns = [frame.iloc[:, place].array for place in range(frame.shape[1])]
        return self._all("frame", frame.columns, frame.index, columns, frame.attrs)

    def _tensor(self, tensor: torch.Tensor) -> bytes:
        plain = tensor.detach()
        if plain.layout is not torch.strided:
            raise TypeError(f"a tensor of layout {plain.layout} cannot be told from another")
        if plain.is_quantized:
            plain = plain.dequantize()
        data = plain.cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
        what = type(tensor).__qualname__, str(tensor.dtype), tensor.device.type, tuple(tensor.shape)
        return self._all("tensor", what, data.view(torch.uint8).numpy())

    def _reference(self, value: types.FunctionType | type) -> bytes | None:
        """What stands for code of an installed package; None where the code itself must."""
        name = value.__qualname__
        version = version_of(value.__module__) if isinstance(value.__module__, str) else None
        if version is None or not (find(value.__module__, name) is value or is_compiled(value)):
            return None
        return self._all("reference", value.__module__, name, version)

    def _function(self, function: types.FunctionType) -> bytes:
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        closure = [(name, cell_content(cell)) for name, cell in cells]
        parts = {
            "defaults": function.__defaults__,
            "kwdefaults": function.__kwdefaults__,
            "code": function.__code__,
            "dict": function.__dict__,
        }
        self.trail.append(function.__name__)
        content = self._all("function", module_name(function), function.__qualname__)
        content += self._named("parts", parts.items()) + self._named("closure", closure)
        content += self._named("globals", globals_of(function))
        self.trail.pop()
        return content

    def _class(self, cls: type) -> bytes:
        own = sorted(item for item in vars(cls).items() if item[0] not in NOT_CODE)
        content = self._all("class", module_name(cls), cls.__qualname__, type(cls), cls.__bases__)
        self.trail.append(cls.__name__)
        content += self._named("own", own)
        self.trail.pop()
        return content

    def _module(self, module: types.ModuleType) -> bytes:
        version = version_of(module.__name__)
        if version is not None:
            return self._all("module", module.__name__, version)
        own = [item for item in sorted(vars(module).items()) if not item[0].startswith("__")]
        return self._named(f"module {module.__name__}", own)

    def _reduced(self, value: Any) -> bytes:
        """What pickle would make the object anew of."""
        reduced = _reduce(value)
        if isinstance(reduced, str):
            return self._singleton(value, reduced)
        make, args, state, items, pairs, setter = [*reduced, *[None] * 4][:6]
        content = self._all("reduced", make, args, setter)
        if isinstance(state, dict):  # attributes, whose order says nothing
            content += self._named("state", _attributes(value, state))
        else:
            content += self._encode(state)
        items = None if items is None else list(items)
        pairs = None if pairs is None else list(pairs)
        return content + self._encode(items) + self._encode(pairs)

    def _singleton(self, value: Any, name: str) -> bytes:
        """What is known by its name: a compiled function, or an object that there is once."""
        # The stubs do not know it.
        module = pickle.whichmodule(value, name)  # type: ignore[attr-defined]
        if find(module, name) is not value:
            raise TypeError(f"{value!r} is not {module}.{name}, the name that it goes by")
        version: str | bytes | None = version_of(module)
        if version is None:
            file = getattr(sys.modules[module], "__file__", None)
            version = Path(file).read_bytes() if file else b""
        return self._all("singleton", type(value), module, name, version)


# --- what is beside the content ---


def _inside(value: Any) -> tuple[Any, ...] | None:
    """The parts of what pickle does not take; None for anything else."""
    if isinstance(value, types.MethodType):
        return value.__func__, value.__self__
    if isinstance(value, (staticmethod, classmethod)):
        return (value.__func__,)
    if isinstance(value, property):
        return value.fget, value.fset, value.fdel
    if isinstance(value, cached_property):
        return (value.func,)
    if isinstance(value, _LRU):
        return value.__wrapped__, value.cache_parameters()
    if isinstance(value, types.MappingProxyType):
        return (dict(value),)
    if isinstance(value, (types.MemberDescriptorType, types.GetSetDescriptorType)):
        return (value.__name__,)
    return None


_LRU = type(lru_cache(lambda: None))


def _reduce(value: Any) -> str | tuple[Any, ...]:
    """What pickle makes of a value, or would if it were let."""
    if isinstance(value, torch.jit.ScriptModule):
        file = io.BytesIO()
        torch.jit.save(value, file)
        return torch.jit.load, (file.getvalue(),)
    if isinstance(value, torch.nn.Module) and torch.nn.utils.parametrize.is_parametrized(value):
        return type(value), (), vars(value)
    reducer = copyreg.dispatch_table.get(type(value))
    return value.__reduce_ex__(4) if reducer is None else reducer(value)


def _attributes(value: Any, state: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """Attributes by name; hooks of a torch module by their order, not by their running number."""
    if isinstance(value, torch.nn.Module):
        hooks = {name: of for name, of in state.items() if "hooks" in name and isinstance(of, dict)}
        numbers = sorted({number for of in hooks.values() for number in of})
        for name, of in hooks.items():
            state = {**state, name: {numbers.index(number): hook for number, hook in of.items()}}
    if isinstance(value, pd.api.extensions.ExtensionArray):
        state = {name: part for name, part in state.items() if name not in ("_cache", "_readonly")}
    return sorted(state.items(), key=lambda item: str(item[0]))
