"""A mean of the weights a training goes through."""

from skdistill._utils._compat import lerp_kernel

# Of the polynomial decay: about the last quarter of the steps so far counts.
DECAY = 3

_lerp = lerp_kernel()


class WeightAverage:
    """Polynomial-decay average of the weights of a net, step by step.

    The mean answers as weights at the end of a schedule do, at any step: a choice among epochs is
    not one among the accidents of single steps.

    Parameters
    ----------
    parameters : list of torch.nn.Parameter

    References
    ----------
    .. [1] Shamir and Zhang (2013). Stochastic Gradient Descent for Non-smooth Optimization:
       Convergence Results and Optimal Averaging Schemes.
       https://doi.org/10.48550/arXiv.1212.1824
    """

    def __init__(self, parameters):
        self.weights = [parameter.data for parameter in parameters]
        self.mean = [values.clone() for values in self.weights]
        self.n_steps = 0

    def update(self):
        """Add the weights after a step to the mean."""
        self.n_steps += 1
        share = (DECAY + 1) / (DECAY + self.n_steps)
        _lerp(self.mean, self.weights, share)

    def exchange(self):
        """Put the mean in the place of the weights, or the weights back."""
        for weights, mean in zip(self.weights, self.mean, strict=True):
            kept = weights.clone()
            weights.copy_(mean)
            mean.copy_(kept)
