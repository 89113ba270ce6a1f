"""The tables of the regression benchmark, with their bars."""

import numpy as np
from _report import print_heading, print_table


def print_report(cells, n_estimators):
    seeds = ", ".join(str(seed) for seed in sorted({seed for _, seed in cells}))
    print_heading("Regression (`make bench-regression`)", seeds)
    print(
        f"Teacher: random forest, extra trees, XGBoost, LightGBM and CatBoost of {n_estimators} "
        "trees each, averaged. Default arguments everywhere; of chicago, whose rows are in time "
        "order, `validation_fraction=TimeSeriesSplit()`. Figures are means over seeds.\n"
    )
    names = list(dict.fromkeys(name for name, _ in cells))
    means = {name: mean_of([cells[key] for key in cells if key[0] == name]) for name in names}
    print_means(means)
    print_distributions(means)
    print_bars(means)


def mean_of(cells):
    """The mean of figures that are numbers, whatever holds them."""
    first = cells[0]
    if isinstance(first, dict):
        return {key: mean_of([cell[key] for cell in cells]) for key in first}
    if isinstance(first, list) and not isinstance(first[0], str):
        return [mean_of([cell[place] for cell in cells]) for place in range(len(first))]
    return float(np.mean(cells)) if isinstance(first, (int, float)) else first


def print_means(means):
    columns = ["RMSE", "teacher", "control", "own rows alone", "student", "CatBoost"]
    rows = []
    for name, cell in means.items():
        found = cell["rmse"]
        told = [found[who] for who in ("teacher", "control", "own rows", "student", "catboost")]
        best = min(found["teacher"], found["control"])
        ratios = [f"{found['student'] / one:.3f}" for one in (best, found["catboost"])]
        rows.append([name, *(f"{one:.4g}" for one in told), *ratios])
    print_table([*columns, "student / min(teacher, control)", "student / CatBoost"], rows)


def print_distributions(means):
    rows = []
    for name, cell in means.items():
        found, inside = cell["crps"], cell["intervals"]
        row = [name, *(f"{found[who]:.4g}" for who in ("teacher", "control", "student"))]
        row.append(retained(found))
        for coverage in ("0.8", "0.9"):
            share, width = inside[coverage]["student"]
            row += [f"{share:.3f}", f"{width / inside[coverage]['teacher'][1]:.2f}"]
        rows.append([*row, f"{inside['0.8']['teacher'][0]:.3f}"])
    columns = ["CRPS", "teacher", "control", "student", "retained gain", "80 %: inside"]
    columns += ["width / teacher's", "90 %: inside", "width / teacher's", "teacher's 80 %: inside"]
    print_table(columns, rows)


def retained(crps):
    gap = crps["control"] - crps["teacher"]
    return f"{(crps['control'] - crps['student']) / gap:.2f}" if gap > 0 else "-"


def print_bars(means):
    cells = list(means.values())
    ratio = [c["rmse"]["student"] / min(c["rmse"]["teacher"], c["rmse"]["control"]) for c in cells]
    own = [c["rmse"]["own rows"] / c["rmse"]["student"] for c in cells]
    rival = [c["rmse"]["student"] / c["rmse"]["catboost"] for c in cells]
    gains = [float(text) for text in (retained(c["crps"]) for c in cells) if text != "-"]
    off = [
        abs(c["intervals"][text]["student"][0] - float(text))
        for c in cells
        for text in ("0.8", "0.9")
    ]
    widths = [
        c["intervals"][text]["student"][1] / c["intervals"][text]["teacher"][1]
        for c in cells
        for text in ("0.8", "0.9")
    ]
    faster = min(cell["faster"] for cell in cells)
    gap = max(max(cell["gaps"]) for cell in cells)
    rows = [
        ["RMSE, student / min(teacher, control), mean", f"{np.mean(ratio):.3f}", "<= 1.0"],
        ["the same, worst table", f"{max(ratio):.3f}", "<= 1.03"],
        ["RMSE, student / CatBoost, geometric mean", f"{geometric(rival):.3f}", "<= 1.0"],
        ["RMSE, own rows alone / with synthetic rows, geometric mean", f"{geometric(own):.3f}", ""],
        ["CRPS, retained gain, median", f"{np.median(gains):.2f}" if gains else "-", ">= 0.8"],
        ["share inside intervals, furthest from what it should be", f"{max(off):.3f}", "<= 0.02"],
        ["width / teacher's, widest", f"{max(widths):.2f}", "<= 1.05"],
        [
            "10,000 rows: teacher / ONNX file, slowest",
            f"{faster:.0f}",
            ">= 10",
        ],
        [
            "gap of the file, in deviations of y",
            f"{gap:.1e}",
            "<= 1e-5",
        ],
        ["bytes of the file, largest", f"{max(c['bytes'] for c in cells):,.0f}", ""],
    ]
    print_table(["what", "measured", "bar"], rows)


def geometric(values):
    return float(np.exp(np.mean(np.log(values))))
