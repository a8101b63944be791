"""No test looks into the user's data folder or cache, writes to the user's tracking server, or downloads anything; processes share the
cores.
"""

import logging
import os
import runpy
import sys
import warnings

if "PYTEST_XDIST_WORKER" in os.environ:  # one process a core, one thread each
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import pytest


@pytest.fixture(autouse=True)
def only_bundled_data(monkeypatch, tmp_path):
    monkeypatch.delenv("RNTK_DATA", raising=False)
    monkeypatch.setenv("RNTK_CACHE", str(tmp_path / "cache"))


def forget_tracking_server():
    """Forget the user's, and one that MLflow itself notes there when it is told of it in Python."""
    for name in (
        "MLFLOW_TRACKING_URI",
        "MLFLOW_TRACKING_USERNAME",
        "MLFLOW_TRACKING_PASSWORD",
        "MLFLOW_TRACKING_TOKEN",
    ):
        os.environ.pop(name, None)


forget_tracking_server()  # before the fixtures of a module


@pytest.fixture(autouse=True)
def no_tracking_server():
    yield
    forget_tracking_server()


@pytest.fixture
def command(monkeypatch):
    """`python -m module arguments` in this process: a function that gives the exit status."""

    def run(module, *arguments):
        without_report = ["report=false"] if module == "runners.reproduce" else []  # it takes seconds, as pictures do
        monkeypatch.setattr(sys, "argv", [module, *without_report, *map(str, arguments)])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".* found in sys.modules", RuntimeWarning)  # others imported it
            try:
                runpy.run_module(module, run_name="__main__")
            except SystemExit as end:
                return end.code or 0
        return 0

    # absl, which optax logs by, closes the stream that it began with, and here that is pytest's
    monkeypatch.setattr("absl.logging.PythonHandler.close", lambda handler: None)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield run
    root.handlers[:], root.level = handlers, level  # Hydra puts its own in their place
