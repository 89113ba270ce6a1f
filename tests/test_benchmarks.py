"""The benchmarks start, and print what was measured before."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.parametrize("name", ["knowledge", "loops", "scale"])
def test_the_committed_figures_make_the_tables(name):
    command = [sys.executable, f"bench_{name}.py", "--report", "--cells", name, "--seeds", "0"]
    told = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    forms = {cell.name.split("-")[0] for cell in (BENCHMARKS / name).glob("*-0.json")}
    assert told.stdout.count("### ") >= len(forms) > 0
    assert told.stdout.count("|---") >= len(forms)
