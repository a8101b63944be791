"""`python -m runners.report`: where it finds records and series, and what it says."""

import re

import pytest

from datasets.sources import bundled
from results import store
from tests.results.studies import task, write_study
from tests.results.test_report import read


@pytest.fixture(autouse=True)
def no_figures(monkeypatch):
    """What is drawn is asked in tests/results."""
    monkeypatch.setattr("results.report.page.drawings", lambda *arguments: [])


def test_a_report_is_made_from_the_study_s_records_with_the_series_that_are_here(command, capsys, tmp_path):
    """sktime brings GunPoint, and not Beef; of what kind they are the catalogue says."""
    write_study(tmp_path / "smoke", ["Beef", "GunPoint"])
    assert command("runners.report", "study=smoke", f"output={tmp_path}") == 0
    path = tmp_path / "smoke" / "report" / "index.html"
    assert capsys.readouterr().out == f"{path}\nmade from the records in {tmp_path / 'smoke'}\n"
    page, held = read(path)
    assert [one["n"] for one in held["datasets"]["GunPoint"]["series"]["classes"]] == [24, 26]
    assert held["datasets"]["Beef"]["absent"].startswith("Beef is in no local source")
    assert re.search(r"<td data-value=\"Spectro\"", page)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["smoke"]  # no configuration is left behind


def test_series_of_several_channels_are_drawn_too(command, tmp_path):
    own = {"source": str(bundled()[0] / "BasicMotions"), "channels": 6}
    record = task("BasicMotions", "rbf", 18, own=own)
    store.write(record, tmp_path / "smoke")
    store.write_plan(tmp_path / "smoke", "smoke", ["BasicMotions"], ["rbf"], [record.key])
    assert command("runners.report", "study=smoke", f"output={tmp_path}") == 0
    _, held = read(tmp_path / "smoke" / "report" / "index.html")
    found = held["datasets"]["BasicMotions"]["series"]
    assert (found["channels"], len(found["scales"])) == (6, 6)
    assert [one["label"] for one in found["classes"]] == ["badminton", "running", "standing", "walking"]
    assert {len(text) for one in found["classes"] for text in one["series"]} == {2 * 6 * 100}


def test_pictures_of_the_chosen_kernels_are_in_the_sections_that_are_asked_for(command, tmp_path):
    write_study(tmp_path / "smoke", ["Beef", "GunPoint"], ["rbf"])
    assert command("runners.report", "study=smoke", f"output={tmp_path}", "pictures=[GunPoint]") == 0
    page, _ = read(tmp_path / "smoke" / "report" / "index.html")
    section = page[page.index('id="dataset-GunPoint"') :]
    assert section.index('id="figure-GunPoint_grams"') < section.index("</details>")
    assert "sensitivities are of RNTKs, and none is among rbf" in section
    assert "Beef_grams" not in page


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("Coffee", "pictures=Coffee: no kernel of this study has a result on it"),
        ("Beef", "Beef is in no local source"),
    ],
)
def test_pictures_that_cannot_be_made_are_an_error(command, capsys, tmp_path, asked, message):
    write_study(tmp_path / "smoke", ["Beef"], ["rbf"])
    assert command("runners.report", "study=smoke", f"output={tmp_path}", f"pictures=[{asked}]") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "smoke" / "report").exists()


def test_without_records_of_ones_own_it_is_the_reference_run_s(command, capsys, tmp_path):
    assert command("runners.report", "study=context", f"output={tmp_path}") == 0
    assert "made from the records in " in capsys.readouterr().out
    _, held = read(tmp_path / "context" / "report" / "index.html")
    assert {"rntk_mean", "minirocket", "1nn_dtw"} <= set(held["methods"])
    assert len(held["datasets"]) == 56


def test_a_study_that_was_never_run_is_an_error(command, capsys, tmp_path):
    assert command("runners.report", "study=quick", f"output={tmp_path}") == 2
    assert "error: " in (said := capsys.readouterr().err)
    assert "there is no such study: run it first (`make reproduce STUDY=quick`)" in said


def test_the_study_ends_with_its_report(command, capsys, tmp_path):
    arguments = ("study=smoke", "study.datasets=[Coffee]", "data.downloads=false", f"output={tmp_path}")
    assert command("runners.reproduce", *arguments, "tracking.enabled=false", "report=true") == 0
    path = tmp_path / "smoke" / "report" / "index.html"
    assert f"report: {path}\n" in capsys.readouterr().out
    page, _ = read(path)
    assert "No task of this study has a result." in page
    assert "Coffee" in page


def test_a_record_that_cannot_be_read_stops_no_report(command, tmp_path):
    write_study(tmp_path / "smoke", ["Beef"])
    (tmp_path / "smoke" / "records" / f"{task('Beef', 'rntk', 9).name}.json").write_text("{")
    assert command("runners.report", "study=smoke", f"output={tmp_path}") == 0
    page, held = read(tmp_path / "smoke" / "report" / "index.html")
    assert "is damaged: it is no record" in page
    assert set(held["datasets"]["Beef"]["tasks"]) == {"rbf", "1nn_ed"}
    assert store.has_records(tmp_path / "smoke")
