"""The HTTP application, put together."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import anyio
from fastapi import APIRouter, FastAPI

from daemon.api.access import check_declared
from daemon.api.acting import acting_routes
from daemon.api.alertmanager import alertmanager_routes, push_routes
from daemon.api.audit import audit_routes
from daemon.api.boundaries import AnswerHeaders, BodyLimits, BrowserGuard
from daemon.api.bulk import bulk_routes
from daemon.api.change_calendar import change_calendar_routes
from daemon.api.chat_hooks import chat_routes
from daemon.api.cmdb import cmdb_routes
from daemon.api.figures import figure_routes
from daemon.api.incidents import reading_routes
from daemon.api.metrics import RequestMetrics
from daemon.api.oncall import oncall_routes
from daemon.api.openapi import add_openapi, openapi_routes
from daemon.api.orders import order_routes
from daemon.api.ports import Ports
from daemon.api.probes import probe_routes
from daemon.api.problem_records import problem_routes
from daemon.api.problems import add_problem_handlers
from daemon.api.records import record_routes
from daemon.api.repeats import Repeats, add_repeat_handler
from daemon.api.reports import report_routes
from daemon.api.satisfaction import satisfaction_routes
from daemon.api.session import session_routes
from daemon.api.silences import silence_routes
from daemon.api.status import status_routes
from daemon.api.version import VERSION

# Threads for reading and for looking at tokens; pushes, orders and probes have some of their own beside these.
_READING_THREADS = 24

_MAKERS: tuple[Callable[[Ports], APIRouter], ...] = (
    probe_routes,
    session_routes,
    audit_routes,
    push_routes,
    alertmanager_routes,
    silence_routes,
    reading_routes,
    cmdb_routes,
    bulk_routes,
    report_routes,
    order_routes,
    satisfaction_routes,
    figure_routes,
    acting_routes,
    chat_routes,
    change_calendar_routes,
    problem_routes,
    record_routes,
    oncall_routes,
    status_routes,
)


More = Callable[[Ports, FastAPI], Iterable[APIRouter]]


def create_api(ports: Ports, *more: More) -> FastAPI:
    """Everything that is answered over HTTP, and what `more` adds to it. One application per registry: its metrics are
    registered there.

    UndeclaredRoute where a route does not say who may use it.
    """
    app = FastAPI(
        title="incidentd",
        version=VERSION,
        summary="Incidents made of alerts: read them, work on them, send alerts.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=_threads_sized,
    )
    routers = [
        *(make(ports) for make in _MAKERS),
        openapi_routes(app),
        *(router for make in more for router in make(ports, app)),
    ]
    routes = [route for router in routers for route in router.routes]
    check_declared(routes)
    for router in routers:
        app.include_router(router)
    add_problem_handlers(app, routes)
    add_repeat_handler(app)
    add_openapi(app, routes)
    # The last one added is the outermost.
    app.add_middleware(Repeats, answers=ports.store.answers)
    app.add_middleware(BodyLimits)
    app.add_middleware(BrowserGuard, hosts=ports.hosts, cookie=ports.cookie, is_open=ports.access == "open")
    app.add_middleware(RequestMetrics, registry=ports.registry)
    app.add_middleware(AnswerHeaders)
    return app


@asynccontextmanager
async def _threads_sized(_: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = _READING_THREADS
    yield
