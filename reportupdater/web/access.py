"""The keys by which a server is reached over HTTP, and what they give."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from reportupdater.configfile.files import Folders, absolute
from reportupdater.configfile.keys import Key
from reportupdater.configfile.kinds import PATH, section
from reportupdater.configfile.sections import Reading, read_texts, subject
from reportupdater.errors import Problem, Where, shown

KEYS = (
    Key(
        "creds_file",
        PATH,
        "An option file with `user` and `password` under `[client]`: basic authentication.",
    ),
    Key("bearer_file", PATH, "A file that holds a token, which is sent as `Bearer`."),
    Key(
        "ca_file",
        PATH,
        "Certificates (PEM) that vouch for the server. Without it, those of this host.",
    ),
    Key("cert_file", PATH, "A certificate (PEM) by which this host is known to the server."),
    Key("key_file", PATH, "Its private key (PEM); without it, that in `cert_file`."),
    Key(
        "headers",
        section("names to texts"),
        "Headers that each request has, for example `X-Scope-OrgID` for a tenant.",
    ),
)
_FILES = ("creds_file", "bearer_file", "ca_file", "cert_file", "key_file")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OURS = frozenset(
    (
        *("authorization", "proxy-authorization", "cookie", "host", "content-length"),
        *("content-type", "content-encoding", "transfer-encoding", "connection"),
        "x-prometheus-remote-write-version",
    )
)


@dataclass(frozen=True, slots=True)
class Access:
    """How a server is reached. What the files hold is read when it is needed, never before."""

    creds_file: Path | None = None
    bearer_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def read(
    keys: Reading, folders: Folders, owner: str, urls: Mapping[str, str]
) -> tuple[Access, list[Problem]]:
    """Return the access that keys give, all of which are valid, and what does not go together.

    `urls` are those that it is used for, by their keys.
    """
    headers, problems = (
        read_texts(keys["headers"], f"headers of {owner}") if keys["headers"] else ({}, [])
    )
    for name, (text, where) in headers.items():
        problems += _wrong_header(name, text, where, f"headers of {owner}")
    files = {
        name: absolute(folders.of(keys.where(name, Where(""))), os.path.expanduser(keys[name]))
        for name in _FILES
        if keys[name] is not None
    }
    problems += _together(keys, files, owner, urls)
    return Access(**files, headers={name: text for name, (text, _) in headers.items()}), problems


def _together(
    keys: Reading, files: Mapping[str, Path], owner: str, urls: Mapping[str, str]
) -> Iterator[Problem]:
    def problem(name: str, what: str, hint: str) -> Problem:
        return Problem(f"{subject(name, owner)} {what}", keys.where(name, Where("")), hint)

    if {"creds_file", "bearer_file"} <= files.keys():
        yield problem("bearer_file", "and 'creds_file' exclude each other", "give one of them")
    if "key_file" in files and "cert_file" not in files:
        yield problem("key_file", "is of no certificate", "give `cert_file`, too")
    for name in files:
        for key, url in urls.items():
            if url.startswith("https:"):
                continue
            if name in ("ca_file", "cert_file", "key_file"):
                yield problem(name, f"has no use: {shown(key)} is no https URL", "")
            elif not is_loopback(url):
                yield problem(
                    name,
                    f"would be sent without encryption: {shown(key)} is no https URL",
                    "what the traffic passes could use it",
                )


def _wrong_header(name: str, text: str, where: Where, owner: str) -> Iterator[Problem]:
    if not _HEADER.fullmatch(name):
        yield Problem(f"{subject(name, owner)} is no name of a header", where)
    elif name.lower() in _OURS:
        hint = (
            "`creds_file` and `bearer_file` are for credentials" if "auth" in name.lower() else ""
        )
        yield Problem(f"{subject(name, owner)} is not yours to set", where, hint)
    if not text.isascii():
        yield Problem(f"{subject(name, owner)} holds other characters than ASCII's", where)


def is_loopback(url: str) -> bool:
    """Return whether a URL leads to this host, so that no one sees the traffic."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
