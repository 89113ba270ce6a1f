"""The recipes of the rungs."""

from itertools import pairwise
from typing import Any

from sklearn.base import clone

from skdistill._base import BaseDistiller
from skdistill._search.grid import check_shared
from skdistill._utils.auto import is_auto
from skdistill.student import MLPStudent

# From tiny to the default, which "auto" stands for.
AUTO_SIZES: tuple[tuple[int, ...] | str, ...] = (
    (16,),
    (32,),
    (64,),
    (32, 32),
    (64, 64),
    (96, 96),
    (128, 128),
    "auto",
)
# What "auto" is taken to be where sizes are compared before the rows are counted.
DEFAULT_SIZE = (128, 128, 128, 128)


def check_distiller(estimator: Any) -> None:
    """Raise an error unless the estimator is a distiller that several fits can share."""
    if not isinstance(estimator, BaseDistiller):
        name = estimator.__name__ if isinstance(estimator, type) else type(estimator).__name__
        raise TypeError(
            "`estimator` must be a DistilledClassifier or a DistilledRegressor, got "
            f"{name}: of a search, set `best_params_` on its `estimator` and give that; put a "
            "StudentLadder into the last step of a Pipeline, not around it."
        )
    check_shared(estimator)
    if estimator.warm_start:
        raise ValueError(
            "`warm_start=True` of `estimator` goes on from one student, and a ladder has many: "
            "leave it out. `refresh` goes on from `best_estimator_`."
        )


def candidates_of(sizes: Any, encoders: Any, estimator: BaseDistiller) -> list[dict[str, Any]]:
    """Make the parameters of each rung.

    Parameters
    ----------
    sizes : "auto" or list of (tuple of int or MLPStudent)
    encoders : list of transformer, or None
        Each size is tried with each. None leaves the `encoder` of the estimator.
    estimator : DistilledClassifier or DistilledRegressor

    Returns
    -------
    list of dict of str to object
        To set on a clone of the estimator.

    Raises
    ------
    ValueError
        If `encoders` is no list, is empty, or holds "auto" or one encoder twice.
    """
    recipes = recipes_of(sizes, estimator)
    if encoders is None:
        return [{"student": recipe} for recipe in recipes]
    if not isinstance(encoders, (list, tuple)) or not len(encoders):
        raise ValueError(
            f"`encoders` must be None or a list of encoders, got {encoders!r}: for instance "
            "[TabularEncoder(), TabularEncoder(nominal='auto')]."
        )
    if any(isinstance(one, str) and is_auto(one) for one in encoders):
        raise ValueError(
            "`encoders` holds 'auto', which is to choose one by itself: give the encoders that it "
            "may be, or leave `encoders` out."
        )
    _check_once([repr(one) for one in encoders], "encoders", "encoder")
    return [{"student": recipe, "encoder": one} for one in encoders for recipe in recipes]


def _check_once(told: list[str], name: str, what: str) -> None:
    twice = sorted({one for one in told if told.count(one) > 1})
    if twice:
        raise ValueError(f"`{name}` holds {twice[0]} twice: give each {what} once.")


def recipes_of(sizes: Any, estimator: BaseDistiller) -> list[MLPStudent]:
    """Make a recipe for each size.

    Parameters
    ----------
    sizes : "auto" or list of (tuple of int or MLPStudent)
    estimator : DistilledClassifier or DistilledRegressor
        Its `student` gives what a tuple does not say.

    Returns
    -------
    list of MLPStudent

    Raises
    ------
    ValueError
        If `sizes` is neither, is empty or holds a size twice.
    TypeError
        If tuples are given, and `student` is no MLPStudent.
    """
    if isinstance(sizes, str) and is_auto(sizes):
        sizes = AUTO_SIZES
    elif not isinstance(sizes, (list, tuple)) or not len(sizes):
        raise ValueError(
            "`sizes` must be 'auto' or a list of tuples of `hidden_layer_sizes` or of MLPStudent "
            f"recipes, got {sizes!r}: for instance [(16,), (64, 64)]."
        )
    recipes = [_recipe(one, estimator) for one in sizes]
    _check_once([repr(recipe) for recipe in recipes], "sizes", "size")
    return recipes


def _recipe(size: Any, estimator: BaseDistiller) -> MLPStudent:
    if isinstance(size, MLPStudent):
        recipe = clone(size)
        recipe._check_parameters()
        return recipe
    is_size = isinstance(size, (tuple, list)) or is_auto(size)
    if not is_size:
        raise ValueError(
            "`sizes` must hold tuples of `hidden_layer_sizes` or MLPStudent recipes, got "
            f"{size!r}: for instance [(16,), (64, 64)]."
        )
    student = estimator.student
    if student is not None and not isinstance(student, MLPStudent):
        raise TypeError(
            f"`sizes` are those of an MLPStudent, but `student` of the `estimator` is {student!r}: "
            "leave `student` out, or give MLPStudent recipes as `sizes`."
        )
    recipe = MLPStudent() if student is None else clone(student)
    hidden = size if isinstance(size, str) else tuple(size)
    recipe.set_params(hidden_layer_sizes=hidden)
    recipe._check_parameters()
    return recipe


def largest(candidates: list[dict[str, Any]]) -> int:
    """The place of the candidate with most weights between its hidden layers."""
    return max(range(len(candidates)), key=lambda i: _n_weights(candidates[i]["student"]))


def _n_weights(recipe: MLPStudent) -> tuple[int, int]:
    hidden: Any = recipe.hidden_layer_sizes
    sizes = DEFAULT_SIZE if isinstance(hidden, str) else tuple(hidden)
    return sum(a * b for a, b in pairwise(sizes)), sum(sizes)


def size_of(rung: BaseDistiller) -> tuple[int, ...]:
    """The hidden layers of a fitted student."""
    return tuple(layer.in_features for layer in rung.student_.module_.layers)
