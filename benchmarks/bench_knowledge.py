"""Each kind of knowledge in the situation it was made for, beside control and plain Hinton.

Run it with ``make bench-knowledge`` (hours; it goes on where it was stopped); it prints the
file `results/knowledge.md`. The figures behind that are in ``knowledge/``: print
them with ``--report --cells knowledge``, or go on with them by ``--cells knowledge``.
"""

import argparse
import json
import time
import warnings
from itertools import product
from pathlib import Path

from _knowledge import CELLS, SEEDS, Form
from _knowledge_adversarial import ADVERSARIAL
from _knowledge_datafree import DATA_FREE
from _knowledge_graph import GRAPH
from _knowledge_hydra import HYDRA
from _knowledge_nets import NETS
from _knowledge_privileged import PRIVILEGED
from _knowledge_queries import QUERIES
from _knowledge_relations import RELATIONS
from _knowledge_responses import ALL_AUTO, OF_DEFAULTS, RESPONSES, WITH_ENSEMBLES
from _knowledge_splits import SPLITS
from _knowledge_teachers import TEACHERS
from _knowledge_trees import TREES
from _report import print_heading
from threadpoolctl import threadpool_limits

FORMS = {
    form.name: form
    for form in (
        RESPONSES,
        ALL_AUTO,
        OF_DEFAULTS,
        WITH_ENSEMBLES,
        NETS,
        TREES,
        RELATIONS,
        GRAPH,
        SPLITS,
        TEACHERS,
        HYDRA,
        PRIVILEGED,
        QUERIES,
        ADVERSARIAL,
        DATA_FREE,
    )
}


def main():
    run("Kinds of knowledge (`make bench-knowledge`)", FORMS, CELLS)


def run(title, forms, folder):
    """Measure forms by their names, as far as they are not yet in the folder; print the tables."""
    options = parse(title, forms, folder)
    options.cells.mkdir(exist_ok=True, parents=True)
    warnings.filterwarnings("ignore")
    found = {name: cells_of(forms[name], options) for name in options.forms}
    print_heading(title, seeds=", ".join(map(str, options.seeds)))
    for name, cells in found.items():
        print(f"### {forms[name].title}\n")
        forms[name].report(cells)


def cells_of(form: Form, options):
    """The figures of a form by (situation, seed), measured where they are not there yet."""
    cells = {}
    for seed, situation in product(options.seeds, form.situations):
        path = options.cells / f"{form.name}-{situation}-{seed}.json".replace(" ", "_")
        if not path.exists() and not options.report:
            started = time.perf_counter()
            with threadpool_limits(1):
                figures = form.run(situation, seed)
            path.write_text(json.dumps(figures, indent=1))
            print(f"{path.stem}: {time.perf_counter() - started:.0f} s", flush=True)
        if path.exists():
            cells[situation, seed] = json.loads(path.read_text())
    return cells


def parse(title, forms, folder):
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--forms", type=lambda text: text.split(","), default=list(forms))
    parser.add_argument(
        "--seeds", type=lambda text: [int(one) for one in text.split(",")], default=SEEDS
    )
    parser.add_argument("--cells", type=Path, default=folder, help="folder of what is measured")
    parser.add_argument("--report", action="store_true", help="print what is there, run nothing")
    return parser.parse_args()


if __name__ == "__main__":
    main()
