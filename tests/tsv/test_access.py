"""Who may do what with a TSV stays as it was when it is replaced, or it is not replaced."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reportupdater.errors import TsvError
from tests.machine import mode, replace, umask
from tests.servers.people import People

ACL, DEFAULT_ACL = "system.posix_acl_access", "system.posix_acl_default"
_USER, _NAMED_USER, _GROUP, _NAMED_GROUP, _MASK, _OTHER = 1, 2, 4, 8, 16, 32
_NO_ONE = 0xFFFFFFFF
R, RW = 4, 6


def acl(*entries: tuple[int, int, int]) -> bytes:
    """An access control list as the kernel takes it: of tags, permissions and numbers."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def listing(user: int, *, group: int = R, mask: int = RW, other: int = 0) -> bytes:
    """A list that lets one more user read and write."""
    return acl(
        (_USER, RW, _NO_ONE),
        (_NAMED_USER, RW, user),
        (_GROUP, group, _NO_ONE),
        (_MASK, mask, _NO_ONE),
        (_OTHER, other, _NO_ONE),
    )


@pytest.fixture
def folder(people: People) -> Iterator[Path]:
    """A folder of the group, in which every member may write, and that all users can reach."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        os.chown(path, 0, people.number)
        path.chmod(0o775)
        yield path


def refused(what: Callable[[], object], words: str) -> Callable[[], None]:
    """Something that ends in a TsvError of these words."""

    def asked() -> None:
        with pytest.raises(TsvError, match=words):
            what()

    return asked


def test_a_file_of_another_user_stays_that_users_when_root_replaces_it(
    people: People, folder: Path
) -> None:
    path = folder / "r.tsv"
    assert people.one.does(lambda: path.write_text("old\n"))
    path.chmod(0o600)
    replace(path, ["new\n"])
    found = path.stat()
    assert (found.st_uid, found.st_gid) == (people.one.number, people.one.own_group)
    assert mode(path) == 0o600
    assert people.one.does(lambda: path.read_text() == "new\n" or os._exit(3))
    assert not people.other.does(path.read_bytes)


@pytest.mark.parametrize("mask", [RW, R, 0])
def test_a_list_stays_and_its_mask_does_not_become_the_groups_right(
    people: People, folder: Path, mask: int
) -> None:
    path = folder / "r.tsv"
    path.write_text("old\n")
    wanted = listing(people.stranger.number, group=0, mask=mask)
    os.setxattr(path, ACL, wanted)
    os.chown(path, 0, people.number)
    replace(path, ["new\n"])
    assert os.getxattr(path, ACL) == wanted
    assert people.stranger.does(path.read_bytes) == (mask != 0)
    assert not people.one.does(path.read_bytes)


def test_a_file_without_a_list_gets_none_from_its_folder(people: People, folder: Path) -> None:
    path = folder / "r.tsv"
    path.write_text("old\n")
    path.chmod(0o640)
    os.setxattr(folder, DEFAULT_ACL, listing(people.stranger.number))
    replace(path, ["new\n"])
    with pytest.raises(OSError, match="No data available"):
        os.getxattr(path, ACL)
    assert mode(path) == 0o640
    assert not people.stranger.does(path.read_bytes)


def test_a_new_file_gets_its_folders_default_list_and_no_umask(
    people: People, folder: Path
) -> None:
    wanted = listing(people.stranger.number, other=R)
    os.setxattr(folder, DEFAULT_ACL, wanted)
    with umask(0o077):
        replace(folder / "r.tsv", ["new\n"])
    assert os.getxattr(folder / "r.tsv", ACL) == wanted
    assert people.stranger.does((folder / "r.tsv").read_bytes)


def test_a_members_run_keeps_group_mode_and_list_of_another_ones_file(
    people: People, folder: Path
) -> None:
    path = folder / "r.tsv"
    path.write_text("old\n")
    os.chown(path, people.other.number, people.number)
    wanted = listing(people.stranger.number, group=RW)
    os.setxattr(path, ACL, wanted)
    assert people.one.does(lambda: replace(path, ["new\n"]))
    found = path.stat()
    assert (found.st_uid, found.st_gid) == (people.one.number, people.number)
    assert os.getxattr(path, ACL) == wanted
    assert people.other.does(path.read_bytes)


def test_a_file_is_not_replaced_where_its_owner_could_not_read_it_any_more(
    people: People, folder: Path
) -> None:
    path = folder / "r.tsv"
    path.write_text("old\n")
    os.chown(path, people.stranger.number, people.number)
    path.chmod(0o640)
    words = f"it belongs to {people.stranger.name}, who could not read it any more"
    assert people.one.does(refused(lambda: replace(path, ["new\n"]), words))
    assert path.read_text() == "old\n"
    assert path.stat().st_uid == people.stranger.number
    path.chmod(0o644)
    assert people.one.does(lambda: replace(path, ["new\n"]))
    assert path.read_text() == "new\n"


@pytest.mark.parametrize("bits", [0o664, 0o604, 0o646])
def test_a_file_is_not_replaced_where_another_group_would_get_its_rights(
    people: People, folder: Path, bits: int
) -> None:
    path = folder / "r.tsv"
    path.write_text("old\n")
    os.chown(path, people.one.number, people.stranger.group)
    path.chmod(bits)
    words = "to which .*, who runs this, may not give files"
    assert people.one.does(refused(lambda: replace(path, ["new\n"]), words))
    assert path.read_text() == "old\n"
    assert sorted(one.name for one in folder.iterdir()) == ["r.tsv"]
    path.chmod(0o644)  # the same rights for the group as for all
    assert people.one.does(lambda: replace(path, ["new\n"]))


def test_a_group_that_is_asked_for_takes_the_place_of_one_that_may_not_be_given(
    people: People, folder: Path
) -> None:
    path = folder / "r.tsv"
    path.write_text("old\n")
    os.chown(path, people.one.number, people.stranger.group)
    path.chmod(0o640)
    assert people.one.does(lambda: replace(path, ["new\n"], group=people.group))
    assert (path.stat().st_gid, mode(path)) == (people.number, 0o640)
