"""Any fitted teacher as one that labels a block of rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from skdistill._utils.identity import identify
from skdistill._utils.named import named_parts
from skdistill._utils.types import FloatArray, Table
from skdistill.teacher import RegressorPool, TeacherPool, is_frozen, known_by

# Of half precision: an error below 0.0005.
LABEL_TYPES = {"classes": np.float16, "numbers": np.float32}


@dataclass(frozen=True)
class LabellingTeacher:
    """A pool of fitted teachers, and how its answers are stored.

    Attributes
    ----------
    pool : TeacherPool or RegressorPool
    predicts : {"classes", "numbers"}
    """

    pool: Any
    predicts: str

    def label(self, X: Table) -> FloatArray:
        """Answers as they are stored, of shape (n_rows, n_columns)."""
        if self.predicts == "classes":
            answer = self.pool.predict_proba(X)
        else:
            answer = self.pool.predict(X).reshape(len(X), -1)
        return np.asarray(answer, dtype=LABEL_TYPES[self.predicts])

    @property
    def classes(self) -> list[Any] | None:
        """What the columns stand for; None of numbers."""
        return self.pool.classes_.tolist() if self.predicts == "classes" else None

    def names(self, X: Table) -> list[str]:
        """Names of the columns of its answers, found on a few rows."""
        if self.classes is not None:
            return list(map(str, self.classes))
        n_targets = self.label(X).shape[1]
        return ["number"] if n_targets == 1 else [f"number_{i}" for i in range(n_targets)]


def as_labelling(teacher: Any, predicts: str, first_rows: Table) -> LabellingTeacher:
    """Make a pool of fitted teachers.

    Parameters
    ----------
    teacher : estimator, list of them or pool
        Fitted.
    predicts : {"auto", "classes", "numbers"}
    first_rows : DataFrame

    Returns
    -------
    LabellingTeacher

    Raises
    ------
    ValueError
        If `predicts` is none of these, or it cannot be told what the teacher predicts.
    sklearn.exceptions.NotFittedError
        If a teacher is not fitted.
    """
    if predicts not in ("auto", *LABEL_TYPES):
        raise ValueError(f"`predicts` must be 'auto', 'classes' or 'numbers', got {predicts!r}.")
    if isinstance(teacher, (TeacherPool, RegressorPool)):
        check_is_fitted(teacher)
        own = "classes" if isinstance(teacher, TeacherPool) else "numbers"
        if predicts not in ("auto", own):
            raise ValueError(
                f"`predicts={predicts!r}`, but a {type(teacher).__name__} tells {own}."
            )
        return LabellingTeacher(teacher, own)
    parts = [(name, _frozen(part)) for name, part in named_parts(teacher, "teacher")]
    kind = _kind_of(parts) if predicts == "auto" else predicts
    pool = TeacherPool(parts) if kind == "classes" else RegressorPool(parts)
    return LabellingTeacher(pool.fit(first_rows), kind)


def teacher_identity(teacher: Any, teacher_id: str | None) -> str:
    """What tells a teacher from others.

    Parameters
    ----------
    teacher : object
        As it was given.
    teacher_id : str or None
        A name to know it by; None takes its content.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If its content cannot be told from another's.
    """
    if teacher_id is not None:
        return f"named {teacher_id}"
    if isinstance(teacher, (TeacherPool, RegressorPool)):
        parts: Any = teacher
    else:  # names do not change an answer
        parts = [known_by(_bare(part)) for _, part in named_parts(teacher, "teacher")]
    try:
        return identify(parts)
    except TypeError as error:
        raise ValueError(
            f"`teacher` cannot be told from another: {error}. Give a name to know it by, as "
            "`teacher_id='our model, version 3'`."
        ) from error


def _bare(part: Any) -> Any:
    """A teacher without the FrozenEstimator around it: with or without, it is the same."""
    return part.estimator if isinstance(part, FrozenEstimator) else part


def _frozen(part: Any) -> Any:
    if is_frozen(part):
        return part
    check_is_fitted(part)
    return FrozenEstimator(part)


def _kind_of(parts: list[tuple[str, Any]]) -> str:
    """Whether teachers tell classes or numbers, by what they say of themselves."""
    tells = {_tells(_bare(part)) for _, part in parts}
    if len(tells) != 1 or None in tells:
        raise ValueError(
            "`predicts='auto'` cannot tell whether the teachers predict classes or numbers: give "
            "predicts='classes' or predicts='numbers'."
        )
    return str(tells.pop())


def _tells(model: Any) -> str | None:
    if hasattr(model, "__sklearn_tags__") and is_regressor(model):
        return "numbers"
    return "classes" if hasattr(model, "predict_proba") else None
