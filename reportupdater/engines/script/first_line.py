"""What runs a script: its first line, as far as it can be judged without running it."""

from __future__ import annotations

import os
from pathlib import Path

from reportupdater.configfile.files import reason
from reportupdater.errors import Problem, Severity, Where

_ENOUGH = 4096  # bytes: systems look at fewer


def check_first_line(script: Path, where: Where, owner: str) -> list[Problem]:
    """Return what keeps a script from being started: on any host an error, on this one a warning.

    `where` is the place that names the script.
    """
    try:
        with script.open("rb") as file:
            line = file.readline(_ENOUGH)
    except PermissionError:
        return []  # what can be executed need not be readable
    except OSError as error:
        return [Problem(f"the script {script} of {owner} cannot be read: {reason(error)}", where)]
    there = Where(str(script), 1, 1)
    if not line.startswith(b"#!"):
        if b"\0" in line:
            return []  # a program in machine code
        what = f"the script of {owner} has no first line that names what runs it"
        return [Problem(what, there, "such as #!/usr/bin/env python3")]
    if line.endswith(b"\r\n"):
        what = f"the first line of the script of {owner} ends in CR LF"
        return [Problem(what, there, "save the file with LF line ends")]
    words = line[2:].decode(errors="replace").split()
    if not words:
        what = f"the first line of the script of {owner} names nothing that could run it"
        return [Problem(what, there, "such as #!/usr/bin/env python3")]
    if not os.path.exists(words[0]):
        what = f"the script of {owner} is run by {words[0]}, which is not on this host"
        return [Problem(what, there, "", Severity.WARNING)]
    return []
