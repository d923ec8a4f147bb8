"""The pages of administration: what is done by their forms, by whom, and what stays secret."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import requests

from cmdb.model import State
from daemon.api.access import digest
from daemon.api.ports import Ports
from daemon.console.routes import console_routes
from rules.access import Role
from rules.clock import Goal
from rules.escalation import Call, Escalation
from rules.incident import HitService, Priority, RootCause
from rules.policy import Policy
from rules.priority_rule import Occasion, PriorityRule
from rules.roster import Contact, Group, Person, Roster
from rules.rotation import Layer, Schedule
from rules.subscriptions import Subscription, When
from tests.builders import T0, clock, decision, incident, notice
from tests.contract.api_world import PASSWORD, Deciding, Session, World, serve
from tests.desk import rack_estate

EVIL = "<script>alert(1)</script>"
BERLIN = ZoneInfo("Europe/Berlin")


def roster() -> Roster:
    people = {
        n: Person(id=n, name=f"{n.title()} {EVIL}", zone=BERLIN, contacts=(Contact(via="noc"),))
        for n in ("anna", "ben")
    }
    layer = Layer(
        name="weekly",
        teams=(("anna",), ("ben",)),
        turn=timedelta(days=7),
        starts=T0.astimezone(UTC).replace(tzinfo=None),
    )
    schedule = Schedule(name="net", zone=BERLIN, layers=(layer,))
    return Roster(
        people=people,
        groups={"net": Group(name="net", members=("anna", "ben"), schedule="net")},
        schedules={"net": schedule},
    )


def policy() -> Policy:
    rule = PriorityRule(name="Night & day", when=Occasion(service=frozenset({"checkout"})), priority=Priority.P2)
    return replace(Policy(), roster=roster(), priority_rules=(rule,))


@pytest.fixture
def console(tmp_path: Path, password_hash: str) -> Iterator[World]:
    made: list[Deciding] = []
    wants = Subscription(to="noc", when=When(priority=frozenset({"P1", "P2"})), name=EVIL)

    def wired(ports: Ports) -> Ports:
        return replace(
            ports,
            estate=rack_estate,
            policy=policy,
            roster=roster,
            subscriptions=lambda: (wants,),
            notifiers=lambda: ["noc"],
        )

    for world in serve(tmp_path, "login", wired, console_routes):
        for role in Role:
            world.store.users.add(role, role, (), password_hash)
        made.append(Deciding(world, rack_estate(), policy()))
        yield world


def log_in(console: World, name: str, password: str = PASSWORD) -> Session:
    session = requests.Session()
    session.trust_env = False
    session.headers["Origin"] = console.url
    form = {"name": name, "password": password, "next": "/"}
    assert session.post(f"{console.url}/login", data=form, allow_redirects=False).status_code == 303
    return session


def post(console: World, who: Session, path: str, **form: str) -> requests.Response:
    return who.post(console.url + path, data=form, allow_redirects=False)


def secret_of(page: requests.Response) -> str:
    found = re.search(r'<code class="secret">([^<]+)</code>', page.text)
    assert found is not None, page.text
    assert page.headers["Cache-Control"] == "no-store"
    return found[1]


def test_a_user_made_here_has_to_choose_a_password_before_anything_else(console: World) -> None:
    admin = log_in(console, "admin")
    password = secret_of(post(console, admin, "/admin/users", do="add", name="Carla", role="operator", groups="dba"))
    assert password not in admin.get(f"{console.url}/admin/users").text

    carla = log_in(console, "carla", password)
    for path in ("/", "/reports", "/admin"):
        answer = carla.get(console.url + path, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    assert carla.get(f"{console.url}/api/v1/incidents").status_code == 403
    assert carla.get(f"{console.url}/api/v1/me").status_code == 200

    new = "another long phrase"
    wrong = post(console, carla, "/account", old="not it at all", new=new, again=new)
    assert (wrong.status_code, "The old password is wrong" in wrong.text) == (401, True)
    assert "not the same twice" in post(console, carla, "/account", old=password, new=new, again="x").text
    assert "12 to 256" in post(console, carla, "/account", old=password, new="short", again="short").text
    done = post(console, carla, "/account", old=password, new=new, again=new)
    assert (done.status_code, done.headers["Location"]) == (303, "/")
    assert carla.get(f"{console.url}/", allow_redirects=False).status_code == 200
    log_in(console, "carla", new)
    acts = [(a.by.name, a.by.via, a.action) for a in console.store.audit.latest(10, 0, "carla")]
    assert acts == [("carla", "console", "password changed"), ("admin", "console", "user added")]


def test_roles_change_and_people_are_shut_out_at_once_but_nobody_shuts_themselves_out(console: World) -> None:
    admin, viewer = log_in(console, "admin"), log_in(console, "viewer")
    assert post(console, admin, "/admin/users", do="role", name="viewer", role="operator").status_code == 303
    assert viewer.get(f"{console.url}/", allow_redirects=False).status_code == 303
    viewer = log_in(console, "viewer")
    assert viewer.get(f"{console.url}/admin").status_code == 200
    assert post(console, admin, "/admin/users", do="disable", name="viewer").status_code == 303
    assert viewer.get(f"{console.url}/", allow_redirects=False).status_code == 303
    for form in ({"do": "disable"}, {"do": "role", "role": "viewer"}):
        refused = post(console, admin, "/admin/users", name="admin", **form)
        assert (refused.status_code, "another administrator can" in refused.text) == (400, True)
    assert "is 1 to 64" in post(console, admin, "/admin/users", do="add", name=EVIL, role="viewer").text
    assert EVIL not in post(console, admin, "/admin/users", do="add", name=EVIL, role="viewer").text


def test_a_user_is_limited_to_services_by_their_names(console: World) -> None:
    admin, viewer = log_in(console, "admin"), log_in(console, "viewer")
    assert post(console, admin, "/admin/users", do="limit", name="viewer", services="checkout").status_code == 303
    assert viewer.get(f"{console.url}/", allow_redirects=False).status_code == 303
    assert log_in(console, "viewer").get(f"{console.url}/cis").status_code == 403
    assert 'value="checkout"' in admin.get(f"{console.url}/admin/users").text
    for services, why in (("chekcout", "did you mean checkout"), ("tor-3a", "is no business service")):
        answer = post(console, admin, "/admin/users", do="limit", name="viewer", services=services)
        assert (answer.status_code, why in answer.text) == (400, True)
    for form in (
        {"do": "role", "name": "viewer", "role": "admin"},
        {"do": "limit", "name": "admin", "services": "checkout"},
    ):
        assert post(console, admin, "/admin/users", **form).status_code == 400
    assert post(console, admin, "/admin/users", do="limit", name="viewer").status_code == 303
    assert log_in(console, "viewer").get(f"{console.url}/cis").status_code == 200


def test_a_token_is_shown_once_and_works_until_it_is_revoked(console: World) -> None:
    admin = log_in(console, "admin")
    token = secret_of(post(console, admin, "/admin/tokens", do="create", name="grafana", scope="read", expires="90d"))
    header = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{console.url}/api/v1/incidents", headers=header, timeout=10).status_code == 200
    assert console.store.token_bearer(digest(token)) is not None
    assert token not in admin.get(f"{console.url}/admin/tokens").text
    assert post(console, admin, "/admin/tokens", do="revoke", name="grafana").status_code == 303
    assert requests.get(f"{console.url}/api/v1/incidents", headers=header, timeout=10).status_code == 401
    assert "needs a scope" in post(console, admin, "/admin/tokens", do="create", name="x").text
    assert "token revoked" in admin.get(f"{console.url}/admin/audit?subject=grafana").text


def test_forms_of_another_site_do_nothing(console: World) -> None:
    admin = log_in(console, "admin")
    admin.headers["Origin"] = "https://evil.example"
    for path in ("/admin/users", "/admin/tokens", "/admin/silences", "/admin/oncall", "/admin/notices", "/account"):
        assert post(console, admin, path, do="add", name="eve", role="admin").status_code == 403
    assert console.store.users.user("eve") is None


def test_silences_are_made_and_ended(console: World) -> None:
    operator = log_in(console, "operator")
    form = {"do": "add", "matchers": 'alertname=DiskFull\nci=~"db[12]"', "lasts": "2h", "comment": EVIL}
    assert post(console, operator, "/admin/silences", **form).status_code == 303
    (made,) = console.store.silences()
    assert (made.created_by, [m.name for m in made.matchers]) == ("operator", ["alertname", "ci"])
    page = operator.get(f"{console.url}/admin/silences").text
    assert EVIL not in page
    assert made.id in page
    assert post(console, operator, "/admin/silences", do="end", id=made.id).status_code == 303
    assert console.store.silences()[0].ends_at == T0
    for wrong in ({"matchers": "a=~("}, {"matchers": ""}, {"lasts": "soon"}, {"comment": ""}):
        answer = post(console, operator, "/admin/silences", **{**form, **wrong})
        assert answer.status_code == 400
        assert 'role="alert"' in answer.text
    assert "DiskFull" in post(console, operator, "/admin/silences", **{**form, "lasts": "soon"}).text


def test_somebody_stands_in_and_is_shown(console: World) -> None:
    operator = log_in(console, "operator")
    page = operator.get(f"{console.url}/admin/oncall").text
    assert "net: Anna &lt;script&gt;" in page
    assert EVIL not in page
    form = {"do": "add", "schedule": "net", "person": "ben", "from": "now", "lasts": "1d", "reason": "ill"}
    assert post(console, operator, "/admin/oncall", **form).status_code == 303
    assert "net: Ben &lt;script&gt;" in operator.get(f"{console.url}/admin/oncall").text
    (made,) = console.store.overrides()
    assert post(console, operator, "/admin/oncall", do="end", id=made.id).status_code == 303
    assert "net: Anna" in operator.get(f"{console.url}/admin/oncall").text
    answer = post(console, operator, "/admin/oncall", **{**form, "person": "nobody"})
    assert (answer.status_code, 'role="alert"' in answer.text) == (400, True)


def test_an_alert_is_tried_by_the_rules_in_force_and_nothing_is_kept(console: World) -> None:
    operator = log_in(console, "operator")
    labels = "alertname=SwitchDown, ci=tor-3a severity=critical"
    asked = post(console, operator, "/admin/try", labels=labels)
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", asked.text))
    assert "An incident would open" in page
    assert "Night &amp; day" in page
    assert '/admin#priority-night-day"' in asked.text
    assert "noc" in page
    assert EVIL not in asked.text
    same = post(console, operator, "/admin/try", labels='{"alertname": "SwitchDown", "ci": "tor-3a"}')
    assert "An incident would open" in same.text
    info = post(console, operator, "/admin/try", labels="alertname=Hello ci=tor-3a severity=info")
    assert "It would open nothing" in info.text
    for wrong in ("", "just words", "{bad: json}", '{"a": 1}', "a=b"):
        answer = post(console, operator, "/admin/try", labels=wrong)
        assert answer.status_code in (200, 400)
    assert post(console, operator, "/admin/try", labels="just words").status_code == 400
    assert console.store.incidents() == []
    assert console.store.inbox_depth() == 0
    assert console.store.notices() == []


def test_the_rules_in_force_have_anchors(console: World) -> None:
    page = log_in(console, "operator").get(f"{console.url}/admin").text
    assert 'id="priority-night-day"' in page
    assert 'id="service-level-standard"' in page
    assert 'id="priority-matrix"' in page
    assert EVIL not in page


def test_what_could_not_be_delivered_is_sent_again_by_a_manager(console: World) -> None:
    store = console.store
    epoch = store.acquire("test", timedelta(minutes=1))
    store.commit(decision(notices=(notice("n1"), notice("n2", to="mail"))), epoch=epoch)
    store.bury("n1", T0, EVIL)
    operator, manager = log_in(console, "operator"), log_in(console, "manager")
    page = operator.get(f"{console.url}/admin/notices?state=dead").text
    assert EVIL not in page
    assert "not delivered" in page
    assert "Send again" not in page
    assert post(console, operator, "/admin/notices", key="n1").status_code == 403
    assert "Send again" in manager.get(f"{console.url}/admin/notices").text
    done = post(console, manager, "/admin/notices", key="n1")
    assert done.headers["Location"] == "/admin/notices?retried=1"
    assert [n.state for n in store.notices()] == ["pending", "pending"]
    assert "no incident&#39;s number" in manager.get(f"{console.url}/admin/notices?incident=x").text


def test_the_overview_speaks_of_services_and_not_of_hosts(console: World) -> None:
    viewer = log_in(console, "viewer")
    assert "All business services work" in viewer.get(f"{console.url}/overview").text
    shop = HitService(ci="checkout", name=f"Checkout {EVIL}", state=State.DOWN)
    due = clock(Goal.RESOLUTION, within=600, begin=-500, told=0.8)
    called = Escalation(calls=(Call(person="anna", at=T0, policy="p", step=1, why="", via=("noc",)),))
    known = {"title": "tor-3a is down", "root": RootCause(ci="tor-3a"), "impacted": ("tor-3a", "host-1")}
    hit = incident(1, services=(shop,), clocks=(due,), escalation=called, group="net", **known)
    epoch = console.store.acquire("test", timedelta(minutes=1))
    console.store.commit(decision(incidents=(hit, incident(2, **known))), epoch=epoch)
    page = viewer.get(f"{console.url}/overview").text
    assert "1 business service is hit" in page
    assert "Checkout &lt;script&gt;" in page
    assert "Nobody has taken it yet; called so far: Anna" in page
    assert '<strong class="late">at risk</strong>' in page
    assert "1 other failure is being dealt with" in page
    assert not re.search(r"tor-3a|host-1|<script>alert|Administration</a>", page)
