"""A converter for skl2onnx, so that a whole Pipeline becomes one graph."""

import numpy as np
from sklearn.frozen import FrozenEstimator

from skdistill.classifier import DistilledClassifier
from skdistill.export._build import Answer, build, label_values, schema_of
from skdistill.export._graph import ML_DOMAIN, Graph
from skdistill.export._optional import require
from skdistill.export._parents import answering, wishes_of_parents
from skdistill.table import CATEGORY, NUMBER, TabularEncoder

ALIAS = "SkdistillDistilledClassifier"
FROZEN_ALIAS = "SkdistillFrozenEstimator"


def register_skl2onnx_converter():
    """Let :func:`skl2onnx.convert_sklearn` convert a DistilledClassifier or a TabularEncoder.

    Alone or in a Pipeline. An encoder that is a step takes one input a column, strings for its
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
    from skl2onnx._supported_operators import sklearn_operator_name_map

    if sklearn_operator_name_map.get(FrozenEstimator, FROZEN_ALIAS) == FROZEN_ALIAS:
        skl2onnx.update_registered_converter(
            FrozenEstimator,
            FROZEN_ALIAS,
            _set_outputs,
            _convert_frozen,
            parser=_parse_frozen,
            options=options,
        )
    from skdistill.export._encoder_converter import register_encoder  # it builds on this module

    register_encoder(skl2onnx)


def _set_outputs(operator):
    from skl2onnx.common import data_types

    clf = operator.raw_operator
    n_rows = operator.inputs[0].get_first_dimension()
    is_text = _labels(operator).dtype == object
    label = data_types.StringTensorType if is_text else data_types.Int64TensorType
    operator.outputs[0].type = label([n_rows])
    operator.outputs[1].type = data_types.FloatTensorType([n_rows, len(clf.classes_)])


def _labels(operator):
    """The classes as skl2onnx holds them: strings or int64."""
    from skl2onnx.common.utils_classifier import get_label_classes

    values = label_values(get_label_classes(operator.scope_inst, operator.raw_operator))
    if values.dtype == np.float64:
        raise ValueError(
            f"the labels {values[:10].tolist()} are floats, which skl2onnx does not hold: fit on "
            "integers or strings."
        )
    return values.astype(np.int64) if values.dtype == bool else values


def _parse_frozen(scope, model, inputs, custom_parsers=None):
    """Take what is frozen in the place of the FrozenEstimator."""
    from skl2onnx._parse import _parse_sklearn

    scope.add_options(id(model.estimator), (scope.options or {}).get(id(model)))
    return _parse_sklearn(scope, model.estimator, inputs, custom_parsers)


def _convert_frozen(scope, operator, container):
    """Hand a FrozenEstimator's inputs and outputs on to the student within."""
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.common.data_types import DoubleTensorType

    frozen = operator.raw_operator
    if not isinstance(answering(frozen), DistilledClassifier):
        raise ValueError(
            f"a FrozenEstimator of {type(frozen.estimator).__name__} within another model is not "
            "converted, only one of a DistilledClassifier: give what it holds, `frozen.estimator`."
        )
    alias = sklearn_operator_name_map[type(frozen.estimator)]
    inner = scope.declare_local_operator(alias, frozen.estimator)
    inner.inputs = operator.inputs
    if _is_double(operator.inputs[0]):  # as the model around it takes them
        operator.outputs[1].type = DoubleTensorType(operator.outputs[1].type.shape)
    for output in operator.outputs:
        variable = scope.declare_local_variable(output.raw_name, output.type)
        inner.outputs.append(variable)
        container.add_node("Identity", variable.full_name, output.full_name)


def _convert(scope, operator, container):
    clf = operator.raw_operator
    wishes = wishes_of_parents(clf, scope, container)
    schema = _schema(clf, operator)
    prefix = scope.get_unique_operator_name("skdistill") + "/"
    inputs = Graph(prefix + "in/")
    columns = by_name(operator.inputs, clf)
    numbers = gather(inputs, columns, NUMBER) if schema.n_numbers else None
    if numbers is not None:
        numbers = inputs.add("Cast", numbers, to=1 if schema.number_type == "float32" else 11)
    categories = gather(inputs, columns, CATEGORY) if schema.n_categories else None
    answer = Answer(
        label=operator.outputs[0].full_name,
        probabilities=operator.outputs[1].full_name,
        labels=_labels(operator),
        raw_scores=wishes.raw_scores,
        is_double=wishes.by_ensemble and _is_double(operator.inputs[0]),
    )
    graph = build(clf, schema, lambda: Graph(prefix), numbers, categories, answer)
    for part in (inputs, graph):
        write(part, container)


def _schema(clf, operator):
    """The student's schema, if the inputs have as many numbers and strings."""
    if clf.encoder_ is not None and type(clf.encoder_) is not TabularEncoder:
        raise ValueError(
            f"`encoder={type(clf.encoder_).__name__}` is not converted inside of a student: make "
            "it a step of the Pipeline, before the student."
        )
    schema = schema_of(clf)
    found = {NUMBER: 0, CATEGORY: 0}
    for variable in operator.inputs:
        found[kind_of(variable)] += width_of(variable, clf)
    if found != {NUMBER: schema.n_numbers, CATEGORY: schema.n_categories}:
        raise ValueError(
            f"the student takes {schema.n_numbers} number and {schema.n_categories} category "
            f"columns, but its inputs in the graph have {found[NUMBER]} and {found[CATEGORY]}: "
            "give `initial_types` with one string input for each category."
        )
    return schema


def kind_of(variable):
    return CATEGORY if type(variable.type).__name__.startswith("String") else NUMBER


def width_of(variable, fitted):
    """Columns of an input: all there are, where a Bagging that draws columns leaves them open."""
    shape = variable.type.shape
    return (shape[1] if len(shape) > 1 else None) or fitted.n_features_in_


def _is_double(variable):
    return type(variable.type).__name__ == "DoubleTensorType"


def by_name(variables, fitted):
    """The inputs in the order of the columns that an estimator was fitted with.

    Inputs of other names stay in their own order.
    """
    names = list(getattr(fitted, "feature_names_in_", []))
    found = {variable.raw_name: variable for variable in variables}
    if len(found) < len(variables) or sorted(found) != sorted(names):
        return variables
    return [found[name] for name in names]


def gather(graph, variables, kind):
    """Name of the matrix of the inputs of one kind."""
    names = [variable.full_name for variable in variables if kind_of(variable) == kind]
    if kind == NUMBER and len(names) > 1:
        names = [graph.add("Cast", name, to=11) for name in names]
    return names[0] if len(names) == 1 else graph.add("Concat", *names, axis=1)


def write(graph, container):
    """Hand nodes and constants over to skl2onnx."""
    onnx = require("onnx")
    for name, values in graph.constants.items():
        tensor = onnx.numpy_helper.from_array(values, name)
        content = values.ravel().tolist() if values.dtype == object else values.ravel()
        container.add_initializer(name, tensor.data_type, list(values.shape), content)
    for node in graph.nodes:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        container.add_node(
            node.op_type,
            list(node.input),
            list(node.output),
            op_domain=node.domain,
            op_version=_version(node, container.target_opset),
            name=node.output[0],
            **attributes,
        )


def _version(node, target_opset):
    if node.domain == ML_DOMAIN:
        return 2  # LabelEncoder's own
    if node.op_type == "StringConcat" and target_opset < 20:
        raise ValueError(
            "the categories of the student need a `target_opset` of 20 or above, got "
            f"{target_opset}: pass target_opset=20 to convert_sklearn."
        )
    return target_opset
