"""Rows that do not fit into memory, or lie in an engine: speed and memory beside one process.

Run it with ``make bench-scale`` (hours; it goes on where it was stopped); it prints the file
`results/scale.md`. The figures behind that are in ``scale/``: print them with
``--report --cells scale``, or go on with them by ``--cells scale``.
"""

from _knowledge import FOLDER
from _scale_engines import ENGINES
from _scale_fit import FIT
from _scale_growth import FIT_GROWTH, SCORE_GROWTH
from _scale_label import KILLS, LABEL
from _scale_score import SCORE
from _scale_service import SERVICE
from bench_knowledge import run

FORMS = {
    form.name: form
    for form in (SCORE, LABEL, KILLS, FIT, ENGINES, SCORE_GROWTH, FIT_GROWTH, SERVICE)
}

if __name__ == "__main__":
    run("Scale (`make bench-scale`)", FORMS, FOLDER / ".cells-scale")
