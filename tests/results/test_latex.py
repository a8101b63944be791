"""Tables in LaTeX: what is marked, what fits, and what a real LaTeX prints, read back from the PDF."""

import re
import shutil
import subprocess
from unicodedata import normalize

import numpy as np
import pandas as pd
import pytest

from results import store
from results.captions import describe_protocol
from results.latex import MATHEMATICS, escape, marks
from results.paper import DOCUMENT, INSTALL, typeset
from results.statistics import summary
from results.tables import latex_accuracies, latex_summary, write_tables
from tests.results.records import record

needs_latex = pytest.mark.skipif(
    not (shutil.which("pdflatex") and shutil.which("pdftotext")), reason=f"no pdflatex, or no pdftotext: {INSTALL}"
)


def printed(folder, body):
    """What a document with this body prints, line by line as it is laid out, and what LaTeX warned of."""
    tex = folder / "document.tex"
    tex.write_text(DOCUMENT.replace("<>", body))
    warnings = typeset(tex)
    command = ["pdftotext", "-layout", tex.with_suffix(".pdf"), "-"]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines(), warnings


def test_the_best_and_the_second_of_each_column():
    """Of equal numbers each; of `lowest` the smallest; by what is printed; none where nothing can be compared."""
    table = pd.DataFrame(
        {
            "high": ["1.00", "3.00 ± 9.00", "3.00 ± 1.00", "2.00"],
            "low": ["-1.00", "–", "10.00", "9.00"],
            "alone": ["–", "5.00", "–", "–"],
            "equal": ["7", "7", "7", "7"],
        }
    )
    found = marks(table, lowest=["low"]).fillna(0)
    assert found.high.tolist() == [3, 1, 1, 2]
    assert found.low.tolist() == [1, 0, 3, 2]
    assert found.alone.tolist() == [0, 0, 0, 0]
    assert found.equal.tolist() == [1, 1, 1, 1]


def test_a_summary_is_marked_by_column_and_its_rank_from_below(tmp_path):
    """a and b share the best of Beef, and a has that of Coffee: ranks 1.25 and 1.75; c has nothing to be proud of."""
    for dataset, accuracies in {"Beef": (0.9, 0.9, 0.5), "Coffee": (0.8, 0.7, 0.6)}.items():
        for method, accuracy in zip("abc", accuracies, strict=True):
            store.write(record(dataset, method, accuracy), tmp_path)
    write_tables(tmp_path)
    lines = (tmp_path / "tables" / "summary.tex").read_text().splitlines()
    both = r"\textbf{100.0}"
    assert [line for line in lines if line[:4] in ("a & ", "b & ", "c & ")] == [
        rf"a & 2 & \textbf{{85.00}} & $\pm$ 7.07 & {both} & {both} & {both} & \textbf{{1.25}} & \textbf{{2}} \\",
        r"b & 2 & \underline{80.00} & $\pm$ 14.14 & \underline{50.0} & \underline{50.0} & \underline{93.8} "
        r"& \underline{1.75} & \underline{1} \\",
        r"c & 2 & 55.00 & $\pm$ 7.07 & 0.0 & 0.0 & 65.3 & 3.00 & 0 \\",
    ]
    per_dataset = (tmp_path / "tables" / "per_dataset.tex").read_text()
    assert r"Method & Beef & Coffee \\" in per_dataset  # more methods than datasets
    assert r"b & \textbf{90.00} & \underline{70.00} \\" in per_dataset
    assert r"c & \underline{50.00} & 60.00 \\" in per_dataset


PROTOCOL = {"normalisation": "unit", "folds": 10, "C": [0.01, 100.0], "tie_break": "first", "seed": 0}
SAID = (
    "Each series is divided by its Euclidean norm; hyperparameters and C ∈ {0.01, 100} are chosen by 10-fold cross-validation on the "
    "training set; of settings with the same score the first in grid order is taken."
)


def test_a_caption_says_the_protocol_and_who_does_otherwise():
    network = {"normalisation": "zscore", "network": {"_target_": "A", "folds": 3}}
    runs = [{"seed": seed, "diverged": False, "test_accuracy": 0.5} for seed in (0, 1)]
    records = [
        record("Beef", "rbf", protocol=PROTOCOL),
        record("Beef", "rbf_pad", protocol=PROTOCOL, method_config={"lengths": "pad"}),
        record("Beef", "gru", protocol=PROTOCOL, method_config=network, runs=runs),
        record("Beef", "rnn", protocol=PROTOCOL, method_config=network, runs=runs),
        record("Wine", "rnn", None, protocol=PROTOCOL, method_config=network),  # which never came to its runs
    ]
    assert describe_protocol(records) == (
        f"{SAID} rbf_pad: series padded with zeros to the longest of the training set. "
        "gru, rnn: series standardised (z-score), 3 folds, mean over those of 2 runs that did not diverge."
    )
    other = PROTOCOL | {"normalisation": "none", "tie_break": "vote", "missing": "interpolate"}
    assert describe_protocol([*records[:1], record("Wine", "rbf", protocol=other)]) == (
        "Each series is taken as it is; missing values are interpolated; hyperparameters and C ∈ {0.01, 100} are chosen by 10-fold "
        f"cross-validation on the training set; of settings with the same score all vote. Others: {SAID}"
    )
    assert describe_protocol([record()]) == "The records do not say the protocol."
    newer = record(protocol=PROTOCOL | {"normalisation": "robust", "tie_break": "last"})
    assert describe_protocol([newer]).startswith("Each series is robust; ")


def test_captions_state_coverage_and_protocol(tmp_path):
    store.write(record("Beef", "rbf", 0.5, protocol=PROTOCOL), tmp_path)
    store.write(record("Wine", "rbf", None, protocol=PROTOCOL), tmp_path)
    write_tables(tmp_path)
    for name in ("summary", "per_dataset"):
        text = (tmp_path / "tables" / f"{name}.tex").read_text()
        about = f"1 of 2 datasets; 1 have a result of every method. Not there: Wine. {SAID}"
        assert rf"\caption{{{escape(about)} " in text
        assert r"C $\in$ \{0.01, 100\}" in text


def test_a_dataset_that_lacks_many_methods_counts_them(tmp_path):
    for method in "abcdefgh":
        store.write(record("Beef", method, 0.5 if method in "abcd" else None), tmp_path)
        store.write(record("Wine", method, 0.5 if method in "abcde" else None), tmp_path)
    write_tables(tmp_path)
    coverage = "2 of 2 datasets; 0 have a result of every method. Not there: Beef (4 methods); Wine (f, g, h)."
    assert (tmp_path / "tables" / "summary.md").read_text().endswith(f"{coverage}\n")


AWKWARD = [
    r"a_b\c{d}$e&f#g%h~i^j<k>l|m@n*o/p=q+r",
    "''two'' ,,commas,, a--b ---",
    "1 -2 (-3.5) 4-5 a-6",
    "two\nlines\tand\x00more",
    "naïve Œuvre Łódź",
    "α β Σ Ω ± × ≤ ∈",
    "中 ŉ \U0001f600",
]
READ = [
    r"a_b\c{d}$e&f#g%h~i^j<k>l|m@n*o/p=q+r",
    "''two'' ,,commas,, a--b ---",
    "1 −2 (−3.5) 4-5 a-6",
    "two lines and more",
    "naïve Œuvre Łódź",
    "α β Σ Ω ± × ≤ ∈",
    "[U+4E2D] [U+0149] [U+1F600]",
]


@needs_latex
def test_any_text_is_printed_as_it_is(tmp_path):
    """With every character that is let through, and those of mathematics: LaTeX knows them all."""
    known = "".join(chr(code) for code in (*range(0x20, 0x7F), *range(0xA0, 0x180))) + "".join(MATHEMATICS) + "⁴ₙ“”‘’…"
    body = "\n\n".join(rf"\noindent begin {escape(text)} end" for text in AWKWARD) + "\n\n" + escape(" ".join(known))
    lines, warnings = printed(tmp_path, body)
    assert warnings == []
    alike = str.maketrans("’˜ˆΩ∆µ", "'~^ΩΔμ")
    found = [normalize("NFC", line.translate(alike))[6:-4] for line in lines if re.match("begin .* end$", line)]
    assert found == READ


def accuracies(datasets, methods):
    """Random accuracies, some of them equal and some not there, with names that LaTeX would take amiss."""
    rng = np.random.default_rng(0)
    table = rng.integers(0, 21, (datasets, methods)) / 20
    table[rng.random(table.shape) < 0.1] = np.nan
    table[0, 0] = 1.0
    names = [f"Data&Set_{i}" for i in range(datasets)]
    return pd.DataFrame(table, pd.Index(names, name="dataset"), [f"a_50%_method_{i}" for i in range(methods)])


def numbers(values, digits=2):
    """As they are printed, in per cent."""
    return ["–" if np.isnan(value) else f"{100 * value:.{digits}f}" for value in values]


@needs_latex
@pytest.mark.parametrize(
    ("datasets", "methods", "upright", "size", "parts"),
    [
        (130, 3, False, "footnotesize", 1),
        (70, 12, True, "footnotesize", 1),
        (20, 16, True, "scriptsize", 1),
        (60, 40, True, "scriptsize", 3),
        (3, 12, False, "footnotesize", 1),
    ],
)
def test_a_real_latex_prints_all_numbers_and_nothing_sticks_out(tmp_path, datasets, methods, upright, size, parts):
    """However many methods there are; over pages and parts the heading comes again."""
    accuracy = accuracies(datasets, methods)
    tables = latex_summary(accuracy, "About.", "tab:a"), latex_accuracies(accuracy, "About.", "tab:b")
    lines, warnings = printed(tmp_path, "".join(tables))
    assert warnings == []
    cells = [line.split() for line in lines]
    for row in summary(accuracy).itertuples():
        spread = [] if np.isnan(row.accuracy_std) else ["±", *numbers([row.accuracy_std])]
        shares = numbers([row.p90, row.p95, row.pma], 1)
        mean = numbers([row.accuracy_mean])
        assert [
            row.method,
            str(row.datasets),
            *mean,
            *spread,
            *shares,
            f"{row.friedman_rank:.2f}",
            str(row.wins),
        ] in cells
    assert (rf"\{size}" in tables[1], r"\rotatebox" in tables[1]) == (True, upright)
    assert tables[1].count(r"\begin{longtable}") == parts
    shown = accuracy.T if methods > datasets else accuracy
    for part in np.array_split(range(shown.shape[1]), parts):
        for name, row in shown.iloc[:, part].iterrows():
            assert [name, *numbers(row)] in cells
    pages = 1 + sum(line.startswith("\f") for line in lines)
    headings = sum(row[:1] in (["Dataset"], ["\fDataset"]) for row in cells)
    assert headings >= pages - 1 if datasets > 60 else True


@needs_latex
def test_what_is_printed_is_what_the_csv_holds(tmp_path):
    """Of the files that a study gets."""
    for (dataset, method), accuracy in accuracies(6, 4).stack(future_stack=True).items():
        store.write(record(dataset, method, None if np.isnan(accuracy) else accuracy), tmp_path)
    write_tables(tmp_path)
    tables = tmp_path / "tables"
    lines, _ = printed(tmp_path, (tables / "summary.tex").read_text() + (tables / "per_dataset.tex").read_text())
    cells = [line.split() for line in lines]
    for name, row in pd.read_csv(tables / "per_dataset.csv", index_col="dataset").iterrows():
        assert [name, *numbers(row)] in cells
    for row in pd.read_csv(tables / "summary.csv").itertuples():
        assert [row.method, str(row.datasets), *numbers([row.accuracy_mean])] in [row[:3] for row in cells]
