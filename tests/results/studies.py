"""A small study with all that a report can show."""

import numpy as np

from results import store
from results.record import Record
from results.report.data import Series

SHARES = {  # right predictions of 20 test cases
    "Coffee": {"rntk": 20, "rbf": 18, "1nn_ed": 15},
    "GunPoint": {"rntk": 17, "rbf": 18, "1nn_ed": 16},
    "Beef": {"rntk": 9, "rbf": 12, "1nn_ed": 12},
    "Wine": {"rntk": 11, "rbf": 13, "1nn_ed": 13},
}
KINDS = {"Coffee": "Spectro", "Beef": "Spectro", "Wine": "Spectro", "GunPoint": "Motion"}
SIGMA_W, SIGMA_B, C = (1.34, 1.4142135623730951), (0, 0.5, 2), (0.1, 1.0, 10.0)


def labels(n: int) -> list[str]:
    """Two classes, one after the other."""
    return ["1" if i % 2 else "2" for i in range(n)]


def task(dataset: str, method: str, right: int, **more) -> Record:
    """A task of which so many of 20 test cases were right: the last ones."""
    truth = labels(20)
    wrong = 20 - right
    predictions = [
        {"case": i, "label": label, "predicted": label if i >= wrong else {"1": "2", "2": "1"}[label]}
        for i, label in enumerate(truth)
    ]
    if method == "rntk":
        grid = [
            {
                "sigma_w": w,
                "sigma_b": b,
                "C=0.1": 4,
                "C=1": "<=7",
                "C=10": 9 if (w, b) == (SIGMA_W[1], 0.5) else 8,
                "note": "",
            }
            for w in SIGMA_W
            for b in SIGMA_B
        ]
        selected = {"sigma_w": SIGMA_W[1], "sigma_b": 0.5, "C": 10.0}
        config = {
            "kernel": {"_target_": "rntk.RNTK", "sigma_w": list(SIGMA_W), "sigma_b": list(SIGMA_B), "sigma_u": 1.0}
        }
    elif method == "rbf":
        grid = [{"gamma": gamma, "C=0.1": 3, "C=1": 9, "C=10": -1, "note": ""} for gamma in (1, 10)]
        selected = {"gamma": 1, "C": 1.0}
        config = {"kernel": {"_target_": "baselines.RBF", "gamma": [1, 10]}}
    else:
        grid, selected, config = [{"correct": 9}], {}, {"classifier": {"_target_": "baselines.NearestNeighbour"}}
    fields = {
        "selected": selected,
        "cv_accuracy": 0.9,
        "n_tied": 1,
        "n_settings": len(grid),
        "n_train": 10,
        "n_test": 20,
        "length": 9 if dataset == "Wine" else 30,
        "method_config": {"name": method, **config},
        "protocol": {"normalisation": "unit", "folds": 10, "C": list(C)},
        "environment": {"python": "3.11.7", "processor": "Abacus", "numpy": "2.4.6"},
        "gram": {"scale": 2.0, "symmetry_error": 0.0, "smallest_eigenvalue": 1e-3} if selected else {},
        "timings": {"selection": 1.5, "total": 2.0, "peak_memory_mib": 300, "finished": "2026-01-02T10:00:00+00:00"},
        "grid": grid,
        "predictions": predictions,
    }
    return Record(
        dataset, method, f"{dataset}-{method}".ljust(64, "0"), "ok", test_accuracy=right / 20, **fields | more
    )


def write_study(folder, datasets=tuple(SHARES), methods=("rntk", "rbf", "1nn_ed")):
    """Write the study, or a part of it, with its plan."""
    tasks = [task(dataset, method, SHARES[dataset][method]) for dataset in datasets for method in methods]
    for record in tasks:
        store.write(record, folder)
    store.write_plan(folder, "small", datasets, methods, [record.key for record in tasks])
    return folder


def series(name: str) -> Series | str:
    """Sines of a phase a class; of Wine none."""
    if name == "Wine":
        return "no folder has Wine"
    rng = np.random.default_rng(len(name))
    y_train, y_test = np.array(labels(10)), np.array(labels(20))

    def waves(y):
        phase = np.where(y == "1", 0.0, 2.0)[:, None]
        return np.sin(np.linspace(0, 6, 30) + phase) + 0.1 * rng.normal(size=(len(y), 30))

    return Series(waves(y_train), y_train, waves(y_test), y_test)
