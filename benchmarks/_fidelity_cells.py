"""Cells of the fidelity benchmark: what there is to run, and what is kept of it.

A cell is one method on one data set with one seed. Its figures are a JSON file that also says what
they depend on, so that a stale cell is run anew and a stopped run goes on; its probabilities of
the test rows are an npz file beside it.
"""

import ast
import hashlib
import importlib.metadata
import inspect
import json
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from _fidelity_teacher import teacher
from datasets import load_split

import skdistill.classifier

# Raised when a helper of the methods changes what they measure.
VERSION = 1
CELLS = Path(__file__).parent / ".cells"
TEACHER_PACKAGES = ("scikit-learn", "xgboost", "lightgbm")


@dataclass
class Method:
    """How the cells of one name are made.

    Attributes
    ----------
    name : str
    run : callable
        ``run(job, **params)`` returns a dict of figures, and the probabilities of the test rows or
        None.
    depends_on : str
        "teacher", "student" or "sklearn": the code whose change makes the cell stale.
    params : dict
    needs : str or None, default=None
        The method whose cell ``run`` reads.
    every_seed : bool, default=False
        Whether it is run on all seeds, or on seed 0 alone.
    """

    name: str
    run: object
    depends_on: str
    params: dict = field(default_factory=dict)
    needs: str | None = None
    every_seed: bool = False

    def __post_init__(self):
        self.code = _hash(inspect.getsource(self.run))  # of what runs, though the file may change


@dataclass(frozen=True)
class Job:
    """One cell to run: the data, the teacher, the cells of the other methods.

    Attributes
    ----------
    data : str
    seed : int
    n_estimators : int, default=300
        Of each member of the teacher. Others than 300 are for trying the benchmark out.
    """

    data: str
    seed: int
    n_estimators: int = 300

    @cached_property
    def split(self):
        """X_train, X_test, y_train, y_test."""
        return load_split(self.data, self.seed)

    @cached_property
    def n_classes(self):
        return len(np.unique(self.split[2]))

    @property
    def members(self):
        """The teacher, unfitted."""
        return teacher(self.n_classes, self.seed, self.n_estimators)

    def path(self, method, ending="json"):
        """The file of a cell."""
        folder = CELLS if self.n_estimators == 300 else CELLS / f"trying-{self.n_estimators}"
        return folder / f"{self.data}-{self.seed}-{method}.{ending}"

    def figures(self, method):
        """The figures of a cell that has been run; None where it has not."""
        path = self.path(method)
        return json.loads(path.read_text())["figures"] if path.exists() else None

    def probabilities(self, method):
        """The kept probabilities of the test rows, in float64."""
        with np.load(self.path(method, "npz")) as kept:
            return kept["p"].astype(np.float64)

    def is_done(self, method):
        """Whether the cell is there and not stale."""
        path = self.path(method.name)
        return path.exists() and json.loads(path.read_text())["recipe"] == self.recipe(method)

    def recipe(self, method):
        """What the cell depends on."""
        recipe = {
            "version": VERSION,
            "method": method.code,
            "params": repr(method.params),
            "n_estimators": self.n_estimators,
        }
        recipe |= {name: importlib.metadata.version(name) for name in TEACHER_PACKAGES}
        if method.depends_on == "sklearn":
            return {name: recipe[name] for name in ("version", "method", "params", "scikit-learn")}
        if method.depends_on == "student":
            recipe |= {"skdistill": PACKAGE, "torch": importlib.metadata.version("torch")}
        return recipe

    def run(self, method):
        """Run a cell and keep it."""
        figures, p = method.run(self, **method.params)
        path = self.path(method.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if p is not None:
            np.savez_compressed(self.path(method.name, "npz"), p=p.astype(np.float32))
        kept = {"recipe": self.recipe(method), "figures": figures}
        unfinished = path.with_suffix(".part")  # a run stopped while it writes leaves no cell
        unfinished.write_text(json.dumps(kept, indent=1))
        unfinished.replace(path)


def _package_hash():
    """Hash of the code of skdistill that a fit imports: docstrings and comments do not count."""
    assert skdistill.classifier.DistilledClassifier  # its import has loaded all of it
    modules = sorted(name for name in sys.modules if name.split(".")[0] == "skdistill")
    trees = [ast.parse(Path(sys.modules[name].__file__).read_text()) for name in modules]
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(getattr(node, "body", None), list):
            node.body = [part for part in node.body if not _is_docstring(part)]
    return _hash("".join(ast.dump(tree) for tree in trees))


def _is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _hash(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


PACKAGE = _package_hash()
