"""A record that is not what was written is left out, by its name, and the rest goes on."""

import os
import random
import re
import shutil
import time

import pytest

from results import index, store
from results.integrity import Damage, DamagedRecord, opened, sealed
from results.record import Record
from tests.results.records import older, record, rewritten

GRID = [{"sigma_w": 1.4, "C=1": 20, "note": ""}]


@pytest.fixture
def study(tmp_path):
    """Two records, of which the first is to be damaged."""
    folder = tmp_path / "study"
    for dataset in ("Coffee", "Wine"):
        store.write(record(dataset, grid=GRID, timings={"total": 1.0}), folder)
    store.write_plan(folder, "study", ["Coffee", "Wine"], ["rntk"], [head.key for head in store.heads(folder)])
    return folder


def text(old, new):
    def change(head):
        content = head.read_text()
        assert old in content
        head.write_text(content.replace(old, new))

    return change


def beside(table, change):
    return lambda head: change(head.with_name(head.name.replace(".json", f".{table}.csv")))


def bit_flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def swapped(path):
    """Two predictions exchanged: the accuracy is the same."""
    lines = path.read_text().splitlines()
    lines[1], lines[20] = (
        lines[i].replace(lines[i].split(",")[2], lines[j].split(",")[2]) for i, j in ((1, 20), (20, 1))
    )
    path.write_text("\n".join(lines) + "\n")


def a_folder(head):
    head.unlink()
    head.mkdir()


def deep(head):
    head.write_text("[" * 10**5)


DAMAGE = {
    "an accuracy": (text('"test_accuracy": 0.5', '"test_accuracy": 0.99'), "it was changed after it was written"),
    "an impossible accuracy": (text('"test_accuracy": 0.5', '"test_accuracy": 7.5'), "it was changed"),
    "an accuracy as text": (text('"test_accuracy": 0.5', '"test_accuracy": "0.9"'), "it was changed"),
    "no accuracy": (text('"test_accuracy": 0.5', '"test_accuracy": null'), "it was changed"),
    "no timings": (text('"timings": {\n  "total": 1.0\n }', '"timings": null'), "it was changed"),
    "a space": (text("{", "{ "), "it was changed"),
    "a flipped bit of the grid": (beside("grid", bit_flipped), "its grid table is not the one that was written"),
    "predictions exchanged": (beside("predictions", swapped), "its predictions table is not the one that was written"),
    "no grid": (beside("grid", os.remove), "its grid table is gone"),
    "no predictions": (beside("predictions", os.remove), "its predictions table is gone"),
    "emptied": (lambda head: head.write_text(""), "it is no record"),
    "cut": (lambda head: head.write_text(head.read_text()[:-40]), "it is no record"),
    "not UTF-8": (lambda head: head.write_bytes(b"\xff\xfe"), "it is no record"),
    "nested": (deep, "it is no record"),
    "a list": (lambda head: head.write_text("[]"), "it is no record"),
    "a folder": (a_folder, "it cannot be read"),
    "of a newer version": (text('"schema": 2', '"schema": 3'), "its schema is 3, and this version reads those up to 2"),
    "its dataset's name": (lambda head: rewritten(head, dataset="Wine"), "it is that of Wine rntk, under another name"),
    "of before, timings null": (lambda head: (rewritten(head, timings=None), older(head)), "it is no record: timings=None: dict is needed"),
    "of before, another accuracy": (
        lambda head: (rewritten(head, test_accuracy=0.99), older(head)),
        "a record of status ok needs the test_accuracy of its predictions",
    ),
    "sealed, another accuracy": (
        lambda head: rewritten(head, test_accuracy=0.99),
        "a record of status ok needs the test_accuracy of its predictions",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE)
def test_what_is_damaged_is_left_out_by_name_and_the_rest_shown(damage, message, study, command, capsys):
    (head,) = (study / "records").glob("Coffee__*.json")
    damage(head)
    with pytest.warns(DamagedRecord, match=f"Coffee__rntk__Coffee-rnt.json is damaged: {message}"):
        assert [found.dataset for found in store.study_records(study)] == ["Wine"]
    assert command("results.tables", study) == 1
    said = capsys.readouterr()
    assert "Not there: Coffee." in said.out
    assert said.err.count("is damaged") == 1 and "it is left out: run the study again" in said.err


@pytest.mark.parametrize("damage", [damage for damage, _ in DAMAGE.values()], ids=DAMAGE)
def test_what_is_damaged_is_set_aside_and_counts_for_no_result(damage, study):
    (head,) = (study / "records").glob("Coffee__*.json")
    keys, damaged = index.final_keys(study)
    assert len(keys) == 2 and damaged == {}
    damage(head)
    keys, damaged = index.final_keys(study)
    assert (keys, list(damaged)) == ({"Wine-rntk".ljust(64, "0")}, [head.name])
    before = sum(path.name.startswith("Coffee") for path in (study / "records").iterdir())
    place = store.set_aside(study, head.name)
    assert len(list(place.iterdir())) == before
    assert not list((study / "records").glob("Coffee*"))
    assert index.final_keys(study)[1] == {}


def test_any_byte_of_a_head_counts():
    content = sealed(record("Bürolärm", grid=GRID).head(), {"grid": b"1"})
    assert opened(content).dataset == "Bürolärm"
    rng = random.Random(0)
    for place in range(len(content)):
        other = bytes([(content[place] + rng.randrange(1, 256)) % 256])
        with pytest.raises(Damage):
            opened(content[:place] + other + content[place + 1 :])
    for end in range(0, len(content) - 1, 7):
        with pytest.raises(Damage):
            opened(content[:end])


@pytest.mark.parametrize(
    ("field", "value", "needed"),
    [
        ("dataset", 1, "str"),
        ("key", None, "str"),
        ("selected", [], "dict"),
        ("cv_accuracy", "0.9", "Real or NoneType"),
        ("cv_accuracy", True, "Real or NoneType"),
        ("n_test", 20.0, "Integral or NoneType"),
        ("runs", {}, "list"),
        ("timings", None, "dict"),
    ],
)
def test_a_field_of_another_type_is_refused(field, value, needed):
    fields = {"dataset": "a", "method": "b", "key": "c", "status": "failed"}
    with pytest.raises(ValueError, match=re.escape(f"{field}={value!r}: {needed} is needed")):
        Record(**fields | {field: value})


def test_the_index_opens_what_has_changed_and_nothing_else(study, monkeypatch):
    opened = []
    monkeypatch.setattr(index, "SETTLED", 0)
    monkeypatch.setattr(index, "sound", lambda folder, name: opened.append(name) or store.sound(folder, name))
    whole = index.final_keys(study)
    assert len(opened) == 2
    assert index.final_keys(study) == whole and len(opened) == 2
    (wine,) = (study / "records").glob("Wine__*.predictions.csv")
    before = wine.stat()
    swapped(wine)
    os.utime(wine, ns=(before.st_atime_ns, before.st_mtime_ns))  # of the same size and time as before
    time.sleep(0.01)
    assert list(index.final_keys(study)[1]) == [wine.name.replace(".predictions.csv", ".json")]
    assert len(opened) == 3
    note = study / "records" / ".index"
    for content in (b"", b"\xff", note.read_bytes()[:-9], note.read_bytes().replace(b"Coffee-", b"Koffee-")):
        note.write_bytes(content)
        assert index.final_keys(study)[0] == {"Coffee-rntk".ljust(64, "0")}
    shutil.rmtree(study / "records")
    assert index.final_keys(study) == (set(), {})


def test_what_changed_a_moment_ago_is_not_trusted_to_the_index(study):
    """A file may be changed again within the same tick of the file system's clock."""
    index.final_keys(study)
    assert not (study / "records" / ".index").exists()


def test_a_plan_that_is_damaged_is_named(study):
    for content in ("{", "[]", "{}", '{"keys": 1, "datasets": [], "methods": []}', "[" * 10**5):
        (study / "plan.json").write_text(content)
        with pytest.raises(ValueError, match=r"plan\.json is no plan of a study .* run the study again"):
            store.study_records(study)


def test_a_packed_record_that_is_damaged_is_left_in_its_place(study):
    files = store.read_files(study)
    name = "Coffee__rntk__Coffee-rnt.json"
    content = files[name].replace(b'"test_accuracy": 0.5', b'"test_accuracy": 0.6')
    shutil.rmtree(study / "records")
    store.write_pack(study, files | {name: content})
    assert list(index.final_keys(study)[1]) == [name]
    with pytest.raises(Damage, match=r"records\.zip/Coffee.* is packed"):
        store.set_aside(study, name)
