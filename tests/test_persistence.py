"""Storing a fitted DistilledClassifier, and reading what an older version stored."""

import copy
import json
import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
import torch
from shared import coloured_frame
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from skorch import NeuralNetClassifier

from skdistill import TRUSTED_TYPES, DistilledClassifier, MLPStudent, Munge, TabularEncoder
from skdistill.metrics import score_and_choices

STORED = Path(__file__).parent / "stored"
SMALL = MLPStudent(hidden_layer_sizes=(8,), n_steps=40)


def fitted(student=SMALL, **params):
    X, y = coloured_frame()
    teacher = RandomForestClassifier(5, random_state=0)

    class Encoded:
        """Lives in a function: a teacher that cannot be pickled."""

        classes_ = np.array(["no", "yes"])

        def __init__(self):
            self.encoder = TabularEncoder().fit(X)
            self.forest = teacher.fit(self.encoder.transform(X), y)

        def predict_proba(self, rows):
            return self.forest.predict_proba(self.encoder.transform(rows))

    clf = DistilledClassifier(Encoded(), student, transfer=Munge(size=1), random_state=0, **params)
    return clf.fit(X, y), X


def through_pickle(clf, tmp_path):
    return pickle.loads(pickle.dumps(clf))


def through_joblib(clf, tmp_path):
    joblib.dump(clf, tmp_path / "clf.joblib")
    return joblib.load(tmp_path / "clf.joblib", mmap_mode="r")


def through_copy(clf, tmp_path):
    return copy.deepcopy(clf)


def through_skops(clf, tmp_path):
    skops.io.dump(clf, tmp_path / "clf.skops")
    assert set(skops.io.get_untrusted_types(file=tmp_path / "clf.skops")) <= set(TRUSTED_TYPES)
    return skops.io.load(tmp_path / "clf.skops", trusted=TRUSTED_TYPES)


ROUTES = [through_pickle, through_joblib, through_copy, through_skops]


@pytest.mark.parametrize("route", ROUTES)
def test_round_trip_without_the_teacher(route, tmp_path):
    clf, X = fitted()
    back = route(clf.without_teacher(), tmp_path)
    np.testing.assert_array_equal(back.predict_proba(X), clf.predict_proba(X))
    np.testing.assert_array_equal(back.predict(X), clf.predict(X))
    assert back.history_[:, "train_loss"] == clf.history_[:, "train_loss"]
    assert back.get_params()["student__n_steps"] == 40
    assert back.teacher_ is None


def test_round_trip_with_a_teacher_of_scikit_learn(tmp_path):
    X, y = make_classification(120, 5, random_state=0)
    clf = DistilledClassifier(RandomForestClassifier(5), SMALL, random_state=0).fit(X, y)
    skops.io.dump(clf, tmp_path / "clf.skops")
    unknown = skops.io.get_untrusted_types(file=tmp_path / "clf.skops")
    of_teacher = sorted(set(unknown) - set(TRUSTED_TYPES))
    assert of_teacher == ["sklearn.tree._tree.Tree"]
    back = skops.io.load(tmp_path / "clf.skops", trusted=[*TRUSTED_TYPES, *of_teacher])
    np.testing.assert_array_equal(back.teacher_.predict_proba(X), clf.teacher_.predict_proba(X))


class Net(torch.nn.Module):
    def __init__(self, n_inputs, n_outputs, softmax=False):
        super().__init__()
        self.layer = torch.nn.Linear(n_inputs, n_outputs)
        self.softmax = softmax

    def forward(self, X):
        logits = self.layer(X)
        return logits.softmax(dim=1) if self.softmax else logits


@pytest.mark.parametrize(
    "student",
    [
        Net,
        NeuralNetClassifier(Net, criterion=torch.nn.CrossEntropyLoss, max_epochs=2),
        NeuralNetClassifier(Net, module__softmax=True, criterion=torch.nn.NLLLoss, max_epochs=2),
        NeuralNetClassifier(Net(14, 2), criterion=torch.nn.CrossEntropyLoss, max_epochs=2),
    ],
    ids=["module class", "net", "net with softmax", "module instance"],
)
def test_round_trip_of_a_students_own_module(student):
    clf, X = fitted(student)
    light = clf.without_teacher()
    light.student = None  # the recipe is the user's; what counts is the trained student
    back = pickle.loads(pickle.dumps(light))
    np.testing.assert_array_equal(back.predict_proba(X), clf.predict_proba(X))
    np.testing.assert_allclose(
        back.student_.predict_proba(back.encoder_.transform(X)),
        clf.student_.predict_proba(clf.encoder_.transform(X)),
        rtol=1e-6,  # where an array lies in memory may change the last bit of a float32
    )


def test_a_copy_without_teacher_leaves_the_original_alone():
    clf, X = fitted()
    light = clf.without_teacher()
    assert clf.teacher_ is not None
    assert clf.teacher is not None
    assert len(pickle.dumps(light)) < 20_000
    with pytest.raises(ValueError, match="`teacher` is None"):
        light.fit(*coloured_frame())
    with pytest.raises(NotFittedError):
        DistilledClassifier().without_teacher()


def test_warm_start_goes_on_after_a_round_trip():
    X, y = coloured_frame()
    p = np.where(np.asarray(y)[:, None] == ["no", "yes"], 0.9, 0.1)
    clf = DistilledClassifier(None, SMALL, warm_start=True, random_state=0)
    clf.fit(X, y, soft_targets=p)
    back = pickle.loads(pickle.dumps(clf))
    again = back.fit(X, y, soft_targets=p).predict_proba(X)
    np.testing.assert_array_equal(again, clf.fit(X, y, soft_targets=p).predict_proba(X))


def test_a_newer_format_is_refused():
    clf, _ = fitted()
    state = clf.without_teacher().__getstate__()
    state["_format"] = 99
    with pytest.raises(ValueError, match=r"stored in format 99.*upgrade"):
        DistilledClassifier().__setstate__(state)


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_older_formats_are_still_read(version):
    """`python tests/test_persistence.py` wrote the files, once, with the code of their time."""
    back = skops.io.load(STORED / f"format{version}.skops", trusted=TRUSTED_TYPES)
    expected = json.loads((STORED / f"format{version}.json").read_text())
    X, _ = coloured_frame()
    np.testing.assert_allclose(back.predict_proba(X)[:20], expected, atol=1e-6)
    assert list(back.classes_) == ["no", "yes"]
    assert back.get_params(deep=False).keys() == DistilledClassifier().get_params().keys()
    assert back.student.get_params().keys() == MLPStudent().get_params().keys()
    assert clone(back.encoder_).nominal is None
    assert not hasattr(back.encoder_, "feature_names_in_")
    with pytest.warns(UserWarning, match="TabularEncoder was fitted without feature names"):
        encoded = back.encoder_.transform(X)
    assert encoded.shape == (len(X), len(back.encoder_.get_feature_names_out()))


def test_an_older_recipe_keeps_its_optimizer():
    state = MLPStudent().__getstate__()
    del state["optimizer"]
    old = MLPStudent.__new__(MLPStudent)
    old.__setstate__(state)
    assert old.optimizer == "adamw"
    assert old.for_rows(30_000).optimizer == "adamw"


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_older_student_tells_what_a_search_asks(version):
    back = skops.io.load(STORED / f"format{version}.skops", trusted=TRUSTED_TYPES)
    X, y = coloured_frame()
    told = score_and_choices("accuracy")(back, X, y)
    assert told["out_of_fold"] == told["codes"] == 0


if __name__ == "__main__":
    clf, X = fitted()
    STORED.mkdir(exist_ok=True)
    stored = clf.without_teacher()
    name = f"format{stored.__getstate__()['_format']}"
    skops.io.dump(stored, STORED / f"{name}.skops")
    (STORED / f"{name}.json").write_text(json.dumps(clf.predict_proba(X)[:20].tolist()))
