"""The paper: what stands in it and where, what cannot be made, and the PDF against the records."""

import shutil
import subprocess
from collections import Counter

import pytest

from results import store
from results.paper import DOCS, DOCUMENT, EXHIBITS, Place, prose, typeset, words_on, write_paper
from results.statistics import summary
from results.tables import study_accuracies
from tests.results.records import record
from tests.results.test_latex import needs_latex, numbers

REFERENCE = DOCS.parent / "results" / "reference"
STUDIES = ("ucr56", "family", "context", "networks_small", "ucr_unequal")


def test_the_words_of_a_page_become_a_caption():
    page = "# All\n\nOf **all**.\n\n## `one`: the first\n\nOf `a_b` and σ_w,\n*n^2* times.\n\n```sh\nmake one\n```\n\n"
    page += "![alt](figures/one.png)\n"
    assert prose(words_on("one", page + "\n(means over 9 repeats)\n\n(not this)")) == (
        r"Of \texttt{a\_b} and $\sigma$\textsubscript{w}, \emph{n\textsuperscript{2}} times. (means over 9 repeats)"
    )
    assert words_on("one", page + "\nWhat came out.\n") == "Of `a_b` and σ_w,\n*n^2* times."
    with pytest.raises(ValueError, match=r"shows no figures/two\.png"):
        words_on("two", page)


@pytest.mark.parametrize(
    ("outputs", "page"), [("theory/dynamics/dynamics", "theory.md"), ("synthetic/prediction", "synthetic.md")]
)
def test_a_figure_is_of_vectors_only_where_it_is_the_one_that_is_documented(tmp_path, outputs, page):
    """Of another run the caption would be wrong."""
    made = tmp_path / "outputs" / outputs
    made.parent.mkdir(parents=True)
    place, shown = Place(tmp_path, tmp_path / "outputs", tmp_path / "paper"), DOCS / "figures" / f"{made.name}.png"
    (maker,) = (make for _, _, make in EXHIBITS if make.args == (outputs, page))

    def taken(ending):
        return f"{made.name}.{ending}" in maker(place, "Title") and (
            tmp_path / "paper" / "figures" / f"{made.name}.{ending}"
        )

    assert taken("png").read_bytes() == shown.read_bytes()
    made.with_suffix(".pdf").write_bytes(b"vectors")
    made.with_suffix(".png").write_bytes(b"of fewer seeds")
    assert taken("png").read_bytes() == shown.read_bytes()
    shutil.copy(shown, made.parent)
    assert taken("pdf").read_bytes() == b"vectors"


def test_what_cannot_be_made_is_named_and_the_rest_is_there(tmp_path):
    """A study that ended early, one with a damaged record, and two that are not there."""
    for dataset in ("Beef", "Wine"):
        for method in ("rntk", "rbf"):
            store.write(record(dataset, method, 0.5), tmp_path / "ucr56")
    store.write(record(), tmp_path / "family")
    next((tmp_path / "family" / "records").glob("*.json")).write_text("{")
    tex, absent = write_paper(Place(tmp_path, tmp_path / "nothing", tmp_path / "paper"))
    studies = Counter(make.args[0] for _, _, make in EXHIBITS)
    assert sum("family holds no records" in reason for reason in absent) == studies["family"]
    assert sum("networks_small holds no records" in reason for reason in absent) == studies["networks_small"]
    reasons = dict(reason.split(": ", 1) for reason in absent if str(tmp_path / "ucr56") in reason)
    assert set(reasons) == {
        "The RNTK against the other kernels",
        "The RNTK's variances",
        "The RNTK's variances on each dataset",
        "What the first of the tied is worth",
    }
    assert "has no method 'ntk': it has rbf, rntk" in reasons["The RNTK against the other kernels"]
    assert "has no figure 'grid_rntk'" in reasons["The RNTK's variances"]
    assert "`python -m runners.ties` makes it" in reasons["What the first of the tied is worth"]
    text = tex.read_text()
    assert text.count(r"\paragraph{") == len(absent)
    assert text.count(r"\begin{figure}") + text.count(r"\begin{table}") + text.count(r"\begingroup") == len(
        EXHIBITS
    ) - len(absent)
    assert r"\caption{The kernels of the paper. 2 of 2 datasets." in text


@needs_latex
def test_a_mistake_and_a_line_that_sticks_out_are_told(tmp_path):
    def document(body):
        (tmp_path / "a.tex").write_text(rf"\documentclass{{article}}\begin{{document}}{body}\end{{document}}")
        return tmp_path / "a.tex"

    assert typeset(document(r"\section{A}\label{a} See \ref{a}.")) == []
    (warning,) = typeset(document(r"\noindent\rule{500pt}{1pt}"))
    assert warning.startswith(r"Overfull \hbox (155.0pt too wide)")
    pdf = (tmp_path / "a.pdf").read_bytes()
    with pytest.raises(ValueError, match=r"a\.tex: pdflatex stopped\. ! Undefined control sequence"):
        typeset(document(r"\nonsense"))
    assert (tmp_path / "a.pdf").read_bytes() == pdf
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdf", "a.tex"]


@needs_latex
def test_the_same_document_has_the_same_bytes_anywhere(tmp_path):
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        (folder / "paper.tex").write_text(DOCUMENT.replace("<>", r"\today"))
        assert typeset(folder / "paper.tex") == []
    assert (tmp_path / "a" / "paper.pdf").read_bytes() == (tmp_path / "b" / "paper.pdf").read_bytes()


def test_without_latex_the_text_is_written_and_the_way_to_a_pdf_told(command, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("results.paper.EXHIBITS", ())
    assert command("results.paper", "--studies", tmp_path, "--experiments", tmp_path, "--to", tmp_path / "paper") == 2
    printed = capsys.readouterr()
    assert f"error: {tmp_path / 'paper' / 'paper.tex'} is written, and pdflatex" in printed.err
    assert "apt install texlive-latex-recommended" in printed.err
    assert (tmp_path / "paper" / "paper.tex").exists() and not (tmp_path / "paper" / "paper.pdf").exists()


@needs_latex
@pytest.mark.slow
def test_the_paper_holds_the_reference_studies(tmp_path):
    """All of it, in order, with every number of the records; nothing sticks out, and it is the same byte for byte."""
    pdfs = []
    for name in ("a", "b"):
        tex, absent = write_paper(Place(REFERENCE, tmp_path / "nothing", tmp_path / name))
        assert absent == []
        assert typeset(tex) == []
        pdfs.append(tex.with_suffix(".pdf").read_bytes())
    assert pdfs[0] == pdfs[1]
    text = subprocess.run(
        ["pdftotext", "-layout", tex.with_suffix(".pdf"), "-"], capture_output=True, check=True, text=True
    ).stdout
    cells = [line.split() for line in text.splitlines()]
    sections = list(dict.fromkeys(section for section, _, _ in EXHIBITS))
    assert [title for line in cells if (title := " ".join(line[1:])) in sections] == sections
    for study in STUDIES:
        accuracy = study_accuracies(REFERENCE / study)
        for row in summary(accuracy).itertuples():
            shares = numbers([row.p90, row.p95, row.pma], 1)
            assert [str(row.datasets), *numbers([row.accuracy_mean])] in [
                found[1:3] for found in cells if found[:1] == [row.method]
            ]
            assert [*shares, *([f"{row.friedman_rank:.2f}"] if row.datasets else ["–"]), str(row.wins)] in [
                found[-5:] for found in cells
            ]
        for name, row in (accuracy.T if accuracy.shape[1] > len(accuracy) else accuracy).iterrows():
            assert [name, *numbers(row)] in cells
