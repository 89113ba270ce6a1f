"""Checks of the parameters of a distiller, before it sees a row."""

from typing import Any

from skdistill._fit.holdout import check_splitter
from skdistill._utils.auto import is_auto
from skdistill._utils.named import is_list, named_parts
from skdistill._utils.types import Estimator
from skdistill.objectives import Objective, Response
from skdistill.student import check_student
from skdistill.transfer import TransferSampler

_EXAMPLES = {Objective: "Hint()", Response: "Hinton()", TransferSampler: "Munge()"}


def check_parameters(estimator: Estimator) -> None:
    """Raise a ValueError or TypeError for a constructor parameter that is not valid."""
    for name in estimator._named_lists:
        if is_list(getattr(estimator, name)) and not getattr(estimator, name):
            raise ValueError(f"`{name}` is an empty list: give at least one part, or None.")
    estimator._validate_params()
    check_splitter(estimator.validation_fraction)
    if estimator.response is not None:
        _check_kind("response", estimator.response, Response)
        _check_response(estimator)
        estimator.response.check_parameters()
    _check_parts("objectives", named_parts(estimator.objectives, "objectives"), Objective)
    _check_parts("transfer", samplers_of(estimator), TransferSampler)
    _check_encoder(estimator.encoder)
    check_student(estimator.student, estimator._kind.has_classes)


def samplers_of(estimator: Estimator) -> list[tuple[str, Any]]:
    """The samplers of `transfer`; none yet if "auto" will choose them."""
    return [] if is_auto(estimator.transfer) else named_parts(estimator.transfer, "transfer")


def _check_parts(name: str, parts: list[tuple[str, Any]], kind: type) -> None:
    for _, part in parts:
        _check_kind(name, part, kind)
        part.check_parameters()


def _check_kind(name: str, value: Any, kind: type) -> None:
    if isinstance(value, type):
        raise TypeError(
            f"`{name}` holds the class {value.__name__}: give an instance, {value.__name__}(...)."
        )
    if isinstance(value, Response) and kind is Objective:
        raise TypeError(
            f"`{name}` got {value!r}, which is a response: give it as `response={value!r}`."
        )
    if not isinstance(value, kind):
        raise TypeError(
            f"`{name}` must hold instances of {kind.__name__}, got {value!r}: give "
            f"an object, as in `{name}={_EXAMPLES[kind]}`. A class of your own is derived from "
            f"skdistill.{kind.__name__}."
        )


def _check_response(estimator: Estimator) -> None:
    response, kind = estimator.response, estimator._kind
    if isinstance(response, kind.other_responses):
        usual = kind.response_class.__name__
        raise ValueError(
            f"`response={response!r}` is none for {type(estimator).__name__}: give {usual}(), or "
            "one derived from it."
        )
    if not response.uses_temperature and estimator.temperature != 1:
        raise ValueError(
            f"`temperature={estimator.temperature!r}` has no meaning for `response={response!r}`: "
            "leave it at 1."
        )


def _check_encoder(encoder: Any) -> None:
    is_name = isinstance(encoder, str) and encoder in ("auto", "passthrough")
    if isinstance(encoder, type):
        raise ValueError(
            f"`encoder` is the class {encoder.__name__}: give an instance, {encoder.__name__}(...)."
        )
    if not is_name and not hasattr(encoder, "transform"):
        raise ValueError(
            f"`encoder` must be 'auto', 'passthrough' or a transformer, got {encoder!r}."
        )
