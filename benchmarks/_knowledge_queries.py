"""A budget of queries: what the student is worth by the number of rows that a service answers."""

import time

import numpy as np
from _knowledge import ALPHA, Form, figures, with_error
from _report import print_table
from datasets import load
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from skdistill import DistilledClassifier, Munge

# Rows of the user's own, with labels; the teacher was fitted on the others of the training part.
N_OWN = 1000
# Rows asked, those of the user's own among them.
OF_RANDOM = (1500, 2000, 3000, 5000, 8000)
OF_NEW_ALONE = (2000, 3000)
OF_ROUNDS = (2000, 3000)
BAR = 0.6
SLEEPS, SECONDS = "magic, a service that sleeps", 0.0005


class Service:
    """A teacher that counts the rows it is asked for, and may sleep for each."""

    def __init__(self, model, seconds=0.0):
        self.model, self.seconds = model, seconds
        self.classes_ = model.classes_
        self.asked = []

    def predict_proba(self, X):
        self.asked += [row.tobytes() for row in X.to_numpy()]
        time.sleep(self.seconds * len(X))
        return self.model.predict_proba(X)


def split(name, seed):
    """The user's rows, the test rows, and a forest that has seen other rows."""
    X, y = load(name)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    X, others, y, labels = train_test_split(X, y, train_size=N_OWN, stratify=y, random_state=seed)
    forest = RandomForestClassifier(300, random_state=seed, n_jobs=1).fit(others, labels)
    return X, X_test, y, y_test, forest


def student(service, seed, **params):
    """A student at a fixed alpha; all rows are learned, as there are few."""
    params = {"alpha": ALPHA, "early_stopping": False, **params}
    return DistilledClassifier(service, random_state=seed, **params)


def run(situation, seed):
    """Figures of each budget, by random rows and by rounds."""
    X, X_test, y, y_test, forest = split(situation.split(",")[0], seed)
    if situation == SLEEPS:
        return _with_sleep(X, y, forest, seed)
    alone = student(Service(forest), seed, alpha=1.0, transfer=None).fit(X, y)
    found = {
        "teacher": figures(forest, X_test, y_test),
        "control": figures(alone, X_test, y_test, forest),
    }
    by_label = (y[:, None] == forest.classes_).astype(float)
    for name, transfer, soft, budgets in (
        ("random", Munge(size=16), None, OF_RANDOM),
        ("random, own rows by label", Munge(size=16), by_label, OF_NEW_ALONE),
        ("rounds", "auto", None, OF_ROUNDS),
    ):
        for most in budgets:
            service = Service(forest)
            fitted = student(service, seed, transfer=transfer, max_queries=most)
            fitted.fit(X, y, soft_targets=soft)
            own = figures(fitted, X_test, y_test, forest)
            found[f"{name} {most}"] = own | {"asked": len(service.asked)}
    return found


def _with_sleep(X, y, forest, seed):
    """What a fit asks of a service that takes its time."""
    most, service = 2000, Service(forest, SECONDS)
    started = time.perf_counter()
    params = {"max_queries": most, "early_stopping": True}
    fitted = student(service, seed, **params).fit(X, y)
    own = {row.tobytes() for row in X.to_numpy()}
    return {
        "max_queries": most,
        "asked": len(service.asked),
        "distinct": len(set(service.asked)),
        "seconds_asleep": SECONDS * len(service.asked),
        "seconds": time.perf_counter() - started,
        "own_rows_first": sum(row in own for row in service.asked[: len(X)]) / len(X),
        "decision": fitted.decision_,
    }


def share_of_answers(cell, most, of="agreement"):
    """`most`, as a share of the random rows that it takes to be as near to the teacher."""
    budgets = [one for one in OF_RANDOM if f"random {one}" in cell]
    reached = np.maximum.accumulate([cell[f"random {one}"][of] for one in budgets])
    wanted = cell[f"rounds {most}"][of]
    if wanted > reached[-1]:
        return most / budgets[-1]
    return most / np.exp(np.interp(wanted, reached, np.log(budgets)))


def report(cells):
    """The curves, and the share of the answers that rounds take."""
    curves = {key: cell for key, cell in cells.items() if key[0] != SLEEPS}
    for situation in dict.fromkeys(name for name, _ in curves):
        own = [cell for (name, _), cell in curves.items() if name == situation]
        rows = []
        for method in own[0]:
            mean = {
                of: f"{np.mean([cell[method][of] for cell in own]):.4f}"
                for of in ("log_loss", "accuracy", "agreement")
                if of in own[0][method]
            }
            most = method.split(" ")[-1]
            share = "-"
            if method.startswith("rounds"):
                share = with_error([share_of_answers(cell, int(most)) for cell in own])
            rows.append([situation, method, *mean.values(), *["-"] * (3 - len(mean)), share])
        title = "share of the answers of random rows"
        print_table(["data", "rows asked", "log loss", "accuracy", "agreement", title], rows)
    shares = [share_of_answers(cell, most) for cell in curves.values() for most in OF_ROUNDS]
    if shares:
        print(f"All: {with_error(shares)} of the answers (bar: {BAR} at most).\n")
    for (name, seed), cell in cells.items():
        if name == SLEEPS:
            print(f"{name}, seed {seed}: {cell}\n")


QUERIES = Form("queries", "A budget of queries", ("magic", "letter", SLEEPS), run, report)
