"""`make setup` takes the newest suitable Python of a machine, and installs what is locked, one process at a time.

The machines and their Pythons are made up; nothing is installed.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]

# Says that it is of another version, makes environments of itself, and notes what it is told to install or to run. Its pip waits
# while there is a file `wait`, and fails where another runs in the environment.
PYTHON = """
import fcntl, json, os, runpy, shutil, sys, time
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
elif arguments == ["-m", "pip", "--version"]:
    sys.exit(broken == "no pip")
elif arguments[0] == "install.py":
    sys.executable, sys.argv = path, arguments
    runpy.run_path("install.py", run_name="__main__")
else:
    folder = os.path.dirname(__file__)
    with open(folder + "/log", "a") as log:
        print(json.dumps([os.getppid(), *arguments]), file=log)
    if arguments[:2] == ["-m", "pip"]:
        turn = open(path + ".pip", "w")
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        while os.path.exists(folder + "/wait"):
            time.sleep(0.01)
        sys.exit(broken == "no network")
"""


class Machine:
    """A folder of Pythons, and what make needs besides."""

    def __init__(self, folder):
        self.folder, self.venv = folder, folder / "venv"
        self.bin = folder / "bin"
        self.bin.mkdir()
        (folder / "python.py").write_text(PYTHON)
        for tool in ("sh", "echo"):
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

    def start(self, *arguments):
        """A make that runs, in a group of its own."""
        return subprocess.Popen(
            [shutil.which("make"), f"VENV={self.venv}", *arguments],
            cwd=ROOT,
            env={"PATH": str(self.bin)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def setup(self, *variables, code=0):
        """What `make setup` says."""
        return said_by(self.start("setup", *variables), code)

    def log(self):
        """What the Pythons were told to install or run: the process that told it, and the words."""
        path = self.folder / "log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def installed(self):
        """What pip was told to install."""
        return [words[-1] for _, *words in self.log() if words[:3] == ["-m", "pip", "install"]]

    def installing(self):
        """Start a `make setup` whose pip goes on when `wait` is gone; the process, and that which started pip."""
        (self.folder / "wait").touch()
        process = self.start("setup")
        wait_until(self.log)
        return process, self.log()[0][0]

    def go_on(self):
        (self.folder / "wait").unlink(missing_ok=True)


def said_by(process, code=0):
    """All that it says, when it has ended with this exit status."""
    said, _ = process.communicate(timeout=60)
    assert process.returncode == code, said
    return said


def wait_until(true):
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    yield machine
    machine.go_on()  # also where a test has failed


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


def test_a_folder_that_is_no_environment_is_not_emptied(machine):
    machine.add("python3", "3.12.9")
    machine.venv.mkdir()
    (machine.venv / "thesis.tex").touch()
    machine.setup()
    assert (machine.venv / "thesis.tex").exists()


def test_what_is_locked_is_installed_by_hash_then_the_project_alone(machine):
    machine.add("python3", "3.12.9")
    machine.setup()
    locked, project = [words[5:] for _, *words in machine.log()]
    assert locked == ["--require-hashes", "--requirement", str(ROOT / "requirements.lock")]
    assert project == ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    machine.setup()
    assert len(machine.log()) == 2


def test_a_pip_that_fails_is_said_and_can_be_run_again(machine):
    machine.add("python3", "3.12.9", "no network")
    assert re.search(r"\nerror: .*/python -m pip install .*requirements.lock: exit status 1\n", machine.setup(code=2))
    assert not (machine.venv / ".installed").exists()
    machine.add("../venv/bin/python", "3.12.9")
    machine.setup()
    assert (machine.venv / ".installed").exists()


def test_of_two_at_once_one_installs_and_the_other_waits(machine):
    machine.add("python3", "3.12.9")
    first, _ = machine.installing()
    second = machine.start("setup")
    assert "waiting" in second.stdout.readline()  # the first names a Python, where it is not there yet
    machine.go_on()
    assert f"{machine.venv} has Python 3.12.9" in said_by(first)
    assert f"{machine.venv} has Python 3.12.9" in said_by(second)
    assert machine.installed() == [str(ROOT / "requirements.lock"), str(ROOT)]


def test_two_that_begin_together_both_end_well(machine):
    machine.add("python3", "3.12.9")
    for process in [machine.start("setup"), machine.start("setup")]:
        said_by(process)
    assert machine.installed() == [str(ROOT / "requirements.lock"), str(ROOT)]


def test_one_that_was_killed_holds_up_nobody(machine):
    machine.add("python3", "3.12.9")
    process, _ = machine.installing()
    os.killpg(process.pid, signal.SIGKILL)
    said_by(process, -signal.SIGKILL)
    machine.go_on()
    assert "waiting" not in machine.setup()
    assert (machine.venv / ".installed").exists()


def test_where_the_installer_was_killed_its_pip_is_waited_for(machine):
    machine.add("python3", "3.12.9")
    first, installer = machine.installing()
    os.kill(installer, signal.SIGKILL)
    second = machine.start("setup")
    assert "waiting" in second.stdout.readline()
    machine.go_on()
    said_by(second)
    said_by(first, 2)
    lock = str(ROOT / "requirements.lock")
    assert machine.installed() == [lock, lock, str(ROOT)]


def test_the_name_of_an_output_folder_may_hold_spaces_quotes_and_brackets(machine):
    output = "Erdős' [a, b] = {c}"
    machine.add("python3", "3.12.9")
    machine.setup()
    begun = len(machine.log())
    targets = re.findall(r"^([a-z]+):.*\n(?=.*\$\(OUTPUT\))", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"reproduce", "theory", "tables", "figures", "docs"} <= set(targets)
    said_by(machine.start(*targets, f"OUTPUT={output}"))
    commands = machine.log()[begun:]
    assert len(commands) == len(targets)
    for _, _, module, *words in commands:
        settings = [word for word in words if word.startswith("output=")]
        if settings:
            (override,) = OverridesParser.create().parse_overrides(settings)
            assert override.value() == output, module
        else:
            assert any(word == output or word.startswith(f"{output}/") for word in words), module


def test_an_environments_name_with_a_space_is_refused(machine):
    machine.venv = machine.folder / "my venv"
    assert "without spaces" in machine.setup(code=2)


def locked():
    """The requirements of requirements.lock, and the options of each."""
    lines = (ROOT / "requirements.lock").read_text().replace("\\\n", " ").splitlines()
    for line in lines:
        if not line.startswith("#"):
            requirement, *options = line.split(" --")
            yield Requirement(requirement), [option.strip() for option in options]


def test_every_version_that_is_locked_has_hashes_and_no_address():
    assert "://" not in (ROOT / "requirements.lock").read_text()
    for requirement, options in locked():
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement
        assert options, requirement
        assert all(re.fullmatch("hash=sha256:[0-9a-f]{64}", option) for option in options), requirement


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_what_the_project_requires_is_locked_once_in_a_version_that_it_allows(version):
    environment = {"python_version": version, "python_full_version": f"{version}.1"}
    pins = {}
    for requirement, _ in locked():
        if requirement.marker is None or requirement.marker.evaluate(environment):
            assert canonicalize_name(requirement.name) not in pins, requirement
            pins[canonicalize_name(requirement.name)] = str(requirement.specifier).removeprefix("==")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted, extras = [Requirement(line) for line in project["dependencies"]], ["dev"]
    for extra in extras:
        for requirement in map(Requirement, project["optional-dependencies"][extra]):
            if requirement.name == project["name"]:
                extras.extend(requirement.extras)
            else:
                wanted.append(requirement)
    assert len(wanted) > 20
    for requirement in wanted:
        if requirement.marker is None or requirement.marker.evaluate(environment):
            pin = pins.get(canonicalize_name(requirement.name))
            assert pin and requirement.specifier.contains(pin), f"{requirement}, and {pin} is locked: make lock"
