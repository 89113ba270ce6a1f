"""TransferContext: what a sampler may ask."""

from dataclasses import dataclass

from skdistill._utils.types import Estimator


@dataclass(frozen=True)
class TransferContext:
    """What a sampler may ask while it draws rows.

    A fit makes it, and gives it to every sampler whose ``sample`` takes `context`.

    Parameters
    ----------
    teacher : TeacherPool or None, default=None
        Fitted; ``teacher.predict_proba(X)`` labels rows. None where no teacher is at hand.
    student : object or None, default=None
        The student so far, with ``predict_proba(X)``. None before there is one.
    task : object or None, default=None
        What is predicted: ``task.classes`` are the labels that columns of probabilities stand for.
    round : int, default=0
        Which draw of the training it is; 0 is the one before it.
    n_left : int or None, default=None
        Rows that the teacher may still be asked for, those to draw among them; None where
        `max_queries` sets no limit.

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
