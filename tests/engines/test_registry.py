from __future__ import annotations

import subprocess
import sys

import pytest

from reportupdater.engines.registry import ENGINES, definition, engine
from reportupdater.model import Database


def test_every_kind_of_database_has_its_engine() -> None:
    for name in ENGINES:
        definition(name)
    kinds = [
        kind for kind in Database.__subclasses__() if kind.__module__.startswith("reportupdater.")
    ]
    assert {kind.engine for kind in kinds} == set(ENGINES)


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        engine("oracle")


def test_each_engine_is_imported_when_it_is_asked_for_and_its_driver_later_still() -> None:
    program = """
import sys
from reportupdater.engines.registry import engine
loaded = {name.rpartition(".")[2] for name in sys.modules if name.startswith("reportupdater.engines.")}
assert loaded == {"registry", "base", "shared", "query_file"}, loaded
engine("mysql")
assert "reportupdater.engines.script.config" not in sys.modules
assert "pymysql" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
