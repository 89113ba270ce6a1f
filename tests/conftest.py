import os

import pytest

# Small matrices train no faster on more threads, and the suite runs beside other work.
# OpenMP reads it as it is loaded: what loads it is imported inside the fixtures.
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


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Classifier, its table, the file."""
    import numpy as np
    from shared import small_table

    from skdistill import DistilledClassifier, MLPStudent, to_onnx

    X = small_table()
    soft = np.random.default_rng(1).dirichlet(np.ones(3), len(X))
    clf = DistilledClassifier(student=MLPStudent((32, 16), n_steps=60), random_state=0)
    clf.fit(X, np.array(["a", "b", "c"])[soft.argmax(axis=1)], soft_targets=soft)
    path = tmp_path_factory.mktemp("exported") / "a.onnx"
    to_onnx(clf, path)
    return clf, X, path


@pytest.fixture(scope="module")
def oracle_clf():
    """A student of the oracle."""
    from shared import Oracle, oracle_data

    from skdistill import DistilledClassifier, MLPStudent

    student = MLPStudent((16,), n_steps=800)
    clf = DistilledClassifier(Oracle(), student, transfer=None, random_state=0)
    return clf.fit(*oracle_data())


@pytest.fixture
def routing():
    """Metadata routing is on."""
    import sklearn

    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def ax():
    from matplotlib.figure import Figure

    return Figure().subplots()
