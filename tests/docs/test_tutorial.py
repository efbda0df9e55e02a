"""docs/tutorial.md: whoever types what it says sees what it shows. UPDATE_DOCS=1 pastes that there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.helpers import ENVIRONMENT, written

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"(?:#!.*\n)?(?:#|--) (\S+)\n")
COMMAND = re.compile(r"^\$ (.*(?:\n> .*)*)\n?", re.MULTILINE)
HOME = "/home/ada/tutorial"
"""Where the page's reader is."""
VARYING = (
    (re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.MULTILINE), "…"),  # a line of the log
    (re.compile(r"(?<=last at )\d{4}-\d\d-\d\d \d\d:\d\d UTC"), "…"),
    (re.compile(r"(?<=held since )\d{4}-\d\d-\d\d \d\d:\d\d UTC"), "…"),
    (re.compile(r"(?<=tried )\d{4}-\d\d-\d\d \d\d:\d\d UTC"), "…"),
    (re.compile(r"\d+\.\d\d s(?= on |: )"), "… s"),
)
"""What differs from time to time, as the page says: moments, and how long a query took."""


class Walk:
    """Someone who types what stands in the page, in an empty folder."""

    def __init__(self, parent: Path) -> None:
        self.folder = parent / "tutorial"
        self.folder.mkdir()
        programs = parent / "bin"
        python = shlex.quote(sys.executable)
        written(programs / "python", f'#!/bin/sh\nexec {python} "$@"\n')
        written(programs / "reportupdater", f'#!/bin/sh\nexec {python} -m reportupdater "$@"\n')
        self.environment = ENVIRONMENT | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "COLUMNS": "80",
        }
        self.code = 0

    def block(self, match: re.Match[str]) -> str:
        """Do what a block says; the block with what is printed now."""
        language, text = match.groups()
        if language == "console":
            typed = [found[1] for found in COMMAND.finditer(text)]
            assert text.startswith("$ "), text
            text = "".join(f"$ {command}\n{self.says(command)}" for command in typed)
        else:
            name = NAME.match(text)
            assert name, text
            # It becomes executable only when the page says so.
            written(self.folder / name[1], text).chmod(0o644)
        return f"```{language}\n{text}```"

    def says(self, command: str) -> str:
        """What a command prints, on either stream."""
        ran = subprocess.run(
            ["bash", "-c", f"(exit {self.code})\n" + command.replace("\n> ", "\n")],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.code = ran.returncode
        said = ran.stdout.replace(str(self.folder), HOME)
        for pattern, instead in VARYING:
            said = pattern.sub(instead, said)
        return said


def test_whoever_walks_along_sees_what_the_page_shows(tmp_path: Path) -> None:
    walk = Walk(tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    used = set(re.findall(r"^\$ reportupdater (\w+)", page, re.MULTILINE))
    assert used == {"check", "try", "plan", "run", "status", "rerun", "held", "why", "site"}
    assert len(re.findall(r"^### \d", page, re.MULTILINE)) == 13
    walked = BLOCK.sub(walk.block, page)
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(walked, encoding="utf-8")
        page = walked
    assert walked == page
