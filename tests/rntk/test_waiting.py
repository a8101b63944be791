"""Work that takes long says how far it is: shares only grow, end at 1, and nobody's numbers change for being watched."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import rntk.waiting
from rntk import RNTK, NystroemFeatures, engine_cpu, gram_blocks, gram_file, progress
from rntk.sklearn import RNTKClassifier, RNTKFeatures, RNTKRegressor
from rntk.waiting import Watch, each, loop, watched

X = np.random.default_rng(0).normal(size=(24, 10))
Y = np.arange(24) % 2
GRID = {"sigma_w": [1.2, 1.3, 1.4], "sigma_b": [0.0, 0.1]}


@pytest.fixture
def seen():
    """The shares that a watch has seen, of one outermost loop after another, and what was said."""
    found = {"shares": [], "words": []}

    def look(watch):
        if not watch.loops or not found["shares"]:
            found["shares"].append([])
        if watch.loops:
            found["shares"][-1].append(watch.share)
            found["words"].append(str(watch.loops[0]))

    with watched(Watch(look)):
        yield found


@pytest.fixture
def soon(monkeypatch):
    """Bars are drawn at once."""
    monkeypatch.setattr(rntk.waiting, "SOON", 0)


def test_shares_of_nested_loops_are_those_computed_by_hand():
    watch, shares = Watch(), []
    with watched(watch):
        for _ in each("ab", "letters"):
            for _ in each(range(4), ""):
                shares.append(watch.share)
        shares.append(watch.share)
    assert shares == [0, 1 / 8, 2 / 8, 3 / 8, 4 / 8, 5 / 8, 6 / 8, 7 / 8, 0]
    assert watch.loops == []


@pytest.mark.parametrize(
    "work",
    [
        lambda tmp_path: RNTKClassifier(grid=GRID).fit(X, Y),
        lambda tmp_path: RNTKRegressor(grid=GRID).fit(X, X[:, 0]),
        lambda tmp_path: list(gram_blocks(RNTK(), X, block=5)),
        lambda tmp_path: gram_file(RNTK(), X, tmp_path / "K.npy", block=5),
        lambda tmp_path: RNTK(direction="both")(X),
        lambda tmp_path: NystroemFeatures(RNTK(), n_landmarks=5, block=7).fit(X).transform(X),
    ],
)
def test_shares_grow_and_end_at_one(work, tmp_path, seen):
    work(tmp_path)
    loops = [shares for shares in seen["shares"] if shares]
    assert loops
    for shares in loops:
        assert shares == sorted(shares)
        assert shares[0] == 0 and shares[-1] == pytest.approx(1)


def test_a_grid_says_how_many_of_its_kernels_are_done(seen):
    RNTKClassifier(grid=GRID).fit(X, Y)
    said = list(dict.fromkeys(word for word in seen["words"] if "kernels" in word))
    assert said == [f"{done} of 6 kernels" for done in range(7)]


def test_a_gram_on_several_threads_or_one_says_how_far_it_is(seen, monkeypatch):
    """Threads end in any order, and the share grows all the same; the numbers are those of one share."""
    monkeypatch.setattr(engine_cpu, "SERIAL", 0)
    monkeypatch.setattr(engine_cpu, "LONG", 0)
    many = np.random.default_rng(1).normal(size=(300, 8))
    K = RNTK()(many)
    (shares,) = [shares for shares in seen["shares"] if len(shares) > 2]
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)
    assert len(shares) > 10
    monkeypatch.undo()
    with watched(None):
        np.testing.assert_array_equal(K, RNTK()(many))


def test_threads_count_every_step():
    from concurrent.futures import ThreadPoolExecutor

    watch, shares = Watch(lambda watch: shares.append(watch.share)), []
    with watched(watch), loop(1000, "steps") as done:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: done(), range(1000)))
        assert watch.share == 1
    assert shares[:-1] == [step / 1000 for step in range(1001)]


def test_what_breaks_off_is_closed():
    """An exception inside, and a loop that is left before its end, also where it is collected later than one around it."""
    watch = Watch()
    with watched(watch):
        with pytest.raises(ZeroDivisionError), loop(2, "steps") as done:
            done()
            for _ in each(range(3), "more"):
                raise ZeroDivisionError
        assert watch.loops == []
        with loop(2, "steps"):
            left = each(range(3), "more")
            next(left)
        assert watch.loops == []
        left.close()
        assert watch.loops == [] and watch.share == 0
    assert rntk.waiting.watching.get() is None


def test_who_watches_no_more_hears_nothing():
    heard = []
    with pytest.raises(ValueError), watched(Watch(heard.append)):
        RNTK()(X[:, :0])
    count = len(heard)
    RNTKClassifier(grid=GRID).fit(X, Y)
    assert len(heard) == count


def test_nothing_is_shown_of_what_takes_less_than_two_seconds(capsys):
    with progress():
        RNTKClassifier(grid=GRID).fit(X, Y)
    RNTKClassifier(grid=GRID, verbose=1).fit(X, Y).predict(X)
    assert capsys.readouterr().err == ""


def test_a_bar_is_drawn_from_then_on_and_taken_away(capsys, monkeypatch):
    monkeypatch.setattr(rntk.waiting, "SOON", 0.05)
    with progress("mine"):
        for _ in each(range(4), "steps"):
            time.sleep(0.04)
    shown = [text.strip() for text in capsys.readouterr().err.split("\r")]
    assert [text.split("%")[0] for text in shown if text][:2] == ["mine, 2 of 4 steps:  50", "mine, 4 of 4 steps: 100"]
    assert shown[-1] == ""


@pytest.mark.parametrize(
    ("name", "work"),
    [
        ("RNTKClassifier, 1 of 6 kernels", lambda verbose: RNTKClassifier(grid=GRID, verbose=verbose).fit(X, Y).predict(X)),
        ("RNTKRegressor, 1 of 6 kernels", lambda verbose: RNTKRegressor(grid=GRID, verbose=verbose).fit(X, X[:, 0]).predict(X)),
        ("NystroemFeatures", lambda verbose: RNTKFeatures(n_landmarks=5, verbose=verbose).fit(X).transform(X)),
        ("NystroemFeatures, 1 of 4 blocks", lambda verbose: NystroemFeatures(RNTK(), 5, block=7, verbose=verbose).fit(X).transform(X)),
    ],
)  # fmt: skip
def test_verbose_shows_and_changes_nothing(name, work, soon, capsys):
    quiet = work(0)
    assert capsys.readouterr().err == ""
    np.testing.assert_array_equal(work(1), quiet)
    assert name in capsys.readouterr().err


def test_a_verbose_file_shows_the_blocks_that_were_missing(tmp_path, soon, capsys):
    quiet = np.array(gram_file(RNTK(), X, tmp_path / "quiet.npy", block=8))
    assert capsys.readouterr().err == ""
    np.testing.assert_array_equal(gram_file(RNTK(), X, tmp_path / "shown.npy", block=8, verbose=1), quiet)
    assert "gram_file, 1 of 6 blocks" in capsys.readouterr().err
    gram_file(RNTK(), X, tmp_path / "shown.npy", block=8, verbose=1)
    assert "1 of" not in capsys.readouterr().err


def test_without_tqdm_the_kernel_works_and_the_bar_says_what_to_install(tmp_path):
    code = (
        "import sys\nsys.modules['tqdm'] = None\n"
        "from rntk import RNTK, progress\nprint(RNTK()([[0.0, 1.0], [1.0, 0.0]]).shape)\n"
        "try:\n    with progress():\n        pass\nexcept ImportError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=120
    )
    assert done.stdout.splitlines() == ["(2, 2)", "tqdm is not installed: pip install 'rntk[sklearn]'"], done.stderr
