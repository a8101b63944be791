"""All figures that the records of a study allow, each with its title and a caption of one sentence."""

import csv
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from results.figures import grids
from results.figures.choices import MEMBER, choices
from results.figures.costs import cost
from results.figures.pairs import differences, pairs
from results.figures.ranks import cd_diagram
from results.figures.spread import relative_accuracy
from results.figures.validation import validation
from results.record import Record
from results.significance import (
    ALPHA,
    cliques,
    critical_difference,
    friedman,
    holm,
    leads,
    nemenyi,
    signed_rank,
    square,
)

Rows = list[dict[str, str]]
REST = "C and all other hyperparameters"


class Drawing(NamedTuple):
    """A figure that can be drawn: the name of its files, its title, its caption, and a function of nothing that draws it, or raises
    ValueError, whose message says why it cannot be drawn.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[], Figure]


def drawings(
    accuracy: pd.DataFrame,
    records: Sequence[Record],
    grid: Callable[[Record], Rows],
    kinds: Mapping[str, str] | None = None,
    of: Sequence[str] = (),
    against: Sequence[str] = (),
) -> list[Drawing]:
    """The figures of a study.

    `accuracy` as `results.statistics` takes it, from `records`; `grid` reads the grid table of a record. `kinds` names the kind of data of
    a dataset. Methods `of` (default: that of the best average rank) are drawn `against` others (default: all, and for the differences
    dataset by dataset the next by rank). Raises ValueError for a method that the study has not.
    """
    for name in (*of, *against):
        if name not in accuracy:
            raise ValueError(f"the study has no method {name!r}: it has {', '.join(accuracy)}")
    done = [record for record in records if record.status == "ok"]
    return [
        *of_ranks(accuracy),
        *of_pairs(accuracy, of, against),
        Drawing(
            "relative", "Accuracy relative to the best",
            "Accuracy divided by that of the best method on the dataset: boxes span the quartiles over datasets, with the median, whiskers "
            "the 5th to the 95th percentile, and a diamond marks the mean.",
            partial(relative_accuracy, accuracy),
        ),
        of_validation(accuracy, done),
        of_costs(accuracy, done),
        *of_choices(done, kinds),
        *of_grids(done, grid),
    ]  # fmt: skip


def dataset_drawings(dataset: str, records: Sequence[Record], grid: Callable[[Record], Rows]) -> list[Drawing]:
    """The figures of one dataset of a study: the grid of every method that has one over the two variances."""
    mine = [record for record in records if record.dataset == dataset and record.status == "ok"]
    return [
        Drawing(
            f"{dataset}_grid_{record.method}", f"{dataset}: the grid of {record.method}",
            f"Cross-validation accuracy of {record.method} on {dataset} over σ_w and σ_b, the best over {REST} that was computed to the "
            "end (grey: all dropped as hopeless); the ring marks what was chosen.",
            partial(_grid_of, record, grid),
        )
        for record in mine
        if has_grid(record)
    ]  # fmt: skip


def _grid_of(record: Record, grid: Callable[[Record], Rows]) -> Figure:
    return grids.grid_map(cells_of(record, grid), chosen_cell(record), f"{record.dataset}, {record.method}")


def comparable(accuracy: pd.DataFrame) -> pd.DataFrame:
    """The datasets on which every method has a result, but for methods that have results on less than half as many datasets as another,
    which are left out.
    """
    count = accuracy.count()
    return accuracy.loc[:, (count > 0) & (2 * count >= count.max())].dropna()


def over(kept: pd.DataFrame, accuracy: pd.DataFrame) -> str:
    """What a caption says of the datasets of `comparable`, and of the methods left out."""
    some = (
        f"the {len(kept)} datasets on which each has a result"
        if len(kept) != 1
        else "the one dataset on which each has a result"
    )
    out = [name for name in accuracy if name not in kept]
    return some + (f" (without {', '.join(out)}, which have results on few)" if out else "")


def of_ranks(accuracy: pd.DataFrame) -> list[Drawing]:
    """The critical-difference diagrams of Nemenyi's test, and of Wilcoxon's with Holm's correction."""
    kept = comparable(accuracy)
    tests = {"nemenyi": "Nemenyi's test", "wilcoxon": "Wilcoxon's signed-rank test with Holm's correction"}
    return [
        Drawing(
            f"ranks_{name}", f"Average ranks: {test}",
            f"Average ranks of {kept.shape[1]} methods over {over(kept, accuracy)}, 1 being the best; a bar joins methods that {test} at "
            f"{ALPHA:g} cannot tell apart.",
            partial(_ranks, kept, name),
        )
        for name, test in tests.items()
    ]  # fmt: skip


def _ranks(accuracy: pd.DataFrame, test: str) -> Figure:
    if accuracy.shape[1] < 2 or accuracy.empty:
        raise ValueError(f"two methods with a dataset in common are needed: there are {', '.join(accuracy) or 'none'}")
    ranks = friedman(accuracy).ranks
    if test == "nemenyi":
        return cd_diagram(ranks, cliques(ranks, nemenyi(accuracy)), critical_difference(*accuracy.shape))
    return cd_diagram(ranks, cliques(ranks, wilcoxon_holm(accuracy)))


def wilcoxon_holm(accuracy: pd.DataFrame) -> pd.DataFrame:
    """The p-values of all pairs of methods, corrected for being that many, as a symmetric matrix."""
    table = pd.DataFrame(list(combinations(accuracy, 2)), columns=["method", "other"])
    p = [signed_rank(leads(accuracy, method, other)) for method, other in zip(table.method, table.other, strict=True)]
    return square(table.assign(p_holm=holm(pd.Series(p, dtype=float))), "p_holm")


def by_rank(accuracy: pd.DataFrame) -> list[str]:
    """The methods that have a result, those of `comparable` first, by average rank."""
    kept = comparable(accuracy)
    first = list(friedman(kept).ranks.index) if len(kept) else list(kept)
    return first + [name for name in accuracy.columns[accuracy.notna().any()] if name not in first]


def of_pairs(accuracy: pd.DataFrame, of: Sequence[str], against: Sequence[str]) -> list[Drawing]:
    """Methods against others: as points, and dataset by dataset."""
    order = by_rank(accuracy)
    found = []
    for method in of or order[:1]:
        met = [name for name in order if name != method and accuracy[[method, name]].notna().all(axis=1).any()]
        others = [name for name in against if name != method] or met
        found.append(
            Drawing(
                f"pairs_{method}", f"{method} against others",
                f"Test accuracy of {method} against that of each other method: a point is a dataset, above the diagonal (blue circles) "
                f"where {method} wins, and a diamond where both are equal.",
                partial(pairs, accuracy, method, others),
            )
        )  # fmt: skip
        found += [
            Drawing(
                f"differences_{method}_{other}", f"{method} less {other}",
                f"Test accuracy of {method} less that of {other}, in points, on every dataset on which both have a result.",
                partial(differences, accuracy, method, other),
            )
            for other in (others if against else others[:1])
        ]  # fmt: skip
    return found


def of_validation(accuracy: pd.DataFrame, records: Sequence[Record]) -> Drawing:
    """Cross-validation scores against test accuracies."""
    score = table(accuracy, {(record.dataset, record.method): record.cv_accuracy for record in records})
    return Drawing(
        "validation", "Validation against test",
        "Cross-validation accuracy of the chosen setting and test accuracy, a point a dataset; beside a method's name, by how many points "
        "the first is higher in the mean.",
        partial(validation, score, accuracy),
    )  # fmt: skip


def of_costs(accuracy: pd.DataFrame, records: Sequence[Record]) -> Drawing:
    """Time against accuracy."""
    times = {(record.dataset, record.method): core_seconds(record) for record in records}
    seconds = table(accuracy, times)
    kept = comparable(accuracy.where(seconds.notna()))
    return Drawing(
        "cost", "Time against accuracy",
        f"Computing time of all tasks of a method, from loading to prediction with the search of its grid, against its mean test "
        f"accuracy, over {over(kept, accuracy)}.",
        partial(cost, seconds, kept),
    )  # fmt: skip


def core_seconds(record: Record) -> float | None:
    """Seconds of one core that a task took; None where its record does not say."""
    total = record.timings.get("total")
    return None if total is None else total * record.timings.get("threads", 1)


def table(like: pd.DataFrame, values: Mapping[tuple[str, str], float | None]) -> pd.DataFrame:
    """Values by dataset and method as a table with the rows and columns of another, NaN where there is none."""
    found = pd.Series(values, dtype=float)
    return found.unstack().reindex_like(like) if len(found) else like * float("nan")


def of_choices(records: Sequence[Record], kinds: Mapping[str, str] | None) -> list[Drawing]:
    """What was chosen of what tells a network from another, of every method whose grid has something of it."""
    found = []
    for method, mine in by_method(records).items():
        axes = {name: values for name, values in mine[0].method_config.get("kernel", {}).items() if name in MEMBER}
        axes = {name: values for name, values in axes.items() if isinstance(values, list) and len(values) > 1}
        rows = {record.dataset: [record.selected.get(name) for name in axes] for record in mine}
        if axes:
            chosen = pd.DataFrame.from_dict(rows, orient="index", columns=list(axes)).dropna()
            for name, values in axes.items():
                chosen[name] = pd.Categorical(
                    chosen[name], [value for value in values if (chosen[name] == value).any()]
                )
            found.append(
                Drawing(
                    f"choices_{method}", f"What {method} chose",
                    f"What cross-validation chose of {', '.join(axes)} in {method}, as shares of the datasets"
                    f"{' of each kind' if kinds else ''}, and their number.",
                    partial(choices, chosen, kinds),
                )
            )  # fmt: skip
    why = f"no method with a result chooses between {', '.join(MEMBER[:-1])} or {MEMBER[-1]}"
    return found or [Drawing("choices", "What was chosen", "", partial(_refuse, why))]


def of_grids(records: Sequence[Record], grid: Callable[[Record], Rows]) -> list[Drawing]:
    """The grids over the two variances of every method that has one: as average ranks, and of each dataset."""
    found = []
    for method, mine in by_method([record for record in records if has_grid(record)]).items():
        cells, unread = {}, []
        for record in mine:
            try:
                cells[record.dataset] = cells_of(record, grid)
            except ValueError:
                unread.append(record.dataset)
        without = f" (without {', '.join(unread)}, whose grids cannot be read)" if unread else ""
        chosen = {record.dataset: chosen_cell(record) for record in mine}
        found += [
            Drawing(
                f"grid_{method}", f"The grid of {method}",
                f"Rank of the cross-validation accuracy of {method} over σ_w and σ_b, the best over {REST}, averaged over {len(cells)} "
                f"dataset{'' if len(cells) == 1 else 's'}{without}; cells that cannot be told apart "
                "share a rank, as do those of which all settings were dropped as hopeless.",
                partial(_mean_grid, method, cells),
            ),
            Drawing(
                f"grid_{method}_datasets", f"The grid of {method} on every dataset",
                f"Cross-validation accuracy of {method} over σ_w and σ_b, the best over {REST} that was computed to the end, from the "
                "lowest to the highest of the dataset (beside its name in per cent; grey: all dropped as hopeless); a ring is "
                f"about the chosen cell{without}.",
                partial(grids.grid_maps, cells, chosen),
            ),
        ]  # fmt: skip
    why = "no method with a result has a grid over both sigma_w and sigma_b"
    return found or [Drawing("grid", "Grids", "", partial(_refuse, why))]


def cells_of(record: Record, grid: Callable[[Record], Rows]) -> grids.Cells:
    """The cells of a record's grid. Raises ValueError where they cannot be had from it."""
    if not record.n_train:
        raise ValueError(f"the record of {record.name} does not say of how many training series its scores are")
    return grids.cells(grid(record), record.n_train)


def _mean_grid(method: str, cells: dict[str, grids.Cells]) -> Figure:
    return grids.rank_map(grids.mean_ranks(cells), method)


def has_grid(record: Record) -> bool:
    """Whether a record is of a kernel with a grid over both variances."""
    axes = [record.method_config.get("kernel", {}).get(name) for name in grids.AXES]
    return all(isinstance(values, list) and len(values) > 1 for values in axes)


def chosen_cell(record: Record) -> tuple[float, float] | None:
    """The values of the two variances that were chosen."""
    cell = [record.selected.get(name) for name in grids.AXES]
    return None if None in cell else (float(cell[0]), float(cell[1]))


def kinds_in(path: Path) -> dict[str, str]:
    """The kind of data of each dataset, from a CSV with the columns `name` and `type`."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            return {row["name"]: row["type"] for row in csv.DictReader(file)}
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} is no CSV file with the columns `name` and `type`, the kind of data: {error!r}"
        ) from error


def by_method(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Records by their method, in the order in which methods appear."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.method, []).append(record)
    return found


def _refuse(why: str) -> Figure:
    raise ValueError(why)
