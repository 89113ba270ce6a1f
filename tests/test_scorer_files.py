"""Where a Scorer may come from: bytes, copies, and files that another tool has written again."""

import copy
import hashlib
import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from skdistill import Scorer

ROOT = Path(__file__).resolve().parent.parent


def assert_same(scorer, exported):
    clf, X, _ = exported
    np.testing.assert_allclose(scorer.predict_proba(X), clf.predict_proba(X), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(scorer.predict(X), clf.predict(X))


@pytest.mark.parametrize(
    "source", [bytes, bytearray, memoryview, io.BytesIO], ids=lambda kind: kind.__name__
)
def test_from_the_content(exported, source):
    data = exported[2].read_bytes()
    assert_same(Scorer(source(data)), exported)
    with pytest.raises(ValueError, match="the content given as `path` is damaged"):
        Scorer(source(data[:-1]))


def test_from_a_path(exported):
    assert_same(Scorer(str(exported[2])), exported)
    with exported[2].open("rb") as file:
        assert_same(Scorer(file), exported)
    for wrong in (None, 3, io.StringIO("text"), [b"bytes"]):
        with pytest.raises(TypeError, match="`path` must be a path, bytes or a binary file, got"):
            Scorer(wrong)


def test_copies_have_the_content(exported, tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(exported[2].read_bytes())
    scorer = Scorer(path, n_threads=2)
    stored = pickle.dumps(scorer)
    path.unlink()
    for other in (pickle.loads(stored), copy.deepcopy(scorer), copy.copy(scorer)):
        assert_same(other, exported)
        assert other.key_parts() == scorer.key_parts()
        assert other.feature_names_in_.tolist() == ["size", "colour", "is_new"]
    with pytest.raises(ValueError, match="the pickled file is damaged"):
        pickle.loads(stored.replace(b"colour", b"colouX"))


# --- written again by another tool ---


def rewritten(exported, tmp_path, way):
    """The path of the file as another tool writes it."""
    path = tmp_path / f"{way}.onnx"
    model = onnx.load(exported[2])
    if way == "metadata":
        entry = model.metadata_props.add()
        entry.key, entry.value = "owner", "me"
    if way == "external":
        # As mlflow.onnx.save_model does.
        onnx.save_model(
            model, path, save_as_external_data=True, size_threshold=64, location="weights.data"
        )
    elif way in ("basic", "extended"):
        levels = onnxruntime.GraphOptimizationLevel
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = getattr(levels, f"ORT_ENABLE_{way.upper()}")
        options.optimized_model_filepath = str(path)
        options.log_severity_level = 4
        onnxruntime.InferenceSession(exported[2], options)
    else:
        onnx.save(model, path)
    return path


WAYS = ["as it was", "metadata", "external", "basic", "extended"]


@pytest.mark.parametrize("way", WAYS)
def test_a_file_written_again(exported, tmp_path, way):
    path = rewritten(exported, tmp_path, way)
    assert (path.read_bytes() == exported[2].read_bytes()) is (way == "as it was")
    scorer = Scorer(path)
    assert_same(scorer, exported)
    stored = pickle.dumps(scorer)
    for file in tmp_path.iterdir():
        file.unlink()
    assert_same(pickle.loads(stored), exported)


def test_other_weights_are_refused(exported, tmp_path):
    model = onnx.load(exported[2])
    weights = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    values = onnx.numpy_helper.to_array(weights).copy()
    values[3] += 0.1
    weights.CopyFrom(onnx.numpy_helper.from_array(values, weights.name))
    # As long as it was: the checksum tells.
    with pytest.raises(ValueError, match="checksum is not that of its content"):
        Scorer(model.SerializeToString())
    model.doc_string = "mine"
    with pytest.raises(ValueError, match=r"on the rows stored with it, its probabilities are off"):
        Scorer(model.SerializeToString())


def test_other_external_weights_are_refused(exported, tmp_path):
    path = rewritten(exported, tmp_path, "external")
    weights = bytearray((tmp_path / "weights.data").read_bytes())
    weights[3::4] = bytes(byte ^ 0x80 for byte in weights[3::4])  # the signs
    (tmp_path / "weights.data").write_bytes(weights)
    with pytest.raises(ValueError, match=r"is damaged, or was changed by another tool"):
        Scorer(path)
    (tmp_path / "weights.data").unlink()
    with pytest.raises(ValueError, match=r"put its weights into \['weights.data'\]: give the path"):
        Scorer(path)


def test_external_weights_in_a_folder(exported, tmp_path):
    model, path = onnx.load(exported[2]), tmp_path / "model.onnx"
    (tmp_path / "data").mkdir()
    onnx.save_model(
        model, path, save_as_external_data=True, size_threshold=64, location="data/w.bin"
    )
    assert_same(pickle.loads(pickle.dumps(Scorer(path))), exported)
    with pytest.raises(ValueError, match=r"put its weights into \['data/w.bin'\]: give the path"):
        Scorer(path.read_bytes())


def test_no_file_outside_of_the_folder_is_read(exported, tmp_path):
    path = rewritten(exported, tmp_path, "external")
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "a").write_bytes((tmp_path / "weights.data").read_bytes())
    inner = folder / "model.onnx"
    inner.write_bytes(path.read_bytes().replace(b"weights.data", b".././././//a"))
    with pytest.raises(ValueError, match=r"put its weights into \['.././././//a'\]"):
        Scorer(inner)


def test_metadata_that_a_tool_drops_are_named(exported):
    model = onnx.load(exported[2])
    del model.metadata_props[:]
    with pytest.raises(ValueError, match="or another tool has dropped the metadata of skdistill"):
        Scorer(model.SerializeToString())


def test_other_labels_and_metadata_are_refused(exported):
    model = onnx.load(exported[2])
    labels = next(t for t in model.graph.initializer if list(t.string_data) == [b"a", b"b", b"c"])
    labels.string_data[:] = [b"c", b"b", b"a"]
    model.doc_string = "mine"
    with pytest.raises(ValueError, match="its labels are others"):
        Scorer(model.SerializeToString())
    for key in ("classes", "features", "probe", "metadata_sha256"):
        model = onnx.load(exported[2])
        entry = next(entry for entry in model.metadata_props if entry.key == key)
        entry.value = entry.value[:-2] + entry.value[-1]
        with pytest.raises(ValueError, match="lost or changed some of the metadata"):
            Scorer(model.SerializeToString())


def test_a_truncated_file_written_again_is_refused(exported, tmp_path):
    data = rewritten(exported, tmp_path, "metadata").read_bytes()
    for n_bytes in (len(data) // 2, len(data) - 1000, len(data) - 1):
        with pytest.raises(ValueError, match=r"damaged|lost or changed"):
            Scorer(data[:n_bytes])


def as_of_old(path):
    """The file as it was before it held rows to check it by, and its length."""
    model = onnx.load(path)
    unsealed = "skdistill format 1 sha256 " + "0" * 64
    kept = {
        e.key: e.value for e in model.metadata_props if e.key not in ("probe", "metadata_sha256")
    }
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {**kept, "seal": unsealed})
    data = model.SerializeToString()
    sealed = unsealed[:-64] + hashlib.sha256(data).hexdigest()
    return data.replace(unsealed.encode(), sealed.encode())


def test_a_file_of_an_older_version(exported):
    data = as_of_old(exported[2])
    assert_same(Scorer(data), exported)
    with pytest.raises(ValueError, match="checksum is not that of its content"):
        Scorer(data + b"\x32\x01m")


# --- processes ---


FORK = """
import os, sys
import numpy as np
from skdistill import Scorer
scorer = Scorer(sys.argv[1], n_threads=int(sys.argv[2]))
rows = [{"size": 0.5, "colour": "red", "is_new": True}] * 9000
expected = scorer.predict_proba(rows)
for _ in range(3):
    child = os.fork()
    if not child:
        same = np.allclose(scorer.predict_proba(rows), expected)
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0
print("answered")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("n_threads", [1, 2, 4])
def test_a_forked_process_answers(exported, n_threads):
    done = subprocess.run(
        [sys.executable, "-c", FORK, exported[2], str(n_threads)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert done.stdout.strip() == "answered", done.stderr
