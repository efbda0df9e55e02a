"""The process that fuzzes: `python -m tests.fuzz.child TARGET`, then libFuzzer's own arguments."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["reportupdater", "yaml"]):
    import yaml  # noqa: F401  # the program imports it late

    from tests.fuzz.targets import TARGETS, project_folder


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    target = TARGETS[sys.argv.pop(1)]
    folder = project_folder()

    def one(data: bytes) -> None:
        target.run(Path(folder.name), data)

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
