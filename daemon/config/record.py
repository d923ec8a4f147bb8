"""What `rules.yaml` says about the record of incidents: categories, resolution codes, templates, satisfaction."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from daemon.config.context import Context
from daemon.config.document import Loc
from daemon.config.fields import Duration, Name, Refused, Texts, suggestion
from daemon.config.schema import PriorityWord, Section
from notifiers.settings import EmailSettings, NotifierSettings
from rules.incident import Priority
from rules.policy import CATEGORIES
from rules.report import MAX_TEXT, MAX_TITLE
from rules.resolution import RECOVERED, Ask, Satisfaction
from rules.template import Template, wrong_pattern

_MOST_STEPS = 50
_SHORTEST = timedelta(hours=1)
_LONGEST = timedelta(days=90)

Line = Annotated[str, Field(min_length=1, max_length=200)]


def _pattern(text: str) -> str:
    if wrong := wrong_pattern(text):
        what, _, allowed = wrong.partition("; ")
        raise Refused(what, allowed)
    return text


def _lasts(length: timedelta) -> timedelta:
    if not _SHORTEST <= length <= _LONGEST:
        raise Refused("is out of range", "allowed: 1h to 90d")
    return length


Pattern = Annotated[str, AfterValidator(_pattern)]


class TemplateWhen(Section):
    """Which incidents a template is for without being asked; a key left out asks for nothing in particular."""

    ci_type: Texts = Field(default_factory=list)
    alert: Texts = Field(default_factory=list)
    service: Texts = Field(default_factory=list)


class TemplateSection(Section):
    """One kind of incident."""

    name: Name
    when: TemplateWhen = Field(default_factory=TemplateWhen)
    title: Annotated[Pattern, Field(max_length=MAX_TITLE)] = ""
    text: Annotated[Pattern, Field(max_length=MAX_TEXT)] = ""
    category: str = ""
    priority: PriorityWord | None = None
    group: Annotated[str, Field(max_length=200)] = ""
    steps: Annotated[list[Line], Field(max_length=_MOST_STEPS)] = Field(default_factory=list)
    steps_required: bool = False


class SatisfactionSection(Section):
    """Who is asked how content they are, by which notifier and for how long."""

    ask: Literal["everyone", "contact", "nobody"] = "everyone"
    via: Name | None = None
    expires: Annotated[Duration, AfterValidator(_lasts)] | None = None


class _Categories(Section):
    categories: Annotated[list[Annotated[str, Field(min_length=1, max_length=60)]], Field(min_length=1)]


class _Codes(Section):
    resolution_codes: Annotated[dict[Name, Line], Field(min_length=1)]


def read_record(
    context: Context, raw: Mapping[str, Any], notifiers: Mapping[str, NotifierSettings | None]
) -> dict[str, Any]:
    """The policy's fields that the owner set. `notifiers` are those of the configuration by name, None for one that has
    mistakes; every mistake is a problem of the document."""
    found: dict[str, Any] = {}
    if raw.get("categories") is not None:
        categories = context.section((), {"categories": raw["categories"]}, _Categories)
        found |= {} if categories is None else {"categories": tuple(dict.fromkeys(categories.categories))}
    if raw.get("resolution_codes") is not None:
        found |= _codes(context, raw["resolution_codes"])
    if raw.get("satisfaction") is not None:
        section = context.section(("satisfaction",), raw["satisfaction"], SatisfactionSection)
        found |= {} if section is None else {"satisfaction": _satisfaction(context, section, notifiers)}
    return {**found, "templates": _templates(context, raw, found.get("categories", CATEGORIES))}


def _codes(context: Context, value: object) -> dict[str, Any]:
    codes = context.section((), {"resolution_codes": value}, _Codes)
    if codes is None:
        return {}
    if RECOVERED not in codes.resolution_codes:
        what = f"resolution_codes has no {RECOVERED}, which is what incidents get that end by themselves"
        context.problem(("resolution_codes",), what, f"allowed: any codes beside {RECOVERED}")
    return {"resolution_codes": codes.resolution_codes}


def _satisfaction(
    context: Context, section: SatisfactionSection, notifiers: Mapping[str, NotifierSettings | None]
) -> Satisfaction:
    via = section.via or ""
    place: Loc = ("satisfaction", "via")
    if via and via not in notifiers:
        allowed = suggestion(via, list(notifiers)) if notifiers else "there are no notifiers"
        context.problem(place, f'via: there is no notifier "{via}"', allowed)
    elif via and not isinstance(notifiers[via], EmailSettings | None):
        context.problem(place, f"via: {via} cannot send mail to a contact", "allowed: a notifier of type email")
    lasts = {} if section.expires is None else {"lasts": section.expires}
    return Satisfaction(ask=Ask(section.ask), via=via, **lasts)


def _templates(context: Context, raw: Mapping[str, Any], categories: tuple[str, ...]) -> tuple[Template, ...]:
    found: dict[str, Template] = {}
    for loc, item in context.items(("templates",), raw.get("templates")):
        section = context.section(loc, item, TemplateSection)
        if section is None:
            continue
        if section.name in found:
            context.problem((*loc, "name"), f'the name "{section.name}" is taken', "allowed: each name once")
        if section.category and section.category not in categories:
            what = f'category: there is no category "{section.category[:60]}"'
            context.problem((*loc, "category"), what, suggestion(section.category, categories))
        if section.steps_required and not section.steps:
            context.problem((*loc, "steps_required"), "steps_required stands without steps", "allowed: with steps")
        found.setdefault(section.name, _template(section))
    return tuple(found.values())


def _template(section: TemplateSection) -> Template:
    return Template(
        name=section.name,
        title=section.title,
        text=section.text,
        category=section.category,
        priority=Priority(section.priority) if section.priority else None,
        group=section.group,
        steps=tuple(dict.fromkeys(section.steps)),
        steps_required=section.steps_required,
        ci_types=frozenset(section.when.ci_type),
        alerts=frozenset(section.when.alert),
        services=frozenset(section.when.service),
    )
