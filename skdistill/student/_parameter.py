"""The parameter `student`: what it may be, and the net that it makes."""

import inspect
from typing import Any

import torch
from sklearn.base import clone
from skorch import NeuralNet

from skdistill._utils.types import Estimator
from skdistill.modules import MLP
from skdistill.student._recipe import MLPStudent
from skdistill.task import Task


def prepare_net(
    student: Any, n_rows: int, n_inputs: int, task: Task, cardinalities: tuple[int, ...]
) -> NeuralNet:
    """Turn the parameter `student` into a net of its own, ready for the data.

    Parameters
    ----------
    student : None, MLPStudent, torch.nn.Module class or skorch.NeuralNet
    n_rows : int
        Rows the student will be trained on.
    n_inputs : int
    task : Task
    cardinalities : tuple of int

    Returns
    -------
    skorch.NeuralNet
        A new net; the user's is cloned.
    """
    if student is None or _is_recipe(student):
        net = (student or MLPStudent()).make_net(n_rows, **task.net_params)
    elif isinstance(student, type):
        net = MLPStudent(optimizer="adamw")._make_net(student, n_rows, not task.has_classes)
    else:
        net = clone(student)
    sizes = {"n_inputs": n_inputs, "n_outputs": task.n_outputs, "cardinalities": cardinalities}
    given = net.get_params()
    wanted = constructor_parameters(net.module)
    return net.set_params(
        **{
            f"module__{name}": value
            for name, value in sizes.items()
            if name in wanted and f"module__{name}" not in given
        }
    )


def constructor_parameters(module: Any) -> set[str]:
    """Names of the parameters of a module class's constructor; none for an instance."""
    is_instance = not isinstance(module, type)
    return set() if is_instance else set(inspect.signature(module.__init__).parameters)


def student_module(student: Any) -> Any:
    """The module class or instance of the parameter `student`."""
    if student is None or isinstance(student, MLPStudent):
        return MLP
    return student.module if isinstance(student, NeuralNet) else student


def first_width(student: Any, n_rows: int) -> int | None:
    """Units of the student's first layer; None where its recipe does not tell."""
    student = MLPStudent() if student is None else student
    return student.for_rows(n_rows).hidden_layer_sizes[0] if _is_recipe(student) else None


def settle_recipe(student: Any, n_rows: int) -> Any:
    """The parameter `student`, with the layers and the optimizer that "auto" takes for the rows."""
    recipe = MLPStudent() if student is None else student
    if not _is_recipe(recipe):
        return student
    found = recipe.for_rows(n_rows)
    chosen = {"hidden_layer_sizes": found.hidden_layer_sizes, "optimizer": found.optimizer}
    return clone(recipe).set_params(**chosen)


def as_large_as(student: Any, net: NeuralNet) -> Any:
    """The parameter `student`, with the layers of a trained net where they are "auto"."""
    recipe = MLPStudent() if student is None else student
    sizes = net.get_params().get("module__hidden_layer_sizes")
    return recipe._going_on_with(sizes) if _is_recipe(recipe) and sizes else student


def _is_recipe(student: Any) -> bool:
    return isinstance(student, MLPStudent)


def check_student(student: Any, has_classes: bool = True) -> None:
    """Raise a ValueError for a `student` that cannot be trained on soft targets."""
    if isinstance(student, MLPStudent):
        student._check_parameters()
    if student is None or isinstance(student, MLPStudent):
        return
    if isinstance(student, type) and issubclass(student, torch.nn.Module):
        return
    if isinstance(student, type) and issubclass(student, (MLPStudent, NeuralNet)):
        raise ValueError(
            f"`student` is the class {student.__name__}: give an instance, {student.__name__}(...)."
        )
    if not isinstance(student, NeuralNet):
        raise ValueError(
            "`student` must be None, an MLPStudent, a torch.nn.Module class or a "
            f"skorch.{'NeuralNetClassifier' if has_classes else 'NeuralNetRegressor'}, got "
            f"{student!r}."
        )
    criterion = student.criterion
    _check_criterion(criterion, has_classes)
    params = [key for key in student.get_params() if key.startswith("criterion__")]
    params += _set_on_instance(criterion)
    if params:
        raise ValueError(
            f"`student` sets {params}, but its criterion is replaced by the distillation loss: "
            "remove them; for class weights use `class_weight`."
        )


def _check_criterion(criterion: Any, has_classes: bool) -> None:
    kind = criterion if isinstance(criterion, type) else type(criterion)
    of_classes = issubclass(kind, (torch.nn.NLLLoss, torch.nn.CrossEntropyLoss))
    if has_classes and not of_classes:
        raise ValueError(
            "the `criterion` of `student` declares what its module returns: NLLLoss for "
            f"probabilities, CrossEntropyLoss for logits; got {criterion!r}."
        )
    if of_classes and not has_classes:
        raise ValueError(
            f"the `criterion` of `student`, {criterion!r}, is one for classes: give a "
            "skorch.NeuralNetRegressor, whose module returns numbers."
        )


def _set_on_instance(criterion: Any) -> list[str]:
    """Names of the parameters of a criterion instance that are not the usual ones."""
    usual = {"weight": None, "label_smoothing": 0.0, "ignore_index": -100, "reduction": "mean"}
    if isinstance(criterion, type):
        return []
    given = {name: getattr(criterion, name, value) for name, value in usual.items()}
    return [name for name in usual if given[name] is not usual[name] and given[name] != usual[name]]


def gives_probabilities(net: Estimator) -> bool:
    """Whether the net's module returns probabilities: its criterion is NLLLoss."""
    criterion = net.criterion if isinstance(net.criterion, type) else type(net.criterion)
    return issubclass(criterion, torch.nn.NLLLoss)
