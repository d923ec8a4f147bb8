"""A directory with configuration files, for the suites that load them."""

from pathlib import Path

import pytest

from daemon.config.config import Config
from daemon.config.load import load_config
from daemon.errors import ConfigError


class Site:
    """A directory with configuration files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "incidentd.yaml"

    def write(self, text: str, **files: str) -> Path:
        self.path.write_text(text, encoding="utf-8")
        for name, content in files.items():
            (self.directory / name.replace("_yaml", ".yaml")).write_text(content, encoding="utf-8")
        return self.path

    def load(self, text: str, environ: dict[str, str] | None = None, **files: str) -> Config:
        return load_config(self.write(text, **files), environ=environ or {})

    def problems(self, text: str, environ: dict[str, str] | None = None, **files: str) -> list[str]:
        """`line: what; allowed` of every mistake."""
        with pytest.raises(ConfigError) as caught:
            self.load(text, environ, **files)
        assert all(Path(p.file).parent == self.directory for p in caught.value.problems)
        return [str(p).removeprefix(f"{self.directory}/incidentd.yaml:") for p in caught.value.problems]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)
