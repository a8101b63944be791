"""What the trained networks' records say: from the records of the study `networks_small`.

`python -m benchmarks.trained [folder]` prints, of each network, the spread over seeds, how long trainings last, what diverged and
what was chosen; the readout over all steps against that at the last; and the accuracies by length and by number of training series.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measure import arguments
from results.significance import compare, holm
from results.store import read_table, study_records
from results.tables import study_accuracies


def main(folder: Path) -> None:
    """Print what the records say."""
    records, accuracy = study_records(folder), study_accuracies(folder)
    trained = [record for record in records if "network" in record.method_config]
    hours = sum(record.timings["total"] for record in trained) / 3600
    print(f"{len(trained)} tasks of trained networks, {hours:.1f} core-hours.\n")
    for method in sorted({record.method for record in trained}):
        network([record for record in trained if record.method == method], folder)
    print("\nThe readout over all steps against that at the last: Wilcoxon's p, corrected for the three (Holm):")
    found = pd.DataFrame(
        [compare(accuracy, f"{method}_mean", method) for method in ("gaussian_rnn", "identity_rnn", "gru")]
    )
    for row in found.assign(p=holm(found.p)).itertuples():
        print(f"  {row.other:13} {100 * row.lead:+.2f}  {row.wins}–{row.ties}–{row.losses}  p={row.p:.2g}")
    best = accuracy[sorted({record.method for record in trained})].max(axis=1)
    print(f"The best of the networks is ahead of rntk_mean on {(best > accuracy.rntk_mean).sum()} datasets.\n")
    sizes = pd.DataFrame([{"dataset": r.dataset, "length": r.length, "n_train": r.n_train} for r in records])
    sizes = sizes.drop_duplicates("dataset").set_index("dataset").loc[accuracy.index]
    for size, edges in (("length", [0, 100, 300, 1000]), ("n_train", [0, 60, 200, 1000])):
        groups = pd.cut(sizes[size], edges)
        table = 100 * accuracy.groupby(groups, observed=True).mean()
        table.insert(0, "datasets", groups.value_counts())
        print(f"Mean accuracy by {size}:\n{table.round(1).T.to_string()}\n")


def network(records: list, folder: Path) -> None:
    """One network's trainings over all datasets."""
    ok = [record for record in records if record.status == "ok"]
    runs = [run for record in ok for run in record.runs]
    kept = [run["epochs"] for run in runs if not run["diverged"]]
    folds = sum(row["note"] != "" for record in ok for row in read_table(record, folder, "grid"))
    chosen = Counter(record.selected["learning_rate"] for record in ok)
    spread = 100 * np.mean([record.spread for record in ok if record.spread is not None])
    promise = 100 * np.mean([record.cv_accuracy - record.test_accuracy for record in ok])
    print(
        f"{records[0].method:18} {len(ok)} datasets; spread over seeds {spread:.1f} points; "
        f"trained for {np.median(kept):.0f} epochs (median), {max(kept)} at most; "
        f"{len(runs) - len(kept)} of {len(runs)} seeds diverged, some fold of {folds} of {sum(r.n_settings for r in ok)} settings; "
        f"chosen rates {', '.join(f'{rate:g}: {count}' for rate, count in sorted(chosen.items()))}; "
        f"cross-validation less test {promise:+.1f}"
    )


if __name__ == "__main__":
    main(Path(*arguments(__doc__, 1) or ["results/reference/networks_small"]))
