"""The other sides of the benchmarks compute what ours do, and the table says what was measured."""

import importlib
import pkgutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np

import benchmarks
from benchmarks import engine, formula, plain, study
from benchmarks.measure import Row, machine, table
from datasets import load
from results import store
from results.pack import pack
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


def test_plain_cross_validation_writes_what_can_be_packed_and_goes_on_where_it_was(tmp_path):
    """A table again as in the reference (another processor may move a case that lies on a boundary), and not computed twice."""
    name, dataset = "GunPoint__gaussian.csv", load("GunPoint", downloads=False)
    plain.write(tmp_path, dataset, "gaussian", 5)
    found, reference = (
        np.loadtxt(BytesIO(store.read_file(folder, name)), delimiter=",", dtype=int)
        for folder in (tmp_path, ROOT / "results" / "reference" / "plain")
    )
    np.testing.assert_array_equal(found[:, 0], reference[:, 0])
    np.testing.assert_allclose(found[:, 1:], reference[:, 1:], rtol=0, atol=1)
    pack(tmp_path, tmp_path / "packed")
    for folder in (tmp_path, tmp_path / "packed"):
        before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
        plain.write(folder, dataset, "gaussian", 5)
        assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_section_that_does_not_exist_is_named():
    done = subprocess.run([sys.executable, "-m", "benchmarks", "engines"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "there is no benchmark 'engines': choose from start, engine" in done.stderr
