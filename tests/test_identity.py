"""What `memory` takes for the same, and what for another."""

import copy
import importlib
import os
import pickle
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator

from skdistill import TorchTeacher
from skdistill._utils.code import version_of
from skdistill._utils.identity import identify

HEAD = """
import collections, dataclasses, functools
import numpy as np, torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import make_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skdistill import TorchTeacher
"""

# Each makes `it`, of which something differs where VALUE does.
CODE = {
    "method": """
        class Teacher(BaseEstimator):
            def predict_proba(self, X): return X * VALUE
        it = Teacher()
    """,
    "base of a base": """
        class Oldest:
            def predict_proba(self, X): return X * VALUE
        class Base(Oldest): pass
        class Teacher(Base, BaseEstimator): pass
        it = FrozenEstimator(Teacher())
    """,
    "class attribute": """
        class Teacher(BaseEstimator):
            scale = VALUE
        it = Teacher()
    """,
    "attribute in a slot": """
        class Teacher:
            __slots__ = ("scale",)
        it = Teacher()
        it.scale = VALUE
    """,
    "property": """
        class Teacher:
            @property
            def scale(self): return VALUE
        it = Teacher()
    """,
    "cached property": """
        class Teacher:
            @functools.cached_property
            def scale(self): return VALUE
        it = Teacher()
    """,
    "static method and class method": """
        class Teacher:
            @staticmethod
            def one(X): return X
            @classmethod
            def two(cls, X): return X * VALUE
        it = Teacher()
    """,
    "helper of a helper": """
        def inner(X): return X * VALUE
        def outer(X): return [inner(x) for x in X]
        class Teacher(BaseEstimator):
            def predict_proba(self, X): return outer(X)
        it = make_pipeline(Teacher())
    """,
    "constant of the module": """
        SCALE = {"by": [VALUE]}
        class Teacher(BaseEstimator):
            def predict_proba(self, X): return X * SCALE["by"][0]
        it = Teacher()
    """,
    "global inside a comprehension": """
        SCALE = VALUE
        it = lambda X: {x: (lambda: SCALE)() for x in X}
    """,
    "partial": """
        def flip(X, by): return X * by * VALUE
        it = functools.partial(flip, by=1)
    """,
    "argument of a partial": "it = functools.partial(np.clip, a_min=VALUE)",
    "closure": """
        def make(by): return lambda X: X * by
        it = make(VALUE)
    """,
    "default": "it = lambda X, by=VALUE: X * by",
    "keyword default": "it = lambda X, *, by=VALUE: X * by",
    "attribute of a function": """
        def it(X): return X * it.by
        it.by = VALUE
    """,
    "function behind a cache": """
        @functools.lru_cache
        def slow(x): return x * VALUE
        it = FunctionTransformer(slow)
    """,
    "decorated function": """
        def decorate(function):
            @functools.wraps(function)
            def wrapper(*args): return function(*args)
            return wrapper
        @decorate
        def it(X): return X * VALUE
    """,
    "FunctionTransformer": "it = make_pipeline(FunctionTransformer(lambda X: X * VALUE))",
    "make_scorer": """
        def loss(y, p): return VALUE
        it = make_scorer(loss)
    """,
    "bound method": """
        class Shift:
            def __init__(self, by): self.by = by
            def apply(self, X): return X + self.by
        it = FunctionTransformer(Shift(VALUE).apply)
    """,
    "callable object": """
        class Shift:
            def __call__(self, X): return X + VALUE
        it = FunctionTransformer(Shift())
    """,
    "field of a dataclass": """
        @dataclasses.dataclass
        class Teacher:
            scale: float = VALUE
        it = Teacher()
    """,
    "objects in lists and dicts": """
        class Shift:
            def __call__(self, X): return X + VALUE
        class Teacher(BaseEstimator): pass
        it = Teacher()
        it.parts = [{"a": (Shift(),)}]
    """,
    "type of a number": "it = lambda X: X + (1 if VALUE > 0 else 1.0)",
    "constants in sets": "it = lambda X: X in {'a', 'b', 'c', VALUE}",
    "order of steps": """
        steps = [("double", lambda X: 2 * X), ("square", lambda X: X ** 2)]
        it = dict(steps[::VALUE])
    """,
    "generator": "it = np.random.default_rng(VALUE % 2**32)",
    "masked array": "it = np.ma.array([1.0, 2.0], mask=[VALUE > 0, False])",
    "array of objects": "it = np.array(['a', None, VALUE], dtype=object)",
    "function that calls itself": """
        def it(n): return 1 if n < 1 else other(n - 1) * VALUE
        def other(n): return it(n - 1)
    """,
    "super": """
        class Base:
            def scale(self): return VALUE
        class Teacher(Base):
            def scale(self): return super().scale()
        it = Teacher()
    """,
    "ring of objects": """
        class Node: pass
        it = Node()
        it.child = Node()
        it.child.parent, it.child.value = it, VALUE
    """,
    "plain attribute of a module": """
        class Scaled(torch.nn.Linear):
            def forward(self, X): return self.scale * super().forward(X)
        torch.manual_seed(0)
        it = TorchTeacher(Scaled(2, 2))
        it.module.scale = VALUE
    """,
    "buffer that is not stored": """
        torch.manual_seed(0)
        it = TorchTeacher(torch.nn.Linear(2, 2))
        it.module.register_buffer("mean", torch.tensor(float(VALUE)), persistent=False)
    """,
    "module in a module": """
        class Inner(torch.nn.Module):
            def forward(self, X): return X * VALUE
        class Outer(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = torch.nn.ModuleList([Inner()])
        it = FrozenEstimator(TorchTeacher(Outer()))
    """,
    "order of layers": """
        layers = [("a", torch.nn.ReLU()), ("b", torch.nn.Tanh())]
        it = TorchTeacher(torch.nn.Sequential(collections.OrderedDict(layers[::VALUE])))
    """,
    "hook": """
        module = torch.nn.ReLU()
        module.register_forward_hook(lambda module, args, output: output * VALUE)
        it = TorchTeacher(module)
    """,
    "preprocess": "it = TorchTeacher(torch.nn.ReLU(), preprocess=lambda X: X * VALUE)",
    "tensor": "it = torch.full((2,), VALUE, dtype=torch.bfloat16)",
}


def made(code, value, name="nowhere"):
    """What the code makes, defined as if at a prompt."""
    scope = {"__name__": name}
    exec(HEAD + textwrap.dedent(code).replace("VALUE", str(value)), scope)
    return scope["it"]


@pytest.mark.parametrize("code", CODE.values(), ids=CODE)
def test_other_code_or_content_is_another(code):
    one = identify(made(code, 1))
    assert one == identify(made(code, 1))
    assert one == identify(made("# a line\n" * 5 + textwrap.dedent(code), 1))
    assert one != identify(made(code, -1))


def run(code, folder, seed):
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert not done.returncode, done.stderr
    return done.stdout.split()


ALL = """
import sys
sys.path.insert(0, "TESTS")
from test_identity import CODE, made
from skdistill._utils.identity import identify
for code in CODE.values():
    print(identify(made(code, 1, "__main__")))
"""


def test_another_process_says_the_same(tmp_path):
    code = ALL.replace("TESTS", os.path.dirname(__file__))
    first, second = (run(code, tmp_path, seed) for seed in ("1", "2"))
    assert len(first) == len(CODE)
    assert first == second


MODULES = {
    "mine.py": "import helpers, lib.sub\ndef f(X): return lib.sub.scale(helpers.shift(X))\n"
    "def g(X):\n    from late import twice\n    return twice(X)\n"
    "def h(X): return getattr(helpers, 'back')(X)\n"
    "def i(X):\n    import importlib\n    return importlib.import_module('named').half(X)\n"
    "def own(X): return X\ndef j(X): return globals()['own'](X)\n",
    "helpers.py": "__version__ = '1'\nLOCK = open(__file__)\ndef shift(X): return X + 1\n"
    "def back(X): return X - 1\n",
    "late.py": "def twice(X): return X * 2\n",
    "named.py": "def half(X): return X / 2\n",
    "lib/__init__.py": "__version__ = '1'\n",
    "lib/sub.py": "def scale(X):\n    from .deep import by\n    return X * by\n",
    "lib/deep.py": "by = 3\n",
}


def key_of_mine():
    for name in ["mine", "helpers", "late", "named", "lib", "lib.sub", "lib.deep"]:
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    mine = importlib.import_module("mine")
    return identify(mine.f, mine.g, mine.h, mine.i, mine.j)


@pytest.mark.parametrize(
    ("file", "old", "new", "differs"),
    [
        ("helpers.py", "X + 1", "X + 2", True),
        ("helpers.py", "X - 1", "X - 2", True),
        ("late.py", "X * 2", "X * 3", True),
        ("named.py", "X / 2", "X / 3", True),
        ("mine.py", "def own(X): return X", "def own(X): return -X", True),
        ("lib/sub.py", "X * by", "X / by", True),
        ("lib/deep.py", "by = 3", "by = 4", True),
        ("mine.py", "import helpers", "# a comment\nimport helpers", False),
    ],
)
def test_modules_of_ones_own_are_known_by_their_code(
    file, old, new, differs, tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "lib").mkdir()
    for name, text in MODULES.items():
        (tmp_path / name).write_text(text)
    before = key_of_mine()
    assert key_of_mine() == before
    (tmp_path / file).write_text(MODULES[file].replace(old, new))
    assert (key_of_mine() != before) == differs


def test_installed_code_is_known_by_its_version():
    assert version_of("sklearn.base") == __import__("sklearn").__version__
    assert version_of("json.decoder") == version_of("builtins") == "python"
    assert version_of(__name__) is None
    assert version_of("no_such_module") is None


def test_equal_things_are_equal():
    X = np.random.RandomState(0).normal(size=(60, 4))
    forest = RandomForestClassifier(3, random_state=0).fit(X, X[:, 0] > 0)
    pickled = pickle.loads(pickle.dumps(forest))
    again = RandomForestClassifier(3, random_state=0).fit(X, X[:, 0] > 0)
    assert identify(forest) == identify(pickled) == identify(copy.deepcopy(forest))
    assert identify(forest) == identify(again) == identify(forest)
    assert identify(clone(forest)) == identify(clone(again)) != identify(forest)
    shared = [1, 2]
    assert identify([shared, shared]) == identify([[1, 2], [1, 2]])
    assert identify({"a", "b", 3}) == identify({3, "b", "a"})
    assert identify(X[::2]) == identify(X[::2].copy())
    frame = pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"], "c": [1.0, np.nan]})
    built = pd.DataFrame({"a": [1.5, 2.5]})
    built["b"], built["c"] = ["x", "y"], [1.0, np.nan]
    assert identify(frame) == identify(built) == identify(frame.copy())
    assert identify(frame) != identify(frame[["a", "c", "b"]])


def test_arrays_in_files_are_arrays(tmp_path):
    X = np.arange(12.0).reshape(3, 4)
    np.save(tmp_path / "X.npy", X)
    assert identify(np.load(tmp_path / "X.npy", mmap_mode="r")) == identify(X)


def scripted():
    return torch.jit.script(torch.nn.Linear(2, 2))


def normed():
    return torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(2, 2))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("make", [scripted, normed])
def test_modules_that_cannot_be_pickled(make):
    one, two = make(), make()
    assert identify(TorchTeacher(one)) == identify(TorchTeacher(one))
    assert identify(TorchTeacher(one)) != identify(TorchTeacher(two))


def test_a_use_of_a_module_does_not_make_it_another():
    teacher = TorchTeacher(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2)))
    before = identify(teacher)
    teacher.predict_proba(np.ones((3, 2)))
    assert identify(teacher) == before
    assert identify(pickle.loads(pickle.dumps(teacher))) == before


class Holding:
    def __init__(self, held):
        self.held = held


LOCK = threading.Lock()


def locked(X):
    with LOCK:
        return X


@pytest.mark.parametrize(
    ("held", "where"),
    [
        (threading.Lock(), "estimator.held"),
        ((n for n in range(3)), "estimator.held"),
        (locked, "estimator.held.locked.LOCK"),
        (Holding({"a": LOCK}), "estimator.held.held.a"),
        (np.frompyfunc(lambda x: x, 1, 1), "estimator.held"),
    ],
    ids=["lock", "generator", "global", "nested", "ufunc of a function"],
)
def test_what_cannot_be_told_from_another_is_named(held, where):
    with pytest.raises(TypeError, match=f"`{where}`: .*"):
        identify(FrozenEstimator(Holding(held)))
