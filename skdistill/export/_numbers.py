"""The nodes that make numbers on the scale of y of what a student's module returns."""

from dataclasses import dataclass

import numpy as np

from skdistill._utils.types import FloatArray
from skdistill.export._graph import DOUBLE, FLOAT, Graph
from skdistill.student import FittedStudent
from skdistill.task import SMALLEST, TargetScaler

PREDICTIONS = "predictions"


@dataclass(frozen=True)
class NumberAnswer:
    """That the graph answers with numbers, or quantiles of one.

    Attributes
    ----------
    scaler : TargetScaler
    are_quantiles : bool
        Whether the outputs are those of one target, to be put in order.
    n_outputs : int
    clip : bool
        Whether numbers stay in the range of y.
    predictions : str
        Name of the output.
    is_double : bool
        Whether they are float64, and not float32.
    """

    scaler: TargetScaler
    are_quantiles: bool
    n_outputs: int
    clip: bool
    predictions: str = PREDICTIONS
    is_double: bool = True

    def add(self, graph: Graph, student: FittedStudent, outputs: str) -> None:
        """Offset, order, scale, power and range after what the module returns.

        Parameters
        ----------
        graph : Graph
        student : FittedStudent
        outputs : str
            Output of the module.
        """
        scaler = self.scaler
        if student.offset is not None:
            offset = graph.constant(student.offset.astype(np.float32))
            outputs = graph.add("Add", outputs, offset)
        if self.are_quantiles:
            count = graph.constant(np.array([self.n_outputs]))
            outputs = graph.add("TopK", outputs, count, axis=1, largest=0, n_outputs=2)
        values = graph.add("Cast", outputs, to=DOUBLE)
        values = graph.add("Mul", values, graph.constant(scaler.scale_))
        values = graph.add("Add", values, graph.constant(scaler.mean_))
        if (scaler.power_ != 1).any():
            values = _unpowered(graph, values, scaler.power_)
        if self.clip:
            values = graph.add("Max", values, graph.constant(scaler.low_))
            values = graph.add("Min", values, graph.constant(scaler.high_))
        to = DOUBLE if self.is_double else FLOAT
        graph.add("Cast", values, output=self.predictions, to=to)


def _unpowered(graph: Graph, z: str, power: FloatArray) -> str:
    """The inverse of Yeo and Johnson's transform, as :class:`TargetScaler` has it."""
    zero = graph.constant(np.float64(0))
    above = _grown(graph, graph.add("Max", z, zero), power)
    below = _grown(graph, graph.add("Max", graph.add("Neg", z), zero), 2 - power)
    return graph.add("Sub", above, below)


def _grown(graph: Graph, size: str, power: FloatArray) -> str:
    """What sizes >= 0 come of: 0 of 0."""
    one = graph.constant(np.float64(1))
    is_log = power == 0
    safe = np.where(is_log, 1.0, power)
    base = graph.add("Add", graph.add("Mul", size, graph.constant(safe)), one)
    base = graph.add("Max", base, graph.constant(np.float64(SMALLEST)))
    grown = graph.add("Pow", base, graph.constant(1 / safe))
    if is_log.any():
        grown = graph.add("Where", graph.constant(is_log), graph.add("Exp", size), grown)
    return graph.add("Sub", grown, one)
