"""What a file is worth, on rows held out, and whether that is enough."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, log_loss, r2_score, root_mean_squared_error

from skdistill._utils.types import FloatArray
from skdistill.cli._errors import BarNotMetError
from skdistill.cli._rows import Rows
from skdistill.inspection import DistillationReport
from skdistill.serving import Scorer

# Bars that choose the size: the column of the ladder, and the file that comes nearest.
_LADDER_BARS = {
    "max_latency_us": ("us_one_row_q75", "fastest"),
    "max_bytes": ("bytes", "smallest"),
    "max_loss": ("loss", "best"),
}


def figures_of(file: bytes, teacher: Any, test: Rows, columns: list[str]) -> dict[str, Any]:
    """What a file and its teacher say of rows held out.

    Parameters
    ----------
    file : bytes
    teacher : TeacherPool or RegressorPool
        Fitted.
    test : Rows
    columns : list of str
        Those that the student reads.

    Returns
    -------
    dict of str to float
        Of classes: "accuracy", "log_loss" and "agreement", the share of rows with the teacher's
        label. Of numbers: "rmse", "r2" and "agreement", the R2 of the student's numbers against
        the teacher's. Each but the last of the teacher, too, after "teacher_". Rows count by
        their weights.
    """
    scorer, X = Scorer(file), test.X[columns]
    if not hasattr(scorer, "classes_"):
        return _of_numbers(scorer.predict(X), teacher.predict(test.X), test)
    told, expected = scorer.predict(X), teacher.predict(test.X)
    return {
        **_of_classes(test, scorer.classes_, scorer.predict_proba(X), told, ""),
        **_of_classes(test, teacher.classes_, teacher.predict_proba(test.X), expected, "teacher_"),
        "agreement": float(accuracy_score(expected, told, sample_weight=test.weight)),
    }


def _of_classes(
    test: Rows, classes: np.ndarray, p: FloatArray, labels: np.ndarray, before: str
) -> dict[str, float]:
    weight = {"sample_weight": test.weight}
    p = np.clip(np.asarray(p, dtype=np.float64), np.finfo(np.float32).tiny, None)
    loss = log_loss(test.y, p / p.sum(axis=1, keepdims=True), labels=classes, **weight)
    accuracy = accuracy_score(test.y, labels, **weight)
    return {f"{before}accuracy": float(accuracy), f"{before}log_loss": float(loss)}


def _of_numbers(found: FloatArray, expected: FloatArray, test: Rows) -> dict[str, float]:
    y, weight = test.y, {"sample_weight": test.weight}
    return {
        "rmse": float(root_mean_squared_error(y, found, **weight)),
        "r2": float(r2_score(y, found, **weight)),
        "teacher_rmse": float(root_mean_squared_error(y, expected, **weight)),
        "teacher_r2": float(r2_score(y, expected, **weight)),
        "agreement": float(r2_score(expected, found, **weight)),
    }


def gain_of(report: DistillationReport) -> dict[str, Any]:
    """What a report says in short: the share of the teacher's lead that is kept, and the verdict.

    Parameters
    ----------
    report : DistillationReport

    Returns
    -------
    dict of str to object
        "retained_gain", in log loss, RMSE or CRPS, NaN where the teacher has no clear lead;
        "verdict" and "verdict_summary", which is one line, and "retained_gain_note" where there
        is something to know.
    """
    numbers = report.to_frame()
    share, note = numbers.loc[numbers["part"] == "retained gain", ["value", "note"]].iloc[0]
    told = {"retained_gain": float(share), "verdict": report.verdict.answer}
    told["verdict_summary"] = words_of_verdict(report)
    return {**told, "retained_gain_note": note} if note else told


def words_of_verdict(report: DistillationReport) -> str:
    """The verdict of a report and what it rests on, in one line."""
    verdict = report.verdict
    told = " ".join([f"{verdict.answer}.", *verdict.summary])
    return f"{told} The control is the same student, trained without the teacher."


def words_of_ladder(ladder: pd.DataFrame, given: dict[str, Any]) -> str:
    """Which bars chose the size in vain, and how near the files of all sizes come to each.

    Parameters
    ----------
    ladder : DataFrame
        Of a :class:`~skdistill.ladder.BudgetNotMetError`.
    given : dict of str to object
        The bars, and other options.

    Returns
    -------
    str
    """
    told = [
        f"--{name.replace('_', '-')} {given[name]:g}: the {word} of {len(ladder)} files has "
        f"{ladder[column].min():.4g}"
        for name, (column, word) in _LADDER_BARS.items()
        if given[name] is not None
    ]
    one = "" if len(told) == 1 else "No file meets all of these. "
    return f"{'; '.join(told)}. {one}Give a higher bar. No student was written."


@dataclass(frozen=True)
class Bars:
    """What a student must reach on the rows held out.

    Attributes
    ----------
    max_bytes : int or None
    min_agreement, min_retained : float or None
    """

    max_bytes: int | None
    min_agreement: float | None
    min_retained: float | None

    def check(self, figures: dict[str, Any]) -> None:
        """Raise a BarNotMetError that names each bar that is not met, and by how much.

        Parameters
        ----------
        figures : dict of str to float
            "bytes", "agreement" and, where it is asked for, "retained_gain".
        """
        missed = []
        # A share that is not a number is not met either.
        for option, name in (("agreement", "agreement"), ("retained", "retained_gain")):
            bar = getattr(self, f"min_{option}")
            if bar is not None and not figures[name] >= bar:
                missed.append(f"--min-{option} {bar:g}: it is {figures[name]:.4g}")
        if self.max_bytes is not None and figures["bytes"] > self.max_bytes:
            missed.append(
                f"--max-bytes {self.max_bytes}: with all it says, it has {figures['bytes']}"
            )
        note = figures.get("retained_gain_note")
        if missed:
            why = f" ({note})" if note else ""
            raise BarNotMetError(f"{'; '.join(missed)}{why}. No student was written.")
