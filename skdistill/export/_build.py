"""From a fitted student to the graph that answers for it."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdistill._utils.process import safe_threads
from skdistill._utils.types import Estimator, NDArray
from skdistill.export._encoder import EncodedTable, PlainTable
from skdistill.export._graph import DOUBLE, Graph
from skdistill.export._matrix import check_core, coded_table, whole_matrix
from skdistill.export._network import NotPlainError, add_by_torch, add_plainly
from skdistill.export._numbers import NumberAnswer
from skdistill.export._schema import Schema
from skdistill.export._transformer import transformed_table
from skdistill.serving import CATEGORIES, MATRIX, NUMBERS
from skdistill.student import FittedStudent
from skdistill.table import TabularEncoder

LABEL, PROBABILITIES = "label", "probabilities"
# Added to probabilities before their logarithm, as the student does.
EPS = np.finfo(np.float32).eps


@dataclass(frozen=True)
class Answer:
    """That the graph answers with labels and probabilities.

    Attributes
    ----------
    labels : ndarray of shape (n_classes,)
        What the graph calls the classes, as it holds them; see :func:`label_values`.
    label : str or None
        Name of the first output; None leaves it out.
    probabilities : str
        Name of the second output.
    raw_scores : bool
        Whether the second output is the decision function. Of two classes it has two columns, the
        margin in the second and its negative in the first.
    is_double : bool
        Whether the second output is float64.
    """

    labels: NDArray[Any]
    label: str | None = LABEL
    probabilities: str = PROBABILITIES
    raw_scores: bool = False
    is_double: bool = False

    def add(self, graph: Graph, student: FittedStudent, logits: str) -> None:
        """Calibration, prior, softmax and label after what the module returns.

        Parameters
        ----------
        graph : Graph
        student : FittedStudent
        logits : str
            Output of the module.
        """
        if student.gives_probabilities:
            logits = graph.add("Log", graph.add("Add", logits, graph.constant(EPS)))
        logits = graph.divide(logits, student.temperature)
        if student.offset is not None:
            logits = graph.add("Add", logits, graph.constant(student.offset.astype(np.float32)))
        if self.label is not None:
            best = graph.add("ArgMax", logits, axis=1, keepdims=0)
            graph.add("Gather", graph.constant(self.labels), best, output=self.label)
        last = None if self.is_double else self.probabilities
        if self.raw_scores:
            scores = _add_scores(graph, logits, len(self.labels), last)
        else:
            scores = graph.add("Softmax", logits, output=last, axis=1)
        if self.is_double:
            graph.add("Cast", scores, output=self.probabilities, to=DOUBLE)


@safe_threads()
def build(
    student: FittedStudent,
    schema: Schema,
    answer: "Answer | NumberAnswer",
    numbers: str = NUMBERS,
    categories: str = CATEGORIES,
    prefix: str = "",
) -> Graph:
    """Build the graph.

    Parameters
    ----------
    student : FittedStudent
    schema : Schema
    answer : Answer or NumberAnswer
    numbers, categories : str
        Names of the inputs.
    prefix : str, default=""
        Of all other names, for a graph that becomes part of another.

    Returns
    -------
    Graph
    """
    module = copy.deepcopy(student.module).cpu().eval()
    is_matrix = schema.layout == MATRIX

    def begin() -> tuple[Graph, EncodedTable | PlainTable]:
        graph = Graph(prefix, core=is_matrix)
        if is_matrix and type(student.encoder) is TabularEncoder:
            return graph, coded_table(graph, student.encoder, schema)
        number_input = whole_matrix(graph, student.encoder, schema) if is_matrix else numbers
        return graph, _table(student.encoder, schema, graph, number_input, categories)

    try:
        graph, table = begin()
        output = add_plainly(graph, module, table)
    except NotPlainError:
        graph, table = begin()
        output = add_by_torch(graph, module, table)
    answer.add(graph, student, output)
    if is_matrix:
        check_core(graph)
    return graph


def _table(
    encoder: Estimator, schema: Schema, graph: Graph, numbers: str, categories: str
) -> EncodedTable | PlainTable:
    if encoder is None:
        return PlainTable(numbers, schema.n_encoded)
    if type(encoder) is TabularEncoder:
        return EncodedTable(graph, encoder, schema.texts, numbers, categories)
    return transformed_table(graph, encoder, schema, numbers, categories)


def _add_scores(graph: Graph, logits: str, n_classes: int, output: str | None) -> str:
    """Add the centred logits; of two classes their difference and its negative."""
    share = np.full((n_classes, 1), 1 / n_classes, np.float32)
    centred = (logits, graph.add("MatMul", logits, graph.constant(share)))
    if n_classes > 2:
        return graph.add("Sub", *centred, output=output)
    return graph.add(
        "Mul", graph.add("Sub", *centred), graph.constant(np.float32(2)), output=output
    )


def label_values(classes: NDArray[Any]) -> NDArray[Any]:
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
