"""The one writer of MLflow: runs of a study that are not there yet, or are there and say something else."""

import json
import logging
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from datasets import catalogue
from results import store
from results.record import Record
from results.sweeps import differing, readable, title
from results.tables import study_accuracies
from runners.uri import is_database
from runners.view.locks import PATIENCE
from runners.view.pages import EXPERIMENT, EXPERIMENT_TAGS, pages
from runners.view.run import Run, time_of
from runners.view.studies import dataset_runs, loose_run, method_runs, study_digest, study_run
from runners.view.tasks import task_digest, task_run

QUIET = {  # what goes wrong is said once, in a line, by whoever asked
    "alembic": logging.WARNING,
    "mlflow.store.db.utils": logging.CRITICAL,
    "mlflow.tracking.fluent": logging.WARNING,
    "urllib3": logging.ERROR,
}
MOST = 800  # metrics that go at once: MLflow takes 1000 of metrics, params and tags together


class Tracker:
    """Writes a study's records to MLflow.

    `uri` is explicit, database and experiment are made here, before a worker starts. `known` has the run and its digest, by key, of what
    is there already.
    """

    def __init__(self, study: str, uri: str, output: Path):
        for noisy, level in QUIET.items():
            logging.getLogger(noisy).setLevel(level)
        from mlflow.tracking import MlflowClient

        Path(output).mkdir(parents=True, exist_ok=True)
        self.study = study
        with alone(uri):
            self.client = MlflowClient(tracking_uri=uri)
            self.experiment = self._experiment(own_artifacts(uri, output))
        mine = f"tags.study = '{study}' and tags.kind = 'study'"
        found = self.client.search_runs([self.experiment], mine, max_results=1)
        self.parent = found[0] if found else self._begin(Path(output) / study)
        self.known, self.names = {}, {}
        self._find_children()

    def _experiment(self, artifacts: str | None) -> str:
        from mlflow.exceptions import MlflowException

        try:
            return self.client.create_experiment(EXPERIMENT, artifact_location=artifacts)
        except MlflowException:  # it is there, perhaps since a moment
            if found := self.client.get_experiment_by_name(EXPERIMENT):
                return found.experiment_id
            raise

    def _begin(self, folder: Path):
        begin, _ = time_of(store.heads(folder))
        return self.client.create_run(
            self.experiment, start_time=begin or None, run_name=self.study, tags={"study": self.study, "kind": "study"}
        )

    def _find_children(self) -> None:
        token = None
        while True:
            page = self.client.search_runs(
                [self.experiment],
                f"tags.study = '{self.study}' and tags.kind != 'study'",
                max_results=1000,
                page_token=token,
            )
            for run in page:  # one that is still running was cut off while it was written, and is written again
                key, whole = run.data.tags["key"], run.info.status != "RUNNING"
                self.known[key] = (run.info.run_id, run.data.tags.get("digest") if whole else None)
                self.names[key] = run.info.run_name
            token = page.token
            if not token:
                return

    def log(self, record: Record, folder: Path, swept: Mapping[str, str] = MappingProxyType({})) -> None:
        """Write one record as a child run; a run of the same task that says something else is replaced.

        `swept` is what tells it from other runs (`results.sweeps.readable`), for its name and tags; a run that is there and has
        another name, as something else has been swept since, is given both anew.
        """
        if self._lacks(record, folder):
            self._put(task_run(record, folder, swept))
        else:
            self._name(record, swept)

    def _lacks(self, record: Record, folder: Path) -> bool:
        return self.known.get(record.key, (None, None))[1] != task_digest(record, folder)

    def _name(self, record: Record, swept: Mapping[str, str]) -> None:
        run_id, name = self.known[record.key][0], title(record, swept)
        if name != self.names[record.key]:
            self.client.update_run(run_id, name=name)
            self.names[record.key] = name
            for tag, text in swept.items():
                if tag != "key":  # the whole of it is there already
                    self.client.set_tag(run_id, tag, text)

    def _put(self, run: Run) -> None:
        """Write a child run, in place of the one of the same key that says something else."""
        from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

        run_id, digest = self.known.get(run.key, (None, None))
        if digest == run.digest:
            return
        if run_id:
            self.client.delete_run(run_id)
        tags = {**run.tags, "kind": run.kind, "study": self.study, "key": run.key, "digest": run.digest}
        made = self.client.create_run(
            self.experiment,
            start_time=run.begin or None,
            run_name=run.name,
            tags={**tags, MLFLOW_PARENT_RUN_ID: self.parent.info.run_id},
        )
        self._fill(made.info.run_id, run, made.info.start_time)
        self.client.set_terminated(made.info.run_id, "FINISHED" if run.ok else "FAILED", end_time=run.end or None)
        self.known[run.key], self.names[run.key] = (made.info.run_id, run.digest), run.name

    def _fill(self, run_id: str, run: Run, now: int) -> None:
        from mlflow.entities import Metric, Param, RunTag
        from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

        metrics = [Metric(name, value, now, step) for name, value, step in run.metrics]
        params = [Param(name, str(value)) for name, value in run.params.items()]
        self.client.log_batch(run_id, metrics[:MOST], params, [RunTag(MLFLOW_RUN_NOTE, run.note)])
        for first in range(MOST, len(metrics), MOST):
            self.client.log_batch(run_id, metrics[first : first + MOST])
        if run.data:
            self.client.log_inputs(run_id, datasets=[as_input(run.data)])
        if run.files:
            with tempfile.TemporaryDirectory() as folder:
                for name, content in run.files.items():
                    path = Path(folder) / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
                self.client.log_artifacts(run_id, folder)

    def sync(self, folder: Path) -> int:
        """Write every record of a study's folder that has no run yet; returns how many records there are."""
        records = list(store.heads(folder))
        swept = {} if store.read_plan(folder) else readable(differing(records))
        for record in records:
            self.log(record, folder, swept.get(record.key, {}))
        return len(records)

    def close(self, folder: Path) -> None:
        """Bring the study's own run up to date, and the runs of its methods and datasets; and end it."""
        records = store.study_records(folder)
        accuracy = study_accuracies(folder) if store.read_plan(folder) and records else None
        if accuracy is not None:
            runs = method_runs(accuracy, records) + dataset_runs(accuracy, records)
            for run in runs:
                self._put(run)
            if self.client.get_run(self.parent.info.run_id).data.tags.get("digest") != study_digest(
                folder, accuracy, records
            ):
                self._end(study_run(self.study, folder, accuracy, records))
        else:
            self._end(loose_run(self.study, folder))
        for key, text in {**EXPERIMENT_TAGS, **pages(self.study, accuracy)}.items():
            self.client.set_experiment_tag(self.experiment, key, text)

    def _end(self, run: Run) -> None:
        run_id, now = self.parent.info.run_id, int(time.time() * 1000)
        before = self.client.get_run(run_id).data
        if before.tags.get("digest") != run.digest:
            changed = [metric for metric in run.metrics if before.metrics.get(metric[0]) != metric[1]]
            self._fill(run_id, replace(run, metrics=changed), now)
            self.client.set_tag(run_id, "digest", run.digest)
        self.client.set_terminated(run_id, "FINISHED", end_time=run.end or None)


def own_artifacts(uri: str, output: Path) -> str | None:
    """Where artifacts go: into the output folder, and there `mlartifacts` is of its own database; a server takes them itself."""
    if not is_database(uri):
        return None
    name = "mlartifacts" if uri.startswith("sqlite:") else "mlartifacts-elsewhere"
    return (Path(output).resolve() / name).as_uri()


@contextmanager
def alone(uri: str) -> Iterator[None]:
    """Nobody else makes a PostgreSQL database meanwhile, from whichever machine; and what is wrong with a database is raised at once:
    MLflow tries ten times, and says so each time. A server makes its own.
    """
    if not is_database(uri):
        yield
        return
    import sqlalchemy

    try:
        engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{error}, by which this database is reached: pip install -e '.[server]' brings PostgreSQL's"
        ) from error
    sqlalchemy.inspect(engine).get_table_names()
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.connect() as connection:  # which holds the lock until it is closed
        connection.execute(sqlalchemy.text(f"SET lock_timeout = '{PATIENCE:.0f}s'"))
        connection.execute(sqlalchemy.text(f"SELECT pg_advisory_lock(hashtext('{EXPERIMENT}'))"))
        yield


def as_input(record: Record):
    """The dataset of a record as an input of its run."""
    from mlflow.entities import Dataset, DatasetInput, InputTag
    from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

    entry = catalogue().get(record.dataset)
    hashes = [part[:16] for part in record.dataset_sha256.split(":") if part]
    profile = {
        name: value
        for name in ("type", "n_train", "n_test", "n_classes", "length")
        if (value := getattr(entry or record, name, None)) is not None
    }
    source = {"name": "UCR time-series archive (2018)" if entry else "a dataset of one's own"}
    dataset = Dataset(
        record.dataset, ":".join(hashes) or "unknown", "archive", json.dumps(source), profile=json.dumps(profile)
    )
    return DatasetInput(dataset, [InputTag(MLFLOW_DATASET_CONTEXT, "training and test")])
