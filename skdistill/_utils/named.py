"""Lists of named parts (teachers, objectives, samplers), as in ``teacher__rf__max_depth``."""

from typing import Any, Self

from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator

from skdistill._utils._compat import name_estimators
from skdistill._utils.types import Estimator


def parts_of(estimator: Estimator) -> list[Any]:
    """The estimator and all that its parameters hold."""
    parts = unfrozen_parts_of(estimator)
    frozen = [part.estimator for part in parts if isinstance(part, FrozenEstimator)]
    return [*parts, *(part for inner in frozen for part in parts_of(inner))]


def unfrozen_parts_of(estimator: Estimator) -> list[Any]:
    """The same without what is inside a FrozenEstimator."""
    if isinstance(estimator, FrozenEstimator) or not hasattr(estimator, "get_params"):
        return [estimator]
    params = estimator.get_params(deep=True)
    frozen = [f"{key}__" for key, part in params.items() if isinstance(part, FrozenEstimator)]
    return [
        estimator,
        *(part for key, part in params.items() if not key.startswith(tuple(frozen))),
    ]


def is_list(value: object) -> bool:
    return isinstance(value, (list, tuple))


def _is_pair(item: object) -> bool:
    return isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)


def named_parts(value: Any, parameter: str) -> list[tuple[str, Any]]:
    """Return ``[(name, part), ...]`` for one part, a list of parts or a list of named parts.

    Parts without a name are named as :func:`sklearn.pipeline.make_pipeline` does.

    Parameters
    ----------
    value : object, list of objects or list of (str, object)
    parameter : str
        Name of the parameter that holds the value, for the error messages.

    Returns
    -------
    list of (str, object)

    Raises
    ------
    ValueError
        If a name is repeated or contains ``"__"``.
    """
    if value is None:
        return []
    if _is_pair(value):
        raise ValueError(f"`{parameter}` is a pair: give a list of pairs, [{value!r}].")
    items = list(value) if is_list(value) else [value]
    bare = [item[1] if _is_pair(item) else item for item in items]
    automatic = name_estimators(bare)
    parts = [item if _is_pair(item) else auto for item, auto in zip(items, automatic, strict=True)]
    names = [name for name, _ in parts]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"names in `{parameter}` must be unique, got {repeated} more than once.")
    dunder = [name for name in names if "__" in name]
    if dunder:
        raise ValueError(f"names in `{parameter}` must not contain '__', got {dunder}.")
    return parts


def sound_parts(value: Any, parameter: str) -> list[tuple[str, Any]]:
    """The named parts, none where something is wrong with them: that is for `fit` to say."""
    try:
        return named_parts(value, parameter)
    except ValueError:
        return []


class NamedListsMixin(BaseEstimator):
    """``get_params`` / ``set_params`` that reach into the lists named in ``_named_lists``."""

    _named_lists: tuple[str, ...] = ()

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters of this estimator, those of parts in lists included.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return the parameters of the parts as well.

        Returns
        -------
        dict of str to object
        """
        params = super().get_params(deep=deep)
        if not deep:
            return params
        for owner in self._named_lists:
            if is_list(params[owner]):
                for name, part in sound_parts(params[owner], owner):
                    params[f"{owner}__{name}"] = part
                    if hasattr(part, "get_params") and not isinstance(part, type):
                        nested = part.get_params(deep=True)
                        params.update({f"{owner}__{name}__{k}": v for k, v in nested.items()})
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters of this estimator or, by ``<list>__<name>__<parameter>``, of a part.

        Parameters
        ----------
        **params : dict

        Returns
        -------
        self : object
        """
        inside = {key: params.pop(key) for key in list(params) if self._is_inside(key, params)}
        for key in params:
            self._check_owner(key, params)
        super().set_params(**params)
        for key in sorted(inside, key=lambda key: key.count("__")):  # members before their own
            self._set_inside(key, inside[key])
        return self

    def _check_owner(self, key: str, params: dict[str, Any]) -> None:
        owner, nested, parameter = key.partition("__")
        if nested and hasattr(self, owner):
            value = params.get(owner, getattr(self, owner))
            if value is None or isinstance(value, (str, type)):
                raise ValueError(
                    f"`{key}` cannot be set: `{owner}` is {value!r}, which has no parameter "
                    f"`{parameter}`. Give `{owner}` an instance that has, for instance "
                    "MLPStudent() as `student`, or Munge() as `transfer`."
                )

    def _is_inside(self, key: str, params: dict[str, Any]) -> bool:
        owner, nested, _ = key.partition("__")
        return (
            bool(nested)
            and owner in self._named_lists
            and is_list(params.get(owner, getattr(self, owner)))
        )

    def _set_inside(self, key: str, value: Any) -> None:
        owner, _, rest = key.partition("__")
        name, nested, parameter = rest.partition("__")
        items = list(getattr(self, owner))
        names = [part_name for part_name, _ in named_parts(items, owner)]
        if name not in names:
            raise ValueError(f"`{key}` names no part of `{owner}`; its parts are {names}.")
        position = names.index(name)
        item = items[position]
        if nested:
            part = item[1] if _is_pair(item) else item
            part.set_params(**{parameter: value})
        else:
            items[position] = (name, value) if _is_pair(item) else value
            setattr(self, owner, items)
