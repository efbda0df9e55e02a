"""A series as a line of a word's size, in SVG."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from reportupdater.publish.markup import Markup, element

WIDTH, HEIGHT = 120, 24
_MARGIN = 2


def sparkline(values: Sequence[float | None], label: str) -> Markup:
    """Return the line of values, which breaks where one is None; a single one between gaps is a dot."""
    known = [value for value in values if value is not None]
    if not known:
        return Markup("")
    low, high = min(known), max(known)
    across = (WIDTH - 2 * _MARGIN) / max(len(values) - 1, 1)
    up = (HEIGHT - 2 * _MARGIN) / ((high - low) or 1)
    points = [
        None if value is None else (_MARGIN + at * across, HEIGHT - _MARGIN - (value - low) * up)
        for at, value in enumerate(values)
    ]
    parts: list[Markup] = []
    for is_gap, some in groupby(points, key=lambda point: point is None):
        if is_gap:
            continue
        line = [f"{point[0]:.1f},{point[1]:.1f}" for point in some if point]
        if len(line) == 1:
            x, _, y = line[0].partition(",")
            parts.append(element("circle", cx=x, cy=y, r=1.5))
        else:
            parts.append(element("polyline", points=" ".join(line)))
    return element(
        "svg",
        *parts,
        class_="spark",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        width=WIDTH,
        height=HEIGHT,
        role="img",
        aria_label=label,
    )
