"""A cohort in one fit: trained side by side, and judged one by one."""

from typing import Any, TypeVar

import numpy as np

from skdistill._fit.inputs import Arguments, check_containers
from skdistill._fit.run import Run
from skdistill._utils.types import FloatArray, Table
from skdistill._utils.warn import naming
from skdistill.classifier import DistilledClassifier
from skdistill.student import FittedStudent, encode

Fitted = TypeVar("Fitted", bound=DistilledClassifier)


class CohortFit(DistilledClassifier):
    """A fit whose student is a whole cohort.

    Attributes
    ----------
    losses_ : ndarray of shape (n_students,) or None
        Log loss of each on the rows held out, at its own temperature where it is calibrated.
    temperatures_ : ndarray of shape (n_students,)
        Of each; 1 where no rows are held out.
    """

    def _keep(self, outcome: Any, run: Run) -> None:
        super()._keep(outcome, run)
        trial, n_students = outcome.trial, self.student.n_students
        self.losses_, self.temperatures_ = None, np.ones(n_students)
        if trial.validation is None:
            return
        rows, fittings = trial.judges, trial.fittings
        told = np.concatenate([_each(one.student, one.judges.X) for one in fittings])
        if self.calibrate:
            calibrated = [
                run.task.calibrate(told[:, k], rows.labels, rows.weight) for k in range(n_students)
            ]
            self.temperatures_ = np.array(calibrated)
        told = told / self.temperatures_[:, None]
        self.losses_ = np.array(
            [
                np.average(run.task.row_losses(told[:, k], rows.labels), weights=rows.weight)
                for k in range(n_students)
            ]
        )

    def each(self, X: Table) -> FloatArray:
        """Logits of each student, of shape (n_samples, n_students, n_classes)."""
        return _each(self._student, self._check_X(X))


def fit_on_labels(distiller: Fitted, X: Table, y: Any, name: str, **rows: Any) -> Fitted:
    """Fit on the labels alone, without a teacher.

    Parameters
    ----------
    distiller : DistilledClassifier
        With no `teacher` and ``alpha=1``; fitted in place.
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    name : str
        The class that warnings begin with.
    **rows : dict
        Other arguments of the fit.

    Returns
    -------
    DistilledClassifier
    """
    with naming(name):
        given = check_containers(Arguments.of(X, y, {}))
        distiller._check_X(given.X, reset=True)
        labels = distiller._kind.check_target(y, given.X)
        if labels is None:
            raise ValueError(f"{name} requires y to be passed, but the target y is None.")
        known, codes = np.unique(labels, return_inverse=True)
        # They stand for a teacher, and nothing learns from them.
        certain = np.eye(len(known), dtype=np.float32)[codes]
        return distiller.fit(X, labels, soft_targets=certain, **rows)


def _each(student: FittedStudent, X: Table) -> FloatArray:
    module: Any = student.module
    layer = FittedStudent(_Each(student.net), student.encoder, False)
    told = layer.raw_outputs(encode(student.encoder, X))
    return told.reshape(len(told), module.n_students, -1).astype(np.float64)


class _Each:
    """A net that answers with the logits of all students."""

    def __init__(self, net: Any):
        self.device, self._module = net.device, net.module_

    def module_(self, X: Any) -> Any:
        return self._module.each(X).flatten(1)
