"""What every benchmark prints: the machine, the versions, a Markdown table."""

import importlib.metadata
import os
import platform
from datetime import date
from functools import cache

# Those of them that are installed.
PACKAGES = (
    "skdistill",
    "scikit-learn",
    "skorch",
    "torch",
    "numpy",
    "xgboost",
    "lightgbm",
    "catboost",
    "onnxruntime",
)


@cache
def version_of(package):
    """None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def print_heading(title, seeds):
    installed = ((name, version_of(name)) for name in PACKAGES)
    versions = ", ".join(f"{name} {version}" for name, version in installed if version)
    print(f"## {title}\n")
    print(
        f"{date.today()}; {os.cpu_count()} cores, {platform.machine()}, shared with other work; "
        f"Python {platform.python_version()}; {versions}; seeds {seeds}.\n"
    )


def print_table(columns, rows):
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print(flush=True)


def spread(values, digits=2):
    """Median with the lowest and highest value."""
    ordered = sorted(values)
    median = ordered[len(ordered) // 2]
    return f"{median:.{digits}f} ({ordered[0]:.{digits}f} - {ordered[-1]:.{digits}f})"
