"""Fixtures that all tests can ask for. Each kind of server has its module in `tests/servers/`."""

from __future__ import annotations

from tests.servers.mariadb import fresh_database, mariadb

__all__ = ["fresh_database", "mariadb"]
