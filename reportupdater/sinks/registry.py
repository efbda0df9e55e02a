"""The sinks by name: the only list of them."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from reportupdater.sinks.base import Definition

SINKS = {
    "graphite": "reportupdater.sinks.graphite.config:GraphiteSink",
    "prometheus": "reportupdater.sinks.prometheus.config:PrometheusSink",
}
"""Name → its definition, which is imported when it is first asked for."""

NAMES = ", ".join(f"`{name}`" for name in SINKS)
"""The sinks, as messages name them."""


def kind(name: str) -> str:
    """Return which of `SINKS` a sink of a project is: one that has further destinations is several.

    >>> kind("prometheus.victoria"), kind("graphite")
    ('prometheus', 'graphite')
    """
    return name.partition(".")[0]


def named(name: str, destination: str) -> str:
    """Return the name of a further destination of a sink, see `kind`."""
    return f"{name}.{destination}"


def definition(name: str) -> Definition:
    """Return the definition of a sink. Raises KeyError for a name that is of none of `SINKS`."""
    return _made(SINKS[kind(name)])


@cache
def _made(path: str) -> Definition:
    module, _, name = path.partition(":")
    made = getattr(import_module(module), name)()
    assert isinstance(made, Definition)
    return made
