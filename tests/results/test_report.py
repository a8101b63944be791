"""The report from its own side: what is written into the page, what is said, and what becomes of bad input."""

import base64
import json
import re

import numpy as np
import pandas as pd
import pytest

from results import store
from results.figures import encoded
from results.figures.study import drawings
from results.report import data
from results.report.drawings import inline
from results.report.findings import findings, leads_of, measure
from results.report.page import write_report
from results.report.references import entries, references
from results.report.words import chosen
from results.tables import study_accuracies, write_tables
from tests.results.records import older
from tests.results.studies import KINDS, SHARES, series, task, write_study


def read(path):
    """The page, and the numbers in it."""
    page = path.read_text("utf-8")
    return page, json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])


def text_of(page):
    """What a reader sees of a page without its scripts."""
    return " ".join(re.sub(r"<(script|style|svg).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL).split())


def undo(text, width):
    """The numbers of `data.digits`."""
    places = [data.ALPHABET.index(letter) for letter in text]
    return [
        sum(d * 64 ** (width - 1 - j) for j, d in enumerate(places[i : i + width]))
        for i in range(0, len(places), width)
    ]


@pytest.fixture(autouse=True)
def few_figures(request, monkeypatch):
    """Where figures are not asked about, none is drawn: a page is made in tenths of a second."""
    if "drawn" not in request.fixturenames:
        monkeypatch.setattr("results.report.page.drawings", lambda *arguments: [])


@pytest.fixture
def drawn():
    """Asks for the figures."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A study with its report, figures and all."""
    study = write_study(tmp_path_factory.mktemp("whole") / "small")
    write_report(study, kinds=KINDS, series=series)
    return study


# ---- Numbers


def test_two_digits_are_twelve_bits_in_base_64():
    numbers = np.random.default_rng(0).integers(0, 4096, 40)
    bits = "".join(f"{number:012b}" for number in numbers)
    oracle = base64.b64encode(int(bits, 2).to_bytes(60, "big")).decode()
    assert data.digits(numbers, 2) == oracle


@pytest.mark.parametrize(("most", "width"), [(0, 1), (63, 1), (64, 2), (4095, 2), (4096, 3)])
def test_a_number_has_the_digits_that_it_needs(most, width):
    assert data.width(most) == width
    assert undo(data.digits([most], width), width) == [most]


def test_a_grid_is_its_axes_and_a_number_a_score():
    rows = [
        {"a": a, "b": b, "C=1": one, "C=10": ten, "note": ""}
        for (a, b), (one, ten) in zip(
            [("0", "x"), ("0", "y"), ("1", "x"), ("1", "y")],
            [("7", "<=9"), ("-1", "0"), ("40", "<=40"), ("1", "2")],
            strict=True,
        )
    ]
    axes, scores = data.grid(rows)
    assert axes == [["a", ["0", "1"]], ["b", ["x", "y"]], ["C", ["1", "10"]]]
    assert undo(scores["scores"], scores["width"]) == [15, 20, 0, 1, 81, 82, 3, 5]
    with pytest.raises(ValueError, match="no product"):
        data.grid(rows[:3])
    assert data.grid([{"learning_rate": "0.1", "correct": "3", "epochs": "8", "note": ""}])[0] == [
        ["learning_rate", ["0.1"]]
    ]


def test_series_are_scaled_to_the_smallest_and_largest_value_of_the_dataset():
    """The first ten of a class, and its mean; of the test series those asked for. A label is a text, 10 after 9."""
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(24, 5)), np.array([9, 10] * 12)
    found = data.series_shown(data.Series(X, y, X[:3] + 10, y[:3]), {2})
    assert [one["label"] for one in found["classes"]] == ["9", "10"]
    assert [(one["n"], len(one["series"])) for one in found["classes"]] == [(12, 10), (12, 10)]
    low, high = X.min(), X[:3].max() + 10
    assert (found["channels"], found["scales"]) == (1, [[low, high]])

    def values(text):
        return low + np.array(undo(text, 2)) * (high - low) / 4095

    half_a_level = (high - low) / 4095 / 2 + 1e-12
    for text, expected in [
        (found["classes"][1]["series"][1], X[3]),
        (found["classes"][1]["mean"], X[1::2].mean(axis=0)),
        (found["test"][2], X[2] + 10),
    ]:
        assert np.abs(values(text) - expected).max() <= half_a_level
    assert list(found["test"]) == [2]


def test_of_several_channels_the_first_six_are_scaled_each_by_itself():
    """Channel c has values around 10c, and the third is constant; of equal lengths with a mean, of unequal ones without."""
    X = np.random.default_rng(0).normal(size=(4, 5, 8)) + 10 * np.arange(8)
    X[:, :, 2] = 7
    y = np.array(["a", "a", "b", "b"])
    low, high = X.min(axis=(0, 1)), X.max(axis=(0, 1))
    half_a_level = ((high - low) / 4095 / 2 + 1e-12)[:6, None]
    for given in (X, [X[0], *X[1:, :4]]):
        found = data.series_shown(data.Series(given, y, X, y), {1})
        assert (found["channels"], np.array(found["scales"]).T.tolist()) == (8, [low[:6].tolist(), high[:6].tolist()])
        first, second = found["classes"]
        for text, expected in [
            (first["series"][0], given[0]),
            (second["series"][1], given[3]),
            (found["test"][1], X[1]),
            *([(second["mean"], X[2:].mean(axis=0))] if given is X else []),
        ]:
            shown = low[:6, None] + np.reshape(undo(text, 2), (6, -1)) * ((high - low)[:6, None] / 4095)
            assert (np.abs(shown - expected[:, :6].T) <= half_a_level).all()
        assert (first["mean"] is None) == (given is not X)


def test_a_dataset_of_several_channels_or_lengths_says_so_at_its_head(tmp_path):
    """The length of what one method was padded to is not the dataset's."""
    own = {"source": "/data/Coffee", "channels": 12}
    tasks = [task("Coffee", "rntk", 20, own=own, length=None), task("Coffee", "rbf", 18, own=own, length=29)]
    tasks.append(task("GunPoint", "rbf", 18))
    for record in tasks:
        store.write(record, tmp_path)
    keys = [record.key for record in tasks]
    store.write_plan(tmp_path, "small", ["Coffee", "GunPoint"], ["rntk", "rbf"], keys)
    page, _ = read(write_report(tmp_path))
    assert "10 training and 20 test series · unequal lengths · 12 channels · best: rntk" in text_of(page)
    assert "10 training and 20 test series · 30 steps · best: rbf" in text_of(page)
    row = page[page.index('data-value="Coffee"') :]
    assert re.findall(r'data-value="(.*?)"', row)[1:4] == ["10", "20", ""]


def test_series_of_different_lengths_have_no_mean():
    X = [np.arange(3.0), np.arange(5.0)]
    found = data.series_shown(data.Series(X, np.array(["1", "1"]), X, np.array(["1", "1"])), {0})
    assert found["classes"][0]["mean"] is None
    assert [len(text) // 2 for text in found["classes"][0]["series"]] == [3, 5]


def test_constant_series_are_drawn_too():
    X = np.ones((2, 4))
    found = data.series_shown(data.Series(X, np.array(["1", "2"]), X, np.array(["1", "2"])), set())
    assert undo(found["classes"][0]["series"][0], 2) == [0] * 4


# ---- Sentences


def said(accuracy, kinds=None):
    return findings(accuracy, measure(accuracy), kinds or {})


def test_what_is_ahead_by_how_much_and_how_sure():
    """Twenty datasets on which a leads b by two points and more, and c by less than nothing to tell."""
    rng = np.random.default_rng(0)
    a = rng.uniform(0.6, 0.9, 20)
    noise = np.where(np.arange(20) % 2, 0.001, -0.0009) * np.arange(1, 21)
    accuracy = pd.DataFrame(
        {"c": a - noise, "b": a - 0.0202 - 0.001 * np.arange(20), "a": a}, [f"D{i:02}" for i in range(20)]
    )
    sentences = said(accuracy, {name: "odd" if int(name[1:]) % 2 else "even" for name in accuracy.index})
    assert sentences[0].startswith(
        f"a has the highest mean accuracy of 3 methods on 20 datasets, {100 * a.mean():.2f} %"
    )
    assert sentences[1].startswith("It is significantly ahead of b (+3.0, +2.7 to +3.2)")
    assert "corrected by Holm for all 3 pairs of methods" in sentences[1]
    assert sentences[2].startswith("It cannot be told from c (+0.1, ")
    assert sentences[3].startswith(
        "Against c, a Bayesian signed-rank test gives 0 % to a lead of a of more than 1 point, 100 % to no"
    )
    assert sentences[4].startswith("That all 3 methods are equal is refuted (Friedman's χ² = ")
    assert sentences[5] == (
        "By kind of data (and number of datasets), the highest mean accuracy is that of c on even (10); of a on odd (10)."
    )


def test_a_lead_is_sure_only_after_the_correction():
    """Six datasets in one order: every p is 2 / 2⁶ = 0.031, corrected for three pairs 0.094."""
    accuracy = pd.DataFrame({"a": np.linspace(0.8, 0.9, 6)})
    for i, name in enumerate("bc", 1):
        accuracy[name] = accuracy.a - 0.1 * i - 0.001 * np.arange(6)
    assert said(accuracy)[1].startswith(
        "It cannot be told from b (+10.2, +10.1 to +10.4) and c (+20.2, +20.1 to +20.4), by Wilcoxon"
    )


@pytest.mark.parametrize(
    ("accuracy", "sentence"),
    [
        ({}, "No task of this study has a result."),
        ({"a": [np.nan, np.nan], "b": [np.nan, np.nan]}, "No task of this study has a result."),
        (
            {"a": [0.5, 0.7], "b": [np.nan, np.nan]},
            "Only a has results: 60.00 % in the mean over 2 datasets. There is nothing to compare it with.",
        ),
        ({"a": [0.5, 0.7], "b": [0.5, 0.7]}, "All 2 methods have the same accuracy on every dataset: none is ahead."),
        ({"a": [0.5, np.nan], "b": [np.nan, 0.7]}, "No dataset has a result of every method."),
        (
            {"a": [0.5, np.nan], "b": [0.25, np.nan]},
            "a has the highest accuracy of 2 methods on D0, the only dataset with a result of every method, 50.00 %. "
            "From one dataset nothing can be said of others.",
        ),
        (
            {"a": [0.5, 0.75], "b": [0.75, 0.5]},
            "a and b have the highest mean accuracy of 2 methods on 2 datasets, 62.50 %, and the best average rank, 1.50.",
        ),
        (
            {"a": [0.5, 0.5, 0.5], "b": [0.5, 0.4, 0.9]},
            "b has the highest mean accuracy of 2 methods on 3 datasets, 60.00 %; the best average rank, 1.50, is that of b and a; "
            "best on most datasets, 2, is b and a.",
        ),
    ],
)  # fmt: skip
def test_what_can_be_said_of_little(accuracy, sentence):
    rows = max(map(len, accuracy.values()), default=0)
    assert said(pd.DataFrame(accuracy, [f"D{i}" for i in range(rows)], dtype=float))[0] == sentence


def test_a_method_with_few_results_is_left_out_and_named():
    accuracy = pd.DataFrame({"a": np.linspace(0.5, 0.9, 9), "b": np.linspace(0.4, 0.9, 9), "c": [1.0] + [np.nan] * 8})
    sentences = said(accuracy)
    assert sentences[0].startswith("a has the highest mean accuracy of 2 methods on 9 datasets")
    assert any("Left out" in sentence and "c (1)" in sentence for sentence in sentences)


def test_a_pair_is_seen_from_either_side():
    pairs = measure(pd.DataFrame({"a": [0.5, 0.6, 0.9], "b": [0.4, 0.7, 0.5]}))
    (of_a,), (of_b,) = leads_of("a", pairs).to_dict("records"), leads_of("b", pairs).to_dict("records")
    assert (of_b["method"], of_b["other"], of_b["wins"], of_b["losses"]) == ("b", "a", 1, 2)
    assert (of_b["lead"], of_b["low"], of_b["high"]) == (-of_a["lead"], -of_a["high"], -of_a["low"])
    assert (of_b["ahead"], of_b["behind"]) == (of_a["behind"], of_a["ahead"])


def test_of_hyperparameters_those_are_named_that_were_searched_over():
    record = task("Beef", "rntk", 3)
    assert chosen(record) == {"sigma_w": 1.4142135623730951, "sigma_b": 0.5, "C": 10.0}
    record.method_config = {"name": "rntk", "kernel": {"_target_": "rntk.RNTK", "sigma_w": 1.5}}
    assert chosen(record) == {"sigma_w": 1.4142135623730951, "C": 10.0}


# ---- The page


@pytest.fixture
def study(tmp_path):
    return write_study(tmp_path / "small")


def test_the_same_records_give_the_same_bytes_and_the_page_asks_nothing_of_a_network(whole, drawn, tmp_path):
    first = (whole / "report" / "index.html").read_bytes()
    again = write_report(whole, tmp_path, kinds=KINDS, series=series).read_bytes()
    assert first == again
    page = first.decode()
    assert not re.search(r"""(src|href)=["'](?!#|data:)""", page)
    assert "@import" not in page
    assert "fetch(" not in page


def test_the_page_holds_the_records_numbers(study):
    page, held = read(write_report(study, kinds=KINDS, series=series))
    write_tables(study)
    summary = pd.read_csv(study / "tables" / "summary.csv")
    best = summary.method[0]
    assert best == "rbf"
    assert (
        f"{best} has the highest mean accuracy of 3 methods on 4 datasets, {100 * summary.accuracy_mean[0]:.2f} %"
        in text_of(page)
    )
    for dataset, shares in SHARES.items():
        drawn = held["datasets"][dataset]
        truth = undo(drawn["truth"], drawn["width"])
        for method, right in shares.items():
            (run,) = (undo(text, drawn["width"]) for text in drawn["runs"][method])
            assert sum(a == b for a, b in zip(truth, run, strict=True)) == right
            assert drawn["tasks"][method]["test"] == right / 20
        assert ("series" in drawn) == (dataset != "Wine")
    assert len(held["axes"]) == 2  # of rntk and rbf, once for all datasets
    assert "12 of 12 tasks have a result" in text_of(page)
    assert "Nothing: every task of the study has a result." in text_of(page)


def test_what_others_have_published_is_beside_it(study):
    """The archive's 1-NN errs on one in three of Beef, and never on Coffee; this study's is another on all four."""
    page, _ = read(write_report(study, kinds=KINDS))
    rows = dict(re.findall(r'<th scope="row" data-value="(.*?)">.*?</th>(.*?)</tr>', page, re.DOTALL))
    heads = re.findall(r'<button type="button" data-name="(.*?)">', page)
    place = heads.index("published 1nn_ed (archive)")
    for name, value in (("Beef", "0.6667"), ("Coffee", "1.0")):
        assert re.findall(r'data-value="(.*?)"', rows[name])[place - 1] == value
        assert len(re.findall("<td", rows[name])) == len(heads) - 1
    assert "Published and ours" in text_of(page)
    assert re.search(r"1nn_ed 4 0 [+-]", text_of(page))
    assert text_of(page).count("Dau et al., The UCR Time Series Archive, 2018: the default errors") == 1


def test_what_is_missing_failed_or_not_a_record_is_named_and_the_rest_shown(study):
    failed = task("Coffee", "rbf", 0, reason="the <kernel> broke", traceback="Traceback: & so on", cv_accuracy=None)
    failed.status, failed.test_accuracy = "failed", None
    store.write(failed, study)
    (study / "records" / f"{task('Wine', 'rntk', 3).name}.json").unlink()
    (study / "records" / "Wine__old__0123456789.json").write_text('{"dataset": "Wine", "accuracy": 0.5}')
    broken, changed = task("Beef", "rbf", 12), task("Coffee", "1nn_ed", 18)
    (study / "records" / f"{broken.name}.grid.csv").write_text("gamma,C=1\n1,many\n")
    older(study / "records" / f"{broken.name}.json")
    (study / "records" / f"{changed.name}.predictions.csv").write_text("case,label\n0,1\n")
    page, held = read(write_report(study, kinds=KINDS, series=series))
    text = text_of(page)
    assert "9 of 12 tasks have a result" in text
    assert "the &lt;kernel&gt; broke" in text
    assert "Traceback: &amp; so on" in text
    assert re.search(r"Wine rntk no record it was not run yet", text)
    assert "Wine__old__0123456789.json is damaged: it is no record" in text
    assert f"{changed.name}.json is damaged: its predictions table is not the one that was written" in text
    assert f"{broken.name}: its grid table cannot be read" in text
    assert set(held["datasets"]) == set(SHARES)
    assert set(held["datasets"]["Beef"]["tasks"]) == {"rntk", "rbf", "1nn_ed"}


def test_a_record_of_an_older_schema_is_shown_with_dashes(study):
    """Of a time when a record had neither timings, environment nor Gram."""
    path = study / "records" / f"{task('Beef', 'rntk', 9).name}.json"
    fields = ("timings", "environment", "gram", "n_settings", "n_train", "length", "method_config", "protocol")
    older(path, *fields, of_another_time=1)
    page, held = read(write_report(study, kinds=KINDS, series=series))
    assert held["datasets"]["Beef"]["tasks"]["rntk"]["test"] == 0.45
    assert "12 of 12 tasks have a result" in text_of(page)


def test_no_text_of_the_records_becomes_a_part_of_the_page(study):
    record = task("Beef", "rbf", 12)
    for row in record.predictions:
        row["predicted"] = row["predicted"] if row["predicted"] == row["label"] else "</script><b>"
    store.write(record, study)
    page, held = read(write_report(study, series=lambda name: "</script><i>"))
    assert "</script><" not in page
    assert held["datasets"]["Beef"]["classes"] == ["1", "2", "</script><b>"]
    assert held["datasets"]["Beef"]["absent"] == "</script><i>"


def test_records_of_different_test_cases_are_not_put_together(study):
    other = task("Beef", "rbf", 12)
    for row in other.predictions:
        row["label"] = row["predicted"] = "3"
    other.test_accuracy = 1.0
    store.write(other, study)
    page, _ = read(write_report(study, series=series))
    assert f"{other.name}: its predictions cannot be read" in page


@pytest.mark.parametrize("plan", [True, False])
def test_an_empty_study_has_a_page_that_says_so(tmp_path, plan):
    if plan:
        store.write_plan(tmp_path, "small", ["Beef", "Wine"], ["rntk", "rbf"], ["0" * 64])
    page, _ = read(write_report(tmp_path))
    text = text_of(page)
    assert "No task of this study has a result." in text
    assert ("0 of 4 tasks have a result" if plan else "This study has no dataset.") in text
    assert ("Beef rntk, rbf no record" in text) == plan


def test_a_study_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="there is no such study: run it first"):
        write_report(tmp_path / "none")


@pytest.mark.parametrize(
    ("datasets", "methods", "sentence"),
    [
        (["Beef"], ["rntk", "rbf"], "rbf has the highest accuracy of 2 methods on Beef, the only dataset"),
        (["Beef", "Wine"], ["rbf"], "Only rbf has results"),
        (["Beef", "Wine"], ["rbf", "1nn_ed"], "All 2 methods have the same accuracy on every dataset: none is ahead."),
    ],
)
def test_small_and_equal_studies_have_a_page(tmp_path, datasets, methods, sentence):
    page, held = read(write_report(write_study(tmp_path / "s", datasets, methods), kinds=KINDS))
    assert sentence in text_of(page)
    assert ("Two methods" in text_of(page)) == (len(methods) > 1)
    assert "NaN" not in json.dumps(held)


def test_a_method_with_one_dataset_only_leaves_the_others_statistics(tmp_path):
    folder = write_study(tmp_path / "s")
    for dataset in ("Beef", "Coffee", "GunPoint"):
        (folder / "records" / f"{task(dataset, 'rntk', 1).name}.json").unlink()
    page, _ = read(write_report(folder, kinds=KINDS))
    assert "rbf has the highest mean accuracy of 2 methods on 4 datasets" in text_of(page)
    assert "Left out of these sentences, for they have results on few datasets: rntk (1)" in text_of(page)


# ---- Figures


def figures_of(page):
    """What the page says of every figure: by name the SVG, and both files."""
    found = {}
    for name, content in re.findall(r'<figure class="drawn" id="figure-(.*?)"(.*?)</figure>', page, re.DOTALL):
        files = dict(re.findall(rf'download="small_{name}\.(pdf|svg)" href="data:[^,]*;base64,([^"]*)"', content))
        found[name] = (content, {ending: base64.b64decode(file) for ending, file in files.items()})
    return found


@pytest.mark.slow
def test_every_figure_of_the_study_is_in_the_page_as_pdf_and_svg(whole):
    """Those that the script draws for any two methods are there as files."""
    page, held = read(whole / "report" / "index.html")
    found = figures_of(page)
    records, grid = store.study_records(whole), lambda record: store.read_table(record, whole, "grid")
    asked = {drawing.name: drawing for drawing in drawings(study_accuracies(whole), records, grid, KINDS)}
    assert [*held["figures"]] == ["differences_rbf_rntk"]
    assert {*found, *held["figures"], "choices"} == set(asked)
    assert "What was chosen is not drawn: no method with a result chooses between" in text_of(page)
    for name, (content, files) in found.items():
        made = asked[name].draw()
        assert (files["pdf"], files["svg"]) == (encoded(made, "pdf"), encoded(made, "svg"))
        assert asked[name].title.replace("'", "&#39;") in content
        assert "var(--" in content and b"var(--" not in files["svg"]
    (files,) = held["figures"].values()
    assert base64.b64decode(files["pdf"]) == encoded(asked["differences_rbf_rntk"].draw(), "pdf")


def test_no_id_stands_twice_and_every_reference_leads_somewhere(whole):
    page = (whole / "report" / "index.html").read_text()
    ids = re.findall(r'<[^<>]* id="([^"]*)"', page)
    assert len(ids) == len(set(ids)) > 100
    assert set(re.findall(r'<use [^>]*href="#([^"]*)"', page)) <= set(ids)
    assert set(re.findall(r"url\(#([^)]*)\)", page)) <= set(ids)


def test_a_figure_takes_the_page_s_colours_and_text_on_something_coloured_keeps_its_own():
    svg = (
        '<?xml version="1.0"?><svg width="9pt" id="a"><path style="fill: #ffffff; stroke: #0072b2"/><g data-datasets="Beef"/>'
        '<text style="fill: #ffffff">1</text><path style="fill: #123456"/><use xlink:href="#a"/></svg>'
    )
    assert inline(svg, "n", "A & B") == (
        '<svg role="img" aria-label="A &amp; B" width="9pt" id="n-a"><path style="fill: var(--paper); stroke: var(--c0)"/>'
        '<g data-datasets="Beef"/><text style="fill: #ffffff">1</text><path style="fill: #123456"/><use href="#n-a"/></svg>'
    )


@pytest.mark.parametrize("plan", [True, False])
def test_a_page_of_nothing_says_of_every_figure_why_it_is_not_there(tmp_path, drawn, plan):
    if plan:
        store.write_plan(tmp_path, "small", ["Beef", "Wine"], ["rntk", "rbf"], ["0" * 64])
    page, held = read(write_report(tmp_path))
    assert not figures_of(page) and not held["figures"]


def test_little_is_drawn_of_little(tmp_path, drawn):
    """Of one method on one dataset its cost, its validation and its grid."""
    page, _ = read(write_report(write_study(tmp_path / "small", ["Beef"], ["rntk"])))
    assert set(figures_of(page)) == {"validation", "cost", "grid_rntk", "grid_rntk_datasets"}
    for reason in (
        "Average ranks: Nemenyi&#39;s test is not drawn: two methods with a dataset in common are needed: there are rntk.",
        "Accuracy relative to the best is not drawn: two methods with results are needed",
    ):
        assert reason in text_of(page)


# ---- References


def test_the_bibliography_has_what_the_records_used(study):
    records = store.study_records(study)
    text = references(records)
    keys = re.findall(r"@\w+\{(\w+),", text)
    assert {"alemohammad2021recurrent", "dau2019ucr", "chang2011libsvm", "harris2020array"} <= set(keys)
    assert not {"jacot2018neural", "cho2014learning", "bradbury2018jax"} & set(keys)
    records[0].method_config = {"name": "ntk", "kernel": {"_target_": "baselines.NTK"}}
    assert "jacot2018neural" in references(records)


def test_every_entry_of_the_bibliography_is_whole():
    found = list(entries())
    keys = [re.match(r"@\w+\{(\w+),\n", entry)[1] for _, entry in found]
    assert len(keys) == len(set(keys)) > 20
    for _, entry in found:
        assert entry.count("{") == entry.count("}")
        assert "author" in entry
        assert "title" in entry
