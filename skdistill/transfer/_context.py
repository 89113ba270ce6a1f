"""TransferContext: the objects that a sampler may ask."""

from dataclasses import dataclass

from skdistill._utils.types import Estimator


@dataclass(frozen=True)
class TransferContext:
    """The objects that a sampler may ask while it draws rows.

    A fit makes it, and gives it to every sampler whose ``sample`` takes `context`.

    Parameters
    ----------
    teacher : TeacherPool or None, default=None
        Fitted; ``teacher.predict_proba(X)`` labels rows. None if there is no teacher.
    student : object or None, default=None
        The student so far, with ``predict_proba(X)``. None before there is one.
    task : object or None, default=None
        What is predicted: ``task.classes`` are the labels that columns of probabilities stand for.
    round : int, default=0
        Number of the draw; 0 is the draw before the training.
    n_left : int or None, default=None
        Rows that the teacher may still be asked for, including those to draw now; None without
        `max_queries`.

    See Also
    --------
    TransferSampler : The base of the samplers.
    Rounds : Draws several times in a training.

    Examples
    --------
    >>> from skdistill import Munge, TransferContext
    >>> context = TransferContext(round=1)
    >>> Munge().sample([[0, 5], [1, 6], [9, 9]], n=4, random_state=0, context=context).shape
    (4, 2)
    """

    teacher: Estimator = None
    student: Estimator = None
    task: object = None
    round: int = 0
    n_left: int | None = None
