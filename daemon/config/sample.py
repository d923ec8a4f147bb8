"""The commented files that a new owner starts from."""

from importlib.resources import files
from pathlib import Path

from rules.errors import IncidentdError

SAMPLES = {"incidentd.yaml": "incidentd.sample.yaml", "cmdb.yaml": "cmdb.sample.yaml"}


class SampleExists(IncidentdError):
    """A file that would be written is there already."""


def write_samples(directory: Path) -> list[Path]:
    """Write every sample into `directory`, which is created where it is missing; the paths written.

    Raises SampleExists, having written nothing, where any of the files is there.
    """
    targets = {directory / name: packaged for name, packaged in SAMPLES.items()}
    taken = [str(path) for path in targets if path.exists()]
    if taken:
        raise SampleExists(f"{' and '.join(taken)} exist already; nothing was written")
    directory.mkdir(parents=True, exist_ok=True)
    for path, packaged in targets.items():
        with path.open("x", encoding="utf-8") as file:
            file.write(sample(packaged))
    return list(targets)


def sample(packaged: str) -> str:
    """The text of one packaged sample."""
    return (files("daemon.config") / packaged).read_text(encoding="utf-8")
