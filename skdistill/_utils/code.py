"""Code that an object may run: the globals that a function uses, and the versions of packages.

cloudpickle does not do: its bytes tell which of equal objects are one and the same, so a fitted
forest and its unpickled copy differ, and where its memo is off, a ring of objects has no end. It
sees no module that a function imports when it runs, and no name in a text.
"""

import dis
import importlib.metadata
import importlib.util
import site
import sys
import sysconfig
import types
from collections.abc import Iterator
from functools import lru_cache, reduce
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any


def globals_of(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the globals that a function uses by name; of a module those that it may use."""
    loaded, imported, names = _names_in(function.__code__)
    space = function.__globals__
    used = {name: space[name] for name in loaded if name in space}
    for name, level in imported:
        full = "." * level + name
        try:
            if level:
                full = importlib.util.resolve_name(full, space.get("__package__") or "")
            is_ours = version_of(full) is None
            used[full] = importlib.import_module(full) if is_ours else version_of(full)
        except Exception:  # the function may do without
            used[full] = None
    for name, value in sorted(used.items()):
        if isinstance(value, types.ModuleType):
            yield from _used_of(name, value, names, set())
        else:
            yield name, value


def _used_of(
    path: str, module: types.ModuleType, names: list[str], seen: set[types.ModuleType]
) -> Iterator[tuple[str, Any]]:
    if version_of(module.__name__) is not None:
        yield path, module
        return
    yield path, module.__name__
    seen.add(module)
    held = vars(module)
    for name, value in ((name, held[name]) for name in names if name in held):
        if not isinstance(value, types.ModuleType):
            yield f"{path}.{name}", value
        elif value not in seen:
            yield from _used_of(f"{path}.{name}", value, names, seen)


@lru_cache(maxsize=4096)
def _names_in(code: types.CodeType) -> tuple[list[str], list[tuple[str, int]], list[str]]:
    """The globals that code loads, the modules that it imports, and all its names, sorted.

    Names in texts count where the code asks by a text: ``getattr``, ``globals()[...]`` and
    ``import_module``.
    """
    loaded: set[str] = set()
    imported: set[tuple[str, int]] = set()
    names = set(code.co_names)
    before: list[Any] = [None, None]
    for step in dis.get_instructions(code):
        if step.opname == "IMPORT_NAME":
            imported.add((step.argval, before[-2] or 0))
        elif step.opname.startswith("LOAD_") and ("GLOBAL" in step.opname or "NAME" in step.opname):
            loaded.add(step.argval)
        elif _names_a_module(step, before[-1]):
            imported.add((step.argval, 0))
        before = [before[-1], step.argval]
    texts = {value for value in code.co_consts if isinstance(value, str)}
    if "getattr" in loaded:  # by a name that only a constant holds
        names |= texts
    if "globals" in loaded:
        loaded |= texts
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            of_inner = _names_in(inner)
            loaded.update(of_inner[0])
            imported.update(of_inner[1])
            names.update(of_inner[2])
    return sorted(loaded), sorted(imported), sorted(names)


def _names_a_module(step: dis.Instruction, before: Any) -> bool:
    is_text = step.opname == "LOAD_CONST" and isinstance(step.argval, str)
    return is_text and before in ("import_module", "__import__")


def cell_content(cell: types.CellType) -> Any:
    """What a closure holds."""
    try:
        return cell.cell_contents
    except ValueError:  # nothing is in it yet
        return NotImplemented


def find(module: str, name: str) -> Any:
    """What goes by a name in a module; None if nothing does."""
    start = sys.modules.get(module)
    return reduce(lambda one, part: getattr(one, part, None), name.split("."), start)


def is_compiled(value: object) -> bool:
    """Whether a class is not made by Python code: such as that of None, which has no name."""
    return isinstance(value, type) and not value.__flags__ & _MADE_BY_CODE


_MADE_BY_CODE = 1 << 9  # Py_TPFLAGS_HEAPTYPE


def module_name(value: types.FunctionType | type) -> str:
    """The module that a function or a class says it is of."""
    name = value.__module__
    return "__main__" if name == "__mp_main__" else name


def version_of(module: str) -> str | None:
    """What code of a module is known by.

    Parameters
    ----------
    module : str

    Returns
    -------
    str or None
        A version; None where nothing but the code itself tells: it was not installed, but written
        here, perhaps under a version that stays while it is edited.
    """
    return _version_of_package(module.partition(".")[0])


@lru_cache(maxsize=1024)
def _version_of_package(name: str) -> str | None:
    if name == __name__.partition(".")[0]:
        return ""  # every key holds it
    loaded = sys.modules.get(name)
    spec = importlib.util.find_spec(name) if loaded is None else getattr(loaded, "__spec__", None)
    if spec is None:
        return None
    if spec.origin in ("built-in", "frozen"):
        return "python"
    folder = _folder_of(spec)
    if name in sys.stdlib_module_names and folder in _folders_of("stdlib", "platstdlib"):
        return "python"
    if folder not in _folders_of("purelib", "platlib") and not any(folder.glob("*.dist-info")):
        return None
    version = getattr(loaded, "__version__", None)
    if isinstance(version, str):
        return str(version)
    found = importlib.metadata.packages_distributions().get(name, ())
    return ",".join(importlib.metadata.version(one) for one in sorted(set(found))) or None


def _folder_of(spec: ModuleSpec) -> Path:
    """The folder that holds a package."""
    place = Path(spec.origin or next(iter(spec.submodule_search_locations or ())))
    return place.parent.parent if place.stem == "__init__" else place.parent


@lru_cache(maxsize=2)
def _folders_of(*names: str) -> set[Path]:
    paths = [Path(sysconfig.get_path(name)) for name in names]
    if "purelib" in names:
        return {*paths, *map(Path, [*site.getsitepackages(), site.getusersitepackages()])}
    return {*paths, *(path / "lib-dynload" for path in paths)}
