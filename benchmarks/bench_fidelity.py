"""Whether the student keeps the whole of the teacher: every bar, with its figure.

Run it with ``make bench-fidelity`` (hours; it goes on where it was stopped) or
``make bench-fidelity-quick``; it prints the file `results/fidelity.md`.
"""

import argparse
import sys
import time
import warnings
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch
from _fidelity_cells import CELLS, Job
from _fidelity_measures import Results
from _fidelity_methods import METHODS
from _fidelity_report import print_report
from _fidelity_special import QUICK_SPECIAL, SPECIAL
from datasets import SETS
from threadpoolctl import threadpool_limits

QUICK_DATA = ("german", "vowel", "phoneme", "churn")
SEEDS = (0, 1, 2)
ALL = {method.name: method for method in METHODS}


def main():
    options = parse()
    jobs = list_jobs(options)
    if not options.report:
        run_all(jobs, options.jobs)
    warnings.filterwarnings("ignore")
    methods = (*METHODS, *(method for *_, method in SPECIAL))
    results = Results(methods, options.n_estimators, options.cells)
    print_report(results, data_of(options), missing_cells(jobs))


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="four sets, seed 0")
    parser.add_argument("--report", action="store_true", help="print what is there, run nothing")
    parser.add_argument("--data", help="names, with commas")
    parser.add_argument("--seeds", help="numbers, with commas")
    parser.add_argument("--methods", help="names, with commas")
    parser.add_argument("--jobs", type=int, default=1, help="processes of one thread each")
    parser.add_argument(
        "--n-estimators", type=int, default=300, help="of the teacher: for trying out, kept apart"
    )
    parser.add_argument(
        "--cells", type=Path, default=CELLS, help="folder of what has been run (%(default)s)"
    )
    options = parser.parse_args()
    if options.cells.exists() and not options.cells.is_dir():
        parser.error(f"--cells {options.cells}: give a folder, or a path where there is nothing.")
    return options


def missing_cells(jobs):
    """By the name of a method, the sets and seeds that have no cell, or a stale one."""
    missing = defaultdict(list)
    for job, methods in jobs:
        for method in methods:
            if not job.is_done(method):
                missing[method.name].append(f"{job.data} {job.seed}")
    return missing


def names(text, default):
    return tuple(text.split(",")) if text else tuple(default)


def chosen(options, parameter, default, more):
    """What an option names, of the defaults; `more` is what other cells know."""
    asked = names(getattr(options, parameter), default)
    unknown = sorted(set(asked) - set(default) - set(more))
    if unknown:
        known = list(dict.fromkeys([*default, *more]))
        raise SystemExit(f"--{parameter}: {unknown} not among {known}.")
    return [name for name in default if name in asked]


def data_of(options):
    known = chosen(options, "data", SETS, {data for data, *_ in SPECIAL})
    return [name for name in known if options.data or not options.quick or name in QUICK_DATA]


def list_jobs(options):
    """(job, methods) in the order in which they are run: the methods of a job one by one."""
    data = data_of(options)
    seeds = [int(seed) for seed in names(options.seeds, (0,) if options.quick else SEEDS)]
    methods = chosen(options, "methods", ALL, {method.name for *_, method in SPECIAL})
    common = [ALL[name] for name in methods if ALL[name].every_seed]
    rest = [ALL[name] for name in methods if not ALL[name].every_seed and not options.quick]
    jobs = [(name, seed, common) for seed in seeds for name in data]
    jobs += [(name, 0, rest) for name in data if 0 in seeds]
    jobs += special_jobs(options)
    return [
        (Job(name, seed, options.n_estimators, options.cells), methods)
        for name, seed, methods in jobs
        if methods
    ]


def special_jobs(options):
    """Those of a data set or protocol of their own, of which `--quick` takes the cheap ones."""
    given = [int(seed) for seed in names(options.seeds, ())]
    if options.quick:
        given = [0]
    return [
        (data, seed, [method])
        for data, seeds, method in SPECIAL
        if wanted(options, data, method)
        for seed in seeds
        if not given or seed in given
    ]


def wanted(options, data, method):
    if options.quick and (data, method.name) not in QUICK_SPECIAL:
        return False
    chosen_data, chosen_methods = names(options.data, ()), names(options.methods, ())
    return (not chosen_data or data in chosen_data) and (
        not chosen_methods or method.name in chosen_methods
    )


def run_all(jobs, n_processes):
    if n_processes == 1:
        for job, methods in jobs:
            run_cells(job, methods)
        return
    # Fresh processes: torch and OpenMP do not survive a fork.
    with ProcessPoolExecutor(n_processes, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(run_cells, job, methods) for job, methods in jobs]:
            done.result()


def run_cells(job, methods):
    """Run the cells of one job that are not there, on one thread."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for method in methods:
            if job.is_done(method):
                continue
            if method.needs and not job.is_done(ALL[method.needs]):
                print(f"{job.data} {job.seed} {method.name}: needs {method.needs}", file=sys.stderr)
                continue
            started = time.perf_counter()
            try:
                job.run(method)
                what = f"{time.perf_counter() - started:.0f} s"
            except ImportError as error:  # an extra that is not installed
                what = f"not measured: {error}"
            print(f"{job.data} {job.seed} {method.name}: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
