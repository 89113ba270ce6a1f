"""Each scheme with a training loop of its own, beside control and rival.

Run it with ``make bench-loops`` (hours; it goes on where it was stopped); it prints the section
"Loops" of RESULTS.md. Choose by ``--forms`` and ``--seeds``; ``--report`` runs nothing.
"""

from _knowledge import FOLDER
from _loops_pruned import PRUNED
from _loops_quantized import QUANTIZED
from bench_knowledge import main

FORMS = {form.name: form for form in (QUANTIZED, PRUNED)}

if __name__ == "__main__":
    main(FORMS, "Loops (`make bench-loops`)", FOLDER / ".cells-loops")
