"""`checkpoint_dir`: what survives a killed process, and who may go on with it."""

import errno
import json
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from torch import nn

from skdistill import (
    DistilledClassifier,
    DistilledClassifierCV,
    DistilledRegressor,
    MLPStudent,
    Munge,
    Rounds,
    StudentLadder,
)
from skdistill._fit import checkpoints
from skdistill._utils import files
from skdistill._utils.lock import HeldError, locked
from skdistill._utils.store import CheckpointError
from skdistill.student import Training

HERE = Path(__file__).resolve().parent
RNG = np.random.RandomState(0)
X = RNG.normal(size=(160, 4))
Y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
STUDENT = MLPStudent((8,), batch_size=40, n_steps=40)
FITTED = []
TEACHERS = [("a", LogisticRegression()), ("b", LogisticRegression(C=0.1))]


class Dying(BaseException):
    """As a kill, in this process: nothing catches it."""


@pytest.fixture(autouse=True)
def usual(monkeypatch):
    FITTED.clear()
    # Each epoch is kept, however short it is.
    monkeypatch.setattr(checkpoints, "MOST_SHARE", float("inf"))


@pytest.fixture(autouse=True)
def fits(monkeypatch):
    """Remembers the fits of teachers; set to a value of C, those with it die."""
    dying = {"C": None}

    def watch(cls):
        fit = cls.fit

        def noted(self, X, y, sample_weight=None):
            C = getattr(self, "C", None)
            FITTED.append((C, len(X)))
            if dying["C"] is not None and dying["C"] == C:
                raise Dying
            return fit(self, X, y, sample_weight)

        monkeypatch.setattr(cls, "fit", noted)

    watch(LogisticRegression)
    watch(LinearRegression)
    return dying


def make(folder, teacher=None, **params):
    teacher = TEACHERS if teacher is None else teacher
    params = {"transfer": Munge(size=1), "random_state": 0, "cv": None, "alpha": 0.3} | params
    return DistilledClassifier(
        teacher, params.pop("student", STUDENT), checkpoint_dir=folder, **params
    )


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "checkpoint")


@pytest.fixture
def dies_in_epoch(monkeypatch):
    """Sets the number of epochs, of all trainings, after which the fit dies; None never."""
    rest = {"n": None, "done": 0}
    epoch = Training.epoch

    def counted(self):
        if rest["n"] is not None and rest["done"] >= rest["n"]:
            raise Dying
        rest["done"] += 1
        return epoch(self)

    def dies(n):
        rest.update(n=n, done=0)
        return rest

    monkeypatch.setattr(Training, "epoch", counted)
    return dies


def die(clf, dies, n, *args, **kwargs):
    """A fit that dies after so many epochs."""
    dies(n)
    with pytest.raises(Dying):
        clf.fit(*args or (X, Y), **kwargs)
    FITTED.clear()
    return dies(None)


# --- killed processes ---


def killed(tmp_path, n_kills, mode):
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parent)}
    command = [sys.executable, str(HERE / "kills.py"), str(tmp_path), str(n_kills), "0", mode]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {kind for kind, _ in found["steps"]} == {"fit", "label", "draw", "epoch"}
    assert len(found["kills"]) == n_kills
    return found


def check_kill(kill, steps, mode):
    assert kill["gap"] == 0
    assert kill["done"] == steps, "some step was left out, or another was done"
    epochs = [step for step in kill["twice"] if step.startswith("epoch")]
    if mode == "each" or not epochs:
        assert len(kill["twice"]) <= 1
    else:  # short ones, of one training
        assert epochs == kill["twice"]
        assert len({step.rsplit("-", 1)[0] for step in epochs}) == 1
    assert kill["left"] == []


def test_a_killed_fit_goes_on_where_it_was(tmp_path):
    found = killed(tmp_path, 3, "each")
    for kill in found["kills"]:
        check_kill(kill, found["steps"], "each")
    assert any(kill["n_before"] > len(found["steps"]) / 3 for kill in found["kills"])


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["each", "usual"])
def test_twenty_kills(tmp_path, mode):
    found = killed(tmp_path, 20, mode)
    for kill in found["kills"]:
        check_kill(kill, found["steps"], mode)
    assert {kill["kind"] for kill in found["kills"]} >= {"fit", "label", "epoch"}


# --- what is kept ---


def test_it_changes_nothing_and_leaves_nothing(folder):
    expected = make(None).fit(X, Y)
    Path(folder).mkdir()
    (Path(folder) / "mine.txt").write_text("mine")
    clf = make(folder).fit(X, Y)
    assert_array_equal(clf.decision_function(X), expected.decision_function(X))
    assert os.listdir(folder) == ["mine.txt"]
    assert clf.teacher_.memory is None
    assert_array_equal(clf.teacher_.predict_proba(X), expected.teacher_.predict_proba(X))


@pytest.mark.parametrize("share", [0, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("early", [False, True])
def test_epochs_and_teachers_are_not_done_again(folder, dies_in_epoch, share, early):
    params = {"early_stopping": early, "alpha": "auto" if early else 0.3}
    rest = dies_in_epoch(None)
    expected = make(None, **params).fit(X, Y)
    n_all = rest["done"]
    n_epochs = int(share * n_all)
    die(make(folder, **params), dies_in_epoch, n_epochs)
    rest = dies_in_epoch(None)
    clf = make(folder, **params).fit(X, Y)
    assert set(FITTED) <= {(1.0, 160), (0.1, 160)}  # those on all rows, if they were to come
    assert early or FITTED == []
    assert rest["done"] == n_all - n_epochs
    assert_array_equal(clf.decision_function(X), expected.decision_function(X))
    for one, other in zip(clf.history_, expected.history_, strict=True):
        assert one["train_loss"] == other["train_loss"]


@pytest.mark.parametrize("cv", [None, 2])
def test_each_teacher_and_fold_is_kept_at_once(folder, fits, cv):
    fits["C"] = 0.1
    with pytest.raises(Dying):
        make(folder, cv=cv).fit(X, Y)
    assert FITTED == [(1.0, 160), (0.1, 160)]
    FITTED.clear()
    fits["C"] = None
    clf = make(folder, cv=cv).fit(X, Y)
    folds = [] if cv is None else [(1.0, 80), (1.0, 80), (0.1, 80), (0.1, 80)]
    assert [(0.1, 160), *folds] == FITTED
    assert_array_equal(clf.predict_proba(X), make(None, cv=cv).fit(X, Y).predict_proba(X))


def test_a_fold_is_kept_at_once(folder, monkeypatch, fits):
    answer = LogisticRegression.predict_proba

    def dies(self, X):
        if len(FITTED) == 4:  # the second fold of the first teacher
            raise Dying
        return answer(self, X)

    with monkeypatch.context() as patch:
        patch.setattr(LogisticRegression, "predict_proba", dies)
        with pytest.raises(Dying):
            make(folder, cv=2).fit(X, Y)
    FITTED.clear()
    make(folder, cv=2).fit(X, Y)
    assert FITTED == [(1.0, 80), (0.1, 80), (0.1, 80)]


class Lambda(LogisticRegression):
    def __init__(self, function=None):
        super().__init__()
        self.function = function


def test_a_teacher_that_cannot_be_pickled(folder):
    with pytest.raises(ValueError, match=r"`checkpoint_dir` cannot keep teacher `l`.*_dir=None`"):
        make(folder, [("l", Lambda(lambda x: x))]).fit(X, Y)


def test_random_state_none_takes_the_seeds_of_the_first_fit(folder, dies_in_epoch):
    params = {"random_state": None, "validation_fraction": 0.3, "early_stopping": True}
    die(make(folder, **params), dies_in_epoch, 3)
    found = json.loads((Path(folder) / "skdistill_fit" / "inputs.json").read_text())
    dies_in_epoch(None)
    clf = make(folder, **params).fit(X, Y)
    assert clf._split_seed == found["seeds"]["split"]
    assert None not in found["seeds"].values()
    assert len(set(FITTED)) == len(FITTED) == 2  # on all rows; those held out are the same


def test_the_same_random_numbers_go_on(folder, dies_in_epoch):
    expected = make(None, random_state=np.random.RandomState(3)).fit(X, Y)
    die(make(folder, random_state=np.random.RandomState(3)), dies_in_epoch, 3)
    with pytest.raises(ValueError, match="These differ: `random_state`"):
        make(folder, random_state=np.random.RandomState(4)).fit(X, Y)
    clf = make(folder, random_state=np.random.RandomState(3)).fit(X, Y)
    assert_array_equal(clf.decision_function(X), expected.decision_function(X))


def test_memory_keeps_teachers_and_labels_if_it_is_given(folder, tmp_path, dies_in_epoch):
    memory = str(tmp_path / "memory")
    die(make(folder, memory=memory), dies_in_epoch, 3)
    names = os.listdir(Path(folder) / "skdistill_fit")
    assert sorted(names) == ["inputs.json", "training-0.pt"]
    rest = dies_in_epoch(None)
    clf = make(folder, memory=memory).fit(X, Y)
    assert FITTED == []
    assert clf.teacher_.memory == memory
    assert rest["done"] == len(clf.history_) - 3
    assert os.listdir(folder) == []
    make(None, memory=memory).fit(X, Y)
    assert FITTED == []


@pytest.mark.parametrize("head", ["mean", "quantiles"])
def test_numbers(folder, dies_in_epoch, head):
    def reg(path):
        return DistilledRegressor(
            LinearRegression(), STUDENT, head=head, transfer=Munge(size=1), cv=None, alpha=0.5,
            random_state=0, checkpoint_dir=path,
        )  # fmt: skip

    y = X @ np.arange(4) + RNG.normal(size=len(X))
    expected = reg(None).fit(X, y)
    die(reg(folder), dies_in_epoch, 4, X, y)
    found = reg(folder).fit(X, y)
    # With quantiles, rows were held out: only the teachers on all rows were still to come.
    assert {n for _, n in FITTED} == ({160, 128} if head == "quantiles" else set())
    assert_array_equal(found.predict(X), expected.predict(X))
    assert os.listdir(folder) == []


def test_rounds_begin_anew(folder, dies_in_epoch):
    params = {"transfer": Rounds(Munge(size=1), n_rounds=2)}
    expected = make(None, **params).fit(X, Y)
    die(make(folder, **params), dies_in_epoch, 4)
    rest = dies_in_epoch(None)
    clf = make(folder, **params).fit(X, Y)
    assert FITTED == []
    assert rest["done"] == len(clf.history_)
    assert_array_equal(clf.decision_function(X), expected.decision_function(X))


class Layers(nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_inputs, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, n_outputs)
        )

    def forward(self, X):
        return self.layers(X)


class Holding(Callback):
    """Holds a lock, which nothing can store."""

    def on_train_begin(self, net, **kwargs):
        self.lock_ = threading.Lock()


def own_net(**params):
    return NeuralNetClassifier(
        Layers, criterion=nn.CrossEntropyLoss, optimizer=torch.optim.Adam, batch_size=40,
        max_epochs=8, **params,
    )  # fmt: skip


def test_a_net_of_ones_own_goes_on(folder, dies_in_epoch):
    expected = make(None, student=own_net()).fit(X, Y)
    die(make(folder, student=own_net()), dies_in_epoch, 5)
    rest = dies_in_epoch(None)
    clf = make(folder, student=own_net()).fit(X, Y)
    assert rest["done"] == 3
    assert_array_equal(clf.decision_function(X), expected.decision_function(X))


def test_a_net_whose_state_cannot_be_stored_begins_anew(folder, dies_in_epoch):
    params = {"student": own_net(callbacks=[Holding()])}
    with pytest.warns(UserWarning, match=r"cannot keep the epochs of this `student`") as caught:
        die(make(folder, **params), dies_in_epoch, 5)
    assert sum("cannot keep" in str(one.message) for one in caught) == 1
    rest = dies_in_epoch(None)
    with pytest.warns(UserWarning, match=r"cannot keep the epochs of this `student`"):
        make(folder, **params).fit(X, Y)
    assert FITTED == []
    assert rest["done"] == 8


def test_an_unreadable_state_is_done_again(folder, dies_in_epoch):
    die(make(folder), dies_in_epoch, 3)
    (Path(folder) / "skdistill_fit" / "training-0.pt").write_bytes(b"torn")
    rest = dies_in_epoch(None)
    with pytest.warns(UserWarning, match="cannot be read, and are done again"):
        clf = make(folder).fit(X, Y)
    assert rest["done"] == len(clf.history_)


def test_short_epochs_take_no_more_than_their_share(monkeypatch):
    monkeypatch.setattr(checkpoints, "MOST_SHARE", 0.05)
    now = [100.0]
    monkeypatch.setattr(checkpoints.time, "perf_counter", lambda: now[0])
    written = []

    def write(data, path):
        written.append(now[0])
        now[0] += 0.01

    monkeypatch.setattr(checkpoints, "write_whole", write)
    monkeypatch.setattr(checkpoints, "_identity_of", lambda training: "one")
    training = type("Now", (), {"is_over": False, "state_dict": dict})()
    epochs = checkpoints.Epochs(Path("x"), "x", training)
    for _ in range(100):
        now[0] += 0.03
        epochs.keep()
    assert len(written) * 0.01 <= 0.05 * 100 * 0.03 + 0.01
    assert max(np.diff(written)) <= 0.01 / 0.05 + 0.03 + 0.01
    now[0] += 0.001
    training.is_over = True
    epochs.keep()
    assert written[-1] == pytest.approx(now[0] - 0.01)


# --- who may go on ---


@pytest.mark.parametrize(
    ("params", "args", "names"),
    [
        ({"alpha": 0.5}, {}, "`alpha`"),
        ({"student": MLPStudent((9,), batch_size=40, n_steps=40)}, {}, "`student`"),
        ({"teacher": LogisticRegression(C=2.0)}, {}, "`teacher`"),
        ({"random_state": 1}, {}, "`random_state`"),
        ({}, {"X": X + 1e-9}, "`X`"),
        ({}, {"y": 1 - Y}, "`y`"),
        ({"temperature": 2.0}, {"y": 1 - Y, "sample_weight": Y + 1.0},
         "`temperature`, `y`, `sample_weight`"),
        ({}, {"groups": np.arange(len(X))}, "`groups`"),
        ({}, {"X_transfer": (X[:5],)}, "`X_transfer`"),
    ],
)  # fmt: skip
def test_other_inputs_are_refused_by_name(folder, dies_in_epoch, params, args, names):
    die(make(folder), dies_in_epoch, 3)
    before = sorted(os.listdir(Path(folder) / "skdistill_fit"))
    with pytest.raises(ValueError, match=r"with other inputs\. These differ: ([^.]*)\.") as error:
        make(folder, **params).fit(**{"X": X, "y": Y} | args)
    assert f"These differ: {names}. Give the same again" in str(error.value)
    assert FITTED == []
    assert sorted(os.listdir(Path(folder) / "skdistill_fit")) == before
    make(folder).fit(X, Y)
    assert FITTED == []


def test_other_versions_are_refused(folder, dies_in_epoch, monkeypatch):
    die(make(folder), dies_in_epoch, 3)
    now = checkpoints.versions()
    monkeypatch.setattr(checkpoints, "versions", lambda: {**now, "torch": "9.0"})
    with pytest.raises(ValueError, match=r"the version of torch \(\S+ then, 9.0 now\)"):
        make(folder).fit(X, Y)


def test_how_it_is_fitted_may_change(folder, dies_in_epoch, capsys):
    expected = make(None).fit(X, Y)
    die(make(folder), dies_in_epoch, 3)
    clf = make(folder, n_jobs=1, verbose=1, max_time=1000).fit(X, Y)
    assert FITTED == []
    assert f"going on with the fit in {folder!r}" in capsys.readouterr().out
    assert_array_equal(clf.decision_function(X), expected.decision_function(X))


def test_what_cannot_be_told_from_another_is_refused(folder):
    with pytest.raises(ValueError, match="`checkpoint_dir` cannot tell `teacher` from another"):
        make(folder, Lambda(threading.Lock())).fit(X, Y)
    assert os.listdir(folder) == []


def test_a_manifest_of_another_kind_is_refused(folder, dies_in_epoch):
    die(make(folder), dies_in_epoch, 3)
    (Path(folder) / "skdistill_fit" / "inputs.json").write_text("{}")
    with pytest.raises(ValueError, match=r"what this version cannot read.*delete '.*skdistill_fit"):
        make(folder).fit(X, Y)


# --- ended by the user ---


class Interrupting:
    """A callback of scikit-learn's that presses Ctrl-C after an epoch."""

    def __init__(self, epoch, is_polite=False):
        self.epoch = epoch
        self.is_polite = is_polite

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        if context.task_name == f"epoch {self.epoch}" and not self.is_polite:
            raise KeyboardInterrupt

    def on_fit_task_end(self, estimator, context):
        return self.is_polite and context.task_name == f"epoch {self.epoch}"

    def teardown(self, estimator, context):
        pass


def test_ctrl_c_keeps_the_student_and_the_checkpoint(folder, dies_in_epoch):
    expected = make(None).fit(X, Y)
    with pytest.warns(UserWarning, match="stays as it was before KeyboardInterrupt"):
        ended = make(folder).set_callbacks(Interrupting(4)).fit(X, Y)
    assert len(ended.history_) == 4
    assert ended.predict(X).shape == (len(X),)
    assert ended.teacher_.memory is None
    FITTED.clear()
    rest = dies_in_epoch(None)
    clf = make(folder).fit(X, Y)
    assert FITTED == []
    assert rest["done"] == len(clf.history_) - 3
    assert_array_equal(clf.decision_function(X), expected.decision_function(X))
    assert os.listdir(folder) == []


def test_a_callback_and_max_time_end_a_fit_as_asked(folder):
    clf = make(folder).set_callbacks(Interrupting(4, is_polite=True)).fit(X, Y)
    assert len(clf.history_) == 4
    assert os.listdir(folder) == []
    with pytest.warns(UserWarning, match="`max_time` ended"):
        make(folder, student=MLPStudent((8,), n_steps=10**6), max_time=0.3).fit(X, Y)
    assert os.listdir(folder) == []


# --- other fits ---


def test_warm_start_goes_on_by_epochs(folder, dies_in_epoch):
    def twice(path, dies=None):
        clf = make(None, warm_start=True).fit(X, Y)
        clf.set_params(checkpoint_dir=path, alpha=0.6)
        if dies is not None:
            die(clf, dies_in_epoch, dies)
            return None
        return clf.fit(X, Y)

    expected = twice(None)
    twice(folder, dies=4)
    first = make(None, warm_start=True).fit(X, Y).set_params(checkpoint_dir=folder, alpha=0.6)
    rest = dies_in_epoch(None)
    clf = first.fit(X, Y)
    assert rest["done"] == len(clf.history_) - 4
    assert_array_equal(clf.decision_function(X), expected.decision_function(X))


def test_warm_start_from_another_student_is_refused(folder, dies_in_epoch):
    clf = make(None, warm_start=True).fit(X, Y)
    die(clf.set_params(checkpoint_dir=folder), dies_in_epoch, 4)
    other = make(None, warm_start=True, student=MLPStudent((8,), n_steps=5)).fit(X, Y)
    other.set_params(checkpoint_dir=folder, student=STUDENT)
    with pytest.raises(ValueError, match="These differ: `the fitted student`"):
        other.fit(X, Y)


def test_refresh_leaves_it_alone(folder, dies_in_epoch):
    clf = make(folder).fit(X, Y)
    die(make(folder), dies_in_epoch, 3)
    before = os.listdir(Path(folder) / "skdistill_fit")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clf.refresh(X + 0.1, Y)
    assert os.listdir(Path(folder) / "skdistill_fit") == before
    assert clf.checkpoint_dir == folder


def test_searches(folder):
    search = DistilledClassifierCV(make(folder), temperatures=[1, 2], alphas=None, cv=2)
    for one in (search, StudentLadder(make(folder), sizes=[(8,)], max_bytes=10**6)):
        with pytest.raises(ValueError, match=r"`checkpoint_dir='.*'` of `estimator` holds one fit"):
            one.fit(X, Y)
    grid = GridSearchCV(make(folder), {"temperature": [1.0, 2.0]}, cv=2, error_score="raise")
    grid.fit(X, Y)
    assert os.listdir(folder) == []


# --- the folder ---


def test_one_fit_at_a_time(folder):
    Path(folder).mkdir()
    lock = Path(folder) / "skdistill_fit.lock"
    code = (
        "import sys; from pathlib import Path; from skdistill._utils.lock import locked\n"
        f"with locked(Path({str(lock)!r})):\n    print('held', flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], cwd=HERE.parent, **pipes) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(RuntimeError, match=rf"in use by another fit \(process {other.pid}\)"):
            make(folder).fit(X, Y)
        assert lock.exists()
        other.kill()
    assert lock.exists()
    make(folder).fit(X, Y)
    assert os.listdir(folder) == []


def test_one_fit_at_a_time_in_one_process(tmp_path):
    with locked(tmp_path / "lock"), pytest.raises(HeldError, match=str(os.getpid())):
        locked(tmp_path / "lock").__enter__()
    with locked(tmp_path / "lock"):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("early", [False, True])
def test_a_full_disk_is_an_error_and_leaves_whole_files(folder, monkeypatch, early):
    params = {"early_stopping": early}
    n_synced = _count_synced(monkeypatch, folder, params)
    expected = make(None, **params).fit(X, Y)
    for n in {0, 1, 2, n_synced // 2, n_synced - 1}:
        place = f"{folder}-{n}"
        _fill_after(monkeypatch, n)
        with pytest.raises(CheckpointError, match=r"no room left: free some, and `fit`") as error:
            make(place, **params).fit(X, Y)
        assert error.value.errno == errno.ENOSPC
        assert place in str(error.value)
        own = Path(place) / "skdistill_fit"
        assert not own.exists() or not [name for name in os.listdir(own) if "tmp" in name]
        assert not (Path(place) / "skdistill_fit.lock").exists()
        _fill_after(monkeypatch, 10**6)
        clf = make(place, **params).fit(X, Y)
        assert_array_equal(clf.decision_function(X), expected.decision_function(X))


def _fill_after(monkeypatch, n):
    rest = [n]

    def fsync(number):
        rest[0] -= 1
        if rest[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fsync)
    return rest


def _count_synced(monkeypatch, folder, params):
    rest = _fill_after(monkeypatch, 10**6)
    make(folder, **params).fit(X, Y)
    return 10**6 - rest[0]


def test_a_file_in_its_place(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(OSError, match=r"checkpoint_dir='.*'` is a file, or in one: give"):
            make(path).fit(X, Y)
    assert FITTED == []


def test_no_permission(folder, monkeypatch):
    def mkdir(self, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with pytest.raises(OSError, match=r"cannot be written \(Permission denied\): give a folder"):
        make(folder).fit(X, Y)
    assert FITTED == []


def test_a_parameter_of_another_type():
    with pytest.raises(ValueError, match="'checkpoint_dir' parameter"):
        make(3).fit(X, Y)


def test_invalid_inputs_leave_nothing(folder):
    with pytest.raises(ValueError, match="alpha"):
        make(folder, alpha=7).fit(X, Y)
    with pytest.raises(ValueError, match="inconsistent|inconsist|Found"):
        make(folder).fit(X, Y[:-1])
    assert os.listdir(folder) == []
