"""A configuration names what is run: ours, a library of estimators', one's own, or what the user trusts."""

import pytest

from datasets.trust import check_trusted


@pytest.mark.parametrize(
    "name", ["os.system", "builtins.eval", "subprocess.Popen", "pandas.read_pickle", "numpy.load", "rntk_evil.K"]
)
def test_what_nobody_trusts_is_not_run(name, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "rntk_evil.py").write_text("raise SystemExit('it was run')")
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").rename(tmp_path.parent / f"{tmp_path.name}-away")
    monkeypatch.syspath_prepend(tmp_path.parent / f"{tmp_path.name}-away")
    package = name.split(".")[0]
    with pytest.raises(ValueError, match=f"method 'm': {name} would be run, .* RNTK_TRUST={package}$"):
        check_trusted("method 'm'", name)
    monkeypatch.setenv("RNTK_TRUST", f"another, {package}")
    check_trusted("method 'm'", name)


def test_a_prefix_is_that_of_whole_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RNTK_TRUST", "pandas.io")
    check_trusted("m", "pandas.io.sql.read_sql")
    with pytest.raises(ValueError, match="would be run"):
        check_trusted("m", "pandas.io_evil.f")


@pytest.mark.parametrize("place", ["mine_trusted.py", "mine_trusted/__init__.py", "mine_trusted/part.py"])
def test_a_file_under_this_folder_is_ones_own(place, tmp_path, monkeypatch):
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("raise SystemExit('it was run')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    check_trusted("m", "mine_trusted.Kernel")


@pytest.mark.parametrize(
    "name", ["rntk.RNTK", "baselines.RBF", "sktime.classification.kernel_based.RocketClassifier", "nowhere.K"]
)
def test_ours_and_the_libraries_need_no_word(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_trusted("m", name)
