"""The pages on which a study is looked at in MLflow's browser view: which runs, which columns, which charts.

MLflow keeps what its button "Views" saves in tags of the experiment, and opens it by a link; these are such tags. They are of the browser's
view alone: a version of MLflow that cannot read them shows its own choice of columns.
"""

import json
from typing import Any

import pandas as pd

from results.figures.study import by_rank
from results.statistics import COLUMNS
from runners.view.run import metric_name

EXPERIMENT = "rntk"
SAVED = "mlflow.sharedViewState."
EXPERIMENT_TAGS = {
    "mlflow.experimentKind": "custom_model_development",
    "mlflow.note.content": "Studies of kernels for time series: a run a study, with a run for each method, dataset and task below it. "
    "The button *Views* has, of every study, its **methods**, its **datasets** and its **tasks**.",
}
TASK_COLUMNS = [
    "tags.`dataset`",
    "tags.`method`",
    "metrics.`test_accuracy`",
    "metrics.`cv_accuracy`",
    "metrics.`n_tied`",
    "metrics.`seconds_total`",
    "tags.`dataset_type`",
    "tags.`status`",
]


def pages(study: str, accuracy: pd.DataFrame | None) -> dict[str, str]:
    """The tags of a study's pages: of its tasks, and, where it has a table of accuracies, of its methods and its datasets."""
    found = {f"{study}-tasks": page(study, "task", TASK_COLUMNS, "tags.`dataset`", ascending=True)}
    if accuracy is not None:
        measures = [f"metrics.`{name}`" for name in COLUMNS if name != "method"]
        names = [metric_name(f"accuracy/{method}") for method in by_rank(accuracy)]
        best, *others = names or [""]
        found[f"{study}-methods"] = page(
            study,
            "method",
            measures,
            "metrics.`accuracy_mean`",
            charts=[bars("accuracy_mean"), bars("friedman_rank"), bars("wins"), lines("accuracy_by_dataset")],
        )
        found[f"{study}-datasets"] = page(
            study,
            "dataset",
            [f"metrics.`{name}`" for name in names],
            "tags.`dataset`",
            ascending=True,
            charts=[scatter(best, other) for other in others],
        )
    return {SAVED + name: text for name, text in found.items()}


def page(
    study: str, kind: str, columns: list[str], order: str, ascending: bool = False, charts: list[dict] = ()
) -> str:
    """A page as the tag holds it."""
    state = {
        "searchFilter": f"tags.study = '{study}' and tags.kind = '{kind}'",
        "orderByKey": order,
        "orderByAsc": ascending,
        "selectedColumns": columns,
        "runsHiddenMode": "SHOW_ALL",
    }
    if charts:
        state |= {
            "compareRunCharts": [
                {**chart, "uuid": f"chart {i}", "metricSectionId": "study"} for i, chart in enumerate(charts)
            ],
            "compareRunSections": [{"uuid": "study", "name": study, "display": True, "isReordered": True}],
            "isAccordionReordered": True,
        }
    return json.dumps({"name": f"{study}: {kind}s", "createdAt": 0, "updatedAt": 0, "state": json.dumps(state)})


def bars(metric: str) -> dict[str, Any]:
    """A bar a run."""
    return {"type": "BAR", "metricKey": metric, "runsCountToCompare": 100, "isGenerated": True, "deleted": False}


def lines(metric: str) -> dict[str, Any]:
    """A line a run, by step."""
    return {
        "type": "LINE",
        "metricKey": metric,
        "isGenerated": True,
        "deleted": False,
        "runsCountToCompare": 100,
        "xAxisKey": "step",
        "lineSmoothness": 0,
        "scaleType": "linear",
        "xAxisScaleType": "linear",
        "range": {},
        "useGlobalXaxisKey": False,
        "displayPoints": True,
        "yAxisKey": "metric",
    }


def scatter(x: str, y: str) -> dict[str, Any]:
    """A point a run."""
    return {
        "type": "SCATTER",
        "xaxis": {"key": x, "type": "METRIC"},
        "yaxis": {"key": y, "type": "METRIC"},
        "runsCountToCompare": 100,
        "isGenerated": False,
        "deleted": False,
    }


def last_page(uri: str) -> str:
    """The page of the study that ended last, within MLflow's address: of its methods, or of its tasks where it has no such page.

    Raises ValueError where MLflow cannot read what is at `uri`.
    """
    from mlflow import MlflowClient, MlflowException

    client = MlflowClient(tracking_uri=uri)
    try:
        experiments = client.search_experiments(filter_string=f"name = '{EXPERIMENT}'")
        runs = client.search_runs(
            [found.experiment_id for found in experiments], "tags.kind = 'study'", order_by=["attributes.end_time DESC"]
        )
    except MlflowException as error:
        raise ValueError(f"MLflow cannot read {uri}: {str(error).splitlines()[0]}; `rebuild` makes it anew") from error
    if not runs:
        return ""
    study, tags = runs[0].data.tags["study"], experiments[0].tags
    kind = "methods" if f"{SAVED}{study}-methods" in tags else "tasks"
    return f"#/experiments/{experiments[0].experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={study}-{kind}"
