"""The trees of each library, from its stored model."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import BaseDecisionTree

from skdistill._utils._compat import hist_categories, hist_trees
from skdistill._utils.named import parts_of
from skdistill._utils.types import BoolArray, FloatArray, IntArray
from skdistill.teacher._fitted import FittedTeacher
from skdistill.teacher._models import has_part_of

_FORESTS = (
    *(ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor),
    *(GradientBoostingClassifier, GradientBoostingRegressor),
)
_OF_TREES_BY_DEFAULT = (
    *(AdaBoostClassifier, AdaBoostRegressor, BaggingClassifier, BaggingRegressor),
)
_HISTOGRAM = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)


@dataclass(frozen=True)
class OwnTree:
    """A tree in the columns and codes that its model was fitted on.

    As :class:`Tree`, but for `left_codes`: the codes that go left, by node.
    """

    feature: IntArray
    threshold: FloatArray
    left: IntArray
    right: IntArray
    missing_left: BoolArray
    mass: FloatArray
    left_codes: dict[int, IntArray] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnTrees:
    """The trees of a model.

    Attributes
    ----------
    trees : list of OwnTree
    levels : dict of int to list
        Of the model's own columns of categories: the level of each code.
    ranges : dict of int to (float, float)
        Lowest and highest value, where the model has kept them.
    """

    trees: list[OwnTree]
    levels: dict[int, list[Any]] = field(default_factory=dict)
    ranges: dict[int, tuple[float, float]] = field(default_factory=dict)


def read_trees(model: Any) -> OwnTrees | None:
    """Read the trees of a fitted model; None if its kind is not known.

    Parameters
    ----------
    model : object

    Returns
    -------
    OwnTrees or None
    """
    if isinstance(model, BaseDecisionTree):
        return OwnTrees([_of_sklearn(model.tree_)])
    if isinstance(model, _FORESTS):
        members = np.ravel(np.asarray(model.estimators_, dtype=object))
        return OwnTrees([_of_sklearn(one.tree_) for one in members])
    if isinstance(model, _HISTOGRAM):
        return _of_histograms(model)
    kinds = {(kind.__module__.split(".")[0], kind.__name__) for kind in type(model).__mro__}
    if ("xgboost", "XGBModel") in kinds:
        _check_missing(model)
        return _of_xgboost(model.get_booster(), model.get_booster().attr("best_iteration"))
    if ("xgboost", "Booster") in kinds:
        return _of_xgboost(model)
    if ("lightgbm", "LGBMModel") in kinds:
        return _of_lightgbm(model.booster_)
    if ("lightgbm", "Booster") in kinds:
        return _of_lightgbm(model)
    return _of_catboost(model) if ("catboost", "CatBoost") in kinds else None


def may_have_trees(estimator: Any) -> bool:
    """Whether some part of an estimator, fitted or not, is of a kind that trees are read of.

    Parameters
    ----------
    estimator : object

    Returns
    -------
    bool
    """
    parts = parts_of(estimator)
    parts += [part.model for part in parts if isinstance(part, FittedTeacher)]
    if any(isinstance(part, (BaseDecisionTree, *_FORESTS, *_HISTOGRAM)) for part in parts):
        return True
    if any(isinstance(part, _OF_TREES_BY_DEFAULT) and part.estimator is None for part in parts):
        return True
    return has_part_of(parts, "xgboost", "lightgbm", "catboost")


def _of_sklearn(tree: Any) -> OwnTree:
    is_leaf = tree.children_left < 0
    return OwnTree(
        np.where(is_leaf, -1, tree.feature),
        np.where(is_leaf, np.nan, tree.threshold),
        np.asarray(tree.children_left),
        np.asarray(tree.children_right),
        np.asarray(tree.missing_go_to_left, dtype=bool),
        np.asarray(tree.weighted_n_node_samples, dtype=float),
    )


def _of_histograms(model: Any) -> OwnTrees:
    order, categories = hist_categories(model)
    trees = []
    for nodes, bits in hist_trees(model):
        is_leaf = nodes["is_leaf"].astype(bool)
        by_code = nodes["is_categorical"].astype(bool) & ~is_leaf
        codes = {
            node: _set_bits(bits[nodes["bitset_idx"][node]]) for node in np.flatnonzero(by_code)
        }
        trees.append(
            OwnTree(
                np.where(is_leaf, -1, order[np.where(is_leaf, 0, nodes["feature_idx"])]),
                np.where(is_leaf | by_code, np.nan, nodes["num_threshold"]),
                np.where(is_leaf, -1, nodes["left"].astype(int)),
                np.where(is_leaf, -1, nodes["right"].astype(int)),
                nodes["missing_go_to_left"].astype(bool),
                nodes["count"].astype(float),
                {int(node): found for node, found in codes.items()},
            )
        )
    return OwnTrees(trees, categories)


def _set_bits(words: Any) -> IntArray:
    bits = (words[:, None] >> np.arange(32, dtype=np.uint32)) & 1
    return np.flatnonzero(bits.ravel())


def _check_missing(model: Any) -> None:
    """Raise a ValueError if a number stands for a missing value: a sampler could not know it."""
    if model.missing is not None and not np.isnan(model.missing):
        raise ValueError(
            f"the trees of {type(model).__name__} take {model.missing!r} for missing "
            "(`missing`), which is not read: fit it on NaN in its place."
        )


def _of_xgboost(booster: Any, best: str | None = None) -> OwnTrees | None:
    """The trees up to the best round, if the estimator answers by these."""
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    model = learner["gradient_booster"]
    model = model.get("gbtree", model)  # that of DART is one level deeper
    if "model" not in model or "trees" not in model["model"]:
        return None  # gblinear
    trees, ends = model["model"]["trees"], model["model"].get("iteration_indptr")
    if best is not None and ends is not None:
        trees = trees[: ends[int(best) + 1]]
    types = booster.feature_types or []
    names = model["model"].get("cats", {}).get("enc", [])
    levels = {
        i: _levels_of(names[i] if i < len(names) else {})
        for i, one in enumerate(types)
        if one == "c"
    }
    own = [_of_xgboost_tree(tree, levels) for tree in trees]
    return OwnTrees(own, {i: known for i, known in levels.items() if known})


def _levels_of(stored: dict[str, Any]) -> list[Any]:
    """The levels of a column that a Booster has stored: strings as bytes, or numbers."""
    values = stored.get("values", [])
    if "offsets" not in stored:
        return values
    text, ends = bytes(one % 256 for one in values), stored["offsets"]
    return [text[a:b].decode() for a, b in pairwise(ends)]


def _of_xgboost_tree(tree: dict[str, Any], levels: dict[int, list[Any]]) -> OwnTree:
    left = np.array(tree["left_children"], dtype=int)
    is_leaf, by_code = left < 0, np.array(tree["split_type"]) == 1
    feature = np.where(is_leaf, -1, tree["split_indices"])
    # Values below it go left, in single precision.
    below = np.nextafter(np.array(tree["split_conditions"], dtype=np.float32), np.float32(-np.inf))
    codes = {}
    segments = zip(
        tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True
    )
    for node, start, size in segments:
        right = tree["categories"][start : start + size]
        known = levels.get(int(feature[node]), [])
        if not known:  # the values are the codes themselves
            levels[int(feature[node])] = known = []
        known += range(len(known), max(right) + 1)
        codes[node] = np.setdiff1d(np.arange(len(known)), right)
    return OwnTree(
        feature,
        np.where(is_leaf | by_code, np.nan, below.astype(float)),
        left,
        np.array(tree["right_children"], dtype=int),
        np.array(tree["default_left"], dtype=bool),
        np.array(tree["sum_hessian"], dtype=float),
        codes,
    )


def _of_lightgbm(booster: Any) -> OwnTrees:
    dump = booster.dump_model()
    of_pandas = list(dump.get("pandas_categorical") or [])
    levels, ranges = {}, {}
    for i, name in enumerate(dump["feature_names"]):
        told = dump["feature_infos"].get(name)
        if told is not None and told["values"]:
            most = max(told["values"])
            levels[i] = list(of_pandas.pop(0)) if of_pandas else list(range(most + 1))
        elif told is not None:
            ranges[i] = (float(told["min_value"]), float(told["max_value"]))
    trees = [_of_lightgbm_tree(one["tree_structure"]) for one in dump["tree_info"]]
    return OwnTrees(trees, levels, ranges)


def _of_lightgbm_tree(root: dict[str, Any]) -> OwnTree:
    nodes, children, codes = [root], [], {}
    for node in nodes:  # grows while it is read: breadth first
        if "left_child" in node:
            children.append((len(nodes), len(nodes) + 1))
            nodes += [node["left_child"], node["right_child"]]
        else:
            children.append((-1, -1))
    threshold = np.full(len(nodes), np.nan)
    missing_left = np.zeros(len(nodes), dtype=bool)
    for i, node in enumerate(nodes):
        if "left_child" not in node:
            continue
        if node["decision_type"] == "==":
            codes[i] = np.array([int(one) for one in node["threshold"].split("||")])
            continue
        threshold[i] = node["threshold"]
        if node["missing_type"] == "Zero":
            raise ValueError(
                "the trees of LightGBM take 0 for missing (`zero_as_missing`), which is not read: "
                "fit it on NaN in its place."
            )
        # Without missing values in training, a missing one counts as 0.
        missing_left[i] = (
            node["default_left"] if node["missing_type"] == "NaN" else threshold[i] >= 0
        )
    left, right = np.array(children, dtype=int).T
    feature = np.array([node.get("split_feature", -1) for node in nodes])
    mass = np.array([node.get("internal_count", node.get("leaf_count", 0)) for node in nodes])
    return OwnTree(feature, threshold, left, right, missing_left, mass.astype(float), codes)


def _of_catboost(model: Any) -> OwnTrees:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        stored = json.loads(path.read_text())
    floats = stored["features_info"].get("float_features", [])
    trees = stored.get("oblivious_trees")
    kinds = {split["split_type"] for tree in trees or [] for split in tree["splits"]}
    if trees is None or kinds - {"FloatFeature"}:
        raise ValueError(
            f"the trees of {type(model).__name__} can be read where they are symmetric and split "
            "on numbers alone: encode categories in a Pipeline, and leave `grow_policy` out."
        )
    return OwnTrees([_of_catboost_tree(tree, floats) for tree in trees])


def _of_catboost_tree(tree: dict[str, Any], floats: list[dict[str, Any]]) -> OwnTree:
    """A tree with the same split at all nodes of a level; the last split is that of the root."""
    depth = len(tree["splits"])
    n_inner = 2**depth - 1
    feature, threshold = np.full(2 * n_inner + 1, -1), np.full(2 * n_inner + 1, np.nan)
    missing_left, mass = np.ones(2 * n_inner + 1, dtype=bool), np.zeros(2 * n_inner + 1)
    for level, split in enumerate(reversed(tree["splits"])):
        nodes = slice(2**level - 1, 2 ** (level + 1) - 1)
        told = floats[split["float_feature_index"]]
        feature[nodes], threshold[nodes] = told["flat_feature_index"], split["border"]
        missing_left[nodes] = told.get("nan_value_treatment") != "AsTrue"
    mass[n_inner:] = tree["leaf_weights"]
    for node in range(n_inner - 1, -1, -1):
        mass[node] = mass[2 * node + 1] + mass[2 * node + 2]
    is_inner = np.arange(len(feature)) < n_inner
    left = np.where(is_inner, 2 * np.arange(len(feature)) + 1, -1)
    right = np.where(is_inner, left + 1, -1)
    return OwnTree(feature, threshold, left, right, missing_left, mass)
