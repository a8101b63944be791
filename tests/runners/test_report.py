"""`python -m runners.report`: where it finds records and series, and what it says."""

import re

from results import store
from tests.results.studies import task, write_study
from tests.results.test_report import read


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


def test_without_records_of_ones_own_it_is_the_reference_run_s(command, capsys, tmp_path):
    assert command("runners.report", "study=ucr_unequal", f"output={tmp_path}") == 0
    assert "made from the records in " in capsys.readouterr().out
    page, held = read(tmp_path / "ucr_unequal" / "report" / "index.html")
    assert len(held["methods"]) == 23
    assert "skipped" in page


def test_a_study_that_was_never_run_is_an_error(command, capsys, tmp_path):
    assert command("runners.report", "study=quick", f"output={tmp_path}") == 2
    assert "error: " in (said := capsys.readouterr().err)
    assert "there is no such study: run it first (`make reproduce STUDY=quick`)" in said


def test_the_study_ends_with_its_report(command, capsys, tmp_path):
    arguments = ("study=smoke", "study.datasets=[Coffee]", "data.downloads=false", f"output={tmp_path}")
    assert command("runners.reproduce", *arguments, "tracking.enabled=false") == 0
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
    assert "is not a record" in page
    assert set(held["datasets"]["Beef"]["tasks"]) == {"rbf", "1nn_ed"}
    assert store.has_records(tmp_path / "smoke")
