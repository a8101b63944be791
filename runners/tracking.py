"""MLflow as a view of the records: one parent run a study, one child run a task. It can be made anew at any time:

    python -m runners.tracking rebuild outputs

Only the parent process writes, so that a fresh SQLite database is never opened by two. Params are the parameters of the task
and the selected hyperparameters, metrics the scores and timings, artifacts the record and its tables. What tells runs of no study
from each other, as the values of a sweep, is in their names and tags. A record that is there already, by key and status, is not
written twice.
"""

import argparse
import os
import sys
import time
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from results import store
from results.record import Record
from results.statistics import summary
from results.sweeps import brief, differing, parameters, readable, title
from results.tables import study_accuracies
from runners.config import quiet_mlflow

EXPERIMENT = "rntk"
MOST = 1000  # metrics that MLflow takes at once


def default_uri(output: Path) -> str:
    """The database of an output folder."""
    return f"sqlite:///{Path(output).resolve() / 'mlflow.db'}"


class Tracker:
    """Writes a study's records to MLflow.

    `uri` is explicit, database and experiment are made here, before a worker starts.
    """

    def __init__(self, study: str, uri: str, output: Path):
        import logging

        for noisy in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        from mlflow.tracking import MlflowClient

        Path(output).mkdir(parents=True, exist_ok=True)
        self.study = study
        self.client = MlflowClient(tracking_uri=uri)
        experiment = self.client.get_experiment_by_name(EXPERIMENT)
        local = uri.startswith("sqlite:")
        artifacts = (Path(output).resolve() / "mlartifacts").as_uri() if local else None
        self.experiment = (
            experiment.experiment_id
            if experiment
            else self.client.create_experiment(EXPERIMENT, artifact_location=artifacts)
        )
        mine = f"tags.study = '{study}' and tags.kind = 'study'"
        self.parent = next(
            iter(self.client.search_runs([self.experiment], mine, max_results=1)), None
        ) or self.client.create_run(self.experiment, run_name=study, tags={"study": study, "kind": "study"})
        self.known = self._children()

    def _children(self) -> dict[str, tuple[str, str | None]]:
        """Run and status, by key, of the records that have a run already; and their names."""
        known, token, self.names = {}, None, {}
        while True:
            page = self.client.search_runs(
                [self.experiment],
                f"tags.study = '{self.study}' and tags.kind = 'task'",
                max_results=1000,
                page_token=token,
            )
            for run in page:  # one that is still running was cut off while it was written, and is written again
                whole = run.info.status != "RUNNING"
                known[run.data.tags["key"]] = (run.info.run_id, run.data.tags["status"] if whole else None)
                self.names[run.data.tags["key"]] = run.info.run_name
            token = page.token
            if not token:
                return known

    def log(self, record: Record, folder: Path, swept: Mapping[str, str] = MappingProxyType({})) -> None:
        """Write one record as a child run; a run of the same task with another status is replaced.

        `swept` is what tells it from other runs (`results.sweeps.readable`), for its name and tags; a run that is there and has
        another name, as something else has been swept since, is given both anew.
        """
        from mlflow.entities import Metric, Param, RunTag
        from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

        name = title(record, swept)
        run_id, status = self.known.get(record.key, (None, None))
        if status == record.status:
            if name != self.names[record.key]:
                self._rename(run_id, name, swept)
            return
        if run_id:
            self.client.delete_run(run_id)
        tags = {
            **swept,
            "kind": "task",
            "study": self.study,
            "dataset": record.dataset,
            "method": record.method,
            "status": record.status,
            "key": record.key,
        }
        run = self.client.create_run(
            self.experiment,
            run_name=name,
            tags={**tags, MLFLOW_PARENT_RUN_ID: self.parent.info.run_id},
        )
        told = {n: brief(value) if isinstance(value, list) else value for n, value in parameters(record).items()}
        params = {**told, "dataset": record.dataset, "method": record.method, **record.selected}
        stages = {f"seconds_{name}": value for name, value in record.timings.items() if isinstance(value, float)}
        metrics = {
            "cv_accuracy": record.cv_accuracy,
            "test_accuracy": record.test_accuracy,
            "test_accuracy_std": record.spread,
            "n_tied": record.n_tied,
            **stages,
        }
        now = run.info.start_time
        self.client.log_batch(
            run.info.run_id,
            metrics=[Metric(name, float(value), now, 0) for name, value in metrics.items() if value is not None],
            params=[Param(name, str(value)) for name, value in params.items()],
            tags=[RunTag("reason", record.reason[:500])] if record.reason else [],
        )
        self._log_curves(run, record, folder)
        for name, content in store.read_files(folder, record).items():
            self.client.log_text(run.info.run_id, content.decode("utf-8"), name)
        self.client.set_terminated(run.info.run_id, "FINISHED" if record.status == "ok" else "FAILED")
        self.known[record.key], self.names[record.key] = (run.info.run_id, record.status), name

    def _rename(self, run_id: str, name: str, swept: Mapping[str, str]) -> None:
        self.client.update_run(run_id, name=name)
        for tag, text in swept.items():
            if tag != "key":  # the whole of it is there already
                self.client.set_tag(run_id, tag, text)

    def _log_curves(self, run, record: Record, folder: Path) -> None:
        """The learning curves of the chosen setting, as metrics by epoch: `folds/loss` and so on, and `all/loss` of the runs on
        the whole training set. Where nothing was chosen the curves are of all settings, and are artifacts alone.
        """
        from mlflow.entities import Metric

        metrics = [
            Metric(f"{row['on']}/{name}", float(row[name]), run.info.start_time, int(row["epoch"]))
            for row in (store.read_table(record, folder, "curves") if record.selected else [])
            for name in ("loss", "validation_loss", "validation_accuracy", "running")
        ]
        for first in range(0, len(metrics), MOST):
            self.client.log_batch(run.info.run_id, metrics=metrics[first : first + MOST])

    def sync(self, folder: Path) -> int:
        """Write every record of a study's folder that has no run yet; returns how many records there are."""
        records = list(store.heads(folder))
        swept = {} if store.read_plan(folder) else readable(differing(records))
        for record in records:
            self.log(record, folder, swept.get(record.key, {}))
        return len(records)

    def close(self, folder: Path) -> None:
        """End the study's run, with its summary as metrics, `accuracy_mean/rntk` and so on, and its tables as artifacts."""
        from mlflow.entities import Metric

        if store.read_plan(folder):
            table = summary(study_accuracies(folder)).set_index("method").stack().dropna()
            now = int(time.time() * 1000)
            metrics = [Metric(f"{name}/{method}", float(value), now, 0) for (method, name), value in table.items()]
            self.client.log_batch(self.parent.info.run_id, metrics=metrics)
        for table in sorted((Path(folder) / "tables").glob("*.*")):
            self.client.log_artifact(self.parent.info.run_id, str(table))
        self.client.set_terminated(self.parent.info.run_id, "FINISHED")


class View:
    """Tracking as a configuration asks for it, and never in the way: MLflow is a view of the records, and a study goes on
    without it. The first fault is reported, with what to do, and ends the tracking.
    """

    def __init__(self, study: str, config):
        self.folder = Path(config.output) / study
        self.tracker = None
        if config.tracking.enabled:
            uri = config.tracking.uri or default_uri(config.output)
            with self._guard():
                self.tracker = Tracker(study, uri, config.output)

    def sync(self) -> None:
        """Write every record of the study that has no run yet."""
        if self.tracker:
            with self._guard():
                self.tracker.sync(self.folder)

    def log(self, record: Record) -> None:
        """Write one record."""
        if self.tracker:
            with self._guard():
                self.tracker.log(record, self.folder)

    def close(self) -> None:
        """Write what is missing, and end the study's run."""
        self.sync()
        if self.tracker:
            with self._guard():
                self.tracker.close(self.folder)

    @contextmanager
    def _guard(self):
        try:
            yield
        except Exception as error:  # MLflow, SQLAlchemy, the network: whatever it is, the records are safe
            self.tracker = None
            first = (str(error).splitlines() or [type(error).__name__])[0]
            print(
                f"MLflow: {first}; the study goes on without it, its records are complete: "
                f"`python -m runners.tracking rebuild {self.folder.parent}` writes them later",
                file=sys.stderr,
            )


def rebuild(output: Path, uri: str | None = None) -> int:
    """Make MLflow's database anew from the records of every study under `output`; returns how many.

    Raises ValueError where there are none.
    """
    folders = [folder for folder in sorted(Path(output).glob("*")) if store.has_records(folder)]
    if not folders:
        raise ValueError(
            f"{output} holds no study: name an output folder, which has <study>/records/*.json or <study>/records.zip"
        )
    if uri is None:
        uri = default_uri(output)
        with suppress(FileNotFoundError):
            (Path(output) / "mlflow.db").unlink()
    count = 0
    for folder in folders:
        tracker = Tracker(folder.name, uri, output)
        count += tracker.sync(folder)
        tracker.close(folder)
    return count


def main() -> int:
    """`python -m runners.tracking rebuild [OUTPUT]` or `ui [OUTPUT]`."""
    parser = argparse.ArgumentParser(description="MLflow as a view of an output folder's records.")
    parser.add_argument(
        "command", choices=["rebuild", "ui"], help="make the database anew from the records, or look at it in a browser"
    )
    parser.add_argument(
        "output", type=Path, nargs="?", default=Path("outputs"), help="the folder of all studies (default: outputs)"
    )
    parser.add_argument("--uri", help="tracking URI (default: OUTPUT/mlflow.db)")
    parser.add_argument("--port", type=int, default=5000, help="where `ui` listens (default: 5000)")
    arguments = parser.parse_args()
    quiet_mlflow()
    uri = arguments.uri or default_uri(arguments.output)
    if arguments.command == "rebuild":
        try:
            count = rebuild(arguments.output, arguments.uri)
        except ValueError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        print(f"{count} records are in {uri}")
        return 0
    if not arguments.uri and not (arguments.output / "mlflow.db").exists():
        print(
            f"error: {arguments.output}/mlflow.db does not exist: run a study first, or `rebuild` from its records",
            file=sys.stderr,
        )
        return 2
    os.execv(
        sys.executable,
        [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--port", str(arguments.port)],
    )


if __name__ == "__main__":
    sys.exit(main())
