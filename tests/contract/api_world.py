"""A served API with everything around it, for the suites that ask it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
from prometheus_client import CollectorRegistry

from cmdb.graph import Estate
from cmdb.model import CI
from daemon.api.access import digest
from daemon.api.app import More, create_api
from daemon.api.ports import Ports, Readiness
from daemon.api.server import HttpServer
from daemon.clock import ManualClock
from daemon.cycle import Cycle
from daemon.inbox import put_order
from daemon.passwords import hash_password
from daemon.store.store import Store
from rules.access import Role, Scope
from rules.alert import SeenBy, Sighting
from rules.decision import Command, Decision, Order, RecordOrder, Reply, SourceState, TimelineEntry
from rules.incident import Priority, Status
from rules.policy import Policy
from rules.record import Change, Problem, ServiceRequest
from rules.situation import Situation
from tests.builders import T0, alert, at, incident, notice

Session = requests.Session


def done(order: Order) -> Reply:
    """The answer to an order that was carried out."""
    subject = f"{order.kind.series}-{order.number or 1}" if isinstance(order, RecordOrder) else ""
    return Reply(command=order.id, done=True, message="done", subject=subject)


@dataclass
class World:
    """A served API with everything around it that a test may set or look at."""

    store: Store
    clock: ManualClock
    url: str = ""
    log: list[str] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    decide: Callable[[Command], Reply] = lambda c: Reply(command=c.id, done=True, message="done")
    ordering: Callable[[Order], Reply] = lambda o: done(o)
    accepting: Callable[[str, bytes], None] = lambda source, body: None
    readiness: Readiness = field(default_factory=lambda: Readiness(is_ready=True))

    def accept(self, source: str, body: bytes) -> None:
        self.accepting(source, body)
        self.store.put("push", source, body)
        self.log.append("stored")

    def order(self, order: Order) -> Reply:
        if isinstance(order, Command):
            self.commands.append(order)
            return self.decide(order)
        return self.ordering(order)

    def pushed(self) -> list[Sighting]:
        rows = self.store.pending(1000)
        return [s for row in rows for s in msgspec.json.decode(row.body, type=tuple[Sighting, ...])]


class Deciding:
    """An API behind which the daemon's own cycle decides on each order at once."""

    def __init__(self, world: World, estate: Estate, policy: Policy) -> None:
        self.world = world
        # What the store holds is loaded with the first cycle.
        self.epoch = world.store.acquire("test", timedelta(minutes=1))
        self.cycle = Cycle(world.store, Situation(estate, policy), self.epoch, world.clock, sources=("push",))
        world.ordering = world.decide = self.decide

    def decide(self, order: Order) -> Reply:
        """Put it, run one cycle, and look for the answer."""
        put_order(self.world.store, order)
        self.cycle.run_once()
        reply = self.world.store.reply(order.id)
        assert reply is not None
        return reply

    def hear(self, *sightings: Sighting) -> None:
        """One cycle in which these were pushed."""
        self.world.accept("push", msgspec.json.encode(sightings))
        self.cycle.run_once()


def serve(
    directory: Path, access: Any, change: Callable[[Ports], Ports] = lambda ports: ports, *more: More
) -> Iterator[World]:
    clock = ManualClock(T0)
    with Store.open(f"sqlite:///{directory / 'incidentd.db'}", clock) as store:
        store.upgrade()
        world = World(store, clock)
        ports = Ports(
            store=store,
            accept=world.accept,
            order=world.order,
            readiness=lambda: world.readiness,
            registry=CollectorRegistry(),
            access=access,
            push_source="push",
            estate=lambda: Estate.of([CI(id="db1", type="database", aliases=("db1.example",))]),
            clock=clock,
        )
        server = HttpServer(create_api(change(ports), *more), "127.0.0.1", 0)
        server.start()
        world.url = server.address
        try:
            yield world
        finally:
            server.stop()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from serve(tmp_path, "open")


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[World]:
    for world in serve(tmp_path, "login"):
        for scope in ("push", "read", "write"):
            world.store.add_token(f"{scope}er", digest(f"token-{scope}"), frozenset({scope}))
        yield world


PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Of `PASSWORD`; made once, since that is slow on purpose."""
    return hash_password(PASSWORD)


@pytest.fixture
def peopled(guarded: World, password_hash: str) -> World:
    """With a user for each role, named after it, whose token `token-ROLE` has every scope there is."""
    for role in Role:
        guarded.store.users.add(role, role, (), password_hash)
        guarded.store.add_token(f"{role}-token", digest(f"token-{role}"), frozenset(Scope), role)
    return guarded


@pytest.fixture
def http() -> Iterator[Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


RECORDED: dict[str, Any] = {"opened_at": T0, "opened_by": "anna", "updated_at": T0}


def fill(world: World) -> None:
    epoch = world.store.acquire("test", timedelta(minutes=1))
    world.store.commit(
        Decision(
            at=T0,
            incidents=(
                incident(41, status=Status.CLOSED, priority=Priority.P1),
                incident(42, status=Status.ACKNOWLEDGED),
                incident(43),
            ),
            alerts=(
                alert("db1", incident=42, annotations={"summary": "it is down"}),
                alert("db2", incident=42, cleared_at=at(60)),
                alert("db3", incident=43, seen_by={"am": SeenBy(starts_at=T0, firing=True, suppressed="silenced")}),
                alert("db4", reason="inside a maintenance window"),
            ),
            timeline=(TimelineEntry(incident=42, at=T0, kind="opened", text="opened for db1"),),
            notices=(notice(incident=42),),
            records=(
                Problem(number=1, title="it reboots", cis=("db1",), **RECORDED),
                ServiceRequest(number=1, title="a laptop", **RECORDED),
                Change(number=1, title="new disks", cis=("db1",), starts_at=T0, ends_at=at(60), **RECORDED),
            ),
            sources=(SourceState(name="main", is_up=False, since=T0, failures=3, error="connection refused"),),
        ),
        epoch=epoch,
    )


def problem(answer: requests.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["title"]
    return document
