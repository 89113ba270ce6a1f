"""Fitted teachers from files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from skdistill import TRUSTED_TYPES
from skdistill._utils.types import Estimator
from skdistill.serving import Scorer
from skdistill.teacher import FittedTeacher, adapt_numbers, is_frozen, is_known_model

CLASSIFICATION, REGRESSION = "classification", "regression"
PICKLES = (".joblib", ".pkl", ".pickle")


def load_teacher(path: Path, trust: bool, trusted_types: list[str]) -> Estimator:
    """Read a model.

    ==========================  =====================================================
    suffix                      read by
    ==========================  =====================================================
    .joblib, .pkl, .pickle      joblib; only with `trust`, since loading runs code
    .skops                      skops; types that it does not know must be trusted
    .json, .ubj                 XGBoost
    .txt                        LightGBM
    .cbm                        CatBoost
    .onnx                       Scorer, or ONNX Runtime where another tool wrote it
    ==========================  =====================================================

    Parameters
    ----------
    path : pathlib.Path
    trust : bool
        Whether the file may run code, or bring types that skops does not know.
    trusted_types : list of str
        More types for skops.

    Returns
    -------
    object
        The model, ready to be a teacher: frozen if it is fitted.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If the suffix tells no kind of model, the file is not trusted, or cannot be read.
    """
    if not path.is_file():
        raise FileNotFoundError(f"`--teacher` is {str(path)!r}, where there is no file.")
    suffix = path.suffix.lower()
    if suffix in PICKLES and not trust:
        raise ValueError(
            f"`--teacher` is {str(path)!r}, a pickle, which runs code when it is loaded: give "
            "--trust if you know where the file comes from, or store the model by skops or in the "
            "format of its library."
        )
    if suffix == ".skops":
        return _frozen(_of_skops(path, trust, trusted_types))
    readers = dict.fromkeys(PICKLES, _of_joblib) | _READERS
    if suffix not in readers:
        raise ValueError(
            f"`--teacher` is {str(path)!r}, whose suffix tells no kind of model: give one of "
            f"{', '.join([*readers, '.skops'])}."
        )
    try:
        return _frozen(readers[suffix](path))
    except ImportError:
        raise
    except Exception as error:  # each library has its own
        raise ValueError(f"`--teacher` {str(path)!r} cannot be read: {error}") from error


def task_of(teacher: Estimator, given: str | None) -> str:
    """Whether a teacher tells classes or numbers.

    Parameters
    ----------
    teacher : object
    given : {"classification", "regression"} or None
        What the user says; None asks the teacher.

    Returns
    -------
    {"classification", "regression"}

    Raises
    ------
    ValueError
        If it tells neither, or is of the other kind than was given.
    """
    other = {CLASSIFICATION: is_regressor, REGRESSION: is_classifier}
    if given is not None:
        if other[given](teacher):
            name = type(getattr(teacher, "estimator", teacher)).__name__
            raise ValueError(
                f"--task is {given}, but the teacher, {name}, says that it does the other: leave "
                "--task out, or give another teacher."
            )
        return given
    if is_known_model(teacher):
        try:
            adapt_numbers(teacher)
        except ValueError:
            return CLASSIFICATION
        return REGRESSION
    if is_classifier(teacher) or hasattr(teacher, "predict_proba"):
        return CLASSIFICATION
    if is_regressor(teacher):
        return REGRESSION
    raise ValueError(
        f"the teacher, {type(teacher).__name__}, does not tell whether it knows classes or "
        "numbers: give --task."
    )


def with_classes(teacher: Estimator, y: np.ndarray, names: list[str] | None) -> Estimator:
    """A teacher whose classes are labels of the target.

    Parameters
    ----------
    teacher : object
    y : ndarray of shape (n_samples,)
    names : list of str or None
        The label of each column of its probabilities, as text.

    Returns
    -------
    object

    Raises
    ------
    ValueError
        If the target has labels that the teacher does not know.
    """
    found = {str(label): label for label in np.unique(y).tolist()}
    if names is not None:
        classes = [found.get(name, name) for name in names]
        _check_labels(list(found.values()), classes, "--classes has")
        return FittedTeacher(getattr(teacher, "estimator", teacher), classes=classes)
    if not is_frozen(teacher):
        return teacher
    known = FittedTeacher(teacher).classes_.tolist()
    _check_labels(list(found.values()), known, "the teacher knows")
    return teacher


def _check_labels(labels: list[Any], known: list[Any], who: str) -> None:
    unknown = [label for label in labels if label not in known]
    if unknown:
        raise ValueError(
            f"the target has the labels {unknown[:10]}, and {who} {known[:10]}: give --classes, "
            "the label of each column of its probabilities."
        )


def _frozen(model: Estimator) -> Estimator:
    """To be used as it is, if it is fitted."""
    if is_frozen(model):
        return model
    try:
        check_is_fitted(model)
    except (TypeError, ValueError, AttributeError):  # NotFittedError is the last two of these
        return model
    return FrozenEstimator(model)


def _of_joblib(path: Path) -> Any:
    import joblib

    return joblib.load(path)


def _of_skops(path: Path, trust: bool, trusted_types: list[str]) -> Any:
    import skops.io

    wanted = [*TRUSTED_TYPES, *trusted_types]
    unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - set(wanted))
    if unknown and not trust:
        options = " ".join(f"--trust-type {name}" for name in unknown)
        raise ValueError(
            f"`--teacher` {str(path)!r} holds types that skops does not know: look at them, and "
            f"give {options}"
        )
    return skops.io.load(path, trusted=[*wanted, *unknown])


def _of_xgboost(path: Path) -> Any:
    import xgboost

    return xgboost.Booster(model_file=path)


def _of_lightgbm(path: Path) -> Any:
    import lightgbm

    return lightgbm.Booster(model_file=path)


def _of_catboost(path: Path) -> Any:
    import catboost

    return catboost.CatBoost().load_model(str(path), format="cbm")


def _of_onnx(path: Path) -> Any:
    import onnxruntime

    try:
        return Scorer(path)
    except ValueError as error:
        if "is not one that skdistill.to_onnx wrote" not in str(error):
            raise
    return onnxruntime.InferenceSession(path)


_READERS: dict[str, Callable[[Path], Any]] = {
    ".json": _of_xgboost,
    ".ubj": _of_xgboost,
    ".txt": _of_lightgbm,
    ".cbm": _of_catboost,
    ".onnx": _of_onnx,
}
