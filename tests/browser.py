"""A browser for tests: the machine's own Chromium, without a window, with a fresh profile for each page."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE = 60_000  # ms: a machine may be busy


@contextmanager
def chromium() -> Iterator:
    """Playwright's browser. The test is skipped where Chromium or Playwright is not installed."""
    playwright = pytest.importorskip("playwright.sync_api")
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=executable, args=list(FLAGS), timeout=PATIENCE)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def quiet_page(browser, url: str, **options) -> Iterator:
    """A page in a profile of its own, with Playwright's `options` for that. At the end nothing of it may have failed, the console have no
    error or warning, and nothing have been asked of a network.
    """
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    page, faults = context.new_page(), []
    page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request", lambda asked: None if re.match("(file|data|blob):", asked.url) else faults.append(asked.url[:99])
    )
    page.on("requestfailed", lambda asked: faults.append(f"{asked.url[:99]}: {asked.failure}"))
    try:
        page.goto(url)
        yield page
        assert faults == []
    finally:
        context.close()
