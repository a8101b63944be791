"""Which member of the family is ahead, by how much, and on what kind of data: from the records of the study `family`.

`python -m benchmarks.family [folder]` prints the members against the best of the kernel baselines, by type of dataset, the
datasets on which they differ most, what was chosen, and how far cross-validation promised too much.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measure import arguments
from datasets import find
from results.significance import compare
from results.statistics import accuracies, ranks
from results.store import study_records

BASELINES = ["ntk", "rbf", "polynomial", "gaussian"]
CHOICES = ("direction", "depth", "readout", "output", "nonlinearity")


def main(folder: Path) -> None:
    """Print what the records say."""
    records = [record for record in study_records(folder) if record.status == "ok"]
    accuracy = 100 * accuracies(records)
    partial = accuracy.columns[accuracy.notna().sum() < accuracy.notna().sum().max()]
    complete = accuracy.drop(columns=partial).dropna()
    members = [name for name in complete if name.startswith("rntk")]
    print(
        f"{len(complete)} of {len(accuracy)} datasets; left out, as they have not all of them: {', '.join(partial) or 'none'}.\n"
    )
    against_baselines(complete, members)
    by_type(complete, members)
    extremes(complete, members)
    choices(records, set(complete.index))
    promises(records, set(complete.index))


def against_baselines(accuracy: pd.DataFrame, members: list[str]) -> None:
    """Mean accuracy and rank among the five baseline-and-member kernels, and pairs: wins, ties, losses, Wilcoxon's p."""
    print(
        "Each member with the four kernel baselines: mean accuracy, average rank among the five; against each baseline\n"
        "and the paper's kernel its mean lead, datasets won–tied–lost, and p of a two-sided Wilcoxon test."
    )
    for member in members:
        five = accuracy[[member, *BASELINES]]
        print(f"  {member:15} {five[member].mean():.2f}  rank {ranks(five).mean()[member]:.2f}", end="")
        for other in (name for name in (*BASELINES, "rntk") if name != member):
            found = compare(accuracy, member, other)
            print(f"   {other} {found.lead:+.2f} {found.wins}–{found.ties}–{found.losses} p={found.p:.2g}", end="")
        print()
    print("  beside:", ", ".join(f"{b} {accuracy[b].mean():.2f}" for b in BASELINES))
    print(
        "  ranks among all:", ", ".join(f"{m} {r:.2f}" for m, r in ranks(accuracy).mean().sort_values().items()), "\n"
    )


def by_type(accuracy: pd.DataFrame, members: list[str]) -> None:
    """The mean lead over RBF, the best baseline, by the archive's types."""
    types = pd.Series({name: find(name).type for name in accuracy.index})
    lead = accuracy[members].sub(accuracy["rbf"], axis=0).groupby(types).mean()
    lead.insert(0, "datasets", types.value_counts())
    print("Mean lead over rbf by the archive's types:")
    print(lead.round(1).to_string(), "\n")


def extremes(accuracy: pd.DataFrame, members: list[str], n: int = 6) -> None:
    """Where each member leads and trails the best baseline most."""
    best = accuracy[BASELINES].max(axis=1)
    print("Farthest ahead of the best baseline, and behind it:")
    for member in members:
        lead = (accuracy[member] - best).sort_values()
        for part in (lead[::-1][:n], lead[:n]):
            print(f"  {member:15}", ", ".join(f"{name} {value:+.1f}" for name, value in part.items()))
    print()


def choices(records, names: set[str]) -> None:
    """What cross-validation chose."""
    print("Chosen, by number of datasets:")
    for method in ("rntk_direction", "rntk_family"):
        chosen = [record.selected for record in records if record.method == method and record.dataset in names]
        for axis in CHOICES:
            counts = Counter(setting.get(axis) for setting in chosen)
            if len(counts) > 1:
                print(
                    f"  {method:15} {axis}: " + ", ".join(f"{value} {count}" for value, count in counts.most_common())
                )
    print()


def promises(records, names: set[str]) -> None:
    """How far the best score of cross-validation lies above the test accuracy, and how many settings tie for it."""
    print(
        "Cross-validation's best score less test accuracy (mean over datasets), and settings that tie for it (median):"
    )
    for method in sorted({record.method for record in records}):
        own = [r for r in records if r.method == method and r.dataset in names and r.cv_accuracy is not None]
        gap = np.mean([100 * (r.cv_accuracy - r.test_accuracy) for r in own])
        print(f"  {method:15} {gap:+.2f}  {np.median([r.n_tied for r in own]):.0f} of {own[0].n_settings * 5}")


if __name__ == "__main__":
    main(Path(*arguments(__doc__, 1) or ["results/reference/family"]))
