"""``python -m skdistill``."""

import sys

from skdistill.cli import main

if __name__ == "__main__":
    sys.exit(main())
