"""The pictures in docs/site.md: `python -m tests.site.pictures` takes them anew, of the example project."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.servers.browser import QUIET, tab

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "images"


def main() -> None:
    """Run the example project, write its site, and take its pictures."""
    program = shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        output, site = Path(folder, "output"), Path(folder, "site")
        base = [sys.executable, "-m", "reportupdater"]
        demo = "queries/demo"
        subprocess.run(
            [*base, "run", demo, output], cwd=ROOT, check=False, stderr=subprocess.DEVNULL
        )
        subprocess.run([*base, "site", output, demo, "--to", site], cwd=ROOT, check=True)
        browser = playwright.chromium.launch(executable_path=program, args=[*QUIET])
        PICTURES.mkdir(exist_ok=True)
        with tab(browser, site, width=1100) as one:
            one.page.set_viewport_size({"width": 1100, "height": 560})
            one.show("index.html")
            one.page.screenshot(path=PICTURES / "site-index.png")
        with tab(browser, site, width=1100, scheme="dark") as one:
            one.page.set_viewport_size({"width": 1100, "height": 900})
            one.show("reports/weekly_users.html")
            one.of_chart(
                "(chart.u.setCursor({left: chart.u.valToPos(chart.marks[0].x"
                " === undefined ? 0 : chart.data[0][chart.marks[0].x], 'x'), top: 5}), 0)"
            )
            one.page.screenshot(path=PICTURES / "site-report.png")
        with tab(browser, site, width=390) as one:
            one.page.set_viewport_size({"width": 390, "height": 700})
            one.show("index.html")
            one.page.screenshot(path=PICTURES / "site-phone.png")
        browser.close()


if __name__ == "__main__":
    main()
