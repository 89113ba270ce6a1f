"""The price of a search and of a ladder, and budgets that are met.

Run it with ``make bench-search`` (an hour); it prints the file `results/search.md`.
"""

import argparse

from _ladder_bench import run_ladder
from _report import print_heading
from _search_bench import SETS, run_search


def main():
    options = parse()
    print_heading("Search (`make bench-search`)", seeds="0")
    if options.part != "ladder":
        run_search(options.data)
    if options.part != "search":
        run_ladder()


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=lambda text: text.split(","), default=SETS)
    parser.add_argument("--part", choices=["search", "ladder", "both"], default="both")
    return parser.parse_args()


if __name__ == "__main__":
    main()
