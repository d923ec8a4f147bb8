"""What Prometheus writes about its alerts as series, and how its query API is asked through its client."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
import requests
import yaml
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from daemon.errors import SourceDown
from daemon.sources.answers import get, unwrapped
from daemon.sources.http_session import BoundedSession, SourceRefused

T = TypeVar("T")

FIRING = 'ALERTS{alertstate="firing"}'
ACTIVE_SINCE = "ALERTS_FOR_STATE"
"""Its values are the Unix seconds at which each alert became active."""
# Servers that speak the query API only (Thanos Query, some Mimir set-ups) answer so where they have no such path.
ABSENT = frozenset({404, 405, 501})
# Where a proxy shows only some paths, what it hides is optional to us.
HIDDEN = ABSENT | {401, 403}
_NOT_IDENTITY = frozenset({"__name__", "alertstate"})
_YAML = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class _Config(msgspec.Struct, frozen=True):
    yaml: str


def connect(session: BoundedSession) -> PrometheusConnect:
    """The client over our session, which alone decides on timeouts; nothing is tried twice."""
    return PrometheusConnect(url=session.base_url, session=session, retry=Retry(total=0), timeout=session.timeout_s)


def answer_to(session: BoundedSession, ask: Callable[[], object], shape: type[T]) -> T:
    """What the server answered to a call of the client, decoded. Raises SourceDown."""
    # What the client makes of an answer loses its warnings, so the answer itself is read; where the client
    # stumbles over an odd one, decoding it here says better what is odd.
    with contextlib.suppress(PrometheusApiClientException, requests.RequestException, LookupError, TypeError):
        ask()
    answer = session.answer
    if answer is None:
        raise SourceDown(f"{session.host} gave no answer to a query")
    return unwrapped(session, answer.content, shape)


def alert_labels(metric: Mapping[str, str]) -> dict[str, str]:
    """The alert's own labels in the labels of a series about it."""
    return {name: value for name, value in metric.items() if name not in _NOT_IDENTITY}


def series_key(metric: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """What series about the same alert have in common."""
    return frozenset(alert_labels(metric).items())


def read_external_labels(session: BoundedSession) -> dict[str, str]:
    """The labels that the server adds to alerts when it sends them; none where it hides them. Raises SourceDown."""
    try:
        response = get(session, "/api/v1/status/config")
        text = unwrapped(session, response.content, _Config).yaml
    except SourceRefused as error:
        if error.status not in HIDDEN:
            raise
        return {}
    return _external_labels(text)


def _external_labels(config: str) -> dict[str, str]:
    """`global.external_labels` of a Prometheus configuration; every value is text, as Prometheus itself reads it."""
    loaded: Any = None
    with contextlib.suppress(yaml.YAMLError, RecursionError):
        loaded = yaml.load(config, Loader=_YAML)  # noqa: S506  the base loader makes nothing but text, lists and maps
    section = loaded.get("global") if isinstance(loaded, dict) else None
    labels = section.get("external_labels") if isinstance(section, dict) else None
    return {k: v for k, v in labels.items() if isinstance(v, str)} if isinstance(labels, dict) else {}
