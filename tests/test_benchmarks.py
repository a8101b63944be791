"""The other sides of the benchmarks compute what ours do, and the table says what was measured."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np

import benchmarks
from benchmarks import engine, formula, study
from benchmarks.measure import Row, machine, table
from rntk import recursion

ROOT = Path(__file__).parents[1]


def test_the_formula_is_the_recursion():
    X = engine.series(30, 25)
    for parameters in ((1.4, 0.3, 0.0, "relu"), (1.34, 0.0, 0.5, "relu"), (1.4, 0.3, 0.2, "erf")):
        sigma_w, sigma_b, sigma_h, nonlinearity = parameters
        p = recursion.Parameters(sigma_w, 1.0, sigma_b, sigma_h, 1.0, nonlinearity)
        np.testing.assert_allclose(formula.gram(X, *parameters), recursion.gram(X[..., None], None, p), rtol=1e-10)


def test_all_of_them_can_be_loaded():
    names = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__"]
    assert "defaults" in names
    for name in names:
        importlib.import_module(f"benchmarks.{name}")


def test_the_table_holds_a_row_a_measurement():
    assert table([Row("speed", "1 s", "30 s", 30.0, "≥ 25"), Row("size", "3 MiB")]).splitlines()[2:] == [
        "| speed | 1 s | 30 s | 30 | ≥ 25 |",
        "| size | 3 MiB |  |  |  |",
    ]
    assert "cores" in machine()


def test_the_reference_run_kept_what_was_aimed_at():
    """Fifteen minutes on two cores, a plan within 30 %, 1.5 GiB a worker, no core idle for more than 5 % until the last tasks."""
    time, plan, memory, busy = study.rows()
    assert float(time.ours.split()[0]) <= 15
    assert 0.7 <= plan.ratio <= 1.3
    assert int(memory.ours.split()[0]) <= 1536
    assert busy.ratio >= 0.95


def test_a_section_that_does_not_exist_is_named():
    done = subprocess.run([sys.executable, "-m", "benchmarks", "engines"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "there is no benchmark 'engines': choose from start, engine" in done.stderr
