"""MLflow as a user has it: rebuilt and started by our commands, opened in Chromium at the printed address, and asked.

Of the small study, or, where the environment variable PICTURES names a folder for the pictures of docs/mlflow.md, of the reference study:
`PICTURES=docs/figures python -m pytest tests/runners/test_mlflow_in_browser.py`.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from results.statistics import summary
from results.store import study_records
from results.tables import number, study_accuracies
from tests.browser import PATIENCE, chromium
from tests.results.studies import write_study

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
ROOT = Path(__file__).parents[2]
PICTURES = os.environ.get("PICTURES")
HERE = r"http://127\.0\.0\.1:|data:|blob:"
SIZE = {"width": 1280, "height": 800}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study with a report in MLflow, and the address that `ui` prints."""
    output, name = tmp_path_factory.mktemp("output"), "ucr56" if PICTURES else "small"
    if PICTURES:
        shutil.copytree(ROOT / "results" / "reference" / name, output / name)
    else:
        write_study(output / name)
    (output / name / "report").mkdir()
    (output / name / "report" / "index.html").write_text("<!doctype html><title>report</title><h1>The report</h1>")
    tracking = [sys.executable, "-m", "runners.tracking"]
    subprocess.run([*tracking, "rebuild", output], cwd=ROOT, check=True, capture_output=True)
    server = subprocess.Popen(
        [*tracking, "ui", output, "--port", str(free_port())],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        address = next(found[1] for line in server.stdout if (found := re.search("the last study: (http.*) \\(", line)))
        yield SimpleNamespace(name=name, folder=output / name, address=address)
        os.killpg(server.pid, signal.SIGINT)  # Ctrl-C, of which both hear
        assert server.wait(60) in (0, 130, -signal.SIGINT)
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)


@pytest.fixture
def opened(study):
    """The page at the printed address; nothing may be asked of another machine."""
    with chromium() as browser:
        page = browser.new_context(viewport=SIZE).new_page()
        page.set_default_timeout(PATIENCE)
        strangers = []
        page.on("request", lambda asked: None if re.match(HERE, asked.url) else strangers.append(asked.url))
        page.goto(study.address)
        page.locator("button[aria-label=Close]").last.click()  # MLflow's assistant, which opens by itself
        page.get_by_label("Toggle sidebar").click()
        yield page
        assert strangers == []


def picture(page, name):
    if PICTURES:
        page.wait_for_timeout(2500)  # what moves has come to rest
        taken = Image.open(BytesIO(page.screenshot())).convert("RGB")
        taken.quantize(128, dither=Image.Dither.NONE).save(Path(PICTURES) / f"mlflow-{name}.png", optimize=True)


def link(page, name):
    return page.get_by_role("link", name=name, exact=True)


def view(page, mode):
    page.locator("label", has=page.locator(f"input[value={mode}]")).click()


def saved(page, name):
    page.get_by_test_id("saved-views-trigger").click()
    page.get_by_role("menuitem").get_by_text(name, exact=True).click()


def charts(page):
    """The words of the first charts, once the first is drawn."""
    cards = page.get_by_test_id("experiment-view-compare-runs-card")
    cards.first.locator(".main-svg").first.wait_for()
    return cards.all_inner_texts()


def names(page):
    """The runs of the table that are on the screen, from the top."""
    rows = page.locator("[row-id] [col-id*=runName], [row-id]").get_by_role("link")
    rows.first.wait_for()
    return rows.all_inner_texts()


def open_artifact(page, *path):
    for part in path:
        page.get_by_test_id("artifact-tree-node").get_by_text(part, exact=True).click()


def shown_page(page, *path):
    """Open an artifact that is a page; what is in it."""
    open_artifact(page, *path)
    return page.frame_locator("iframe")


def shown_image(page, *path):
    """Open an artifact; its width in pixels once it is there."""
    open_artifact(page, *path)
    image = page.locator("img[src^=blob]").first
    image.wait_for()
    return image.evaluate("image => image.decode().then(() => image.naturalWidth)")


def test_a_user_asks_questions(study, opened):
    page, accuracy = opened, study_accuracies(study.folder)
    best_first = list(summary(accuracy).method)

    # the last study's methods, the best first, as a table and as bars
    link(page, best_first[-1]).wait_for()
    assert names(page) == best_first
    view(page, "CHART")
    assert [text.split("\n")[0] for text in charts(page)][:3] == ["accuracy_mean", "friedman_rank", "wins"]
    picture(page, "methods")

    # two of them compared: as numbers, and on every dataset
    view(page, "TABLE")
    for method in ("rntk", "rbf"):
        key = page.locator("[row-id]", has=link(page, method)).first.get_attribute("row-id")
        page.locator(f"[row-id='{key}']").get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Compare").click()
    link(page, "accuracy_mean").wait_for()
    shown = [float(text) for text in re.findall(r"^\d\.\d+$", page.locator("body").inner_text(), re.MULTILINE)]
    for method in ("rntk", "rbf"):
        assert min(abs(value - accuracy[method].mean()) for value in shown) < 0.001
    link(page, "accuracy_by_dataset").click()
    page.locator(".main-svg").first.wait_for()
    assert "rntk (accuracy_by_dataset)" in page.locator("body").inner_text()
    picture(page, "compare")

    # every dataset as a point, of one method against another
    page.goto(study.address)
    page.reload()
    link(page, best_first[-1]).wait_for()
    page.get_by_label("Toggle sidebar").click()
    saved(page, f"{study.name}: datasets")
    link(page, accuracy.index[0]).wait_for()
    view(page, "CHART")
    assert all(text.startswith("accuracy/") for text in charts(page))
    picture(page, "datasets")

    # one task, by method and dataset
    view(page, "TABLE")
    saved(page, f"{study.name}: tasks")
    link(page, f"{accuracy.index[0]} rntk").wait_for()
    search = page.get_by_test_id("search-box")
    search.fill(f"tags.study = '{study.name}' and tags.dataset = 'Coffee' and tags.method = 'rntk'")
    search.press("Enter")
    page.get_by_text("1 matching run", exact=True).wait_for()
    assert names(page) == ["Coffee rntk"]
    link(page, "Coffee rntk").click()
    (record,) = (r for r in study_records(study.folder) if (r.dataset, r.method) == ("Coffee", "rntk"))
    page.get_by_text(f"test accuracy {number(100 * record.test_accuracy)} %").wait_for()
    said = page.locator("body").inner_text().replace("\n", "")
    assert all(text in said for text in ("dataset_type: Spectro", "method: rntk", "status: ok", "Training And Test"))
    picture(page, "task")
    page.get_by_role("tab", name="Artifacts").click()
    shown_page(page, "confusion.html").get_by_text("Rows are labels, columns are predictions").wait_for()
    shown_page(page, "grid.html").get_by_text("σ_w across and σ_b down").wait_for()
    picture(page, "grid")

    # the study above it, with report and figures
    page.get_by_role("tab", name="Overview").click()
    link(page, study.name).click()
    page.get_by_text(f"lead/{best_first[0]} over").first.wait_for()
    page.get_by_role("tab", name="Artifacts").click()
    shown_page(page, "report", "index.html").get_by_role("heading", name="The report").wait_for()
    assert shown_image(page, "figures", "ranks_nemenyi.png") > 300
    picture(page, "study")
