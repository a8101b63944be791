"""No test looks into the user's data folder or cache, and none downloads anything."""

import pytest


@pytest.fixture(autouse=True)
def only_bundled_data(monkeypatch, tmp_path):
    monkeypatch.delenv("RNTK_DATA", raising=False)
    monkeypatch.setenv("RNTK_CACHE", str(tmp_path / "cache"))
