"""The command line: ``skdistill``, or ``python -m skdistill``. Needs the extra `cli`."""

from skdistill.cli._main import main

__all__ = ["main"]
