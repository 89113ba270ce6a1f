"""The training of a student on the rows of a source, which may go on after a kill."""

from typing import Any

from skdistill._fit.jobs import Job, Trained
from skdistill._fit.source_rows import SourceBuffers
from skdistill._utils.types import Estimator
from skdistill.student import Rows, Training


class SourceTraining(Training):
    """A training whose every epoch learns other rows.

    Parameters
    ----------
    net : skorch.NeuralNet
    loss : dict
    buffers : SourceBuffers
        Where the rows of each epoch come from.
    validation : Rows or None
    n_outputs : int
    **options : dict
        As :class:`~skdistill.student.Training` takes them.
    """

    def __init__(
        self,
        net: Estimator,
        loss: dict,
        buffers: SourceBuffers,
        validation: Rows | None,
        n_outputs: int,
        **options: Any,
    ):
        self._buffers = buffers
        self._epochs, self._n_read = buffers.epochs(), 1
        super().__init__(net, loss, next(self._epochs), validation, n_outputs, **options)

    def epoch(self) -> bool:
        """Read the rows of an epoch and train on them; see :class:`Training`."""
        if self.is_over:
            return False
        try:
            self._turn()
        except KeyboardInterrupt:
            self.end("KeyboardInterrupt ended the training while rows were read")
            return False
        return super().epoch()

    def _turn(self) -> None:
        """Take the rows of the next epoch; those of epochs done before a kill are not read."""
        wanted = self.n_epochs + 1
        if wanted == self._n_read:
            return
        if wanted != self._n_read + 1:
            self._epochs = self._buffers.epochs(wanted - 1)
        self.rows, self._n_read = next(self._epochs), wanted


def run_training(training: SourceTraining, checkpoint: Any) -> Trained:
    """Train to the end, from the last epoch in the checkpoint.

    Parameters
    ----------
    training : SourceTraining
    checkpoint : Checkpoint or None

    Returns
    -------
    Trained
    """
    job = Job(training, training.run, key="source")
    return job.run() if checkpoint is None else checkpoint.run(job)
