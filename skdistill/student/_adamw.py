"""AdamW over the flat parameter of a net that is trained directly."""

from typing import Any, cast

import torch

from skdistill._utils._compat import fused_adamw_kernel

_kernel = fused_adamw_kernel()


class FlatUpdate:
    """The optimizer's step over one parameter, for an epoch.

    Where it is the fused AdamW, its kernel alone is called: what torch does before takes longer.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
    flat : torch.nn.Parameter
    """

    def __init__(self, optimizer: torch.optim.Optimizer, flat: torch.nn.Parameter):
        self.optimizer, self.flat = optimizer, flat
        self.group = optimizer.param_groups[0]
        self.tensors: tuple[Any, ...] | None = None

    def step(self) -> None:
        """Take a step, by the gradients that the parameter has."""
        if self.tensors is None:
            state = self.optimizer.state.get(self.flat)
            if not state or not self.group.get("fused"):  # the first step, or Muon
                self.optimizer.step()
                return
            self.tensors = self._tensors_of(state)
        group = self.group
        beta1, beta2 = group["betas"]
        self.tensors[-1][0].add_(1)
        _kernel(
            *self.tensors,
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
        )

    def _tensors_of(self, state: dict[str, torch.Tensor]) -> tuple[Any, ...]:
        gradient = cast("torch.Tensor", self.flat.grad)
        means, squares = [state["exp_avg"]], [state["exp_avg_sq"]]
        return [self.flat], [gradient], means, squares, [], [state["step"]]
