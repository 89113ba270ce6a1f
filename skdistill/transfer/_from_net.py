"""FromNet: rows that a net is sure of, found by gradients with respect to its inputs."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from skdistill._utils._compat import Interval
from skdistill._utils.process import safe_threads
from skdistill._utils.types import Estimator, FloatArray, IntArray
from skdistill.table import read_table
from skdistill.transfer._data_free import DataFreeSampler
from skdistill.transfer._domain import Domain
from skdistill.transfer._schema import TableSchema

if TYPE_CHECKING:
    import torch

    from skdistill.teacher import NetStructure, TreeStructure

# The least and the highest probability of its class that a row is moved to.
LEAST_SURE, MOST_SURE = 0.5, 0.99


class FromNet(DataFreeSampler):
    """Rows without data, from the inputs for which a net predicts a class.

    Rows start anywhere in the ranges. Each gets a class, all classes equally often, and a random
    target probability from .5 to .99. It is moved along the gradient of the net until the class
    has this probability. If the net has batch normalization, the rows together are also pulled to
    the stored means and variances of its training rows [1]_.

    It is unstable on tables: a net also predicts a class far from the data, and only batch
    normalization shows where the data are. Compare with :class:`FromSchema`, on real rows if
    there are any. The teacher is a skorch net or a :class:`TorchTeacher` without `preprocess`,
    alone or after scalers, that sees columns of numbers only.

    Parameters
    ----------
    schema : TableSchema, default=None
        The ranges. None takes them from X; without any, it must be given.
    class_prior : "balanced", dict, array-like of shape (n_classes,) or None, default=None
        Shares of the classes, as predicted by the teacher, in the drawn rows: rows of
        too frequent classes are dropped. None drops no rows.
    n_steps : int, default=100
        Steps along the gradient.
    learning_rate : float, default=0.02
        Length of a step of Adam, as a share of the range of an input.
    batch_norm : float, default=1.0
        Weight of the distance to the statistics of batch normalization.
    size : float, default=8.0
        New rows for each training row, in a fit.
    weight : float, default=1.0
        Weight of a sampled row relative to a training row.

    See Also
    --------
    FromSchema : Rows from ranges and levels alone.

    References
    ----------
    .. [1] Yin, Molchanov, Alvarez, Li, Mallya, Hoiem, Jha and Kautz (2020). Dreaming to Distill:
       Data-free Knowledge Transfer via DeepInversion.
       https://doi.org/10.1109/CVPR42600.2020.00874

    Examples
    --------
    >>> import torch
    >>> from skdistill import FromNet, TableSchema, TorchTeacher
    >>> teacher = TorchTeacher(torch.nn.Linear(2, 3), classes=["a", "b", "c"])
    >>> schema = TableSchema({0: (-1.0, 1.0), 1: (0.0, 5.0)})
    >>> FromNet(schema).rows(teacher, 50, random_state=0).shape
    (50, 2)
    """

    _parameter_constraints: ClassVar[dict] = {
        **DataFreeSampler._parameter_constraints,
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "batch_norm": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        schema: TableSchema | None = None,
        class_prior: Any = None,
        n_steps: int = 100,
        learning_rate: float = 0.02,
        batch_norm: float = 1.0,
        size: float = 8.0,
        weight: float = 1.0,
    ) -> None:
        super().__init__(schema=schema, class_prior=class_prior, size=size, weight=weight)
        self.n_steps = n_steps
        self.learning_rate = learning_rate
        self.batch_norm = batch_norm

    def check_teacher(self, parts: list[tuple[str, Any]]) -> None:
        """Raise a ValueError if no teacher is a net; see :meth:`TransferSampler.check_teacher`."""
        from skdistill.teacher import may_have_net

        if parts and not any(may_have_net(part) for _, part in parts):
            told = ", ".join(type(getattr(part, "estimator", part)).__name__ for _, part in parts)
            raise ValueError(f"`FromNet` needs a teacher that is a net; got {told}.")

    def _structure(self, teacher: Estimator) -> None:
        """None: this sampler does not use trees."""

    def _draw(
        self,
        teacher: Estimator,
        structure: TreeStructure | None,
        domain: Domain,
        n: int,
        rng: np.random.RandomState,
    ) -> FloatArray:
        from skdistill.teacher import net_structure

        net = net_structure(teacher, len(domain.levels), "FromNet")
        ends = np.vstack([domain.low, domain.high])
        low, high = np.sort(np.asarray(net.transform(domain.write(ends)), dtype=float), axis=0)
        rows = domain.at(rng.random_sample((n, len(domain.levels))))
        with safe_threads():
            moved = net.raw(self._invert(net, low, high, n, rng))
        seen = np.flatnonzero(~np.isnan(moved).all(axis=0))
        rows[:, seen] = np.clip(moved[:, seen], domain.low[seen], domain.high[seen])
        rows[:, domain.whole] = np.rint(rows[:, domain.whole])
        # In the dtypes of X, a number may be another.
        return domain.place_of(read_table(domain.write(rows), kinds=domain.table.kinds))

    def _invert(
        self,
        net: NetStructure,
        low: FloatArray,
        high: FloatArray,
        n: int,
        rng: np.random.RandomState,
    ) -> FloatArray:
        """Inputs of the net, of shape (n, n_inputs)."""
        import torch

        first = next(net.module.parameters())
        as_tensor: dict[str, Any] = {"dtype": first.dtype, "device": first.device}
        start, span = torch.tensor(low, **as_tensor), torch.tensor(high - low, **as_tensor)
        place = torch.tensor(rng.random_sample((n, len(low))), **as_tensor).requires_grad_()
        sure = torch.tensor(np.log(rng.uniform(LEAST_SURE, MOST_SURE, n)), **as_tensor)
        optimizer = torch.optim.Adam([place], lr=self.learning_rate)
        layers, hooks = _watch(net.module)
        target = None
        for _ in range(self.n_steps):
            output = _log_probabilities(net.module(start + span * place))
            if target is None:
                target = torch.from_numpy(_classes(n, output.shape[1], rng)).to(first.device)
            told = output.gather(1, target[:, None])[:, 0]
            loss = torch.relu(sure - told).sum() + self.batch_norm * _distance(layers, n)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                place.clamp_(0, 1)
        for hook in hooks:
            hook.remove()
        found: FloatArray = (start + span * place).detach().double().cpu().numpy()
        return found


def _classes(n: int, n_classes: int, rng: np.random.RandomState) -> IntArray:
    return rng.permutation(np.arange(n) % n_classes)


def _log_probabilities(output: Any) -> torch.Tensor:
    """Log probabilities, from the net's outputs: logits, one or many, or probabilities."""
    import torch

    output = output[0] if isinstance(output, tuple) else output
    if output.ndim == 1 or output.shape[1] == 1:
        output = torch.stack([torch.zeros_like(output.reshape(-1)), output.reshape(-1)], dim=1)
    elif (output >= 0).all() and torch.allclose(output.sum(dim=1), output.new_ones(()), atol=1e-3):
        return output.clamp_min(1e-12).log()
    return torch.log_softmax(output, dim=1)


def _watch(module: torch.nn.Module) -> tuple[dict[Any, torch.Tensor], list[Any]]:
    """The inputs of the layers of batch normalization, renewed at each call of the module."""
    import torch

    layers: dict[Any, torch.Tensor] = {}

    def keep(layer: Any, args: tuple[torch.Tensor, ...]) -> None:
        layers[layer] = args[0]

    kinds = (torch.nn.BatchNorm1d,)
    found = [part for part in module.modules() if isinstance(part, kinds)]
    return layers, [
        part.register_forward_pre_hook(keep) for part in found if part.running_mean is not None
    ]


def _distance(layers: dict[Any, torch.Tensor], n: int) -> Any:
    """Distance of rows from the statistics of batch normalization, as a share of their variance."""
    total: Any = 0.0
    for layer, inputs in layers.items():
        flat = inputs.reshape(-1, inputs.shape[1]) if inputs.ndim == 2 else inputs.flatten(2).mT
        flat = flat.reshape(-1, flat.shape[-1])
        variance = layer.running_var + layer.eps
        mean_gap = (flat.mean(dim=0) - layer.running_mean) ** 2 / variance
        ratio = (flat.var(dim=0, unbiased=False) + layer.eps) / variance
        total = total + n * (mean_gap + (ratio.sqrt() - 1) ** 2).mean()
    return total
