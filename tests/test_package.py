"""What holds for the package as a whole: imports, the README, the house."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import sklearn

import skdistill

ROOT = Path(__file__).resolve().parent.parent


def run(code):
    return subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def test_import_loads_neither_torch_nor_skorch():
    done = run("import sys, skdistill; print([m for m in ('torch', 'skorch') if m in sys.modules])")
    assert done.stdout.strip() == "[]", done.stderr


NOT_LOADED = """
import sys
import skdistill.classifier, skdistill.inspection, skdistill.loops
for name, module in list(sys.modules.items()):
    for one in vars(module).values() if name.startswith("skdistill") else ():
        if isinstance(one, type) and one.__module__ not in sys.modules:
            print(one)
"""


def test_the_module_of_a_class_is_loaded_with_it():
    """Else a fitted student that a worker of joblib sends back cannot be read."""
    done = run(NOT_LOADED)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_every_public_name_is_there():
    assert "DistilledClassifier" in dir(skdistill)
    for name in skdistill.__all__:
        assert getattr(skdistill, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = skdistill.nonsense


FEWER = """
import skdistill._fit.transfer_set as rows
import skdistill.student._recipe as recipe
rows.ENOUGH_FOR_FEW = 500
recipe._whole_training = lambda *_: 200
"""


def test_readme_code_runs():
    """All Python blocks of the README, one after the other, as a reader would.

    But on fewer synthetic rows and for fewer steps: a minute is too long for a test.
    """
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert blocks
    done = run("\n".join([FEWER, *blocks]))
    assert done.returncode == 0, done.stderr


def test_public_classes_are_documented():
    """numpydoc sections that a reader looks for."""
    for name in skdistill.__all__:
        public = getattr(skdistill, name)
        if isinstance(public, type):
            sections = ("Parameters\n", "Attributes\n", "References\n")
            assert any(one in public.__doc__ for one in sections), name


def test_every_folder_of_the_package_is_shipped():
    """A wheel holds what pyproject.toml lists, whatever a clone has."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {path.parent for path in (ROOT / "skdistill").rglob("*.py")}
    names = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert set(settings["packages"]) == names
    assert all((folder / "__init__.py").exists() for folder in folders)
    assert (ROOT / "skdistill" / "py.typed").exists()


def test_show_versions(capsys):
    skdistill.show_versions()
    told = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines())
    assert told["skdistill"].strip() == skdistill.__version__
    assert told["scikit-learn"].strip() == sklearn.__version__
