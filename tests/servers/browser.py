"""Debian's Chromium, which shows pages and asks no one for anything."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

__all__ = ["Tab", "browser"]

QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "apt-get install --yes --no-install-recommends chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=[*QUIET])
        yield started
        started.close()


class Tab:
    """A page of a site in the browser, with all that went wrong in it."""

    def __init__(self, page: Page, site: Path) -> None:
        self.page = page
        self.site = site
        self.troubles: list[str] = []
        self.asked: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("request", self._request)
        page.set_default_timeout(20_000)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(message.text)

    def _request(self, request: Request) -> None:
        self.asked.append(request.url)

    def show(self, name: str, state: str = "") -> None:
        """Open a file of the site, and wait until it is drawn."""
        self.page.goto("about:blank")
        self.page.goto(f"file://{self.site / name}{state}")
        if name.startswith("reports/"):
            self.page.wait_for_function("() => !document.getElementById('chart') || window.drawn()")

    def click(self, words: str, within: str = "#controls") -> None:
        """Click a button, and wait until what is chosen is drawn."""
        self.page.click(f"{within} button:text-is('{words}')")
        self.is_drawn()

    def is_drawn(self) -> None:
        """Wait until what is chosen is drawn."""
        self.page.wait_for_function("() => window.drawn()")

    def of_chart(self, expression: str) -> Any:
        """What an expression gives, in which `chart` is the chart of the page."""
        return self.page.evaluate(
            f"() => {{ const chart = reportupdater.chart; return {expression}; }}"
        )

    def seconds_to_draw(self) -> float:
        """How long the chart takes to be seen, once its rows are loaded."""
        return float(
            self.of_chart(
                "new Promise((done) => { const began = performance.now(); chart.draw();"
                " requestAnimationFrame(() => setTimeout(() =>"
                " done((performance.now() - began) / 1000))); })"
            )
        )

    def text(self, selector: str) -> str:
        """What someone reads there."""
        return self.page.inner_text(selector)

    @property
    def state(self) -> str:
        """What the address says of what is chosen."""
        return self.page.url.partition("#")[2]

    def is_quiet(self) -> None:
        """Nothing went wrong, and no one else was asked."""
        assert self.troubles == [], self.troubles
        others = [url for url in self.asked if not url.startswith(("file:", "blob:", "about:"))]
        assert others == []


@contextmanager
def tab(
    browser: Browser,
    site: Path,
    *,
    scheme: Literal["light", "dark"] = "light",
    width: int = 1200,
    scripts: bool = True,
) -> Iterator[Tab]:
    """A tab for a site, closed in the end."""
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 900}, java_script_enabled=scripts
    )
    # A chart is drawn when there is one and what was asked for is loaded.
    context.add_init_script(
        "window.drawn = () => typeof reportupdater !== 'undefined' && reportupdater.chart"
        " && reportupdater.chart.asked === null;"
    )
    try:
        yield Tab(context.new_page(), site)
    finally:
        context.close()
