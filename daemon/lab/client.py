"""Talks to a running lab, which it finds by the lab.json in its directory."""

import json
from pathlib import Path
from typing import Any

import requests

from daemon.lab.errors import LabError, UnknownCi

STATE_FILE = "lab.json"
_TIMEOUT_S = 10.0


class LabClient:
    """A running lab. Raises LabError where there is none in `directory`, or where it does not answer."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        try:
            self.places: dict[str, Any] = json.loads((directory / STATE_FILE).read_text(encoding="utf-8"))
            self._url = str(self.places["exporter"])
        except (OSError, ValueError, KeyError, TypeError):
            raise LabError(
                f"no lab is running in {directory}; start one with `make run` or `incidentd lab up --dir {directory}`"
            ) from None
        self._session = requests.Session()
        self._session.trust_env = False

    def __enter__(self) -> "LabClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def break_(self, names: list[str], fault: str) -> list[str]:
        """Break CIs; returns their ids."""
        found: list[str] = self._ask("POST", "/break", {"cis": names, "fault": fault})["broken"]
        return found

    def mend(self, names: list[str] | None) -> list[str]:
        """Mend CIs, or all where `names` is None; returns the ids of what was broken."""
        found: list[str] = self._ask("POST", "/mend", {"cis": names})["mended"]
        return found

    def catalogue(self) -> list[dict[str, Any]]:
        """Everything that can be broken."""
        found: list[dict[str, Any]] = self._ask("GET", "/cis")["cis"]
        return found

    def status(self) -> dict[str, Any]:
        """What is broken, what that means by the CMDB, and the alerts that Prometheus holds now.

        `alerts` is None where Prometheus does not answer.
        """
        status: dict[str, Any] = self._ask("GET", "/status")
        return {**status, "alerts": self._alerts(), "places": self.places}

    def _alerts(self) -> list[dict[str, Any]] | None:
        try:
            answer = self._session.get(f"{self.places['prometheus']}/api/v1/alerts", timeout=_TIMEOUT_S)
            found: list[dict[str, Any]] = answer.json()["data"]["alerts"]
        except (requests.RequestException, ValueError, KeyError, TypeError):
            return None
        return sorted(found, key=lambda alert: (alert["activeAt"], sorted(alert["labels"].items())))

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            answer = self._session.request(method, self._url + path, json=body, timeout=_TIMEOUT_S)
            document = answer.json()
        except (requests.RequestException, ValueError):
            raise LabError(
                f"the lab of {self._directory} does not answer; has it ended? `make run` starts it"
            ) from None
        if answer.status_code == 404 and "near" in document:
            raise _Told(document["error"], tuple(document["near"]))
        if not answer.ok:
            raise LabError(str(document.get("error", f"the lab answered {answer.status_code}")))
        return document


class _Told(UnknownCi):
    """UnknownCi in the words of the lab itself."""

    def __init__(self, message: str, near: tuple[str, ...]) -> None:
        super().__init__("", near)
        self.args = (message,)
