"""From a fitted classifier to the graph that answers for it."""

import copy
from dataclasses import dataclass

import numpy as np

from skdistill._utils._compat import safe_indexing
from skdistill._utils.process import safe_threads
from skdistill.export._encoder import EncodedTable, PlainTable, Texts
from skdistill.export._graph import Graph
from skdistill.export._network import NotPlainError, add_by_torch, add_plainly
from skdistill.export._transformer import TransformedTable
from skdistill.serving._rows import CATEGORIES, NUMBERS
from skdistill.student import encode
from skdistill.table import CATEGORY, NUMBER, TabularEncoder, codes_of, read_table

LABEL, PROBABILITIES = "label", "probabilities"
# Added to probabilities before their logarithm, as the student does.
EPS = np.finfo(np.float32).eps


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
    """

    kinds: tuple
    names: list | None
    number_type: str
    allow_missing: bool
    texts: Texts
    n_encoded: int
    own_encoder: bool = False

    @property
    def n_numbers(self):
        return self.kinds.count(NUMBER)

    @property
    def n_categories(self):
        return self.kinds.count(CATEGORY)


def schema_of(clf, X=None):
    """Read off a fitted classifier what its table must be like; X tells where it does not.

    Parameters
    ----------
    clf : DistilledClassifier
    X : array-like or DataFrame of shape (n_samples, n_features), default=None

    Returns
    -------
    Schema
    """
    names = getattr(clf, "feature_names_in_", None)
    names = None if names is None else [str(name) for name in names]
    encoder = clf.encoder_
    if getattr(X, "ndim", 2) != 2:
        raise ValueError(f"only tables can be exported: X has {X.ndim} dimensions, not 2.")
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
    n_encoded = encode(encoder, clf._check_X(safe_indexing(X, slice(0, 1)))).shape[1]
    texts = Texts.of([codes_of(values)[1] for values in table.categories])
    return Schema(table.kinds, names, "float64", True, texts, n_encoded, own_encoder=True)


@dataclass(frozen=True)
class Answer:
    """What the graph answers.

    Attributes
    ----------
    label, probabilities : str
        Names of the outputs.
    labels : ndarray of shape (n_classes,) or None
        What the graph calls the classes. None takes ``classes_``.
    raw_scores : bool
        Whether the second output is the decision function. Of two classes it has two columns, the
        margin in the second and its negative in the first.
    is_double : bool
        Whether the second output is float64.
    """

    label: str = LABEL
    probabilities: str = PROBABILITIES
    labels: np.ndarray | None = None
    raw_scores: bool = False
    is_double: bool = False


@safe_threads()
def build(clf, schema, graph=None, numbers=NUMBERS, categories=CATEGORIES, answer=None):
    """Build the graph.

    Parameters
    ----------
    clf : DistilledClassifier
    schema : Schema
    graph : callable, default=None
        Makes an empty graph. None makes a :class:`Graph`.
    numbers, categories : str
        Names of the inputs.
    answer : Answer, default=None
        None is an :class:`Answer` with its defaults.

    Returns
    -------
    Graph
    """
    student = clf._student
    module = copy.deepcopy(student.module).cpu().eval()
    for add_network in (add_plainly, add_by_torch):
        empty = Graph() if graph is None else graph()
        table = _table(student.encoder, schema, empty, numbers, categories)
        try:
            output = add_network(empty, module, table)
        except NotPlainError:
            continue
        answer = Answer() if answer is None else answer
        labels = label_values(clf.classes_ if answer.labels is None else answer.labels)
        _add_answer(empty, student, output, answer, labels)
        return empty


def _table(encoder, schema, graph, numbers, categories):
    if encoder is None:
        return PlainTable(numbers, schema.n_encoded)
    if type(encoder) is TabularEncoder:
        return EncodedTable(graph, encoder, schema.texts, numbers, categories)
    return TransformedTable(graph, encoder, schema, numbers, categories)


def _add_answer(graph, student, logits, answer, labels):
    """Calibration, prior, softmax and label after what the module returns."""
    if student.gives_probabilities:
        logits = graph.add("Log", graph.add("Add", logits, graph.constant(EPS)))
    logits = graph.divide(logits, student.temperature)
    if student.offset is not None:
        logits = graph.add("Add", logits, graph.constant(student.offset.astype(np.float32)))
    best = graph.add("ArgMax", logits, axis=1, keepdims=0)
    graph.add("Gather", graph.constant(labels), best, output=answer.label)
    last = None if answer.is_double else answer.probabilities
    if answer.raw_scores:
        scores = _add_scores(graph, logits, len(labels), last)
    else:
        scores = graph.add("Softmax", logits, output=last, axis=1)
    if answer.is_double:
        graph.add("Cast", scores, output=answer.probabilities, to=11)


def _add_scores(graph, logits, n_classes, output):
    """Add the centred logits; of two classes their difference and its negative."""
    share = np.full((n_classes, 1), 1 / n_classes, np.float32)
    centred = (logits, graph.add("MatMul", logits, graph.constant(share)))
    if n_classes > 2:
        return graph.add("Sub", *centred, output=output)
    return graph.add(
        "Mul", graph.add("Sub", *centred), graph.constant(np.float32(2)), output=output
    )


def label_values(classes):
    """The classes as a tensor holds them: strings, int64, bool or float64.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n_classes,)
    """
    values = classes.tolist()
    if all(isinstance(value, str) for value in values):
        return np.array(values, dtype=object)
    if all(isinstance(value, bool) for value in values):
        return np.array(values, dtype=bool)
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return np.array(values, dtype=np.int64)
    if all(isinstance(value, float) for value in values):
        return np.array(values, dtype=np.float64)
    raise ValueError(
        f"the labels {values[:10]} are of several types, which ONNX cannot hold: fit on strings."
    )
