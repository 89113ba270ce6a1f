"""Soft targets: pure NumPy functions on arrays of probabilities."""

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax, softmax

from skdistill._utils.types import BoolArray, FloatArray, IntArray
from skdistill._utils.weights import n_effective

# Prior standard deviation of log T.
PRIOR_SPREAD = 0.5
# Least share of a class among the targets: 0 has no finite logarithm.
LEAST_SHARE = 1e-6
# Prior of the weights, in rows for each teacher of a pool.
PRIOR_ROWS = 1.0
# A weight of e^-15 counts as 0.
LARGEST_LOG_WEIGHT = 15.0


def floor_probabilities(probabilities: FloatArray, floor: float) -> FloatArray:
    """Lift every probability to at least `floor` and renormalise the rows.

    A forest of n trees may give a class exactly 0, which only means "less than one vote in n".
    A temperature other than 1 needs a finite logarithm.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
    floor : float
        Lowest probability, in [0, 1 / n_classes). 0 changes nothing.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    if not floor:
        return probabilities
    floored = np.maximum(probabilities, floor)
    return floored / floored.sum(axis=1, keepdims=True)


def scale_temperature(probabilities: FloatArray, temperature: float) -> FloatArray:
    r"""Soften probabilities: :math:`q_k \propto p_k^{1/T}`, which is softmax(logits / T).

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        Rows that sum to 1. A probability of exactly 0 stays 0.
    temperature : float
        T > 0; above 1 softens, below 1 sharpens.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)

    References
    ----------
    .. [1] Hinton, Vinyals and Dean (2015). Distilling the Knowledge in a Neural Network.
       https://doi.org/10.48550/arXiv.1503.02531
    """
    if temperature == 1:
        return probabilities
    with np.errstate(divide="ignore"):
        return softmax(np.log(probabilities) / temperature, axis=1)


def pool_probabilities(
    members: list[FloatArray], weights: FloatArray, pooling: str = "arithmetic"
) -> FloatArray:
    """Average the probabilities of several teachers.

    Parameters
    ----------
    members : list of ndarray of shape (n_samples, n_classes)
        One array a teacher, its columns in the common order of the classes. The column of a
        class that a teacher does not know is ignored.
    weights : ndarray of shape (n_members, n_classes)
        Weight of each teacher in each class's pool, 0 where it does not know the class.
    pooling : {"arithmetic", "geometric"}, default="arithmetic"
        Mean of the probabilities, or of their logarithms.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Rows sum to 1. A class that no teacher knows gets 0.
    """
    known = weights.sum(axis=0) > 0
    shares = np.divide(weights, weights.sum(axis=0), out=np.zeros_like(weights), where=known)
    if pooling == "arithmetic":
        pooled = sum(share * p for share, p in zip(shares, members, strict=True))
    else:
        logs = 0.0
        for share, p in zip(shares, members, strict=True):
            logs = logs + share * np.log(np.where(share > 0, p, 1.0))
        pooled = np.where(known, np.exp(logs), 0.0)
    return pooled / pooled.sum(axis=1, keepdims=True)


def fit_pool_weights(
    members: list[FloatArray],
    known: BoolArray,
    labels: IntArray,
    pooling: str = "arithmetic",
    sample_weight: FloatArray | None = None,
) -> FloatArray:
    r"""Find the weights that give the pool of several teachers the lowest log loss.

    A Dirichlet prior, :math:`\prod_k w_k`, counts as one row for each teacher. It pulls them to
    equal weights, so that a few rows change them only a little. Only the proportions of
    `sample_weight` matter. The more uneven they are, the fewer rows they count as.

    Parameters
    ----------
    members : list of ndarray of shape (n_samples, n_classes)
        As in :func:`pool_probabilities`, above 0 for each class that the teacher knows.
    known : ndarray of bool of shape (n_members, n_classes)
        Which classes each teacher knows. Rows of a class that nobody knows say nothing.
    labels : ndarray of shape (n_samples,)
        Column index of the true class of each row, none of which a teacher has learned from.
    pooling : {"arithmetic", "geometric"}, default="arithmetic"
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    ndarray of shape (n_members,)
        Above 0, with a sum of 1.

    References
    ----------
    .. [1] Genest and Zidek (1986). Combining Probability Distributions: A Critique and an
       Annotated Bibliography. https://doi.org/10.1214/ss/1177013825
    """
    rows = np.arange(len(labels))
    weight = np.ones(len(labels)) if sample_weight is None else sample_weight
    n_rows = n_effective(weight)

    def log_loss(logits: FloatArray) -> float:
        logs = log_softmax(logits)
        pooled = pool_probabilities(members, np.exp(logs)[:, None] * known, pooling)[rows, labels]
        prior = PRIOR_ROWS * logs.sum() / n_rows
        return -np.average(np.log(np.where(pooled > 0, pooled, 1.0)), weights=weight) - prior

    bounds = [(-LARGEST_LOG_WEIGHT, LARGEST_LOG_WEIGHT)] * len(members)
    return softmax(minimize(log_loss, np.zeros(len(members)), bounds=bounds).x)


def mean_true_probability(
    probabilities: FloatArray, labels: IntArray, sample_weight: FloatArray | None = None
) -> float:
    """Mean probability of the true class, a bounded and smooth relative of accuracy.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
    labels : ndarray of shape (n_samples,)
        Column index of the true class of each row.
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    float
    """
    return float(np.average(probabilities[np.arange(len(labels)), labels], weights=sample_weight))


def prior_offsets(shares: FloatArray, prior: FloatArray) -> FloatArray:
    r"""The correction of logits that were learned under other shares of the classes.

    By Bayes' rule :math:`p(k | x) \propto p_{train}(k | x) \, \pi_k / \pi_{train, k}`, as long as
    the rows of one class are alike under both.

    Parameters
    ----------
    shares : ndarray of shape (n_classes,)
        Shares of the classes among the targets that were learned.
    prior : ndarray of shape (n_classes,)
        Shares of the classes where the model is used, above 0.

    Returns
    -------
    ndarray of shape (n_classes,)

    References
    ----------
    .. [1] Saerens, Latinne and Decaestecker (2002). Adjusting the Outputs of a Classifier to New a
       Priori Probabilities. https://doi.org/10.1162/089976602753284446
    """
    return np.log(prior / prior.sum()) - np.log(np.maximum(shares / shares.sum(), LEAST_SHARE))


def log_losses(logits: FloatArray, labels: IntArray) -> FloatArray:
    """Log loss of each row, from the logits: never infinite.

    Parameters
    ----------
    logits : ndarray of shape (n_samples, n_classes)
    labels : ndarray of shape (n_samples,)
        Column index of the true class of each row.

    Returns
    -------
    ndarray of shape (n_samples,)
        In nats.
    """
    return -log_softmax(logits, axis=1)[np.arange(len(labels)), labels]


def fit_temperature(
    logits: FloatArray, labels: IntArray, sample_weight: FloatArray | None = None
) -> float:
    """Find the temperature that gives ``softmax(logits / T)`` the lowest log loss.

    A normal prior on log T, around 0, keeps it from its bounds if a few rows happen to be all
    correct, or if one row is far off.

    Parameters
    ----------
    logits : ndarray of shape (n_samples, n_classes)
    labels : ndarray of shape (n_samples,)
        Column index of the true class of each row.
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    float
        Between 0.05 and 20.

    References
    ----------
    .. [1] Guo et al. (2017). On Calibration of Modern Neural Networks.
       https://doi.org/10.48550/arXiv.1706.04599
    """
    weight = np.ones(len(labels)) if sample_weight is None else sample_weight
    n_rows = n_effective(weight)

    def log_loss(log_temperature: float) -> float:
        losses = log_losses(logits / np.exp(log_temperature), labels)
        prior = log_temperature**2 / (2 * PRIOR_SPREAD**2 * n_rows)
        return float(prior + np.average(losses, weights=sample_weight))

    bounds = (np.log(0.05), np.log(20.0))
    return float(np.exp(minimize_scalar(log_loss, bounds=bounds, method="bounded").x))
