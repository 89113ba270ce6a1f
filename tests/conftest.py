import os

import pytest

# Small matrices train no faster on more threads, and the suite runs beside other work.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def on_training(monkeypatch):
    """Register what is called in the place of each training's run.

    It is given the training and a function that runs it.
    """
    from skdistill.student import Training

    def register(hook):
        run = Training.run
        monkeypatch.setattr(Training, "run", lambda self: hook(self, lambda: run(self)))

    return register
