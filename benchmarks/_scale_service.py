"""The service of an exported student under load, on this machine's own network.

A server in a process of its own; 16 clients, each a thread with a connection that stays open. A
tenth of the requests are bad.
"""

import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np
import psutil
from _knowledge import Form
from _report import print_table
from datasets import load_split
from sklearn.ensemble import HistGradientBoostingClassifier

from skdistill import DistilledClassifier, Scorer, to_onnx

N_REQUESTS, N_CLIENTS = 20_000, 16
# Rows of a request; a share of the requests is bad.
MOST_ROWS, BAD_SHARE = 8, 0.1
# Requests before the memory of the server counts.
WARM_UP = 2_000
TOLERANCE = 1e-6


def run(situation, seed):
    """Answers, times and memory."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "student.onnx"
        rows = student(path, situation, seed)
        expected = Scorer(path).predict_proba(rows)
        server, address = start(path)
        try:
            return ask_all(server, address, rows, expected, seed)
        finally:
            server.terminate()
            server.wait()


def student(path, situation, seed):
    """Export a student of the default size; returns test rows as a client sends them."""
    X, X_test, y, _ = load_split(situation, seed)
    teacher = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=seed)
    params = {"transfer": None, "cv": None, "alpha": 0.3, "temperature": 1.0, "refit": False}
    to_onnx(DistilledClassifier(teacher, random_state=seed, **params).fit(X, y), path)
    plain = X_test.astype(object)
    return plain.where(plain.notna(), None).to_dict("records")


def start(path):
    """A server that is ready, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = ["--factory", "skdistill.service:create_app", "--log-level", "error"]
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", *app, "--port", str(port)],
        env={**os.environ, "SKDISTILL_MODEL": str(path)},
    )
    address = f"http://127.0.0.1:{port}"
    while server.poll() is None:
        try:
            httpx.get(f"{address}/health").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return server, address
    raise RuntimeError("the server did not start")


def ask_all(server, address, rows, expected, seed):
    """Ask by all clients at once."""
    rng = np.random.default_rng(seed)
    process = psutil.Process(server.pid)

    def ask(n_requests):
        shares = [len(part) for part in np.array_split(np.arange(n_requests), N_CLIENTS)]
        generators = rng.spawn(N_CLIENTS)
        with ThreadPoolExecutor(N_CLIENTS) as pool:
            clients = [
                pool.submit(client, address, rows, expected, n, generator)
                for n, generator in zip(shares, generators, strict=True)
            ]
        return [one for done in clients for one in done.result()]

    ask(WARM_UP)
    before, started = process.memory_info().rss, time.perf_counter()
    found, memory = [], []
    for n_requests in [N_REQUESTS // 10] * 10:
        found += ask(n_requests)
        memory.append(process.memory_info().rss)
    seconds = time.perf_counter() - started
    times = [1000 * one for kind, one in found if kind != "lost"]
    kinds = [kind for kind, _ in found]
    return {
        "n_requests": len(found),
        **{kind: kinds.count(kind) for kind in ("right", "refused", "wrong", "lost")},
        "p50_ms": float(np.percentile(times, 50)),
        "p99_ms": float(np.percentile(times, 99)),
        "requests_per_second": len(found) / seconds,
        "mb": [one / 2**20 for one in (before, *memory)],
    }


def client(address, rows, expected, n_requests, rng):
    """What became of each request, and its seconds."""
    found = []
    # Without certificates, which take longer to load than hundreds of requests.
    with httpx.Client(base_url=address, timeout=60, verify=False) as session:
        for _ in range(n_requests):
            places = rng.integers(0, len(rows), rng.integers(1, MOST_ROWS + 1))
            given = [rows[place] for place in places]
            bad = int(rng.integers(len(given))) if rng.random() < BAD_SHARE else None
            if bad is not None:
                column = str(rng.choice(list(given[bad])))
                given[bad] = {**given[bad], column: [column]}
                place = ["body", "rows", bad, column]
            started = time.perf_counter()
            try:
                answer = session.post("/predict", json={"rows": given})
            except httpx.HTTPError:
                found.append(("lost", None))
                continue
            seconds = time.perf_counter() - started
            if bad is None:
                is_right = is_answer(answer, expected[places])
                found.append(("right" if is_right else "wrong", seconds))
            else:
                is_right = answer.status_code == 422 and place in named(answer)
                found.append(("refused" if is_right else "wrong", seconds))
    return found


def is_answer(answer, expected):
    """Whether the probabilities are those of the rows, in their order."""
    if answer.status_code != 200:
        return False
    p = np.array(answer.json()["probabilities"])
    return p.shape == expected.shape and bool(np.abs(p - expected).max() <= TOLERANCE)


def named(answer):
    """The cells that an answer calls bad."""
    return [one["loc"][:4] for one in answer.json()["detail"]]


def report(cells):
    """A row a measurement."""
    rows = []
    for (situation, seed), cell in cells.items():
        first, *others = cell["mb"]
        rows.append(
            [
                situation,
                seed,
                f"{cell['n_requests']:,}",
                f"{cell['refused']:,}",
                cell["wrong"],
                cell["lost"],
                f"{cell['p50_ms']:.1f}",
                f"{cell['p99_ms']:.1f}",
                f"{cell['requests_per_second']:.0f}",
                f"{first:.1f}",
                f"{max(others):.1f}",
                f"{others[-1] - others[0]:+.1f}",
            ]
        )
    columns = ["data", "seed", "requests", "bad ones, refused", "wrong (0)", "lost (0)", "p50 ms"]
    memory = ["MB after 2,000 requests", "MB at most", "MB in the last nine tenths"]
    print_table([*columns, "p99 ms", "requests/s", *memory], rows)


SERVICE = Form("service", "The service, 20,000 requests by 16 clients", ("churn",), run, report)

if __name__ == "__main__":
    report({("churn", 0): run("churn", 0)})
