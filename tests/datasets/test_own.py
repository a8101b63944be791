"""Datasets of one's own: from files in every layout and format, and from a function; and what is no dataset to classify."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import sktime
from sktime.datasets import load_from_tsfile

from datasets import DataError, find, load
from datasets.own import SHARE, members, own, own_name
from datasets.reading import read_series

BUNDLED = Path(sktime.__file__).parent / "datasets" / "data"


def series(n=12, T=8, m=None, seed=0):
    """n series of T steps (and m channels), and labels of two classes."""
    shape = (n, T) if m is None else (n, T, m)
    return np.random.default_rng(seed).normal(size=shape), np.array(["a", "b"])[np.arange(n) % 2]


def write(path, X, y):
    """A file of lines of a label and values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ("\t".join([str(label), *(repr(float(v)) for v in x)]) for x, label in zip(X, y, strict=True))
    path.write_text("\n".join(lines) + "\n")


def write_arff(path, X, y):
    """The same as the archive's .arff has it; of several channels as one relational attribute, a line of it a channel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["@relation own", "@attribute t relational" if X.ndim == 3 else "@attribute t numeric", "@data"]
    for x, label in zip(X, y, strict=True):
        rows = [",".join(repr(float(v)) for v in channel) for channel in np.atleast_2d(x.T)]
        lines.append(("'" + "\\n".join(rows) + "'" if X.ndim == 3 else rows[0]) + f",{label}")
    path.write_text("\n".join(lines) + "\n")


def write_ts(path, X, y):
    """The same as sktime has it: the channels of a series separated by colons."""
    path.parent.mkdir(parents=True, exist_ok=True)
    univariate = str(X.ndim == 2).lower()
    head = f"@problemName own\n@timeStamps false\n@missing false\n@univariate {univariate}\n@dimensions {X.shape[-1]}\n"
    head = head if X.ndim == 3 else head[: head.index("@dim")]
    rows = (":".join(",".join(repr(float(v)) for v in channel) for channel in np.atleast_2d(x.T)) for x in X)
    lines = [f"{row}:{label}" for row, label in zip(rows, y, strict=True)]
    path.write_text(
        head + "@equalLength true\n@seriesLength 8\n@classLabel true a b\n@data\n" + "\n".join(lines) + "\n"
    )


@pytest.mark.parametrize(
    ("ending", "writer", "channels"),
    [
        (".tsv", write, None),
        (".ts", write_ts, None),
        (".ts", write_ts, 3),
        (".arff", write_arff, None),
        (".arff", write_arff, 3),
    ],
)
def test_files_of_every_format_give_what_was_written(tmp_path, ending, writer, channels):
    (X, y), (X_test, y_test) = series(m=channels), series(n=10, m=channels, seed=1)
    writer(tmp_path / "Sines" / f"Sines_TRAIN{ending}", X, y)
    writer(tmp_path / "Sines" / f"Sines_TEST{ending}", X_test, y_test)
    found = load(str(tmp_path / "Sines"))
    np.testing.assert_array_equal(found.X_train, X)
    np.testing.assert_array_equal(found.X_test, X_test)
    assert found.y_train.tolist() == y.tolist() and found.y_test.tolist() == y_test.tolist()
    entry = find(str(tmp_path / "Sines"))
    assert (entry.name, entry.type, entry.n_train, entry.n_test) == ("Sines", "own", 12, 10)
    assert (entry.n_classes, entry.length, entry.channels, entry.split) == (2, 8, channels or 1, "")
    # known by its content: the same by another way, under another path, and by either file
    assert entry.sha256 == own("Sines", "", (X, y), (X_test, y_test)).entry.sha256
    shutil.copytree(tmp_path / "Sines", tmp_path / "elsewhere" / "Sines")
    for source in (tmp_path / "elsewhere" / "Sines", tmp_path / "Sines" / f"Sines_TEST{ending}"):
        assert find(str(source)).sha256 == entry.sha256
    X[3, 2] += 1e-12
    assert own("Sines", "", (X, y), (X_test, y_test)).entry.sha256 != entry.sha256


@pytest.mark.parametrize(("name", "channels"), [("BasicMotions", 6), ("JapaneseVowels", 12)])
def test_the_multivariate_archives_datasets_come_through_the_same_door(name, channels):
    """As sktime reads them, channel by channel, of equal and unequal lengths."""
    found, entry = load(name, downloads=False), find(str(BUNDLED / name))
    assert find(name) == entry and entry.sha256 == found.sha256
    assert (entry.name, entry.channels, entry.length) == (name, channels, {"BasicMotions": 100}.get(name))
    nested, y = load_from_tsfile(str(BUNDLED / name / f"{name}_TEST.ts"))
    assert found.y_test.tolist() == y.tolist()
    assert found.ragged == (name == "JapaneseVowels")
    for x, row in zip(found.X_test, nested.itertuples(index=False), strict=True):
        for m, channel in enumerate(row):
            np.testing.assert_array_equal(x[:, m], channel)


def test_a_name_of_the_multivariate_archive_is_found_where_others_are(tmp_path, monkeypatch):
    """In the folder that is given, in that of the environment, and then in what sktime bundles; as a name whatever lies here."""
    for folder in ("given", "named"):
        for split in ("TRAIN", "TEST"):
            path = tmp_path / folder / "BasicMotions" / f"BasicMotions_{split}.ts"
            write_ts(path, *series(m=3, seed=len(folder)))
    monkeypatch.chdir(tmp_path / "given")  # in which there is a folder of that name
    assert load("BasicMotions").source == str(BUNDLED / "BasicMotions")
    assert members("BasicMotions") == ["BasicMotions"]
    monkeypatch.setenv("RNTK_DATA", str(tmp_path / "named"))
    assert load("BasicMotions").source == find("BasicMotions").source == str(tmp_path / "named" / "BasicMotions")
    assert load("BasicMotions", tmp_path / "given").source == str(tmp_path / "given" / "BasicMotions")


def test_a_path_to_one_of_the_archives_datasets_is_that_dataset(tmp_path):
    """Its own hashes hold, so that its results are those of its name; one that only has its name is refused."""
    assert find(str(BUNDLED / "GunPoint")) is find("GunPoint")
    assert load(str(BUNDLED / "GunPoint"), downloads=False).sha256 == find("GunPoint").sha256
    for split in ("TRAIN", "TEST"):
        write(tmp_path / "GunPoint" / f"GunPoint_{split}.tsv", *series())
    with pytest.raises(DataError, match=r"GunPoint_TRAIN\.tsv: SHA-256 .*the data differ from the archive.s"):
        load(str(tmp_path / "GunPoint"), downloads=False)


def test_lengths_may_differ_and_what_is_missing_is_filled_in_by_choice(tmp_path):
    """Lines may be short, or filled with NaN; a gap within a series is a missing value."""
    X = [[1.0, 2, 3, 4], [2.0, np.nan, 4], [5.0, 6, np.nan], [7.0, 8, 9, 9.5]]
    write(tmp_path / "Ragged_TRAIN.tsv", X, "abab")
    write(tmp_path / "Ragged_TEST.tsv", X[:1], "a")
    source = str(tmp_path / "Ragged_TRAIN.tsv")
    entry = find(source)
    assert (entry.length, entry.missing) == (None, True)
    with pytest.raises(ValueError, match=r"Ragged has missing values.*\+protocol.missing=interpolate"):
        load(source)
    found = load(source, missing="interpolate")
    assert [x.tolist() for x in found.X_train] == [[1, 2, 3, 4], [2, 3, 4], [5, 6], [7, 8, 9, 9.5]]
    assert found.width == 4


@pytest.fixture
def functions(tmp_path, monkeypatch):
    """A module in the folder that a command is run in: a function that gives it a body, and the name of the function."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    names = []

    def make(body, name="load_it"):
        names.append(f"own_module_{len(names)}_{tmp_path.name}")
        (tmp_path / f"{names[-1]}.py").write_text(f"import numpy as np\n\ndef {name}():\n    {body}\n")
        return f"{names[-1]}.{name}"

    yield make
    for name in names:
        sys.modules.pop(name, None)


def test_each_channel_is_filled_in_by_itself(functions):
    """A series ends where no channel has a value any more."""
    X = "[[1, 10], [np.nan, 30], [5, np.nan], [7, np.nan], [np.nan, np.nan]]"
    source = functions(f"return np.array([{X}] * 2), ['a', 'b'], np.array([{X}]), ['a']")
    entry = find(source)
    assert (entry.length, entry.missing, entry.channels) == (4, True, 2)
    found = load(source, missing="interpolate")
    assert found.X_train.tolist() == [[[1, 10], [3, 30], [5, 30], [7, 30]]] * 2


@pytest.mark.parametrize(
    "y", ["[1, 2] * 10", "[1.5, 2.5] * 10", "[True, False] * 10", "np.array([b'x', b'y'] * 10)", "['α', 'β'] * 10"]
)
def test_a_function_may_return_labels_of_any_kind_and_is_split_by_its_name(functions, y):
    source = functions(f"return np.arange(60.0).reshape(20, 3), {y}", "load_waves")
    entry, found = find(source), load(source)
    assert (entry.name, entry.n_train, entry.n_test, entry.n_classes) == ("waves", 14, 6, 2)
    assert entry.split.startswith(f"stratified, {SHARE:.0%} for the test, seed ")
    every = np.concatenate([found.X_train, found.X_test])
    assert sorted(every[:, 0]) == list(range(0, 60, 3))  # each series in one part
    classes, counts = np.unique(found.y_test, return_counts=True)
    assert counts.tolist() == [3, 3]
    labels = {str(label.decode() if isinstance(label, bytes) else label) for label in eval(y, {"np": np})}
    assert labels == {*classes, *found.y_train}
    again = own("waves", "", (np.arange(60.0).reshape(20, 3), eval(y, {"np": np})))
    assert again.entry.sha256 == entry.sha256  # the same split each time, of this name
    other = own("others", "", (np.arange(60.0).reshape(20, 3), eval(y, {"np": np})))
    assert other.entry.sha256 != entry.sha256


def test_the_number_of_channels_is_part_of_the_content():
    """The same numbers as 3 steps of 2 channels and as 2 steps of 3."""
    y = list("abab")
    by_two, by_three = (own("it", "", (X, y), (X, y)) for X in (np.ones((4, 3, 2)), np.ones((4, 2, 3))))
    assert by_two.entry.sha256 != by_three.entry.sha256


def test_what_to_know_of_the_labels_is_noted():
    X, _ = series(n=6)
    made = own("odd", "", (X, list("aabbbc")), (X, list("abczzy")))
    assert made.entry.n_classes == 5
    assert made.entry.notes == (
        "3 test series have labels that training lacks (y, z): they count as errors",
        "classes with one training series (c): in cross-validation it is always misclassified",
    )
    assert own("even", "", (X, list("aabbbb")), (X, list("ababab"))).entry.notes == ()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise RuntimeError('no disk')", "the function raised RuntimeError: no disk"),
        ("return [1, 2]", r"returned list, where \(X_train, y_train, X_test, y_test\) or \(X, y\) is expected"),
        ("return 1, 2, 3", "returned 3 things"),
        (
            "return np.ones((4, 5)), list('aaaa'), np.ones((4, 5)), list('abab')",
            "it: all training series are of class 'a'",
        ),
        (
            "return np.ones((9, 5)), list('aaaabbbbc')",
            "it: class 'c' has one series, which cannot be in training and test",
        ),
        (
            "return np.ones((2, 5, 2)), ['a', 'b'], np.ones((2, 5, 3)), ['a', 'b']",
            "have 2 channels and its test series 3",
        ),
        ("return [np.ones((5, 2)), np.ones((5, 3))], ['a', 'b']", "number 1 has 3 channels and number 0 has 2"),
        ("return np.ones((4, 5)), ['a', 'b']", "4 series have 2 labels"),
        ("return np.ones((2, 5)), ['a', None]", "a label is missing"),
        ("return np.ones((2, 5)), [1, np.nan]", "a label is missing"),
        ("return np.full((2, 5), np.inf), [1, 2]", "it: its series: number 0 holds infinity"),
        ("return np.full((2, 5), np.nan), [1, 2]", "number 0 holds no value"),
        ("return [['x']], [1]", "it: its series are not arrays of numbers"),
        ("return [], []", "it: its series are none"),
        (
            "return np.ma.masked_less(np.arange(8.0).reshape(4, 2), 1), list('abab')",
            r"some are masked; fill them with NaN",
        ),
        ("return np.ones((4, 5)), np.ma.masked_equal([1, 2, 1, 2], 2)", "it: some labels are masked"),
        ("return np.ones((4, 5)).astype(str), list('abab')", "not arrays of numbers: they are str"),
        ("return np.ones((4, 5)).astype(str).astype(object), list('abab')", "not arrays of numbers: they are '1.0'"),
        ("return np.ones((4, 5)) + 1j, list('abab')", "not arrays of numbers: they are complex128"),
        ("return np.ones((4, 5)).astype('M8[s]'), list('abab')", "not arrays of numbers: they are datetime64"),
        ("return [[10**400, 1]] * 4, list('abab')", "not arrays of numbers: int too large"),
        ("return np.ones((4, 2, 2, 2)), list('abab')", r"number 0 has shape \(2, 2, 2\)"),
        ("return np.ones((6, 5)), list('aabbcc')", "6 series of 3 classes cannot be split: bring a test part"),
    ],
)
def test_what_is_no_dataset_to_classify_is_refused_by_name(functions, body, message):
    with pytest.raises(DataError, match=message):
        find(functions(body))


def test_files_that_are_not_what_their_ending_says_are_refused_by_name(tmp_path):
    contents = {"A.tsv": b"a,1,2\nb,2,3\n", "B.tsv": b"a\tx\nb\ty\n", "C.tsv": bytes(range(256)), "D.tsv": b""}
    contents |= {"E.ts": b"a\t1\t2\n", "F.arff": b"a\t1\t2\n"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}: not a .*is its ending right\?"):
            find(str(tmp_path / name))
    write(tmp_path / "Half" / "Half_TEST.tsv", *series())
    with pytest.raises(DataError, match=r"Half_TEST.tsv is there without Half_TRAIN.tsv"):
        find(str(tmp_path / "Half"))


def test_what_names_no_dataset_is_a_mistake_of_the_command_line(tmp_path, functions):
    write(tmp_path / "Sines.tsv", *series())
    (tmp_path / "empty").mkdir()
    for source, message in {
        str(tmp_path / "Sinse.tsv"): r"there is no .*: did you mean Sines.tsv\?",
        str(tmp_path / "empty"): r"holds no dataset: empty_TRAIN.tsv and empty_TEST.tsv are needed, or empty.tsv",
        str(Path(__file__)): r"a dataset's file ends in .tsv, .ts, .arff",
        "no_such_module.load": "No module named 'no_such_module': a path, or a function that can be imported",
        "sktime.__name__": "a function is needed, and it is of type str",
        "os.system": "os.system would be run, and is neither ours",
        "Gunpoint": r"unknown dataset 'Gunpoint': did you mean GunPoint .*in all\)$",
        "xyzzy": "unknown dataset 'xyzzy': nothing similar; choose one of .* one's own, a path or a function is needed",
    }.items():
        with pytest.raises(ValueError, match=message) as raised:
            find(source)
        assert not isinstance(raised.value, DataError)  # a study stops at once, and does not go on with the rest


def test_a_folder_of_datasets_is_all_of_them(tmp_path):
    write(tmp_path / "Loose.tsv", *series())
    for name in ("Pair_TRAIN.tsv", "Pair_TEST.tsv", "Sub/Sub_TRAIN.tsv", "Sub/Sub_TEST.tsv", "Sub/SubPart1_TEST.tsv"):
        write(tmp_path / name, *series())
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.md").write_text("nothing")
    sources = members(str(tmp_path))
    assert [own_name(source) for source in sources] == ["Loose", "Pair", "Sub"]
    assert [find(source).n_test for source in sources] == [4, 12, 12]
    assert members(str(tmp_path / "Sub")) == [str(tmp_path / "Sub")]
    assert members("GunPoint") == ["GunPoint"]
    with pytest.raises(ValueError, match="holds 2 datasets: name the file of one"):
        find(str(tmp_path))
    with pytest.raises(ValueError, match="holds no dataset"):
        members(str(tmp_path / "notes"))


def test_a_file_that_changed_is_read_again(tmp_path):
    path = tmp_path / "Sines.tsv"
    write(path, *series())
    before = find(str(path))
    assert find(str(path)) is before  # once in a process
    write(path, *series(n=14))
    assert find(str(path)).sha256 != before.sha256


@pytest.mark.parametrize("source", ["./" + "a" * 500, "a" * 500 + ".tsv", "~nobody", "~nobody/x", "./\x00"])
def test_a_path_that_no_system_has_is_a_mistake_of_the_command_line(source):
    """Names that are too long, users who do not exist, and a zero byte: found by fuzzing."""
    with pytest.raises(ValueError, match="there is no "):
        find(source)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("NA\t1\t2", ["NA"]),  # a class of this name, and none that is missing
        ('"a"\t1\t2', ["a"]),
        ("1\x0b\t1\t2", ["1\x0b"]),  # only line feeds end lines
        ("\ufeff1\t1\t2", ["1"]),
    ],
)
def test_labels_are_text(tmp_path, line, found):
    (tmp_path / "A.tsv").write_text(line + "\n", encoding="utf-8")
    series, labels = read_series(tmp_path / "A.tsv")
    assert labels.tolist() == found and [x.tolist() for x in series] == [[1, 2]]


def test_cells_are_numbers_or_missing(tmp_path):
    (tmp_path / "A.tsv").write_text("1\t\tNaN\tNA\t-1e3\n1\t2\r\n")
    series, _ = read_series(tmp_path / "A.tsv")
    np.testing.assert_array_equal(series[0], [np.nan, np.nan, np.nan, -1000])
    assert series[1].tolist() == [2]
    for cell in ("True", "1_0", "0x1", "1,5"):
        (tmp_path / "A.tsv").write_text(f"1\t{cell}\n")
        with pytest.raises(DataError, match=f"could not convert string to float: '{cell}'"):
            read_series(tmp_path / "A.tsv")


@pytest.mark.parametrize(
    ("content", "message"), [("1 2", "line 1 has no tab"), ("", "it holds no line"), ("1\t2\n3\n", "line 2 has no tab")]
)
def test_what_is_no_table_is_said(tmp_path, content, message):
    (tmp_path / "A.tsv").write_text(content)
    with pytest.raises(DataError, match=message):
        read_series(tmp_path / "A.tsv")
