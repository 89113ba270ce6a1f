"""How good probabilities are, and how near a student's are to its teacher's."""

import numpy as np
from scipy.special import entr, rel_entr
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import column_or_1d

from skdistill._utils.types import ArrayLike, FloatArray, IntArray
from skdistill._utils.weights import check_weights
from skdistill.metrics._mean import weighted_mean

# The lowest probability a logarithm is taken of, as in sklearn.metrics.log_loss.
TINY = np.finfo(np.float64).eps


def mutual_information(y_prob: ArrayLike) -> FloatArray:
    r"""How far several answers for a row are apart: the entropy of their mean, less their own.

    .. math:: H(\bar p) - \frac{1}{M} \sum_m H(p_m), \quad \bar p = \frac{1}{M} \sum_m p_m

    It is 0 where all agree, however unsure each of them is: what is not known is told apart from
    what is a matter of chance.

    Parameters
    ----------
    y_prob : array-like of shape (n_samples, n_members, n_classes)
        Probabilities of each member: of :func:`skdistill.head_probabilities`, or of
        ``TeacherPool.predict_each``.

    Returns
    -------
    ndarray of shape (n_samples,)
        In nats, from 0 to the logarithm of the number of members.

    References
    ----------
    .. [1] Houlsby et al. (2011). Bayesian Active Learning for Classification and Preference
       Learning. https://doi.org/10.48550/arXiv.1112.5745

    Examples
    --------
    >>> from skdistill.metrics import mutual_information
    >>> agree, disagree = [[0.5, 0.5], [0.5, 0.5]], [[1.0, 0.0], [0.0, 1.0]]
    >>> mutual_information([agree, disagree]).round(3)
    array([0.   , 0.693])
    """
    p = check_array(y_prob, allow_nd=True, ensure_min_features=0, dtype=np.float64)
    if p.ndim != 3:
        raise ValueError(
            f"`y_prob` must have shape (n_samples, n_members, n_classes), got {p.shape}."
        )
    own = entr(p).sum(axis=2).mean(axis=1)
    return np.maximum(entr(p.mean(axis=1)).sum(axis=1) - own, 0.0)


def expected_calibration_error(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    *,
    n_bins: int = 15,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
) -> float:
    r"""How far confidence is from accuracy, on average.

    Rows are put into bins of equal width by their confidence, the highest probability of the row.
    In each bin the mean confidence is held against the share of rows whose most probable class
    is the true one:

    .. math:: \sum_b \frac{w_b}{w} \, | \mathrm{acc}_b - \mathrm{conf}_b |

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels.
    y_prob : array-like of shape (n_samples, n_classes) or (n_samples,)
        Probabilities; of the second class where there is one column.
    n_bins : int, default=15
        Bins between 0 and 1.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows, w above.
    labels : array-like of shape (n_classes,), default=None
        The classes in the order of the columns. None takes the sorted labels of `y_true`.

    Returns
    -------
    float
        In [0, 1]; 0 is best. It shrinks with more rows, since the noise of a bin counts as error.

    Raises
    ------
    ValueError
        If shapes do not match, a label is unknown, or `n_bins` is not a positive integer.

    References
    ----------
    .. [1] Naeini, Cooper and Hauskrecht (2015). Obtaining Well Calibrated Probabilities Using
       Bayesian Binning. https://doi.org/10.1609/aaai.v29i1.9602
    .. [2] Guo et al. (2017). On Calibration of Modern Neural Networks.
       https://doi.org/10.48550/arXiv.1706.04599

    Examples
    --------
    >>> from skdistill.metrics import expected_calibration_error
    >>> round(expected_calibration_error([0, 0, 1, 1], [0.1, 0.1, 0.9, 0.9]), 3)
    0.1
    """
    if isinstance(n_bins, bool) or not isinstance(n_bins, (int, np.integer)) or n_bins < 1:
        raise ValueError(f"`n_bins` must be an integer >= 1, got {n_bins!r}.")
    y_true = column_or_1d(y_true)
    p = _both_columns(_probabilities(y_prob, "y_prob"))
    check_consistent_length(y_true, p)
    labels = np.unique(y_true) if labels is None else np.asarray(labels)
    if len(labels) != p.shape[1]:
        raise ValueError(
            f"`y_prob` has {p.shape[1]} columns, but there are {len(labels)} classes: give all "
            "classes, in the order of the columns, as `labels`."
        )
    predicted = labels[p.argmax(axis=1)]
    unknown = np.setdiff1d(y_true, labels)
    if len(unknown):
        raise ValueError(f"`y_true` has labels {unknown[:10].tolist()} that are not in `labels`.")
    weight = check_weights(sample_weight, len(p))
    weight = np.ones(len(p)) if weight is None else weight
    gaps = weight * ((predicted == y_true) - p.max(axis=1))
    bins = confidence_bins(p.max(axis=1), n_bins)
    return float(np.abs(np.bincount(bins, gaps)).sum() / weight.sum())


def confidence_bins(confidence: FloatArray, n_bins: int) -> IntArray:
    """The bin of equal width, open on the left, that each confidence falls into."""
    return np.clip(np.ceil(confidence * n_bins).astype(int) - 1, 0, n_bins - 1)


def agreement(
    teacher_prob: ArrayLike, student_prob: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Share of rows on which both find the same class most probable.

    Parameters
    ----------
    teacher_prob, student_prob : array-like of shape (n_samples, n_classes) or (n_samples,)
        Probabilities; of the second class where there is one column.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> from skdistill.metrics import agreement
    >>> agreement([[0.9, 0.1], [0.4, 0.6]], [[0.8, 0.2], [0.6, 0.4]])
    0.5
    """
    p, q = check_pair(teacher_prob, student_prob)
    return weighted_mean(p.argmax(axis=1) == q.argmax(axis=1), sample_weight)


def kl_divergence(
    teacher_prob: ArrayLike, student_prob: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    r"""Mean Kullback-Leibler divergence of the student from the teacher, in nats.

    .. math:: \mathrm{KL}(p \,\|\, q) = \sum_k p_k \log \frac{p_k}{q_k}

    with the teacher's probabilities p and the student's q. A class to which the teacher gives 0
    adds nothing.

    Parameters
    ----------
    teacher_prob, student_prob : array-like of shape (n_samples, n_classes) or (n_samples,)
        Probabilities; of the second class where there is one column. The student's are lifted to
        the machine's precision, as :func:`sklearn.metrics.log_loss` does.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    float
        0 where both are equal.

    References
    ----------
    .. [1] Kullback and Leibler (1951). On Information and Sufficiency.
       https://doi.org/10.1214/aoms/1177729694

    Examples
    --------
    >>> from skdistill.metrics import kl_divergence
    >>> round(kl_divergence([[1.0, 0.0]], [[0.5, 0.5]]), 4)
    0.6931
    """
    p, q = check_pair(teacher_prob, student_prob)
    return weighted_mean(row_divergences(p, q), sample_weight)


def row_divergences(p: FloatArray, q: FloatArray, least: float = TINY) -> FloatArray:
    """KL(p || q) of each row, the probabilities q lifted to the least one."""
    return rel_entr(p, np.maximum(q, least)).sum(axis=1)


def largest_probability_gap(teacher_prob: ArrayLike, student_prob: ArrayLike) -> float:
    """The largest difference between two probabilities of one row and class.

    Parameters
    ----------
    teacher_prob, student_prob : array-like of shape (n_samples, n_classes) or (n_samples,)
        Probabilities; of the second class where there is one column.

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> from skdistill.metrics import largest_probability_gap
    >>> round(largest_probability_gap([[0.9, 0.1], [0.4, 0.6]], [[0.8, 0.2], [0.6, 0.4]]), 3)
    0.2
    """
    p, q = check_pair(teacher_prob, student_prob)
    return float(np.abs(p - q).max())


def _probabilities(value: ArrayLike, name: str) -> FloatArray:
    try:
        p = check_array(value, dtype=np.float64, ensure_2d=False, input_name=name)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must be an array of probabilities: {error}") from error
    if p.ndim > 2 or (p < 0).any() or (p > 1 + 1e-6).any():
        raise ValueError(
            f"`{name}` must hold probabilities from 0 to 1 in one or two dimensions, got shape "
            f"{p.shape} and values from {p.min():g} to {p.max():g}: apply softmax to logits."
        )
    return p


def _both_columns(p: FloatArray) -> FloatArray:
    if p.ndim == 2 and p.shape[1] > 1:
        return p
    p = p.reshape(len(p))
    return np.column_stack([1 - p, p])


def check_pair(
    first: ArrayLike,
    second: ArrayLike,
    names: tuple[str, str] = ("teacher_prob", "student_prob"),
) -> tuple[FloatArray, FloatArray]:
    """Two models' probabilities of the same rows, with a column a class, checked."""
    p = _both_columns(_probabilities(first, names[0]))
    q = _both_columns(_probabilities(second, names[1]))
    if p.shape != q.shape:
        raise ValueError(
            f"`{names[0]}` and `{names[1]}` must have one shape, got {p.shape} and {q.shape}."
        )
    return p, q
