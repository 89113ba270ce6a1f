"""Samplers that draw again during a training."""

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import softmax
from sklearn.utils.metaestimators import available_if

from skdistill._fit.blocks import Block
from skdistill._fit.examples import Examples
from skdistill._fit.jobs import Steps
from skdistill._fit.run import Run
from skdistill._fit.setting import Setting
from skdistill._fit.training import make_examples, train_student
from skdistill._fit.transfer_set import LabelledRows, Named, draw_blocks, rows_asked
from skdistill._utils.types import FloatArray, Table
from skdistill._utils.warn import warn
from skdistill.student import FittedStudent, Training, encode, n_batches
from skdistill.transfer import TransferContext

if TYPE_CHECKING:
    from skdistill._fit.inputs import Inputs


class StudentSoFar:
    """The student between two epochs, for samplers that ask it.

    Parameters
    ----------
    student : FittedStudent
    run : Run
    """

    def __init__(self, student: FittedStudent, run: Run):
        self._student = student
        self._columns = run.plan.columns
        self._task = run.task

    @property
    def module(self) -> Any:
        return self._student.module

    @available_if(lambda student: student._task.has_classes)
    def predict_proba(self, X: Table) -> FloatArray:
        """Probabilities of the classes, at temperature 1."""
        return softmax(self._outputs(X), axis=1)

    def predict(self, X: Table) -> np.ndarray:
        """The most probable labels, or the numbers; for a student of quantiles, their mean."""
        outputs = self._outputs(X)
        task: Any = self._task
        if task.has_classes:
            return task.decode(outputs.argmax(axis=1))
        if task.levels is None:
            return task.decode(outputs)
        return task.quantiles_of(outputs).mean(axis=1)

    def _outputs(self, X: Table) -> FloatArray:
        inputs = encode(self._student.encoder, self._columns.take_own(X))
        self.module.eval()  # the next epoch sets training mode again
        return self._student.raw_outputs(inputs).astype(np.float64)


class LaterRounds:
    """The later draws of a training.

    Parameters
    ----------
    given : Inputs
    rows : Block
        Those of X, labelled, to draw from.
    samplers : list of (str, TransferSampler)
        Those with several rounds.
    setting : Setting
    examples : Examples
        The rows that the student learns before the second round.
    run : Run

    Attributes
    ----------
    n_rounds : int
    examples : Examples
        The rows of the last epoch.
    """

    def __init__(
        self,
        given: "Inputs",
        rows: Block,
        samplers: list[Named],
        setting: Setting,
        examples: Examples,
        run: Run,
    ):
        self.given = given
        self.rows = rows
        self.samplers = samplers
        self.setting = setting
        self.examples = examples
        self.n_rounds = max(sampler.n_rounds for _, sampler in samplers)
        self._run = run

    @property
    def n_rows_of_rounds(self) -> list[int]:
        """Rows that the student learns in each round."""
        sizes = np.full(self.n_rounds, self.examples.n_training)
        for _, sampler in self.samplers:
            if not sampler.replace:
                later = np.minimum(np.arange(self.n_rounds), sampler.n_rounds - 1)
                n_new = rows_asked(sampler, len(self.rows), queries=self._run.plan.queries)
                sizes += later * n_new
        return sizes.tolist()

    def plan_epochs(self, net: Any) -> list[int]:
        """The epochs after which each round ends; the net is set to the last of them.

        The steps of the net's schedule are divided among the rounds. Early rounds may have fewer
        rows, and so fewer steps in each epoch.
        """
        per_epoch = [n_batches(n_rows, net.batch_size) for n_rows in self.n_rows_of_rounds]
        total, n_rounds = net.max_epochs * per_epoch[-1], min(self.n_rounds, net.max_epochs)
        done, ends = 0, [0]
        for number in range(n_rounds):
            n_epochs = ((number + 1) * total // n_rounds - done) // per_epoch[number]
            done += n_epochs * per_epoch[number]
            ends.append(ends[-1] + n_epochs)
        net.set_params(max_epochs=ends[-1])
        return ends[1:]

    def run(self, training: Training, ends: list[int]) -> FittedStudent:
        """Train to the end, with new rows at the beginning of each round."""
        training.start()
        for number, end in enumerate(ends):
            if number and not training.is_over and not self._run.is_over:
                self._begin_round(training, number)
            while not training.is_over and training.n_epochs < end:
                training.epoch()
        return training.finish()

    def _begin_round(self, training: Training, number: int) -> None:
        """Draw again; a Ctrl-C ends the training with the student so far."""
        try:
            gives_probabilities = training.loss["gives_probabilities"]
            student = FittedStudent(training.net, self.setting.encoder, gives_probabilities)
            self.renew(student, number)
            rows = self.examples.training(self._run.plan.response, self.setting.temperature)
            training.rows = rows
        except KeyboardInterrupt:
            training.end("KeyboardInterrupt ended the training while rows were drawn")

    def renew(self, so_far: FittedStudent, number: int) -> None:
        """Draw the rows of a round, and label them."""
        asked = [(name, one) for name, one in self.samplers if one.n_rounds > number]
        student = StudentSoFar(so_far, self._run)
        teacher, task = self.given.labeller.teacher, self.given.task
        queries = self._run.plan.queries
        n_left = None if queries is None else queries.left
        context = TransferContext(teacher, student, task, number, n_left)
        gone = {name for name, sampler in asked if sampler.replace}
        blocks = [block for block in self.examples.blocks if block.sampler not in gone]
        blocks += draw_blocks(self.given, self.rows, asked, self._run, context)
        validation = self.examples.validation
        everything = blocks if validation is None else [*blocks, validation]
        self._run.encoded.keep(self.setting.encoder, everything)
        self.examples = make_examples(self.setting, blocks, validation, teacher, self._run)


def later_rounds(
    setting: Setting, part: "Inputs", rows: LabelledRows, examples: Examples, run: Run
) -> LaterRounds | None:
    """The later draws; None if each sampler draws once."""
    several = [(name, one) for name, one in rows.samplers if one.n_rounds > 1]
    if not several:
        return None
    if rows.cv is not None and run.plan.cv is None:  # a trial of cv="auto"
        return None
    if rows.cv is not None:
        warn(
            "with labels out of fold, `Rounds` in `transfer` draws its "
            "rows once, before the training. `cv=None` draws in rounds."
        )
        return None
    return LaterRounds(part, rows.blocks[0], several, setting, examples, run)


def draw_by_students(later: LaterRounds, run: Run) -> Steps[Examples]:
    """Draw the rows of all rounds, each by a student that was trained on those before.

    It costs one training for each round. This pays if answers cost more: a student in the middle of
    its training knows less well where it is unsure.

    Parameters
    ----------
    later : LaterRounds
    run : Run

    Returns
    -------
    Examples
        Of the rows of all rounds.
    """
    for number in range(1, later.n_rounds):
        if run.is_over:
            break
        trained = yield from train_student(later.setting, later.examples, run, "student", None)
        later.renew(trained.student, number)
    return later.examples
