"""Whether comparing different lengths natively pays: from the records of the study `ucr_unequal`.

`python -m benchmarks.unequal [folder]` prints, of each kernel, its series as they are against the same series padded, cut and
resampled; the kernels that see the lengths against every other; and the accuracies dataset by dataset.
"""

from pathlib import Path

from benchmarks.measure import arguments
from results.significance import compare
from results.store import study_records
from results.tables import study_accuracies

KERNELS = ("rntk", "rntk_mean")
VECTORS = ("rbf", "ntk", "polynomial", "gaussian")
TREATMENTS = ("pad", "cut", "resample")


def main(folder: Path) -> None:
    """Print what the records say."""
    accuracy = study_accuracies(folder).dropna(how="all")
    records = [record for record in study_records(folder) if record.status == "ok"]
    hours = sum(record.timings["total"] for record in records) / 3600
    print(f"{len(accuracy)} datasets, {len(records)} tasks, {hours:.1f} core-hours.\n")

    def against(method: str, others: list[str]) -> None:
        for other in others:
            found = compare(accuracy, method, other)
            print(f"  {other:20} {100 * found.lead:+6.2f}  {found.wins}–{found.ties}–{found.losses}  p={found.p:.2g}")

    for kernel in KERNELS:
        print(f"{kernel} ({100 * accuracy[kernel].mean():.2f}) of the series as they are, against")
        against(kernel, [f"{kernel}_{treatment}" for treatment in TREATMENTS])
    vectors = [f"{kernel}_{treatment}" for kernel in VECTORS for treatment in TREATMENTS]
    for member in (*KERNELS, "rntk_direction", "rntk_family"):
        print(f"{member} ({100 * accuracy[member].mean():.2f}) against the kernels of vectors")
        against(member, vectors)
    print("\nBy dataset:")
    print((100 * accuracy.rename_axis(index=None, columns=None)).round(1).T.to_string())


if __name__ == "__main__":
    main(Path(*arguments(__doc__, 1) or ["results/reference/ucr_unequal"]))
