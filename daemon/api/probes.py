"""Is it alive, can it work, how does it do: for supervisors and Prometheus, without a token."""

from http import HTTPStatus

import anyio
from fastapi import APIRouter, Depends, Request, Response
from prometheus_client.exposition import choose_encoder

from daemon.api.access import anyone
from daemon.api.ports import Ports
from daemon.api.problems import Problem


def probe_routes(ports: Ports) -> APIRouter:
    """/healthz, /readyz and /metrics. They have threads of their own, so that they answer
    while every other thread is busy."""
    router = APIRouter(tags=["probes"], dependencies=[Depends(anyone)])
    probing = anyio.CapacityLimiter(4)

    @router.get("/healthz", summary="Whether the process is alive", response_class=Response)
    async def healthz() -> Response:
        return Response("ok\n", media_type="text/plain")

    @router.get("/readyz", summary="Whether it can decide and store", response_class=Response)
    async def readyz() -> Response:
        readiness = await anyio.to_thread.run_sync(ports.readiness, limiter=probing)
        if not readiness.is_ready:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, readiness.reason or "not ready")
        return Response("ok\n", media_type="text/plain")

    @router.get("/metrics", summary="Prometheus metrics", response_class=Response)
    async def metrics(request: Request) -> Response:
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        body = await anyio.to_thread.run_sync(encode, ports.registry, limiter=probing)
        return Response(body, media_type=media_type)

    return router
