"""Are the tests a net? Each of the mistakes in `mutants.toml` is made in a copy of the tree, and a test named there must fail.

    python -m tests.mutants                          # all of them, on all cores
    python -m tests.mutants --part 1/4               # every fourth
    python -m tests.mutants --only rntk/svm          # those in files of that name

The named tests are first run on the tree as it is. The exit status is 1 if a mistake survives, or cannot be made any more
because the code has changed: then the entry is to be brought up to date. Those whose tests are all skipped on this machine, which
has no browser, say, are named and not tried.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from rntk.machine import cores

ROOT = Path(__file__).parents[1]
FOUND, SURVIVES, SKIPPED = "found", "SURVIVES", "not tried, its tests are skipped"
TIMEOUT = 600  # seconds; a mistake that makes a test run without end is found


@dataclass(frozen=True)
class Mutant:
    """One mistake: in `file` the text `old`, which stands there once, becomes `new`; one of `tests` must fail."""

    file: str
    what: str
    old: str
    new: str
    tests: list[str]

    def fault(self) -> str:
        """Why the mistake cannot be made in the tree as it is, or ""."""
        path = ROOT / self.file
        count = path.read_text().count(self.old) if path.exists() else 0
        return "" if count == 1 else f"{self.old!r} stands {count} times in {self.file}, and once is needed"


def main() -> int:
    """Make the mistakes, and say which survive."""
    parser = argparse.ArgumentParser(
        description="Make known mistakes in a copy of the tree: a test must fail for each."
    )
    parser.add_argument("--part", default="1/1", help="k/n: every n-th mistake, from the k-th on")
    parser.add_argument("--only", default="", help="mistakes in files whose name contains this")
    parser.add_argument("--jobs", type=int, default=cores(), help="how many at a time (default: one a core)")
    arguments = parser.parse_args()
    part, parts = map(int, arguments.part.split("/"))
    entries = tomllib.loads((ROOT / "tests" / "mutants.toml").read_text())["mutant"]
    mutants = [Mutant(**entry) for entry in entries if arguments.only in entry["file"]][part - 1 :: parts]
    faults = [f"{mutant.what}: {fault}" for mutant in mutants if (fault := mutant.fault())]
    if faults or not mutants:
        print("\n".join(faults) or "no such mistakes", file=sys.stderr)
        return 1
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        whole, copies = copy_tree(Path(folder) / "whole"), SimpleQueue()  # the tree may change meanwhile
        for job in range(arguments.jobs):
            copies.put(shutil.copytree(whole, Path(folder) / str(job)))
        first = copies.get()
        named = sorted({test for mutant in mutants for test in mutant.tests})
        tested = run_tests(first, named, "-n", str(arguments.jobs), "--dist", "loadgroup")
        if tested.returncode != 0:
            print(
                f"{tested.stdout[-4000:]}\nthe tests above do not pass on the tree as it is: mend them first",
                file=sys.stderr,
            )
            return 1
        copies.put(first)

        def outcome(mutant: Mutant) -> str:
            copy = copies.get()
            try:
                return run_mutant(copy, whole, mutant)
            finally:
                copies.put(copy)

        outcomes = Counter()
        with ThreadPoolExecutor(arguments.jobs) as pool:
            for mutant, found in zip(mutants, pool.map(outcome, mutants), strict=True):
                outcomes[found] += 1
                print(f"{found}: {mutant.file}: {mutant.what}", flush=True)
    minutes = (time.perf_counter() - started) / 60
    print(f"{outcomes[FOUND]} of {len(mutants) - outcomes[SKIPPED]} mistakes are found by a test, in {minutes:.0f} min")
    if outcomes[SKIPPED]:
        print(
            f"{outcomes[SKIPPED]} more are not tried: this machine has not what their tests need (pytest -rs says what)"
        )
    return 1 if outcomes[SURVIVES] else 0


def copy_tree(to: Path) -> Path:
    """A copy of the files that git knows or would take, and of the compiler's cache, whose stamps are the files' times."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    cached = [path.relative_to(ROOT) for path in (ROOT / "rntk").rglob("__pycache__/*")]
    for name in [*listed.stdout.splitlines(), *cached]:
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    return to


def run_mutant(copy: Path, whole: Path, mutant: Mutant) -> str:
    """Make one mistake in a copy of the tree, run its tests, and put all back as in the whole one; returns what became of it."""
    path = copy / mutant.file
    path.write_text(path.read_text().replace(mutant.old, mutant.new))
    try:
        tested = run_tests(copy, mutant.tests, "-x", timeout=TIMEOUT)
        return FOUND if tested.returncode else SURVIVES if re.search(r"\d passed", tested.stdout) else SKIPPED
    except subprocess.TimeoutExpired:
        return FOUND
    finally:
        shutil.copy2(whole / mutant.file, path)
        for folder in (whole / "rntk").rglob("__pycache__"):  # compiled code has been made of it
            there = copy / folder.relative_to(whole)
            shutil.rmtree(there, ignore_errors=True)
            shutil.copytree(folder, there)


def run_tests(copy: Path, tests: list[str], *options: str, timeout: float | None = None) -> subprocess.CompletedProcess:
    """Run the tests in a copy of the tree: the exit status is 0 where they pass, and 1 where one fails.

    Ends the program where they cannot be run. Raises TimeoutExpired where they run longer.
    """
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, *tests]
    environment = os.environ | {"NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=timeout)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)} could not be run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


if __name__ == "__main__":
    sys.exit(main())
