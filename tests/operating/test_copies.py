"""What docs/operating.md has people copy works as it stands."""

from __future__ import annotations

import http.server
import json
import os
import re
import shlex
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from reportupdater.config.on_failure import on_failure
from tests.helpers import ENVIRONMENT, ONE, SQLITE, Project, written
from tests.operating.copies import FILES, PAGE, block, copied


class Host:
    """A folder that has the page's layout in it: the program, a project, an output folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.projects = folder / "srv/reports/projects"
        self.output = folder / "srv/reports/output"
        self.output.mkdir(parents=True)
        program = f'exec {shlex.quote(sys.executable)} -m reportupdater "$@" --now 2025-01-03\n'
        written(folder / "opt/reportupdater/bin/reportupdater", f"#!/bin/sh\n{program}")

    def add(self, name: str, query: str = ONE) -> Path:
        """A project with one report of its own name."""
        made = Project(
            self.projects / name, SQLITE + f"reports: {{{name}: {{}}}}\n", {f"{name}.sql": query}
        )
        made.folder.rename(self.projects / f"{name}-")
        self.projects.joinpath(name).rmdir()
        return self.projects.joinpath(f"{name}-").rename(self.projects / name)

    def call(self, command: str) -> subprocess.CompletedProcess[str]:
        """What a shell does with a command line."""
        return subprocess.run(
            ["/bin/sh", "-c", command],
            env=ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def verified(*units: Path) -> str:
    """What systemd has to say of units; nothing if all is well."""
    ended = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stdout + ended.stderr


def test_systemd_finds_nothing_wrong_in_the_units(host: Host) -> None:
    units = host.folder / "units"
    for name in ("reportupdater@.service", "reportupdater@.timer"):
        written(units / name, copied(name, host.folder))
    drop_in = units / "reportupdater@.service.d/kerberos.conf"
    written(drop_in, copied("kerberos.conf", host.folder))
    both = [units / "reportupdater@edits.service", units / "reportupdater@edits.timer"]
    assert verified(*both) == ""
    # It would say so: of the unit, of the drop-in, of the timer.
    written(drop_in, "[Service]\nRuntimeDirectoryMode=all\n")
    written(units / "reportupdater@.timer", "[Timer]\nOnCalendar=now and then\n")
    said = verified(*both)
    assert "kerberos.conf:2: " in said
    assert "reportupdater@.timer:2: " in said


def test_the_unit_runs_a_project(host: Host) -> None:
    host.add("edits")
    (command,) = [
        line.removeprefix("ExecStart=")
        for line in copied("reportupdater@.service", host.folder).splitlines()
        if line.startswith("ExecStart=")
    ]
    ended = host.call(command.replace("%i", "edits"))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert (host.output / "edits.tsv").read_text().count("\n") == 3


def test_the_lines_of_the_crontab_run_their_projects_and_print_nothing(host: Host) -> None:
    lines = [
        line.split(maxsplit=6)
        for line in copied("crontab", host.folder).splitlines()
        if line and line[0].isdigit()
    ]
    for *_, user, command in lines:
        assert user == "reports"
        assert "%" not in command  # cron would end the command there
        host.add(command.rsplit("/projects/")[1].split()[0])
        ended = host.call(command)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert {path.name for path in host.output.glob("*.tsv")} == {"edits.tsv", "views.tsv"}


class _Mails(socketserver.StreamRequestHandler):
    """Enough of SMTP to take a mail."""

    def handle(self) -> None:
        self.wfile.write(b"220 mail1.example.org\r\n")
        for line in self.rfile:
            if line.upper().startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                sent = iter(self.rfile.readline, b".\r\n")
                # A line that begins with a dot is sent with one more.
                self.server.mail = b"".join(line.removeprefix(b".") for line in sent)  # type: ignore[attr-defined]
            if line.upper().startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"250 so it is\r\n")


class _Posts(http.server.BaseHTTPRequestHandler):
    """Takes what is posted."""

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.posted = self.rfile.read(length)  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(handler: type[socketserver.BaseRequestHandler]) -> Iterator[socketserver.TCPServer]:
    with socketserver.TCPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def broken(tmp_path: Path) -> Project:
    config = SQLITE + "reports: {edits: {owner: Ada}}\n"
    return Project(tmp_path, config, {"edits.sql": "SELECT n FROM nowhere"})


def fields(heading: str) -> set[str]:
    """The fields in the first table of a part of the page."""
    table = PAGE.partition(heading)[2].partition("| --- |")[2].partition("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[1:]]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_the_page_has_every_field_of_what_is_told_and_of_the_status(tmp_path: Path) -> None:
    told = tmp_path / "told"
    settings = written(tmp_path / "host.yaml", f"on_failure: [tee, {told}]\n")
    project = broken(tmp_path)
    project.run("--host-config", settings, code=1)
    (run,) = json.loads((project.output / ".reportupdater/status.json").read_text())[
        "projects"
    ].values()
    of_status, of_telling = fields("\n`status.json` is "), fields("\n### on_failure\n")
    assert of_status == set(run)
    assert of_status | of_telling == set(json.loads(told.read_text()))


def test_the_mail_of_a_bad_run_says_what_its_log_says(tmp_path: Path) -> None:
    with serving(_Mails) as server:
        where = f"{server.server_address[0]!s}:{server.server_address[1]}"
        command = [str(FILES / "mail-failure"), "--server", where, "ops@example.org"]
        settings = written(tmp_path / "host.yaml", f"on_failure: {json.dumps(command)}\n")
        project = broken(tmp_path)
        said = project.run("--host-config", settings, code=1)
        mail = message_from_bytes(server.mail, policy=policy.default)  # type: ignore[attr-defined]
    assert mail["To"] == "ops@example.org"
    assert mail["Subject"].endswith(": project: 3 failed")
    for line in said.splitlines():
        assert line.split(" ERROR ")[1] in mail.get_content()


def test_a_mail_that_nobody_takes_is_a_warning_that_says_so(tmp_path: Path) -> None:
    with serving(_Mails) as server:
        port = server.server_address[1]
    command = [str(FILES / "mail-failure"), "--server", f"127.0.0.1:{port}", "ops@example.org"]
    settings = written(tmp_path / "host.yaml", f"on_failure: {json.dumps(command)}\n")
    said = broken(tmp_path).run("--host-config", settings, code=1)
    assert said.splitlines()[-1].endswith(
        "this run may have gone unreported: it ended with exit code 1:"
        f" 127.0.0.1:{port} does not take the mail: [Errno 111] Connection refused"
    )


def test_the_chat_gets_the_text(tmp_path: Path) -> None:
    settings = block("# host settings\non_failure:\n  - sh")
    with serving(_Posts) as server:
        address = written(tmp_path / "chat", f"http://127.0.0.1:{server.server_address[1]}/hook\n")
        settings = settings.replace("/etc/reportupdater/chat-address", str(address))
        project = broken(tmp_path)
        host_config = written(tmp_path / "host.yaml", settings)
        said = project.run("--host-config", host_config, code=1)
        posted = json.loads(server.posted)  # type: ignore[attr-defined]
    assert "WARNING" not in said
    assert list(posted) == ["text"]
    assert posted["text"].endswith("[Ada]")
    found = on_failure([host_config])
    assert found
    assert found.words[0] == "sh"


def test_projects_that_have_not_run_of_late_are_found(host: Host) -> None:
    folder = host.add("edits")
    host.call(f"{host.folder}/opt/reportupdater/bin/reportupdater run {folder} {host.output}")
    command = block("jq -r ").replace("/srv/", f"{host.folder}/srv/")
    assert host.call(command).stdout == ""
    status = host.output / ".reportupdater/status.json"
    content = json.loads(status.read_text())
    content["projects"][f"{folder}/config.yaml"]["ended"] = "2025-01-01T00:00:00.000Z"
    status.write_text(json.dumps(content))
    assert host.call(command).stdout == (
        f"{folder}/config.yaml has not run since 2025-01-01T00:00:00.000Z\n"
    )


def test_what_is_published_has_no_state_and_no_file_that_is_just_written(host: Host) -> None:
    folder = host.add("edits")
    host.call(f"{host.folder}/opt/reportupdater/bin/reportupdater run {folder} {host.output}")
    written(host.output / "daily/enwiki.tsv", "date\tn\n")
    written(host.output / "daily/.dewiki.tsv.tmp", "date\t")
    there = host.folder / "there"
    written(there / "gone.tsv", "")
    command = block("rsync --archive --delete").replace(
        "/srv/reports", f"{host.folder}/srv/reports"
    )
    ended = host.call(command.replace("www1.example.org:/srv/published/reports/", f"{there}/"))
    assert ended.returncode == 0, ended.stderr
    found = {str(path.relative_to(there)) for path in there.rglob("*") if path.is_file()}
    assert found == {"edits.tsv", "daily/enwiki.tsv"}


def test_the_web_servers_hide_names_with_a_dot_in_the_folder_that_the_unit_writes_to() -> None:
    output = "/srv/reports/output"
    for name in ("nginx.conf", "apache.conf", "reportupdater@.service", "crontab"):
        assert output in (FILES / name).read_text()
    assert os.access(FILES / "mail-failure", os.X_OK)
