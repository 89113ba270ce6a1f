"""A cohort that learns from one another, beside as many students that do not."""

import numpy as np
from _knowledge import ALPHA, Form, figures, print_methods, split
from sklearn.metrics import log_loss

from skdistill import Munge, MutualClassifier, SelfDistilledClassifier, StudentEnsemble

SITUATIONS = ("satimage", "letter")
N_STUDENTS, N_TRAIN = 4, 3000
# Four synthetic rows a training row: a fifth of the default, to be done in minutes.
TRANSFER = Munge(size=4)
PEERS = ("each", "pooled", "attention")
METHODS = (
    "independent: mean",
    "independent: leader",
    "independent: all, averaged",
    "independent: distilled into one",
    *(f"{peers}: {what}" for peers in PEERS for what in ("mean", "leader", "all, averaged")),
    "each: distilled into one",
)


def of_cohort(ensemble, X_test, y_test):
    """Figures of a student on the mean, of the leader on rows held out, and of all together."""
    told = np.clip(ensemble.predict_each(X_test), 1e-7, 1)
    labels = ensemble.classes_[told.argmax(axis=2)]
    each = [
        {
            "log_loss": float(log_loss(y_test, told[:, k], labels=ensemble.classes_)),
            "accuracy": float(np.mean(labels[:, k] == y_test)),
        }
        for k in range(told.shape[1])
    ]
    return {
        "mean": {name: float(np.mean([one[name] for one in each])) for name in each[0]},
        "leader": each[ensemble.leader_],
        "all, averaged": figures(ensemble, X_test, y_test),
    }


def run(situation, seed):
    """Figures of the cohorts, and of one student distilled from two of them."""
    X, X_test, y, y_test = split(situation, seed, N_TRAIN)
    found = {}
    for peers in (None, *PEERS):
        ensemble = StudentEnsemble(n_students=N_STUDENTS, peers=peers, random_state=seed)
        own = of_cohort(ensemble.fit(X, y), X_test, y_test)
        name = peers or "independent"
        found |= {f"{name}: {what}": value for what, value in own.items()}
    fixed = {"alpha": ALPHA, "cv": None, "transfer": TRANSFER, "random_state": seed}
    for name, one in {
        "independent": SelfDistilledClassifier(n_students=N_STUDENTS, **fixed),
        "each": MutualClassifier(n_students=N_STUDENTS, keep="distilled", **fixed),
    }.items():
        found[f"{name}: distilled into one"] = figures(one.fit(X, y), X_test, y_test)
    return found


def report(cells):
    """Each beside the mean of independent students."""
    print_methods(cells, METHODS, beside="independent: mean")


ONLINE = Form("online", "A cohort without a teacher", SITUATIONS, run, report)
