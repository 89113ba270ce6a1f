"""Numbers to tell."""

from typing import TYPE_CHECKING, Any

import numpy as np

from skdistill._utils.quantiles import interpolate
from skdistill._utils.types import FloatArray, IntArray
from skdistill._utils.weights import n_effective
from skdistill.metrics._quantiles import row_crps
from skdistill.task._base import Task
from skdistill.task.scaling import TargetScaler

if TYPE_CHECKING:
    import torch

# Rows that are hard cost several times what a row does on the mean.
HARD_ROW = 5.0
# Ranges in which numbers are told apart, to see whether a column holds codes.
N_RANGES = 10


class Regression(Task):
    """One or more numbers a row.

    A label holds the row's numbers on the scale of the student, NaN where there are none; labels
    have shape (n_rows, n_targets). Outputs of the student's net are numbers on that scale: the mean
    of each target or, with `levels`, the quantiles of the only one.

    Parameters
    ----------
    scaler : TargetScaler
        Fitted.
    levels : tuple of float or None, default=None
        Of the quantiles, in ascending order.
    """

    has_classes = False

    def __init__(self, scaler: TargetScaler, levels: tuple[float, ...] | None = None):
        self.scaler = scaler
        self.levels = levels
        self.needs_folds = levels is not None
        self.loss_key = "squared_error" if levels is None else "crps"
        self.loss_name = "squared error" if levels is None else "CRPS"

    # --- labels ---

    @property
    def n_targets(self) -> int:
        """Numbers of a row."""
        return len(self.scaler.scale_)

    @property
    def n_outputs(self) -> int:
        """Outputs of the student's net."""
        return self.n_targets if self.levels is None else len(self.levels)

    def attributes_of(self, temperature: float, student: Any) -> dict[str, Any]:
        """The scale of the targets, and what is added to quantiles; see the base."""
        found = {"target_scaler_": self.scaler, "n_targets_": self.n_targets}
        if self.levels is None:
            return found
        return found | {"quantiles_": np.array(self.levels), "quantile_offset_": student.offset}

    @property
    def identity(self) -> Any:
        """What tells it from other tasks, for a cache."""
        return self.scaler, self.levels

    def encode(self, y: np.ndarray) -> FloatArray:
        """Numbers on the scale of the student."""
        return self.scaler.transform(y)

    def decode(self, labels: np.ndarray) -> FloatArray:
        """Numbers on the scale of y, of shape (n_rows,) for one target."""
        values = self.scaler.inverse_transform(labels)
        return values[:, 0] if self.n_targets == 1 else values

    def quantiles_of(self, outputs: FloatArray) -> FloatArray:
        """Quantiles on the scale of y, in ascending order; see `levels`."""
        ordered = np.sort(outputs, axis=1)  # a net of the user's may give them in any
        return self.scaler.inverse_transform(ordered.reshape(-1, 1)).reshape(ordered.shape)

    def soft_of(self, numbers: FloatArray) -> FloatArray:
        """A teacher's numbers, or its quantiles of one, on the scale of the student.

        Under a power, those outside the range of y are taken to be at its end: a power has not seen
        them, and may take a number just below 0 far away.
        """
        if (self.scaler.power_ != 1).any():
            numbers = np.clip(numbers, self.scaler.low_, self.scaler.high_)
        if self.n_targets == numbers.shape[1]:
            return self.scaler.transform(numbers)
        assert self.levels is not None
        assert numbers.shape[1] == len(self.levels)
        return self.scaler.transform(numbers.reshape(-1, 1)).reshape(numbers.shape)

    def unlabelled(self, n_rows: int) -> FloatArray:
        """Labels of rows that have none."""
        return np.full((n_rows, self.n_targets), np.nan)

    def some_labels(self, n_rows: int) -> FloatArray:
        """Labels of any kind, to try a student on."""
        return np.zeros((n_rows, self.n_targets))

    @staticmethod
    def known(labels: Any) -> Any:
        """Which rows have a label, of an array or a tensor."""
        return labels[:, 0] == labels[:, 0]

    def has_all(self, labels: FloatArray) -> bool:
        """True: numbers have no other kinds."""
        return True

    def strata(self, labels: FloatArray) -> IntArray:
        """None: all rows are of one stratum."""
        return np.zeros(len(labels), dtype=int)

    def coarse(self, labels: FloatArray) -> IntArray:
        """The tenth of the first target that each row is in."""
        bounds = np.quantile(labels[:, 0], np.linspace(0, 1, N_RANGES + 1)[1:-1])
        return np.searchsorted(bounds, labels[:, 0])

    @property
    def net_params(self) -> dict[str, Any]:
        """That it is a regressor, and of which quantiles."""
        return {"regressor": True, "levels": self.levels}

    # --- losses, in NumPy ---

    def outputs_of(self, soft: FloatArray, floor: float) -> FloatArray:
        """The soft targets themselves."""
        return soft

    def row_losses(self, outputs: FloatArray, labels: FloatArray) -> FloatArray:
        """Squared error of each row, or its CRPS: twice the mean pinball loss of its quantiles."""
        if self.levels is None:
            return np.mean((labels - outputs) ** 2, axis=1)
        return row_crps(labels[:, 0], outputs, np.array(self.levels))

    def calibrate(self, outputs: FloatArray, labels: FloatArray, weight: FloatArray) -> float:
        """1: numbers are not divided by anything."""
        return 1.0

    def loss_without_features(self, labels: FloatArray, weight: FloatArray) -> float:
        """Loss of one who tells every row the mean, or the quantiles, of all."""
        if self.levels is None:
            told = np.average(labels, axis=0, weights=weight)[None]
        else:
            told = weighted_quantile(labels[:, 0], np.array(self.levels), weight)[None]
        return float(np.average(self.row_losses(told, labels), weights=weight))

    def truth_of(self, soft: FloatArray, labels: FloatArray, weight: FloatArray) -> float:
        """Loss of the soft targets, with a minus."""
        return -float(np.average(self.row_losses(soft, labels), weights=weight))

    def tempered(
        self, labels: FloatArray, soft: FloatArray, weight: FloatArray, tolerance: float
    ) -> FloatArray:
        r"""Labels brought to within some distance of what the teacher tells, out of fold.

        The distance is `tolerance` times the median distance of those labels of a target that the
        teacher does not tell exactly. So a label that is further away pulls no harder than one at
        that distance, as under Huber's loss [1]_.

        References
        ----------
        .. [1] Huber (1964). Robust Estimation of a Location Parameter.
           https://doi.org/10.1214/aoms/1177703732
        """
        told = soft
        if self.levels is not None:
            told = interpolate(soft, np.array(self.levels), np.array([0.5]))
        found = labels.copy()
        for k, apart in enumerate((labels - told).T):
            size, half = np.abs(apart), np.array([0.5])
            some = (size > 0) & (weight > 0)
            if some.any():
                far = tolerance * weighted_quantile(size[some], half, weight[some])[0]
                found[:, k] = np.where(size > far, told[:, k] + np.sign(apart) * far, labels[:, k])
        return found

    def offset_of(
        self,
        outputs: FloatArray,
        labels: FloatArray,
        weight: FloatArray,
        n_apart: float | None = None,
    ) -> FloatArray | None:
        r"""What makes each quantile cover its share of the rows; None of means.

        The two tails are conformalised apart [1]_: to the quantile of level :math:`\tau` the
        quantile of its errors is added, that of rank :math:`(n + 1) \tau` of n, rounded away from
        the middle.

        References
        ----------
        .. [1] Romano, Patterson and Candes (2019). Conformalized Quantile Regression.
           https://doi.org/10.48550/arXiv.1905.03222
        """
        if self.levels is None:
            return None
        n = n_effective(weight) if n_apart is None else n_apart
        levels = np.array(self.levels)
        ranks = (n + 1) * levels
        ranks = np.where(levels > 0.5, np.ceil(ranks - 1e-9), np.floor(ranks + 1e-9))
        wanted = np.clip(np.where(levels == 0.5, n * levels, ranks) / n, 0, 1)
        errors = (labels - outputs).T
        return np.array(
            [
                weighted_quantile(own, np.array([level]), weight)[0]
                for own, level in zip(errors, wanted, strict=True)
            ]
        )

    def hard_row(self, losses: FloatArray) -> float:
        """Several times what a row costs on the mean."""
        return HARD_ROW * float(np.mean(losses))

    # --- losses, in torch ---

    def hard_loss(self, outputs: "torch.Tensor", labels: "torch.Tensor") -> "torch.Tensor":
        """Squared error or CRPS of each row, 0 where there is no label."""
        return self.hard_loss_and_gradient(outputs, labels, differentiates=False)[0]

    def hard_loss_and_gradient(
        self, outputs: "torch.Tensor", labels: "torch.Tensor", differentiates: bool = True
    ) -> "tuple[torch.Tensor, torch.Tensor]":
        """The same, and its gradient in the outputs."""
        known = self.known(labels)[:, None]
        apart = labels.nan_to_num(0.0) - outputs
        if self.levels is None:
            rows = (apart.square() * known).mean(dim=1)
            return rows, apart * known * (-2 / self.n_outputs) if differentiates else rows
        levels = outputs.new_tensor(self.levels)
        slope = levels - (apart < 0).to(outputs.dtype)
        rows = (slope * apart * known).mean(dim=1) * 2
        return rows, slope * known * (-2 / self.n_outputs) if differentiates else rows

    def blend(self, target: "dict[str, torch.Tensor]", alpha: float) -> "dict[str, torch.Tensor]":
        """The mean of label and soft target, where the mean is learned; see :meth:`Task.blend`.

        Returns
        -------
        dict of str to torch.Tensor
            "mixed" of shape (n_rows, n_targets) and "mass" of shape (n_rows, 1), the weight.
        """
        if self.levels is not None:  # pinball loss and squared distance have no common mean
            return target
        labels, soft = target["label"], target["soft"]
        share = self.known(labels)[:, None] * alpha
        mass = share + (1 - alpha)
        mixed = (share * labels.nan_to_num(0.0) + (1 - alpha) * soft) / mass.clamp(min=1e-12)
        return {"mixed": mixed, "mass": mass * target["weight"][:, None]}

    def blended_value_and_gradient(
        self, outputs: "torch.Tensor", blended: "dict[str, torch.Tensor]"
    ) -> "tuple[torch.Tensor, torch.Tensor]":
        """The mean squared error of a batch with targets of some mass, and its gradient."""
        apart = outputs - blended["mixed"]
        gradient = apart * blended["mass"] * (2 / apart.numel())
        return (gradient * apart).sum() / 2, gradient


def weighted_quantile(
    values: FloatArray, levels: FloatArray, weight: FloatArray | None = None
) -> FloatArray:
    """Quantiles of values that count as often as they weigh.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
    levels : ndarray of shape (n_levels,)
    weight : ndarray of shape (n_values,), default=None

    Returns
    -------
    ndarray of shape (n_levels,)
        The first value at which the share of weight reaches the level.
    """
    order = np.argsort(values, kind="stable")
    weight = np.ones(len(values)) if weight is None else weight
    reached = np.cumsum(weight[order]) / weight.sum()
    places = np.searchsorted(reached, levels - 1e-12)
    return values[order][np.minimum(places, len(values) - 1)]
