"""Fetching from the command line: which datasets are asked for, which are missing and why, and the exit status."""

import pytest

from datasets import DataError, catalogue, downloads, in_study


@pytest.fixture
def asked(monkeypatch):
    """The datasets that the archive's site, which does not answer, is asked for."""
    names = []

    def no_answer(name):
        names.append(name)
        raise downloads.SiteUnreachable("no answer")

    monkeypatch.setattr(downloads, "_fetch_site", no_answer)
    return names


def test_what_is_here_is_not_fetched(command, capsys, asked):
    assert command("datasets.fetch", "GunPoint", "ArrowHead") == 0
    assert capsys.readouterr().out == "2 of 2 datasets are here\n"
    assert asked == []


def test_an_unknown_name_is_a_mistake(command, capsys, asked):
    assert command("datasets.fetch", "ScreenType", "Gunpoint") == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("error: unknown dataset 'Gunpoint': did you mean GunPoint ")
    assert printed.out == "" and asked == []


def test_what_cannot_be_had_is_named(command, capsys, asked):
    """Two that the mirror does not carry: a site that does not answer once is not asked again."""
    assert command("datasets.fetch", "GunPoint", "ScreenType", "RefrigerationDevices") == 1
    printed = capsys.readouterr()
    for name in ("ScreenType", "RefrigerationDevices"):
        assert f"missing: {name}: not in the mirror; the archive's site: no answer\n" in printed.err
    assert printed.out == "1 of 3 datasets are here\n"
    assert asked == ["ScreenType"]


def test_of_both_archives_what_is_not_here_is_asked_for_and_of_ones_own_nothing(command, capsys, asked, tmp_path):
    own = tmp_path / "Own.tsv"
    own.write_text("a\t1\t2\nb\t2\t1\n" * 5)
    assert command("datasets.fetch", "BasicMotions", "NATOPS", own) == 1
    printed = capsys.readouterr()
    assert "missing: NATOPS: not in the mirror; the archive's site: no answer\n" in printed.err
    assert (printed.out, asked) == ("2 of 3 datasets are here\n", ["NATOPS"])


def test_a_fault_of_one_dataset_is_not_the_sites(command, capsys, monkeypatch):
    def fetch_site(name):
        if name == "ScreenType":
            raise DataError("not the archive's")

    monkeypatch.setattr(downloads, "_fetch_site", fetch_site)
    assert command("datasets.fetch", "ScreenType", "RefrigerationDevices") == 1
    printed = capsys.readouterr()
    assert "missing: ScreenType: not in the mirror; the archive's site: not the archive's\n" in printed.err
    assert "missing: RefrigerationDevices" not in printed.err
    assert printed.out == "1 of 2 datasets are here\n"


def test_without_names_the_56_are_fetched(command, capsys, asked, tmp_path, monkeypatch):
    """A folder with a pair of files for each dataset to which the study's rule applies, then without one of them."""
    names = [name for name, entry in catalogue().items() if in_study(entry)]
    for name in names:
        (tmp_path / name).mkdir()
        for split in ("TRAIN", "TEST"):
            (tmp_path / name / f"{name}_{split}.tsv").touch()
    monkeypatch.setenv("RNTK_DATA", str(tmp_path))
    assert command("datasets.fetch") == 0
    assert capsys.readouterr().out == "56 of 56 datasets are here\n"
    (tmp_path / "Coffee" / "Coffee_TEST.tsv").unlink()
    assert command("datasets.fetch") == 1
    printed = capsys.readouterr()
    assert "missing: Coffee: " in printed.err and "Coffee_TRAIN.tsv without the other half" in printed.err
    assert printed.out == "55 of 56 datasets are here\n"
    assert asked == []
