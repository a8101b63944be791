"""Commands and MLflow's server as real processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from mlflow.tracking import MlflowClient

ROOT = Path(__file__).parents[2]
LOST = "the study goes on without it"
QUICK = ("~methods.rntk", "~methods.ntk")


def environment(folder, **more):
    clean = {name: value for name, value in os.environ.items() if name != "RNTK_DATA"}
    return {**clean, "RNTK_CACHE": str(folder / "cache"), "NUMBA_NUM_THREADS": "1", **more}


def start(module, folder, *arguments, output=subprocess.PIPE, cwd=ROOT, **more):
    """`python -m module arguments`, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=cwd,
        env=environment(folder, **more),
        stdout=output,
        stderr=output,
        text=True,
        start_new_session=True,
        preexec_fn=partial(
            signal.signal, signal.SIGINT, signal.SIG_DFL
        ),  # what runs in the background begins with it ignored
    )


def study(output, *arguments, name="smoke", **more):
    """A study of a few of smoke's tasks, begun."""
    given = ("study=smoke", f"study.name={name}", "report=false", "workers=1", f"output={output}", *QUICK)
    return start("runners.reproduce", output, *given, *arguments, **more)


def ended(process, code=0):
    """What a process said on its standard error."""
    said, errors = process.communicate(timeout=300)
    assert process.returncode == code, said + errors
    return errors


def rebuild(output, *arguments, **more):
    ended(start("runners.tracking", output, "rebuild", output, *arguments, **more))


def runs(uri, kind="task"):
    """The dataset, method and study of every finished run."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("rntk")
    found = client.search_runs([experiment.experiment_id], f"tags.kind = '{kind}'") if experiment else []
    return sorted(
        (run.data.tags["study"], run.data.tags.get("dataset", ""), run.data.tags.get("method", ""))
        for run in found
        if run.info.status == "FINISHED"
    )


def tables(output, name="smoke"):
    return {path.name: path.read_bytes() for path in (output / name / "tables").iterdir()}


def until(true, process, seconds=120):
    """Wait for something while a process runs."""
    end = time.monotonic() + seconds
    while not true():
        assert process.poll() is None and time.monotonic() < end, process.communicate()[1]
        time.sleep(0.05)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(folder, port, *more, **variables):
    """MLflow's server, which hands on artifacts, too, once it answers; it writes to server.log."""
    arguments = ("--host", "127.0.0.1", "--port", port, "--workers", 1, "--artifacts-destination", folder / "artifacts")
    variables = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **variables}
    with open(folder / "server.log", "a") as log:
        process = start("mlflow", folder, "server", "--serve-artifacts", *arguments, *more, output=log, **variables)
    try:
        until(lambda: answers(port), process)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
