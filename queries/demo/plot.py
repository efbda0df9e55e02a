#!/usr/bin/env python3
"""Draws a column of a TSV as text: plot.py FILE COLUMN."""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path

BLOCKS = " ▁▂▃▄▅▆▇█"
BARS = 60
"""At most so many, side by side."""
LINES = 8
"""The height of the picture."""


def read(path: Path, column: str) -> dict[str, float]:
    """The column by date. The rows of one date are added up; empty fields count as nothing."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        date, *columns = rows.fieldnames or [""]
        if column not in columns:
            raise SystemExit(f"{path}: no column {column!r} (it has: {', '.join(columns)})")
        sums: defaultdict[str, float] = defaultdict(float)
        for row in rows:
            try:
                sums[row[date]] += float(row[column] or 0)
            except ValueError:
                text = f"{path}: {row[column]!r} in column {column!r} is no number"
                raise SystemExit(text) from None
    return dict(sums)


def averages(values: list[float], width: int) -> list[float]:
    """The averages of each `width` values; of the rest at the end, if any."""
    groups = [values[at : at + width] for at in range(0, len(values), width)]
    return [sum(group) / len(group) for group in groups]


def picture(bars: list[float]) -> list[str]:
    """Lines of text, from the top down, with the scale at the left."""
    top = max(*bars, 0) or 1
    steps = len(BLOCKS) - 1
    heights = [round(max(bar, 0) / top * LINES * steps) for bar in bars]
    lines = []
    for line in reversed(range(LINES)):
        label = f"{top * (line + 1) / LINES:.4g}" if line % 2 else ""
        blocks = (BLOCKS[min(max(height - line * steps, 0), steps)] for height in heights)
        lines.append(f"{label:>8} ┤{''.join(blocks)}".rstrip())
    return [*lines, f"{'0':>8} └{'─' * len(bars)}"]


def plot(path: Path, column: str) -> str:
    """The whole picture, at most 80 columns wide, or a line that says there is nothing to draw."""
    by_date = read(path, column)
    if not by_date:
        return f"{path} has no rows yet"
    dates = sorted(by_date)
    width = -(-len(dates) // BARS)
    bars = averages([by_date[date] for date in dates], width)
    axis = f"{dates[0]} {dates[-1]:>{max(len(bars) - len(dates[0]) - 1, 0)}}"
    each = "a bar each" if width == 1 else f"a bar is the average of {width}"
    title = f"{column}, {len(dates)} dates, {each}"
    return "\n".join([f"{'':10}{title}", *picture(bars), f"{'':10}{axis}"])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: plot.py FILE COLUMN")
    try:
        print(plot(Path(sys.argv[1]), sys.argv[2]))
    except OSError as error:
        raise SystemExit(str(error)) from None
