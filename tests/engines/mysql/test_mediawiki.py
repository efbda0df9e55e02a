from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from reportupdater.engines.mysql import mediawiki
from reportupdater.engines.mysql.config import MysqlDatabase, Shards
from reportupdater.engines.mysql.engine import MysqlEngine
from reportupdater.engines.mysql.mediawiki import Mediawiki, Place
from reportupdater.errors import ReportupdaterError
from reportupdater.model import Server, Task
from tests.engines.tasks import sql_task
from tests.helpers import patient
from tests.servers.dns import SRV_NAME, ZONE, Dns, running_dns, srv
from tests.servers.mariadb import Mariadb

LISTS = {
    "s1": "# NOTE: This file is made by a program.\nenwiki\n",
    "s2": "dewiki\n\n  frwiki  # moved in 2020\r\n",
    "s10": "eswiki",
    "all": "enwiki\ndewiki\nfrwiki\neswiki\n",
    "sandbox": "testwiki\n",
    "large": "enwiki\n",
}
SECTIONS = ("s1", "s2", "s7", "s10", "x1", "staging")
PLACES = {section: ("localhost", 3310 + number) for number, section in enumerate(SECTIONS)}


@pytest.fixture(scope="module")
def dns() -> Iterator[Dns]:
    records = (
        srv("s5", "far.example.org", 1, priority=20, weight=9),
        srv("s5", "light.example.org", 2, priority=10, weight=1),
        srv("s5", "heavy.example.org", 3, priority=10, weight=2),
        f"--srv-host={SRV_NAME.replace('{section}', 's6')}",
        f"--host-record={SRV_NAME.replace('{section}', 's8')},127.0.0.1",
    )
    with running_dns(*records, sections=PLACES) as server:
        yield server


@pytest.fixture
def config_path(tmp_path: Path) -> Path:
    """A copy of MediaWiki's configuration."""
    write(tmp_path, LISTS)
    return tmp_path


def write(config_path: Path, lists: Mapping[str, str | bytes]) -> None:
    folder = config_path / "dblists"
    folder.mkdir(exist_ok=True)
    for name, text in lists.items():
        data = text if isinstance(text, bytes) else text.encode()
        (folder / f"{name}.dblist").write_bytes(data)


def shards(config_path: Path, dns: Dns, *, use_x1: bool = False) -> Shards:
    return Shards(config_path, SRV_NAME, use_x1, ("127.0.0.1", dns.port))


def place(how: Shards, wiki: str, *, is_wiki: bool = True) -> Place:
    return Mediawiki().place(how, wiki, is_wiki=is_wiki)


def failure(how: Shards, wiki: str, *, mediawiki: Mediawiki | None = None) -> str:
    with pytest.raises(ReportupdaterError) as caught:
        (mediawiki or Mediawiki()).place(how, wiki, is_wiki=True)
    return str(caught.value)


@pytest.mark.parametrize(
    ("wiki", "section"),
    [
        ("enwiki", "s1"),
        ("dewiki", "s2"),
        ("frwiki", "s2"),
        ("eswiki", "s10"),
        ("centralauth", "s7"),
        ("staging", "staging"),
    ],
)
def test_the_server_of_a_wiki_is_that_of_the_section_whose_list_it_is_in(
    config_path: Path, dns: Dns, wiki: str, section: str
) -> None:
    assert place(shards(config_path, dns), wiki) == PLACES[section]


@pytest.mark.parametrize(
    ("database", "section"),
    [("enwiki", "x1"), ("eswiki", "x1"), ("centralauth", "s7"), ("staging", "staging")],
)
def test_with_use_x1_further_data_of_all_wikis_is_on_x1(
    config_path: Path, dns: Dns, database: str, section: str
) -> None:
    assert place(shards(config_path, dns, use_x1=True), database) == PLACES[section]


def test_with_use_x1_a_fixed_database_need_be_no_wikis(tmp_path: Path, dns: Dns) -> None:
    how = shards(tmp_path / "nowhere", dns, use_x1=True)
    assert place(how, "wikishared", is_wiki=False) == PLACES["x1"]


@pytest.mark.parametrize(
    ("expression", "wikis"),
    [
        ("%% all", {"enwiki", "dewiki", "frwiki", "eswiki"}),
        ("%% all.dblist - s1.dblist", {"dewiki", "frwiki", "eswiki"}),
        ("%%s1 + s2 - large", {"dewiki", "frwiki"}),
        ("%% all & s2 + s10 # and so on", {"dewiki", "frwiki", "eswiki"}),
        ("# computed\n%% s2\nptwiki", {"dewiki", "frwiki", "ptwiki"}),
    ],
)
def test_a_list_may_be_made_from_other_lists(
    config_path: Path, dns: Dns, expression: str, wikis: set[str]
) -> None:
    names = {"enwiki", "dewiki", "frwiki", "eswiki", "ptwiki", "testwiki"}
    write(config_path, {"every": (config_path / "dblists/all.dblist").read_bytes()})
    write(config_path, {"all": expression.replace("all", "every")})
    how = shards(config_path, dns, use_x1=True)
    asked = Mediawiki()
    for wiki in wikis:
        assert asked.place(how, wiki, is_wiki=True) == PLACES["x1"]
    for wiki in names - wikis:
        assert f"cannot find the server of {wiki}: it is not in" in failure(how, wiki)


NEW = "(is this copy of MediaWiki's configuration up to date?)"


@pytest.mark.parametrize(
    ("lists", "wiki", "problem"),
    [
        ({}, "zzwiki", "cannot find the server of zzwiki: it is in none of DBLISTS/s[0-9]*.dblist " + NEW),
        ({}, "testwiki", "cannot find the server of testwiki: it is in none of DBLISTS/s[0-9]*.dblist " + NEW),
        ({}, "enwikki", "cannot find the server of enwikki: it is in none of DBLISTS/s[0-9]*.dblist (did you mean 'enwiki'?)"),
        ({"s3": "enwiki\n"}, "enwiki", "cannot find the server of enwiki: it is in s1.dblist and s3.dblist of DBLISTS " + NEW),
        ({"s3": b"\xe9wiki\n"}, "enwiki", "cannot read DBLISTS/s3.dblist: it is not UTF-8 " + NEW),
        ({"s3": "%% gone"}, "enwiki", "cannot read DBLISTS/gone.dblist: No such file or directory " + NEW),
        ({"s3": "%% all - s3"}, "enwiki", "DBLISTS/s3.dblist is made from itself"),
        ({"s3": "# no\n%% all -s1"}, "enwiki", "DBLISTS/s3.dblist:2: 'all -s1' is no name of a dblist"),
        ({"s3": "%%"}, "enwiki", "DBLISTS/s3.dblist:1: '' is no name of a dblist"),
        ({"s3": "%% ../../etc/passwd"}, "enwiki", "DBLISTS/s3.dblist:1: '../../etc/passwd' is no name of a dblist"),
    ],
)  # fmt: skip
def test_a_list_that_does_not_tell_is_named(
    config_path: Path, dns: Dns, lists: dict[str, str | bytes], wiki: str, problem: str
) -> None:
    write(config_path, lists)
    asked = dns.asked()
    folder = str(config_path / "dblists")
    assert failure(shards(config_path, dns), wiki) == problem.replace("DBLISTS", folder)
    assert dns.asked() == asked


def test_without_lists_the_error_says_where_to_get_them(tmp_path: Path, dns: Dns) -> None:
    assert failure(shards(tmp_path, dns), "enwiki") == (
        f"{tmp_path}/dblists has no s[0-9]*.dblist, where enwiki was looked for (`mw_config_path`"
        " of the database must name a copy of MediaWiki's configuration,"
        " operations/mediawiki-config)"
    )


OF_NAMES = "(`srv_name` of the database says how these records are called)"


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("s9", "there is no SRV record _s9-db._tcp.ZONE"),
        ("s8", "there is no SRV record _s8-db._tcp.ZONE"),
        ("s6", "the SRV record _s6-db._tcp.ZONE says that there is none"),
    ],
)
def test_a_record_that_does_not_tell_is_named_with_the_wiki(
    tmp_path: Path, dns: Dns, section: str, problem: str
) -> None:
    write(tmp_path, {section: "awiki\nbwiki\n"})
    wanted = (
        f"cannot find the server of the section {section}, that of awiki: "
        f"{problem.replace('ZONE', ZONE)} {OF_NAMES}"
    )
    how = shards(tmp_path, dns)
    asked = Mediawiki()
    assert failure(how, "awiki", mediawiki=asked) == wanted
    # The same error for all wikis of a section is one line of a summary.
    assert failure(how, "bwiki", mediawiki=asked) == wanted


def test_a_name_server_that_refuses_is_quoted(config_path: Path, dns: Dns) -> None:
    how = Shards(config_path, "_{section}._tcp.example.com", False, ("127.0.0.1", dns.port))
    said = failure(how, "enwiki")
    assert said.startswith(
        "cannot find the server of the section s1, that of enwiki: the name server 127.0.0.1, "
        f"port {dns.port}, has no answer to the SRV record _s1._tcp.example.com: "
    )
    assert "REFUSED" in said
    assert "\n" not in said


def test_a_name_that_dns_cannot_have_is_told(config_path: Path, dns: Dns) -> None:
    how = Shards(config_path, f"_{'x' * 64}.{{section}}", False, ("127.0.0.1", dns.port))
    assert "that of enwiki" in failure(how, "enwiki")


def test_of_several_servers_the_first_by_priority_and_then_by_weight_is_taken(
    tmp_path: Path, dns: Dns
) -> None:
    write(tmp_path, {"s5": "awiki"})
    assert place(shards(tmp_path, dns), "awiki") == ("heavy.example.org", 3)


def test_each_record_is_asked_for_once(tmp_path: Path, dns: Dns) -> None:
    write(tmp_path, {"s1": "awiki\nbwiki", "s2": "cwiki", "s9": "dwiki\newiki", "all": "awiki"})
    before = len(dns.asked())
    asked = Mediawiki()
    for _ in range(3):
        for wiki in ("awiki", "bwiki", "cwiki"):
            asked.place(shards(tmp_path, dns), wiki, is_wiki=True)
        for wiki in ("dwiki", "ewiki"):
            failure(shards(tmp_path, dns), wiki, mediawiki=asked)
        asked.place(shards(tmp_path, dns, use_x1=True), "awiki", is_wiki=True)
    sections = [name.partition("-")[0] for name in dns.asked()[before:]]
    assert sections == ["_s1", "_s2", "_s9", "_x1"]


def test_each_file_is_read_once(config_path: Path, dns: Dns) -> None:
    how = shards(config_path, dns)
    asked = Mediawiki()
    assert asked.place(how, "enwiki", is_wiki=True) == PLACES["s1"]
    write(config_path, {"s1": "", "s3": "\xff", "s10": "enwiki"})
    assert asked.place(how, "enwiki", is_wiki=True) == PLACES["s1"]
    assert asked.place(how, "eswiki", is_wiki=True) == PLACES["s10"]


def test_a_name_server_that_is_silent_is_asked_once(
    config_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mediawiki, "DNS_TIMEOUT", 0.5)
    with running_dns() as dead:
        dead.stop()
        how = shards(config_path, dead)
        asked = Mediawiki()
        began = time.monotonic()
        for wiki, section in {"enwiki": "s1", "dewiki": "s2", "frwiki": "s2"}.items():
            first = "dewiki" if section == "s2" else wiki
            assert failure(how, wiki, mediawiki=asked) == (
                f"cannot find the server of the section {section}, that of {first}: the name"
                f" server 127.0.0.1, port {dead.port}, did not answer within 0.5 s when asked for"
                f" its SRV record _{section}-db._tcp.{ZONE} (check the network; `nameserver` of"
                " the database names another server to ask)"
            )
        assert time.monotonic() - began < patient(1.5)


def wiki_task(entry: MysqlDatabase, wiki: str, query: str = "SELECT 1") -> Task:
    return sql_task(entry, query, dimensions={"wiki": wiki})


def test_wikis_of_one_server_share_its_sessions(config_path: Path, dns: Dns) -> None:
    entry = MysqlDatabase(name="farm", shards=shards(config_path, dns), wiki_dimension="wiki")
    engine = MysqlEngine()
    tasks = {wiki: wiki_task(entry, wiki) for wiki in ("enwiki", "dewiki", "frwiki")}
    servers = {wiki: engine.server(task) for wiki, task in tasks.items()}
    assert servers["enwiki"] == Server("mysql", "localhost:3310")
    assert servers["dewiki"] == servers["frwiki"] == Server("mysql", "localhost:3311")
    access = {wiki: engine.access(task) for wiki, task in tasks.items()}
    assert access["dewiki"] == access["frwiki"] != access["enwiki"]
    assert engine.query(tasks["dewiki"]).database == "dewiki"
    fixed = MysqlDatabase(name="one", host="localhost", port=3311, database="frwiki")
    assert engine.server(sql_task(fixed, "SELECT 1")) == servers["frwiki"]


def test_the_database_of_an_entry_without_a_dimension_is_looked_up(
    config_path: Path, dns: Dns
) -> None:
    how = shards(config_path, dns)
    engine = MysqlEngine()
    for database, port in {"dewiki": 3311, "centralauth": 3312}.items():
        entry = MysqlDatabase(name="farm", shards=how, database=database)
        assert engine.server(sql_task(entry, "SELECT 1")).address == f"localhost:{port}"
    x1 = MysqlDatabase(name="x1", shards=shards(config_path, dns, use_x1=True), database="cognate")
    assert engine.server(sql_task(x1, "SELECT 1")).address == "localhost:3314"


def test_a_session_of_a_wiki_runs_its_query_where_the_record_says(
    mariadb: Mariadb, fresh_database: str, tmp_path: Path
) -> None:
    write(tmp_path, {"s1": fresh_database})
    with running_dns(sections={"s1": ("localhost", mariadb.port)}) as server:
        entry = mariadb.entry(
            None, host=None, shards=shards(tmp_path, server), wiki_dimension="wiki"
        )
        task = wiki_task(entry, fresh_database, "SELECT '2015-01-02' AS d, DATABASE() AS name")
        engine = MysqlEngine()
        with closing(engine.session(task)) as session:
            session.connect()
            table = session.run(engine.query(task), max_rows=10, timeout=60)
    assert table.rows == [("2015-01-02", fresh_database)]


def test_a_server_that_is_down_is_named_with_its_record_as_the_place_to_look(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"s1": "awiki"})
    with running_dns(sections={"s1": ("localhost", 1)}) as server:
        entry = MysqlDatabase(name="farm", shards=shards(tmp_path, server), wiki_dimension="wiki")
        with (
            closing(MysqlEngine().session(wiki_task(entry, "awiki"))) as session,
            pytest.raises(ReportupdaterError, match="check the SRV record") as caught,
        ):
            session.connect()
    assert "cannot connect to localhost:1: " in str(caught.value)
