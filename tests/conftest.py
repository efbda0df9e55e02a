"""Fixtures that all tests can ask for. Each kind of server has its module in `tests/servers/`."""

from __future__ import annotations

from tests.servers.carbon import carbon, fresh_node, render_api
from tests.servers.mariadb import fresh_database, mariadb

__all__ = ["carbon", "fresh_database", "fresh_node", "mariadb", "render_api"]
