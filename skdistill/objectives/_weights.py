"""How large a term of the loss is."""

import torch


def gradient_norm(value: torch.Tensor, parameters: list[torch.nn.Parameter]) -> torch.Tensor:
    """Norm of the gradient of a term in the student's weights.

    Parameters
    ----------
    value : torch.Tensor of shape ()
    parameters : list of torch.nn.Parameter

    Returns
    -------
    torch.Tensor of shape ()
    """
    if not value.requires_grad:
        return torch.zeros(())
    found = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)
    parts = [gradient.flatten() for gradient in found if gradient is not None]
    return torch.cat(parts).norm() if parts else torch.zeros(())
