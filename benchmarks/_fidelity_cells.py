"""Cells of the fidelity benchmark: what there is to run, and what is kept of it.

A cell is one method on one data set with one seed. Its figures are a JSON file that also says what
they depend on, so that a stale cell is run anew and a stopped run goes on; its probabilities of
the test rows are an npz file beside it.
"""

import ast
import hashlib
import inspect
import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from _fidelity_teacher import catboost_member, teacher
from _report import version_of
from datasets import load_split

import skdistill.classifier

# Raised when a helper of the methods changes what they measure.
VERSION = 2
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
        "teacher", "student" or "packages": the code whose change makes the cell stale. With
        "packages" it is scikit-learn, and `packages`.
    params : dict
    needs : str or None, default=None
        The method whose cell ``run`` reads.
    every_seed : bool, default=False
        Whether it is run on all seeds, or on seed 0 alone.
    packages : tuple of str, default=()
        What it uses beside those: another version makes the cell stale, too.
    """

    name: str
    run: object
    depends_on: str
    params: dict = field(default_factory=dict)
    needs: str | None = None
    every_seed: bool = False
    packages: tuple = ()

    def __post_init__(self):
        self.code = _hash(inspect.getsource(self.run))  # of what runs, though the file may change

    @property
    def absent(self):
        """Those of its packages that are not installed."""
        return [name for name in self.packages if version_of(name) is None]


@dataclass(frozen=True)
class Job:
    """One cell to run: the data, the teacher, the cells of the other methods.

    Attributes
    ----------
    data : str
    seed : int
    n_estimators : int, default=300
        Of each member of the teacher. Others than 300 are for trying the benchmark out.
    cells : Path
        The folder of the cells.
    """

    data: str
    seed: int
    n_estimators: int = 300
    cells: Path = CELLS

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

    @property
    def members_with_catboost(self):
        return [*self.members, catboost_member(self.split[0], self.seed)]

    def path(self, method, ending="json"):
        """The file of a cell."""
        trying = "" if self.n_estimators == 300 else f"trying-{self.n_estimators}"
        return self.cells / trying / f"{self.data}-{self.seed}-{method}.{ending}"

    def figures(self, method):
        """The figures of a cell that has been run; None where it has not."""
        path = self.path(method)
        return json.loads(path.read_text())["figures"] if path.exists() else None

    def probabilities(self, method):
        """The kept probabilities of the test rows, in float64."""
        with np.load(self.path(method, "npz")) as kept:
            return kept["p"].astype(np.float64)

    def is_done(self, method):
        """Whether the cell is there and not stale.

        Of a package that is not installed any version will do: the cell cannot be run here.
        """
        if not self.path(method.name).exists():
            return False
        kept, now = self.kept_recipe(method), self.recipe(method)
        return kept == now | {name: kept.get(name) for name in method.absent}

    def kept_recipe(self, method):
        """What the kept cell depends on."""
        return json.loads(self.path(method.name).read_text())["recipe"]

    def recipe(self, method):
        """What the cell would depend on, run here and now."""
        recipe = {"version": VERSION, "method": method.code, "params": repr(method.params)}
        packages = ["scikit-learn", *method.packages]
        if method.depends_on != "packages":
            recipe |= {"n_estimators": self.n_estimators}
            packages += TEACHER_PACKAGES
        if method.depends_on == "student":
            recipe |= {"skdistill": PACKAGE}
            packages.append("torch")
        return recipe | {name: version_of(name) for name in packages}

    def run(self, method):
        """Run a cell and keep it."""
        figures, p = method.run(self, **method.params)
        path = self.path(method.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if p is not None:
            with _whole_or_not_at_all(self.path(method.name, "npz")) as unfinished:
                np.savez_compressed(unfinished, p=p.astype(np.float32))
        kept = {"recipe": self.recipe(method), "figures": figures}
        with _whole_or_not_at_all(path) as unfinished:
            unfinished.write(json.dumps(kept, indent=1).encode())


@contextmanager
def _whole_or_not_at_all(path):
    """A file to write into, which takes the name `path` once all is written."""
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("wb") as file:
        yield file
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
