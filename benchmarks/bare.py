"""What the runner is measured against: loops that do the same work and nothing else.

Each is a program of its own: `python bare.py NAME ARGUMENTS-AS-JSON`. They check, retry, remember and
lock nothing.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any


def queries(
    port: int,
    creds_file: str,
    wikis: list[str],
    starts: str,
    days: int,
    query: str,
    output: str,
    threads: int = 1,
) -> None:
    """A query for each wiki and day with PyMySQL, then each TSV written once."""
    import pymysql

    first = date.fromisoformat(starts)
    dates = [first + timedelta(days=number) for number in range(days + 1)]

    def work(mine: list[str]) -> None:
        connection = pymysql.connect(
            host="127.0.0.1", port=port, read_default_file=creds_file, autocommit=True
        )
        cursor = connection.cursor()
        for wiki in mine:
            connection.select_db(wiki)
            rows: list[Any] = []
            header: list[str] = []
            for start, end in pairwise(dates):
                cursor.execute(
                    query.format(
                        from_date=start.isoformat(),
                        from_timestamp=start.strftime("%Y%m%d000000"),
                        to_timestamp=end.strftime("%Y%m%d000000"),
                    )
                )
                header = [column[0] for column in cursor.description]
                rows += cursor.fetchall()
            with open(f"{output}/{wiki}.tsv", "w", newline="") as file:
                writer = csv.writer(file, dialect="excel-tab", lineterminator="\n")
                writer.writerow(header)
                writer.writerows(rows)
        connection.close()

    if threads == 1:
        work(wikis)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, [wikis[at::threads] for at in range(threads)]))


def reading(output: str) -> None:
    """All TSVs of a folder, read by `csv.reader`."""
    for path in sorted(Path(output).glob("**/*.tsv")):
        with path.open(newline="", encoding="utf-8") as file:
            for _row in csv.reader(file, dialect="excel-tab"):
                pass


def rewriting(output: str) -> None:
    """All TSVs of a folder, read by `csv.reader`, sorted and written by `csv.writer`."""
    for path in sorted(Path(output).glob("**/*.tsv")):
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file, dialect="excel-tab")
        rows.sort(key=lambda row: row[0])
        with path.with_suffix(".new").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, dialect="excel-tab", lineterminator="\n").writerows([header, *rows])
        path.with_suffix(".new").replace(path)


def scripts(script: str, starts: str, days: int, output: str, threads: int) -> None:
    """A script for each day, so many at once, then the TSV written once."""
    first = date.fromisoformat(starts)

    def work(number: int) -> list[str]:
        start = first + timedelta(days=number)
        end = start + timedelta(days=1)
        said = subprocess.run(
            [script, start.isoformat(), end.isoformat(), str(Path(script).parent)],
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        ).stdout
        return said.splitlines()

    with ThreadPoolExecutor(threads) as pool:
        lines = list(pool.map(work, range(days)))
    with open(f"{output}/script.tsv", "w") as file:
        print(lines[0][0], *(line for _, *rows in lines for line in rows), sep="\n", file=file)


if __name__ == "__main__":
    globals()[sys.argv[1]](**json.loads(sys.argv[2]))
