"""What a student's module must return."""

import torch

from skdistill._utils.types import Estimator
from skdistill.student._batches import Rows
from skdistill.student._fitted import PREDICT_ROWS


def forward_few(net: Estimator, rows: Rows) -> torch.Tensor:
    """The output for a few rows, in evaluation mode; the mode is left as it was."""
    was_training = net.module_.training
    with torch.inference_mode():
        output = net.module_.eval()(rows.inputs[:PREDICT_ROWS].to(net.device))
    net.module_.train(was_training)
    return output


def check_output(net: Estimator, rows: Rows, n_outputs: int) -> None:
    """Raise a ValueError unless the module returns what its `criterion` declares."""
    try:
        output = forward_few(net, rows)
    except RuntimeError as error:
        shape = tuple(rows.inputs.shape[1:])
        remedy = "their number of columns"
        if len(shape) > 1:
            remedy = (
                f"{shape[0]}, the first of these numbers; give a module class that takes such "
                "rows, or an `encoder` that makes a table of them"
            )
        raise ValueError(
            f"the module of `student` could not take rows of shape {shape}, as the encoder gives "
            f"them: {error}. A constructor parameter `n_inputs` is given {remedy}."
        ) from error
    has_classes = net.criterion_.task.has_classes
    expected = (min(len(rows), PREDICT_ROWS), n_outputs)
    if not isinstance(output, torch.Tensor) or output.shape != expected:
        shape = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise ValueError(
            f"the module of `student` returns {shape} for {expected[0]} rows, but there are "
            f"{n_outputs} {'classes' if has_classes else 'numbers to tell'}: it must return a "
            f"tensor of shape (n_rows, {n_outputs}). A "
            "constructor parameter `n_outputs` is given that number."
        )
    if not has_classes:
        return
    are_probabilities = bool((output >= 0).all() and ((output.sum(dim=1) - 1).abs() < 1e-4).all())
    if are_probabilities and not net.criterion_.gives_probabilities:
        raise ValueError(
            "the module of `student` returns probabilities, but logits are expected: leave its "
            "softmax out, or give a skorch.NeuralNetClassifier with criterion=torch.nn.NLLLoss."
        )
    if net.criterion_.gives_probabilities and not are_probabilities:
        raise ValueError(
            "the `criterion` of `student`, NLLLoss, declares that its module returns "
            "probabilities, but its rows are negative or do not sum to 1: return softmax, or "
            "logits with criterion=torch.nn.CrossEntropyLoss."
        )
