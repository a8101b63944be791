"""Series of different lengths, and with missing values: read as they are, brought to one length, filled in."""

from dataclasses import replace

import numpy as np
import pytest

from datasets import DataError, find, listed, load, reading
from datasets.catalogue import HERE, catalogue
from datasets.lengths import length_of, one_length
from datasets.reading import interpolated
from tests.datasets import ragged


def test_series_come_as_they_are(monkeypatch, tmp_path):
    sets = ragged.example(monkeypatch, tmp_path)
    found = load("Ragged", tmp_path)
    assert found.ragged
    assert found.width == 15
    for X, y, split in ((found.X_train, found.y_train, "TRAIN"), (found.X_test, found.y_test, "TEST")):
        assert isinstance(X, list)
        assert y.tolist() == sets[split][1].tolist()
        for ours, given in zip(X, sets[split][0], strict=True):
            np.testing.assert_array_equal(ours, given)
    assert not load("GunPoint").ragged
    assert load("GunPoint").width == 150


def test_a_value_that_is_missing_inside_is_refused(monkeypatch, tmp_path):
    sets = ragged.example(monkeypatch, tmp_path / "whole")
    sets["TEST"][0][3][1] = np.nan
    ragged.write(tmp_path / "holes", "Ragged", sets, 15)
    with pytest.raises(DataError, match=r"Ragged_TEST.tsv: 1 values are NaN or infinite"):
        load("Ragged", tmp_path / "holes")
    sets["TEST"][0][3] = np.array([])
    ragged.write(tmp_path / "empty", "Ragged", sets, 15)
    with pytest.raises(DataError, match=r"Ragged_TEST.tsv: 1 values"):
        load("Ragged", tmp_path / "empty")


def test_a_file_of_other_size_is_refused(monkeypatch, tmp_path):
    sets = ragged.example(monkeypatch, tmp_path / "whole")
    sets["TRAIN"] = tuple(part[:-1] for part in sets["TRAIN"])
    ragged.write(tmp_path / "short", "Ragged", sets, 15)
    with pytest.raises(DataError, match=r"19 series of 15 steps, where the catalogue has 20 of different lengths"):
        load("Ragged", tmp_path / "short")


def test_values_are_hashed_with_their_lengths(monkeypatch, tmp_path):
    """Equal values in series of other lengths have another hash; the catalogue's is asked of other formats."""
    sets = ragged.example(monkeypatch, tmp_path)
    (X, y), (Z, w) = sets.values()
    digest = reading.digest(X, y, Z, w)
    joined = [np.concatenate([X[0], X[1][:1]]), X[1][1:], *X[2:]]
    assert reading.digest(joined, y, Z, w) != digest
    assert reading.digest(np.ones((2, 3)), y[:2], np.ones((1, 3)), w[:1]) != reading.digest(
        [np.ones(3)] * 2, y[:2], [np.ones(3)], w[:1]
    )
    folder = tmp_path / "ts" / "Ragged"
    folder.mkdir(parents=True)
    for split, (series, labels) in sets.items():
        head = "@problemName Ragged\n@timeStamps false\n@univariate true\n@equalLength false\n@classLabel true 1 2\n@data\n"
        rows = (f"{','.join(repr(float(v)) for v in x)}:{label}" for x, label in zip(series, labels, strict=True))
        (folder / f"Ragged_{split}.ts").write_text(head + "\n".join(rows) + "\n")
    for expected in (digest, "0" * 64):
        ragged.add(monkeypatch, replace(find("Ragged"), sha256_values=expected))
        if expected == digest:
            assert [len(x) for x in load("Ragged", tmp_path / "ts").X_train] == [len(x) for x in X]
        else:
            with pytest.raises(DataError, match="the data differ from the archive's"):
                load("Ragged", tmp_path / "ts")


def test_what_is_bundled_is_taken_where_it_can_be_verified():
    """sktime's PLAID is rounded, and its values have no hash in the catalogue."""
    with pytest.raises(LookupError, match="PLAID is in no local source"):
        load("PLAID", downloads=False)


def test_the_list_is_of_all_that_differ_in_length():
    names = listed(HERE / "ucr_unequal.txt")
    assert sorted(names) == sorted(entry.name for entry in catalogue().values() if entry.length is None)
    assert len(names) == 11


def test_one_length_by_hand():
    X = [np.array([1.0, 2.0, 4.0]), np.array([3.0])]
    assert one_length(X, "pad", 4).tolist() == [[1, 2, 4, 0], [3, 0, 0, 0]]
    assert one_length(X, "pad", 2).tolist() == [[1, 2], [3, 0]]
    assert one_length(X, "cut", 2).tolist() == [[1, 2], [3, 0]]
    assert one_length(X, "resample", 5).tolist() == [[1, 1.5, 2, 3, 4], [3, 3, 3, 3, 3]]
    assert [length_of(X, how) for how in ("pad", "cut", "resample")] == [3, 1, 3]


def test_missing_values_are_filled_in_over_time_when_asked(monkeypatch, tmp_path):
    rng = np.random.default_rng(1)
    sets = {
        split: (list(rng.normal(size=(n, 6))), np.array(["1", "2"])[np.arange(n) % 2])
        for split, n in (("TRAIN", 4), ("TEST", 2))
    }
    sets["TRAIN"][0][0] = np.array([np.nan, 1, np.nan, np.nan, 7, np.nan])
    ragged.write(tmp_path, "Holes", sets, 6)
    ragged.add(monkeypatch, ragged.entry("Holes", sets, length=6, missing=True))
    with pytest.raises(ValueError, match="Holes has missing values"):
        load("Holes", tmp_path)
    found = load("Holes", tmp_path, missing="interpolate")
    assert found.X_train[0].tolist() == [1, 1, 3, 5, 7, 7]
    np.testing.assert_array_equal(found.X_train[1:], sets["TRAIN"][0][1:])
    assert interpolated(np.array([np.nan, 2.0])).tolist() == [2, 2]
