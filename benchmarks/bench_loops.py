"""Schemes with a training loop of their own, each beside its honest control.

Run it with ``make bench-loops`` (hours; it goes on where it was stopped); it prints the file
`results/loops.md`. The figures behind that are in ``loops/``: print them with
``--report --cells loops``, or go on with them by ``--cells loops``.
"""

from _knowledge import FOLDER
from _loops_cascade import CASCADE
from _loops_continual import CONTINUAL
from _loops_federated import FEDERATED
from _loops_ladder import LADDER
from _loops_online import ONLINE
from _loops_pruned import PRUNED
from _loops_quantized import QUANTIZED
from _loops_self import DEPTH, SELF
from bench_knowledge import run

FORMS = {
    form.name: form
    for form in (
        *(ONLINE, SELF, DEPTH, CONTINUAL, FEDERATED),
        *(CASCADE, LADDER, QUANTIZED, PRUNED),
    )
}

if __name__ == "__main__":
    run("Schemes with a loop (`make bench-loops`)", FORMS, FOLDER / ".cells-loops")
