"""What the errors of a HiveServer2 mean: which are the query's, which the connection's, what to do.

A server reports an error as text: the words that matter follow names of Java classes, and
above a stack. The phrases that are looked for are those of Hive, Spark, SASL and Kerberos.
"""

from __future__ import annotations

import re
import ssl
from http.client import HTTPException

from reportupdater.engines.hive.http import HttpError
from reportupdater.engines.hive.socket import Closed
from reportupdater.errors import ConnectionFailed, QueryError, ReportupdaterError, ResultError

KINIT = "get one with kinit, or name a keytab in KRB5_CLIENT_KTNAME"

_PREAMBLE = re.compile(
    r"\*?(?:[a-z]\w*\.){2,}[\w.$]*(?:Exception|Error)(?::\s*|$)"
    r"|Error running query: (?:\[[\w.]+\] (?=[a-z]\w*\.))?"
    r"|Error while (?:compiling|processing) statement: "
    r"|Error: "
    r"|FAILED: (?:Execution Error, return code -?\d+ from [\w.$]+\. (?=\S))?"
    r"(?:\w+(?:Exception|Error) )?(?:\[Error \d+\]:? ?)?"
)
STACK = re.compile(r"\s*(?:at [\w.$]+[(/]|\.\.\. \d+ more|Caused by: )")
_VERTEX = re.compile(r"Vertex failed, vertexName=([^,\n]+),.*?diagnostics=\[(.*)", re.DOTALL)
_EXCEPTION = re.compile(r"(?:[a-z]\w*\.){2,}([A-Z][\w$]*)(?:: (.*))?$")
_OF_NO_KIND = frozenset({"Exception", "RuntimeException", "HiveException", "IOException"})
"""Exceptions whose name adds nothing to what they say."""

_BAD_STATUS = re.compile(r"Bad status: \d+ \(b?['\"](.*)['\"]\)", re.DOTALL)

_ENDED = re.compile(
    r"Illegal Operation state transition from (?:CANCELED|CLOSED)"
    r"|HiveSession\.getSessionState\(\)\" is null"
)
"""A query whose operation or session was ended, in the words of a job that notices it."""

_Hints = tuple[tuple[re.Pattern[str], str], ...]


def _hints(*pairs: tuple[str, str]) -> _Hints:
    return tuple((re.compile(phrases, re.IGNORECASE), hint) for phrases, hint in pairs)


_OF_QUERY = _hints(
    (
        r"table not found|TABLE_OR_VIEW_NOT_FOUND",
        "check the table's name, and the `database` that the report runs in",
    ),
    (
        r"database does not exist|SCHEMA_NOT_FOUND",
        "check the entry's `database`, and USE in the query",
    ),
    (
        r"invalid table alias or column|UNRESOLVED_COLUMN|FIELD_NOT_FOUND",
        "check the column's name",
    ),
    (
        r"ParseException line|PARSE_SYNTAX_ERROR",
        "names that are words of HiveQL, such as date, need backticks: `date`",
    ),
    (
        r"AccessControlException|permission denied|does not have .*privilege",
        "the entry's user has no right to do that",
    ),
)

_LOST = re.compile(
    r"Invalid (?:Session|Operation)Handle"
    r"|SparkContext (?:was|has been) shut ?down|stopped SparkContext"
    r"|HiveServer2 is (?:shutting down|not running)"
    r"|decommissioned or inactive|inactive HS2 instance|due to HiveServer2 stop",
    re.IGNORECASE,
)
"""The server has been restarted, or is going down."""

_GONE = re.compile("Invalid OperationHandle")
_EXPIRED = re.compile("Invalid SessionHandle")
_FORBIDDEN_SETTING = re.compile("Cannot modify", re.IGNORECASE)

_OF_LOGIN = _hints(
    (r"no (?:valid |kerberos )?credentials", f"there is no Kerberos ticket: {KINIT}"),
    (
        r"ticket expired|(?:credential|context) has expired",
        f"the Kerberos ticket has ended: {KINIT}",
    ),
    (
        r"not found in kerberos database",
        "`kerberos_service_name` and `kerberos_host`, else `host`, must name the server's principal",
    ),
    (
        r"unsupported mechanism",
        "give `auth` the value that the server has for hive.server2.authentication",
    ),
    (
        r"validating the login|GSS initiate failed|HTTP 40[13]|authenticat",
        "check `auth`, and the user and password: `username`, `creds_file`, `password_env`",
    ),
    (
        r"not allowed to impersonate|validate proxy privilege",
        "the server lets no one act for this user: check `username`",
    ),
    (r"HTTP 40[45]", "check `http_path`: the server has hive.server2.thrift.http.path"),
)
"""The server or Kerberos will not let this user in; asking again would change nothing."""


def words(error: BaseException) -> str:
    """Return all that an error says, without what only programs read."""
    status = getattr(error.args[0], "status", None) if error.args else None
    if status is not None:
        message = status.errorMessage or "\n".join(status.infoMessages or ())
        return message or "the server gives no reason"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if bad := _BAD_STATUS.search(str(error)):
        return bad[1]
    if type(error).__name__ == "GSSError":
        reasons = [text for text in _texts(error.args) if text != "Success"]
        return reasons[-1] if reasons else "Kerberos gives no reason"
    return f"{type(error).__name__}: {error}"


def first_line(text: str) -> str:
    r"""Return the first line of what a server says that means something to a reader of SQL.

    >>> first_line("a.b.HiveSQLException: Error running query: a.b.ParseException: \nNo word 'x'")
    "No word 'x'"
    """
    if cause := of_vertex(text):
        return cause
    for line in text.splitlines():
        if STACK.match(line):
            break
        bare = line.strip()
        while preamble := _PREAMBLE.match(bare):
            bare = bare[preamble.end() :]
        if bare:
            return bare
    return " ".join(text.split("\n", 1)[0].split()) or "the server gives no reason"


def of_vertex(text: str) -> str:
    """Return why a job of Tez failed: the innermost cause of the first task.

    Empty where none is given.
    """
    failed = _VERTEX.search(text)
    if failed is None:
        return ""
    first, *stack = failed[2].splitlines()
    cause = first
    for line in stack:
        if line.startswith("]"):  # the next attempt, which mostly fails alike
            break
        if line.startswith("Caused by: "):
            cause = line.removeprefix("Caused by: ")
    return f"vertex {failed[1]} failed: {_java_message(cause)}"


def _java_message(line: str) -> str:
    """Return what the line of an exception says, with the exception's name where that says something.

    >>> _java_message("attempt_7_0:java.lang.RuntimeException: a.b.CastException: x is no y")
    'CastException: x is no y'
    """
    while exception := _EXCEPTION.search(line):
        name, line = exception[1], exception[2] or ""
        if not line:
            return name
        if not _EXCEPTION.match(line) and name not in _OF_NO_KIND:
            return f"{name}: {line}"
    return line.rpartition("info=[")[2]


def of_server(text: str, address: str) -> ReportupdaterError:
    """Return the error for what a server says of a query: its own error, or that of a server's end."""
    if _LOST.search(text):
        return ConnectionFailed(f"lost the session on {address}: {first_line(text)}")
    if _ENDED.search(text):
        return closed_by_others()
    return QueryError(first_line(text), hint=_hint(_OF_QUERY, text))


def of_query(error: Exception, address: str) -> ReportupdaterError:
    """Return the error for a query that could not be run to its end."""
    if _is_response(error):
        return of_server(words(error), address)
    if _is_of_transport(error):
        return ConnectionFailed(f"lost the connection to {address}: {words(error)}")
    if type(error).__name__ == "GSSError":
        what = f"cannot log in on {address}: {words(error)}"
        return ConnectionFailed(what, hint=login_hint(words(error)), retry=False)
    if type(error).__name__ == "TApplicationException":  # the server's own, while it answered
        return QueryError(f"{address} cannot answer: {error}")
    return ResultError(
        f"an answer of {address} cannot be read: {words(error)}",
        hint="let the query make text of what is special in it: CAST(… AS STRING)",
    )


def of_opening(address: str, seconds: float) -> ConnectionFailed:
    """Return the error for a server that lets the user in, and then takes too long to open a session."""
    return ConnectionFailed(
        f"{address} did not open a session within {seconds:g} s",
        hint="the server is busy, or waits for something itself; `open_session_timeout` of the"
        " entry is how long to wait for it",
    )


def of_login(error: Exception, address: str, auth: str, transport: str) -> ConnectionFailed:
    """Return the error for a session that could not be opened."""
    if isinstance(error, ConnectionFailed):
        return error
    if isinstance(error, ssl.SSLError):
        return _of_tls(error, address)
    text = words(error)
    if isinstance(error, OSError) and not isinstance(error, (Closed, HttpError, HTTPException)):
        return ConnectionFailed(
            f"cannot connect to {address}: {text}",
            hint="does a server run there? check `host` and `port`",
        )
    what = f"cannot log in on {address}: {first_line(text)}"
    if hint := login_hint(text):
        return ConnectionFailed(what, hint=hint, retry=False)
    if _is_response(error):
        # Whatever else it is, a crowd or a metastore that is away, may be over in a moment.
        forbidden = _FORBIDDEN_SETTING.search(text) is not None
        return ConnectionFailed(
            what, hint="check `settings`" if forbidden else "", retry=not forbidden
        )
    if isinstance(error, HttpError) or "KDC" in text:
        return ConnectionFailed(what)
    return ConnectionFailed(
        what,
        hint=f"does that server speak `transport: {transport}` with `auth: {auth}`?",
        retry=is_mute(error),
    )


def _of_tls(error: ssl.SSLError, address: str) -> ConnectionFailed:
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectionFailed(
            f"cannot trust the certificate of {address}: {error.verify_message}",
            hint="check `ca_file` and `host`: the certificate is made out to a name",
            retry=False,
        )
    return ConnectionFailed(
        f"cannot speak TLS with {address}: {(error.reason or str(error)).replace('_', ' ').lower()}",
        hint="does that server have hive.server2.use.SSL? else leave out `ssl: true`",
        retry=False,
    )


def is_mute(error: Exception) -> bool:
    """Return whether a server has ended the connection instead of an answer to a login.

    One that is being restarted does so, and one that has been spoken to in a way it does not know.
    """
    return isinstance(error, (Closed, ConnectionResetError, BrokenPipeError))


_SPOKEN = {
    "http": "it speaks HTTP: `transport: http`",
    "sasl": "it speaks `transport: binary`, with a login such as `auth: NONE`",
    "plain": "it speaks `transport: binary` with `auth: NOSASL`",
    "tls": "it speaks TLS: `ssl: true`",
}


def of_mismatch(address: str, auth: str, transport: str, spoken: str) -> ConnectionFailed:
    """Return the error for a server that speaks in another way than its entry says."""
    return ConnectionFailed(
        f"cannot log in on {address}: the server closed the connection",
        hint=f"that server does not speak `transport: {transport}` with `auth: {auth}`:"
        f" {_SPOKEN[spoken]}",
        retry=False,
    )


def is_gone(error: BaseException) -> bool:
    """Return whether a server knows a query no more."""
    return _is_response(error) and _GONE.search(words(error)) is not None


def is_timeout(text: str) -> bool:
    """Return whether a server says that a query was ended at its time limit, in the words of a job's end."""
    return "Illegal Operation state transition from TIMEDOUT" in text


def is_expired(error: BaseException) -> bool:
    """Return whether a server knows a session no more."""
    return isinstance(error, ConnectionFailed) and _EXPIRED.search(error.what) is not None


def closed_by_others() -> QueryError:
    """Return the error for a query that was ended on the server, and not by us."""
    return QueryError(
        "the query was stopped", hint="it was ended on the server, by someone or by a limit"
    )


def login_hint(text: str) -> str:
    """Return what to do where a server or Kerberos will not let this user in.

    Empty for other errors.
    """
    return _hint(_OF_LOGIN, text)


def _is_response(error: BaseException) -> bool:
    """Return whether the server reported the error, over a connection that is still good."""
    return bool(error.args) and hasattr(error.args[0], "status")


def _is_of_transport(error: BaseException) -> bool:
    """Return whether the way to the server failed: whatever else a client raises is no fault of that way."""
    from thrift.protocol.TProtocol import TProtocolException
    from thrift.transport.TTransport import TTransportException

    # Of the protocol are those for bytes that are no message: something else has answered.
    lost = OSError, EOFError, HTTPException, TTransportException, TProtocolException
    return isinstance(error, lost)


def _hint(hints: _Hints, text: str) -> str:
    return next((hint for phrases, hint in hints if phrases.search(text)), "")


def _texts(value: object) -> list[str]:
    if isinstance(value, tuple):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) else []
