"""The parts of tables: what `memory` takes for the same, names, codes, neighbours, stored rows."""

import copy
import importlib
import json
import os
import pickle
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from shared import automatic, calendar, coloured_frame, make_frame, named_teachers, number_table
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skdistill import (
    Munge,
    Scorer,
    TabularEncoder,
    TorchTeacher,
)
from skdistill._fit.transfer_set import _is_table
from skdistill._stored.formats import FORMAT, migrate
from skdistill._stored.parts import encoder_state, member_state, pool_state
from skdistill._utils.code import version_of
from skdistill._utils.identity import identify
from skdistill._utils.named import named_parts
from skdistill.serving._model_file import read_probe
from skdistill.serving._rows import RowReader
from skdistill.table._nominal import MOST_COLUMNS, _excess, find_nominal
from skdistill.teacher._queries import row_keys
from skdistill.transfer._munge import _disjoint_pairs
from skdistill.transfer._space import nearest_others

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
from test_parts_of_tables import CODE, made
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


@pytest.mark.parametrize("container", [list, tuple])
def test_names_are_those_of_make_pipeline(container):
    parts = [RandomForestClassifier(), LogisticRegression(), RandomForestClassifier(max_depth=3)]
    assert named_parts(container(parts), "teacher") == make_pipeline(*parts).steps


def test_one_part_nothing_and_mixed_names():
    forest, trees = RandomForestClassifier(), ExtraTreesClassifier()
    assert named_parts(forest, "teacher") == [("randomforestclassifier", forest)]
    assert named_parts(None, "teacher") == []
    mixed = named_parts([("mine", forest), trees], "teacher")
    assert mixed == [("mine", forest), ("extratreesclassifier", trees)]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([("a", 1), ("b", 2), ("a", 3)], r"`teacher` must be unique, got \['a'\]"),
        ([("a__b", 1)], r"`teacher` must not contain '__', got \['a__b'\]"),
    ],
)
def test_bad_lists(value, message):
    with pytest.raises(ValueError, match=message):
        named_parts(value, "teacher")


@pytest.mark.parametrize("kind", ["pairs", "bare", "tuple"])
def test_replacing_a_member_leaves_the_users_list_alone(kind):
    forest, logistic, trees = RandomForestClassifier(), LogisticRegression(), ExtraTreesClassifier()
    given = {
        "pairs": [("rf", forest), ("lr", logistic)],
        "bare": [forest, logistic],
        "tuple": (forest, logistic),
    }[kind]
    name = "rf" if kind == "pairs" else "randomforestclassifier"
    before = given[:]
    clf = named_teachers(teacher=given).set_params(**{f"teacher__{name}": trees})
    assert given == before
    assert [part for _, part in named_parts(clf.teacher, "teacher")] == [trees, logistic]
    assert named_parts(clf.teacher, "teacher")[0][0] == (
        "rf" if kind == "pairs" else "extratreesclassifier"
    )


@pytest.mark.parametrize(
    "shares",
    [
        np.full(3, 1 / 3),
        np.r_[0.49, 0.49, np.full(18, 0.02 / 18)],
        1 / np.arange(1, 51),
        [0.5, 0, 0, 0, 0.5],  # classes without a row
        [0.97, 0.03],
    ],
    ids=["equal", "rare", "zipf", "absent", "two"],
)
def test_noise_is_rarely_taken_for_codes(shares):
    rng = np.random.RandomState(0)
    numbers = rng.randint(0, 12, size=(2000, 400)).astype(float)
    labels = rng.choice(len(shares), size=2000, p=np.divide(shares, np.sum(shares)))
    chance = sum(_excess(column, np.arange(12.0), labels) > 1 for column in numbers.T)
    assert chance <= 4  # 0.4 expected


def test_the_bound_is_met_as_often_as_it_should_be(monkeypatch):
    monkeypatch.setattr("skdistill.table._nominal.SIGNIFICANCE", 0.2)
    rng = np.random.RandomState(0)
    labels = rng.choice(4, size=1000, p=[0.6, 0.3, 0.09, 0.01])
    columns = rng.randint(0, 10, size=(1000, 500)).astype(float).T
    share = np.mean([_excess(column, np.arange(10.0), labels) > 1 for column in columns])
    assert 0.14 < share < 0.26


@pytest.mark.parametrize(
    "change",
    [
        lambda day: day + 0.5,  # no whole numbers
        lambda day: day % 4,  # too few
        lambda day: day + 31 * (np.arange(len(day)) % 2),  # too many
        lambda day: day + 2.0**30,
        lambda day: day * np.nan,
    ],
)
def test_what_is_no_code(change):
    X, y = calendar()
    numbers = X.to_numpy()
    assert list(find_nominal(numbers, y)) == [0]
    numbers[:, 0] = change(numbers[:, 0])
    assert find_nominal(numbers, y) == {}


def test_few_rows_a_value():
    X, y = calendar()
    numbers, rows = X.to_numpy(), np.argsort(-y, kind="stable")[:600]
    labels = np.isin(numbers[:, 0], [2, 3, 8, 13, 17]).astype(int)
    assert list(find_nominal(numbers, labels)) == [0]  # told without fail
    assert find_nominal(numbers[rows], labels[rows]) == {}


def test_a_column_of_few_known_values_is_no_code():
    X, y = calendar()
    few = np.full((len(y), 12), np.nan)
    few[:25] = np.arange(25)[:, None]
    assert list(find_nominal(np.column_stack([few, X]), y)) == [12]


def test_a_value_that_settles_the_class():
    codes = np.tile(np.arange(8.0), 100)
    assert list(find_nominal(codes[:, None], np.isin(codes, [1, 4, 6]).astype(int))) == [0]


def test_the_columns_that_tell_most_are_taken_first():
    X, y = calendar(20_000)
    rng = np.random.RandomState(0)
    share = np.linspace(0, 0.5, 12)
    mixed = [
        np.where(rng.uniform(size=len(y)) < p, rng.randint(1, 32, len(y)), X["day"]) for p in share
    ]
    found = find_nominal(np.column_stack(mixed), y)
    assert list(found) == list(range(MOST_COLUMNS // 31))


def test_a_file_of_an_older_version_knows_text_columns_only_as_such():
    """It does not say which texts read as numbers: those are refused, as they were."""
    features = {
        "names": ["c"],
        "kinds": ["category"],
        "number_type": "float64",
        "allow_missing": True,
        "missing": "",
        "unknown": "?",
        "levels": [None],
    }
    reader = RowReader(features)
    assert reader.read({"c": "11"})[0]["categories"].tolist() == [["11"]]
    for value in (11, True):
        with pytest.raises(ValueError, match="column 'c' held text, .* convert it to strings"):
            reader.read({"c": value})


def test_no_row_of_the_users_is_stored(exported):
    _, X, path = exported
    metadata = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    rows = Scorer(path)._reader.read(X)[0]["numbers"]
    feed, p = read_probe(metadata)
    assert len(p) == 32
    assert not np.isin(feed["numbers"], rows[~np.isnan(rows)]).any()
    assert len(json.dumps(metadata["probe"])) < 4000


def test_a_long_table_is_encoded_as_its_parts_are(monkeypatch):
    rng = np.random.RandomState(0)
    X = pd.DataFrame({"x": rng.normal(size=50), "c": rng.choice(list("abc"), 50)})
    encoder = TabularEncoder().fit(X)
    whole = encoder.transform(X)
    monkeypatch.setattr("skdistill.table._encoder.ROWS_AT_ONCE", 7)
    assert_array_equal(encoder.transform(X), whole)


@pytest.mark.parametrize("mode", ["onehot", "codes"])
def test_an_encoder_of_an_older_version_still_gives_one_column_per_number(mode, monkeypatch):
    X = make_frame()
    for part in (X, X[["int", "float"]], X[["single"]], X[["colour"]]):
        encoder = TabularEncoder(categories=mode).fit(part)
        n_numbers, now = len(encoder.center_), encoder.transform(part)
        state = encoder.__getstate__()
        for name in ("fine_scale_", "nominal_", "_n_plain", "_places", "_values", "nominal"):
            del state[name]
        state["n_outputs_"] -= n_numbers
        encoder = TabularEncoder.__new__(TabularEncoder)
        encoder.__setstate__(state)
        assert "fine_scale_" not in state
        before = np.delete(now, np.arange(n_numbers, 2 * n_numbers), axis=1)
        assert_array_equal(encoder.transform(part), before)
        with monkeypatch.context() as patch:
            patch.setattr("skdistill.table._encoder.ROWS_AT_ONCE", 7)
            assert_array_equal(encoder.transform(part), before)


@pytest.mark.parametrize("n_columns", [1, 12])
def test_the_nearest_of_several_are_those_in_long_tails(n_columns):
    rng = np.random.RandomState(0)
    points = rng.standard_cauchy(size=(500, n_columns))
    points /= np.ptp(points, axis=0)
    found = nearest_others(points, np.arange(500), points, 5, rng)
    distance = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(distance, np.inf)
    chosen = np.sort(np.take_along_axis(distance, found, axis=1), axis=1)
    np.testing.assert_allclose(chosen, np.sort(distance, axis=1)[:, :5], rtol=1e-5)


def test_rows_equally_near_are_neighbours_of_about_as_many():
    """Were the first of them the neighbour of all, thousands of pairs would share a row."""
    points = np.eye(300)
    found = nearest_others(points, np.arange(300), points, 1, np.random.RandomState(0))
    assert np.bincount(found[:, 0]).max() < 20


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 30), st.integers(0, 1000), st.integers(1, 30))
def test_disjoint_pairs_are_the_pairs_in_an_order_that_changes_nothing(n, seed, targets):
    """Few targets make rows that many others have as their neighbour."""
    rng = np.random.RandomState(seed)
    neighbour = rng.randint(0, min(n, targets), n)
    neighbour[neighbour == np.arange(n)] = n - 1
    neighbour[-1] = 0
    groups = list(_disjoint_pairs(neighbour, np.random.RandomState(seed)))
    for rows, others in groups:
        touched = np.concatenate([rows, others])
        assert len(set(touched)) == len(touched)
    rows = np.concatenate([rows for rows, _ in groups])
    others = np.concatenate([others for _, others in groups])
    assert_array_equal(np.sort(rows), np.arange(n))
    assert_array_equal(others, neighbour[rows])
    # Pairs with a row in common come in the order of the random permutation.
    position = np.argsort(np.random.RandomState(seed).permutation(n))
    for i in range(n):
        for j in range(i + 1, n):
            if {rows[i], others[i]} & {rows[j], others[j]}:
                assert position[rows[i]] < position[rows[j]]


def test_auto_has_a_cap(monkeypatch):
    monkeypatch.setattr("skdistill._fit.transfer_set.MOST_NEW_ROWS", 100)
    assert automatic(*number_table()).n_transfer_rows_ == 100


def test_auto_draws_nothing_of_what_is_no_dense_table():
    X, y = number_table()
    sparse = scipy.sparse.csr_matrix(X * (X > 0))
    images = X.reshape(60, 3, 1)
    assert not _is_table(images)
    assert not _is_table(sparse)
    assert _is_table(X)
    assert _is_table(X.tolist())
    assert _is_table(pd.DataFrame(X))


SAMPLER = Munge(size=2)


OF_FORMAT_1 = {"transfer": [("mine", SAMPLER)], "cv": 5, "student_": "arrays"}


ADDED = {
    1: {"transfer_": [("mine", SAMPLER)]},
    2: {"class_offset_": None, "cv_": 5},
    3: {},
}


@pytest.mark.parametrize("version", ADDED)
def test_a_step_adds_what_its_format_stores(version):
    before = OF_FORMAT_1.copy()
    assert migrate(before, version, version + 1) == OF_FORMAT_1 | ADDED[version]
    assert before == OF_FORMAT_1


def test_steps_follow_each_other():
    assert migrate(OF_FORMAT_1, 1) == OF_FORMAT_1 | ADDED[1] | ADDED[2] | ADDED[3]
    assert migrate(OF_FORMAT_1, 1, 3) == migrate(migrate(OF_FORMAT_1, 1, 2), 2, 3)
    assert migrate(OF_FORMAT_1, FORMAT) == OF_FORMAT_1
    assert set(ADDED) == set(range(1, FORMAT)), "a new format needs its step and its test"
    without = {"transfer": None, "cv": None}
    assert migrate(without, 1) == without | {"transfer_": [], "class_offset_": None, "cv_": None}
    assert migrate(without | {"transfer": "auto"}, 1)["transfer_"] == []


def test_a_step_back_is_refused():
    with pytest.raises(ValueError, match=r"stored in format 3.*reads formats up to 2: upgrade"):
        migrate(OF_FORMAT_1, 3, 2)


def test_the_state_of_an_older_encoder():
    day = pd.Timestamp("2020-01-02")
    stored = {"n_outputs_": 3, "scale_": np.ones(1), "categories_": [np.array([day], dtype=object)]}
    state = encoder_state(stored)
    assert state["fine_scale_"] is None
    assert state["nominal_"] == {}
    assert state["_n_plain"] == 3
    assert (state["_places"].dtype, state["_values"].dtype) == (int, float)
    assert len(state["_places"]) == len(state["_values"]) == 0
    assert [type(one) for one in state["categories_"][0]] == [str]
    assert len(stored) == 3
    assert stored["categories_"][0][0] is day
    assert encoder_state({"categories": "onehot"}) == {"categories": "onehot"}  # not fitted
    kept = encoder_state(TabularEncoder(nominal="auto").fit(*coloured_frame()).__getstate__())
    assert kept["fine_scale_"] is not None
    assert "nominal_" in kept


def test_the_state_of_an_older_member():
    stored = {"name": "forest", "n_votes": 5}
    assert member_state(stored) == {"name": "forest", "n_votes": 5, "key": None, "labels": None}
    assert len(stored) == 2


def test_the_state_of_an_older_pool():
    assert pool_state({"_members": []}, "all") == {"_members": [], "_selection": "all"}
    chosen = {"_members": [], "_selection": "some"}
    assert pool_state(chosen, "all") == chosen
    assert pool_state({"pooling": "geometric"}, "all") == {"pooling": "geometric"}  # not fitted


ROOT = Path(__file__).resolve().parent.parent


def test_what_reads_older_files_imports_the_standard_library_alone():
    code = "import sys, skdistill._stored.files; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "False\n"


def test_wide_rows_of_objects_have_keys_of_their_own():
    rows = np.zeros((2, 1200), dtype=object)  # the repr of such an array leaves cells out
    rows[1, 600] = 1
    first, second = row_keys(rows)
    assert first != second
    assert row_keys(rows) == [first, second]
