"""A project folder made of texts, loaded from within, so that messages show short paths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reportupdater.config.load import load_project
from reportupdater.model import Project

Load = Callable[..., Project]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load a project with this `config.yaml` and other files; what begins with `#!` can be executed."""
    monkeypatch.chdir(tmp_path)

    def load(config: str | bytes, **files: str | bytes) -> Project:
        for name, content in {"config.yaml": config, "q.sql": "select 1", **files}.items():
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            data = content.encode() if isinstance(content, str) else content
            path.write_bytes(data)
            if data.startswith(b"#!"):
                path.chmod(0o755)
        return load_project(Path())

    return load
