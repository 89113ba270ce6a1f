"""The student: recipes, nets of the user's own, training, prediction, MLP."""

import copy
import io
import pickle
import time
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from shared import SMALL_STUDENT, make_clf, make_soft, three_classes
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import Callback, EarlyStopping, EpochScoring, LRScheduler
from skorch.history import History
from torch import nn

from skdistill import MLP, DistilledClassifier, MLPStudent
from skdistill.student import BatchIterator, Rows, n_batches, prepare_net
from skdistill.task import Classification


class Plain(nn.Module):
    """Logits; takes no sizes. The default encoder makes 12 columns of 6 numbers."""

    def __init__(self, hidden=8, width=12):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 3))

    def forward(self, X):
        return self.layers(X)


class Sized(nn.Module):
    def __init__(self, n_inputs, n_outputs, hidden=8):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_inputs, hidden), nn.ReLU(), nn.Linear(hidden, n_outputs)
        )

    def forward(self, X):
        return self.layers(X)


class Probabilities(Plain):
    def forward(self, X):
        return torch.softmax(super().forward(X), dim=1)


class WithDropout(Plain):
    def forward(self, X):
        return super().forward(nn.functional.dropout(X, 0.3, training=self.training))


class Coded(nn.Module):
    """Takes cardinalities: gets codes in its last columns."""

    def __init__(self, n_inputs, n_outputs, cardinalities):
        super().__init__()
        self.cardinalities = cardinalities
        self.linear = nn.Linear(n_inputs + sum(cardinalities), n_outputs)

    def forward(self, X):
        n = len(self.cardinalities)
        codes = X[:, X.shape[1] - n :].long()
        ones = [
            nn.functional.one_hot(codes[:, i], size) for i, size in enumerate(self.cardinalities)
        ]
        return self.linear(torch.cat([X, *ones], dim=1))


def instance(module=Plain, **params):
    """A module with the same weights every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return module(**params)


SEEN = []


class Watcher(Callback):
    """Notes the rows and the rate of every training step, and the optimizer, in SEEN."""

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        if training:
            SEEN.append((len(batch[0]), net.optimizer_.param_groups[0]["lr"], net.optimizer_))


def make_net(module=Sized, **params):
    defaults = {"criterion": nn.CrossEntropyLoss, "lr": 0.05, "max_epochs": 5, "batch_size": 32}
    return NeuralNetClassifier(module, **(defaults | params))


def fit_proba(X, y, soft=None, *, fit_params=None, **params):
    soft = make_soft(X) if soft is None else soft
    clf = make_clf(**params)
    return clf.fit(X, y, soft_targets=soft, **(fit_params or {})).predict_proba(X)


# --- temperature, alpha, labels, weights ---


def test_temperature_and_alpha_change_the_student():
    X, y = three_classes()
    settings = [(1.0, 0.1), (3.0, 0.1), (1.0, 0.6), (1.0, 0.0), (1.0, 1.0)]
    fitted = [fit_proba(X, y, temperature=t, alpha=a) for t, a in settings]
    for i, one in enumerate(fitted):
        for other in fitted[:i]:
            assert np.abs(one - other).max() > 1e-3


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_alpha_1_learns_from_the_labels_only(temperature):
    X, y = three_classes()
    first, second = (
        fit_proba(X, y, make_soft(X, seed), alpha=1.0, temperature=temperature) for seed in (0, 1)
    )
    np.testing.assert_array_equal(first, second)
    taught = [
        make_clf(teacher=LogisticRegression(C=C), alpha=1.0, temperature=temperature).fit(X, y)
        for C in (1e-3, 1e3)
    ]
    for clf in taught:
        np.testing.assert_array_equal(clf.predict_proba(X), first)


def test_alpha_1_leaves_out_unlabelled_rows():
    X, y = three_classes()
    clf = make_clf(teacher=LogisticRegression(), alpha=1.0)
    own = clf.fit(X, y).predict_proba(X)
    with_more = clf.fit(X, y, X_transfer=(X[:60] + 1,)).predict_proba(X)
    assert clf.n_transfer_rows_ == 0
    np.testing.assert_array_equal(own, with_more)


def test_alpha_0_ignores_the_labels():
    X, y = three_classes()
    shuffled = np.random.default_rng(1).permutation(y)
    np.testing.assert_array_equal(
        fit_proba(X, y, alpha=0.0, temperature=2.0),
        fit_proba(X, shuffled, alpha=0.0, temperature=2.0),
    )
    np.testing.assert_array_equal(
        fit_proba(X, None, temperature=2.0), fit_proba(X, y, alpha=0.0, temperature=2.0)
    )


def test_weights_of_one_are_no_weights():
    X, y = three_classes()
    plain = fit_proba(X, y)
    ones = fit_proba(X, y, fit_params={"sample_weight": np.ones(len(y))})
    np.testing.assert_array_equal(plain, ones)
    fives = fit_proba(X, y, fit_params={"sample_weight": np.full(len(y), 5.0)})
    np.testing.assert_allclose(plain, fives, atol=1e-4)
    on_labels = fit_proba(X, y, alpha=1.0)
    some = fit_proba(X, y, alpha=1.0, fit_params={"sample_weight": np.where(y == 0, 5.0, 1.0)})
    assert some[:, 0].mean() > on_labels[:, 0].mean() + 0.02


@pytest.mark.parametrize("encoder", ["passthrough", "auto"])
def test_rows_of_weight_zero_are_as_removed(encoder):
    X, y = three_classes()
    soft = make_soft(X)
    keep = np.random.default_rng(0).random(len(y)) < 0.7
    X[~keep] *= 10  # what they hold must not matter
    net = make_net(max_epochs=20, batch_size=-1)
    params = {"student": net, "encoder": encoder}
    clf = make_clf(**params).fit(X, y, soft_targets=soft, sample_weight=keep.astype(float))
    removed = make_clf(**params).fit(X[keep], y[keep], soft_targets=soft[keep])
    np.testing.assert_allclose(clf.predict_proba(X), removed.predict_proba(X), atol=1e-6)


def test_validation_rows_of_weight_zero_are_as_removed():
    X, y = three_classes(400)
    keep = np.arange(200) >= 100  # whole batches without weight
    params = {"student": make_net(max_epochs=8, batch_size=32), "early_stopping": True}

    def fit(X_val, y_val, weight):
        clf = make_clf(**params, calibrate=True)
        given = {"X_val": X_val, "y_val": y_val, "sample_weight_val": weight}
        return clf.fit(X[200:], y[200:], soft_targets=make_soft(X[200:]), **given)

    zero = fit(X[:200], y[:200], keep.astype(float))
    removed = fit(X[100:200], y[100:200], None)
    np.testing.assert_allclose(column(zero, "valid_loss"), column(removed, "valid_loss"), rtol=1e-5)
    np.testing.assert_allclose(zero.predict_proba(X), removed.predict_proba(X), atol=1e-5)


# --- kinds of students ---


@pytest.mark.parametrize(
    "student",
    [
        None,
        MLPStudent(hidden_layer_sizes=(32,)),
        Plain,
        Sized,
        make_net(Plain, max_epochs=60),
        make_net(max_epochs=60),
        make_net(Probabilities, criterion=nn.NLLLoss, max_epochs=60),
        make_net(instance(), max_epochs=60),
        make_net(Plain, criterion=nn.CrossEntropyLoss(), max_epochs=60),
    ],
    ids=[
        "default",
        "recipe",
        "class",
        "sized",
        "net",
        "net_sized",
        "net_softmax",
        "instance",
        "criterion",
    ],
)
def test_every_kind_of_student_learns_the_teacher(student):
    X, y = three_classes()
    teacher = LogisticRegression().fit(X, y)
    clf = make_clf(student, teacher=FrozenEstimator(teacher), alpha=0.0).fit(X, y)
    p = clf.predict_proba(X)
    assert p.shape == (len(X), 3)
    assert p.dtype == np.float64
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(np.log(p), clf.predict_log_proba(X), atol=1e-4)
    assert (clf.predict(X) == teacher.predict(X)).mean() > 0.85
    assert np.abs(p - teacher.predict_proba(X)).mean() < 0.12  # a uniform student: 0.37


def test_softmax_with_nll_and_logits_with_cross_entropy_are_the_same_student():
    X, y = three_classes()
    module = instance()
    probabilities = Probabilities()
    probabilities.load_state_dict(module.state_dict())
    logits = fit_proba(X, y, student=make_net(module))
    np.testing.assert_allclose(
        fit_proba(X, y, student=make_net(probabilities, criterion=nn.NLLLoss)), logits, atol=1e-4
    )


class Double(Sized):
    """A module in float64."""

    dtype = torch.float64

    def __init__(self, n_inputs, n_outputs):
        super().__init__(n_inputs, n_outputs)
        self.to(self.dtype)

    def forward(self, X):
        return super().forward(X.to(self.dtype))


class Half(Double):
    dtype = torch.bfloat16


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("module", [Double, Half])
def test_a_module_may_answer_in_another_precision(module, alpha):
    X, y = three_classes()
    clf = make_clf(module, alpha=alpha).fit(X, y, soft_targets=make_soft(X))
    p = clf.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(X), p)


def test_module_class_is_given_the_sizes_its_constructor_takes():
    X, y = three_classes()
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame["colour"] = np.where(np.arange(len(X)) % 2, "red", "blue")
    frame["shape"] = np.array(["o", "x", "v"])[y]
    clf = make_clf(Coded).fit(frame, y, soft_targets=make_soft(X))
    assert clf.student_.module_.cardinalities == (4, 5)  # unknown, missing, categories
    assert clf.student_.module_.linear.in_features == 2 * 6 + 2 + 9
    sized = make_clf(Sized).fit(frame, y, soft_targets=make_soft(X))
    assert sized.student_.module_.layers[0].in_features == 2 * 6 + 3 + 4  # indicators
    assert clf.predict_proba(frame).shape == (len(X), 3)


def test_sizes_that_the_user_set_are_kept():
    X, y = three_classes()
    net = make_net(module__n_outputs=4)
    with pytest.raises(ValueError, match=r"returns \(\d+, 4\) for .* but there are 3 classes"):
        fit_proba(X, y, student=net)
    fit_proba(X, y, student=net.set_params(module__n_outputs=3))


@pytest.mark.parametrize("student", [Sized(6, 3), "mlp", LogisticRegression(), nn.Linear, int])
def test_student_of_another_kind_is_refused_or_fails_clearly(student):
    X, y = three_classes()
    if student is nn.Linear:  # a module class, but its constructor wants other sizes
        with pytest.raises(TypeError, match="in_features"):
            fit_proba(X, y, student=student)
        return
    with pytest.raises(ValueError, match="`student` must be None, an MLPStudent, a "):
        fit_proba(X, y, student=student)


@pytest.mark.parametrize(
    "net",
    [
        make_net(criterion=nn.MSELoss),
        make_net(criterion=nn.BCEWithLogitsLoss()),
        NeuralNetRegressor(Plain),
        NeuralNetBinaryClassifier(Plain),
    ],
)
def test_another_criterion_is_refused(net):
    X, y = three_classes()
    with pytest.raises(ValueError, match=r"`criterion` of `student` declares.*NLLLoss.*got"):
        fit_proba(X, y, student=net)


@pytest.mark.parametrize(
    "net",
    [
        make_net(criterion__weight=torch.ones(3)),
        make_net(criterion__label_smoothing=0.1),
        make_net(criterion=nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0]))),
        make_net(criterion=nn.CrossEntropyLoss(label_smoothing=0.1)),
    ],
    ids=["weight", "smoothing", "instance_weight", "instance_smoothing"],
)
def test_parameters_of_the_criterion_are_refused_not_dropped(net):
    X, y = three_classes()
    with pytest.raises(ValueError, match=r"`student` .*criterion.*`class_weight`"):
        fit_proba(X, y, student=net)


@pytest.mark.parametrize("module", [nn.Linear(12, 2), nn.Linear(12, 30), nn.LSTM(12, 3)])
def test_wrong_output_is_named(module):
    X, y = three_classes()
    with pytest.raises(ValueError, match=r"module of `student` returns .*shape \(n_rows, 3\)"):
        fit_proba(X, y, student=make_net(module))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"hidden_layer_sizes": ()}, r"`hidden_layer_sizes` must be .* got \(\)"),
        ({"hidden_layer_sizes": (8, 0)}, r"`hidden_layer_sizes` must be .* got \(8, 0\)"),
        ({"hidden_layer_sizes": 8}, "'hidden_layer_sizes' parameter .* Got 8"),
        ({"batch_size": 0}, "'batch_size' parameter .* Got 0"),
        ({"n_steps": 0.0}, "'n_steps' parameter .* Got 0.0"),
        ({"optimizer": "sgd"}, "'optimizer' parameter .* Got 'sgd'"),
        ({"learning_rate": -1}, "'learning_rate' parameter .* Got -1"),
        ({"weight_decay": "x"}, "'weight_decay' parameter .* Got 'x'"),
    ],
)
def test_recipe_parameters_are_checked(params, message):
    X, y = three_classes(60)
    with pytest.raises(ValueError, match=message):
        fit_proba(X, y, student=MLPStudent(**params))


@pytest.mark.parametrize(
    ("n_rows", "optimizer", "sizes", "batch_size", "n_steps"),
    [
        (500, "AdamW", (192, 192), 16, 894),
        (4999, "AdamW", (192, 192), 256, 2828),
        (5000, "Muon", (128,) * 4, 256, 707),
        (20_000, "Muon", (128,) * 4, 1024, 1414),
        (160_000, "Muon", (128,) * 4, 1024, 4000),
    ],
)
def test_the_recipe_depends_on_the_number_of_rows(n_rows, optimizer, sizes, batch_size, n_steps):
    net = MLPStudent().make_net(n_rows)
    assert net.optimizer.__name__ == optimizer
    assert net.module__hidden_layer_sizes == sizes
    assert net.batch_size == batch_size
    per_epoch = round(n_rows / batch_size)
    assert n_steps <= net.max_epochs * per_epoch < n_steps + per_epoch


def test_a_share_of_the_steps_is_one_of_those_of_auto():
    whole, half = (MLPStudent(n_steps=n).make_net(100_000).max_epochs for n in ("auto", 0.5))
    assert abs(2 * half - whole) <= 1


def test_layers_that_are_given_do_not_choose_the_optimizer():
    net = MLPStudent((7,), optimizer="adamw").make_net(100_000)
    assert net.optimizer is torch.optim.AdamW
    net = MLPStudent((7, 6)).make_net(100_000)
    assert net.optimizer.__name__ == "Muon"
    assert [name for name, _ in net.optimizer__param_groups] == ["first.weight", "layers.0.weight"]


def test_a_module_of_ones_own_is_trained_by_adamw():
    assert (
        prepare_net(Plain, 100_000, 12, Classification(np.arange(3)), ()).optimizer
        is torch.optim.AdamW
    )


def test_recipe_is_honoured():
    X, y = three_classes(128)
    student = MLPStudent(hidden_layer_sizes=(5, 4), n_steps=50, batch_size=32)
    clf = make_clf(student).fit(X, y, soft_targets=make_soft(X))
    shapes = [tuple(p.shape) for p in clf.student_.module_.parameters()]
    assert shapes == [(5, 12), (5,), (4, 5), (4,), (3, 4), (3,)]
    assert len(clf.history_) == 13  # 50 steps of 4 an epoch, rounded up


# --- the user's net: honoured, and left alone ---


def by_hand(module, X, y, soft, *, lr, epochs, temperature, alpha):
    """Full-batch gradient descent on the documented loss."""
    module = copy.deepcopy(module)
    optimizer = torch.optim.SGD(module.parameters(), lr=lr, momentum=0.5)
    inputs, labels, p = torch.from_numpy(X), torch.from_numpy(y), torch.from_numpy(soft).float()
    q = torch.softmax(torch.log(p) / temperature, dim=1)
    for _ in range(epochs):
        logits = module(inputs)
        soft_term = -(q * torch.log_softmax(logits / temperature, dim=1)).sum(dim=1)
        hard_term = nn.functional.cross_entropy(logits, labels, reduction="none")
        loss = (alpha * hard_term + (1 - alpha) * temperature**2 * soft_term).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return torch.softmax(module(inputs), dim=1).detach().numpy()


@pytest.mark.parametrize(("temperature", "alpha"), [(1.0, 0.3), (3.0, 0.3), (2.0, 0.0), (2.0, 1.0)])
def test_training_equals_a_loop_by_hand(temperature, alpha):
    X, y = three_classes()
    soft = make_soft(X)
    module = instance(width=6)
    net = make_net(
        module,
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.5,
        lr=0.1,
        max_epochs=7,
        batch_size=-1,
    )
    params = {"encoder": "passthrough", "temperature": temperature, "alpha": alpha}
    expected = by_hand(module, X, y, soft, lr=0.1, epochs=7, temperature=temperature, alpha=alpha)
    start = torch.softmax(module(torch.from_numpy(X)), dim=1).detach().numpy()
    assert np.abs(expected - start).max() > 0.01
    np.testing.assert_allclose(fit_proba(X, y, soft, student=net, **params), expected, atol=2e-5)


@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(-1, {150}), (32, {30}), (1000, {150}), (40, {37, 38})]
)
def test_the_users_training_parameters_are_honoured(batch_size, sizes):
    X, y = three_classes(150)
    net = make_net(
        optimizer=torch.optim.Adagrad,
        optimizer__lr_decay=0.25,
        lr=0.0125,
        max_epochs=3,
        batch_size=batch_size,
        callbacks=[Watcher()],
    )
    SEEN.clear()
    clf = make_clf(net).fit(X, y, soft_targets=make_soft(X))
    assert {size for size, _, _ in SEEN} == sizes
    assert sum(size for size, _, _ in SEEN) == 3 * 150
    assert {rate for _, rate, _ in SEEN} == {0.0125}
    assert isinstance(SEEN[0][2], torch.optim.Adagrad)
    assert SEEN[0][2].defaults["lr_decay"] == 0.25
    assert len(clf.history_) == 3


def test_iterator_parameters_of_the_user_do_not_get_in_the_way():
    X, y = three_classes()
    net = make_net(iterator_train__drop_last=True, iterator_valid__num_workers=0)
    np.testing.assert_array_equal(fit_proba(X, y, student=net), fit_proba(X, y, student=make_net()))


def test_train_split_of_the_user_is_replaced():
    X, y = three_classes()
    plain = fit_proba(X, y, student=make_net(train_split=None))
    np.testing.assert_array_equal(plain, fit_proba(X, y, student=make_net()))


def snapshot(net):
    params = {k: v for k, v in net.get_params().items() if not k.startswith("callbacks__")}
    weights = copy.deepcopy(net.module.state_dict()) if isinstance(net.module, nn.Module) else {}
    return params, weights, set(vars(net))


@pytest.mark.parametrize("module", [Plain, instance(), instance(WithDropout)])
def test_the_users_net_and_module_are_left_alone(module):
    X, y = three_classes()
    net = make_net(module, callbacks=[("watch", Watcher()), LRScheduler()])
    params, weights, attributes = snapshot(net)
    make_clf(net).fit(X, y, soft_targets=make_soft(X))
    after, weights_after, attributes_after = snapshot(net)
    assert attributes_after == attributes
    assert after.keys() == params.keys()
    for name, value in params.items():
        assert after[name] is value or after[name] == value, name
    for name, value in weights.items():
        torch.testing.assert_close(weights_after[name], value, rtol=0, atol=0)
    if isinstance(module, nn.Module):
        assert module.training
        assert all(p.requires_grad and p.grad is None for p in module.parameters())


def test_a_fitted_net_as_student_starts_anew_and_is_left_alone():
    X, y = three_classes()
    fresh = make_net(verbose=0)
    fitted = make_net(verbose=0, module__n_inputs=12, module__n_outputs=3)
    fitted.fit(np.hstack([X, X]), y.astype(np.int64))
    before = copy.deepcopy(fitted.module_.state_dict())
    np.testing.assert_array_equal(fit_proba(X, y, student=fitted), fit_proba(X, y, student=fresh))
    for name, value in fitted.module_.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_grid_search_reaches_into_the_net():
    X, y = three_classes()
    clf = make_clf(make_net(max_epochs=15), teacher=LogisticRegression())
    grid = {"student__lr": [1e-5, 0.1], "student__module__hidden": [4, 8]}
    search = GridSearchCV(clf, grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_["student__lr"] == 0.1
    hidden = search.best_estimator_.student_.module_.layers[0].out_features
    assert hidden == search.best_params_["student__module__hidden"]
    scores = search.cv_results_["mean_test_score"]
    assert len(set(scores)) > 1


def test_grid_search_reaches_into_the_recipe():
    X, y = three_classes()
    clf = make_clf(MLPStudent(n_steps=20), teacher=LogisticRegression())
    grid = {"student__hidden_layer_sizes": [(4,), (8,)]}
    search = GridSearchCV(clf, grid, cv=2, error_score="raise").fit(X, y)
    first = search.best_estimator_.student_.module_.first
    assert (first.out_features,) == search.best_params_["student__hidden_layer_sizes"]


# --- callbacks ---


def column(clf, name):
    return [row[name] for row in clf.history_]


def fit_with_validation(net, **params):
    """Student, validation rows and their labels; the labels count for half."""
    X, y = three_classes(300)
    clf = make_clf(net, **({"alpha": 0.5} | params))
    clf.fit(X[:200], y[:200], soft_targets=make_soft(X[:200]), X_val=X[200:], y_val=y[200:])
    return clf, X[200:], y[200:]


@pytest.mark.parametrize("labels", [None, ["a", "b", "c"]])
def test_scoring_callbacks_see_hard_labels(labels):
    X, y = three_classes(300)
    y = y if labels is None else np.array(labels)[y]
    scoring = EpochScoring("accuracy", name="acc", lower_is_better=False)
    net = make_net(callbacks=[scoring])
    clf = make_clf(net, alpha=1.0)
    clf.fit(X[:200], y[:200], soft_targets=make_soft(X[:200]), X_val=X[200:], y_val=y[200:])
    direct = accuracy_score(y[200:], clf.predict(X[200:]))
    assert 0.4 < direct < 1
    assert clf.history_[-1]["acc"] == pytest.approx(direct)
    assert clf.history_[-1]["valid_acc"] == pytest.approx(direct)
    assert len(set(column(clf, "acc"))) > 1


def test_scoring_callbacks_of_a_module_that_gives_probabilities():
    net = make_net(
        Probabilities,
        criterion=nn.NLLLoss,
        callbacks=[("ll", EpochScoring("neg_log_loss", name="ll", lower_is_better=False))],
    )
    clf, X, y = fit_with_validation(net)
    direct = -log_loss(y, clf.predict_proba(X))
    assert clf.history_[-1]["ll"] == pytest.approx(direct, rel=1e-4)


def test_scoring_on_train_is_left_out_where_rows_have_no_label():
    X, y = three_classes()
    scoring = EpochScoring("accuracy", name="acc", on_train=True, lower_is_better=False)
    clf = make_clf(make_net(callbacks=[scoring]))
    clf.fit(X, y, soft_targets=make_soft(X))
    assert 0 < clf.history_[-1]["acc"] <= 1
    more = {"X_transfer": (X[:100],), "soft_targets_transfer": (make_soft(X[:100]),)}
    with pytest.warns(UserWarning, match="is left out: there are no training rows"):
        clf.fit(X, y, soft_targets=make_soft(X), **more)
    assert "acc" not in clf.history_[-1]


def test_scoring_callback_without_labelled_validation_rows_is_left_out_with_a_warning():
    X, _ = three_classes()
    net = make_net(callbacks=[("acc", EpochScoring("accuracy", name="acc"))])
    clf = make_clf(net, early_stopping=True)
    with pytest.warns(UserWarning, match="callback `acc` is left out.*no validation rows"):
        clf.fit(X, soft_targets=make_soft(X))
    assert "acc" not in clf.history_[-1]


def test_scoring_without_cache_works():
    scoring = EpochScoring("accuracy", name="acc", use_caching=False, lower_is_better=False)
    clf, X, y = fit_with_validation(make_net(callbacks=[scoring]))
    assert clf.history_[-1]["acc"] == pytest.approx(accuracy_score(y, clf.predict(X)))


def test_the_users_early_stopping_is_the_one_that_counts():
    stopping = EarlyStopping(patience=2, threshold=1e9, threshold_mode="abs", sink=lambda text: 0)
    net = make_net(max_epochs=30, callbacks=[stopping])
    clf, _, _ = fit_with_validation(net, early_stopping=True)
    assert len(clf.history_) == 3  # no epoch after the first improves by that much


def test_nested_parameters_of_the_users_callbacks_are_honoured():
    stopping = EarlyStopping(patience=99, threshold=1e9, threshold_mode="abs", sink=lambda text: 0)
    net = make_net(max_epochs=30, callbacks=[("stop", stopping)], callbacks__stop__patience=4)
    clf, _, _ = fit_with_validation(net, early_stopping=True)
    assert len(clf.history_) == 5


def test_the_users_early_stopping_without_validation_rows_says_what_to_do():
    X, y = three_classes()
    net = make_net(callbacks=[EarlyStopping(patience=2)])
    with pytest.raises(ValueError, match=r"EarlyStopping.*`X_val`"):
        fit_proba(X, y, student=net, early_stopping=False)


def test_the_users_learning_rate_schedule_is_followed():
    X, y = three_classes()
    schedule = LRScheduler("StepLR", step_size=1, gamma=0.5)
    net = make_net(lr=0.8, max_epochs=4, batch_size=-1, callbacks=[schedule, Watcher()])
    SEEN.clear()
    fit_proba(X, y, student=net)
    assert [rate for _, rate, _ in SEEN] == pytest.approx([0.8, 0.4, 0.2, 0.1])


# --- history, early stopping, time, warm start ---


def test_history_is_the_documented_class():
    clf, _, _ = fit_with_validation(SMALL_STUDENT)
    assert isinstance(clf.history_, History)
    np.testing.assert_array_equal(clf.history_[:, "train_loss"], column(clf, "train_loss"))


@pytest.mark.parametrize("student", [SMALL_STUDENT, make_net(), make_net(callbacks="disable")])
def test_history_has_a_row_an_epoch(student):
    clf, _, _ = fit_with_validation(student)
    assert [row["epoch"] for row in clf.history_] == list(range(1, len(clf.history_) + 1))
    for row in clf.history_:
        assert np.isfinite(row["train_loss"])
        assert np.isfinite(row["valid_loss"])
        assert row["batches"] == []


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_last_valid_loss_is_the_log_loss_of_the_student(scale):
    """With weights as well, over several batches."""
    X, y = three_classes(300)
    weight = scale * np.where(np.arange(100) < 50, 0.01, 5.0)
    given = {"X_val": X[200:], "y_val": y[200:], "sample_weight_val": weight}
    clf = make_clf(make_net()).fit(X[:200], y[:200], soft_targets=make_soft(X[:200]), **given)
    direct = log_loss(y[200:], clf.predict_proba(X[200:]), sample_weight=weight)
    assert clf.history_[-1]["valid_loss"] == pytest.approx(direct, rel=1e-4)


def test_given_validation_rows_replace_the_split():
    X, y = three_classes(300)
    plain = make_clf(make_net(), alpha=0.5).fit(X[:200], y[:200], soft_targets=make_soft(X[:200]))
    clf, X_val, y_val = fit_with_validation(make_net())
    np.testing.assert_array_equal(clf.predict_proba(X), plain.predict_proba(X))
    assert clf.history_[-1]["valid_loss"] == pytest.approx(
        log_loss(y_val, clf.predict_proba(X_val)), rel=1e-4
    )
    assert "valid_loss" not in plain.history_[-1]


@pytest.mark.parametrize("lr", [1.0, 1e-5])
def test_early_stopping_restores_the_best_epoch(lr):
    """With a large rate the loss jumps about; with a small one it creeps down."""
    net = make_net(lr=lr, max_epochs=30, optimizer__momentum=0.9)
    clf, X, y = fit_with_validation(net, early_stopping=True)
    losses = column(clf, "valid_loss")
    assert len(set(losses)) > 5
    direct = log_loss(y, clf.predict_proba(X).astype(np.float64))
    assert direct == pytest.approx(min(losses), rel=5e-6)
    if lr == 1.0:
        assert min(losses) < 0.99 * losses[-1]


def test_early_stopping_ends_training_when_the_loss_stalls():
    net = make_net(lr=3.0, max_epochs=200, optimizer__momentum=0.9)
    clf, _, _ = fit_with_validation(net, early_stopping=True)
    losses = column(clf, "valid_loss")
    assert len(losses) < 200
    assert int(np.argmin(losses)) + 1 + 50 == len(losses)  # patience is a quarter of the epochs


@pytest.mark.parametrize("name", ["early_stopping", "calibrate"])
def test_numpy_false_is_false(name):
    X, y = three_classes(300)

    def proba(value):
        clf = make_clf(make_net(lr=1.0), **{name: value})
        clf.fit(X[:200], y[:200], soft_targets=make_soft(X[:200]), X_val=X[200:], y_val=y[200:])
        return clf.predict_proba(X)

    assert np.abs(proba(True) - proba(False)).max() > 1e-4
    np.testing.assert_array_equal(proba(np.False_), proba(False))
    np.testing.assert_array_equal(proba(np.True_), proba(True))


def test_max_time_warns_and_returns_a_usable_student():
    X, _ = three_classes()
    y = make_soft(X).argmax(axis=1)
    clf = make_clf(make_net(max_epochs=10**6), early_stopping=True, max_time=0.5)
    start = time.monotonic()
    with pytest.warns(UserWarning, match="`max_time` ended the training in epoch .* of 1000000"):
        clf.fit(X, y, soft_targets=make_soft(X))
    assert time.monotonic() - start < 5
    assert accuracy_score(y, clf.predict(X)) > 0.8
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1)


def test_max_time_leaves_whole_epochs_in_the_history():
    X, y = three_classes()
    net = make_net(max_epochs=10**6, batch_size=2)
    clf = make_clf(net, early_stopping=True, max_time=0.3)
    with pytest.warns(UserWarning, match="max_time"):
        clf.fit(X, y, soft_targets=make_soft(X))
    assert np.isfinite(column(clf, "train_loss") + column(clf, "valid_loss")).all()


def test_no_time_limit_no_warning():
    X, y = three_classes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        limited = fit_proba(X, y, max_time=600.0)
    np.testing.assert_array_equal(limited, fit_proba(X, y))


def test_warm_start_goes_on_from_the_weights():
    X, y = three_classes()
    soft = make_soft(X)
    net = make_net(lr=0.02, max_epochs=10, batch_size=-1)
    clf = make_clf(net, warm_start=True, encoder="passthrough")
    first = clf.fit(X, y, soft_targets=soft).predict_proba(X)
    clf.set_params(student__lr=0.0).fit(X, y, soft_targets=soft)
    np.testing.assert_array_equal(clf.predict_proba(X), first)  # rate 0: as it was
    clf.set_params(student__lr=0.02).fit(X, y, soft_targets=soft)
    # Plain gradient descent on all rows: 10 and 10 epochs are 20.
    whole = make_clf(clone(net).set_params(max_epochs=20), encoder="passthrough")
    whole.fit(X, y, soft_targets=soft)
    np.testing.assert_allclose(clf.predict_proba(X), whole.predict_proba(X), atol=1e-5)
    assert np.abs(first - whole.predict_proba(X)).max() > 1e-2


@pytest.mark.parametrize(("before", "after"), [(200, 6_000), (6_000, 200)])
def test_going_on_with_more_or_fewer_rows_keeps_the_layers(before, after):
    """By themselves, so many rows would take another net."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6_000, 4)).astype(np.float32)
    y = (X[:, 0] > 0).astype(int)
    clf = DistilledClassifier(
        LogisticRegression(),
        MLPStudent(n_steps=20),
        transfer=None,
        warm_start=True,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clf.fit(X[:before], y[:before])
        sizes = clf.student_.get_params()["module__hidden_layer_sizes"]
        assert sizes == MLPStudent().for_rows(before).hidden_layer_sizes
        assert sizes != MLPStudent().for_rows(after).hidden_layer_sizes
        clf.fit(X[:after], y[:after])
    assert clf.student_.get_params()["module__hidden_layer_sizes"] == sizes
    assert clf.predict_proba(X).shape == (6_000, 2)


def test_without_warm_start_a_second_fit_is_the_first():
    X, y = three_classes()
    clf = make_clf(make_net())
    first = clf.fit(X, y, soft_targets=make_soft(X)).predict_proba(X)
    np.testing.assert_array_equal(clf.fit(X, y, soft_targets=make_soft(X)).predict_proba(X), first)


def test_warm_start_keeps_teacher_encoder_and_classes():
    X, y = three_classes()
    clf = make_clf(teacher=LogisticRegression(), warm_start=True).fit(X, y)
    teacher, encoder, classes = clf.teacher_, clf.encoder_, clf.classes_
    coefficients = teacher.estimators_[0].coef_.copy()
    clf.fit(X[y > 0] * 3, y[y > 0])
    assert clf.teacher_ is teacher
    assert clf.encoder_ is encoder
    np.testing.assert_array_equal(clf.classes_, classes)
    np.testing.assert_array_equal(teacher.estimators_[0].coef_, coefficients)
    with pytest.raises(ValueError, match=r"`y` has labels .*7.* not in classes_"):
        clf.fit(X, np.where(y == 2, 7, y))


@pytest.mark.parametrize("epochs", [1, 5])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_student_that_diverges_raises_and_names_the_epoch(epochs, early_stopping):
    """With one step in all, only the weights show it."""
    X, y = three_classes()
    net = make_net(lr=1e38, max_epochs=epochs, batch_size=-1)
    with pytest.raises(ValueError, match=r"diverged in epoch [12].*learning rate.*`student__lr`"):
        fit_proba(X, y, student=net, early_stopping=early_stopping)


# --- repeatability, global generators, threads ---


@pytest.mark.parametrize("student", [SMALL_STUDENT, Plain, WithDropout, make_net(WithDropout)])
def test_random_state_decides_the_student(student):
    X, y = three_classes()
    params = {"student": student, "early_stopping": True}
    first = fit_proba(X, y, **params, random_state=3)
    torch.rand(5)
    np.random.rand(5)
    np.testing.assert_array_equal(fit_proba(X, y, **params, random_state=3), first)
    assert np.abs(fit_proba(X, y, **params, random_state=4) - first).max() > 1e-3


def test_dropout_is_on_in_training_and_off_in_prediction():
    X, y = three_classes()
    module = instance(WithDropout)
    plain = instance()
    plain.load_state_dict(module.state_dict())
    dropped = make_clf(make_net(module)).fit(X, y, soft_targets=make_soft(X))
    assert np.abs(dropped.predict_proba(X) - fit_proba(X, y, student=make_net(plain))).max() > 1e-3
    np.testing.assert_array_equal(dropped.predict_proba(X), dropped.predict_proba(X))


@pytest.mark.parametrize("student", [SMALL_STUDENT, WithDropout])
def test_global_generators_are_untouched(student):
    X, y = three_classes()
    torch.manual_seed(123)
    np.random.seed(123)
    torch_state = torch.random.get_rng_state()
    numpy_state = np.random.get_state()
    clf = make_clf(student, early_stopping=True).fit(X, y, soft_targets=make_soft(X))
    clf.predict_proba(X)
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    now = np.random.get_state()
    np.testing.assert_array_equal(now[1], numpy_state[1])
    assert now[2:] == numpy_state[2:]


@pytest.mark.parametrize(
    "students", [[SMALL_STUDENT], [WithDropout], [SMALL_STUDENT, WithDropout, Sized]]
)
def test_threads_give_the_same_students(students):
    X, y = three_classes()
    soft = make_soft(X)
    tasks = [(student, seed) for seed in range(2) for student in students]

    def fit(student, seed):
        clf = make_clf(student, random_state=seed, early_stopping=True)
        return clf.fit(X, y, soft_targets=soft).predict_proba(X)

    state = torch.random.get_rng_state()
    alone = [fit(*task) for task in tasks]
    together = joblib.Parallel(n_jobs=4, backend="threading")(
        joblib.delayed(fit)(*task) for task in tasks
    )
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)
    assert torch.equal(torch.random.get_rng_state(), state)


# --- prediction and persistence ---


@pytest.mark.parametrize(
    "student",
    [SMALL_STUDENT, Sized, make_net(Probabilities, module__width=6, criterion=nn.NLLLoss)],
    ids=["recipe", "class", "softmax"],
)
def test_the_fitted_net_predicts_the_same_by_itself(student):
    X, y = three_classes()
    clf = make_clf(student, encoder="passthrough").fit(X, y, soft_targets=make_soft(X))
    np.testing.assert_allclose(clf.student_.predict_proba(X), clf.predict_proba(X), atol=1e-5)
    np.testing.assert_array_equal(clf.classes_[clf.student_.predict(X)], clf.predict(X))


def by_joblib(clf):
    file = io.BytesIO()
    joblib.dump(clf, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize(
    "student", [SMALL_STUDENT, Sized, make_net(instance()), make_net(WithDropout)]
)
@pytest.mark.parametrize(
    "copied", [lambda clf: pickle.loads(pickle.dumps(clf)), by_joblib, copy.deepcopy]
)
def test_round_trips(student, copied):
    X, y = three_classes()
    clf = make_clf(student, early_stopping=True).fit(X, y, soft_targets=make_soft(X))
    again = copied(clf)
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    assert again.history_ == clf.history_
    again.fit(X, y, soft_targets=make_soft(X))
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


def test_the_fitted_student_keeps_no_training_rows():
    sizes = []
    for n in (100, 1000):
        X, y = three_classes(n)
        clf = make_clf(SMALL_STUDENT, early_stopping=True).fit(X, y, soft_targets=make_soft(X))
        sizes.append(len(pickle.dumps(clf.student_)))
    assert abs(sizes[1] - sizes[0]) < 2000


def test_tiny_data_trains_in_under_a_second():
    X, y = three_classes(30)
    fit_proba(X, y, student=None)
    start = time.perf_counter()
    fit_proba(X, y, student=None)
    assert time.perf_counter() - start < 1


# --- batches ---


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [1, 7, 10, 64, 1000, -1])
@pytest.mark.parametrize("n_rows", [1, 10, 101])
def test_batches_cover_every_row_once_and_are_of_one_size(n_rows, batch_size, shuffle):
    numbers = np.arange(n_rows)
    rows = Rows.from_arrays(
        numbers[:, None].astype(np.float32), {"label": numbers, "weight": numbers + 1.0}, True
    )
    generator = torch.Generator().manual_seed(0)
    batches = BatchIterator(rows, batch_size, shuffle, generator)
    orders = []
    for _ in range(2):
        epoch = list(batches)
        assert len(epoch) == len(batches) == n_batches(n_rows, batch_size)
        sizes = [len(inputs) for inputs, _ in epoch]
        assert max(sizes) - min(sizes) <= 1
        for inputs, target in epoch:
            np.testing.assert_array_equal(inputs[:, 0], target["label"])
            weight = (inputs[:, 0] + 1) / (n_rows + 1) * 2  # the mean is 1
            np.testing.assert_allclose(target["weight"], weight, rtol=1e-6)
        orders.append(torch.cat([target["label"] for _, target in epoch]).tolist())
        assert sorted(orders[-1]) == numbers.tolist()
    if n_rows == 101:
        assert (orders[0] == numbers.tolist()) == (not shuffle)
        assert (orders[0] == orders[1]) == (not shuffle)


def test_number_of_batches_is_the_nearest():
    assert [n_batches(100, size) for size in (-1, 1, 30, 40, 70, 100, 999)] == [
        1,
        100,
        3,
        2,
        1,
        1,
        1,
    ]


# --- the MLP ---


def one_hot(codes, cardinalities):
    """Indicator columns of the codes 1, 2, ...: the unknown code 0 has none."""
    return np.hstack(
        [codes[:, [i]] == np.arange(1, size) for i, size in enumerate(cardinalities)]
    ).astype(np.float32)


@pytest.mark.parametrize("n_numbers", [0, 3])
def test_mlp_is_a_linear_layer_on_indicator_columns(n_numbers):
    cardinalities = (4, 3, 6)
    torch.manual_seed(0)
    mlp = MLP(n_numbers + 3, 2, cardinalities, hidden_layer_sizes=(5, 4))
    with torch.no_grad():
        mlp.categories.table.weight[1:].normal_()  # "missing" too
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(50, n_numbers)).astype(np.float32)
    codes = np.column_stack([rng.integers(0, size, 50) for size in cardinalities])
    table = mlp.categories.table.weight.detach().numpy()[1:]
    assert len(table) == sum(size - 1 for size in cardinalities)
    hidden = one_hot(codes, cardinalities) @ table
    if n_numbers:
        hidden += numbers @ mlp.first.weight.detach().numpy().T + mlp.first.bias.detach().numpy()
    for layer in mlp.layers:
        weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        hidden = np.maximum(hidden, 0) @ weight.T + bias
    inputs = torch.from_numpy(np.hstack([numbers, codes]).astype(np.float32))
    np.testing.assert_allclose(mlp(inputs).detach(), hidden, atol=1e-5)


def test_mlp_unknown_code_adds_nothing_and_is_never_trained():
    torch.manual_seed(0)
    mlp = MLP(3, 2, (4, 3), hidden_layer_sizes=(5,))
    X = torch.tensor([[0.7, 0.0, 0.0], [0.7, 0.0, 2.0]])
    alone = MLP(1, 2, hidden_layer_sizes=(5,))
    alone.load_state_dict({k: v for k, v in mlp.state_dict().items() if "categories" not in k})
    torch.testing.assert_close(mlp(X)[0], alone(X[:1, :1])[0])
    assert not torch.equal(mlp(X)[0], mlp(X)[1])
    optimizer = torch.optim.AdamW(mlp.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        mlp(X).sum().backward()
        optimizer.step()
    assert (mlp.categories.table.weight[0] == 0).all()


def test_mlp_missing_is_as_unknown_until_it_is_seen():
    torch.manual_seed(0)
    mlp = MLP(3, 2, (4, 3))
    X = torch.tensor([[0.7, 0.0, 0.0], [0.7, 1.0, 1.0]])
    torch.testing.assert_close(mlp(X)[0], mlp(X)[1])


def test_mlp_does_not_change_its_input():
    X = torch.randn(4, 3)
    before = X.clone()
    MLP(3, 2)(X)
    assert torch.equal(X, before)


@pytest.mark.parametrize("n_steps", [1, 2, 9, 10, 11, 20])
def test_any_number_of_steps_has_a_schedule(n_steps):
    X = np.random.RandomState(0).normal(size=(160, 2))
    y = (X[:, 0] > 0).astype(int)
    recipe = MLPStudent((4,), n_steps=n_steps, batch_size=16)
    clf = DistilledClassifier(LogisticRegression(), recipe, transfer=None, random_state=0)
    assert clf.fit(X, y).history_[-1, "train_batch_count"] == 10
