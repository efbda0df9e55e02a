"""TLS with a MySQL or MariaDB server: what an option file demands is honoured, or refused."""

from __future__ import annotations

import enum
import os
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, NoReturn

from reportupdater.credentials.creds_file import Given, damaged
from reportupdater.engines.shared import regular
from reportupdater.errors import ConnectionFailed, Where


class Mode(enum.Enum):
    """The values of `ssl-mode`, weakest first."""

    DISABLED = "DISABLED"
    PREFERRED = "PREFERRED"
    REQUIRED = "REQUIRED"
    VERIFY_CA = "VERIFY_CA"
    VERIFY_IDENTITY = "VERIFY_IDENTITY"


_VERIFYING = frozenset({Mode.VERIFY_CA, Mode.VERIFY_IDENTITY})

_VERSIONS = {"tlsv1.2": ssl.TLSVersion.TLSv1_2, "tlsv1.3": ssl.TLSVersion.TLSv1_3}
_OLD_VERSIONS = frozenset({"tlsv1", "tlsv1.0", "tlsv1.1"})
"""They may be listed beside the others, and are not spoken."""

_TRUE, _FALSE = frozenset({"", "1", "on", "true"}), frozenset({"0", "off", "false"})

_FILES = ("ssl-ca", "ssl-capath", "ssl-cert", "ssl-key", "ssl-crl")


class Tls(NamedTuple):
    """How a connection is to be encrypted. `texts` are the values of the other `ssl-` options."""

    mode: Mode
    texts: Mapping[str, str]
    where: Mapping[str, Where]
    """Where each of them is given."""


def demanded(lines: Iterable[Given]) -> Tls:
    """Return what the lines about TLS add up to. Raises ConnectionFailed where that is unclear.

    A named authority is always asked about the certificate. Any option but `ssl-mode=PREFERRED`
    makes TLS a must.
    """
    mode: Mode | None = None
    verify = False
    texts: dict[str, str] = {}
    where: dict[str, Where] = {}
    for given in lines:
        where[given.name] = given.where
        match given.name:
            case "ssl":
                mode = Mode.REQUIRED if _switch(given) else Mode.DISABLED
            case "ssl-mode":
                mode = _mode(given)
            case "ssl-verify-server-cert":
                verify = _switch(given)
            case "":
                _refuse(given.where, "a TLS option that is not known here")
            case name:
                texts[name] = _text(given)
    texts = {name: text for name, text in texts.items() if text}
    if verify and mode is Mode.DISABLED:
        what = "`ssl-verify-server-cert` demands TLS, and another line rules it out"
        _refuse(where["ssl-verify-server-cert"], what)
    if mode is Mode.DISABLED:
        return Tls(mode, {}, where)
    if verify:
        mode = Mode.VERIFY_IDENTITY
    elif mode in (None, Mode.REQUIRED) and texts.keys() & {"ssl-ca", "ssl-capath", "ssl-crl"}:
        mode = Mode.VERIFY_CA
    elif mode is None:
        mode = Mode.REQUIRED if texts else Mode.PREFERRED
    return Tls(mode, texts, where)


def context(tls: Tls) -> ssl.SSLContext | None:
    """Return what encrypts as demanded; None where nothing is. Raises ConnectionFailed."""
    if tls.mode is Mode.DISABLED:
        return None
    for name in _FILES:
        _look_at(tls, name)
    authorities = tls.texts.get("ssl-ca"), tls.texts.get("ssl-capath")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = tls.mode is Mode.VERIFY_IDENTITY
    if not (any(authorities) or tls.mode in _VERIFYING):
        made.verify_mode = ssl.CERT_NONE
    try:
        if any(authorities):
            made.load_verify_locations(*authorities)
        elif tls.mode in _VERIFYING:
            made.load_default_certs()
        if "ssl-crl" in tls.texts:
            made.load_verify_locations(tls.texts["ssl-crl"])
            made.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    except ssl.SSLError as error:
        names = [name for name in ("ssl-ca", "ssl-crl") if name in tls.texts]
        _unusable(tls, names[-1], error)
    _prove(made, tls)
    _limit(made, tls)
    return made


def _prove(made: ssl.SSLContext, tls: Tls) -> None:
    """Let the client show a certificate of its own, where one is given."""
    certificate, key = tls.texts.get("ssl-cert"), tls.texts.get("ssl-key")
    if certificate is None:
        if key is not None:
            _refuse(tls.where["ssl-key"], "`ssl-key` without `ssl-cert`")
        return

    def locked() -> NoReturn:  # OpenSSL would ask for the words at the terminal
        _refuse(tls.where["ssl-key" if key else "ssl-cert"], "the key needs a password")

    try:
        made.load_cert_chain(certificate, key, locked)
    except ssl.SSLError as error:
        _unusable(tls, "ssl-key" if key else "ssl-cert", error)


def _limit(made: ssl.SSLContext, tls: Tls) -> None:
    """Allow the versions and ciphers that are listed, no others."""
    versions = _listed(tls)
    if "ssl-cipher" in tls.texts:
        # Those of TLS 1.3 cannot be chosen from Python.
        versions -= {ssl.TLSVersion.TLSv1_3}
        try:
            made.set_ciphers(tls.texts["ssl-cipher"])
        except ssl.SSLError:
            versions = set()
        if not versions or "TLS_" in tls.texts["ssl-cipher"]:
            _refuse(tls.where["ssl-cipher"], "`ssl-cipher` with what is no cipher of TLS 1.2")
    made.minimum_version, made.maximum_version = min(versions), max(versions)


def _listed(tls: Tls) -> set[ssl.TLSVersion]:
    if "tls-version" not in tls.texts:
        return set(_VERSIONS.values())
    words = {word.strip().lower() for word in tls.texts["tls-version"].split(",")}
    known = {_VERSIONS[word] for word in words & _VERSIONS.keys()}
    if not known or words - _VERSIONS.keys() - _OLD_VERSIONS:
        _refuse(tls.where["tls-version"], "`tls-version` takes TLSv1.2, TLSv1.3")
    return known


def _mode(given: Given) -> Mode:
    text = _text(given).upper()
    if text not in Mode.__members__:
        _refuse(given.where, f"`ssl-mode` takes {', '.join(Mode.__members__)}")
    return Mode[text]


def _switch(given: Given) -> bool:
    text = "" if given.value is None else given.value.decode("ascii", "replace").lower()
    if text not in _TRUE | _FALSE or given.value == b"":
        _refuse(given.where, f"`{given.name}` takes 1 or 0")
    return (text in _TRUE) is not given.off


def _text(given: Given) -> str:
    """Return the value of an option that must have one. An empty one counts as none."""
    if given.value is None or given.off:
        _refuse(given.where, f"`{given.name}` without a value")
    try:
        return given.value.decode()
    except UnicodeDecodeError:
        _refuse(given.where, f"`{given.name}` is not UTF-8")


def _look_at(tls: Tls, name: str) -> None:
    """Raise ConnectionFailed, with its path, for a file that is named and cannot be read."""
    path = tls.texts.get(name)
    if path is None:
        return
    try:
        if name == "ssl-capath":
            os.listdir(path)
        else:
            regular.read(Path(path), 1)
    except OSError as error:
        raise ConnectionFailed(
            f"cannot read {path}, which `{name}` at {tls.where[name]} names: {error.strerror}",
            hint="it must exist and be readable for the user that runs the reports",
            retry=False,
        ) from None


def _unusable(tls: Tls, name: str, error: ssl.SSLError) -> NoReturn:
    _refuse(tls.where[name], f"{tls.texts[name]} cannot be used as `{name}`: {reason(error)}")


def reason(error: ssl.SSLError) -> str:
    """Return what an error of TLS says, without what only programs read."""
    message = getattr(error, "verify_message", "")
    said = (error.reason or str(error)).replace("_", " ").lower()
    return f"{said}: {message}" if message else said


def _refuse(where: Where, kind: str) -> NoReturn:
    raise damaged(where, kind)
