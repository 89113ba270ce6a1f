"""Terms that know what each of several teachers answers, and not only their mean."""

from numbers import Integral
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch.nn import functional as F

from skdistill._utils._compat import Interval
from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill.modules import heads_layer
from skdistill.objectives._objective import Batch, Objective
from skdistill.task import Task
from skdistill.teacher import check_bags


class Heads(Objective):
    r"""Teach each head of a student one teacher, or one part of a forest.

    .. math:: \frac{1}{M} \sum_m \mathrm{CE}(p_m, \mathrm{softmax}(z_m))

    with the logits :math:`z_m` of head m, and the probabilities :math:`p_m` of teacher m. Of
    one forest, bagging or vote, :math:`p_m` is the mean of its members m, m + M, m + 2 M and so on.
    The student has to be a :class:`HydraStudent`. Its answer is the mean of the heads; the response
    holds that against the pool as it does for any student.

    Parameters
    ----------
    n_heads : int, default=8
        M, that of the student.
    weight : float or "auto", default=1.0
        Factor of the term; see :class:`Objective`.
    decay : bool, default=False
        Whether the factor falls to 0 over the last third of the training. What the heads know of
        the disagreement is in this term alone, so it stays.

    References
    ----------
    .. [1] Tran et al. (2020). Hydra: Preserving Ensemble Diversity for Model Distillation.
       https://doi.org/10.48550/arXiv.2001.04694

    Examples
    --------
    >>> from skdistill import Heads, HydraStudent
    >>> student, term = HydraStudent(n_heads=4), Heads(n_heads=4)
    >>> term.student_layers
    ('heads_4',)
    """

    _parameter_constraints: ClassVar[dict] = {
        **Objective._parameter_constraints,
        "n_heads": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self, n_heads: int = 8, weight: float | Literal["auto"] = 1.0, decay: bool = False
    ):
        super().__init__(weight=weight, decay=decay)
        self.n_heads = n_heads

    @property
    def student_layers(self) -> tuple[str, ...]:  # type: ignore[override]
        """The layer of a :class:`HydraStudent` with as many heads."""
        return (heads_layer(self.n_heads),)

    def check_fit(self, teachers: list[tuple[str, Estimator]], task: Task) -> None:
        """Classes, and as many teachers or members of one; see :meth:`Objective.check_fit`."""
        _check_classes(self, task)
        _check_given(self, teachers)
        try:
            check_bags(teachers, self.n_heads)
        except ValueError as error:
            raise ValueError(f"`{self!r}`: {error}") from error

    def teacher_view(self, teacher: Any, X: Table) -> FloatArray:
        """Probabilities by bag; see :meth:`Objective.teacher_view`."""
        return teacher.predict_bags(X, self.n_heads).astype(np.float32)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Cross-entropy of the heads, on the mean; see :meth:`Objective.loss`."""
        assert batch.view is not None
        logits = batch.layers[heads_layer(self.n_heads)].unflatten(1, (self.n_heads, -1))
        return -(batch.view * torch.log_softmax(logits, dim=2)).sum(dim=2).mean(dim=1)


class RandomTeacher(Objective):
    """Hold the student against one of the teachers, drawn anew for each batch.

    The cross-entropy with the teacher drawn is, on the mean over the draws, that with the mean of
    all teachers: it has the same optimum, and more noise. The optimizers of the default student
    scale each step by the size of its gradient, and do not average that noise away: where teachers
    differ much, the student is worse than one of their mean (``make bench-knowledge``). All
    teachers count alike, whatever `teacher_weights` says.

    As the response holds the student against the pool already, give ``alpha=1`` to follow single
    teachers alone: ``DistilledClassifier(teachers, alpha=1, objectives=RandomTeacher(weight=7 /
    3))`` weighs labels and teachers as `alpha` of 0.3 does.

    The answers of each teacher for all rows are kept: they take as many times the memory of soft
    targets as there are teachers. It saves no question to a teacher.

    Parameters
    ----------
    weight : float or "auto", default=1.0
        Factor of the term; see :class:`Objective`.
    decay : bool, default=False
        Whether the factor falls to 0 over the last third of the training.

    References
    ----------
    .. [1] Fukuda et al. (2017). Efficient Knowledge Distillation from an Ensemble of Teachers.
       https://doi.org/10.21437/Interspeech.2017-614

    Examples
    --------
    >>> from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
    >>> from skdistill import DistilledClassifier, RandomTeacher
    >>> teachers = [RandomForestClassifier(), ExtraTreesClassifier()]
    >>> clf = DistilledClassifier(teachers, objectives=RandomTeacher(weight=7 / 3), alpha=1)
    """

    def check_fit(self, teachers: list[tuple[str, Estimator]], task: Task) -> None:
        """Classes, and two teachers at least; see :meth:`Objective.check_fit`."""
        _check_classes(self, task)
        _check_given(self, teachers)
        if len(teachers) < 2:
            raise ValueError(
                f"`{self!r}` needs several teachers, got one, `{teachers[0][0]}`: give a list of "
                "them, or leave the objective out."
            )

    def teacher_view(self, teacher: Any, X: Table) -> FloatArray:
        """Probabilities of each teacher; see :meth:`Objective.teacher_view`."""
        return teacher.predict_each(X).astype(np.float32)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Cross-entropy with one teacher; see :meth:`Objective.loss`."""
        assert batch.view is not None
        which = int(torch.randint(batch.view.shape[1], ()))
        return F.cross_entropy(batch.logits, batch.view[:, which], reduction="none")


def _check_classes(objective: Objective, task: Task) -> None:
    if not task.has_classes:
        raise ValueError(
            f"`{objective!r}` is for classes, and there are numbers to tell: leave it out."
        )


def _check_given(objective: Objective, teachers: list[tuple[str, Estimator]]) -> None:
    if not teachers:
        raise ValueError(
            f"`{objective!r}` asks each teacher, and `teacher` is None: give teachers in place of "
            "`soft_targets`."
        )
