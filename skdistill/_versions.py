"""The versions for a bug report."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from skdistill import __version__

NEEDED = ("scikit-learn", "torch", "skorch", "numpy", "pandas", "scipy", "joblib", "narwhals")
OPTIONAL = (
    *("xgboost", "lightgbm", "catboost", "onnx", "onnxruntime", "onnxscript", "skl2onnx"),
    *("skops", "pyarrow", "polars", "matplotlib", "rich", "typer", "dask", "pyspark"),
)


def show_versions() -> None:
    """Print versions of Python and packages, and the machine, for a bug report.

    Notes
    -----
    A package that is not installed has the version None. Nothing is imported for it.

    Examples
    --------
    >>> import skdistill
    >>> skdistill.show_versions()  # doctest: +ELLIPSIS
    skdistill: ...
    """
    lines = {
        "skdistill": __version__,
        "python": sys.version.split()[0],
        "machine": f"{platform.platform()}, {os.cpu_count()} cores",
        **{name: _version_of(name) for name in (*NEEDED, *OPTIONAL)},
    }
    width = max(map(len, lines)) + 1
    for name, value in lines.items():
        print(f"{name + ':':<{width}} {value}")


def _version_of(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
