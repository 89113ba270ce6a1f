"""Whether the student keeps the whole of the teacher: every bar, with its figure.

Run it with ``make bench-fidelity`` (hours; it goes on where it was stopped) or
``make bench-fidelity-quick``; it prints the section "Fidelity" of RESULTS.md.
"""

import argparse
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch
from _fidelity_cells import Job
from _fidelity_methods import METHODS
from threadpoolctl import threadpool_limits

# The cheap ones first.
DATA = (
    "spambase",
    "churn",
    "credit",
    "lending_club",
    "satimage",
    "magic",
    "flights",
    "diamonds",
    "letter",
)
QUICK_DATA = ("spambase", "churn", "satimage")
SEEDS = (0, 1, 2)
ALL = {method.name: method for method in METHODS}


def main():
    options = parse()
    jobs = list_jobs(options)
    if not options.report:
        run_all(jobs, options.jobs)


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three sets, seed 0")
    parser.add_argument("--report", action="store_true", help="print what is there, run nothing")
    parser.add_argument("--data", help="names, with commas")
    parser.add_argument("--seeds", help="numbers, with commas")
    parser.add_argument("--methods", help="names, with commas")
    parser.add_argument("--jobs", type=int, default=1, help="processes of one thread each")
    parser.add_argument(
        "--n-estimators", type=int, default=300, help="of the teacher: for trying out, kept apart"
    )
    return parser.parse_args()


def names(text, default):
    return tuple(text.split(",")) if text else tuple(default)


def list_jobs(options):
    """(job, methods) in the order in which they are run: the methods of a job one by one."""
    data = names(options.data, QUICK_DATA if options.quick else DATA)
    seeds = [int(seed) for seed in names(options.seeds, (0,) if options.quick else SEEDS)]
    chosen = [ALL[name] for name in names(options.methods, ALL)]
    common = [method for method in chosen if method.every_seed]
    rest = [method for method in chosen if not method.every_seed and not options.quick]
    jobs = [(name, seed, common) for seed in seeds for name in data]
    jobs += [(name, seed, rest) for seed in seeds if seed == 0 for name in data]
    return [
        (Job(name, seed, options.n_estimators), methods) for name, seed, methods in jobs if methods
    ]


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
                print(f"{job.data} {job.seed} {method.name}: needs {method.needs}", flush=True)
                continue
            started = time.perf_counter()
            job.run(method)
            seconds = time.perf_counter() - started
            print(f"{job.data} {job.seed} {method.name}: {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
