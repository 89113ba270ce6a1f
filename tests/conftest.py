import os

import pytest

# Small matrices train no faster on more threads, and the suite runs beside other work.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def trainings(monkeypatch):
    """The trainings of all fits of a test, as they were before their first epoch."""
    from skdistill.student import Training

    seen, start = [], Training.start

    def watch(self):
        seen.append(self)
        start(self)

    monkeypatch.setattr(Training, "start", watch)
    return seen
