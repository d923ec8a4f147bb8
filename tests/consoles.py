"""The real console over the rack estate, served with the daemon's own cycle behind it."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from cmdb.graph import Estate
from daemon.api.ports import Ports
from daemon.console.routes import console_routes
from daemon.news import News
from rules.access import Role
from rules.alert import Sighting
from rules.decision import Order, RecordOrder, RecordVerb, Reply
from rules.policy import Policy
from rules.record import Given, Kind
from tests.builders import at, sighting
from tests.contract.api_world import PASSWORD, Deciding, Session, World, serve
from tests.desk import rack_estate


class Console(Deciding):
    """A served console. What is decided behind it is told to the pages, as by the daemon."""

    def __init__(self, world: World, estate: Estate, policy: Policy, news: News) -> None:
        super().__init__(world, estate, policy)
        self._news = news
        self.cycle.run_once()

    @property
    def url(self) -> str:
        return self.world.url

    def decide(self, order: Order) -> Reply:
        reply = super().decide(order)
        self._news.tell()
        return reply

    def hear(self, *sightings: Sighting) -> None:
        super().hear(*sightings)
        self._news.tell()

    def settle(self, seconds: float = 20) -> None:
        """So much time passes, and one cycle runs."""
        self.world.clock.advance(timedelta(seconds=seconds))
        self.cycle.run_once()
        self._news.tell()


@contextmanager
def console_of(
    directory: Path,
    access: str = "open",
    estate: Estate | None = None,
    policy: Policy | None = None,
    files: Sequence[Path] = (),
    change: Callable[[Ports], Ports] = lambda ports: ports,
) -> Iterator[Console]:
    """The console over an estate, the rack's where none is given; `files` are those that it says it was read from,
    `change` has the last word on its ways in."""
    made: list[Console] = []
    news = News()

    def wired(ports: Ports) -> Ports:
        ports = replace(
            ports,
            news=news,
            estate=lambda: made[0].cycle.situation.estate,
            policy=lambda: made[0].cycle.situation.policy,
            roster=lambda: made[0].cycle.situation.policy.roster,
            notifiers=lambda: ("noc",),
            cmdb_files=lambda: files,
        )
        return change(ports)

    for world in serve(directory, access, wired, console_routes):
        made.append(Console(world, estate or rack_estate(), policy or Policy(), news))
        try:
            yield made[0]
        finally:
            news.close()


def lose_the_switch(console: Console, hosts: int = 2) -> None:
    """The switch of the first rack fails, and hosts on it: INC-1, which hits Checkout."""
    down = [sighting("HostDown", labels={"ci": f"host-{n}"}) for n in range(1, hosts + 1)]
    console.hear(sighting("SwitchDown", labels={"ci": "tor-3a", "severity": "critical"}), *down)


def logged_in(console: Console, role: Role) -> Session:
    """A browser without scripts in which the user of that name has logged in."""
    session = Session()
    session.trust_env = False
    form = {"name": role, "password": PASSWORD}
    session.post(f"{console.url}/login", data=form, headers={"Origin": console.url})
    return session


def make_record(console: Console, kind: Kind, **given: Any) -> str:
    """A record that somebody makes by another way than the pages; its key."""
    planned = {"starts_at": at(3600), "ends_at": at(7200)} if kind is Kind.CHANGE else {}
    order = RecordOrder(
        id=uuid.uuid4().hex,
        at=console.world.clock.now(),
        actor="anna",
        kind=kind,
        verb=RecordVerb.CREATE,
        given=Given(**{"title": "x", **planned, **given}),
    )
    reply = console.decide(order)
    assert reply.done, reply.message
    return reply.subject
