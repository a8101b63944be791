"""The catalogue, the rule of the study, and messages for names that do not exist."""

import csv

import pytest

from datasets import catalogue, find, in_study, listed
from datasets.catalogue import HERE, multivariate


def test_the_archive_has_128_datasets():
    assert len(catalogue()) == 128
    assert sum(entry.length is None for entry in catalogue().values()) == 11
    assert sum(entry.missing for entry in catalogue().values()) == 4
    assert all(0 <= entry.ed_error < 1 and entry.n_classes >= 2 for entry in catalogue().values())


def test_the_rule_yields_the_56():
    assert sorted(name for name, entry in catalogue().items() if in_study(entry)) == listed()
    assert len(listed()) == 56


def test_every_dataset_of_the_study_can_be_verified():
    for name in listed():
        entry = find(name)
        assert all(len(digest) == 64 for digest in (entry.sha256_train, entry.sha256_test, entry.sha256_values)), name
        assert entry.ed_preprocessing in ("raw", "z-norm"), name


def test_the_mirror_carries_53_of_the_56():
    with open(HERE / "mirror.csv", newline="") as file:
        mirror = {row["dataset"] for row in csv.DictReader(file)}
    assert mirror <= set(catalogue())
    assert sorted(set(listed()) - mirror) == ["ProximalPhalanxTW", "RefrigerationDevices", "ScreenType"]


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("gunpoint", "GunPoint"),
        ("Cofee", "Coffee"),
        ("ItalyPower", "ItalyPowerDemand"),
        ("BasicMotion", "BasicMotions"),
    ],
)
def test_an_unknown_name_is_answered_by_those_it_is_like(wrong, nearest):
    with pytest.raises(ValueError, match=rf"unknown dataset '{wrong}': did you mean {nearest}[ ?].*158 in all"):
        find(wrong)


def test_the_names_of_ueas_archive_are_those_that_sktime_has_as_multivariate():
    """But for three of one author, which are not of the archive's thirty."""
    from sktime.datasets.tsc_dataset_names import multivariate as known

    assert sorted(multivariate()) == sorted(name for name in known if not name.startswith("Asphalt"))
    assert len(multivariate()) == 30 and not set(multivariate()) & set(catalogue())


def test_a_list_file(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("# mine\nCoffee\n\nWine # red\n")
    assert listed(path) == ["Coffee", "Wine"]
    path.write_text("Coffee\nWhine\n")
    with pytest.raises(ValueError, match=r"unknown dataset 'Whine': did you mean Wine\?"):
        listed(path)
