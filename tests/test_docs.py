"""README and docs: their Python runs, their commands are those that there are, their links lead somewhere, and the site builds.

Blocks of Python run page by page, in a folder of their own. What is done with a command, in a block or within a sentence, `CHECKS`
says, and a command that nothing there knows is a failure:

- `make TARGET` is asked what it would run, and that is looked at like the rest;
- a command of Hydra's composes its configuration with its overrides, each value of a sweep in turn, and is not run;
- `python -m` of something else that has arguments reads records of the reference runs, and is run (slow); without arguments it is a
  program that there is;
- `pip install '.[EXTRA]'` names an extra of pyproject.toml;
- the commands of the tutorial are run, one after another, in an empty folder (slow). So are those of own.md
  (tests/runners/test_own.py), and mlflow.md's Python runs on a study (tests/runners/test_tracking.py).
"""

import ast
import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace

import pytest
from sybil import Document
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser

import datasets
from tests.browser import chromium, quiet_page

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "benchmarks" / "README.md",
    *sorted(ROOT.glob("docs/**/*.md")),
]
HYDRA = {f"runners.{name}" for name in ("run", "reproduce", "theory", "synthetic", "report")}
SHELL = re.compile(
    r"(export|cat|git clone|mlflow server|pre-commit install|jupytext --to ipynb)\b"
)  # what belongs to others, and is not tried
TOGETHER = {"tutorial.md", "own.md"}  # their commands need one another
QUICK = {"README.md", "start.md"}


def name(page):
    return page.relative_to(ROOT).as_posix()


def marked(pages):
    """Pages as parameters: all but those that a newcomer reads first wait for `make test-all`."""
    return [pytest.param(page, marks=() if page.name in QUICK else pytest.mark.slow) for page in pages]


def blocks(page, *languages):
    """The fenced blocks of a page in these languages, in order."""
    return list(Document.parse(str(page), *(CodeBlockParser(language, PythonEvaluator()) for language in languages)))


def commands(page):
    """Every command of a page: the lines of its blocks, and what stands in a sentence."""
    for block in blocks(page, "sh"):
        yield from (line for line in block.parsed.replace("\\\n", " ").splitlines() if line.strip())
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    yield from (" ".join(found.split()) for found in re.findall(r"`((?:make|python -m) [^`…]+)`", text))


ALL = [(page, command) for page in PAGES for command in dict.fromkeys(commands(page))]


def words(line):
    """A command's words, without its comment."""
    return shlex.split(line, comments=True)


def is_run(page, line):
    """Whether it reads the reference run's records alone, and is run. (`<study>` stands for a name, and is none.)"""
    module = [*words(line), "", "", ""][2]
    return "results/reference" in line and "python -m" in line and module not in HYDRA and "<" not in line


def values_of(word):
    """An override for each value of a sweep, a list in brackets being one value."""
    key, equal, value = word.partition("=")
    if value == "glob(*)":
        return [f"{key}={path.stem}" for path in sorted((ROOT / "conf" / key).glob("*.yaml"))]
    values = re.split(r",(?![^\[(]*[\])])", value)
    return [f"{key}{equal}{one}" for one in values]


def composes(command, module, arguments):
    """Hydra finds every override of this command, each value of a sweep."""
    swept = "-m" in arguments
    overrides = [values_of(word) if swept else [word] for word in arguments if word != "-m"]
    for turn in range(max(map(len, overrides), default=1)):
        chosen = [values[min(turn, len(values) - 1)] for values in overrides]
        assert command(module, *chosen, "--cfg", "job") == 0, (module, chosen)


def make(command, arguments):
    """What make would run is looked at in turn."""
    others = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "ARGS")  # of a make that runs this test: `make mutants ARGS=…`
    clean = {name: value for name, value in os.environ.items() if name not in others}
    done = subprocess.run(["make", "--dry-run", *arguments], cwd=ROOT, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        found = re.search(r"python -m ([\w.]+)(.*)", line)
        if found and found[1] in HYDRA:
            composes(command, found[1], words(found[2]))
        elif found:
            assert find_spec(found[1]), line


def python(command, arguments):
    """A module that there is; one of Hydra's composes."""
    module, *rest = arguments
    assert find_spec(module), module
    if module in HYDRA:
        composes(command, module, rest)


def pip(command, arguments):
    """Its extra is one of ours; one of others' packages is none of this test's."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for word in arguments:
        found = re.fullmatch(r"\.\[(\w+)\]", word)
        assert not found or found[1] in extras, word


CHECKS = {("make",): make, ("python", "-m"): python, ("pip", "install"): pip}


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty folder, and the working directory."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def files_of(page, folder):
    """The configurations that a page shows, written where it says that they are."""
    for block in blocks(page, "yaml"):
        path = folder / re.match(r"# (conf/\S+)", block.parsed)[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.parsed)
        yield path


@pytest.mark.parametrize("page", marked(page for page in PAGES if any(p == page for p, _ in ALL)), ids=name)
def test_commands_are_those_that_there_are(page, command, elsewhere, capsys):
    if page.name in TOGETHER:
        pytest.skip("run one after another, by tests that are slow")
    for path in files_of(page, elsewhere):
        composes(command, "runners.run", ["dataset=GunPoint", f"method={path.stem}"])
    for line in (line for where, line in ALL if where == page):
        (check,) = [check for start, check in CHECKS.items() if tuple(words(line)[: len(start)]) == start] or [None]
        if check is None:
            assert SHELL.match(line), f"what is to be done with {line!r}?"
        elif not is_run(page, line):
            check(command, words(line)[2 if check is not make else 1 :])


@pytest.mark.slow
@pytest.mark.parametrize("line", sorted({line for page, line in ALL if is_run(page, line)}))
def test_commands_that_read_the_reference_records_run(line, tmp_path):
    shutil.copytree(ROOT / "results" / "reference", tmp_path / "results" / "reference")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *words(line)[1:]], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def looked_up(source, *arguments, **options):
    """In place of `datasets.load`, of data that are not at hand: a dataset of the catalogue, and options that there are."""
    inspect.signature(load).bind(source, *arguments, **options)
    assert datasets.find(source)
    return SimpleNamespace(X_train=[])


load = datasets.load


@pytest.mark.parametrize(
    "page",
    marked(page for page in PAGES if blocks(page, "python") and page.name not in ("tutorial.md", "mlflow.md")),
    ids=name,
)
def test_python_runs(page, elsewhere, monkeypatch, capsys):
    if page.name == "unequal.md":
        monkeypatch.setattr(datasets, "load", looked_up)
    for block in blocks(page, "python"):
        block.evaluate()


@pytest.mark.slow
def test_the_tutorial_from_an_empty_folder(tmp_path):
    """As it stands there, in a folder outside the repository: own data, classifier, sweep, study, table, MLflow, own kernel."""
    checkout, folder = tmp_path / "home" / "rntk", tmp_path / "empty"
    for path in (checkout / ".venv" / "bin", folder):
        path.mkdir(parents=True)
    for path in ROOT.iterdir():
        if not path.name.startswith("."):
            (checkout / path.name).symlink_to(path)
    (checkout / ".venv" / "bin" / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (checkout / ".venv" / "bin" / "python").chmod(0o755)
    script = []
    for block in Document.parse(str(ROOT / "docs" / "tutorial.md"), CodeBlockParser("sh"), CodeBlockParser("python")):
        shell = "import " not in block.parsed
        script.append(block.parsed if shell else f"python - <<'PYTHON'\n{block.parsed}\nPYTHON\n")
    environment = {**os.environ, "HOME": str(tmp_path / "home")}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        ["bash", "-e"], input="\n".join(script), cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for said in (
        r"\d\d % right",
        "6 of 6 tasks have a result",
        "6 of 8 done",
        "8 of 8 tasks have a result",
        r"\| rntk_mean \|",
    ):
        assert re.search(said, done.stdout + done.stderr), said
    for block in blocks(ROOT / "docs" / "tutorial.md", "text"):
        assert block.parsed in done.stdout
    assert {path.name for path in folder.iterdir()} >= {"Bumps_TRAIN.tsv", "conf", "laplace.py", "outputs"}
    assert (folder / "outputs" / "mine" / "report" / "index.html").exists()


DOCSTRING = """What |x| is, by `a|b`.

    Θ = |K|

Parameters:
    width, depth: of a layer, > 0
        where: always
    slope: |slope| < 1
After it."""

REST = r"""What \|x\| is, by `a|b`.

::

    Θ = |K|


Parameters:

``width``, ``depth``
    of a layer, > 0
    where: always
``slope``
    \|slope\| < 1

After it."""


def test_docstrings_become_restructuredtext():
    """Formulas stay as they are, lists of parameters are definitions, bars are no markup."""
    spec = spec_from_file_location("rendering", ROOT / "docs" / "rendering.py")
    rendering = module_from_spec(spec)
    spec.loader.exec_module(rendering)
    assert "\n".join(rendering.as_rest(DOCSTRING.splitlines())) == REST


def test_the_readme_is_short_and_begins_with_python():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 150
    assert lines.index("```python") <= 30


def test_rows_of_the_readme_are_rows_of_the_results():
    """Which are those of the records (tests/results/test_reference.py)."""
    rows = [line for line in (ROOT / "README.md").read_text().splitlines() if "±" in line and line.startswith("|")]
    assert len(rows) > 10
    assert set(rows) <= set((ROOT / "docs" / "results.md").read_text().splitlines())


def anchors(page):
    """The names of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    """On GitHub, where there is no site: files, and headings in them. (Notebooks are Python files.)"""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", text):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{target} of {name(page)}"
        assert not anchor or anchor in anchors(path), f"{target}#{anchor} of {name(page)}"


def test_guarantees_name_tests_that_there_are():
    text = (ROOT / "docs" / "guarantees.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) >= 20
    for path, test in named:
        tree = ast.parse((ROOT / path).read_text())
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{path}::{test}"
    rows = [line for line in text.splitlines() if line.startswith("|") and "---" not in line and "promise" not in line]
    assert all("tests/" in row for row in rows)


@pytest.mark.slow
def test_the_site_builds_without_warnings_and_its_pages_ask_no_network(tmp_path):
    """Its notebooks are run. (A build that looked into the network would find the way closed, and fail.)"""
    site = tmp_path / "site"
    environment = {**os.environ, "https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    build = [
        sys.executable,
        "-m",
        "sphinx",
        "--quiet",
        "--fail-on-warning",
        "-b",
        "html",
        str(ROOT / "docs"),
        str(site),
    ]
    done = subprocess.run(build, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    pages = sorted(site.rglob("*.html"))
    assert {path.stem for path in (ROOT / "docs").rglob("*.md")} <= {path.stem for path in pages}
    assert " object at 0x" not in "".join(path.read_text() for path in pages)  # which would be another at each build
    with chromium() as browser:
        with quiet_page(browser, f"{(site / 'search.html').as_uri()}?q=sensitivity") as page:
            page.get_by_role("link", name="What the kernel looks at").last.wait_for()
        for path in pages:
            for width, scheme in ((1280, "light"), (360, "dark")):
                size = {"width": width, "height": 800}
                with quiet_page(browser, path.as_uri(), viewport=size, color_scheme=scheme) as page:
                    assert page.evaluate("document.documentElement.scrollWidth") <= width, (path.name, width)
