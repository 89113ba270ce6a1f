"""A labelled Parquet folder as the rows of a fit."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from skdistill._utils.counts import check_counts
from skdistill._utils.types import FloatArray, IntArray, Table
from skdistill.scale._label import check_data
from skdistill.scale._manifest import NAME, Manifest
from skdistill.scale._shards import find_shards, parquet
from skdistill.table import stack_tables

# Share of the rows that a shard held out may be; of a larger one, row groups are held out.
MOST_HELD_OUT = 0.1


@dataclass(frozen=True)
class RowSource:
    """A Parquet folder, and the labels that :func:`label_parquet` gave it, as X of a ``fit``.

    ``DistilledClassifier().fit(RowSource(...))`` and ``DistilledRegressor().fit(RowSource(...))``
    read it a buffer of row groups at a time, in a new random order in each pass. So memory does not
    grow with the rows. It does with the largest row group: write some 100,000 rows in each.

    Parameters
    ----------
    folder : str or path-like
        The data that was labelled.
    labels : str or path-like
        Folder of the labels.
    target : str, default=None
        Column of the labels, or numbers, that are known of all rows. None: the student learns of
        the teacher alone.
    weight : str, default=None
        Column of the weights of the rows. None weighs all alike.
    buffer_rows : int, default=500_000
        Rows that are shuffled together: as many row groups as hold so many.
    sample_rows : int, default=200_000
        Rows, drawn from all, that the encoder is fitted on.
    validation_rows : int, default=50_000
        The most rows that choose the epoch: drawn from the shard held out, or, where that has more
        than a tenth of the rows, from row groups of it that have no more.
    without : sequence of str, default=()
        Shards that no row is taken of, by the names of the files of their labels: to test on, for
        instance.
    partial : bool, default=False
        Whether the shards that are labelled will do, while the labelling is not at its end.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdistill import DistilledClassifier
    >>> from skdistill.scale import RowSource, label_parquet
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> teacher = LogisticRegression(max_iter=1000).fit(X, y)
    >>> with TemporaryDirectory() as folder:
    ...     data, labels = Path(folder, "data"), Path(folder, "labels")
    ...     data.mkdir()
    ...     X.to_parquet(data / "iris.parquet", index=False, row_group_size=30)
    ...     report = label_parquet(teacher, data, labels)
    ...     student = DistilledClassifier(random_state=0).fit(RowSource(data, labels))
    >>> student.predict(X[:3])
    array([0, 0, 0])
    """

    folder: str | os.PathLike[str]
    labels: str | os.PathLike[str]
    target: str | None = None
    weight: str | None = None
    buffer_rows: int = 500_000
    sample_rows: int = 200_000
    validation_rows: int = 50_000
    without: Sequence[str] = ()
    partial: bool = False

    def open(self) -> "LabelledFolder":
        """Check the folders against what was written down when they were labelled.

        Returns
        -------
        LabelledFolder

        Raises
        ------
        ValueError
            If there are no labels, the labelling is not at its end, the data has changed, or
            `without` names what is no shard.
        """
        names = ("buffer_rows", "sample_rows", "validation_rows")
        check_counts(**{name: getattr(self, name) for name in names})
        folder, labels = Path(self.folder), Path(self.labels)
        try:
            manifest = Manifest.read(labels)
        except FileNotFoundError as error:
            raise ValueError(
                f"`labels` {str(labels)!r} holds no {NAME}: give the `out` of label_parquet."
            ) from error
        if not manifest.done or not (manifest.is_complete or self.partial):
            raise ValueError(
                f"`labels` {str(labels)!r} holds {manifest.n_rows} of {manifest.n_wanted} rows: "
                "call label_parquet again, which goes on, or give partial=True."
            )
        self._check_without(folder, manifest)
        check_data(manifest, folder, "label it anew, into another folder")
        return LabelledFolder(self, folder, labels, manifest)

    def _check_without(self, folder: Path, manifest: Manifest) -> None:
        """Refuse names of no shard: rows to test on would be trained on."""
        if isinstance(self.without, str):
            raise TypeError(f"`without` must be a list of names: give [{self.without!r}].")
        done = set(manifest.done)
        unknown = set(self.without) - done
        if unknown:  # or not yet labelled
            unknown -= {shard.file for shard in find_shards(folder, manifest.shard_rows)}
        if unknown:
            raise ValueError(
                f"`without` names {sorted(unknown)[:10]}, which are no shards: give some of "
                f"{sorted(done)[:10]}."
            )
        if done <= set(self.without):
            raise ValueError(
                f"`without={list(self.without)[:10]}` leaves no shard to take rows of."
            )


@dataclass(frozen=True)
class RowGroup:
    """A row group, and where its labels are.

    Attributes
    ----------
    source, labels : pathlib.Path
        Its file, and that of its labels.
    place : int
        Its number in its file.
    label_groups : tuple of int
        Row groups of the labels, of the same rows in the same order.
    n_rows : int
    """

    source: Path
    labels: Path
    place: int
    label_groups: tuple[int, ...]
    n_rows: int


@dataclass(frozen=True)
class SourceRows:
    """Rows of a source.

    Attributes
    ----------
    X : DataFrame of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,) or None
    weight : ndarray of shape (n_rows,) or None
    soft : ndarray of shape (n_rows, n_columns)
        What the teacher answered, as float64; probabilities have a sum of 1.
    """

    X: Table
    y: np.ndarray | None
    weight: FloatArray | None
    soft: FloatArray

    def take(self, rows: IntArray) -> "SourceRows":
        """Some of the rows."""
        y, weight = (None if one is None else one[rows] for one in (self.y, self.weight))
        X = self.X.iloc[rows].reset_index(drop=True)
        return SourceRows(X, y, weight, self.soft[rows])


@dataclass(frozen=True)
class LabelledFolder:
    """A source whose folders have been checked.

    Attributes
    ----------
    given : RowSource
    folder, labels : pathlib.Path
    manifest : Manifest
    """

    given: RowSource
    folder: Path
    labels: Path
    manifest: Manifest

    @cached_property
    def shards(self) -> list[list[RowGroup]]:
        """The row groups of each shard to take rows of, by the name of the shard."""
        names = sorted(set(self.manifest.done) - set(self.given.without))
        return [self.groups_of(name) for name in names]

    def key_parts(self) -> tuple[Any, ...]:
        """What tells its rows from those of another, wherever the folders are."""
        anywhere = {"folder": None, "labels": None, "without": [*self.given.without]}
        done = sorted(self.manifest.done.items())
        given = vars(self.given) | anywhere
        return given, vars(self.manifest) | {"done": done, "n_wanted": None, "versions": None}

    def split(self, holds_out: bool, seed: int) -> tuple[list[RowGroup], list[RowGroup]]:
        """The row groups to train on, and those held out.

        Parameters
        ----------
        holds_out : bool
        seed : int

        Returns
        -------
        training, held_out : list of RowGroup

        Raises
        ------
        ValueError
            If there is a single row group to hold out and to train on.
        """
        everything = [group for shard in self.shards for group in shard]
        if not holds_out:
            return everything, []
        if len(everything) < 2:
            raise ValueError(
                "`early_stopping` holds out a shard, or row groups of it, but the data is one row "
                "group: write smaller ones, or set early_stopping=False."
            )
        rng = np.random.RandomState(seed)
        shard = self.shards[rng.randint(len(self.shards))]
        most = MOST_HELD_OUT * sum(group.n_rows for group in everything)
        held_out = shard
        if len(shard) == len(everything) or sum(group.n_rows for group in shard) > most:
            shuffled = [shard[place] for place in rng.permutation(len(shard))]
            totals = accumulate(group.n_rows for group in shuffled)
            n_kept = max(1, sum(total <= most for total in totals))
            held_out = shuffled[:n_kept]
        return [group for group in everything if group not in held_out], held_out

    def read(self, group: RowGroup) -> SourceRows:
        """Read a row group and its labels."""
        extra = [name for name in (self.given.target, self.given.weight) if name is not None]
        columns = self.manifest.columns
        wanted = [*columns, *(name for name in dict.fromkeys(extra) if name not in columns)]
        frame = self._read(group.source, (group.place,), wanted).select(wanted).to_pandas()
        labels = self._read(group.labels, group.label_groups, self.manifest.names)
        y, weight = (
            None if name is None else frame[name].to_numpy()
            for name in (self.given.target, self.given.weight)
        )
        return SourceRows(frame[columns], y, weight, self._soft(labels))

    def sample(self, groups: list[RowGroup], n_rows: int, seed: int) -> SourceRows:
        """Draw rows from all row groups, each as likely as any other, in the order of the files."""
        sizes = [group.n_rows for group in groups]
        rng = np.random.default_rng(seed)
        n_drawn = min(n_rows, sum(sizes))
        drawn = rng.multivariate_hypergeometric(sizes, n_drawn, method="marginals")
        parts = [
            self.read(group).take(np.sort(rng.choice(group.n_rows, n, replace=False)))
            for group, n in zip(groups, drawn.tolist(), strict=True)
            if n
        ]
        return joined(parts)

    def values(self, name: str, groups: list[RowGroup]) -> Iterator[np.ndarray]:
        """The values of a column, a row group at a time."""
        for group in groups:
            yield self._read(group.source, (group.place,), [name]).column(name).to_numpy()

    def check_columns(self) -> None:
        """Raise a ValueError for a `target` or `weight` that is no column, or one of X."""
        names = set(parquet().read_schema(self.shards[0][0].source).names)
        for parameter in ("target", "weight"):
            name = getattr(self.given, parameter)
            if name is not None and name not in names:
                raise ValueError(f"`{parameter}={name!r}` is no column of {sorted(names)[:20]}.")
            if name is not None and name in self.manifest.columns:
                raise ValueError(
                    f"`{parameter}={name!r}` is a column that the teacher was shown: label again "
                    f"with drop=[{name!r}]."
                )

    def groups_of(self, name: str) -> list[RowGroup]:
        """The row groups of a shard, by the name of the file of its labels."""
        shard = self.manifest.done[name].shard
        metadata = parquet().read_metadata(self.labels / name)
        sizes = [metadata.row_group(place).num_rows for place in range(metadata.num_row_groups)]
        if sum(sizes) != shard.n_rows:
            raise ValueError(
                f"`labels`: {name!r} has {sum(sizes)} rows in the place of {shard.n_rows}: delete "
                "it, and call label_parquet again."
            )
        stops = [0, *accumulate(sizes)]
        groups, start = [], 0
        for place, n_rows in enumerate(shard.sizes, start=shard.first):
            own = [i for i, stop in enumerate(stops[1:]) if start < stop <= start + n_rows]
            start += n_rows
            if n_rows:
                source = self.folder / shard.source
                groups.append(RowGroup(source, self.labels / name, place, tuple(own), n_rows))
        return groups

    @staticmethod
    def _read(path: Path, places: tuple[int, ...], columns: list[str]) -> Any:
        with parquet().ParquetFile(path) as file:
            return file.read_row_groups(places, columns=columns, use_threads=False)

    def _soft(self, labels: Any) -> FloatArray:
        columns = [labels.column(name).to_numpy() for name in self.manifest.names]
        soft = np.stack(columns, axis=1).astype(np.float64)
        if self.manifest.classes is not None:  # half precision leaves a sum of nearly 1
            soft /= soft.sum(axis=1, keepdims=True)
        return soft


def joined(parts: list[SourceRows]) -> SourceRows:
    """Some rows, one after the other."""
    first = parts[0]
    return SourceRows(
        stack_tables([one.X for one in parts]),
        None if first.y is None else np.concatenate([one.y for one in parts]),
        None if first.weight is None else np.concatenate([one.weight for one in parts]),
        np.concatenate([one.soft for one in parts]),
    )
