"""The docstrings that the API reference shows: complete, and true to the signatures."""

import inspect
import re
from pathlib import Path

import pytest
from numpydoc.docscrape import FunctionDoc
from numpydoc.validate import validate

import skdistill
import skdistill.metrics
import skdistill.scale
from skdistill.objectives import StudentOutput

DOCS = Path(__file__).resolve().parent.parent / "docs"
PUBLIC = [
    getattr(skdistill, name)
    for name in skdistill.__all__
    if isinstance(getattr(skdistill, name), type)
]
# What a reader trips over, of numpydoc's list: no or a malformed summary, sections unknown or out
# of order, parameters that the signature does not have, without a type, or in another order.
CHECKS = {
    *("GL03", "GL05", "GL06", "GL07", "GL08", "GL10"),
    *("SS01", "SS02", "SS03", "SS04"),
    *("PR02", "PR03", "PR04", "PR10"),
}


def methods_of(cls):
    """The public methods that this package writes, by name; those of its mixins included."""
    found = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("skdistill"):
            found |= {
                name: getattr(cls, name)
                for name, value in vars(base).items()
                if inspect.isfunction(getattr(value, "__func__", value))
                and not name.startswith("_")
            }
    return found


HOMES = (skdistill.metrics, skdistill.scale)
# By their paths within the package.
OF_HOMES = {
    f"{home.__name__.split('.')[1]}.{name}": getattr(home, name)
    for home in HOMES
    for name in home.__all__
}
FUNCTIONS = {path: value for path, value in OF_HOMES.items() if inspect.isfunction(value)}
METHODS = [
    pytest.param(cls, name, id=f"{cls.__name__}.{name}")
    for cls in PUBLIC
    for name in methods_of(cls)
    if name != "forward"  # torch's own, called through the module
]


def documented(doc):
    """Names in the section Parameters; a line may document several, as ``X_val, y_val``."""
    items = FunctionDoc(None, doc=doc)["Parameters"]
    return [one.strip().lstrip("*") for item in items for one in item.name.split(",")]


def accepted(function):
    return [name for name in inspect.signature(function).parameters if name != "self"]


def referred(cls, doc):
    """The method that a docstring of the kind "...; see :meth:`TransferSampler.sample`" names."""
    found = re.search(r"see :meth:`(?:(\w+)\.)?(\w+)`", doc)
    if not found:
        return None
    return getattr(getattr(skdistill, found[1]) if found[1] else cls, found[2])


@pytest.mark.parametrize("cls", [*PUBLIC, StudentOutput])
def test_parameters_of_classes(cls):
    section = "Attributes" if cls is StudentOutput else "Parameters"
    names = [item.name for item in FunctionDoc(None, doc=inspect.getdoc(cls))[section]]
    assert names == accepted(cls.__init__)


@pytest.mark.parametrize(("cls", "name"), METHODS)
def test_parameters_of_methods(cls, name):
    method = methods_of(cls)[name]
    doc = inspect.getdoc(method)
    assert doc, "no docstring"
    elsewhere = referred(cls, doc)
    if elsewhere is not None:
        assert not documented(doc)
        assert accepted(method) == accepted(elsewhere)
        doc = inspect.getdoc(elsewhere)
    assert documented(doc) == accepted(method)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_parameters_of_functions(function):
    assert documented(inspect.getdoc(function)) == accepted(function)


@pytest.mark.parametrize(
    "path",
    [f"skdistill.{cls.__name__}" for cls in PUBLIC]
    + [f"skdistill.{param.values[0].__name__}.{param.values[1]}" for param in METHODS]
    + [f"skdistill.{path}" for path in FUNCTIONS],
)
def test_numpydoc_validation(path):
    errors = [f"{code} {text}" for code, text in validate(path)["errors"] if code in CHECKS]
    assert not errors


def test_reference_lists_every_public_name():
    page = (DOCS / "api.rst").read_text()
    names = [*skdistill.__all__, *OF_HOMES]
    missing = [n for n in names if not re.search(rf"\s{n}\n", page)]
    assert not missing
