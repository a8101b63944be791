"""A packed study is the study: the same bytes back, the same records and tables read; and it is replaced for a result only."""

import random
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from results import store
from results.pack import pack, unpack
from results.tables import write_tables
from results.writing import write_bytes, write_text
from tests.results.records import record, rewritten

ROOT = Path(__file__).parents[2]
GRID = [{"sigma_w": 1.4, "C=1": 20, "note": ""}, {"sigma_w": 1.5, "C=1": "<=19", "note": "σ, “quoted”\r\nand, broken"}]
PREDICTIONS = [{"case": 0, "label": "0", "predicted": "0"}, {"case": 1, "label": "ü", "predicted": ""}]
AXES = {"sigma_w": [1.4, 1.5], "sigma_b": [0, 1]}
RECORDS = [
    record(
        grid=GRID,
        predictions=PREDICTIONS,
        n_test=2,
        method_config=AXES,
        timings={"finished": "2026-01-02T00:00:00+00:00"},
    ),
    record("Coffee", "rbf", predictions=PREDICTIONS, n_test=2, gram={"smallest_eigenvalue": float("nan")}),
    record("Bürolärm", "rntk", 1.0, environment={"python": "3.12.1"}),
    record("Wine", "rntk", None, reason="es ging nicht: Σ ≠ 1", traceback="a\n\tb\n"),
]


def write(folder, records=RECORDS, plan=True):
    for each in records:
        store.write(each, folder)
    if plan:
        store.write_plan(folder, "mine", ["Coffee", "Wine"], ["rntk", "rbf"], [each.key for each in records])
    return folder


@pytest.fixture
def study(tmp_path):
    """A study's folder with all that lies in one."""
    folder = write(tmp_path / "study")
    write_text(folder / "tables" / "summary.md", "made from the records")
    (folder / "records" / ".Coffee__rntk.json-x2").write_text("left by a process that was killed")
    with store.locked(folder):
        return folder


def contents(folder):
    """What is to come back: the plan, and the records' files."""
    files = {path.name: path.read_bytes() for path in (folder / "records").iterdir() if path.name[0] != "."}
    return files | ({"plan": (folder / "plan.json").read_bytes()} if (folder / "plan.json").exists() else {})


@pytest.mark.parametrize("plan", [True, False])
def test_there_and_back_byte_for_byte(study, tmp_path, plan):
    if not plan:
        (study / "plan.json").unlink()
    odd = study / "records" / "Wine__rntk__Wine-rntk0.grid.csv"  # as no table of ours is: the bytes count
    odd.write_bytes(b"a,b\r\n1,\xff\x00")
    there, back = tmp_path / "there", tmp_path / "back"
    pack(study, there)
    assert {path.name for path in there.iterdir()} == {"plan.json", "records.zip"} - (set() if plan else {"plan.json"})
    assert unpack(there, back) == 4
    assert {path.name for path in back.iterdir()} == {"plan.json", "records"} - (set() if plan else {"plan.json"})
    assert contents(back) == contents(study)
    assert not list(back.rglob(".*"))


def test_the_same_study_gives_the_same_pack(study, tmp_path):
    """Whatever the order and the time in which its files were written."""
    again = write(tmp_path / "again", RECORDS[::-1])
    pack(study, tmp_path / "a")
    pack(again, tmp_path / "b")
    assert (tmp_path / "a" / "records.zip").read_bytes() == (tmp_path / "b" / "records.zip").read_bytes()
    files = store.read_files(study)
    for name, order in (("c", files), ("d", dict(reversed(files.items())))):
        assert store.write_pack(tmp_path / name, order).read_bytes() == (tmp_path / "a" / "records.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a" / "records.zip") as file:
        assert file.namelist() == sorted(path.name for path in (study / "records").glob("[!.]*"))
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_packed_study_is_read_like_a_loose_one(study, tmp_path):
    there = tmp_path / "there"
    pack(study, there)
    read = [str(list(store.heads(folder))) for folder in (study, there)]  # as text, for a NaN is not equal to itself
    assert read[0] == read[1]
    assert [head.dataset for head in store.heads(there)] == ["Bürolärm", "Coffee", "Coffee", "Wine"]
    assert str(store.study_records(study)) == str(store.study_records(there))
    assert store.read_plan(there) == store.read_plan(study)
    for head in store.heads(study):
        for table in ("grid", "predictions"):
            assert store.read_table(head, there, table) == store.read_table(head, study, table)
    assert store.read_table(RECORDS[0], there, "grid")[1]["note"] == GRID[1]["note"]
    for folder in (study, there):
        write_tables(folder, tmp_path / "tables" / folder.name)
    made = [
        {path.name: path.read_bytes() for path in (tmp_path / "tables" / name).iterdir()} for name in ("study", "there")
    ]
    assert made[0] == made[1]
    assert len(made[0]) == 6


def test_a_study_beside_a_packed_one_finds_its_records(study, tmp_path):
    (tmp_path / "studies").mkdir()
    pack(study, tmp_path / "studies" / "first")
    second = tmp_path / "studies" / "second"
    store.write(record("Coffee", "rntk_deep", 0.3), second)
    keys = [RECORDS[0].key, record("Coffee", "rntk_deep").key]
    store.write_plan(second, "second", ["Coffee"], ["rntk", "rntk_deep"], keys, ["../first"])
    for folder in (second, tmp_path / "studies" / "packed"):
        pack(second, folder)
        found = store.study_records(folder)
        assert [(head.method, head.test_accuracy) for head in found] == [("rntk", 0.5), ("rntk_deep", 0.3)]
        assert [row["predicted"] for row in store.read_table(found[0], folder, "predictions")] == ["0", ""]


def test_a_loose_record_comes_before_a_packed_one_with_all_its_tables(study, tmp_path):
    there, back = tmp_path / "there", tmp_path / "back"
    pack(study, there)
    path = store.write(record(accuracy=None, status="failed", predictions=PREDICTIONS[:1]), there)
    (head,) = [head for head in store.heads(there) if head.key == RECORDS[0].key]
    assert head.status == "failed"
    assert len(store.read_table(head, there, "predictions")) == 1
    assert store.read_table(head, there, "grid") == []  # that of the packed record is not its own
    assert set(store.read_files(there, head)) == {f"{head.name}.json", f"{head.name}.predictions.csv"}
    assert store.path_of(path.name, there) == path
    other = f"{RECORDS[1].name}.json"
    assert store.path_of(other, there) == there / "records.zip" / other
    # what is read is what is packed, and unpacked
    assert pack(there, there) == [head.name]
    unpack(there, back)
    expected = contents(study) | contents(there)
    del expected[f"{head.name}.grid.csv"]
    assert contents(back) == expected


def test_timings_alone_do_not_replace_a_pack(study, tmp_path):
    there = tmp_path / "there"
    pack(study, there)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in there.iterdir()}
    for each in RECORDS:
        head = study / "records" / f"{each.name}.json"
        again = {"timings": {"total": 9.0}, "environment": {"python": "3.13.0"}}
        rewritten(head, **again, gram={"smallest_eigenvalue": 1e-17})
    assert pack(study, there) == []
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in there.iterdir()} == before


def other_accuracy(folder):
    rewritten(folder / "records" / f"{RECORDS[0].name}.json", cv_accuracy=0.25)


def other_order_of_the_axes(folder):
    store.write(replace(RECORDS[0], method_config=dict(reversed(AXES.items()))), folder)


def other_prediction(folder):
    store.write(replace(RECORDS[0], predictions=[PREDICTIONS[0], PREDICTIONS[1] | {"predicted": "1"}]), folder)


def other_score(folder):
    store.write(replace(RECORDS[0], grid=[GRID[0] | {"C=1": 21}, GRID[1]]), folder)


def table_gone(folder):
    (folder / "records" / f"{RECORDS[0].name}.grid.csv").unlink()
    rewritten(folder / "records" / f"{RECORDS[0].name}.json")


def record_gone(folder):
    for path in (folder / "records").glob(f"{RECORDS[0].name}*"):
        path.unlink()


@pytest.mark.parametrize(
    "change", [other_accuracy, other_order_of_the_axes, other_prediction, other_score, table_gone, record_gone]
)
def test_a_result_that_changed_replaces_the_pack(study, tmp_path, change):
    there = tmp_path / "there"
    pack(study, there)
    change(study)
    assert pack(study, there) == [RECORDS[0].name]
    assert pack(study, there) == []
    unpack(there, tmp_path / "back")
    assert contents(tmp_path / "back") == contents(study)


def test_a_new_record_and_a_new_plan_are_named(study, tmp_path):
    there = tmp_path / "there"
    pack(study, there)
    before = (there / "records.zip").stat()
    store.write_plan(study, "mine", ["Coffee"], ["rntk"], ["a" * 64])
    assert pack(study, there) == ["plan.json"]
    assert store.read_plan(there)["keys"] == ["a" * 64]
    assert (there / "records.zip").stat() == before
    new = record("Fish")
    store.write(new, study)
    assert pack(study, there) == [new.name]
    (study / "plan.json").unlink()
    assert pack(study, there) == ["plan.json"]
    assert store.read_plan(there) == {}


def test_what_cannot_be_packed_is_refused(study, tmp_path):
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "nowhere"):
        with pytest.raises(ValueError, match=f"{folder} holds no records: run the study first"):
            pack(tmp_path / folder, tmp_path / "there")
    assert not (tmp_path / "there").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file is a file: name the folder"):
        pack(study, tmp_path / "file")
    other = write(tmp_path / "other", [record("Fish")])  # the folders the wrong way round
    before = contents(other)
    with pytest.raises(ValueError, match=r"other holds other records \(2: Fish.*, Fish.*\): .* was --unpack meant"):
        pack(study, other)
    assert contents(other) == before
    assert not (other / "records.zip").exists()


def test_what_cannot_be_unpacked_is_refused(study, tmp_path):
    there = tmp_path / "there"
    pack(study, there)
    for folder in (study, tmp_path / "nowhere"):
        with pytest.raises(ValueError, match=r"is no packed study: name a folder that has `records\.zip`"):
            unpack(folder, tmp_path / "back")
    assert not (tmp_path / "back").exists()

    unpack(there, study)  # the same bytes: nothing is lost
    store.write(record("Fish"), study)
    before = contents(study)
    with pytest.raises(
        ValueError, match=r"study holds other records \(2: Fish.*, Fish.*\): unpack into another folder"
    ):
        unpack(there, study)
    assert contents(study) == before
    pack(study, tmp_path / "more")  # of a packed one, too
    with pytest.raises(ValueError, match="more holds other records"):
        unpack(there, tmp_path / "more")

    changed = write(tmp_path / "changed", [record(accuracy=0.25)])
    with pytest.raises(ValueError, match="changed holds other records"):
        unpack(there, changed)
    store.write_plan(tmp_path / "planned", "mine", ["Fish"], ["rntk"], ["a" * 64])
    with pytest.raises(ValueError, match="planned has another plan"):
        unpack(there, tmp_path / "planned")
    assert not (tmp_path / "planned" / "records").exists()


@pytest.mark.parametrize(
    "name", ["../out.json", "/out.json", "a/b.json", "..\\out.json", "C:out.json", "..", ".out.json"]
)
def test_a_member_that_climbs_out_of_the_folder_is_refused(tmp_path, name):
    (tmp_path / "there").mkdir()
    with zipfile.ZipFile(tmp_path / "there" / "records.zip", "w") as file:
        file.writestr("Coffee__rntk__0.json", "{}")
        file.writestr(name, "out")
    with pytest.raises(
        ValueError, match=r"records\.zip is damaged, or no packed study: .* is not the plain name of a file"
    ):
        unpack(tmp_path / "there", tmp_path / "in" / "back")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_damage_is_never_taken_for_records(tmp_path):
    """A byte changed anywhere, or the end lost: the file is named, or (a byte that says nothing) the records are the same."""
    good = tmp_path / "good"
    pack(write(tmp_path / "study", RECORDS[:2], plan=False), good)
    content, files = (good / "records.zip").read_bytes(), store.read_files(good)
    random.seed(0)
    damaged = [content[:end] for end in random.sample(range(len(content)), 40)]
    for place in range(len(content)):
        damaged.append(content[:place] + bytes([content[place] ^ random.randint(1, 255)]) + content[place + 1 :])
    refused = 0
    for number, bad in enumerate(damaged):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "records.zip").write_bytes(bad)
        try:
            assert store.read_files(folder) == files
        except ValueError as error:
            assert str(error).startswith(f"{folder / 'records.zip'} is damaged")
            assert "pack the study anew" in str(error)
            refused += 1
    assert refused > len(damaged) / 2


@pytest.mark.parametrize("call", ["list(store.heads(there))", "pack(study, there)", "unpack(there, study)"])
def test_a_damaged_pack_is_named_by_whoever_reads_it(study, tmp_path, call):
    there = tmp_path / "there"
    pack(study, there)
    (there / "records.zip").write_bytes(b"")
    with pytest.raises(ValueError, match=r"there/records\.zip is damaged, or no packed study: .*; take it from"):
        eval(call, {"store": store, "pack": pack, "unpack": unpack, "study": study, "there": there})


def test_a_pack_is_replaced_whole_and_read_again(study, tmp_path):
    """The process dies while it writes the new pack: the old one is there. The next finds the new one at once."""
    there = tmp_path / "there"
    pack(study, there)
    assert len(list(store.heads(there))) == 4
    before = (there / "records.zip").read_bytes()
    store.write(record("Fish"), study)
    code = f"""
import os, pathlib
from results.pack import pack
os.fsync = lambda descriptor: os.kill(os.getpid(), 9)
pack(pathlib.Path({str(study)!r}), pathlib.Path({str(there)!r}))
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == -9
    assert (there / "records.zip").read_bytes() == before
    pack(study, there)
    assert len(list(store.heads(there))) == 5


@pytest.mark.parametrize("after", range(1, 8))
def test_unpacking_that_is_interrupted_leaves_whole_records_and_goes_on(study, tmp_path, after):
    there, back = tmp_path / "there", tmp_path / "back"
    pack(study, there)
    whole = write_bytes

    def stop(path, content, written=[]):  # noqa: B006
        if len(written) == after:
            raise KeyboardInterrupt
        written.append(path)
        whole(path, content)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("results.pack.write_bytes", stop)
        unpack(there, back)
    for head in store.heads(back):
        assert store.read_files(back, head) == store.read_files(study, head)
    unpack(there, back)
    assert contents(back) == contents(study)


def main(module, *arguments, code=0):
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_the_command_line(study, tmp_path):
    there, back = tmp_path / "there", tmp_path / "back"
    done = main("results.pack", study, there)
    assert "new, changed or gone 5: Bürolärm__rntk" in done.stdout
    assert "stays as it is" in main("results.pack", study, there).stdout
    assert f"4 records of {there} are in {back}" in main("results.pack", "--unpack", there, back).stdout
    assert contents(back) == contents(study)
    done = main("results.pack", "--unpack", tmp_path, back, code=2)
    assert done.stderr == f"error: {tmp_path} is no packed study: name a folder that has `records.zip`\n"
    # tables are made of the first folder that has records, packed or not, and a damaged pack is an error like another
    assert f"made from the records in {there}" in main("results.tables", tmp_path, there, study).stdout
    (there / "records.zip").write_bytes(b"PK")
    assert "error: " in main("results.tables", there, study, code=2).stderr
