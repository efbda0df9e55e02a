"""The `checks` of a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from reportupdater.config.schema import check_keys
from reportupdater.configfile.sections import Reading, is_own, read_keys, subject
from reportupdater.errors import Problem
from reportupdater.model import Action


class Checks(NamedTuple):
    """What a report says of checks."""

    actions: Mapping[str, Action] = {}
    """Check that every report has → what is done with what fails it."""
    declared: tuple[object, ...] = ()
    """Those that the report declares, see `checks/`."""
    in_order: bool = False
    """Whether one compares with the intervals before."""


def read_checks(keys: Reading, defaults: Reading) -> tuple[Checks, list[Problem]]:
    """Return the checks of a report: its own keys over those of `defaults`, one by one."""
    layers = [defaults, keys] if is_own(keys, "checks") else [keys]
    sections = [layer.given["checks"] for layer in layers if "checks" in layer.given]
    sections = [given for given in sections if given.value is not None]
    if not sections:
        return Checks(), []
    from reportupdater.checks.change import Change
    from reportupdater.checks.registry import BY_NAME, DECLARED

    kinds = {kind.NAME: kind for kind in DECLARED}
    found: dict[str, tuple[object, ...]] = {}
    actions: dict[str, Action] = {}
    problems: list[Problem] = []
    for given in sections:
        owner = f"checks of {given.owner}"
        own, wrong = read_keys(given.value, check_keys(), owner)
        problems += wrong
        for name, one in own.given.items():
            if name in BY_NAME:
                actions[name] = one.value
            elif one.value is None:
                found.pop(name, None)
            else:
                declared, wrong = kinds[name].read(one.value, subject(name, owner))
                problems += wrong
                found[name] = tuple(declared)
    declared_of_all = tuple(one for kind in kinds for one in found.get(kind, ()))
    in_order = any(isinstance(one, Change) for one in declared_of_all)
    return Checks(actions, declared_of_all, in_order), problems
