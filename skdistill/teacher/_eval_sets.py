"""Evaluation sets among the arguments of a teacher's ``fit``."""

import numpy as np

from skdistill._utils._compat import num_samples


def in_codes(fit_params, known):
    """The arguments of a ``fit``, with the labels of evaluation sets as codes 0, 1, ...

    Parameters
    ----------
    fit_params : dict of str to object
        A list of pairs of rows and their labels is an evaluation set, whatever its name.
    known : ndarray of shape (n_classes,)
        The labels that the teacher is fitted on, sorted.

    Returns
    -------
    dict of str to object

    Raises
    ------
    ValueError
        If there are other labels.
    """
    return {
        name: [(rows, _codes(name, labels, known)) for rows, labels in value]
        if _is_eval_set(value)
        else value
        for name, value in fit_params.items()
    }


def _is_eval_set(value):
    if not isinstance(value, (list, tuple)) or not value:
        return False
    return all(isinstance(pair, (list, tuple)) and _is_pair(pair) for pair in value)


def _is_pair(pair):
    try:
        return len(pair) == 2 and num_samples(pair[0]) == num_samples(pair[1])
    except TypeError:
        return False


def _codes(name, labels, known):
    labels = np.asarray(labels)
    unknown = labels[~np.isin(labels, known)]
    if len(unknown):
        raise ValueError(
            f"`{name}` has the label {unknown.tolist()[0]!r}, but the teacher is fitted on rows "
            f"with the labels {known[:10].tolist()}: give labels as in y, and leave rows of other "
            "classes out."
        )
    return np.searchsorted(known, labels)
