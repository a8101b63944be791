"""Misspelt overrides: each is answered by what it is like, in every entry point, and nothing of Hydra's own text is seen."""

import pytest

from runners.config import register_resolvers
from runners.overrides import OWN, fault, with_own_folder


@pytest.fixture(autouse=True)
def resolvers():
    register_resolvers()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("run methd=rbf", "unknown setting 'methd': did you mean method?"),
        ("run +methd=rbf", "unknown setting 'methd': did you mean method?"),
        ("run method=rbff", "unknown method 'rbff': did you mean rbf? Or choose one of 1nn_dtw, "),
        ("run protocol=papre", "unknown protocol 'papre': did you mean paper?"),
        ("run -m method=rbf,rtnk", "unknown method 'rtnk': did you mean rntk?"),
        ("run method=rbf,rntk", "'method=rbf,rntk' has several values: -m makes a sweep of them"),
        ("run protocl.folds=3", "unknown setting 'protocl.folds': did you mean protocol.folds?"),
        ("run folds=3", "unknown setting 'folds': did you mean protocol.folds?"),
        (
            "run method=rbf method.kernel.gama=1",
            "unknown setting 'method.kernel.gama': did you mean method.kernel.gamma?",
        ),
        (
            "run -m method.kernel.sigmaw=1,2",
            "unknown setting 'method.kernel.sigmaw': did you mean method.kernel.sigma_w or ",
        ),
        (
            "run method=rbf method.kernel.sigma_w=1",
            "nothing similar; method.kernel has _target_, gamma; +method.kernel.sigma_w=1",
        ),
        (
            "run method.lengths=pad",
            "nothing similar; method has name, kernel; +method.lengths=pad adds a setting that ",
        ),
        ("run xyzzy=1", "unknown setting 'xyzzy': nothing similar; the configuration has protocol, method, output,"),
        ("run xyzzy", "'xyzzy' is no KEY=VALUE: nothing similar;"),
        ("run method.kernel=[", "'method.kernel=[' cannot be read: "),
        ("run +dataset=GunPoint", "'+dataset=GunPoint': dataset is there already: leave the + out"),
        ("run +method=rbf", "'+method=rbf': method is chosen already: leave the + out"),
        ("run study=quick", "'study=quick': study is none of the choices here: method, protocol"),
        ("run data.rooot=x", "unknown setting 'data.rooot': did you mean data.root?"),
        ("run hydra.verbos=true", "unknown setting 'hydra.verbos': did you mean hydra.verbose?"),
        ("reproduce study=quik", "unknown study 'quik': did you mean quick?"),
        (
            "reproduce study=quick ~methods.ntkk",
            "unknown setting 'methods.ntkk': did you mean methods.ntk or methods.rntk?",
        ),
        ("reproduce ~methods.1nn_ed", "'~methods.1nn_ed' is no KEY=VALUE: did you mean methods.nn_ed?"),
        ("reproduce +method@methods.mine=mine", "unknown method 'mine': nothing similar; choose one of 1nn_dtw"),
        ("report study=ucr65", "unknown study 'ucr65': did you mean ucr56?"),
        ("theory experiment=evolutoin", "unknown experiment 'evolutoin': did you mean evolution?"),
        ("theory experiment.seedz=3", "unknown setting 'experiment.seedz': did you mean experiment.seeds?"),
        ("synthetic preset=ful", "unknown preset 'ful': did you mean full?"),
        ("synthetic experiment.T_fix=2", "unknown setting 'experiment.T_fix': did you mean experiment.T_fixed?"),
    ],
)
def test_a_misspelt_override_is_answered(arguments, message):
    name, *arguments = arguments.split()
    found = fault(name, arguments)
    assert message in found
    assert "\n" not in found and "struct" not in found


@pytest.mark.parametrize(
    "arguments",
    [
        "run",
        "run dataset=/data/x method=rbf output=/tmp/x hydra.launcher.n_jobs=2",
        "run +method.lengths=pad +protocol.missing=interpolate +method.kernel.depth=2",
        "run -m dataset=GunPoint,Coffee method=rntk,rntk_mean method.kernel.sigma_w=1.34,1.41",
        "run -m protocol.folds=range(2,5)",
        "reproduce study=quick ~methods.nn_ed ~methods.ntk +method@methods.more=rntk_mean study.datasets=[Coffee,Wine]",
        "theory -m experiment=glob(*)",
        "run --config-name=theory xyzzy=1",  # another configuration, of which nothing is known here
    ],
)
def test_what_is_right_is_let_through(arguments):
    name, *arguments = arguments.split()
    assert fault(name, arguments) is None


def test_a_command_ends_with_the_answer_alone(command, capsys):
    for module in ("run", "reproduce", "report", "theory", "synthetic"):
        assert command(f"runners.{module}", "outputt=here") == 2
        printed = capsys.readouterr()
        assert printed.err == "error: unknown setting 'outputt': did you mean output?\n" and not printed.out


@pytest.mark.parametrize("name", ["../../evil", "a/b", "x" * 500, "''"])
@pytest.mark.parametrize("entry", ["reproduce", "report"])
def test_a_name_that_leaves_its_folder_is_refused_before_anything_is_written(entry, name, command, capsys, tmp_path):
    output = tmp_path / "inside" / "deep"
    assert command(f"runners.{entry}", "study=smoke", f"study.name={name}", f"output={output}") == 2
    assert capsys.readouterr().err.startswith("error: study.name='")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("entry", ["reproduce", "run", "report", "theory"])
def test_an_output_folder_that_cannot_be_is_refused(entry, command, capsys, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    for output in ("file", "file/below"):
        assert command(f"runners.{entry}", f"output={tmp_path / output}") == 2
        message = f"error: output={tmp_path / output}: {tmp_path / 'file'} is a file, and a folder is needed\n"
        assert capsys.readouterr().err == message
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)  # root may write everywhere
    assert command(f"runners.{entry}", f"output={tmp_path / 'new' / 'deep'}") == 2
    assert f"{tmp_path} cannot be written; let this user write there, or choose" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"] and (tmp_path / "file").read_text() == "mine"


def test_the_current_folders_conf_is_looked_into_unless_another_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert with_own_folder(["a=1"]) == ["a=1"]
    (OWN / "method").mkdir(parents=True)
    (OWN / "method" / "mine.yaml").write_text("name: mine\nkernel: {_target_: baselines.RBF, gamma: 1}\n")
    (OWN / "study").mkdir()
    (OWN / "study" / "ours.yaml").write_text("# @package _global_\ndefaults:\n  - /method@methods.a: mien\n")
    found = with_own_folder(["method=mine"])
    assert found == ["method=mine", "--config-dir", "conf"]
    assert with_own_folder(["--config-dir=other"]) == ["--config-dir=other"]
    assert fault("run", found) is None
    assert "unknown method 'mine'" in fault("run", ["method=mine"])
    assert fault("run", ["method=mien", *found[1:]]).startswith("unknown method 'mien': did you mean mine?")
    # a name in a file of one's own
    said = fault("reproduce", ["study=ours", *found[1:]])
    assert "study/ours" in said and "unknown method 'mien': did you mean mine?" in said
    assert fault("run", ["--config-dir", "nowhere"]) == "--config-dir nowhere: there is no such folder"
    (OWN / "method" / "mine.yaml").write_text("name: [\n")
    assert "mine.yaml" in fault("run", found)


@pytest.mark.parametrize(
    "module",
    [
        *(
            f"runners.{name}"
            for name in ("run", "reproduce", "report", "theory", "synthetic", "new", "ties", "pictures")
        ),
        *(
            "runners.tracking",
            "datasets.fetch",
            "tests.mutants",
            "benchmarks",
            "benchmarks.plain",
            "benchmarks.precision",
        ),
        *(f"results.{name}" for name in ("tables", "pack", "comparison", "published", "paper", "ties", "figures")),
    ],
)
def test_every_entry_point_says_how_it_is_used(command, capsys, module):
    assert command(f"{module}.__main__" if module in ("benchmarks", "results.figures") else module, "--help") == 0
    said = capsys.readouterr().out
    assert "usage: " in said or f"python -m {module} " in said
