"""`site` and what runs refresh: which files are written, when, and what is in them."""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from reportupdater.execution.select import Source
from reportupdater.operations.site import SiteRequest, site
from tests.helpers import ONE, SQLITE, Project, written
from tests.site.conftest import HOSTILE, WithSite


def files(site: Path) -> dict[str, bytes]:
    """The files that readers get, by their paths."""
    return {
        str(path.relative_to(site)): path.read_bytes()
        for path in sorted(site.glob("**/*"))
        if path.is_file() and ".written" not in path.parts
    }


def changed(site: Path, before: dict[str, bytes]) -> set[str]:
    now = files(site)
    return {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}


@pytest.fixture
def small(tmp_path: Path) -> Project:
    config = f"{SQLITE}reports:\n  a: {{explode_by: {{wiki: 'x, y'}}}}\n  b: {{}}\n"
    one = Project(tmp_path, config, {"a.sql": f"{ONE}, '{{wiki}}' AS w", "b.sql": ONE})
    one.run(now="2025-01-04")
    return one


def site_of(one: Project, *arguments: str | Path, now: str = "2025-01-04", code: int = 0) -> str:
    to = one.folder.parent / "site"
    called = one.call(
        "site", one.output, one.folder, "--to", to, "--now", now, *arguments, code=code
    )
    return called.stdout + called.stderr


def test_there_is_a_page_a_report_and_a_script_a_tsv(small: Project, tmp_path: Path) -> None:
    said = site_of(small)
    assert said == f"{tmp_path / 'site/index.html'}: 2 reports, 13 files written\n"
    assert {name for name in files(tmp_path / "site") if not name.startswith("assets/")} == {
        *("index.html", "reports/a.html", "reports/b.html", "about/a.js", "about/b.js"),
        *("data/a/x.js", "data/a/y.js", "data/b.js"),
    }


def test_nothing_is_written_where_nothing_has_changed(small: Project, tmp_path: Path) -> None:
    site_of(small)
    before = files(tmp_path / "site")
    assert "0 files written" in site_of(small)
    assert changed(tmp_path / "site", before) == set()
    assert "0 files written" in site_of(small, now="2025-01-04T05")  # all is looked at again


def test_a_days_run_adds_to_the_scripts(small: Project, tmp_path: Path) -> None:
    site_of(small)
    before = files(tmp_path / "site")
    small.run(now="2025-01-05")
    site_of(small, now="2025-01-05")
    for name in ("data/a/x.js", "data/b.js"):
        after = (tmp_path / "site" / name).read_bytes()
        assert after.startswith(before[name])
        assert after.count(b"reportupdater.rows(") == 2
    shutil.rmtree(tmp_path / "site" / ".written")
    with_blocks = files(tmp_path / "site")
    (tmp_path / "site" / ".written").mkdir()
    site_of(small, now="2025-01-05")
    assert changed(tmp_path / "site", with_blocks) == {"data/a/x.js", "data/a/y.js", "data/b.js"}
    assert (tmp_path / "site/data/b.js").read_text() == (
        'reportupdater.rows("b",["date", "n"],[[482136,1],[24,3]],[[1,1,1,1]]);\n'
    )


def test_rows_that_were_changed_are_written_anew(small: Project, tmp_path: Path) -> None:
    site_of(small)
    small.write_tsv("b", small.text("b").replace("2025-01-02\t1", "2025-01-02\t9"))
    site_of(small)
    assert "[[1,9,1]]" in (tmp_path / "site/data/b.js").read_text()
    small.write_tsv("b", small.text("b").replace("\t9\n", "\t8\n"))  # of the same size
    site_of(small)
    assert "[[1,8,1]]" in (tmp_path / "site/data/b.js").read_text()


def test_a_script_that_was_cut_is_written_anew(small: Project, tmp_path: Path) -> None:
    """As when the power fails while one is being added to."""
    site_of(small)
    script = tmp_path / "site/data/b.js"
    script.write_text(script.read_text()[:-20])
    small.run(now="2025-01-05")
    site_of(small, now="2025-01-05")
    assert script.read_text().endswith("[[1,1,1,1]]);\n")


def test_many_blocks_become_one(small: Project, tmp_path: Path) -> None:
    request = SiteRequest(
        output=small.output,
        folder=tmp_path / "site",
        projects=(Source(project=small.folder, host_files=()),),
        now=datetime(2025, 3, 1),
    )
    for number in range(45):
        small.write_tsv("b", small.text("b") + f"{date(2025, 1, 4) + timedelta(number)}\t1\n")
        site(request)
    blocks = (tmp_path / "site/data/b.js").read_text().count("reportupdater.rows(")
    assert 1 < blocks < 10


def test_a_damaged_tsv_is_said_and_has_no_rows(small: Project, tmp_path: Path) -> None:
    site_of(small)
    small.write_tsv("b", small.text("b") + "no date\t1\n")
    site_of(small)
    page = (tmp_path / "site/reports/b.html").read_text()
    assert "damaged" in page
    assert "no date" in page
    assert (tmp_path / "site/data/b.js").read_text() == ""
    small.write_tsv("b", small.text("b").replace("no date\t1\n", ""))
    site_of(small)
    assert "[[1,1,1]]" in (tmp_path / "site/data/b.js").read_text()


def test_what_is_no_more_goes(small: Project, tmp_path: Path) -> None:
    site_of(small)
    config = small.folder / "config.yaml"
    config.write_text(config.read_text().replace("x, y", "x").replace("  b: {}\n", ""))
    shutil.rmtree(small.output / "a")
    (small.output / "b.tsv").unlink()
    small.run(now="2025-01-04")
    site_of(small)
    names = files(tmp_path / "site")
    assert "data/a/x.js" in names
    assert not {"data/a/y.js", "data/b.js", "reports/b.html", "about/b.js"} & names.keys()
    assert "reports/b.html" not in names["index.html"].decode()


def test_weeks_that_are_no_more_go_too(tmp_path: Path) -> None:
    keys = "{granularity: weeks, starts: 2025-01-05}"
    one = Project(
        tmp_path, f"{SQLITE}reports:\n  w: {keys}\n  x: {{}}\n", {"w.sql": ONE, "x.sql": ONE}
    )
    one.run(now="2025-01-20")
    site_of(one, now="2025-01-20")
    script = tmp_path / "site/data/w.js"
    assert "[168,1]" in script.read_text()
    config = one.folder / "config.yaml"
    config.write_text(config.read_text().replace(f"  w: {keys}\n", ""))
    (one.output / "w.tsv").unlink()
    site_of(one, now="2025-01-20")
    assert not script.exists()


def test_late_series_are_counted(small: Project, tmp_path: Path) -> None:
    (small.output / "a/x.tsv").unlink()
    small.call("site", small.output, small.folder, "--to", tmp_path / "s", "--now", "2025-01-07")
    index = (tmp_path / "s/index.html").read_text()
    assert "2 of 2 series late" in index
    assert "1 of 1 series late" in index


def test_reports_of_other_projects_have_what_the_folder_shows(
    small: Project, tmp_path: Path
) -> None:
    to = tmp_path / "bare"
    said = small.call("site", small.output, "--to", to, "--now", "2025-01-04").stdout
    assert "2 reports" in said
    page = (to / "reports/a.html").read_text()
    assert "2025-01-03" in page
    assert "SELECT" not in page
    assert "Only with a valid report of a project is known what is missing." in page


def test_two_projects_of_one_folder_have_one_site(small: Project, tmp_path: Path) -> None:
    other = Project(
        tmp_path / "more", f"{SQLITE}reports:\n  c: {{}}\n", {"c.sql": ONE}, output=small.output
    )
    other.run(now="2025-01-04")
    to = tmp_path / "site"
    words = (small.output, small.folder, other.folder, "--to", to, "--now", "2025-01-04")
    small.call("site", *words)
    index = (to / "index.html").read_text()
    assert all(f"reports/{name}.html" in index for name in "abc")
    assert index.count("<time") == 2
    assert "SELECT" in (to / "reports/c.html").read_text()


def host(one: Project, text: str) -> Path:
    return written(one.folder.parent / "host.yaml", text)


def test_a_run_refreshes_the_site_of_host_settings(small: Project, tmp_path: Path) -> None:
    settings = host(small, "site: {folder: pages, title: Our numbers}")
    small.run("--host-config", settings, now="2025-01-05")
    index = (tmp_path / "pages/index.html").read_text()
    assert "<h1>Our numbers</h1>" in index
    assert "2025-01-04" in index
    before = files(tmp_path / "pages")
    small.run("--host-config", settings, now="2025-01-06")
    assert "index.html" in changed(tmp_path / "pages", before)
    # Another project's run leaves the pages of this one.
    other = Project(
        tmp_path / "more", f"{SQLITE}reports:\n  c: {{}}\n", {"c.sql": ONE}, output=small.output
    )
    before = files(tmp_path / "pages")
    other.run("--host-config", settings, now="2025-01-06")
    assert changed(tmp_path / "pages", before) == {
        *("index.html", "about/c.js", "reports/c.html", "data/c.js")
    }
    assert "reports/a.html" in (tmp_path / "pages/index.html").read_text()


def test_runs_of_two_projects_at_once_leave_one_whole_site(small: Project, tmp_path: Path) -> None:
    settings = host(small, "site: {folder: pages}")
    others = [
        Project(
            tmp_path / name,
            f"{SQLITE}reports:\n  {name}: {{}}\n",
            {f"{name}.sql": ONE},
            output=small.output,
        )
        for name in ("c", "d", "e")
    ]
    with ExitStack() as stack:
        runs = [stack.enter_context(one.started("--host-config", settings)) for one in others]
        for run in runs:
            run.ended(0)
    index = (tmp_path / "pages/index.html").read_text()
    assert all(f"reports/{name}.html" in index for name in ("c", "d", "e"))


def test_a_site_that_cannot_be_written_fails_the_run(small: Project, tmp_path: Path) -> None:
    written(tmp_path / "pages/notes.txt", "someone's")
    settings = host(small, "site: {folder: pages}")
    said = small.run("--host-config", settings, now="2025-01-05", code=1)
    assert "the site" in said
    assert "holds other things than a site (name an empty folder" in said
    assert small.dates("b")[-1] == "2025-01-04"  # the results are there all the same


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("site: {title: x}", "site has no 'folder' (for example folder: /srv/www/reports)"),
        ("site: x", "'site' must be a mapping of keys to values"),
        ("site: {folder: x, colour: red}", "unknown key 'colour' of site"),
    ],
)
def test_wrong_settings_are_reported_and_keep_no_report_from_running(
    small: Project, text: str, what: str
) -> None:
    said = small.run("--host-config", host(small, text), now="2025-01-05", code=1)
    assert what in said
    assert small.dates("b")[-1] == "2025-01-04"


def test_what_is_no_folder_for_a_site_is_refused(small: Project, tmp_path: Path) -> None:
    for to, what in (
        (small.output / "site", "lies in the output folder (a site needs a folder of its own)"),
        (small.folder, "holds other things than a site"),
    ):
        said = small.call("site", small.output, small.folder, "--to", to, code=2).stderr
        assert what in said
    other = tmp_path / "other"
    other.mkdir()
    site_of(small)
    said = small.call("site", other, "--to", tmp_path / "site", code=2).stderr
    assert "is the site of another output folder" in said
    inside = written(tmp_path / "file", "") / "site"
    said = small.call("site", small.output, small.folder, "--to", inside, code=2).stderr
    assert re.search(r"the site cannot be written: .*Not a directory \(it needs a folder", said)


def test_what_someone_has_changed_in_the_memory_is_written_anew(
    small: Project, tmp_path: Path
) -> None:
    site_of(small)
    before = files(tmp_path / "site")
    for text in (
        "",
        "5",
        "{}",
        "[1, 2]",
        '{"tsvs": {"b.tsv": [1]}, "unit": "days"}',
        '{"tsvs": 5}',
    ):
        for path in (tmp_path / "site/.written").glob("**/*.json"):
            if path.name != "output.json":
                path.write_text(text)
        site_of(small)
        assert changed(tmp_path / "site", before) == set()


def test_a_name_in_another_spelling_has_its_rows(tmp_path: Path) -> None:
    """As a file system writes it that takes names apart."""
    config = (
        f"{SQLITE}reports:\n  a: {{explode_by: {{wiki: {{values: [é], allow_values: any}}}}}}\n"
    )
    one = Project(tmp_path, config, {"a.sql": f"{ONE}, '{{wiki}}' AS w"})
    one.run(now="2025-01-04")
    (one.output / "a/\u00e9.tsv").rename(one.output / "a/e\u0301.tsv")
    site_of(one)
    assert "[[1,1,1]" in (tmp_path / "site/data/a/\u00e9.js").read_text()


def test_what_is_asked_for_is_on_the_pages(with_site: WithSite) -> None:
    index = (with_site.site / "index.html").read_text()
    names = re.findall(r'href="reports/(\w+)\.html"', index)
    assert names == ["gone_wrong", "daily_edits", "by_kind", "hourly", "many_kinds", "odd"]
    page = (with_site.site / "reports/daily_edits.html").read_text()
    for text in (
        "ada@example.org",
        'href="https://tickets.example.org/T1"',
        "dewiki",
        "it failed: integer overflow",
        "its result failed the check range and is held",
        "1,010 → <strong>1,234</strong>",
        "<bdi>edits</bdi> nothing → <strong>5,050</strong>",
        "passed (2025-02-27, enwiki)",
        "WHERE wiki = &#x27;{wiki}&#x27;",
        "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;",
    ):
        assert text in page, text
    assert HOSTILE not in page
