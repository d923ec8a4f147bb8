"""The HTTP application, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from fastapi import FastAPI

from daemon.api.alertmanager import alertmanager_routes, push_routes
from daemon.api.boundaries import AnswerHeaders, BodyLimits, BrowserGuard
from daemon.api.cmdb import cmdb_routes
from daemon.api.incidents import reading_routes
from daemon.api.metrics import RequestMetrics
from daemon.api.openapi import add_openapi
from daemon.api.orders import order_routes
from daemon.api.ports import Ports
from daemon.api.probes import probe_routes
from daemon.api.problems import add_problem_handlers
from daemon.api.silences import silence_routes
from daemon.api.version import VERSION

# Threads for reading and for looking at tokens; pushes, orders and probes have some of their own beside these.
_READING_THREADS = 24


def create_api(ports: Ports) -> FastAPI:
    """Everything that is answered over HTTP. One application per registry: its metrics are registered there."""
    app = FastAPI(
        title="incidentd",
        version=VERSION,
        summary="Incidents made of alerts: read them, work on them, send alerts.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=_threads_sized,
    )
    for_alertmanager = (push_routes, alertmanager_routes, silence_routes)
    makers = (probe_routes, *for_alertmanager, reading_routes, cmdb_routes, order_routes)
    routers = [make(ports) for make in makers]
    for router in routers:
        app.include_router(router)
    add_problem_handlers(app, [route for router in routers for route in router.routes])
    add_openapi(app)
    # The last one added is the outermost.
    app.add_middleware(BodyLimits)
    if ports.access == "open":
        app.add_middleware(BrowserGuard, hosts=ports.hosts)
    app.add_middleware(RequestMetrics, registry=ports.registry)
    app.add_middleware(AnswerHeaders)
    return app


@asynccontextmanager
async def _threads_sized(_: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = _READING_THREADS
    yield
