"""What models answered on the rows of a report, and what is measured of it."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from skdistill._utils.types import FloatArray, IntArray
from skdistill.inspection._bootstrap import Measured, Resampling, row_losses, row_means, score
from skdistill.inspection._models import PREVIOUS, STUDENT, TEACHER
from skdistill.metrics import largest_probability_gap
from skdistill.metrics._churn import row_variations
from skdistill.metrics._probabilities import TINY, row_divergences


class Part(NamedTuple):
    """Answers that a report shows apart.

    Attributes
    ----------
    name : str
        Of the part of the report.
    column, level : str
    answers : Answers
    """

    name: str
    column: str
    level: str
    answers: "Answers"


class Answers:
    """What models answered, and what is measured of it; there is a class a kind of target.

    Attributes
    ----------
    weight : ndarray of shape (n_rows,)
    by_model : dict of str to ndarray of shape (n_rows, n_outputs)
    """

    # Metrics that decide, the lower the better, and their names; the first is that of segments.
    losses: ClassVar[dict[str, str]]
    # The plot that stands with the scores.
    plot: ClassVar[str]
    weight: FloatArray

    def __len__(self) -> int:
        return len(self.weight)

    @property
    def by_model(self) -> dict[str, FloatArray]:
        """The answers by the name of the model."""
        raise NotImplementedError

    @property
    def summary(self) -> str:
        """What the report is about, in a few words."""
        raise NotImplementedError

    def loss(self, metric: str, value: Any) -> Any:
        """A metric's value, or its resamples, as a loss."""
        return value

    def score(self, model: str, resampling: Resampling) -> Measured:
        """All scores of a model, with what is to be known of them."""
        raise NotImplementedError

    def score_part(self, model: str, resampling: Resampling) -> Measured:
        """Those scores of a model that are shown of a part of the rows."""
        raise NotImplementedError

    def take(self, where: IntArray) -> Self:
        """The answers for some rows."""
        raise NotImplementedError

    def nearness(self, model: str, resampling: Resampling) -> Measured:
        """How near a model is to the teacher."""
        raise NotImplementedError

    def tolerance(self) -> FloatArray | None:
        """How far each number may move from the previous student's and be the same; or None."""
        raise NotImplementedError

    def changes(self, resampling: Resampling, tolerance: FloatArray | None) -> Measured:
        """How far the student's answers are from those of the previous one."""
        raise NotImplementedError

    def plotted(self, model: str) -> FloatArray:
        """What a plot of fidelity shows of a model."""
        raise NotImplementedError

    def parts(self) -> list[Part]:
        """Answers to show apart, beside the rows that the user asks for."""
        raise NotImplementedError

    def as_dict(self) -> dict[str, Any]:
        """What JSON tells of the target."""
        raise NotImplementedError


@dataclass
class ClassAnswers(Answers):
    """Probabilities of classes.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
    labels : ndarray of int of shape (n_rows,)
        Column of the true class.
    weight : ndarray of shape (n_rows,)
    probabilities : dict of str to ndarray of shape (n_rows, n_classes)
    hit : str, default="accuracy"
        What the share of right answers is called on these rows.
    """

    classes: np.ndarray
    labels: IntArray
    weight: FloatArray
    probabilities: dict[str, FloatArray]
    hit: str = "accuracy"

    losses = {"log_loss": "log loss", "accuracy": "errors"}  # noqa: RUF012 - no field
    plot = "reliability"

    @property
    def by_model(self) -> dict[str, FloatArray]:
        """The probabilities; see the base."""
        return self.probabilities

    @property
    def summary(self) -> str:
        """Rows and classes; see the base."""
        return f"{len(self):,} rows, {len(self.classes)} classes"

    def loss(self, metric: str, value: Any) -> Any:
        """Errors stand for accuracy; see the base."""
        return 1 - value if metric == "accuracy" else value

    def score(self, model: str, resampling: Resampling) -> Measured:
        """Accuracy, log loss, Brier score, calibration error, AUC; see the base."""
        found = score(self.labels, self.probabilities[model], self.weight, resampling)
        found.notes |= self._note_zeros(model)
        return found

    def score_part(self, model: str, resampling: Resampling) -> Measured:
        """Accuracy and log loss; see the base."""
        columns = row_losses(self.labels, self.probabilities[model])
        return row_means(columns, self.weight, resampling).named({"accuracy": self.hit})

    def take(self, where: IntArray) -> Self:
        """The answers for some rows; see the base."""
        answers = {name: p[where] for name, p in self.probabilities.items()}
        labels, weight = self.labels[where], self.weight[where]
        return replace(self, labels=labels, weight=weight, probabilities=answers)

    def nearness(self, model: str, resampling: Resampling) -> Measured:
        """Agreement, divergence, and the largest gap; see the base."""
        p, teacher = self.probabilities[model], self.probabilities[TEACHER]
        columns = {
            "agreement": (p.argmax(axis=1) == teacher.argmax(axis=1)) * 1.0,
            "kl_divergence": row_divergences(teacher, p),
        }
        found = row_means(columns, self.weight, resampling)
        found.add("largest_probability_gap", largest_probability_gap(teacher, p))
        return found

    def tolerance(self) -> None:
        """None: any other class is a flip; see the base."""

    def changes(self, resampling: Resampling, tolerance: FloatArray | None) -> Measured:
        """Flip rate and total variation; see the base."""
        p, q = self.probabilities[PREVIOUS], self.probabilities[STUDENT]
        columns = {
            "churn": (p.argmax(axis=1) != q.argmax(axis=1)) * 1.0,
            "total_variation": row_variations(p, q),
        }
        return row_means(columns, self.weight, resampling)

    def plotted(self, model: str) -> FloatArray:
        """Probabilities; see the base."""
        return self.probabilities[model]

    def parts(self) -> list[Part]:
        """The rows of each class; see the base."""
        told = replace(self, hit="recall")
        return [
            Part("classes", "class", str(label), told.take(np.flatnonzero(self.labels == code)))
            for code, label in enumerate(self.classes.tolist())
        ]

    def as_dict(self) -> dict[str, Any]:
        """The classes; see the base."""
        return {"classes": self.classes.tolist()}

    def _note_zeros(self, model: str) -> dict[str, str]:
        """Rows of which a model excludes the truth cost 36 each, and so can be most of its loss."""
        p, rows = self.probabilities[model], np.arange(len(self))
        is_zero = (p[rows, self.labels] == 0) & (self.weight > 0)
        if not is_zero.any():
            return {}
        cost = -np.log(TINY) * self.weight[is_zero].sum() / self.weight.sum()
        text = (
            f"The {model} gives the true class exactly 0 on {is_zero.sum():,} of {len(self):,} "
            f"rows, which makes {cost:.4f} of its log loss"
        )
        return {"log_loss": text}
