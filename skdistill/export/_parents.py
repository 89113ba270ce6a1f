"""What the models around a student ask of it in a graph of skl2onnx."""

from dataclasses import dataclass
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline

from skdistill._utils.types import Estimator
from skdistill.classifier import DistilledClassifier
from skdistill.export._skl2onnx import Container, Scope

# Models that answer as one model within them does.
WRAPPERS = (FrozenEstimator, GridSearchCV, Pipeline)
# Models that ask several for their probabilities.
ENSEMBLES = (BaggingClassifier, OneVsRestClassifier, StackingClassifier, VotingClassifier)


def answering(model: Estimator) -> Estimator:
    """The model that answers, within Pipelines, searches and frozen estimators.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    estimator
    """
    while isinstance(model, WRAPPERS):
        if isinstance(model, Pipeline):
            model = model.steps[-1][1]
        else:
            model = model.best_estimator_ if isinstance(model, GridSearchCV) else model.estimator
    return model


@dataclass(frozen=True)
class Wishes:
    """What is asked of a student.

    Attributes
    ----------
    raw_scores : bool
        Whether its decision function is asked for, in place of the probabilities.
    by_ensemble : bool
        Whether an ensemble asks, whose own nodes are made for the type of the graph's input.
    """

    raw_scores: bool
    by_ensemble: bool


def wishes_of_parents(clf: DistilledClassifier, scope: Scope, container: Container) -> Wishes:
    """Look through the models around a student in a graph.

    Parameters
    ----------
    clf : DistilledClassifier
    scope : skl2onnx.common._topology.Scope
    container : skl2onnx.common._container.ModelComponentContainer

    Returns
    -------
    Wishes

    Raises
    ------
    ValueError
        If a model around the student is one that skl2onnx converts to another graph, or if the
        student is asked for both.
    """
    models = _models(scope)
    asks = _has_option(clf, scope, container)
    by_ensembles: set[bool] = set()
    for model in models:
        if model is clf or not _holds(model, clf):
            continue
        _refuse_another_graph(model)
        _refuse_other_classes(model, clf)
        if isinstance(model, WRAPPERS):
            asks = asks or _has_option(model, scope, container)
        elif any(answering(member) is clf for member in _members(model)):
            calibrates = isinstance(model, CalibratedClassifierCV)
            by_ensembles.add(calibrates or _has_option(model, scope, container))
    asks = asks or (not by_ensembles and _outer_pipeline_asks(scope, models))
    if len(by_ensembles | ({True} if asks else set())) > 1:
        raise ValueError(
            "one fitted student is asked for probabilities in one place of the graph and for its "
            "decision function in another, which skl2onnx cannot tell apart: use a copy of it, by "
            "copy.deepcopy, in one of them."
        )
    return Wishes(asks or True in by_ensembles, bool(by_ensembles))


def _models(scope: Scope) -> list[Estimator]:
    """The models that have a place in the graph so far, each once."""
    models = [operator.raw_operator for operator in scope.operators.values()]
    return list({id(model): model for model in models if model is not None}.values())


def _has_option(model: Estimator, *places: Scope | Container) -> bool:
    """Whether the option is on, in the scope (where Pipelines set it) or in the container."""
    found = [place.get_options(model, {"raw_scores": False}, fail=False) for place in places]
    return any(options and options["raw_scores"] for options in found)


def _outer_pipeline_asks(scope: Scope, models: list[Estimator]) -> bool:
    """Whether the option is on for the outermost Pipeline, which has no place in the graph."""
    known = {id(model) for model in models}
    found = (scope.options or {}).items()
    outer = [of for key, of in found if key is Pipeline or _is_id_of_another(key, known)]
    return any(of.get("raw_scores") for of in outer if of)


def _is_id_of_another(key: Any, known: set[int]) -> bool:
    return isinstance(key, int) and key not in known


def _members(model: Estimator) -> list[Estimator]:
    """The fitted models that an ensemble asks."""
    if isinstance(model, CalibratedClassifierCV):
        return [c.estimator for c in getattr(model, "calibrated_classifiers_", [])]
    return getattr(model, "estimators_", [])


def _holds(thing: Any, clf: DistilledClassifier) -> bool:
    """Whether a model, or a list of models, has the student somewhere within it."""
    if thing is clf:
        return True
    if isinstance(thing, (list, tuple)):
        return any(_holds(part, clf) for part in thing)
    if isinstance(thing, CalibratedClassifierCV):
        return _holds(_members(thing), clf)
    # A student within the teacher of another student is not in the graph.
    if isinstance(thing, BaseEstimator) and not isinstance(thing, type(clf)):
        return any(_holds(part, clf) for part in vars(thing).values())
    return False


def _refuse_another_graph(model: Estimator) -> None:
    """Refuse what skl2onnx converts to a graph that answers otherwise."""
    if not type(model).__module__.startswith("sklearn."):
        return  # its converter is the user's own
    name = type(model).__name__
    if isinstance(model, CalibratedClassifierCV) and model.method != "sigmoid":
        raise ValueError(
            f"skl2onnx does not calibrate as {name}(method={model.method!r}) does (isotonic: it "
            "takes the nearest threshold and does not interpolate): use method='sigmoid', or the "
            "student's own `calibrate`."
        )
    if isinstance(model, StackingClassifier) and set(model.stack_method_) != {"predict_proba"}:
        raise ValueError(
            f"skl2onnx does not stack what {name} takes by {model.stack_method_}: use "
            "stack_method='predict_proba', and models that have it."
        )
    is_weighted = isinstance(model, VotingClassifier) and model.weights is not None
    if is_weighted and len(model.estimators) > len(model.estimators_):
        raise ValueError(
            f"skl2onnx mixes up the `weights` of a {name} where a model is dropped: leave that "
            "model out of `estimators`."
        )
    if not isinstance(model, (CalibratedClassifierCV, *WRAPPERS, *ENSEMBLES)):
        raise ValueError(
            f"skl2onnx has no graph that answers as {name} around a student does: convert the "
            "student alone, and do in your code what this model adds."
        )


def _refuse_other_classes(model: Estimator, clf: DistilledClassifier) -> None:
    """Refuse an ensemble that knows another number of classes than its student does."""
    name = type(model).__name__
    members = [answering(member) for member in _members(model)]
    is_one_vs_rest = isinstance(model, OneVsRestClassifier)
    if clf in members and not is_one_vs_rest and len(clf.classes_) != len(model.classes_):
        raise ValueError(
            f"a student within {name} knows {len(clf.classes_)} classes and {name} itself "
            f"{len(model.classes_)}, which skl2onnx does not align: fit on rows of every class."
        )
