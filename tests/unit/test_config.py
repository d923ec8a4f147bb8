from datetime import timedelta
from pathlib import Path

import pytest

from cmdb.problems import Problem
from daemon.config.estate import estate_remarks, load_all
from daemon.config.load import load_config
from daemon.errors import ConfigError
from notifiers.settings import EmailSettings, WebhookSettings
from rules.access import Role
from rules.incident import Level, Priority
from rules.policy import Policy
from rules.subscriptions import Subscription, When
from tests.config_site import Site, site

__all__ = ["site"]

CONTRACT = """\
database: sqlite:///incidentd.db        # or postgresql+psycopg://…  (several daemons may share one)
http: {listen: "127.0.0.1:8420", access: login}   # access: open is accepted on a loopback address only
sources:
  - {name: main, type: prometheus, url: "http://127.0.0.1:9090", interval: 15s}
  - {name: am, type: alertmanager, url: "http://127.0.0.1:9093", interval: 15s}
  - {name: push, type: push}            # POST /api/v2/alerts and /hooks/*
cmdb:
  - {type: yaml, path: cmdb.yaml}
rules: rules.yaml                        # optional; ITIL defaults ship inside
notifiers:
  - {name: noc, type: webhook, url: "http://127.0.0.1:9999/hook"}
notify:                                  # who hears of what
  - {to: noc, when: {priority: [P1, P2, P3]}}
incidents: {resolve_after: 2m, reopen_within: 30m}
"""
CMDB = "cis:\n  - {id: shop, type: business-service, depends_on: [db]}\n  - {id: db}\n"


def test_the_example_everybody_knows_loads(site: Site) -> None:
    config = site.load(CONTRACT, cmdb_yaml=CMDB, rules_yaml="")
    assert config.database.reveal() == f"sqlite:///{site.directory}/incidentd.db"
    assert (config.http.host, config.http.port, config.http.access) == ("127.0.0.1", 8420, "login")
    assert [(s.name, s.type, s.url, s.interval) for s in config.sources] == [
        ("main", "prometheus", "http://127.0.0.1:9090", timedelta(seconds=15)),
        ("am", "alertmanager", "http://127.0.0.1:9093", timedelta(seconds=15)),
        ("push", "push", "", timedelta(seconds=15)),
    ]
    assert config.cmdb == (site.directory / "cmdb.yaml",)
    assert config.notify == (
        Subscription(to="noc", when=When(priority=frozenset({"P1", "P2", "P3"})), name="entry 1 of notify"),
    )
    assert config.policy == Policy(resolve_after=timedelta(minutes=2), reopen_within=timedelta(minutes=30))
    assert config.remarks == ()


def test_an_almost_empty_file_gets_every_default(site: Site) -> None:
    config = site.load("log: {level: debug}\n")
    assert config.policy == Policy()
    assert config.http.listen == "127.0.0.1:8420"
    assert config.log.level == "debug"
    assert [r.what for r in config.remarks] == [
        "there are no sources, so no alert is ever heard",
        "there is no CMDB, so no alert finds its root cause",
    ]


def test_five_mistakes_give_five_lines(site: Site) -> None:
    text = """\
http: {listen: "0.0.0.0:8420", access: open}
sources:
  - name: main
    type: prometheus
    url: http://127.0.0.1:9090
    interval: 15 seconds
cmdb:
  - {type: yaml, path: nowhere.yaml}
notifiers:
  - {name: noc, type: webhook, url: "http://127.0.0.1:9999/hook"}
notify:
  - {to: nok, when: {priority: [P1]}}
  - {to: noc, when: {prioritty: [P1]}}
"""
    assert site.problems(text) == [
        "1: access: open is for a loopback address only, and 0.0.0.0 is reachable for others; "
        "allowed: access: login, or listen on 127.0.0.1, [::1] or localhost",
        '6: interval: "15 seconds" is not a length of time; '
        "allowed: a whole number with a unit, as in 15s, 2m, 1h30m or 3d",
        '8: the file "nowhere.yaml" cannot be read: No such file or directory',
        '12: to: there is no notifier "nok"; did you mean "noc"?; allowed: noc',
        '13: unknown key "prioritty"; did you mean "priority"?; '
        "allowed: priority, event, service, group, category, ci, under, hours",
    ]


def test_mistakes_of_all_files_come_at_once(site: Site) -> None:
    text = "sources: 5\ncmdb: [{type: yaml, path: cmdb.yaml}]\nrules: rules.yaml\n"
    site.write(text, cmdb_yaml="cis:\n  - {id: a, depends_on: [gone]}\n", rules_yaml="mapping:\n  label: [ci]\n")
    with pytest.raises(ConfigError) as caught:
        load_all(site.path, environ={})
    found = {(Path(p.file).name, p.line) for p in caught.value.problems}
    assert found == {("incidentd.yaml", 1), ("cmdb.yaml", 2), ("rules.yaml", 1), ("rules.yaml", 2)}


MAIN = "sources:\n  - {name: main, type: prometheus, url: 'http://p:9090', %s}\n"
NOON = "2026-11-24T12:00:00Z"
WINDOW = "maintenance: [{name: firmware, from: '%s', to: '%s', cis: tor-3a}]\n"
CHAT = "notifiers:\n  - {name: noc, type: %s}\n"
HOOK = "notifiers:\n  - {name: noc, type: webhook, url: 'http://h/x', %s}\n"
MAIL = "notifiers:\n  - {name: noc, type: email, host: mx, from: a@b.de, to: c@d.de, %s}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: the file is empty; allowed: database,"),
        ("[]", "1: the file must be a mapping of settings"),
        ("a: [", "this is not YAML"),
        ("log: {level: info}\nlog: {level: info}\n", '2: the key "log" stands here twice; first on line 1'),
        ("log: !!python/object:x {}\n", "1: the tag tag:yaml.org,2002:python/object:x is not allowed"),
        ("log: !x info\n", "1: the tag !x is not allowed"),
        ("? [a]\n: b\n", "1: a key must be a word"),
        ("sourcess: []\n", '1: unknown key "sourcess"; did you mean "sources"?; allowed: database,'),
        ("log: info\n", "1: log must be a mapping of settings"),
        ("log: {level: INFO}\n", '1: level: "INFO" is not allowed; did you mean "info"?; allowed: debug, info,'),
        ("log: {level: yes}\n", '1: level: "yes" is not allowed; allowed: debug'),
        ("sources: {a: b}\n", "1: sources must be a list"),
        ("sources: [5]\n", "1: this must be a mapping of settings"),
        ("sources:\n  - {name: a}\n", "2: type is missing; allowed: prometheus, alertmanager, push"),
        (
            "sources:\n  - {name: a, type: promethus}\n",
            '2: type: "promethus" is not allowed; did you mean "prometheus"?',
        ),
        ("sources:\n  - {name: a, type: prometheus}\n", "2: url is missing"),
        ("sources:\n  - {name: 'a b', type: push}\n", '2: name: "a b" is not a name; allowed: letters,'),
        ("sources:\n  - {name: a, type: push}\n  - {name: b, type: push}\n", "3: there is a push source already"),
        (MAIN % "timeout: 0s", "2: timeout: is out of range; allowed: 100ms to 5m"),
        (MAIN % "interval: 1ms", "2: interval: is out of range; allowed: 1s to 1d"),
        (MAIN % "interval: 15", "2: interval: must be a length of time, not a number; allowed:"),
        (MAIN % "interval: 12:30:45", '2: interval: "12:30:45" is not a length of time'),
        (MAIN % "headers: {A: 5}", "2: headers: the value of A must be text, not a number; put it in quotes"),
        (MAIN % "headers: {'A b': x}", '2: headers: "A b" is not the name of an HTTP header'),
        (MAIN % 'headers: {A: "x\\ny"}', "2: headers: the value of A holds characters that no HTTP header can"),
        (MAIN % "ignore_labels: [1]", "2: ignore_labels: must be text, not a number"),
        (MAIN % "tls: {insecure_skip_verify: yes}", "2: insecure_skip_verify must be true or false, not text"),
        (MAIN % "tls: {ca_file: gone.pem}", '2: the file "gone.pem" cannot be read: No such file'),
        (MAIN % "tls: {key_file: incidentd.yaml}", "2: key_file stands without cert_file"),
        (MAIN % "tls: {cafile: x}", '2: unknown key "cafile"; did you mean "ca_file"?; allowed: ca_file, cert_file'),
        (MAIN % "basic_auth: {username: u}", "2: password is missing; allowed: password, password_file, password_cred"),
        (MAIN % "basic_auth: {username: u, password: p}, bearer_token: t", "2: basic_auth and bearer_token exclude"),
        (MAIN % "bearer_token_file: gone", '2: the file "gone" cannot be read: No such file or directory'),
        (MAIN % "bearer_token: t, bearer_token_file: gone", "2: bearer_token and bearer_token_file exclude each other"),
        (MAIN % "bearer_token_credential: tok", "2: there is no credential tok; systemd gives it by LoadCredential="),
        (MAIN % "bearer_token_credential: ../tok", '2: "../tok" is not the name of a credential'),
        (MAIN % "bearer_token: ''", "2: bearer_token is empty"),
        (MAIN % "bearer_token: 123", "2: bearer_token must be text, not a number; put it in quotes"),
        ("sources:\n  - {name: a, type: prometheus, url: 'p:9090'}\n", '2: url: "p:9090" does not begin with http://'),
        (
            "sources:\n  - {name: a, type: prometheus, url: 'http://u:pw@p'}\n",
            '2: url: "http://***@p" holds a user name',
        ),
        ("sources:\n  - {name: a, type: prometheus, url: 'http://'}\n", '2: url: "http://" names no host'),
        (
            "sources:\n  - {name: a, type: prometheus, url: 'http://p:99999'}\n",
            '2: url: "http://p:99999" is not an addr',
        ),
        ("cmdb:\n  - {type: netbox}\n", '2: type: "netbox" is not allowed; allowed: yaml'),
        ("cmdb:\n  - {type: yaml, path: .}\n", '2: the file "." cannot be read: Is a directory'),
        ("http: {listen: '127.0.0.1'}\n", '1: listen: "127.0.0.1" has no port; allowed: host:port'),
        ("http: {listen: '::1:80'}\n", '1: listen: "::1:80": an IPv6 address stands in brackets'),
        ("http: {listen: '[x]:80'}\n", '1: listen: "x" is not an IPv6 address'),
        ("http: {listen: ':80'}\n", '1: listen: ":80" names no host'),
        ("http: {listen: 'a:99999'}\n", '1: listen: "a:99999" has no port'),
        (
            "http: {second_factor: [amdin]}\n",
            '1: second_factor: "amdin" is not allowed; did you mean "admin"?; '
            "allowed: viewer, reporter, operator, manager, admin",
        ),
        (
            "http: {second_factor_key: short}\n",
            "1: second_factor_key is short; allowed: 32 characters or more, at random",
        ),
        ("http: {access: opn}\n", '1: access: "opn" is not allowed; did you mean "open"?; allowed: login, open'),
        ("database: mysql://u:pw@h/d\n", "1: database is not an address that is known; allowed: sqlite:///FILE or"),
        ("database: 'sqlite://'\n", "1: database is not an address that is known"),
        ("database: 'sqlite:///:memory:'\n", "1: database must be a plain file"),
        ("database: sqlite:///gone/x.db\n", "the directory"),
        ("database: sqlite:///.\n", '1: database: "." is a directory'),
        ("database: postgresql://h:port/d\n", "1: database is not an address: its port is no number"),
        ("database: 5\n", "1: database must be text"),
        (HOOK % "timeout: 10m", "2: timeout: is out of range"),
        (HOOK % "headers: {Host: x}", "2: headers cannot set 'Host'"),
        ("notifiers:\n  - {name: a, type: webhook}\n", "2: url is missing; allowed: url, url_file, url_credential"),
        ("notifiers:\n  - {name: a, type: webhook, url: 'ftp://token@h'}\n", "2: url: does not begin with http:// or"),
        (
            HOOK.replace("}", "}\n  - {name: noc, type: webhook, url: 'http://h'}") % "timeout: 5s",
            '3: the name "noc" is',
        ),
        (MAIL % "port: 0", "2: port is out of range; allowed: 1 or more"),
        (MAIL % "port: high", "2: port: must be a whole number, not text"),
        (MAIL % "tls: ssl", '2: tls: "ssl" is not allowed; allowed: starttls, implicit, none'),
        (MAIL % "username: u", "2: username and password belong together"),
        (MAIL % "username: u, password: p, tls: none", "2: tls must not be none where there is a password"),
        (MAIL.replace("c@d.de", "[]") % "tls: none", "2: to is empty; allowed: one or more"),
        (MAIL.replace("c@d.de", "c@") % "tls: none", '2: to: "c@" is not a mail address; allowed: name@example.net'),
        (CHAT % "slack, to: noc, token: t", '2: to: "noc" is no address in this chat; allowed: the id of a channel or'),
        (CHAT % "slack, to: C123", "2: token is missing; allowed: token, token_file, token_credential"),
        (CHAT % "telegram, to: -100123, token: t", "2: to must be text, not a number; put it in quotes"),
        (CHAT % "mattermost, to: ops/noc, token: t", "2: url is missing"),
        (CHAT % "apprise, url: ntfy", "2: urls: address 1 is no address as Apprise writes them"),
        (CHAT % "apprise, url: 'syslog://'", "2: urls: address 1 is no address"),
        (CHAT % "apprise, url: 'dbus://x'", "2: urls: address 1 is of kind dbus, which acts on this machine itself"),
        (CHAT % "apprise, targets: {a: 'ntfy://x'}", "2: url and urls must hold 1 to 50 addresses"),
        (CHAT % "apprise, url: 'ntfy://x', targets: {anna: y}", "2: targets: anna is no address"),
        (CHAT % "slack, to: C123, token: t, rate: {notices: 0, within: 1m}", "2: notices is out of range"),
        ("notify:\n  - {to: noc}\n", '2: to: there is no notifier "noc"; there are no notifiers'),
        ("notify:\n  - {when: {event: open}}\n", '2: event: "open" is not allowed; did you mean "opened"?'),
        ("notify:\n  - {when: {priority: P9}}\n", '2: priority: "P9" is not allowed; allowed: P1, P2, P3, P4, P5'),
        (WINDOW % ("8:00", NOON), '1: from: "8:00" is not an RFC 3339 time such as'),
        (WINDOW % ("2026-11-24T08:00:00", NOON), '1: from: "2026-11-24T08:00:00" is not an RFC 3339 time'),
        (WINDOW % ("0001-01-01T00:00:00Z", NOON), "1: from: is no time; allowed: a time with its zone"),
        (WINDOW % (NOON, NOON), "1: to is not after from"),
        ("maintenance: [{name: x}]\n", "1: from is missing"),
        ("maintenance: {}\n", "1: maintenance must be a list"),
        ("incidents: {settle: -5s}\n", '1: settle: "-5s" is not a length of time'),
        ("incidents: {settle: 11y}\n", '1: settle: "11y" is not a length of time'),
        ("incidents: {settle: 600w}\n", '1: settle: "600w" is longer than ten years'),
        ("delivery: {workers: 0}\n", "1: workers is out of range; allowed: 1 or more"),
        ("delivery: {fallback: x}\n", '1: fallback: there is no notifier "x"'),
        ("messages: {time_zone: Mars/Base}\n", '1: time_zone: "Mars/Base" is not a time zone that is known here'),
        (
            "messages: {language: fr}\n",
            '1: language: there is no catalogue for "fr"; allowed: en, ru',
        ),
        (
            "messages: {links: [{name: Grafana, url: 'https://g/?from={form_ms}'}]}\n",
            "1: url: {form_ms} is not known; allowed: {from_ms}, {to_ms}, ",
        ),
        ("messages: {links: [{name: Grafana, url: 'grafana'}]}\n", "1: url is no address; allowed: https://host/path"),
        ("messages: {templates: gone}\n", '1: templates: "gone" is not a directory'),
        ("rules: gone.yaml\n", '1: the file "gone.yaml" cannot be read: No such file or directory'),
        ("rules: [a]\n", "1: rules must be the path of a file"),
        (
            "log: {level: '${LEVEL}'}\n",
            "1: the environment has no variable LEVEL; allowed: set it, or write ${LEVEL:-def",
        ),
        ("log: {level: '${a b}'}\n", "1: ${a b} is not the name of a variable"),
        ("http: {status_of: {pay: everybody}}\n", '1: pay: "everybody" is not allowed; allowed: off, login, public'),
        ("log: {level: '${a'}\n", "1: ${ is not the name of a variable"),
    ],
)
def test_a_mistake_is_explained(site: Site, text: str, expected: str) -> None:
    problems = site.problems(text)
    assert any(expected in problem for problem in problems), problems
    assert all("\n" not in problem and len(problem) < 600 for problem in problems)
    assert not any("pw" in problem for problem in problems)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("priority: {matrix: {high: {high: P0}}}\n", '"P0" is not allowed; allowed: P1, P2, P3, P4, P5'),
        ("priority: {matrix: {hi: {high: P1}}}\n", "high, medium, low"),
        ("mapping: {labels: []}\n", "labels is empty"),
        ("mapping: {labels: 5}\n", "labels must be a list, not a number"),
        ("incidents: {resolve_after: 3m}\n", "resolve_after stands in"),
        ("notify: [{to: x}]\n", 'there is no notifier "x"'),
        ("sla: {}\n", 'unknown key "sla"'),
        ("requests: [{name: x, match: [nothing]}]\n", "'nothing' is no matcher"),
        ("requests: [{name: x, match: ['a=~\".*\"']}]\n", "every alert would be a service request"),
        ("requests: [{name: x}]\n", "match is missing"),
        ("problems: {suggest_after: 1}\n", "suggest_after"),
        ("problems: {within: 5m}\n", "allowed: 1h to 365d"),
        ("a: [\n", "this is not YAML"),
    ],
)
def test_a_mistake_in_the_rules_is_explained(site: Site, text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        site.load("rules: rules.yaml\nincidents: {resolve_after: 2m}\n", rules_yaml=text)
    assert all(p.file.endswith("rules.yaml") and p.line for p in caught.value.problems)
    assert any(expected in str(p) for p in caught.value.problems), caught.value.problems


def test_rules_change_the_matrix_the_labels_and_who_hears(site: Site) -> None:
    rules = """\
priority: {matrix: {low: {low: P4}}}
mapping: {labels: [asset, instance]}
incidents: {settle: 1m30s}
notify: [{to: [a, b], when: {group: dba}}]
"""
    hooks = "".join(f"  - {{name: {n}, type: webhook, url: 'http://h/{n}'}}\n" for n in "ab")
    config = site.load(f"rules: rules.yaml\nnotifiers:\n{hooks}notify: [{{to: a}}]\n", rules_yaml=rules)
    assert config.policy.priority(Level.LOW, Level.LOW) == Priority.P4
    assert config.policy.priority(Level.HIGH, Level.HIGH) == Priority.P1
    assert config.policy.mapping_labels == ("asset", "instance")
    assert config.policy.settle == timedelta(seconds=90)
    assert [(s.to, s.when.group) for s in config.notify] == [
        ("a", frozenset()),
        ("a", frozenset({"dba"})),
        ("b", frozenset({"dba"})),
    ]


def test_rules_say_what_is_a_request_and_when_a_problem_is_suggested(site: Site) -> None:
    rules = (
        "requests: [{name: resets, match: ['alertname=Reset', 'env!=test'], group: desk}]\nproblems: {within: 90d}\n"
    )
    policy = site.load("rules: rules.yaml\n", rules_yaml=rules).policy
    (rule,) = policy.requests
    assert (rule.name, rule.group, [m.text for m in rule.matchers]) == (
        "resets",
        "desk",
        ['alertname="Reset"', 'env!="test"'],
    )
    assert (policy.suggest.times, policy.suggest.within) == (3, timedelta(days=90))


SECRET = "geheim-77"


@pytest.mark.parametrize("way", ["bearer_token: geheim-77", "bearer_token: '${TOK}'", "bearer_token_file: tok.txt",
                                 "bearer_token_credential: tok.txt"])  # fmt: skip
def test_secrets_come_four_ways_and_are_never_shown(site: Site, way: str) -> None:
    (site.directory / "tok.txt").write_text(SECRET + "\n")
    environ = {"TOK": SECRET, "CREDENTIALS_DIRECTORY": str(site.directory)}
    config = site.load(
        (MAIN % way) + f"database: postgresql://u:{SECRET}@db/x?password={SECRET}\n" + (HOOK % f"secret: {SECRET}"),
        environ,
    )
    token = config.sources[0].bearer_token
    assert token is not None
    assert token.reveal() == SECRET
    assert SECRET not in repr(config)
    assert SECRET not in str(config)
    assert config.database_shown == "postgresql://db/x"


def test_a_value_from_the_environment_is_shown_as_written(site: Site) -> None:
    text = "log: {level: '${L}'}\nincidents: {settle: '${L}'}\n" + MAIN % "bearer_token_file: '${L}/x'"
    problems = site.problems(text, {"L": SECRET})
    assert not any(SECRET in problem for problem in problems)
    assert [p.partition(";")[0] for p in problems[:2]] == [
        '1: level: "${L}" is not allowed',
        '2: settle: "${L}" is not a length of time',
    ]


def test_values_from_the_environment_may_be_parts_defaults_and_numbers(site: Site) -> None:
    mail = "port: '${PORT}', username: '${USER:-incidentd}', password: 'a$${b}${P}'"
    config = site.load(MAIL % mail, {"PORT": "2525", "P": "x"})
    settings = config.notifiers[0]
    assert isinstance(settings, EmailSettings)
    assert (settings.port, settings.username) == (2525, "incidentd")
    assert settings.password is not None
    assert settings.password.reveal() == "a${b}x"


def test_mail_has_its_usual_ports(site: Site) -> None:
    for tls, port in (("starttls", 587), ("implicit", 465), ("none", 25)):
        settings = site.load(MAIL % f"tls: {tls}").notifiers[0]
        assert isinstance(settings, EmailSettings)
        assert settings.port == port


def test_a_webhook_has_every_setting(site: Site) -> None:
    (site.directory / "url.txt").write_text("https://h/T0KEN\n")
    text = (
        "notifiers:\n  - {name: noc, type: webhook, url_file: url.txt, secret: s, bearer_token: b, "
        "headers: {X-A: '1'}, timeout: 3s}\n"
    )
    settings = site.load(text).notifiers[0]
    assert isinstance(settings, WebhookSettings)
    assert settings.url.reveal() == "https://h/T0KEN"
    assert "T0KEN" not in repr(settings)
    assert [(name, value.reveal()) for name, value in settings.headers] == [("X-A", "1")]
    assert settings.timeout == timedelta(seconds=3)


OIDC = "http:\n  oidc:\n    issuer: https://login.example/\n    client_id: me\n    client_secret: s3cret\n"


def test_single_sign_on_is_read_and_its_secret_never_shown(site: Site) -> None:
    (site.directory / "oidc.secret").write_text("s3cret\n")
    text = OIDC.replace("client_secret: s3cret", "client_secret_file: oidc.secret")
    config = site.load(text + "    roles: {sre: operator, heads: manager}\n    default_role: viewer\n")
    oidc = config.http.oidc
    assert oidc is not None
    assert (oidc.issuer, oidc.client_secret.reveal()) == ("https://login.example/", "s3cret")
    assert (oidc.roles, oidc.default_role) == ({"sre": Role.OPERATOR, "heads": Role.MANAGER}, Role.VIEWER)
    assert (oidc.user_claim, oidc.groups_claim) == ("email", "groups")
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (OIDC, "2: oidc lets nobody in: it gives no role; allowed: a role by group (roles), a default_role, or both"),
        (OIDC + "    roles: {sre: king}\n", '6: sre: "king" is not allowed; allowed: viewer'),
        (OIDC + "    default_role: 5\n", "6: default_role: must be text"),
        (OIDC + "    rolls: {}\n    default_role: viewer\n", '6: unknown key "rolls"; did you mean "roles"?'),
        (OIDC + "    default_role: viewer\n    scopes: [email]\n", "7: scopes: openid is missing"),
        (OIDC.replace("https", "http") + "    default_role: viewer\n", "3: issuer: what"),
        (OIDC.replace("example/", "example/?a=b") + "    default_role: viewer\n", "3: issuer has a query"),
        (OIDC.replace("https://login.example/", "nowhere") + "    default_role: viewer\n", "3: issuer: "),
        (OIDC.replace("    client_secret: s3cret\n", "    default_role: viewer\n"), "client_secret is missing"),
        (
            OIDC.replace("http:\n", "http:\n  listen: '0.0.0.0:1'\n") + "    default_role: viewer\n",
            "3: oidc needs to know",
        ),
        (OIDC.replace("client_secret", "client_secret_file") + "    default_role: viewer\n", "5: the file"),
    ],
)
def test_single_sign_on_that_cannot_work_is_said_with_its_line(site: Site, text: str, says: str) -> None:
    (problem,) = site.problems(text)
    assert says in problem
    assert problem[0].isdigit()


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:8420", "localhost:1", "127.8.9.1:5"])
def test_open_access_on_a_loopback_address(site: Site, listen: str) -> None:
    config = site.load(f"http: {{listen: '{listen}', access: open}}\n")
    assert config.http.listen == listen
    assert config.http.base_url == f"http://{listen}"


@pytest.mark.parametrize("listen", ["0.0.0.0:80", "[::]:80", "10.0.0.1:80", "myhost:80"])
def test_open_access_nowhere_else(site: Site, listen: str) -> None:
    assert site.problems(f"http: {{listen: '{listen}', access: open}}\n")
    assert site.load(f"http: {{listen: '{listen}', access: login}}\n")


def test_anchors_cannot_blow_up_memory(site: Site) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert site.problems("\n".join(lines)) == ["1: the file holds too many or too deeply nested values"]
    assert "too deeply" in site.problems("a: &a [*a]\n")[0]


def test_what_is_not_a_text_file_is_refused(site: Site) -> None:
    site.path.write_bytes(b"log:\n  level: \xff\n")
    with pytest.raises(ConfigError, match=r"incidentd\.yaml:2: the file is not UTF-8 text"):
        load_config(site.path, environ={})
    with pytest.raises(ConfigError, match="the file cannot be read: Is a directory"):
        load_config(site.directory, environ={})
    with pytest.raises(ConfigError, match="the file cannot be read: No such file"):
        load_config(site.directory / "gone.yaml", environ={})


def test_several_cmdb_files_make_one_estate(site: Site) -> None:
    text = "cmdb:\n  - {type: yaml, path: a.yaml}\n  - {type: yaml, path: b.yaml}\n"
    site.write(text, a_yaml="cis: [{id: a}]\n", b_yaml="cis: [{id: b}]\n")
    assert load_all(site.path, environ={})[1].ids() == ("a", "b")
    site.write(text, a_yaml="cis: [{id: a}]\n", b_yaml="cis: [{id: a}]\n")
    with pytest.raises(ConfigError, match='"a"'):
        load_all(site.path, environ={})


def test_maintenance_may_stand_in_both_files(site: Site) -> None:
    text = WINDOW % ("2026-11-24T09:00:00+01:00", NOON)
    config = site.load(f"rules: rules.yaml\n{text}", rules_yaml=text.replace("firmware", "cabling"))
    first, second = config.policy.maintenance
    assert (first.name, first.cis, first.ends_at - first.starts_at) == ("firmware", ("tor-3a",), timedelta(hours=4))
    assert second.name == "cabling"


def test_maintenance_of_a_ci_that_is_not_there_is_remarked_on(site: Site) -> None:
    site.write(WINDOW % ("2026-11-24T08:00:00Z", NOON))
    config, estate = load_all(site.path, environ={})
    assert [r.what for r in estate_remarks(config, estate)] == [
        'maintenance: the CMDB has no CI "tor-3a", so firmware covers nothing of it'
    ]


def test_a_subscription_to_a_service_that_is_not_there_is_remarked_on(site: Site) -> None:
    text = CONTRACT.replace("{priority: [P1, P2, P3]}", "{service: [shopp]}")
    site.write(text, cmdb_yaml=CMDB, rules_yaml="")
    config, estate = load_all(site.path, environ={})
    remarks: list[Problem] = list(estate_remarks(config, estate))
    assert [r.what for r in remarks] == ['notify: the CMDB has no service "shopp", so nobody will ever be told for it']
    assert remarks[0].allowed == 'did you mean "shop"?'


def test_who_sees_a_service_that_is_not_there_is_remarked_on(site: Site) -> None:
    text = CONTRACT.replace("access: login}", "access: login, status: login, status_of: {shopp: public}}")
    site.write(text, cmdb_yaml=CMDB, rules_yaml="")
    config, estate = load_all(site.path, environ={})
    assert (config.http.status, config.http.status_of) == ("login", {"shopp": "public"})
    assert [r.what for r in estate_remarks(config, estate)] == [
        'http.status_of: the CMDB has no service "shopp", so nothing is shown of it'
    ]
