"""The bars of the default arguments on all sets, each with its figure and whether it holds."""

import numpy as np
from _fidelity_comparison import Comparison, joined
from _fidelity_older_bars import older_bars

# A set with fewer training rows has a bar of its own, as its figures spread more.
FEW_ROWS = 1000


def all_bars(results):
    """Every bar of the table, in its order."""
    return [
        *retained(results),
        *against_teacher(results),
        *against_catboost(results),
        *against_realmlp(results),
        *older_bars(results),
    ]


def retained(results):
    """What the student keeps of the teacher's gain, and that it is never far above both."""
    by_set = Comparison(results, ("default", "teacher", "control"))
    loss, teacher = by_set("default", "log_loss"), by_set("teacher", "log_loss")
    control = by_set("control", "log_loss")
    worth = by_set.is_worth_it()
    shares = (control - loss)[worth] / (control - teacher)[worth]
    names = np.array(by_set.sets)[worth]
    share, least, where = None, None, "no set where the teacher clearly beats the control"
    if len(names):
        share, least, where = float(shares.mean()), float(shares.min()), names[shares.argmin()]
    note = ", ".join(f"{name} {one:.2f}" for name, one in zip(names, shares, strict=True))
    what = "retained gain in log loss, where the teacher clearly beats the control"
    return [
        by_set.bar(f"{what}: mean", share, ">=", 1.0, note),
        by_set.bar(f"{what}: each of them", least, ">=", 0.8, where),
        *(
            by_set.bar(f"log loss / min(teacher, control), worst set of {size}", *worst)
            for size, worst in above_both(by_set, loss / np.minimum(teacher, control))
        ),
    ]


def above_both(by_set, ratio):
    """Of large and of small sets: which they are, and the figure, sense, bar and note."""
    is_small = by_set("teacher", "n_rows") < FEW_ROWS
    for size, among, bar in [
        ("1,000 rows or more", ~is_small, 1.02),
        ("fewer rows", is_small, 1.05),
    ]:
        highest, where = by_set.worst(ratio, among)
        yield size, (highest, "<=", bar, where)


def against_teacher(results):
    by_set = Comparison(results, ("default", "teacher"))
    gain = by_set("default", "accuracy") - by_set("teacher", "accuracy")
    ratio = by_set("default", "log_loss") / by_set("teacher", "log_loss")
    return [
        by_set.bar("accuracy - teacher's, mean over sets", by_set.mean(gain), ">=", 0.003),
        by_set.bar("log loss / teacher's, mean over sets", by_set.mean(ratio), "<=", 0.75),
    ]


def against_catboost(results):
    """The student beside CatBoost's defaults, which may be one of its teachers."""
    what = "log loss / CatBoost's, CatBoost among the teachers"
    by_set, ratio = ratio_to(results, "default-with-catboost", "catboost")
    highest, where = by_set.worst(ratio)
    return [
        geometric_mean_bar(results, "default", "catboost", "log loss / CatBoost's", 0.97),
        geometric_mean_bar(results, "default-with-catboost", "catboost", what, 0.95),
        by_set.bar(f"{what}: largest of a set", highest, "<=", 1.03, where),
    ]


def against_realmlp(results):
    return [geometric_mean_bar(results, "default", "realmlp", "log loss / RealMLP's", 0.65)]


def geometric_mean_bar(results, method, other, what, bar):
    by_set, ratio = ratio_to(results, method, other)
    highest, where = by_set.worst(ratio)
    note = f"largest {highest:.3f}, {where}" if by_set else ""
    figure = by_set.geometric_mean(ratio)
    return by_set.bar(f"{what}: geometric mean over sets", figure, "<=", bar, joined(note))


def ratio_to(results, method, other):
    """The comparison, and the quotient of the log losses by set."""
    by_set = Comparison(results, (method, other))
    return by_set, by_set(method, "log_loss") / by_set(other, "log_loss")
