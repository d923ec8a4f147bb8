"""Users and tokens on the command line, and lists of incidents by what is wanted."""

import re

import pytest

from daemon.cli.doer import doer
from daemon.cli.main import app
from daemon.clock import ManualClock
from daemon.passwords import is_right
from daemon.second_factor import SecondFactor
from daemon.store.rows import ITSELF
from daemon.store.store import Store
from tests.apps import App
from tests.cli_site import T0, Shell, Site
from tests.contract.stores import hash_of


def test_users_are_let_in_changed_and_shut_out(recorded: Site) -> None:
    made = recorded.json("user", "add", "Anna", "--role", "operator", "--group", "network", "--group", "dba")
    assert (made["name"], made["role"], made["groups"]) == ("anna", "operator", ["dba", "network"])
    assert re.fullmatch(r"[A-Za-z0-9_-]{20}", made["password"])
    assert made["password"].encode() not in (recorded.directory / "incidentd.db").read_bytes()
    assert recorded.json("user", "role", "anna", "manager") == {"name": "anna", "role": "manager"}
    again = recorded.json("user", "passwd", "anna")
    assert again["password"] != made["password"]
    assert recorded.json("user", "disable", "anna") == {"name": "anna", "disabled": True}
    (known,) = recorded.json("user", "list")["users"]
    assert (known["name"], known["role"], known["groups"]) == ("anna", "manager", ["dba", "network"])
    assert known["disabled_at"] is not None
    assert recorded.json("user", "enable", "anna") == {"name": "anna", "disabled": False}
    assert "network" in recorded.run("user", "list")


def test_whether_a_second_factor_is_on_is_listed_and_it_is_reset(recorded: Site) -> None:
    for name in ("anna", "bob"):
        recorded.json("user", "add", name, "--role", "operator")
    with Store.open(f"sqlite:///{recorded.directory}/incidentd.db", ManualClock(T0)) as store:
        factor = SecondFactor(store, ManualClock(T0))
        app = App(factor.begin("anna").secret, ManualClock(T0))
        factor.confirm("anna", app.code(), keep="", by=ITSELF)
    listed = recorded.json("user", "list")["users"]
    assert [(u["name"], u["second_factor"]) for u in listed] == [("anna", True), ("bob", False)]
    assert "second factor" in recorded.run("user", "list")
    assert recorded.json("user", "reset-second-factor", "anna") == {"name": "anna", "second_factor": False}
    assert not any(u["second_factor"] for u in recorded.json("user", "list")["users"])
    act = recorded.json("user", "history")["acts"][0]
    assert (act["action"], act["subject"], act["actor"]) == ("second factor reset", "anna", doer().name)


def test_a_user_is_limited_to_services_of_the_cmdb(recorded: Site) -> None:
    made = recorded.json("user", "add", "carl", "--role", "viewer", "--service", "shop")
    assert made["services"] == ["shop"]
    assert "shop" in recorded.run("user", "list")
    assert recorded.json("user", "limit", "carl", "shop")["services"] == ["shop"]
    for words, why in (
        (("limit", "carl"), "or say --everything"),
        (("limit", "carl", "shopp"), "did you mean shop"),
        (("limit", "carl", "switch-1"), "no business service"),
        (("role", "carl", "admin"), "an admin sees everything"),
        (("add", "dora", "--role", "admin", "--service", "shop"), "an admin sees everything"),
    ):
        refused = recorded.runner.invoke(app, recorded.words("user", *words))
        assert (refused.exit_code, why in str(refused.exception)) == (1, True), refused.exception
    assert recorded.json("user", "limit", "carl", "--everything")["services"] == []
    assert recorded.json("user", "role", "carl", "admin")["role"] == "admin"
    acts = recorded.json("user", "history", "carl")["acts"]
    assert [a["details"] for a in acts if a["action"] == "limit changed"] == ["sees everything", "sees only shop"]


def test_what_is_administered_here_is_kept_with_the_user_of_the_system(recorded: Site) -> None:
    made = recorded.json("user", "add", "anna", "--role", "operator")
    recorded.json("user", "role", "anna", "manager")
    token = recorded.json("token", "create", "grafana")
    recorded.json("token", "revoke", "grafana")
    acts = recorded.json("user", "history")["acts"]
    assert [(a["action"], a["subject"]) for a in acts] == [
        ("token revoked", "grafana"),
        ("token created", "grafana"),
        ("role changed", "anna"),
        ("user added", "anna"),
    ]
    who = doer()
    assert {(a["actor"], a["via"]) for a in acts} == {(who.name, who.via)}
    assert who.name
    assert not any(secret in str(acts) for secret in (made["password"], token["token"]))
    assert len(recorded.json("user", "history", "anna", "--limit", "1")["acts"]) == 1
    assert "role manager" in recorded.run("user", "history", "anna")


def test_a_password_may_come_from_standard_input_and_is_never_shown(recorded: Site) -> None:
    add = recorded.words("user", "add", "bob", "--role", "viewer", "--password-stdin")
    poor = recorded.runner.invoke(app, add, input="short\n")
    assert (poor.exit_code, type(poor.exception).__name__) == (1, "AccountRefused")
    done = recorded.runner.invoke(app, add, input="correct horse battery\n")
    assert done.exit_code == 0
    assert "horse" not in done.output
    with Store.open(f"sqlite:///{recorded.directory}/incidentd.db", ManualClock(T0)) as store:
        assert is_right(hash_of(store, "bob"), "correct horse battery")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("user", "add", "an na", "--role", "viewer"), 1, "a name is 1 to 64"),
        (("user", "add", "anna", "--role", "king"), 2, "viewer"),
        (("user", "role", "nobody", "viewer"), 1, "there is no user named nobody; `incidentd user list`"),
        (("user", "passwd", "nobody"), 1, "there is no user named nobody"),
        (("user", "reset-second-factor", "nobody"), 1, "there is no user named nobody"),
        (("user", "disable", "nobody"), 1, "there is no user named nobody"),
        (("token", "create", "--user", "nobody"), 1, "there is no user named nobody"),
        (("token", "create"), 1, "the name of a token is 1 to 100"),
        (("token", "create", "x", "--expires", "2020-01-01T00:00:00Z"), 2, "not ahead"),
        (("token", "create", "x", "--expires", "soon"), 2, "allowed"),
        (("incident", "list", "--sort", "title"), 2, "opened_at"),
        (("incident", "list", "--since", "soon"), 2, "allowed"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    incidentd: Shell, recorded: Site, words: tuple[str, ...], code: int, said: str
) -> None:
    answer = incidentd(*words, cwd=recorded.directory)
    assert (answer.returncode, answer.stdout) == (code, "")
    assert said in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_users_token_bears_their_name_and_no_service_may_take_it(incidentd: Shell, recorded: Site) -> None:
    recorded.json("user", "add", "anna", "--role", "operator")
    made = recorded.json("token", "create", "--user", "Anna", "--scope", "write", "--expires", "90d")
    assert (made["user"], made["scopes"]) == ("anna", ["write"])
    assert re.fullmatch(r"anna-[0-9a-f]{6}", made["name"])
    (known,) = recorded.json("token", "list")["tokens"]
    assert (known["user"], known["expires_at"]) == ("anna", made["expires_at"])
    assert incidentd("token", "create", "anna", cwd=recorded.directory).returncode == 1
    recorded.json("token", "create", "grafana")
    assert incidentd("user", "add", "grafana", "--role", "viewer", cwd=recorded.directory).returncode == 1


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), ["INC-2", "INC-1"]),
        (("--sort", "opened_at"), ["INC-1", "INC-2"]),
        (("--sort", "number", "--limit", "1", "--offset", "1"), ["INC-2"]),
        (("--group", "network", "--status", "open"), ["INC-1"]),
        (("--ci", "tor-3a"), ["INC-1"]),
        (("--service", "payments"), ["INC-1"]),
        (("--text", "Switch REPLACED"), ["INC-2"]),
        (("--since", "2026-11-24T08:00:00Z", "--until", "2026-11-24T08:00:01Z"), ["INC-2", "INC-1"]),
        (("--until", "2026-11-24T08:00:00Z"), []),
    ],
)
def test_incidents_are_listed_by_what_is_wanted(recorded: Site, words: tuple[str, ...], wanted: list[str]) -> None:
    assert [i["number"] for i in recorded.json("incident", "list", *words)["incidents"]] == wanted
