"""PyMySQL's connection, which is given everything. Imported with the first connection, as PyMySQL is."""

from __future__ import annotations

import ssl
from typing import Any

from pymysql import connections  # noqa: TID253
from pymysql.constants import CLIENT  # noqa: TID253
from pymysql.cursors import SSCursor  # noqa: TID253

from reportupdater.credentials.creds_file import Options
from reportupdater.engines.shared.hiding import Hidden

_Connection: Any = connections.Connection  # its stubs lack what is changed here


class QuickConnection(_Connection):  # type: ignore[misc]
    """A connection that is made as an option file says, which PyMySQL itself reads otherwise.

    Without a context of ours PyMySQL would read all certificates that this host trusts for each
    connection, 20 ms of the processor in which no other thread runs, even where it looks at none.
    """

    def __init__(
        self,
        host: str,
        port: int,
        options: Options,
        *,
        encryption: ssl.SSLContext | None,
        must_encrypt: bool,
        timeout: float | None,
    ) -> None:
        """`timeout` is in seconds, for each answer; without one, answers are waited for."""
        super().__init__(
            host=host,
            port=port,
            user=options.user or None,
            password=options.password or b"",
            charset="utf8mb4",
            autocommit=True,
            cursorclass=SSCursor,
            ssl=encryption,
            ssl_disabled=encryption is None,
            read_timeout=timeout,
            write_timeout=timeout,
            program_name="reportupdater",
            defer_connect=True,
        )
        self.hidden = Hidden(self.user if options.user else None, self.password)
        if not must_encrypt:
            self._ssl_required = False
            self.client_flag &= ~CLIENT.SSL

    def connect_over(self, sock: Any, *, is_local: bool) -> None:
        """Log in over a socket. What never leaves this host needs no encryption to be secure."""
        self._secure = is_local
        try:
            self.connect(sock)
        except Exception as error:
            self.hidden.clean(error)
            raise

    def _read_query_result(self, unbuffered: bool = False) -> int:
        try:
            count: int = super()._read_query_result(unbuffered)
        except Exception as error:
            self.hidden.clean(error)
            raise
        return count
