"""A private Kerberos realm on loopback, and the fixture that starts one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.mariadb import free_port

__all__ = ["MISSING", "Realm", "realm"]

MISSING = (
    "MIT Kerberos is missing; install it with: "
    "apt-get install --no-install-recommends krb5-kdc krb5-admin-server krb5-user"
)
NAME = "EXAMPLE.ORG"


class Realm:
    """One realm: the service `hive/localhost` with `keytab`, a user with `user_keytab`."""

    service = f"hive/localhost@{NAME}"
    user = f"reports@{NAME}"

    def __init__(self, folder: Path) -> None:
        self.config = folder / "krb5.conf"
        self.keytab = folder / "hive.keytab"
        self.user_keytab = folder / "reports.keytab"
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What leads programs to this realm, without a ticket and without a keytab."""
        return {
            "KRB5_CONFIG": str(self.config),
            "KRB5_KDC_PROFILE": str(self._folder / "kdc.conf"),
            "KRB5CCNAME": f"FILE:{self._folder}/none.ccache",
            "KRB5_CLIENT_KTNAME": f"FILE:{self._folder}/none.keytab",
        }

    def install(self) -> None:
        """Make the realm and its principals, and start the key distribution center."""
        self.config.write_text(
            f"[libdefaults]\n default_realm = {NAME}\n dns_lookup_kdc = false\n"
            " dns_lookup_realm = false\n dns_canonicalize_hostname = false\n rdns = false\n"
            " udp_preference_limit = 1\n"
            f"[realms]\n {NAME} = {{\n  kdc = 127.0.0.1:{self._port}\n }}\n"
            f"[domain_realm]\n localhost = {NAME}\n"
        )
        (self._folder / "kdc.conf").write_text(
            f"[realms]\n {NAME} = {{\n"
            f"  database_name = {self._folder}/principal\n"
            f"  key_stash_file = {self._folder}/stash\n"
            f"  kdc_listen = 127.0.0.1:{self._port}\n"
            f"  kdc_tcp_listen = 127.0.0.1:{self._port}\n"
            " }\n"
        )
        self._call("kdb5_util", "create", "-s", "-r", NAME, "-P", "any")
        made = (
            f"addprinc -randkey HTTP/localhost\nktadd -k {self.keytab} HTTP/localhost\n"
            + "".join(
                f"addprinc -randkey {name}\nktadd -k {keytab} {name}\n"
                for name, keytab in ((self.service, self.keytab), (self.user, self.user_keytab))
            )
        )
        self._call("kadmin.local", said=made)
        # It also ends when the tests are killed.
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", _program("krb5kdc"), "-n"],
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail("the key distribution center does not start")
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """End the key distribution center, if it runs."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(10)

    def ticket(self, path: Path, lifetime: str = "1h") -> None:
        """Put a new ticket of the user into a credentials cache."""
        keytab = str(self.user_keytab)
        self._call("kinit", "-k", "-t", keytab, "-c", str(path), "-l", lifetime, self.user)

    def _call(self, name: str, *arguments: str, said: str = "") -> None:
        subprocess.run(
            [_program(name), *arguments],
            input=said.encode(),
            env=os.environ | self.environment,
            check=True,
            capture_output=True,
        )


@pytest.fixture(scope="session")
def realm() -> Iterator[Realm]:
    """The realm that all tests of a process share."""
    with tempfile.TemporaryDirectory(prefix="kerberos-") as folder:
        realm = Realm(Path(folder))
        try:
            realm.install()
            yield realm
        finally:
            realm.stop()


def _program(name: str) -> str:
    # Debian keeps servers where only root's PATH leads.
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.fail(MISSING)
    return found
