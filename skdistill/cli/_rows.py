"""Rows to learn from, and rows to test on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from skdistill._utils.types import IntArray
from skdistill._utils.weights import check_weights
from skdistill.scale import TableFiles, files_of

DATA = "--data"
READERS = {"parquet": pd.read_parquet, "csv": pd.read_csv, "arrow": pd.read_feather}


@dataclass(frozen=True)
class Rows:
    """A table with its target.

    Attributes
    ----------
    X : DataFrame of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    groups : ndarray of shape (n_samples,) or None
    weight : ndarray of shape (n_samples,) or None
    """

    X: pd.DataFrame
    y: np.ndarray
    groups: np.ndarray | None = None
    weight: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, places: IntArray) -> "Rows":
        """Some of the rows."""
        more = [None if one is None else one[places] for one in (self.groups, self.weight)]
        return Rows(self.X.iloc[places].reset_index(drop=True), self.y[places], *more)


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are.

    Attributes
    ----------
    target : str
    groups, weight : str or None
    drop, teacher_only : sequence of str
        Those that nobody reads, and those that the teacher alone reads.
    features : list of str or None
        The columns that the teacher knows, in its order; None where it knows no names.
    """

    target: str
    groups: str | None
    weight: str | None
    drop: Sequence[str]
    teacher_only: Sequence[str]
    features: list[str] | None

    @property
    def of_each_row(self) -> list[str]:
        """The columns that every table with a target has, besides those of the teacher."""
        return [self.target] if self.weight is None else [self.target, self.weight]

    @property
    def own(self) -> list[str]:
        """The columns that have a role, besides those of the teacher."""
        return self.of_each_row if self.groups is None else [*self.of_each_row, self.groups]

    def of_student(self, features: list[str]) -> list[str]:
        """The columns for the student, of those that the teacher reads.

        Raises
        ------
        ValueError
            If the teacher does not read one that it is to have alone, or if no other is left.
        """
        unread = [name for name in self.teacher_only if name not in features]
        if unread:
            raise ValueError(
                f"--teacher-only names the column(s) {unread}, which the teacher does not read: it "
                f"reads {features}. --drop leaves out what nobody is to read. --teacher-only takes "
                "one name: give it once for each column."
            )
        left = [name for name in features if name not in self.teacher_only]
        if not left:
            raise ValueError(
                f"--teacher-only names all columns that the teacher reads, {features}, and leaves "
                "the student none: name fewer."
            )
        return left

    def features_of(self, frame: pd.DataFrame, option: str) -> pd.DataFrame:
        """The columns for teacher and student.

        Raises
        ------
        ValueError
            If the frame lacks one, has one of which nothing was said, or one that the teacher reads
            has another role.
        """
        told = [*self.own, *self.drop]
        found = [name for name in frame.columns if name not in told]
        wanted = found if self.features is None else self.features
        used = [name for name in told if name in wanted]
        if used:
            raise ValueError(
                f"the teacher reads the column(s) {used}, which are named as target, groups or "
                "weight, or in --drop: name others, or give a teacher that does without."
            )
        missing = [name for name in wanted if name not in frame.columns]
        extra = [name for name in found if name not in wanted]
        if missing or extra:
            wrong = [f"lacks the column(s) {missing}"] if missing else []
            wrong += [f"has the column(s) {extra} that the teacher does not know"] if extra else []
            remedy = "; name these in --drop" if extra else ""
            raise ValueError(f"`{option}` {' and '.join(wrong)}: it knows {wanted}{remedy}.")
        return frame[wanted]

    def rows_of(self, path: Path, option: str) -> Rows:
        """Read a table.

        Raises
        ------
        ValueError
            If a column is missing, or a value of the target, or a weight is no number >= 0.
        """
        frame = read(path, option)
        is_split = option == DATA  # other tables need neither groups nor what is dropped
        named = [*self.own, *self.drop] if is_split else self.of_each_row
        missing = [name for name in named if name not in frame.columns]
        if missing:
            raise ValueError(
                f"`{option}` has no column(s) {missing}, which were named: it has "
                f"{frame.columns.tolist()}. --drop takes one name: give it once for each column."
            )
        y = frame[self.target]
        if y.isna().any():
            raise ValueError(
                f"`{option}` lacks the target {self.target!r} in {int(y.isna().sum())} rows: leave "
                "these out. Rows without a target may be given as --transfer."
            )
        groups = frame[self.groups].to_numpy() if is_split and self.groups is not None else None
        given = None if self.weight is None else frame[self.weight]
        weight = check_weights(given, len(frame), f"--weight {self.weight}")
        return Rows(self.features_of(frame, option), y.to_numpy(), groups, weight)


def read(path: Path, option: str) -> pd.DataFrame:
    """Read a table into memory.

    Parameters
    ----------
    path : pathlib.Path
        A file, or a folder of files.
    option : str
        What an error calls it.

    Returns
    -------
    DataFrame
    """
    try:
        files, kind = files_of(path)
        whole = TableFiles(path) if path.is_dir() else None
    except (OSError, ValueError) as error:
        raise type(error)(str(error).replace("`source`", f"`{option}`")) from error
    if kind == "parquet" and whole is not None:
        # Folders named column=value are a column, of a type that pandas chooses.
        frame = pd.read_parquet(path, schema=None if whole.of_path else whole.schema)
    else:
        frame = pd.concat([READERS[kind](file) for file in files], ignore_index=True)
    if not len(frame):
        raise ValueError(f"`{option}` {str(path)!r} has no rows.")
    return frame


def split(rows: Rows, share: float, has_classes: bool, seed: int) -> tuple[Rows, Rows]:
    """Hold rows out for the test: of each class as many, or whole groups.

    Parameters
    ----------
    rows : Rows
    share : float
    has_classes : bool
    seed : int

    Returns
    -------
    train, test : Rows
    """
    places = np.arange(len(rows))
    if rows.groups is not None:
        splitter = GroupShuffleSplit(1, test_size=share, random_state=seed)
        train, test = next(splitter.split(places, groups=rows.groups))
    else:
        stratify: Any = rows.y if has_classes else None
        train, test = train_test_split(
            places, test_size=share, stratify=stratify, random_state=seed
        )
    return rows.take(train), rows.take(test)
