"""The base of the samplers that need no row of data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state

from skdistill._utils._compat import num_samples
from skdistill._utils.types import ArrayLike, Estimator, FloatArray, RandomState, Table
from skdistill._utils.warn import naming, warn
from skdistill.transfer._base import Drawn, TransferSampler, check_source_weights
from skdistill.transfer._context import TransferContext
from skdistill.transfer._domain import Domain, schema_of
from skdistill.transfer._schema import TableSchema

if TYPE_CHECKING:
    from skdistill.teacher import TreeStructure

# Tables of so many rows are drawn to find those of rare classes.
MOST_DRAWS = 10


class DataFreeSampler(TransferSampler):
    """Base of the samplers that know only ranges, levels and the teacher.

    In a fit, they take ranges, levels and shares of missing values from X.
    Without data, :meth:`rows` draws the table on which a student is fitted.

    Parameters
    ----------
    schema : TableSchema, default=None
        Ranges, levels and shares of missing values. None takes them from the teacher or from X.
    class_prior : "balanced", dict, array-like of shape (n_classes,) or None, default=None
        Shares of the classes, as predicted by the teacher, in the drawn rows: rows of
        too frequent classes are dropped. None drops no rows.
    size : float, default=8.0
        New rows for each training row, in a fit.
    weight : float, default=1.0
        Weight of a sampled row relative to a training row.
    """

    asks = True
    _parameter_constraints: ClassVar[dict] = {
        **TransferSampler._parameter_constraints,
        "schema": [TableSchema, None],
    }

    def __init__(
        self,
        schema: TableSchema | None = None,
        class_prior: Any = None,
        size: float = 8.0,
        weight: float = 1.0,
    ) -> None:
        super().__init__(size=size, weight=weight)
        self.schema = schema
        self.class_prior = class_prior

    def rows(self, teacher: Estimator, n: int, random_state: RandomState = None) -> Table:
        """Draw `n` rows from the teacher alone, to fit a student without data.

        Parameters
        ----------
        teacher : estimator
            Fitted; a :class:`TeacherPool` as well.
        n : int
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        DataFrame or ndarray of shape (n, n_columns)
            As `schema` says; without one, a DataFrame if the teacher knows names of columns.

        Raises
        ------
        ValueError
            If the teacher does not tell enough about the columns: give `schema`.
        """
        with naming(type(self).__name__):
            return self._rows(teacher, n, check_random_state(random_state))

    def _rows(self, teacher: Estimator, n: int, rng: np.random.RandomState) -> Table:
        self.check_parameters()
        structure = self._structure(teacher)
        schema = self.schema
        if schema is None:
            if structure is None:
                raise ValueError(
                    f"`schema` is None, and no trees of the teacher tell {type(self).__name__} "
                    f"the ranges of the columns: "
                    f"give {type(self).__name__}(TableSchema({{'age': (18, 90), ...}}))."
                )
            schema = schema_of(structure)
            _warn_of_unknown(schema, structure)
        X = schema.template()
        domain = Domain.of(X, {} if structure is None else structure.levels)
        domain.narrow(schema)
        return self._drawn(teacher, structure, domain, n, rng)

    def sample(
        self,
        X: Table,
        n: int,
        random_state: RandomState = None,
        sample_weight: ArrayLike | None = None,
        *,
        context: TransferContext | None = None,
    ) -> Drawn:
        """Draw `n` rows by the ranges and levels of X; see :meth:`TransferSampler.sample`."""
        self.check_parameters()
        teacher = None if context is None else context.teacher
        structure = None if teacher is None else self._structure(teacher)
        domain = Domain.of(X, {} if structure is None else structure.levels)
        if self.schema is not None:
            domain.narrow(self.schema)
        weight = check_source_weights(sample_weight, num_samples(X))
        rng, n = check_random_state(random_state), n if num_samples(X) else 0
        drawn = self._drawn(teacher, structure, domain, n, rng)
        return drawn if weight is None else (drawn, np.full(n, weight.mean()))

    def _drawn(
        self,
        teacher: Estimator,
        structure: TreeStructure | None,
        domain: Domain,
        n: int,
        rng: np.random.RandomState,
    ) -> Table:
        """Rows in the container of the domain, with the wanted shares of classes."""
        if structure is not None:
            check_columns(structure, domain)
            domain.cut(structure)

        def draw(m: int) -> FloatArray:
            return self._draw(teacher, structure, domain, m, rng)

        if self.class_prior is None or not n:
            return domain.write(draw(n) if n else np.empty((0, len(domain.levels))))
        return domain.write(rng.permutation(self._with_prior(draw, teacher, domain, n)))

    def _draw(
        self,
        teacher: Estimator,
        structure: TreeStructure | None,
        domain: Domain,
        n: int,
        rng: np.random.RandomState,
    ) -> FloatArray:
        """Rows of the domain, of shape (n, n_columns)."""
        raise NotImplementedError

    def _structure(self, teacher: Estimator) -> TreeStructure | None:
        """The trees of the teacher, if it has any; some samplers need them."""
        from skdistill.teacher import tree_structure  # it loads torch, and Munge needs none

        try:
            return tree_structure(teacher, type(self).__name__)
        except ValueError:
            return None

    def _with_prior(
        self, draw: Callable[[int], FloatArray], teacher: Estimator, domain: Domain, n: int
    ) -> FloatArray:
        """Rows whose classes have the shares of `class_prior`, as far as they can be found."""
        ask, classes = _labeller(teacher, domain)
        prior = _shares(self.class_prior, classes)
        ends = np.floor(np.cumsum(prior) * n + 0.5).astype(int)
        wanted = np.diff(ends, prepend=0)
        kept: list[FloatArray] = []
        spare: list[FloatArray] = []
        for _ in range(MOST_DRAWS):
            rows = draw(n)
            codes = ask(domain.write(rows))
            for code in np.flatnonzero(wanted).tolist():
                mine = rows[codes == code]
                kept.append(mine[: wanted[code]])
                spare.append(mine[wanted[code] :])
                wanted[code] -= len(kept[-1])
            if not wanted.any():
                break
        else:
            _warn_of_rare(classes[wanted > 0], n)
            kept.append(np.concatenate([*spare, rows])[: wanted.sum()])
        return np.concatenate(kept)


def _labeller(teacher: Estimator, domain: Domain) -> tuple[Callable[[Table], Any], Any]:
    """A function that gives the class of rows, as a code, and the classes."""
    from skdistill.teacher import TeacherPool

    if not hasattr(teacher, "predict_proba") or not hasattr(teacher, "classes_"):
        bare = FrozenEstimator(teacher) if hasattr(teacher, "fit") else teacher
        teacher = TeacherPool(bare).fit(domain.X)
    return lambda X: teacher.predict_proba(X).argmax(axis=1), np.asarray(teacher.classes_)


def _shares(prior: Any, classes: Any) -> FloatArray:
    """`class_prior` as shares in the order of the classes."""
    if isinstance(prior, str) and prior == "balanced":
        return np.full(len(classes), 1 / len(classes))
    told = prior.to_dict() if hasattr(prior, "to_dict") else prior
    known = classes.tolist()
    if isinstance(told, dict):
        told = [told.get(one, np.nan) for one in known] if set(told) <= set(known) else []
    shares = np.asarray(told, dtype=float)
    if shares.shape != (len(classes),) or not (shares >= 0).all() or not shares.sum() > 0:
        raise ValueError(
            f"`class_prior` must be 'balanced', or give a share >= 0 for each of the classes "
            f"{known[:10]}, got {prior!r}."
        )
    return shares / shares.sum()


def check_columns(structure: TreeStructure, domain: Domain) -> None:
    """Raise a ValueError if the trees were fitted on other columns."""
    if structure.n_columns != len(domain.levels):
        raise ValueError(
            f"the trees of the teacher split {structure.n_columns} columns, but `schema`, or X, "
            f"has {len(domain.levels)}: {domain.names[:10]}. Give those that the teacher knows."
        )


def _warn_of_unknown(schema: TableSchema, structure: TreeStructure) -> None:
    unknown = [
        name
        for j, name in enumerate(schema.names)
        if j not in structure.levels and not len(structure.thresholds(j))
    ]
    if unknown:
        warn(
            f"no tree of the teacher splits on the columns {unknown[:10]}: what they may hold is "
            "not known, so they are 0 in all rows. Give `schema`."
        )


def _warn_of_rare(classes: Any, n: int) -> None:
    warn(
        f"among {MOST_DRAWS * n} rows, the teacher names the classes {classes[:10].tolist()} less "
        "often than `class_prior` asks for: other rows stand in for them. Give a prior that asks "
        "for fewer, or a `schema` with narrower ranges."
    )


def check_trees(name: str, parts: list[tuple[str, Any]]) -> None:
    """Raise a ValueError if no teacher, fitted or not, can have trees."""
    from skdistill.teacher import may_have_trees

    if parts and not any(may_have_trees(part) for _, part in parts):
        told = ", ".join(type(getattr(part, "estimator", part)).__name__ for _, part in parts)
        raise ValueError(f"`{name}` needs a teacher of trees; got {told}.")
