"""Certificates for servers that speak TLS, made by the program `openssl`."""

from __future__ import annotations

import subprocess
from pathlib import Path


def openssl(folder: Path, *words: str) -> None:
    """Run the program in a folder."""
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def authority(folder: Path, name: str) -> None:
    """An authority that has signed itself: NAME.pem and NAME.key."""
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    openssl(folder, *made, "-keyout", f"{name}.key", "-out", f"{name}.pem")


def signed(folder: Path, name: str, host: str) -> None:
    """A certificate of a host that the authority `ca` has signed: NAME.pem and NAME.key."""
    made = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}"]
    openssl(folder, *made, "-keyout", f"{name}.key", "-out", f"{name}.csr")
    (folder / f"{name}.ext").write_text(f"subjectAltName={host}\n")
    by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", f"{name}.ext"]
    made = ["x509", "-req", "-in", f"{name}.csr", *by, "-days", "2"]
    openssl(folder, *made, "-out", f"{name}.pem")
