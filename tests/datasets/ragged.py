"""A dataset of the archive that there is not: series of different lengths, or with missing values, in the archive's layout."""

import numpy as np

from datasets.catalogue import Entry, catalogue


def series(rng, n, lengths=(5, 12)):
    """n series whose two classes differ in slope, as a list, and their labels."""
    y = np.array(["1", "2"])[np.arange(n) % 2]
    X = [rng.normal(size=rng.integers(*lengths, endpoint=True)) for _ in range(n)]
    return [x + (label == "2") * np.linspace(0, 3, len(x)) for x, label in zip(X, y, strict=True)], y


def write(folder, name, sets, width):
    """The two files of a dataset, each line filled up with NaN to `width` values."""
    (folder / name).mkdir(parents=True)
    for split, (X, y) in sets.items():
        lines = (
            "\t".join([label, *(repr(float(v)) for v in x), *["NaN"] * (width - len(x))])
            for x, label in zip(X, y, strict=True)
        )
        (folder / name / f"{name}_{split}.tsv").write_text("\n".join(lines) + "\n")


def entry(name, sets, length=None, missing=False, **more):
    """Its entry of the catalogue."""
    n_train, n_test = (len(sets[split][1]) for split in ("TRAIN", "TEST"))
    given = {"ed_preprocessing": "z-norm", "sha256_train": "", "sha256_test": "", "sha256_values": ""} | more
    return Entry(name, "Simulated", n_train, n_test, 2, length, missing, 0.5, **given)


def add(monkeypatch, made):
    """Let the catalogue have it."""
    monkeypatch.setitem(catalogue(), made.name, made)


def example(monkeypatch, folder, seed=0, width=15):
    """`Ragged`, in the catalogue and in `folder`: its series and labels."""
    rng = np.random.default_rng(seed)
    sets = {"TRAIN": series(rng, 20), "TEST": series(rng, 16, (3, 14))}
    write(folder, "Ragged", sets, width)
    add(monkeypatch, entry("Ragged", sets))
    return sets
