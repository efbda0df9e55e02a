"""Record the commit in what is built, since a wheel has no git to ask. All else is in setup.cfg."""

import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithCommit(build_py):  # type: ignore[misc] # setuptools comes without types
    """Build the package, with a file that names the commit it is built from, if git knows one."""

    def run(self) -> None:
        """Build, then write `commit.txt` beside the modules; `reportupdater.version` reads it."""
        super().run()
        if self.editable_mode:  # the checkout itself is asked
            return
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parent,
        )
        if described.returncode == 0:
            file = Path(self.build_lib) / "reportupdater" / "commit.txt"
            file.write_text(described.stdout, encoding="utf-8")


setup(cmdclass={"build_py": BuildWithCommit})
