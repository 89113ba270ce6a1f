"""A converter for skl2onnx, so that a whole Pipeline becomes one graph."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator

from skdistill._base import BaseDistiller
from skdistill._utils.quantiles import interpolate
from skdistill._utils.types import NDArray
from skdistill.classifier import DistilledClassifier
from skdistill.export._build import Answer, build, label_values
from skdistill.export._encoder_converter import register_encoder
from skdistill.export._graph import DOUBLE, FLOAT, Graph
from skdistill.export._optional import require
from skdistill.export._parents import answering, wishes_of_parents
from skdistill.export._schema import Schema, schema_of
from skdistill.export._skl2onnx import (
    Container,
    InputColumns,
    Operator,
    Scope,
    Variable,
    is_double,
    names_of_converters,
    parse,
    write,
)
from skdistill.export._student import selection_of, student_of
from skdistill.export._target import NumberTarget
from skdistill.regressor import DistilledRegressor
from skdistill.table import CATEGORY, NUMBER, TabularEncoder

ALIAS = "SkdistillDistilledClassifier"
REGRESSOR_ALIAS = "SkdistillDistilledRegressor"
FROZEN_ALIAS = "SkdistillFrozenEstimator"


def register_skl2onnx_converter() -> None:
    """Let :func:`skl2onnx.convert_sklearn` convert a student or a TabularEncoder.

    A DistilledClassifier or a DistilledRegressor, alone or in a Pipeline; of a regressor that tells
    quantiles, the median. An encoder that is a step takes one input a column, strings for its
    categories.

    Call it once, before the conversion; another call changes nothing. A step before the student
    hands it numbers, in float32 as skl2onnx computes them. Categories that reach the student
    itself need ``target_opset`` 20 or above, and an input of strings each. Labels that are bools
    become 0 and 1; floats are refused. :class:`Scorer` does not read what skl2onnx writes.

    Of the models around a student, a Pipeline, a GridSearchCV, a FrozenEstimator, a
    CalibratedClassifierCV with ``method="sigmoid"``, a Voting, Stacking or BaggingClassifier and a
    OneVsRestClassifier are converted. The conversion of another model of scikit-learn is an error,
    since skl2onnx leaves out what it adds. With the option ``raw_scores`` the second output is the
    decision function, of two columns where there are two classes: the margin and its negative.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.
    """
    skl2onnx = require("skl2onnx")
    options = {
        "zipmap": [True, False, "columns"],
        "nocl": [True, False],
        "raw_scores": [True, False],
    }
    skl2onnx.update_registered_converter(
        DistilledClassifier, ALIAS, _set_outputs, _convert, options=options
    )
    skl2onnx.update_registered_converter(
        DistilledRegressor, REGRESSOR_ALIAS, _set_number_outputs, _convert_numbers
    )
    if names_of_converters().get(FrozenEstimator, FROZEN_ALIAS) == FROZEN_ALIAS:
        skl2onnx.update_registered_converter(
            FrozenEstimator,
            FROZEN_ALIAS,
            _set_outputs,
            _convert_frozen,
            parser=_parse_frozen,
            options=options,
        )
    register_encoder(skl2onnx)


def _set_outputs(operator: Operator) -> None:
    from skl2onnx.common import data_types

    clf = operator.raw_operator
    n_rows = operator.inputs[0].get_first_dimension()
    is_text = _labels(operator).dtype == object
    label = data_types.StringTensorType if is_text else data_types.Int64TensorType
    operator.outputs[0].type = label([n_rows])
    operator.outputs[1].type = data_types.FloatTensorType([n_rows, len(clf.classes_)])


def _labels(operator: Operator) -> NDArray[Any]:
    """The classes as skl2onnx holds them: strings or int64."""
    from skl2onnx.common.utils_classifier import get_label_classes

    values = label_values(get_label_classes(operator.scope_inst, operator.raw_operator))
    if values.dtype == np.float64:
        raise ValueError(
            f"the labels {values[:10].tolist()} are floats, which skl2onnx does not hold: fit on "
            "integers or strings."
        )
    return values.astype(np.int64) if values.dtype == bool else values


def _parse_frozen(
    scope: Scope,
    model: FrozenEstimator,
    inputs: list[Variable],
    custom_parsers: dict[type, Callable] | None = None,
) -> list[Variable]:
    """Take what is frozen in the place of the FrozenEstimator."""
    scope.add_options(id(model.estimator), (scope.options or {}).get(id(model)))
    return parse(scope, model.estimator, inputs, custom_parsers)


def _convert_frozen(scope: Scope, operator: Operator, container: Container) -> None:
    """Hand a FrozenEstimator's inputs and outputs on to the student within."""
    from skl2onnx.common.data_types import DoubleTensorType

    frozen = operator.raw_operator
    if not isinstance(answering(frozen), DistilledClassifier):
        raise ValueError(
            f"a FrozenEstimator of {type(frozen.estimator).__name__} within another model is not "
            "converted, only one of a DistilledClassifier: give what it holds, `frozen.estimator`."
        )
    alias = names_of_converters()[type(frozen.estimator)]
    inner = scope.declare_local_operator(alias, frozen.estimator)
    inner.inputs = operator.inputs
    if is_double(operator.inputs[0]):  # as the model around it takes them
        operator.outputs[1].type = DoubleTensorType(operator.outputs[1].type.shape)
    for output in operator.outputs:
        variable = scope.declare_local_variable(output.raw_name, output.type)
        inner.outputs.append(variable)
        container.add_node("Identity", variable.full_name, output.full_name)


def _convert(scope: Scope, operator: Operator, container: Container) -> None:
    clf = operator.raw_operator
    wishes = wishes_of_parents(clf, scope, container)
    prefix = scope.get_unique_operator_name("skdistill") + "/"
    schema, inputs, numbers, categories = _inputs(clf, operator, prefix)
    answer = Answer(
        label=operator.outputs[0].full_name,
        probabilities=operator.outputs[1].full_name,
        labels=_labels(operator),
        raw_scores=wishes.raw_scores,
        is_double=wishes.by_ensemble and is_double(operator.inputs[0]),
    )
    graph = build(student_of(clf), schema, answer, numbers, categories, prefix)
    for part in (inputs, graph):
        write(part, container)


def _set_number_outputs(operator: Operator) -> None:
    from skl2onnx.common import data_types

    reg, first = operator.raw_operator, operator.inputs[0]
    kind = data_types.DoubleTensorType if is_double(first) else data_types.FloatTensorType
    operator.outputs[0].type = kind([first.get_first_dimension(), reg.n_targets_])


def _convert_numbers(scope: Scope, operator: Operator, container: Container) -> None:
    reg = operator.raw_operator
    prefix = scope.get_unique_operator_name("skdistill") + "/"
    schema, inputs, numbers, categories = _inputs(reg, operator, prefix)
    target, told = NumberTarget(reg), prefix + "told"
    answer = replace(target.answer, predictions=told)
    graph = build(student_of(reg), schema, answer, numbers, categories, prefix)
    last = Graph(prefix + "out/")
    if target.quantiles is not None:  # what `predict` gives
        shares = interpolate(np.eye(target.n_outputs), target.quantiles, np.array([0.5]))
        told = last.add("MatMul", told, last.constant(shares))
    to = DOUBLE if is_double(operator.inputs[0]) else FLOAT
    last.add("Cast", told, output=operator.outputs[0].full_name, to=to)
    for part in (inputs, graph, last):
        write(part, container)


def _inputs(
    estimator: BaseDistiller, operator: Operator, prefix: str
) -> tuple[Schema, Graph, str, str]:
    """The student's schema, the nodes that gather its columns, and the names of their outputs."""
    schema, columns = _schema(estimator, operator)
    inputs = Graph(prefix + "in/")
    numbers = categories = ""  # where there are no such columns
    if schema.n_numbers:
        to = FLOAT if schema.number_type == "float32" else DOUBLE
        numbers = inputs.add("Cast", columns.matrix(inputs, NUMBER), to=to)
    if schema.n_categories:
        categories = columns.matrix(inputs, CATEGORY)
    return schema, inputs, numbers, categories


def _schema(clf: BaseDistiller, operator: Operator) -> tuple[Schema, InputColumns]:
    """The student's schema and its columns, if they are as many numbers and strings."""
    encoder = student_of(clf).encoder
    if encoder is not None and type(encoder) is not TabularEncoder:
        raise ValueError(
            f"`encoder={type(encoder).__name__}` is not converted inside of a student: make "
            "it a step of the Pipeline, before the student."
        )
    schema = schema_of(clf)
    columns = InputColumns.of(operator.inputs, clf, selection_of(clf))
    found = {kind: columns.own_kinds.count(kind) for kind in (NUMBER, CATEGORY)}
    if found != {NUMBER: schema.n_numbers, CATEGORY: schema.n_categories}:
        raise ValueError(
            f"the student takes {schema.n_numbers} number and {schema.n_categories} category "
            f"columns, but its inputs in the graph have {found[NUMBER]} and {found[CATEGORY]}: "
            "give `initial_types` with one string input for each category."
        )
    return schema, columns
