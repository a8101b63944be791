r"""All tables and figures of the reference studies in one PDF, in the order of the paper's sections: `python -m results.paper`.

`paper.tex` and its figures are LaTeX of its own; where pdflatex is installed, `paper.pdf` is made of it, the same bytes from the same
records. An exhibit is a line in EXHIBITS: what cannot be made is named in its place.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pandas as pd

from results.comparison import options, readable
from results.figures import save
from results.figures.study import Drawing, drawings, kinds_in
from results.integrity import telling
from results.latex import escape, latex
from results.overview import overview
from results.significance import ROPE, comparisons
from results.store import read_table, study_records
from results.tables import describe, latex_accuracies, latex_summary, study_accuracies
from results.ties import TIES, read_ties
from results.ties import readable as readable_ties
from results.ties import summary as summary_of_ties
from results.writing import write_bytes, write_text

DOCS = Path(__file__).parents[1] / "docs"
KINDS = DOCS.parent / "datasets" / "archive.csv"
INSTALL = (
    "install pdfTeX with the packages that LaTeX recommends (Debian: apt install texlive-latex-recommended "
    "texlive-fonts-recommended; macOS: MacTeX; Windows: MiKTeX), and run this again"
)
DOCUMENT = r"""\documentclass[a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage{mathptmx} % Times: its bold digits are as wide as the others, so that columns stay in line
\usepackage[textwidth=6.8in,textheight=10in]{geometry}
\usepackage{booktabs,longtable,graphicx,float}
\usepackage[font=small,labelfont=bf]{caption}
\usepackage[hidelinks]{hyperref}
\floatplacement{figure}{H}
\floatplacement{table}{H}
\setlength{\emergencystretch}{3em}
\hfuzz=2pt
\pdfinfoomitdate=1 \pdftrailerid{} \pdfsuppressptexinfo=-1 % the same bytes every time
\title{The recurrent neural tangent kernel: tables and figures}
\author{}
\date{}
\begin{document}
\maketitle
\noindent What the records of the reference studies and the experiments show, in the order of the sections of
S.~Alemohammad, Z.~Wang, R.~Balestriero, R.~Baraniuk: \emph{The Recurrent Neural Tangent Kernel}, ICLR 2021.

<>
\end{document}
"""


class Place(NamedTuple):
    """Where a paper's matter lies: the folder of the studies' folders, that of the experiments' outputs, and the paper's own."""

    studies: Path
    experiments: Path
    to: Path


def summary_of(study: str, place: Place, title: str) -> str:
    """A study's summary."""
    accuracy, about = read(place.studies / study, title)
    return latex_summary(accuracy, about, f"tab:{study}")


def accuracies_of(study: str, place: Place, title: str) -> str:
    """A study's accuracies on each dataset, to the end of the page."""
    accuracy, about = read(place.studies / study, title)
    return latex_accuracies(accuracy, about, f"tab:{study}-datasets") + "\\clearpage\n"


def leads_of(study: str, methods: list[str], others: list[str], place: Place, title: str) -> str:
    """Some of a study's methods against others."""
    accuracy, about = read(place.studies / study, title)
    absent = [name for name in (*methods, *others) if name not in accuracy]
    if absent:
        raise ValueError(f"{place.studies / study} has no method {absent[0]!r}: it has {', '.join(accuracy)}")
    table = comparisons(accuracy, methods, others)
    return latex(readable(table), " ".join([about, *options(table, ROPE)]), f"tab:{study}-leads")


def ties_of(study: str, place: Place, title: str) -> str:
    """What the choices that tied in a study's cross-validation are worth on the test set."""
    _, about = read(place.studies / study, title)
    rows = read_ties(place.studies / study / TIES)
    caption = (
        "Of all pairs of setting and C with the best score of cross-validation, how many they are, and how far their test accuracies "
        "lie apart, in points; how many per cent of them are better and worse than the first, the study's choice; and the mean accuracy "
        "of the study's choices, of tied ones taken at random, and of the worst and the best of them everywhere."
    )
    return latex(readable_ties(summary_of_ties(rows)), f"{about} {caption}", f"tab:{study}-ties")


def overview_of(study: str, place: Place, title: str) -> str:
    """The figure of a study's accuracies."""
    accuracy, about = read(place.studies / study, title)
    path, *_ = save(overview(accuracy), place.to / "figures", f"{study}_overview")
    shown = "A tick is a dataset; a box spans the quartiles and shows the median; a diamond is the mean."
    return picture(path, escape(f"{about} {shown}"))


def figure_of(study: str, name: str, place: Place, title: str, of: str = "", against: str = "") -> str:
    """A figure of `results.figures.study`, by its name, with its own caption; `of` and `against` are methods that it compares."""
    folder = place.studies / study
    _, about = read(folder, title)
    found = {drawing.name: drawing for drawing in drawings_of(folder, of, against)}
    if name not in found:
        raise ValueError(f"{folder} has no figure {name!r}: it has {', '.join(found)}")
    path, *_ = save(found[name].draw(), place.to / "figures", f"{study}_{name}")
    return picture(path, escape(f"{about} {found[name].caption}"), width="")  # drawn for this page: of its own size


@cache
def drawings_of(folder: Path, of: str, against: str) -> list[Drawing]:
    """All figures of a study."""
    grid = partial(read_table, folder=folder, table="grid")
    methods = [[name] if name else [] for name in (of, against)]
    return drawings(study_accuracies(folder), study_records(folder), grid, kinds_in(KINDS), *methods)


def read(folder: Path, title: str) -> tuple[pd.DataFrame, str]:
    """A study's accuracies, and how its captions begin."""
    accuracy = study_accuracies(folder)
    return accuracy, f"{title}. {describe(folder, accuracy)}"


def experiment(outputs: str, page: str, place: Place, title: str) -> str:
    """The figure of an experiment that the documentation shows on a page, whose words are its caption; as vectors where the same
    figure lies among the experiment's `outputs`, a path without ending.
    """
    name = Path(outputs).name
    shown, made = DOCS / "figures" / f"{name}.png", place.experiments / f"{outputs}.png"
    vectors = made.with_suffix(".pdf")
    same = made.exists() and vectors.exists() and made.read_bytes() == shown.read_bytes()
    source = vectors if same else shown
    path = place.to / "figures" / source.name
    write_bytes(path, source.read_bytes())
    return picture(path, f"{escape(title)}. {prose(words_on(name, (DOCS / page).read_text()))}")


def theory(name: str) -> Callable[[Place, str], str]:
    """What makes the figure of one of the theory's experiments."""
    return partial(experiment, f"theory/{name}/{name}", "theory.md")


def words_on(name: str, page: str) -> str:
    """What a page of the documentation says before a figure, below the last heading, and in parentheses right after it."""
    before, found, after = page.partition(f"](figures/{name}.png)")
    if not found:
        raise ValueError(f"the documentation shows no figures/{name}.png")
    own = re.split("^#.*$", before[: before.rindex("![")], flags=re.MULTILINE)[-1]
    legend = re.match(r"\s*(\([^()]*\))\n", after)
    return re.sub("```.*?```", "", own, flags=re.DOTALL).strip() + (f" {legend[1]}" if legend else "")


INLINE = re.compile(
    r"`(?P<texttt>[^`]+)`|\*\*(?P<textbf>.+?)\*\*|\*(?P<emph>.+?)\*|(?<=\w)_(?P<textsubscript>\w+)|\^(?P<textsuperscript>\w+)"
)


def prose(markdown: str) -> str:
    """Words of the documentation in LaTeX: code, stress, and sub- and superscripts as one types them."""
    done, end = "", 0
    for found in INLINE.finditer(markdown):
        inner = escape if found.lastgroup == "texttt" else prose
        done += escape(markdown[end : found.start()]) + rf"\{found.lastgroup}{{{inner(found[found.lastgroup])}}}"
        end = found.end()
    return done + escape(markdown[end:])


def picture(path: Path, caption: str, width: str = r"[width=\linewidth]") -> str:
    """A figure of the paper, as wide as its text; the caption is LaTeX."""
    name = path.stem.replace("_", "-")
    return rf"""\begin{{figure}}
\centering
\includegraphics{width}{{figures/{path.name}}}
\caption{{{caption}}}\label{{fig:{name}}}
\end{{figure}}
"""


LIMIT, SYNTHETIC, UCR = "Finite networks and their limit", "Series of sines", "Classification of 56 datasets"
NETWORKS, UNEQUAL, APPENDIX = "Trained networks", "Series of unequal lengths", "Accuracies on each dataset"
TRAINED = ["gaussian_rnn", "identity_rnn", "gru", "gaussian_rnn_mean", "identity_rnn_mean", "gru_mean"]
TREATED = [f"{kernel}_{how}" for kernel in ("rntk_mean", "rntk", "rbf") for how in ("pad", "cut", "resample")]
BASELINES = ["ntk", "rbf", "polynomial", "gaussian"]
MEMBERS = ["rntk", *(f"rntk_{member}" for member in ("direction", "deep", "erf", "mean", "gp", "family"))]
EXHIBITS = (  # section, title, what makes it
    (LIMIT, "How near a random network is to its limit", theory("convergence")),
    (LIMIT, "How far kernel and weights move in training", theory("constancy")),
    (LIMIT, "A wide network follows the kernel", theory("dynamics")),
    (LIMIT, "Which steps the kernel looks at", theory("sensitivity")),
    (LIMIT, "Orthogonal weights", theory("initialisation")),
    (LIMIT, "The kernel of a network while it trains", theory("evolution")),
    (SYNTHETIC, "The next step of a noisy sinusoid", partial(experiment, "synthetic/prediction", "synthetic.md")),
    (UCR, "The kernels of the paper", partial(summary_of, "ucr56")),
    (UCR, "Accuracies of the kernels of the paper", partial(overview_of, "ucr56")),
    (UCR, "The RNTK against the other kernels", partial(leads_of, "ucr56", ["rntk"], [*BASELINES, "1nn_ed"])),
    (UCR, "Average ranks of the kernels of the paper", partial(figure_of, "ucr56", "ranks_nemenyi")),
    (UCR, "Average ranks of the kernels of the paper", partial(figure_of, "ucr56", "ranks_wilcoxon")),
    (UCR, "The RNTK against each", partial(figure_of, "ucr56", "pairs_rntk", of="rntk")),
    (UCR, "The RNTK and RBF", partial(figure_of, "ucr56", "differences_rntk_rbf", of="rntk", against="rbf")),
    (UCR, "How near to the best each comes", partial(figure_of, "ucr56", "relative")),
    (UCR, "What cross-validation promised", partial(figure_of, "ucr56", "validation")),
    (UCR, "What accuracy costs", partial(figure_of, "ucr56", "cost")),
    (UCR, "The RNTK's variances", partial(figure_of, "ucr56", "grid_rntk")),
    (UCR, "What the first of the tied is worth", partial(ties_of, "ucr56")),
    (UCR, "The family of the RNTK", partial(summary_of, "family")),
    (UCR, "Accuracies of the family", partial(overview_of, "family")),
    (UCR, "The family against the other kernels", partial(leads_of, "family", MEMBERS, BASELINES)),
    (UCR, "Average ranks of the family", partial(figure_of, "family", "ranks_nemenyi")),
    (UCR, "Average ranks of the family", partial(figure_of, "family", "ranks_wilcoxon")),
    (UCR, "The mean over all steps against each", partial(figure_of, "family", "pairs_rntk_mean", of="rntk_mean")),
    (UCR, "The mean and RBF", partial(figure_of, "family", "differences_rntk_mean_rbf", of="rntk_mean", against="rbf")),
    (UCR, "How near to the best each comes", partial(figure_of, "family", "relative")),
    (UCR, "What cross-validation promised of the family", partial(figure_of, "family", "validation")),
    (UCR, "What accuracy costs in the family", partial(figure_of, "family", "cost")),
    (UCR, "Which member was chosen", partial(figure_of, "family", "choices_rntk_family")),
    (UCR, "Kernels among everyday classifiers", partial(summary_of, "context")),
    (UCR, "Average ranks among everyday classifiers", partial(figure_of, "context", "ranks_wilcoxon")),
    (
        UCR,
        "The mean and MiniRocket",
        partial(figure_of, "context", "differences_minirocket_rntk_mean", of="minirocket", against="rntk_mean"),
    ),
    (UCR, "What accuracy costs everyday classifiers", partial(figure_of, "context", "cost")),
    (NETWORKS, "Trained networks beside the kernels", partial(summary_of, "networks_small")),
    (NETWORKS, "Accuracies of trained networks", partial(overview_of, "networks_small")),
    (NETWORKS, "Kernels against trained networks", partial(leads_of, "networks_small", ["rntk_mean", "rntk"], TRAINED)),
    (NETWORKS, "Average ranks of trained networks and kernels", partial(figure_of, "networks_small", "ranks_wilcoxon")),
    (NETWORKS, "What training costs", partial(figure_of, "networks_small", "cost")),
    (UNEQUAL, "Series as they are, padded, cut and resampled", partial(summary_of, "ucr_unequal")),
    (UNEQUAL, "Accuracies on series of unequal lengths", partial(overview_of, "ucr_unequal")),
    (UNEQUAL, "Series as they are against others", partial(leads_of, "ucr_unequal", ["rntk_mean", "rntk"], TREATED)),
    (UNEQUAL, "Average ranks on series of unequal lengths", partial(figure_of, "ucr_unequal", "ranks_wilcoxon")),
    (APPENDIX, "The kernels of the paper", partial(accuracies_of, "ucr56")),
    (APPENDIX, "The RNTK's variances on each dataset", partial(figure_of, "ucr56", "grid_rntk_datasets")),
    (APPENDIX, "The family of the RNTK", partial(accuracies_of, "family")),
    (APPENDIX, "Kernels among everyday classifiers", partial(accuracies_of, "context")),
    (APPENDIX, "Trained networks beside the kernels", partial(accuracies_of, "networks_small")),
    (APPENDIX, "Series as they are, padded, cut and resampled", partial(accuracies_of, "ucr_unequal")),
)


def write_paper(place: Place) -> tuple[Path, list[str]]:
    """Write `paper.tex` and its figures; returns its path, and what is not in it and why."""
    parts, absent, section = [], [], None
    for name, title, make in EXHIBITS:
        if name != section:
            parts.append((r"\clearpage\appendix" if name == APPENDIX else "") + rf"\section{{{name}}}")
            section = name
        try:
            parts.append(make(place, title))
        except (ValueError, OSError) as error:
            absent.append(f"{title}: {error}")
            parts.append(rf"\paragraph{{{escape(title)}}} is not there: {escape(error)}.")
    path = place.to / "paper.tex"
    write_text(path, DOCUMENT.replace("<>", "\n".join(parts)))
    return path, absent


def typeset(tex: Path) -> list[str]:
    """Make the PDF of a file of LaTeX, beside it; returns what LaTeX warns of, such as lines that stick out.

    Raises ValueError where pdflatex is not installed, and where it finds a mistake.
    """
    if not shutil.which("pdflatex"):
        raise ValueError(f"{tex} is written, and pdflatex, which makes a PDF of it, is not installed: {INSTALL}")
    epoch = {"SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1", "max_print_line": "1000"}
    with TemporaryDirectory() as folder:
        options = ["-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", f"-output-directory={folder}"]
        for _ in range(5):  # until the widths of the long tables, and the references, are settled
            run = subprocess.run(
                ["pdflatex", *options, tex.name], cwd=tex.parent, env=os.environ | epoch, capture_output=True
            )
            log = (Path(folder) / f"{tex.stem}.log").read_text(errors="replace")
            if run.returncode:
                mistake = re.search(r"^! .*(\n.*){0,3}", log, re.MULTILINE)
                raise ValueError(
                    f"{tex}: pdflatex stopped. {mistake[0] if mistake else log[-500:]}\nIf a file is not found: {INSTALL}"
                )
            if not re.search("Rerun (LaTeX|to get)", log):
                break
        write_bytes(tex.with_suffix(".pdf"), (Path(folder) / f"{tex.stem}.pdf").read_bytes())
    return re.findall("^(?:Overfull|Missing character|LaTeX Warning).*", log, re.MULTILINE)


@telling
def main() -> int:
    """Write the paper, and make its PDF."""
    parser = argparse.ArgumentParser(description="Put the tables and figures of the reference studies into one PDF.")
    parser.add_argument(
        "--studies", type=Path, default=Path("results/reference"), help="the folder of the studies' folders"
    )
    parser.add_argument(
        "--experiments", type=Path, default=Path("outputs"), help="the folder of the experiments' outputs"
    )
    parser.add_argument("--to", type=Path, default=Path("outputs/paper"), help="where to write it")
    place = Place(**vars(parser.parse_args()))
    tex, absent = write_paper(place)
    for what in absent:
        print(f"not in it: {what}", file=sys.stderr)
    try:
        for warning in typeset(tex):
            print(f"warning: {warning}", file=sys.stderr)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{len(EXHIBITS) - len(absent)} tables and figures in {tex.with_suffix('.pdf')}, and in LaTeX in {tex}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
