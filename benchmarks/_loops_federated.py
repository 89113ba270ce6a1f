"""Teachers whose rows never meet, and one student of their votes on public rows."""

import numpy as np
from _knowledge import Form, figures, with_error
from _report import print_table
from datasets import load_split
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import StratifiedKFold, train_test_split

from skdistill import DistilledClassifier, MLPStudent, TeacherPool

SITUATIONS = ("letter 20 shards",)
N_SHARDS = 20
# Rows without labels that all may see.
PUBLIC = 4000


def run(situation, seed):
    """A model a shard, their mean, a student of it, and the models that nobody may have."""
    X, X_test, y, y_test = load_split("letter", seed)
    X, X_public, y, _ = train_test_split(X, y, test_size=PUBLIC, stratify=y, random_state=seed)
    shards = StratifiedKFold(N_SHARDS, shuffle=True, random_state=seed).split(X, y)
    forest = RandomForestClassifier(100, random_state=seed)
    models = [
        FrozenEstimator(RandomForestClassifier(100, random_state=seed).fit(X.iloc[own], y[own]))
        for _, own in shards
    ]
    pool = TeacherPool(models).fit(X_public)
    small = MLPStudent((192, 192), n_steps=4000)
    student = DistilledClassifier(models, small, random_state=seed).fit(X_public)
    each = [figures(one, X_test, y_test) for one in models]
    mean = {name: float(np.mean([one[name] for one in each])) for name in each[0]}
    return {
        "mean shard model": mean,
        "best shard model": max(each, key=lambda one: one["accuracy"]),
        "votes of all": figures(pool, X_test, y_test),
        "student of the votes": figures(student, X_test, y_test),
        "forest of all rows": figures(forest.fit(X, y), X_test, y_test),
    }


def report(cells):
    """Log loss and accuracy."""
    found = list(cells.values())
    rows = [
        [
            method,
            with_error([cell[method]["log_loss"] for cell in found], 4).lstrip("+"),
            with_error([100 * cell[method]["accuracy"] for cell in found]).lstrip("+"),
        ]
        for method in found[0]
    ]
    print_table(["letter, 20 shards", "log loss", "accuracy %"], rows)


FEDERATED = Form("federated", "Teachers whose rows never meet", SITUATIONS, run, report)
