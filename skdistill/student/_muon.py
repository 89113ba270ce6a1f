"""The optimizer of the default student: Muon for its matrices, AdamW for all else."""

from collections.abc import Iterable
from typing import Any, cast

import torch

from skdistill._utils._compat import adamw_kernel, fused_adamw_kernel

# Coefficients of the first three steps of a Newton-Schulz iteration [3]_. They bring singular
# values of 0.003 to 1 into 0.19 to 1.87.
POLAR_EXPRESS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
)

_adamw, _kernel = adamw_kernel(), fused_adamw_kernel()


class Muon(torch.optim.Optimizer):
    r"""Momentum made orthogonal [1]_, for matrices; AdamW for other parameters.

    The update of a matrix of shape (m, n) is its momentum with singular values near 1, times
    :math:`0.2 \sqrt{\max(m, n)}`: as large as AdamW's [2]_, so that one learning rate is right for
    both.

    Parameters
    ----------
    params : iterable
        Parameters, or groups of them. A group with ``orthogonal=True`` holds matrices.
    lr : float, default=0.008
    weight_decay : float, default=0.1
        Decoupled, as AdamW's.
    momentum : float, default=0.95
        Of matrices; Nesterov's.
    betas : tuple of float, default=(0.9, 0.999)
        Of AdamW.
    eps : float, default=1e-8
        Of AdamW.
    orthogonal : bool, default=False
        Of groups that do not say it.

    References
    ----------
    .. [1] Jordan et al. (2024). Muon: An optimizer for hidden layers in neural networks.
       https://kellerjordan.github.io/posts/muon/
    .. [2] Liu et al. (2025). Muon is Scalable for LLM Training.
       https://doi.org/10.48550/arXiv.2502.16982
    .. [3] Amsel et al. (2025). The Polar Express: Optimal Matrix Sign Methods and Their
       Application to the Muon Algorithm. https://doi.org/10.48550/arXiv.2505.16932
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.008,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        orthogonal: bool = False,
    ):
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "betas": betas,
            "eps": eps,
            "orthogonal": orthogonal,
        }
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Take a step; see :class:`torch.optim.Optimizer`."""
        value = None
        if closure is not None:
            with torch.enable_grad():
                value = closure()
        for group in self.param_groups:
            parameters = [one for one in group["params"] if one.grad is not None]
            if group["orthogonal"]:
                for parameter in parameters:
                    self._step_matrix(parameter, group)
            elif parameters:
                self._step_others(parameters, group)
        return value

    def _step_matrix(self, matrix: torch.nn.Parameter, group: dict) -> None:
        state, gradient = self.state[matrix], cast("torch.Tensor", matrix.grad)
        if not state:
            state["momentum"] = torch.zeros_like(matrix)
        momentum = state["momentum"]
        momentum.mul_(group["momentum"]).add_(gradient)
        update = orthogonalized(torch.add(gradient, momentum, alpha=group["momentum"]))
        matrix.mul_(1 - group["lr"] * group["weight_decay"])
        matrix.add_(update, alpha=-group["lr"] * 0.2 * max(matrix.shape[-2:]) ** 0.5)

    def _step_others(self, parameters: list[torch.nn.Parameter], group: dict) -> None:
        states = [self.state[one] for one in parameters]
        for state, parameter in zip(states, parameters, strict=True):
            if not state:
                state["step"] = torch.zeros(())
                state["exp_avg"] = torch.zeros_like(parameter)
                state["exp_avg_sq"] = torch.zeros_like(parameter)
        tensors: Any = (
            parameters,
            [one.grad for one in parameters],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
        )
        options = {name: group[name] for name in ("lr", "weight_decay", "eps")}
        beta1, beta2 = group["betas"]
        options |= {"beta1": beta1, "beta2": beta2, "amsgrad": False, "maximize": False}
        if all(one.device.type == "cpu" for one in parameters):
            for state in states:
                state["step"].add_(1)
            _kernel(*tensors, **options)  # a tenth of a step of the default student less
        else:
            _adamw(*tensors, foreach=True, **options)


def muon_options(n_hidden: int) -> dict[str, Any]:
    """Parameters of a net over an MLP: Muon, for the matrices of all layers but the last.

    Parameters
    ----------
    n_hidden : int
        Hidden layers.

    Returns
    -------
    dict
    """
    names = ["first.weight", *(f"layers.{place}.weight" for place in range(n_hidden - 1))]
    groups = [(name, {"orthogonal": True}) for name in names]
    return {"optimizer": Muon, "optimizer__param_groups": groups}


def orthogonalized(matrix: torch.Tensor) -> torch.Tensor:
    """The nearest matrix with orthogonal rows or columns, roughly; of a stack, each on its own.

    Parameters
    ----------
    matrix : torch.Tensor of shape (m, n) or (n_matrices, m, n)

    Returns
    -------
    torch.Tensor of shape (m, n) or (n_matrices, m, n)
        Its singular values are near 1: between 0.1 and 1.9, save those that were very small.
    """
    is_tall = matrix.shape[-2] > matrix.shape[-1]
    X = matrix.mT if is_tall else matrix
    X = X / (torch.linalg.vector_norm(X, dim=(-2, -1), keepdim=True) + 1e-7)
    add_product = torch.addmm if X.dim() == 2 else torch.baddbmm
    for a, b, c in POLAR_EXPRESS:
        gram = X @ X.mT
        X = add_product(X, add_product(gram, gram, gram, beta=b, alpha=c), X, beta=a)
    return X.mT if is_tall else X
