"""Whose TSVs they are: every way in which a report may meet those of another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reportupdater.errors import TsvError
from reportupdater.state import owners
from reportupdater.state.database import State
from reportupdater.state.owners import Owner

OWNER = Owner("r", "/srv/a", "/srv/a", "/srv/a/config.yaml", "days", "")
OTHER = Owner("r", "/srv/b", "/srv/b", "/srv/b/config.yaml", "days", "")


def claim(state: State, owner: Owner) -> None:
    with state.transaction() as connection:
        owners.claim(connection, owner)


def says(answer: bool) -> Callable[[str, str], bool]:
    def still_has(config: str, report: str) -> bool:
        assert (config, report) == ("/srv/a/config.yaml", "r")
        return answer

    return still_has


def nobody_asks(config: str, report: str) -> bool:
    pytest.fail("another configuration was read for nothing")


@pytest.fixture
def tsv(state: State) -> Path:
    """The report's TSV, written by its owner."""
    claim(state, OWNER)
    path = state.output / "r.tsv"
    path.touch()
    return path


def test_tsvs_that_nobody_has_claimed_are_anybodys(state: State) -> None:
    (state.output / "r.tsv").touch()  # the original's
    owners.check(state, OWNER, nobody_asks)


@pytest.mark.usefixtures("tsv")
def test_the_owner_goes_on(state: State) -> None:
    owners.check(state, OWNER, nobody_asks)


@pytest.mark.usefixtures("tsv")
def test_another_report_has_nothing_to_do_with_it(state: State) -> None:
    owners.check(state, OTHER._replace(report="s", granularity="weeks"), nobody_asks)


@pytest.mark.parametrize(
    "newcomer",
    [OTHER, OWNER._replace(granularity="weeks"), OWNER._replace(dimensions="wiki")],
    ids=["project", "granularity", "dimensions"],
)
def test_as_long_as_none_stands_anybody_may_begin(state: State, tsv: Path, newcomer: Owner) -> None:
    tsv.unlink()
    owners.check(state, newcomer, nobody_asks)


def test_another_granularity_is_refused(state: State, tsv: Path) -> None:
    with pytest.raises(TsvError) as caught:
        owners.check(state, OWNER._replace(granularity="weeks"), nobody_asks)
    assert str(caught.value) == (
        f"{tsv}: its TSVs are of granularity days, the report is of weeks now"
        f" (move {tsv} away, or give the report another name)"
    )


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ("", "wiki", "exploded by nothing, the report by wiki now"),
        ("editor,wiki", "", "exploded by editor,wiki, the report by nothing now"),
        ("editor,wiki", "wiki", "exploded by editor,wiki, the report by wiki now"),
    ],
)
def test_other_dimensions_are_refused(state: State, before: str, now: str, told: str) -> None:
    claim(state, OWNER._replace(dimensions=before))
    place = state.output / ("r" if before else "r.tsv")
    place.mkdir()
    with pytest.raises(TsvError) as caught:
        owners.check(state, OWNER._replace(dimensions=now), nobody_asks)
    assert str(caught.value) == (
        f"{place}: its TSVs are {told} (move {place} away, or give the report another name)"
    )


def test_another_project_is_refused_while_the_first_has_the_report(state: State, tsv: Path) -> None:
    with pytest.raises(TsvError) as caught:
        owners.check(state, OTHER, says(True))
    assert str(caught.value) == (
        f"{tsv}: its TSVs are written by another project, /srv/a/config.yaml (give one of the two another name"
        " or another output folder; to hand the report over to this project, take it out of"
        " /srv/a/config.yaml)"
    )


@pytest.mark.usefixtures("tsv")
def test_another_project_takes_over_what_the_first_has_given_up(state: State) -> None:
    owners.check(state, OTHER, says(False))
    claim(state, OTHER)
    owners.check(state, OTHER, nobody_asks)


@pytest.mark.usefixtures("tsv")
def test_the_shape_counts_also_for_who_takes_over(state: State) -> None:
    with pytest.raises(TsvError, match="of granularity days"):
        owners.check(state, OTHER._replace(granularity="hours"), nobody_asks)


@pytest.mark.parametrize(
    "newcomer",
    [
        OWNER._replace(folder="/home/me/a", config="/home/me/a/config.yaml"),
        OWNER._replace(real_folder="/srv/releases/2"),
    ],
    ids=["through a symbolic link", "a link that leads elsewhere now"],
)
@pytest.mark.usefixtures("tsv")
def test_a_project_is_the_same_by_its_name_or_by_its_place(state: State, newcomer: Owner) -> None:
    owners.check(state, newcomer, nobody_asks)


@pytest.mark.usefixtures("tsv")
def test_another_configuration_in_the_folder_is_another_project(state: State) -> None:
    other = OWNER._replace(config="/srv/a/other.yaml")
    with pytest.raises(TsvError, match=r"written by another project, /srv/a/config\.yaml"):
        owners.check(state, other, says(True))
    owners.check(state, other, says(False))


def test_an_owner_knows_its_folder_by_both_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    owner = Owner.of("r", Path("link"), Path("link/config.yaml"), "days", ["editor", "wiki"])
    link, real = str(tmp_path / "link"), str(tmp_path / "real")
    assert owner == Owner("r", link, real, f"{link}/config.yaml", "days", "editor,wiki")


def test_a_report_of_another_shape_is_begun_anew_without_a_scan_of_the_attempts(
    state: State,
) -> None:
    claim(state, OWNER)
    said: list[str] = []
    with state.reading() as connection:
        connection.set_trace_callback(said.append)
        owners.begin_anew(state, OWNER._replace(granularity="hours"))
        connection.set_trace_callback(None)
        plans = [
            str(step[3])
            for statement in said
            if statement.startswith("DELETE")
            for step in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]
    assert plans
    assert not [step for step in plans if step.startswith("SCAN")]
