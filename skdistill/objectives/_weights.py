"""How large a term of the loss is."""

from typing import Any

import torch

# Of weight="auto": the size of a term's gradient, as a share of that of labels and response.
AUTO_SHARE = 0.2


def balancing_factor(term: torch.Tensor, rest: torch.Tensor, variables: list[Any]) -> torch.Tensor:
    """The factor at which the gradient of a term has its share of that of the rest.

    Parameters
    ----------
    term : torch.Tensor of shape ()
    rest : torch.Tensor of shape ()
        Labels and response.
    variables : list of torch.Tensor
        The student's weights, or its logits.

    Returns
    -------
    torch.Tensor of shape ()
        0 for a term without a gradient: it has no size to balance.
    """
    own = gradient_norm(term, variables)
    return AUTO_SHARE * gradient_norm(rest, variables) / own if own > 0 else torch.zeros(())


def gradient_norm(value: torch.Tensor, variables: list[Any]) -> torch.Tensor:
    """Norm of the gradient of a value.

    Parameters
    ----------
    value : torch.Tensor of shape ()
    variables : list of torch.Tensor

    Returns
    -------
    torch.Tensor of shape ()
    """
    if not value.requires_grad:
        return torch.zeros(())
    found = torch.autograd.grad(value, variables, retain_graph=True, allow_unused=True)
    parts = [gradient.flatten() for gradient in found if gradient is not None]
    return torch.cat(parts).norm() if parts else torch.zeros(())
