"""The virtual environment, and in it what requirements.lock names: made by one process, for which the others wait.

    python install.py VENV

Python is the one that the environment is made of, where there is none yet or one that was not completed. Of requirements.lock
pip takes nothing whose hash is another. Needs the standard library alone.
"""

import fcntl
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent
PROJECT, LOCK = ROOT / "pyproject.toml", ROOT / "requirements.lock"
DONE = ".installed"  # in the environment, when it is complete; make looks at its time


def main(venv: Path) -> int:
    """Install, unless another process has done so meanwhile; returns an exit status."""
    venv.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{venv}.lock", "w") as turn:
        take(turn, venv)
        # a child holds the lock, too: where this process is killed, nobody begins before pip has ended
        run = partial(subprocess.run, check=True, pass_fds=[turn.fileno()])
        try:
            if not is_installed(venv):
                install(venv, run)
            (venv / DONE).touch()
        except subprocess.CalledProcessError as error:
            print(f"error: {' '.join(map(str, error.cmd))}: exit status {error.returncode}", file=sys.stderr)
            return 1
    return 0


def take(turn: IO, venv: Path) -> None:
    """Lock the file, and say so where that means to wait. The operating system unlocks it when its holders end, however they end."""
    try:
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"another process installs into {venv}: waiting for it", file=sys.stderr, flush=True)
        fcntl.flock(turn, fcntl.LOCK_EX)
    except OSError:  # a file system without locks
        pass


def is_installed(venv: Path) -> bool:
    """Whether the environment works, and was completed after the project's requirements last changed."""
    done = venv / DONE
    newest = max(path.stat().st_mtime for path in (PROJECT, LOCK))
    return done.exists() and done.stat().st_mtime >= newest and has_pip(venv)


def has_pip(venv: Path) -> bool:
    """Whether the environment starts and has pip, which comes last: else its Python is gone, or it was not completed."""
    try:
        return subprocess.run([venv / "bin" / "python", "-m", "pip", "--version"], capture_output=True).returncode == 0
    except OSError:
        return False


def install(venv: Path, run: Callable) -> None:
    """Make the environment, unless there is one, and install: what is locked, then the project itself, as a link to this folder."""
    if not has_pip(venv):
        clear = ["--clear"] if (venv / "pyvenv.cfg").exists() else []  # never a folder that is no environment
        run([sys.executable, "-m", "venv", *clear, venv])
    pip = [venv / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "--requirement", LOCK])
    run([*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
