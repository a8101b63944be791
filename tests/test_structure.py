"""The house: imports run downward, every config composes, and the wheel holds the kernel alone."""

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from runners.config import method_of, protocol_of, register_resolvers, sources_of

ROOT = Path(__file__).parents[1]
MAY_USE = {
    "rntk": set(),
    "datasets": set(),
    "results": set(),
    "baselines": {"rntk"},
    "runners": {"rntk", "datasets", "results", "baselines"},
}
STUDY_ONLY = {"hydra", "omegaconf", "joblib", "mlflow"}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where an arrow goes"
            yield node.module.split(".")[0]


def modules(path):
    """The full names of what is imported from."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("package", MAY_USE)
def test_imports_run_downward(package):
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        upward = (set(imported(path)) & set(MAY_USE)) - MAY_USE[package] - {package}
        assert not upward, f"{path.relative_to(ROOT)} imports {upward}"
        if package != "runners":
            assert not set(imported(path)) & STUDY_ONLY, (
                f"{path.relative_to(ROOT)}: Hydra, joblib and MLflow belong to runners"
            )


def test_measurements_use_no_test():
    """Tests may use what is measured; the other way round a benchmark would need them."""
    for path in (ROOT / "benchmarks").rglob("*.py"):
        assert "tests" not in set(imported(path)), path.name


def test_the_kernel_needs_numpy_and_numba_only():
    """The interfaces need what they join, and are imported by name."""
    extras = {
        "distributed.py": {"dask"},
        "finite.py": {"jax"},
        "gaussian_process.py": {"sklearn"},
        "sklearn.py": {"sklearn"},
        "sktime.py": {"pandas", "sktime"},
        "svm/classification.py": {"sklearn"},
        "svm/folds.py": {"sklearn"},
    }
    joined = {f"rntk.{name.removesuffix('.py').replace('/', '.')}" for name in extras}
    for path in (ROOT / "rntk").rglob("*.py"):
        name = path.relative_to(ROOT / "rntk").as_posix()
        allowed = {"rntk", "numpy", "numba"} | extras.get(name, set())
        assert set(imported(path)) - set(sys.stdlib_module_names) <= allowed, name
        assert name in extras or not joined & set(modules(path)), name


@pytest.fixture
def conf():
    register_resolvers()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        yield compose


@pytest.mark.parametrize("study", [path.stem for path in (ROOT / "conf" / "study").glob("*.yaml")])
def test_every_study_composes(conf, study):
    config = conf("reproduce", [f"study={study}"])
    assert config.study.name == study
    assert sources_of(config.study.datasets)
    names = [method_of(method).name for method in config.methods.values()]
    assert len(set(names)) == len(names)
    assert set(names) == {
        f"1{key}" if key.startswith("nn_") else key for key in config.methods
    }  # no key begins with a digit
    base = ["rntk", "ntk", "rbf", "polynomial", "gaussian", "1nn_ed"]
    family = [f"rntk_{member}" for member in ("direction", "deep", "erf", "mean", "gp", "family")]
    trained = ["gaussian_rnn", "identity_rnn", "gru"]
    networks = ["rntk_mean", "rntk_family", *trained, *(f"{name}_mean" for name in trained)]
    more = {"family": family, "networks": networks, "networks_small": networks}.get(study, [])
    everyday = ["rntk", "rntk_mean", "rbf", "1nn_ed", "1nn_dtw", "1nn_dtw_learned", "minirocket"]
    if study != "ucr_unequal":
        assert names == (everyday if study == "context" else base + more)
    assert protocol_of(config).C == (0.01, 0.1, 1.0, 10.0, 100.0)


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("rntk", 900),
        ("ntk", 540),
        ("rbf", 18),
        ("polynomial", 30),
        ("gaussian", 10),
        ("1nn_ed", 1),
        ("1nn_dtw", 1),
        ("1nn_dtw_learned", 17),
        ("minirocket", 1),
        ("rocket", 1),
        ("rntk_direction", 450),
        ("rntk_deep", 150),
        ("rntk_erf", 250),
        ("rntk_mean", 6),
        ("rntk_gp", 150),
        ("rntk_family", 648),
        ("gaussian_rnn", 32),
        ("identity_rnn", 32),
        ("gru", 32),
        ("gaussian_rnn_mean", 32),
        ("identity_rnn_mean", 32),
        ("gru_mean", 32),
    ],
)
def test_every_method_composes_with_its_full_grid(conf, method, settings):
    assert method_of(conf("run", [f"method={method}"]).method).n_settings == settings


def test_series_of_unequal_lengths_are_compared_natively_and_in_every_other_way(conf):
    """Each kernel that needs one length in each of three ways, and the RNTK natively and so."""
    methods = [method_of(method) for method in conf("reproduce", ["study=ucr_unequal"]).methods.values()]
    native = {method.name for method in methods if method.lengths is None}
    assert native == {"rntk", "rntk_mean", "rntk_direction", "rntk_family", "1nn_ed"}
    brought = {method.name: method for method in methods if method.lengths}
    kernels = ("rntk", "rntk_mean", "ntk", "rbf", "polynomial", "gaussian")
    assert set(brought) == {f"{kernel}_{how}" for kernel in kernels for how in ("pad", "cut", "resample")}
    for name, method in brought.items():
        alone = method_of(conf("run", [f"method={name.rsplit('_', 1)[0]}"]).method)
        assert (method.kernel, method.lengths) == (alone.kernel, name.rsplit("_", 1)[1])


def test_the_thinned_grid_is_part_of_the_full_one(conf):
    full, small = (conf("reproduce", [f"study={study}"]).methods for study in ("networks", "networks_small"))
    for name in ("gaussian_rnn", "identity_rnn_mean", "gru"):
        whole, part = method_of(full[name]), method_of(small[name])
        assert whole.normalisation == part.normalisation == "zscore"
        assert {*part.network["learning_rate"]} <= {*whole.network["learning_rate"]}
        assert part.network["width"] in whole.network["width"]
        assert part.network["depth"] in whole.network["depth"]
        assert part.network["readout"] == whole.network["readout"] == ("mean" if name.endswith("mean") else "last")


def test_every_experiment_composes(conf):
    for path in (ROOT / "conf" / "experiment").glob("*.yaml"):
        experiment = conf("theory", [f"experiment={path.stem}"]).experiment
        assert experiment._target_ == f"runners.experiments.{path.stem}.{path.stem}"
    for preset, repeats in (("default", 100), ("full", 1000)):
        experiment = conf("synthetic", [f"preset={preset}"]).experiment
        assert (experiment.repeats, experiment.train, experiment.test) == (repeats, 20, 5000)
        assert (experiment.T_fixed, experiment.noise) == (10, 0.05)


def test_the_wheel_holds_rntk_only(tmp_path):
    """Built with what is installed: no index is asked."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist"), "."]
    source = tmp_path / "source"
    source.mkdir()
    files = [ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE", "rntk/svm/LICENSE.libsvm")]
    files += [path for package in MAY_USE for path in (ROOT / package).rglob("*.py")]
    for path in files:
        copy = source / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (archive.read(name).decode() for name in names if name.endswith("/METADATA"))
    modules = {name for name in names if name.endswith(".py")}
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"rntk"}
    assert modules == {path.relative_to(ROOT).as_posix() for path in (ROOT / "rntk").rglob("*.py")}
    assert any(name.endswith("licenses/rntk/svm/LICENSE.libsvm") for name in names)
    assert "Requires-Python: >=3.11\n" in metadata  # and every later one


def test_the_command_line_starts_light():
    """What only a worker needs is loaded in the worker: `--help` and a plan should not take seconds."""
    heavy = ["numba", "scipy", "sklearn", "sktime", "pandas", "mlflow", "joblib"]
    for module in ("runners.run", "runners.reproduce"):
        code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]", module


def test_tables_and_what_surrounds_a_run_load_no_figures():
    """A task that was run before is looked up in the time of an import: Hydra's callback comes in with every run, tracked or not."""
    heavy = ["matplotlib", "mlflow", "scipy.stats"]
    code = f"import sys, results.tables, runners.sweep; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


AS_IN_3_14 = """
import argparse, runpy, sys

def check(self, action):
    try:
        action.help and "%" in action.help and action.help % {}
    except (KeyError, TypeError) as error:
        raise ValueError("badly formed help string") from error

def add(self, *names, **fields):
    action = add_unchecked(self, *names, **fields)
    self._check_help(action)
    return action

if not hasattr(argparse.ArgumentParser, "_check_help"):
    add_unchecked = argparse.ArgumentParser.add_argument
    argparse.ArgumentParser._check_help, argparse.ArgumentParser.add_argument = check, add
try:
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
except SystemExit as end:
    assert not end.code, end.code
try:
    argparse.ArgumentParser().add_argument("--bad", help="%(nothing)s")
except ValueError as error:
    print(error)
"""


@pytest.mark.parametrize("module", ["runners.run", "runners.reproduce"])
def test_the_command_line_starts_where_argparse_checks_help_texts(module):
    """As it does from Python 3.14 on, which refuses the one that Hydra 1.3.8 gives; what else is wrong is still refused."""
    done = subprocess.run(
        [sys.executable, "-c", AS_IN_3_14, module, "--cfg", "job"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "tie_break: first" in done.stdout
    assert done.stdout.endswith("badly formed help string\n")


def test_an_import_changes_nothing():
    """Neither the environment nor Hydra's resolvers: what a process needs is set where it starts."""
    names = [
        str(path.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__")
        for package in MAY_USE
        for path in sorted((ROOT / package).rglob("*.py"))
    ]
    code = f"""
import importlib, os, sys
import equinox, hydra, jax, joblib, matplotlib, mlflow, numba, optax, pandas, sklearn, sktime  # which set what they like
from omegaconf import OmegaConf
before = dict(os.environ)
for name in {names}:
    importlib.import_module(name)
changed = {{name for name in before | os.environ if before.get(name) != os.environ.get(name)}}
assert not changed, changed
assert not OmegaConf.has_resolver("all_cores")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_file_is_unpickled_and_no_shell_is_used():
    """A record, a cache or a download could bring code along; a name could."""
    loads = r"\b(pickle|cloudpickle|dill|shelve|marshal|joblib)\.loads?\b|allow_pickle=True|yaml\.(unsafe_)?load\("
    forbidden = rf"{loads}|shell=True|os\.(system|popen)\("
    for package in ("rntk", "baselines", "datasets", "results", "runners"):
        for path in (ROOT / package).rglob("*.py"):
            assert not re.search(forbidden, path.read_text()), path
