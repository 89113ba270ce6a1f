"""What the table must be like."""

from dataclasses import dataclass

from skdistill._base import BaseDistiller
from skdistill._utils.types import Table
from skdistill.export._encoder import Texts
from skdistill.export._student import count_encoded, student_of
from skdistill.serving import COLUMNS
from skdistill.table import CATEGORY, NUMBER, TabularEncoder, codes_of, read_table


@dataclass(frozen=True)
class Schema:
    """What the table must be like.

    Attributes
    ----------
    kinds : tuple of {"number", "category"}
    names : list of str or None
        None where the classifier was fitted without names.
    number_type : {"float64", "float32"}
    allow_missing : bool
        Whether numbers may be missing.
    texts : Texts
    n_encoded : int
        Columns that the student is given.
    own_encoder : bool
        Whether the encoder is the user's, which may know more categories than `texts`.
    layout : {"columns", "matrix"}
        Whether the graph takes numbers and texts, or one matrix of float32.
    """

    kinds: tuple[str, ...]
    names: list[str] | None
    number_type: str
    allow_missing: bool
    texts: Texts
    n_encoded: int
    own_encoder: bool = False
    layout: str = COLUMNS

    @classmethod
    def unknown(cls) -> "Schema":
        """That of a table of which nothing is known."""
        return cls((), None, "float64", True, Texts(), 0, own_encoder=True)

    @property
    def n_numbers(self) -> int:
        return self.kinds.count(NUMBER)

    @property
    def n_categories(self) -> int:
        return self.kinds.count(CATEGORY)

    @property
    def number_places(self) -> list[int]:
        return [place for place, kind in enumerate(self.kinds) if kind == NUMBER]

    @property
    def category_places(self) -> list[int]:
        return [place for place, kind in enumerate(self.kinds) if kind == CATEGORY]


def schema_of(clf: BaseDistiller, X: Table | None = None) -> Schema:
    """Read off a fitted classifier what its table must be like; X tells where it does not.

    Parameters
    ----------
    clf : DistilledClassifier or DistilledRegressor
    X : array-like or DataFrame of shape (n_samples, n_features), default=None

    Returns
    -------
    Schema
    """
    names = getattr(clf, "feature_names_in_", None)
    names = None if names is None else [str(name) for name in names]
    encoder = student_of(clf).encoder
    n_dimensions = getattr(X, "ndim", 2)
    if n_dimensions != 2:
        raise ValueError(f"only tables can be exported: X has {n_dimensions} dimensions, not 2.")
    if encoder is None:
        kinds = (NUMBER,) * clf.n_features_in_
        return Schema(kinds, names, "float32", False, Texts(), len(kinds))
    if type(encoder) is TabularEncoder:
        texts = Texts.of(encoder.categories_)
        kinds = tuple(encoder._kinds)
        return Schema(kinds, names, "float64", encoder._takes_missing(), texts, encoder.n_outputs_)
    if X is None:
        raise ValueError(
            "`X` is needed: a few rows of the table, since `encoder="
            f"{type(encoder).__name__}` does not tell what its columns are."
        )
    table = read_table(X)
    n_encoded = count_encoded(clf, X)
    texts = Texts.of([codes_of(values)[1] for values in table.categories])
    return Schema(table.kinds, names, "float64", True, texts, n_encoded, own_encoder=True)
