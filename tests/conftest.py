"""No test looks into the user's data folder or cache, and none downloads anything; processes share the cores."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # one process a core, one thread each
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import pytest


@pytest.fixture(autouse=True)
def only_bundled_data(monkeypatch, tmp_path):
    monkeypatch.delenv("RNTK_DATA", raising=False)
    monkeypatch.setenv("RNTK_CACHE", str(tmp_path / "cache"))


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items):
    """Tests that look at one study run in one process, which runs that study once."""
    for item in items:
        if "smoke" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("smoke"))
