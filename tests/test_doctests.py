"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import reportupdater


def test_the_examples_in_docstrings_are_true() -> None:
    examples = 0
    for module in pkgutil.walk_packages(reportupdater.__path__, "reportupdater."):
        if module.name.endswith("__main__"):
            continue  # importing it runs the program
        result = doctest.testmod(importlib.import_module(module.name))
        assert result.failed == 0, module.name
        examples += result.attempted
    assert examples > 0
