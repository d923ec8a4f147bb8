"""Shows the data centre to Prometheus, and takes orders to break and mend from `incidentd lab`."""

import json
from typing import Any

from daemon.lab.control import Control
from daemon.lab.errors import LabError, UnknownCi
from daemon.lab.loopback import Answer, HttpServer, Request, json_answer
from daemon.lab.metrics import JOBS, exposition
from daemon.lab.world import Fault

_TEXT = "text/plain; version=0.0.4; charset=utf-8"


def exporter(control: Control, port: int = 0) -> HttpServer:
    """The exporter: `GET /metrics/JOB` for Prometheus; `POST /break`, `POST /mend`, `GET /status`, `GET /cis`."""
    return HttpServer("the lab's exporter", port, lambda request: _respond(control, request))


def _respond(control: Control, request: Request) -> Answer:
    match request.method, request.path.strip("/").split("/"):
        case "GET", ["metrics"]:
            return _metrics(control, JOBS)
        case "GET", ["metrics", job] if job in JOBS:
            return _metrics(control, (job,))
        case "GET", ["status"]:
            return json_answer(control.status())
        case "GET", ["cis"]:
            return json_answer({"cis": control.catalogue()})
        case "POST", ["break" | "mend" as verb]:
            return _order(control, verb, request)
    return json_answer({"error": "there is no such page"}, 404)


def _metrics(control: Control, jobs: tuple[str, ...]) -> Answer:
    return Answer(body=exposition(control.samples(jobs)).encode(), content_type=_TEXT)


def _order(control: Control, verb: str, request: Request) -> Answer:
    # A page in a browser may post forms across sites, but not this content type.
    if request.content_type != "application/json":
        return json_answer({"error": "send application/json"}, 415)
    try:
        names, fault = _decoded(request.body)
        if verb == "break":
            return json_answer({"broken": control.break_(names or (), fault)})
        return json_answer({"mended": control.mend_all() if names is None else control.mend(names)})
    except UnknownCi as error:
        return json_answer({"error": str(error), "near": error.near}, 404)
    except LabError as error:
        return json_answer({"error": str(error)}, 400)


def _decoded(body: bytes) -> tuple[list[str] | None, Fault]:
    """The CIs named, None for all, and the fault; LabError where the body is not that."""
    try:
        document: Any = json.loads(body)
        names = document.get("cis")
        fault = Fault(document.get("fault", "down"))
    except (ValueError, AttributeError, RecursionError):
        raise LabError('the body must be like {"cis": ["tor-3a"], "fault": "down"}') from None
    if names is not None and not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise LabError("cis must be a list of names")
    return names, fault
