"""Two users and a group, made for tests of what one user can do to another's runs; only root makes them."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

__all__ = ["People", "Person", "people"]


class Person(NamedTuple):
    """An ordinary user, of the group that both are in."""

    name: str
    number: int
    group: int
    own_group: int

    def does(self, what: Callable[[], object]) -> bool:
        """Do something as this user; whether it was possible."""
        pid = os.fork()
        if pid == 0:
            code = 2
            try:
                os.setgroups([self.group])
                os.setgid(self.own_group)
                os.setuid(self.number)
                what()
                code = 0
            except OSError:
                code = 1
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code in (0, 1), "neither done nor refused"
        return code == 0

    @property
    def through(self) -> list[str]:
        """What a command goes through to run as this user, who may read all: also this Python of root's."""
        ids = [f"--reuid={self.number}", f"--regid={self.own_group}", f"--groups={self.group}"]
        reading = "+dac_read_search"
        return ["setpriv", *ids, f"--inh-caps={reading}", f"--ambient-caps={reading}"]


class People(NamedTuple):
    """Two members of a group, and a user who is in none of its."""

    group: str
    number: int
    one: Person
    other: Person
    stranger: Person


@pytest.fixture(scope="session")
def people() -> Iterator[People]:
    """Users and a group with names of their own, gone in the end."""
    if os.geteuid() != 0:
        pytest.skip("NOT RUN: only root can make the users that this test needs")
    mark = uuid.uuid4().hex[:8]
    with ExitStack() as stack:

        def group(name: str) -> int:
            _account("groupadd", "--system", name)
            stack.callback(subprocess.run, ["groupdel", name], check=False, capture_output=True)
            return _number("group", name)

        def user(name: str, member_of: str) -> int:
            options = ["--system", "--no-create-home", "--gid", name, "--groups", member_of]
            _account("useradd", *options, "--shell", "/usr/sbin/nologin", name)
            stack.callback(subprocess.run, ["userdel", name], check=False, capture_output=True)
            return _number("passwd", name)

        names = [f"ru{mark}{letter}" for letter in "abc"]
        shared, outside = f"ru{mark}g", f"ru{mark}h"
        groups = {name: group(name) for name in (shared, outside, *names)}
        members = dict(zip(names, (shared, shared, outside), strict=True))
        yield People(
            shared,
            groups[shared],
            *(
                Person(name, user(name, members[name]), groups[members[name]], groups[name])
                for name in names
            ),
        )


def _account(*command: str) -> None:
    """Change the accounts of this host, as soon as no one else does."""
    done = None
    for _ in range(300):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if "cannot lock" not in done.stderr:
            break
        time.sleep(0.1)
    assert done is not None
    assert done.returncode == 0, done.stderr


def _number(kind: str, name: str) -> int:
    found = subprocess.run(
        ["getent", kind, name], check=True, capture_output=True, text=True
    ).stdout
    return int(found.split(":")[2])
