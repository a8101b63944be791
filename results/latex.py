r"""Tables in LaTeX, for a document that loads booktabs, longtable and graphicx, and whose fonts have the encoding T1."""

import re
from collections.abc import Iterable
from unicodedata import category, decomposition, normalize

import numpy as np
import pandas as pd

NEEDS = r"% \usepackage[T1]{fontenc} \usepackage{booktabs,longtable,graphicx}"
SIZES = {"footnotesize": 122, "scriptsize": 140}  # of type, and how many characters of it a line of 6.8 inches holds
BETWEEN = 1.5  # characters between two columns
GUIDE = 5  # rows of a long table between two gaps that guide the eye

GREEK = (
    r"\alpha \beta \gamma \delta \varepsilon \zeta \eta \theta \iota \kappa \lambda \mu \nu \xi \pi \rho \sigma \tau \upsilon \phi "
    r"\chi \psi \omega \Gamma \Delta \Theta \Lambda \Xi \Pi \Sigma \Upsilon \Phi \Psi \Omega"
)
SIGNS = r"\pm \times - \surd \partial \| \infty \in \approx \neq \leq \geq \to"
MATHEMATICS = dict(zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ±×−√∂‖∞∈≈≠≤≥→", f"{GREEK} {SIGNS}".split(), strict=True))
TEXT = {character: f"\\{character}" for character in "{}$&#%_"} | {
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", '"': r"\textquotedbl{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "`": r"\textasciigrave{}",
    "–": "--", "—": "---", "…": r"\ldots{}", "‘": "`", "’": "'", "“": "``", "”": "''",
}  # fmt: skip
LACKING = set("ĦħĸĿŀŉŊŋŦŧſ")  # of the letters up to U+017F those that T1 lacks, or Times
# a minus; two characters that would make one; any other
PIECES = re.compile(r"(?P<minus>(?<![\w.-])-(?=\d))|(?P<apart>([-,'])(?=\3))|.")


def escape(text) -> str:
    """Any text as LaTeX that prints it: what means something there is escaped, Greek and signs are set as mathematics, white space
    and control characters are a space, and a character that the fonts lack is its code, [U+4E2D].
    """
    printable = "".join(" " if category(c)[0] in "CZ" else c for c in normalize("NFC", str(text)))
    return PIECES.sub(
        lambda m: {"minus": "$-$", "apart": f"{m[0]}{{}}"}.get(m.lastgroup) or _character(m[0]), printable
    )


def _character(c: str) -> str:
    if c in MATHEMATICS:
        return f"${MATHEMATICS[c]}$"
    kind, *parts = decomposition(c).split() or [""]
    if kind in ("<sub>", "<super>"):
        return rf"\text{kind[1:-1]}script{{{''.join(_character(chr(int(part, 16))) for part in parts)}}}"
    return TEXT.get(c) or (c if c < "\u0180" and c not in LACKING else f"[U+{ord(c):04X}]")


def marks(printed: pd.DataFrame, lowest: Iterable[str] = ()) -> pd.DataFrame:
    """1 for the best and 2 for the second best of each column of numbers, as they are printed: what reads alike is marked alike.

    The best is the highest, of the columns `lowest` the lowest. What is not there has no mark, and a number alone neither.
    """
    values = printed.apply(lambda column: pd.to_numeric(column.str.split(" ").str[0], errors="coerce"))
    values[list(lowest)] *= -1
    return values.rank(method="dense", ascending=False).mask(values.notna() & (values.count() < 2))


def latex(table: pd.DataFrame, caption: str, label: str, marked: pd.DataFrame | None = None, long: bool = False) -> str:
    """A table of printed cells in LaTeX, all of it escaped, with its caption above: names in the first column.

    `marked` (`marks`, of the columns that it has) sets 1 bold and underlines 2. Numbers stand under each other, and what follows a ±
    too. A `long` table does not float, and goes on over pages with its heading. Where a table is too wide its headings stand
    upright, then its type is smaller, and at last it is cut into parts, and is a long one.
    """
    table = table.astype(str)
    size, upright, parts = _fitted(table)
    caption = rf"\caption{{{escape(caption)}}}\label{{{label}}}"
    style = rf"\{size}\setlength{{\tabcolsep}}{{3pt}}"
    if not long and len(parts) == 1:
        columns, heading, rows = _tabular(table, marked, upright)
        begin = [r"\begin{table}", rf"\centering{style}", caption, rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
        end = [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
        return "\n".join([NEEDS, *begin, heading, r"\midrule", *rows, *end]) + "\n"
    lines = [NEEDS, rf"\begingroup{style}\setlength{{\LTcapwidth}}{{\linewidth}}"]
    for part in parts:
        columns, heading, rows = _tabular(table[part], marked, upright)
        rows = [row + "[2pt]" * (number % GUIDE == 0) for number, row in enumerate(rows, 1)]
        head = [r"\toprule", heading, r"\midrule"]
        lines += [rf"\begin{{longtable}}{{{columns}}}", rf"{caption}\\", *head, r"\endfirsthead", *head, r"\endhead"]
        lines += [r"\midrule", r"\endfoot", r"\bottomrule", r"\endlastfoot", *rows, r"\end{longtable}"]
        caption = r"\caption[]{(continued)}"
    return "\n".join([*lines, r"\endgroup"]) + "\n"


def _fitted(table: pd.DataFrame) -> tuple[str, bool, list[list[str]]]:
    """The size of type in which a table fits a line, whether its headings stand upright, and its columns part by part."""
    name, *others = table
    upright = {column: BETWEEN + table[column].str.len().max() for column in table}
    flat = {column: max(BETWEEN + len(column), width) for column, width in upright.items()}
    upright[name] = flat[name]
    for size, room in SIZES.items():
        for widths in (flat, upright):
            if sum(widths.values()) <= room:
                return size, widths is upright, [[name, *others]]
    fitting = (room - upright[name]) // max(upright[column] for column in others)
    return size, True, [[name, *part] for part in np.array_split(others, int(np.ceil(len(others) / fitting)))]


def _tabular(table: pd.DataFrame, marked: pd.DataFrame | None, upright: bool) -> tuple[str, str, list[str]]:
    """What LaTeX calls the columns of a table, its heading, and its rows."""
    ranks = pd.DataFrame() if marked is None else marked.reset_index(drop=True)
    ranks = ranks.reindex(index=range(len(table)), columns=table.columns)
    columns = [_column(name, table[name], ranks[name], upright and i > 0) for i, name in enumerate(table)]
    rows = [" & ".join(row) + r" \\" for row in zip(*(cells for _, _, cells in columns), strict=True)]
    return "".join(kind for kind, _, _ in columns), " & ".join(head for _, head, _ in columns) + r" \\", rows


def _column(name: str, printed: pd.Series, ranks: pd.Series, upright: bool) -> tuple[str, str, list[str]]:
    """One column: what LaTeX calls it, its heading, and its cells; with a ± it is two."""
    head = rf"\multicolumn{{1}}{{c}}{{\rotatebox{{90}}{{{escape(name)}\,}}}}" if upright else escape(name)
    if not printed.str.contains(" ± ").any():
        kind = "r" if printed.str.match(r"[+-]?\d|–$").all() else "l"
        return kind, head, [_mark(cell, rank) for cell, rank in zip(printed, ranks, strict=True)]
    cells = []
    for cell, rank in zip(printed, ranks, strict=True):
        value, _, spread = cell.partition(" ± ")
        cells.append(f"{_mark(value, rank)} & " + (rf"$\pm$ {escape(spread)}" if spread else ""))
    return r"r@{\,}r", rf"\multicolumn{{2}}{{c}}{{{escape(name)}}}", cells


def _mark(text: str, rank: float) -> str:
    command = {1: r"\textbf", 2: r"\underline"}.get(rank)
    return f"{command}{{{escape(text)}}}" if command else escape(text)
