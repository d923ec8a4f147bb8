"""Reading the configuration: all of it is checked, every mistake is reported at once, and only then is it used."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from cmdb.problems import Problem
from daemon.config import parts
from daemon.config.calendars import read_calendars
from daemon.config.config import Config, HttpSettings, MessageSettings
from daemon.config.context import Context
from daemon.config.document import Loc, read_document
from daemon.config.fields import suggestion
from daemon.config.inbound_schema import Inbound, make_inbound
from daemon.config.notifiers import NOTIFIERS, make_notifier
from daemon.config.notify_schema import Notify, TellingSection
from daemon.config.oncall import make_roster
from daemon.config.priority_rules import read_priority_rules
from daemon.config.record import read_record
from daemon.config.remarks import remarks
from daemon.config.schema import (
    CMDBS,
    CONFIG_KEYS,
    RULES_KEYS,
    SOURCES,
    Delivery,
    Http,
    Incidents,
    Log,
    MaintenanceWindow,
    MappingRules,
    Messages,
    PriorityRules,
    ProblemRules,
    RequestMatch,
    Section,
)
from daemon.config.service_levels import read_service_levels
from daemon.config.subscriptions import Subscriptions, make_manners
from daemon.errors import ConfigError
from notifiers.secret import Secret
from notifiers.settings import NotifierSettings
from rules.calendar import ALWAYS
from rules.maintenance import Window
from rules.policy import MAPPING_LABELS, Policy
from rules.request_rule import RequestRule
from rules.subscriptions import Subscription

ValueT = TypeVar("ValueT")
SectionT = TypeVar("SectionT", bound=Section)


def load_config(path: Path, *, environ: Mapping[str, str] | None = None) -> Config:
    """The settings in the file at `path` and in the rules file it names; that the CMDB's files can be read is checked.

    `environ` fills `${NAME}`; None is the process's own. Raises ConfigError with every mistake of both files.
    """
    config, problems = read_config(path, os.environ if environ is None else environ)
    if config is None or problems:
        raise ConfigError(problems)
    return config


def read_config(path: Path, environ: Mapping[str, str]) -> tuple[Config | None, list[Problem]]:
    """What could be read of the settings, and every mistake; with any mistake the settings are not to be used."""
    try:
        document = read_document(path, environ=environ)
    except ConfigError as error:
        return None, list(error.problems)
    loader = _Loader(Context(document=document, directory=path.parent, environ=environ), path)
    config = loader.load()
    return config, [*document.problems, *loader.rules_problems]


class _Loader:
    """Takes one document apart, section by section, so that a mistake in one hides none in another."""

    def __init__(self, context: Context, path: Path) -> None:
        self._context = context
        self._path = path
        self._raw: dict[str, Any] = {}
        self._notifier_names: tuple[str, ...] = ()
        self.rules_problems: list[Problem] = []

    def load(self) -> Config | None:
        """All settings; None where there is nothing to read. Mistakes are in the documents' problems."""
        raw = _mapping(self._context, CONFIG_KEYS)
        if raw is None:
            return None
        self._raw = raw
        http = self._one("http", Http, parts.make_http) or HttpSettings()
        make = partial(make_notifier, base_url=http.base_url)
        notifiers: list[NotifierSettings] = self._list("notifiers", NOTIFIERS, make)
        self._notifier_names = tuple(self._names("notifiers"))
        sources = self._list("sources", SOURCES, parts.make_source)
        self._names("sources")
        self._refuse_second_push()
        rules_path, rules = self._rules()
        makes = self._subscriptions(rules, notifiers)
        subscriptions = [*_notify(makes, self._context, raw), *_notify(makes, rules, _raw_of(rules))]
        windows = [*self._maintenance(self._context, raw), *self._maintenance(rules, _raw_of(rules))]
        policy = self._whole_policy(rules, notifiers, windows)
        subscriptions += [sub for person in policy.roster.people.values() for sub in person.notify]
        config = Config(
            file=self._path,
            directory=self._context.directory,
            database=self._database(),
            http=http,
            sources=tuple(sources),
            cmdb=tuple(self._list("cmdb", CMDBS, parts.make_cmdb)),
            rules=rules_path,
            notifiers=tuple(notifiers),
            notify=tuple(subscriptions),
            policy=policy,
            log=self._log(),
            messages=self._one("messages", Messages, parts.make_messages) or MessageSettings(),
            inbound=self._one(
                "inbound", Inbound, lambda c, loc, s: make_inbound(c, loc, s, self._notifiers_known(notifiers))
            ),
            **self._delivery(),
        )
        if rules is not None:
            self.rules_problems += rules.document.problems
        return replace(config, remarks=tuple(remarks(config, self._context.document)))

    def _one(self, key: str, model: type[SectionT], make: Callable[[Context, Loc, SectionT], ValueT]) -> ValueT | None:
        if self._raw.get(key) is None:
            return None
        section = self._context.section((key,), self._raw[key], model)
        return None if section is None else make(self._context, (key,), section)

    def _list(
        self,
        key: str,
        models: Mapping[str, type[Section]],
        make: Callable[[Context, Loc, Section], ValueT | None],
    ) -> list[ValueT]:
        made = []
        for loc, item in self._context.items((key,), self._raw.get(key)):
            section = self._context.typed(loc, item, models)
            value = None if section is None else make(self._context, loc, section)
            if value is not None:
                made.append(value)
        return made

    def _names(self, key: str) -> list[str]:
        """Every name in a list, also of members with mistakes, so that these are not reported as missing besides."""
        names: dict[str, Loc] = {}
        for index, item in enumerate(self._raw[key] if isinstance(self._raw.get(key), list) else ()):
            name = item.get("name") if isinstance(item, dict) else None
            if not isinstance(name, str):
                continue
            loc: Loc = (key, index, "name")
            if name in names:
                first = self._context.document.line(names[name])
                self._context.problem(loc, f'the name "{name[:63]}" is taken', f"it stands first on line {first}")
            names.setdefault(name, loc)
        return list(names)

    def _refuse_second_push(self) -> None:
        sources = self._raw.get("sources")
        listed = sources if isinstance(sources, list) else []
        pushes = [i for i, s in enumerate(listed) if isinstance(s, dict) and s.get("type") == "push"]
        for index in pushes[1:]:
            self._context.problem(("sources", index, "type"), "there is a push source already", "allowed: one")

    def _database(self) -> Secret:
        keys = ("database", "database_file", "database_credential")
        found = [key for key in keys if self._raw.get(key) is not None]
        default = Secret(f"sqlite:///{self._context.directory / 'incidentd.db'}")
        if not found:
            return default
        key, value = found[0], self._raw[found[0]]
        if len(found) > 1:
            self._context.problem((found[1],), f"{key} and {found[1]} exclude each other", "allowed: one of them")
        if not isinstance(value, str):
            self._context.problem((key,), f"{key} must be text")
            return default
        url = self._context.secret_of((key,), key, value)
        return (parts.make_database(self._context, (key,), url) if url else None) or default

    def _rules(self) -> tuple[Path | None, Context | None]:
        name = self._raw.get("rules")
        if name is None:
            return None, None
        if not isinstance(name, str):
            self._context.problem(("rules",), "rules must be the path of a file")
            return None, None
        path = self._context.path(("rules",), name)
        if path is None:
            return None, None
        try:
            document = read_document(path, environ=self._context.environ)
        except ConfigError as error:
            self.rules_problems += error.problems
            return path, None
        context = Context(document=document, directory=self._context.directory, environ=self._context.environ)
        if document.value is not None:
            _mapping(context, RULES_KEYS)
        return path, context

    def _subscriptions(self, rules: Context | None, notifiers: list[NotifierSettings]) -> Subscriptions:
        raw = _raw_of(rules)
        return Subscriptions(self._notifiers_known(notifiers), names_in(raw, "people", "id"), names_in(raw, "groups"))

    def _maintenance(self, context: Context | None, raw: Mapping[str, Any]) -> Iterator[Window]:
        if context is None:
            return
        for loc, item in context.items(("maintenance",), raw.get("maintenance")):
            section = context.section(loc, item, MaintenanceWindow)
            window = None if section is None else parts.make_window(context, loc, section)
            if window is not None:
                yield window

    def _policy(self, rules: Context | None) -> Policy:
        raw_rules = _raw_of(rules)
        lengths = self._lengths(self._context, self._raw)
        if rules is None:
            return Policy(**lengths)
        for key, value in self._lengths(rules, raw_rules).items():
            if key in lengths:
                rules.problem(("incidents", key), f"{key} stands in {self._path} already", "allowed: in one file")
            lengths[key] = value
        priority = _section(rules, raw_rules, "priority", PriorityRules)
        mapping = _section(rules, raw_rules, "mapping", MappingRules)
        labels = tuple(mapping.labels) if mapping else MAPPING_LABELS
        problems = _section(rules, raw_rules, "problems", ProblemRules)
        calendars = read_calendars(rules, raw_rules)
        return Policy(
            matrix=parts.make_matrix(priority or PriorityRules()),
            mapping_labels=labels,
            calendars=tuple(c for c in calendars.values() if c is not ALWAYS),
            priority_rules=read_priority_rules(rules, priority.rules if priority else (), calendars),
            service_levels=read_service_levels(rules, raw_rules, calendars),
            requests=tuple(self._requests(rules, raw_rules)),
            suggest=parts.make_suggest_after(problems or ProblemRules()),
            **lengths,
        )

    def _requests(self, rules: Context, raw: Mapping[str, Any]) -> Iterator[RequestRule]:
        for loc, item in rules.items(("requests",), raw.get("requests")):
            section = rules.section(loc, item, RequestMatch)
            rule = None if section is None else parts.make_request_rule(rules, loc, section)
            if rule is not None:
                yield rule

    def _whole_policy(self, rules: Context | None, notifiers: list[NotifierSettings], windows: list[Window]) -> Policy:
        policy = replace(self._policy(rules), maintenance=tuple(windows))
        if rules is None:
            return policy
        raw, known = _raw_of(rules), self._notifiers_known(notifiers)
        telling = _section(rules, raw, "telling", TellingSection)
        return replace(
            policy,
            roster=make_roster(rules, raw, known, policy.service_levels),
            manners=make_manners(telling or TellingSection()),
            **read_record(rules, raw, known),
        )

    def _notifiers_known(self, notifiers: list[NotifierSettings]) -> dict[str, NotifierSettings | None]:
        """Every notifier by name; None for one with mistakes, which are reported by themselves."""
        return {**dict.fromkeys(self._notifier_names), **{settings.name: settings for settings in notifiers}}

    def _lengths(self, context: Context, raw: Mapping[str, Any]) -> dict[str, Any]:
        section = _section(context, raw, "incidents", Incidents)
        return parts.make_lengths(section) if section else {}

    def _delivery(self) -> dict[str, Any]:
        names = self._notifier_names
        made = self._one("delivery", Delivery, lambda c, loc, s: parts.make_delivery(c, loc, s, names))
        return {} if made is None else {"delivery": made}

    def _log(self) -> Any:
        return self._one("log", Log, lambda _c, _loc, section: parts.make_log(section)) or parts.make_log(Log())


def names_in(raw: Mapping[str, Any], key: str, field: str = "name") -> tuple[str, ...]:
    """What the members of a section are called, also of those with mistakes."""
    listed = raw.get(key)
    found = (
        item.get(field) if isinstance(item, dict) else None for item in (listed if isinstance(listed, list) else ())
    )
    return tuple(name for name in found if isinstance(name, str))


def _notify(makes: Subscriptions, context: Context | None, raw: Mapping[str, Any]) -> Iterator[Subscription]:
    if context is None:
        return
    for loc, item in context.items(("notify",), raw.get("notify")):
        section = context.section(loc, item, Notify)
        if section is not None:
            yield from makes.of(context, loc, section)


def _raw_of(context: Context | None) -> dict[str, Any]:
    value = context.document.value if context else None
    return value if isinstance(value, dict) else {}


def _section(context: Context, raw: Mapping[str, Any], key: str, model: type[SectionT]) -> SectionT | None:
    return None if raw.get(key) is None else context.section((key,), raw[key], model)


def _mapping(context: Context, keys: tuple[str, ...]) -> dict[str, Any] | None:
    value = context.document.value
    if not isinstance(value, dict):
        what = "the file is empty" if value is None else "the file must be a mapping of settings"
        context.problem((), what, f"allowed: {', '.join(keys)}")
        return None
    for key in value:
        if key not in keys:
            context.problem((key,), f'unknown key "{key[:60]}"', suggestion(key, keys))
    return value
