"""The version of what is running."""

from importlib.metadata import PackageNotFoundError, version


def _installed() -> str:
    try:
        return version("incidentd")
    except PackageNotFoundError:
        return "unknown"


VERSION = _installed()
