"""`make setup` takes the newest suitable Python of a machine. The machines and their Pythons are made up; nothing is installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Says that it is of another version, makes environments of itself, and installs nothing.
PYTHON = """
import os, shutil, sys
path, version, broken, *arguments = sys.argv[1:]
if broken == "no venv":
    sys.modules["ensurepip"] = None
if arguments[0] == "-c":
    sys.version_info = tuple(map(int, version.split(".")))
    sys.argv = ["-c", *arguments[2:]]
    exec(arguments[1])
elif arguments == ["--version"]:
    print("Python", version)
elif arguments[:2] == ["-m", "venv"]:
    if "--clear" in arguments:
        shutil.rmtree(arguments[-1])
    os.makedirs(arguments[-1] + "/bin")  # fails where one is left over
    shutil.copy(path, arguments[-1] + "/bin/python")
    open(arguments[-1] + "/pyvenv.cfg", "w").close()
    sys.exit(broken == "no pip")
else:
    assert arguments[:3] == ["-m", "pip", "install"], arguments
"""


class Machine:
    """A folder of Pythons, and what make needs besides."""

    def __init__(self, folder):
        self.folder, self.venv = folder, folder / "venv"
        self.bin = folder / "bin"
        self.bin.mkdir()
        (folder / "python.py").write_text(PYTHON)
        for tool in ("sh", "touch"):
            (self.bin / tool).symlink_to(shutil.which(tool))

    def add(self, name, version, broken=""):
        code = f'{sys.executable} -I -S {self.folder}/python.py "$0" {version} \'{broken}\' "$@"'
        return self.script(name, "echo not selected >&2; exit 127" if broken == "no start" else f"exec {code}")

    def script(self, name, code):
        path = self.bin / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{code}\n")
        path.chmod(0o755)
        return path

    def setup(self, *variables, code=0):
        """What `make setup` says."""
        command = [shutil.which("make"), "setup", f"VENV={self.venv}", *variables]
        done = subprocess.run(command, cwd=ROOT, env={"PATH": str(self.bin)}, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_the_newest_suitable_one_is_taken(machine):
    machine.add("python3", "3.11.7")
    machine.add("python3.12", "3.12.9")
    machine.add("python3.13", "3.13.2", "no start")  # as a shim of a version that is not selected
    machine.add("python3.14", "3.14.1", "no venv")  # as Debian's without python3-venv
    machine.add("python3.15", "3.15.0")
    said = machine.setup()
    assert "Python 3.12.9 (python3.12)" in said
    assert f"{machine.venv} has Python 3.12.9" in said
    assert "not selected" not in said


def test_of_one_version_it_is_python3(machine):
    machine.add("python3", "3.14.1")
    machine.add("python3.14", "3.14.3")
    assert "Python 3.14.1 (python3)" in machine.setup()


def test_a_python3_that_is_too_new_is_left_for_one_that_is_tested(machine):
    machine.add("python3", "3.15.0")
    machine.add("python3.11", "3.11.2")
    assert "Python 3.11.2 (python3.11)" in machine.setup()


def test_what_uv_has_is_taken_too(machine):
    machine.add("python3", "3.11.7")
    managed = machine.add("../managed/python", "3.13.2")
    machine.script("uv", f'case "$*" in "python find "*--no-python-downloads*3.13) echo {managed} ;; *) exit 2 ;; esac')
    assert f"Python 3.13.2 ({managed})" in machine.setup()


def test_the_one_that_is_named_is_taken(machine):
    machine.add("python3", "3.14.1")
    machine.add("python3.12", "3.12.9")
    assert "Python 3.12.9 (python3.12)" in machine.setup("PYTHON=python3.12")


@pytest.mark.parametrize(
    ("version", "broken", "reason"),
    [
        ("3.10.13", "", "mine is Python 3.10\n"),
        ("3.15.0", "", "mine is Python 3.15\n"),
        ("2.7.18", "no venv", "mine is Python 2.7\n"),
        ("3.13.2", "no venv", "mine has no venv or no ensurepip; on Debian and Ubuntu: apt install python3.13-venv\n"),
        ("3.13.2", "no start", "mine does not start\n"),
    ],
)
def test_one_that_is_named_and_unsuitable_is_refused_with_the_reason(machine, version, broken, reason):
    machine.add("python3", "3.14.1")
    machine.add("mine", version, broken)
    said = machine.setup("PYTHON=mine", code=2)
    assert reason in said
    assert "tested on Python 3.11 to 3.14" in said
    assert "make setup PYTHON=/path/to/python3.14" in said
    assert not machine.venv.exists()


def test_where_none_is_suitable_each_is_named(machine):
    machine.add("python3", "3.10.13")
    machine.add("python3.12", "3.12.9", "no venv")
    said = machine.setup(code=2)
    assert "python3 is Python 3.10\n" in said
    assert "python3.12 has no venv" in said
    assert "python3.14 does not start\n" in said
    assert not machine.venv.exists()


def test_an_environment_that_is_there_is_kept(machine):
    machine.add("python3", "3.12.9")
    machine.setup()
    machine.add("python3.14", "3.14.1")
    os.utime(machine.venv / "bin" / "python", (0, 0))  # a system's is older than pyproject.toml
    (machine.venv / ".installed").unlink()
    assert f"{machine.venv} has Python 3.12.9" in machine.setup()
    assert f"{machine.venv} has Python 3.12.9" in machine.setup("PYTHON=python3.14")


def test_an_environment_whose_python_is_gone_is_made_anew(machine):
    machine.add("python3", "3.12.9")
    machine.setup()
    (machine.venv / "bin" / "python").unlink()
    (machine.venv / "bin" / "python").symlink_to(machine.folder / "gone")
    machine.add("python3", "3.14.1")
    assert f"{machine.venv} has Python 3.14.1" in machine.setup()
    assert (machine.venv / ".installed").exists()


def test_an_environment_that_could_not_be_completed_is_made_anew(machine):
    machine.add("python3", "3.14.1", "no pip")
    machine.setup(code=2)
    machine.add("python3", "3.13.2")
    assert f"{machine.venv} has Python 3.13.2" in machine.setup()
