"""``python -m skdistill``."""

import os
import sys

from skdistill.cli import main

# Exit codes above it are those of a process that a signal has ended.
BY_SIGNAL = 128


def run() -> None:
    """Run the command line, and end the process with its exit code."""
    code = main()
    if code > BY_SIGNAL:
        # Threads of ONNX Runtime or pyarrow still at work may crash an interpreter that winds up.
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    run()
