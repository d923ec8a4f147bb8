"""The named scenarios: what an operator would try first on a new tool, each with what it should say.

In most of them something fails at the beginning, all that needs it alerts within two minutes and clears after a
quarter of an hour, and ten minutes later everything should be over.
"""

from collections.abc import Iterable, Mapping
from random import Random

from bench.estate import site
from bench.shop import (
    BILLING,
    CHECKOUT,
    HOSTS_A,
    HOSTS_C,
    SEARCH,
    VMS_A,
    VMS_B,
    VMS_C,
    any_of,
    ci,
    numbered,
    service,
    shop,
)
from bench.story import Scenario, Silence, Spell, View

_HEALED_S = 900.0
_OVER_S = 1500.0
_BEHIND_TOR_A = (*HOSTS_A, *VMS_A, *CHECKOUT)
_BEHIND_TOR_C = (*HOSTS_C, *VMS_C, *BILLING)


def _down(
    cis: Iterable[str], *causes: str, at: float = 5, until: float = _HEALED_S, step: float = 5, name: str = "Down"
) -> tuple[Spell, ...]:
    """Each of the CIs is down for these causes, one after the other."""
    return tuple(
        Spell(ci=ci, at=at + n * step, until=until + n * step / 5, causes=frozenset(causes), name=name)
        for n, ci in enumerate(cis)
    )


def _warned(ci: str, name: str, *, at: float, severity: str = "warning") -> Spell:
    """News that has nothing to do with any failure."""
    return Spell(ci=ci, at=at, until=at + 400, causes=frozenset(), name=name, severity=severity)


def _view(at: float, *roots: str, may: Iterable[str] = (), priority: str = "", **services: str) -> View:
    words = {ci: state.replace("_", " ") for ci, state in services.items()}
    return View(at=at, roots=frozenset(roots), may=frozenset(may), services=words, priority=priority)


_OVER = _view(_OVER_S)
_TOR_A_OPEN = (_view(60, "tor-a", checkout="down"), _view(300, "tor-a", checkout="down", priority="P1"))


def _plain() -> Iterable[Scenario]:
    yield Scenario(
        name="single root with all symptoms",
        about="The switch of rack A fails and says so, and so does everything that needs it.",
        cmdb=shop(),
        spells=_down(("tor-a", *_BEHIND_TOR_A), "tor-a"),
        views=(*_TOR_A_OPEN, _OVER),
    )
    yield Scenario(
        name="silent root",
        about="The switch of rack A fails and nobody monitors it.",
        cmdb=shop(),
        spells=_down(_BEHIND_TOR_A, "tor-a"),
        views=(*_TOR_A_OPEN, _OVER),
    )
    yield Scenario(
        name="half of the symptoms lost",
        about="The switch fails silently, and of what needs it only every other one alerts.",
        cmdb=shop(),
        spells=_down(_BEHIND_TOR_A[::2], "tor-a"),
        views=(_view(300, "tor-a", checkout="down"), _OVER),
    )
    yield Scenario(
        name="late symptoms join",
        about="Hosts alert at once, their machines after twelve minutes, Checkout after twenty.",
        cmdb=shop(),
        spells=(
            *_down(("tor-a", *HOSTS_A), "tor-a", until=1800),
            *_down(VMS_A, "tor-a", at=720, until=1800),
            *_down(CHECKOUT, "tor-a", at=1200, until=1800),
        ),
        views=(_view(300, "tor-a", checkout="down"), _view(1500, "tor-a", checkout="down"), _view(2400)),
    )


def _crowded() -> Iterable[Scenario]:
    yield Scenario(
        name="spurious alerts during a failure",
        about="While the switch is down, warnings come from elsewhere that threaten nothing.",
        cmdb=shop(),
        spells=(
            *_down(_BEHIND_TOR_A, "tor-a"),
            _warned("vm-b2", "HighCPU", at=20),
            _warned("printer-1", "PaperLow", at=100),
            _warned("vm-b5", "DiskFilling", at=140),
            _warned("vm-b7", "ClockSkew", at=230),
            _warned("search", "Deployed", at=30, severity="info"),
        ),
        views=(*_TOR_A_OPEN, _OVER),
    )
    yield Scenario(
        name="unrelated failure in the same minute",
        about="A host of rack C fails while the switch of rack A takes everything there down.",
        cmdb=shop(),
        spells=(*_down(_BEHIND_TOR_A, "tor-a"), *_down(("host-c4", "vm-c7", "vm-c8"), "host-c4", at=20)),
        views=(_view(300, "tor-a", "host-c4", checkout="down"), _OVER),
        incidents=2,
    )
    yield Scenario(
        name="two roots at once sharing dependents",
        about="Switch A and storage 2 fail silently in the same minute; four machines need both.",
        cmdb=shop(),
        spells=(
            *_down((*HOSTS_A, *VMS_A[:4], *CHECKOUT), "tor-a"),
            *_down(VMS_A[4:], "tor-a", "san-2", at=10),
            *_down((*VMS_C, *BILLING), "san-2", at=8),
        ),
        views=(_view(300, "tor-a", "san-2", checkout="down", billing="down"), _OVER),
        incidents=2,
    )


def _redundancy() -> Iterable[Scenario]:
    either = ("tor-b1", "tor-b2")
    yield Scenario(
        name="redundancy: one of two, then both",
        about="One switch of rack B fails: Search is at risk. Five minutes later the other one: Search is down.",
        cmdb=shop(),
        spells=(
            *_down(("tor-b1",), "tor-b1"),
            *_down(("tor-b2",), "tor-b2", at=305),
            *_down((*numbered("host-b", 1, 2, 3, 4), *VMS_B, *SEARCH), *either, at=310),
        ),
        views=(
            _view(120, "tor-b1", search="at_risk", priority="P3"),
            _view(480, *either, search="down", priority="P1"),
            _OVER,
        ),
        incidents=2,
    )


def _graphs() -> Iterable[Scenario]:
    portal = {
        "cis": [
            ci("dns-1", "application", "auth-1"),
            ci("auth-1", "application", "dns-1"),
            *(ci(app, "application", "auth-1") for app in numbered("app-", 1, 2, 3, 4)),
            service("portal", "high", *numbered("app-", 1, 2)),
        ]
    }
    yield Scenario(
        name="a cycle in the CMDB",
        about="Name service and login need each other; login fails first, the name service a minute later.",
        cmdb=portal,
        spells=(
            *_down(("auth-1",), "auth-1"),
            *_down((*numbered("app-", 1, 2, 3, 4), "portal", "dns-1"), "auth-1", at=20, step=8),
        ),
        views=(_view(60, "auth-1", portal="down"), _view(300, "auth-1", portal="down"), _OVER),
    )
    yield Scenario(
        name="a missing dependency",
        about="Reports needs the database of Checkout, but the CMDB does not say so.",
        cmdb=shop(ci("reports-app", "application", "vm-b7"), ci("worker", "application", "vm-a2", "checkout-db")),
        spells=(
            *_down(("checkout-db", "worker", "checkout"), "checkout-db"),
            *_down(("reports-app",), "checkout-db", "reports-app", at=40),
        ),
        views=(_view(300, "checkout-db", may=["reports-app"], checkout="down"), _OVER),
        incidents=2,
    )
    yield Scenario(
        name="a false dependency",
        about="The CMDB still says that six badge readers and all of Billing stand on things long gone.",
        cmdb=shop(
            ci("legacy-lb", "load-balancer"),
            *(ci(badge, "badge-reader", "tor-c") for badge in numbered("badge-", *range(1, 7))),
            needs=dict.fromkeys((*BILLING, *SEARCH), ("legacy-lb",)),
        ),
        spells=_down(_BEHIND_TOR_C, "tor-c"),
        views=(_view(60, "tor-c", billing="down"), _view(300, "tor-c", billing="down"), _OVER),
    )


def _services() -> Iterable[Scenario]:
    catalog = (
        *(ci(f"catalog-{n}", "application", vm) for n, vm in enumerate(("vm-a2", "vm-b2", "vm-c2", "vm-c6"), 1)),
        *(ci(f"mail-{n}", "application", vm) for n, vm in enumerate(("vm-a2", "vm-b2", "vm-c2", "vm-c6"), 1)),
        ci("catalog", "application", any_of(*numbered("catalog-", 1, 2, 3, 4), need=2)),
        service("shopfront", "high", "catalog"),
    )
    yield Scenario(
        name="every instance of a service",
        about="All four instances of one service fail, on four hosts where all else is well: the service is the cause.",
        cmdb=shop(*catalog),
        spells=_down((*numbered("catalog-", 1, 2, 3, 4), "catalog", "shopfront"), "catalog"),
        views=(_view(300, "catalog", shopfront="down"), _OVER),
    )
    yield Scenario(
        name="everything on one host",
        about="All that runs on one host fails, whatever service it is of; the host is silent and is the cause.",
        cmdb=shop(*catalog),
        spells=_down(("vm-c1", "vm-c2", "billing-app", "billing", "catalog-3", "mail-3"), "host-c1"),
        views=(_view(300, "host-c1", billing="down", shopfront="at_risk"), _OVER),
    )


def _times() -> Iterable[Scenario]:
    yield Scenario(
        name="root clears before its dependents",
        about="The switch is back after two minutes, its hosts after five, their machines after ten.",
        cmdb=shop(),
        spells=(
            *_down(("tor-a",), "tor-a", until=120),
            *_down(HOSTS_A, "tor-a", at=10, until=300),
            *_down((*VMS_A, *CHECKOUT), "tor-a", at=15, until=600),
        ),
        views=(*_TOR_A_OPEN, _view(550, "tor-a", checkout="down"), _OVER),
    )
    yield Scenario(
        name="root's alert arrives last",
        about="The rule that watches the switch waits five minutes; its symptoms do not.",
        cmdb=shop(),
        spells=(*_down(_BEHIND_TOR_A, "tor-a"), *_down(("tor-a",), "tor-a", at=305)),
        views=(*_TOR_A_OPEN, _view(600, "tor-a", checkout="down"), _OVER),
    )
    yield Scenario(
        name="flapping root",
        about="The switch comes and goes every two minutes, and its hosts with it: one incident all the time.",
        cmdb=shop(),
        spells=tuple(
            spell
            for n in range(10)
            for spell in _down(("tor-a", *HOSTS_A), "tor-a", at=5 + 135 * n, until=65 + 135 * n, step=1)
        ),
        views=(
            _view(60, "tor-a", checkout="down"),
            *(_view(130 + 135 * n, "tor-a", checkout="down") for n in range(9)),
            _view(2400),
        ),
    )
    yield Scenario(
        name="feed lost in mid-incident",
        about="Monitoring cannot be read for eighteen minutes, in which all is mended: nothing resolves unseen.",
        cmdb=shop(),
        spells=_down(("tor-a", *_BEHIND_TOR_A), "tor-a", until=600),
        views=(*_TOR_A_OPEN, _view(1190, "tor-a", checkout="down"), _OVER),
        lost=((120, 1200),),
    )
    yield Scenario(
        name="restart in mid-storm",
        about="The daemon starts anew eight times while alerts come in, and once while they clear.",
        cmdb=shop(),
        spells=_down(("tor-a", *_BEHIND_TOR_A), "tor-a"),
        views=(*_TOR_A_OPEN, _OVER),
        restarts=(*(15.0 * n for n in range(1, 9)), 910.0),
    )


def _planned() -> Iterable[Scenario]:
    two_hosts = ("host-b3", "host-b4", *VMS_B[4:])
    planned = [Spell(ci=c, at=30 + n, until=1700 + n, causes=frozenset()) for n, c in enumerate(two_hosts)]
    yield Scenario(
        name="maintenance overlapping a failure",
        about="Two hosts are down as planned and silenced; meanwhile the storage under half of the estate fails.",
        cmdb=shop(),
        spells=(*planned, *_down(("san-1", *VMS_A[:4], *VMS_B[:4], *CHECKOUT[::2], *SEARCH), "san-1", at=305)),
        views=(
            _view(290),
            _view(480, "san-1", checkout="down", search="down"),
            _view(2400),
        ),
        silences=(Silence(cis=frozenset(two_hosts), at=0, until=1800),),
    )
    yield Scenario(
        name="a failure outlasts its maintenance",
        about="Rack A is silenced for ten minutes and still down when the silence ends.",
        cmdb=shop(),
        spells=_down(("tor-a", *_BEHIND_TOR_A), "tor-a", at=60, until=1200),
        views=(_view(590), _view(660, "tor-a", checkout="down"), _view(1800)),
        silences=(Silence(cis=frozenset(("tor-a", *_BEHIND_TOR_A)), at=0, until=600),),
    )


def _large() -> Scenario:
    """Two silent switches with 5,000 CIs each, of which one fails; forty warnings behind the other."""
    made = site(9_998, 2)
    behind = {root: [e["id"] for e in made.entries if e["id"].startswith(f"{root}-")] for root in made.roots}
    failed, well = made.roots
    machines = [e["id"] for e in made.entries if e["type"] == "virtual-machine" and e["id"].startswith(f"{well}-")]
    chance = Random(7)
    noise = [_warned(ci, "HighCPU", at=round(chance.uniform(1, 60), 3)) for ci in chance.sample(machines, 40)]
    return Scenario(
        name="5,000 alerts in a minute on 10,000 CIs",
        about="One of two switches fails silently with all behind it; forty machines of the other warn of something.",
        cmdb={"cis": list(made.entries)},
        spells=(*_down(behind[failed], failed, step=0.01, until=300), *noise),
        views=(
            _view(60, failed, **{f"{failed}-service": "down"}),
            _view(240, failed, **{f"{failed}-service": "down"}),
            _view(600),
        ),
    )


def _every() -> Iterable[Scenario]:
    for some in (_plain, _crowded, _redundancy, _graphs, _services, _times, _planned):
        yield from some()
    yield _large()


SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _every()}
