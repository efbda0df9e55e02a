"""PyMySQL's connection, made quickly. Imported with the first connection, as PyMySQL is."""

from __future__ import annotations

import ssl
from typing import Any

from pymysql import connections  # noqa: TID253

_Connection: Any = connections.Connection  # its stubs lack what is changed here


class QuickConnection(_Connection):  # type: ignore[misc]
    """A connection that reads this host's certificates only where they are looked at.

    PyMySQL speaks TLS with every server that can. Where the creds_file has no `ssl-` lines it takes
    any certificate, and has read all that this host trusts nevertheless: 20 ms of the processor, in
    which no other thread runs, for each connection.
    """

    def _create_ssl_ctx(self, options: Any) -> ssl.SSLContext:
        if options:
            context: ssl.SSLContext = super()._create_ssl_ctx(options)
            return context
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
