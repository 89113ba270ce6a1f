"""A student's answers as the columns of a table, beside columns that are kept."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np

from skdistill._utils.types import Table
from skdistill.serving import Scorer, Source

# An exported student: its file, the content of the file, or a Scorer.
Student: TypeAlias = Source | Scorer

PREDICTION = "prediction"


class AnswerTable:
    """Which columns of a table a student reads, and which columns its answers are.

    Parameters
    ----------
    student : str, Path, bytes, bytearray, memoryview, binary file or Scorer
        What :func:`skdistill.to_onnx` wrote, or a Scorer of it. A file is opened with one thread.
    columns : iterable of str
        Of the table.
    keep : sequence of str, default=()
        Columns to stand before the answers. The student may read them, too.

    Attributes
    ----------
    scorer : Scorer
    inputs : list of str
        The columns that the student reads, in the order that it knows.
    kept : list of str
    answers : dict of str to dtype
        The columns of the answers:

        ============================  ==================================================
        ``prediction``                the label, the number or the median
        ``probability_<class>``       float32; one for each class
        ``quantile_<level>``          of a student that tells quantiles; one for each level
        ``prediction_<number>``       of a student of several numbers: one for each
        ============================  ==================================================

    Raises
    ------
    ValueError
        If a column is missing, or there is one that is neither read nor kept, or a kept one is
        called as an answer is.
    """

    def __init__(self, student: Student, columns: Iterable[str], keep: Sequence[str] = ()) -> None:
        self.scorer = student if isinstance(student, Scorer) else Scorer(student)
        columns = list(columns)
        self.kept = _kept(keep, columns)
        self.inputs = self._inputs(columns)
        self.answers = answer_types(self.scorer)
        twice = [name for name in self.kept if name in self.answers]
        if twice:
            raise ValueError(
                f"`keep` has {twice}, and answers have the same names: rename these columns before."
            )

    @property
    def needed(self) -> list[str]:
        """The columns that are read or kept."""
        return list(dict.fromkeys([*self.kept, *self.inputs]))

    def _inputs(self, columns: list[str]) -> list[str]:
        """The columns for the student; all that are not kept where it knows no names."""
        names = getattr(self.scorer, "feature_names_in_", None)
        if names is None:
            left = [name for name in columns if name not in self.kept]
            if len(left) != self.scorer.n_features_in_:
                raise ValueError(
                    f"the student takes {self.scorer.n_features_in_} columns by their order, but "
                    f"the table has {len(left)} that are not in `keep`: {left}. Choose columns "
                    "before, or name others in `keep`."
                )
            return left
        missing = [name for name in names if name not in columns]
        extra = [name for name in columns if name not in set(names) | set(self.kept)]
        if missing or extra:
            told = [f"lacks the column(s) {missing}"] if missing else []
            told += [f"has the column(s) {extra} that the student does not read"] if extra else []
            raise ValueError(
                f"the table {' and '.join(told)}: it must have {list(names)}. Drop others before, "
                "or name them in `keep`."
            )
        return list(names)

    def answer(self, rows: Table, n_rows: int) -> dict[str, np.ndarray]:
        """The answers to rows; there may be none.

        Parameters
        ----------
        rows : DataFrame of any library that Scorer reads
            With the columns of ``inputs``.
        n_rows : int

        Returns
        -------
        dict of str to ndarray of shape (n_rows,)
            By the names of ``answers``.
        """
        if not n_rows:
            return {name: np.empty(0, dtype) for name, dtype in self.answers.items()}
        return dict(zip(self.answers, _columns(self.scorer, rows), strict=True))


def answer_types(scorer: Scorer) -> dict[str, np.dtype]:
    """The columns of a student's answers, and their types.

    Parameters
    ----------
    scorer : Scorer

    Returns
    -------
    dict of str to dtype
    """
    number = np.dtype(np.float64)
    if hasattr(scorer, "classes_"):
        names = [f"probability_{label}" for label in scorer.classes_.tolist()]
        return {PREDICTION: _labels(scorer).dtype} | dict.fromkeys(names, np.dtype(np.float32))
    if hasattr(scorer, "quantiles_"):
        names = [f"quantile_{level:g}" for level in scorer.quantiles_]
        return dict.fromkeys([PREDICTION, *names], number)
    if scorer.n_outputs_ == 1:
        return {PREDICTION: number}
    return dict.fromkeys([f"{PREDICTION}_{i}" for i in range(scorer.n_outputs_)], number)


def _columns(scorer: Scorer, rows: Table) -> list[np.ndarray]:
    """The columns of the answers, the student being asked once where that suffices."""
    if hasattr(scorer, "classes_"):
        told = scorer.predict_proba(rows)
        return [_labels(scorer)[told.argmax(axis=1)], *told.T]
    if hasattr(scorer, "quantiles_"):
        return [scorer.predict(rows), *scorer.predict_quantiles(rows).T]
    told = scorer.predict(rows)
    return list(told.reshape(len(told), -1).T)


def _labels(scorer: Scorer) -> np.ndarray:
    """The classes in a type that all engines know: text may be objects."""
    labels = scorer.classes_
    return labels.astype(str) if labels.dtype.kind == "O" else labels


def _kept(keep: Sequence[str], columns: list[str]) -> list[str]:
    if isinstance(keep, str):
        raise TypeError(f"`keep` must be a list of names, got {keep!r}: give [{keep!r}].")
    unknown = [name for name in keep if name not in columns]
    twice = [name for name, count in Counter(keep).items() if count > 1]
    if unknown or twice:
        wrong = f"{unknown}, which the table does not have" if unknown else f"{twice} twice"
        raise ValueError(f"`keep` has {wrong}: give columns of the table, each once.")
    return list(keep)
