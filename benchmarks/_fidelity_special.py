"""Cells of the fidelity benchmark that have data or a protocol of their own."""

import tempfile
import time
from pathlib import Path

import numpy as np
from _fidelity_cells import Method
from _fidelity_methods import control
from _fidelity_pool import fit_pool, memory
from _fidelity_student import budget, student_bytes
from _fidelity_teacher import FIT_SECONDS, teacher
from datasets import load
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import recall_score
from sklearn.model_selection import train_test_split

from skdistill import DistilledClassifier, MLPStudent, TabularEncoder

BUCILA_SEEDS = (0, 1, 2, 3, 4)
SCORED_ROWS = 10_000
REPEATS = 101


# --- LETTER.p1 and LETTER.p2 of Bucila et al. 2006 ---


def run_bucila(job, positive):
    """RMSE of the ensemble, of the student, and of the same net without a teacher."""
    X, letters = load("letter")
    y = np.isin(letters, list(positive)).astype(int)
    X, X_test, y, y_test = train_test_split(
        X, y, train_size=5000, stratify=y, random_state=job.seed
    )
    X, X_val, y, y_val = train_test_split(X, y, test_size=1000, stratify=y, random_state=job.seed)
    held_out = {"X_val": X_val, "y_val": y_val}
    members = teacher(2, job.seed, job.n_estimators)
    student = DistilledClassifier(members, memory=memory(), random_state=job.seed)
    student.fit(X, y, **held_out)
    ann = control(budget(student, len(y)), job.seed).fit(X, y, **held_out)
    models = {"ensemble": student.teacher_, "student": student, "ann": ann}
    figures = {name: rmse(model, X_test, y_test) for name, model in models.items()}
    return figures, None


def rmse(model, X, y):
    return float(np.sqrt(np.mean((model.predict_proba(X)[:, 1] - y) ** 2)))


# --- a class that the transfer set does not have (Hinton et al. 2015) ---


def run_missing_class(job):
    """Recall on a class of which the student sees no row, but the teacher's word."""
    X, X_test, y, y_test = digits(job.seed) if job.data == "digits" else job.split
    classes, counts = np.unique(y, return_counts=True)
    missing = classes[(3 + 7 * job.seed) % len(classes)]
    members = teacher(len(classes), job.seed, job.n_estimators)
    pool = FrozenEstimator(fit_pool(members, X, y, job.seed))
    figures = {"missing": str(missing), "teacher_recall": recall(pool, X_test, y_test, missing)}
    told = {"class_prior": counts / counts.sum()}
    for name, params in {"plain": {}, "corrected": told}.items():
        clf = DistilledClassifier(pool, random_state=job.seed, **params)
        clf.fit(X[y != missing])
        figures[name] = recall(clf, X_test, y_test, missing)
        figures[f"{name}_accuracy"] = float(clf.score(X_test, y_test))
    return figures, None


def digits(seed):
    X, y = load_digits(return_X_y=True, as_frame=True)
    y = y.to_numpy()
    return train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)


def recall(model, X, y, label):
    return float(recall_score(y, model.predict(X), labels=[label], average="macro"))


# --- serving and training time, on letter ---


def run_serving(job):
    """Bytes and ONNX Runtime seconds of the presets, beside those of an MLP 128-128."""
    X, X_test, y, _ = job.split
    X, X_test = (part.to_numpy(dtype=np.float32) for part in (X, X_test))
    students = {
        "mlp": MLPStudent(hidden_layer_sizes=(128, 128)),
        "default": MLPStudent(),
        "fast": MLPStudent.fast(),
    }
    # The weights do not matter here, so that one step will do; by it nothing is to be chosen, and
    # the default student of letter takes no indicators.
    encoder = TabularEncoder("codes")
    clfs = {
        name: DistilledClassifier(
            DummyClassifier(),
            student.set_params(n_steps=1),
            encoder=encoder,
            alpha=1.0,
            transfer=None,
        ).fit(X, y)
        for name, student in students.items()
    }
    scorers = {name: onnx_scorer(clf) for name, clf in clfs.items()}
    rows = X_test[np.arange(SCORED_ROWS) % len(X_test)]
    seconds = {name: [] for name in scorers}
    for _ in range(REPEATS):
        for name, scorer in scorers.items():
            started = time.perf_counter()
            scorer.predict_proba(rows)
            seconds[name].append(time.perf_counter() - started)
    figures = {f"{name}_bytes": student_bytes(clf) for name, clf in clfs.items()}
    figures |= {f"{name}_us": min(one) / SCORED_ROWS * 1e6 for name, one in seconds.items()}
    ratios = {name: np.divide(seconds[name], seconds["mlp"]) for name in ("default", "fast")}
    figures |= {f"{name}_ratio": float(np.median(one)) for name, one in ratios.items()}
    return figures, None


def onnx_scorer(clf):
    """The exported student in ONNX Runtime, on one thread."""
    try:
        from skdistill import Scorer, to_onnx
    except ImportError as error:
        raise ImportError("needs skdistill.to_onnx and the extra `onnx`") from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "student.onnx"
        to_onnx(clf, path)
        return Scorer(path)


def run_seconds(job):
    """Seconds of labelling and training, without the fits of the teacher and of its folds."""
    X, _, y, _ = job.split
    clf = DistilledClassifier(job.members, random_state=job.seed)
    FIT_SECONDS.clear()
    started = time.perf_counter()
    clf.fit(X, y)
    whole = time.perf_counter() - started
    figures = {"seconds": whole - sum(FIT_SECONDS), "teacher_seconds": sum(FIT_SECONDS)}
    return figures, None


def _special(name, run, **params):
    return Method(name, run, "student", params)


MISSING_CLASS = _special("missing-class", run_missing_class)
# (data, seeds, method); those of `--quick` are cheap.
SPECIAL = [
    ("digits", (0, 1, 2), MISSING_CLASS),
    ("letter", (0,), _special("serving", run_serving)),
    ("letter", BUCILA_SEEDS, _special("bucila-p1", run_bucila, positive="O")),
    ("letter", BUCILA_SEEDS, _special("bucila-p2", run_bucila, positive="ABCDEFGHIJKLM")),
    ("letter", (0, 1, 2), MISSING_CLASS),
    ("letter", (0,), _special("seconds", run_seconds)),
]
QUICK_SPECIAL = ("digits", "missing-class"), ("letter", "serving")
