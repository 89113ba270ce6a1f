"""What every benchmark prints: the machine, the versions, a Markdown table."""

import importlib.metadata
import os
import platform
from datetime import date

PACKAGES = ("skdistill", "scikit-learn", "skorch", "torch", "numpy", "xgboost", "onnxruntime")


def print_heading(title, seeds):
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
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
