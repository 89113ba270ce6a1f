"""The command line through a real shell: exit codes, streams, signals and closed pipes."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skdistill import DistilledClassifier, MLPStudent, Scorer, __version__, to_onnx
from skdistill.cli import main

ROOT = Path(__file__).resolve().parent.parent
COMMAND = f'"{sys.executable}" -m skdistill'
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}


def shell(line, folder, **options):
    """Run a line of a shell, where `skdistill` is the command."""
    given = {"capture_output": True, "text": True, "cwd": folder, "env": ENVIRONMENT} | options
    line = f'skdistill() {{ {COMMAND} "$@"; }}; {line}'
    return subprocess.run(["bash", "-c", line], check=False, **given)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"size": rng.normal(size=3000), "colour": rng.choice(["a", "b"], 3000)})


@pytest.fixture(scope="module")
def student(tmp_path_factory, rows):
    soft = np.random.default_rng(1).dirichlet(np.ones(2), 300)
    clf = DistilledClassifier(student=MLPStudent((8,), n_steps=30), transfer=None, random_state=0)
    path = tmp_path_factory.mktemp("student") / "student.onnx"
    to_onnx(clf.fit(rows[:300], np.resize(["no", "yes"], 300), soft_targets=soft), path)
    return path


@pytest.fixture
def folder(tmp_path, student, rows):
    """A folder with a student and a table."""
    (tmp_path / "student.onnx").write_bytes(student.read_bytes())
    rows.assign(id=range(3000)).to_parquet(tmp_path / "in.parquet")
    return tmp_path


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_help_loads_next_to_nothing(tmp_path):
    code = (
        "import sys; from skdistill.cli import main; code = main(['--help']);"
        "print([m for m in ('torch', 'sklearn', 'pandas', 'pyarrow') if m in sys.modules], code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.splitlines()[-1] == "[] 0"
    assert "score" in done.stdout


def test_score_writes_a_file_and_says_so(folder, rows):
    done = shell("skdistill score student.onnx in.parquet out.parquet --keep id --json", folder)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["n_rows"], told["columns"][:2]) == (3000, ["id", "prediction"])
    found = pd.read_parquet(folder / "out.parquet")
    assert_array_equal(found["prediction"], Scorer(folder / "student.onnx").predict(rows))
    again = shell("skdistill score student.onnx in.parquet out.parquet --keep id", folder)
    assert again.returncode == 1
    assert again.stderr.count("\n") == 1
    assert "give --force" in again.stderr
    line = "skdistill score student.onnx in.parquet out.parquet --drop-rest --force"
    forced = shell(line, folder)
    assert (forced.returncode, forced.stdout) == (0, "")
    assert "3,000 rows" in forced.stderr
    assert names_in(folder) == ["in.parquet", "out.parquet", "student.onnx"]


def test_score_to_stdout_is_csv_alone(folder, rows):
    done = shell("skdistill score student.onnx in.parquet - --keep-rest | sort -n", folder)
    assert len(pd.read_csv(io.StringIO(done.stdout))) == 3000
    assert "3,000 rows" in done.stderr


@pytest.mark.parametrize("rest", ["| head -1", "--batch-rows 7 | head -1"])
def test_a_closed_pipe_is_a_quiet_end(folder, rest):
    line = f"skdistill score student.onnx in.parquet - --drop-rest {rest}; echo ${{PIPESTATUS[0]}}"
    done = shell(line, folder)
    assert done.stdout == '"prediction","probability_no","probability_yes"\n0\n'
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("", 2, "no command"),
        ("nonsense", 2, "No such command"),
        ("score student.onnx in.parquet", 2, "out"),
        ("score student.onnx in.parquet out.csv --nonsense", 2, "--nonsense"),
        ("score student.onnx in.parquet out.csv --batch-rows 0", 2, "batch-rows"),
        ("score student.onnx in.parquet out.csv --keep id --keep-rest", 2, "--keep-rest"),
        ("score student.onnx in.parquet - --json --keep-rest", 2, "--json"),
        ("score student.onnx in.parquet out.csv", 1, "['id']"),
        ("score student.onnx none.parquet out.csv", 1, "none.parquet"),
        ("score none.onnx in.parquet out.csv", 1, "none.onnx"),
        ("score in.parquet in.parquet out.csv", 1, "not one that skdistill"),
        ("score student.onnx in.parquet out.xls --keep-rest", 1, ".xls"),
        ("score student.onnx in.parquet none/out.csv --keep-rest", 1, "no folder"),
    ],
)
def test_errors_are_one_line_and_write_nothing(folder, line, code, told, capfd, monkeypatch):
    monkeypatch.chdir(folder)
    assert main(line.split()) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("skdistill: error: ")
    assert err.count("\n") == 1
    assert told in err
    assert names_in(folder) == ["in.parquet", "student.onnx"]


def test_debug_shows_where(folder, capfd):
    assert main(["--debug", "score", str(folder), str(folder), "out.csv"]) == 1
    assert "Traceback" in capfd.readouterr().err


def test_a_full_disk_is_an_error(folder):
    done = shell("skdistill score student.onnx in.parquet - --keep-rest > /dev/full", folder)
    assert done.returncode == 1
    assert "No space left" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_no_half_file(folder, number, code):
    line = [*(sys.executable, "-m", "skdistill", "score", "student.onnx", "in.parquet"), "out.csv"]
    process = subprocess.Popen(
        [*line, "--keep-rest", "--batch-rows", "1"],
        cwd=folder, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while process.poll() is None and len(names_in(folder)) < 3:
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, "")
    assert names_in(folder) == ["in.parquet", "student.onnx"]


def test_inspect_shows_the_metadata_and_checks_the_file(folder):
    done = shell("skdistill inspect student.onnx", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "classes: no, yes" in done.stdout.splitlines()
    assert "columns.colour: kind category, dtype string, levels [a, b]" in done.stdout
    assert "rows answered as when the file was written" in done.stdout
    told = json.loads(shell("skdistill inspect student.onnx --json", folder).stdout)
    assert told["n_bytes"] == (folder / "student.onnx").stat().st_size
    assert told["self_check"]["n_rows"] == len(told["self_check"]["rows"]) > 0


def test_inspect_refuses_a_damaged_file(folder, capfd):
    data = bytearray((folder / "student.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "student.onnx").write_bytes(data)
    assert main(["inspect", str(folder / "student.onnx")]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert "damaged" in err


def test_a_card_is_printed_or_written(folder, capfd):
    student, out = str(folder / "student.onnx"), folder / "README.md"
    assert main(["card", student, "--intended-use", "To tell no from yes."]) == 0
    printed = capfd.readouterr().out
    assert "To tell no from yes." in printed
    assert main(["card", student, "--intended-use", "To tell no from yes.", "--out", str(out)]) == 0
    assert out.read_text().strip() == printed.strip()
    assert main(["card", student, "--out", str(out)]) == 1
    assert "give --force" in capfd.readouterr().err


def test_version(capfd):
    assert main(["--version"]) == 0
    assert capfd.readouterr().out == f"{__version__}\n"
