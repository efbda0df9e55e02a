#!/usr/bin/env python3
"""How large edits are in one month: the quartiles of the bytes that they changed.

The runner calls a script with the interval's start and end (the end is the first date that does
not belong to it), the values of the dimensions if the report has any, and the script's own
folder. What it prints is the table, a header first. An exit code other than 0 is a failure.
"""

import sqlite3
import statistics
import sys
from pathlib import Path

start, end, folder = sys.argv[1:]

events = sqlite3.connect(Path(folder) / "events.sqlite")
sizes = [
    abs(size)
    for (size,) in events.execute(
        "SELECT bytes FROM edits WHERE timestamp >= ? AND timestamp < ?",
        (start.replace("-", ""), end.replace("-", "")),
    )
]
first_quartile, median, third_quartile = statistics.quantiles(sizes, n=4)

print("month", "q1", "median", "q3", "largest", sep="\t")
print(start, first_quartile, median, third_quartile, max(sizes), sep="\t")
