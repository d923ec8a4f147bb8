"""`incidentd oncall`: who is called now and in the weeks to come, and what would go wrong."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daemon.cli.lengths import length_of
from daemon.cli.orders import By, Why, answer_to, caller_name, checked_text
from daemon.cli.place import AsJson, config_path, read_config

if TYPE_CHECKING:
    from datetime import datetime

    from daemon.config.config import Config
    from rules.decision import OverrideOrder, Reply
    from rules.preflight import Finding
    from rules.roster import Roster
    from rules.rotation import Override, Schedule, Shift

oncall = typer.Typer(name="oncall", help="Who is on call: see it, change it, check it.", no_args_is_help=True)

ScheduleName = Annotated[str, typer.Argument(metavar="SCHEDULE", help="A schedule of rules.yaml.")]
Days = Annotated[int, typer.Option("--days", min=1, max=400, help="How far ahead.")]
_SHOWN_ALIKE = 5


@oncall.command()
def show(
    context: typer.Context,
    *,
    at: Annotated[str, typer.Option("--at", metavar="T", help="When, as in 2026-12-24T20:00:00+01:00.")] = "now",
    as_json: AsJson = False,
) -> None:
    """Who is on call in every schedule."""
    from daemon.cli.oncall_view import duty_table
    from daemon.cli.out import emit, say
    from rules.oncall_document import duty_list

    config = read_config(context)
    roster = config.policy.roster
    found = duty_list(roster, _overrides(config), _moment(at, "--at"))
    if as_json:
        emit(found)
    else:
        say(duty_table(found) if found.schedules else "There are no schedules in rules.yaml.")


@oncall.command("shifts")
def shifts_(
    context: typer.Context,
    name: ScheduleName,
    *,
    begin: Annotated[str, typer.Option("--from", metavar="T", help="From when on.")] = "now",
    days: Days = 14,
    as_json: AsJson = False,
) -> None:
    """The shifts of a schedule, in its own time zone."""
    from daemon.cli.oncall_view import shift_table
    from daemon.cli.out import emit, say
    from rules.oncall_document import shift_list

    config = read_config(context)
    schedule = _schedule(config.policy.roster, name)
    found = _shifts(config, schedule, _moment(begin, "--from"), days)
    if as_json:
        emit(shift_list(config.policy.roster, name, found))
    else:
        say(shift_table(config.policy.roster, schedule, found))


@oncall.command()
def override(
    context: typer.Context,
    name: ScheduleName,
    people: Annotated[list[str], typer.Argument(metavar="PERSON...", help="Ids of people who take over together.")],
    *,
    length: Annotated[str | None, typer.Option("--for", metavar="TIME", help="How long, as in 8h.")] = None,
    begin: Annotated[str, typer.Option("--from", metavar="T", help="From when on.")] = "now",
    end: Annotated[str | None, typer.Option("--to", metavar="T", help="Until when, in place of --for.")] = None,
    reason: Why = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Put somebody over a schedule for a time."""
    import uuid

    from rules.decision import OverrideOrder
    from rules.rotation import Override

    if (length is None) == (end is None):
        raise typer.BadParameter("give one of --for TIME and --to T", param_hint="--for")
    starts_at, now = _moment(begin, "--from"), _moment("now", "")
    ends_at = _moment(end, "--to") if end is not None else starts_at + length_of(length or "", "--for")
    who = checked_text(by or caller_name(), "the name of who says so")
    made = Override(
        id=str(uuid.uuid4()),
        schedule=checked_text(name, "the schedule"),
        people=tuple(dict.fromkeys(checked_text(p, "the person") for p in people)),
        starts_at=starts_at,
        ends_at=ends_at,
        made_by=who,
        made_at=now,
        reason=checked_text(reason, "the reason"),
    )
    order = OverrideOrder(id=made.id, at=now, actor=who, schedule=made.schedule, shifts=(made,))
    _give(read_config(context), order, as_json, override=made.id)


@oncall.command()
def overrides(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Overrides in force or to come, those of calendars as well."""
    from daemon.cli.oncall_view import override_table
    from daemon.cli.out import emit, say
    from rules.oncall_document import override_list

    found = override_list(_overrides(read_config(context), all_people=True), _moment("now", ""))
    if as_json:
        emit(found)
    else:
        say(override_table(found) if found.overrides else "There are no overrides.")


@oncall.command()
def end(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="ID", help="Its id, or the first characters of it.")],
    *,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """End an override now."""
    import uuid

    from daemon.cli.refusal import Refusal
    from rules.decision import OverrideOrder

    config, now = read_config(context), _moment("now", "")
    found = [o for o in _overrides(config, all_people=True) if key and o.id.startswith(key) and o.ends_at > now]
    if len(found) != 1:
        what = (
            f"{len(found)} overrides begin with {key}; give more of the id" if found else f"there is no override {key}"
        )
        raise Refusal(f"{what}; `incidentd oncall overrides` shows them")
    who = checked_text(by or caller_name(), "the name of who says so")
    order = OverrideOrder(id=str(uuid.uuid4()), at=now, actor=who, schedule=found[0].schedule, ends=found[0].id)
    _give(config, order, as_json, override=found[0].id)


@oncall.command()
def export(context: typer.Context, name: ScheduleName, *, days: Days = 90, as_json: AsJson = False) -> None:
    """Print a schedule's shifts as a calendar (iCalendar), for calendar programs."""
    from daemon.calendar_file import write_calendar
    from daemon.cli.out import emit

    config, now = read_config(context), _moment("now", "")
    roster = config.policy.roster
    made = write_calendar(roster, name, _shifts(config, _schedule(roster, name), now, days), now).decode("utf-8")
    if as_json:
        emit({"schedule": name, "calendar": made})
    else:
        typer.echo(made, nl=False)


@oncall.command("import")
def import_(
    context: typer.Context,
    name: ScheduleName,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An .ics file.")],
    *,
    skip_unknown: Annotated[
        bool, typer.Option("--skip-unknown", help="Leave out events that name nobody of rules.yaml.")
    ] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Take a schedule's shifts from a calendar, in place of what an earlier import brought."""
    import uuid

    from daemon.calendar_file import HORIZON, read_calendar
    from daemon.cli.refusal import Refusal
    from rules.decision import OverrideOrder
    from rules.imported_shifts import shifts_of

    config, now = read_config(context), _moment("now", "")
    roster = config.policy.roster
    events = read_calendar(file.read_bytes(), _schedule(roster, name).zone, now, now + HORIZON)
    who = checked_text(by or caller_name(), "the name of who says so")
    found, unknown = shifts_of(roster, name, events, who, now)
    if unknown and not skip_unknown:
        first = f"“{unknown[0].summary[:80]}” at {unknown[0].starts_at:%Y-%m-%d %H:%M} UTC"
        words = f"{len(unknown)} events in {file} name nobody of rules.yaml, the first {first}"
        raise Refusal(f"{words}; allowed: people's names, ids and mail addresses, or --skip-unknown")
    order = OverrideOrder(id=str(uuid.uuid4()), at=now, actor=who, schedule=name, shifts=found, until=now + HORIZON)
    _give(config, order, as_json, shifts=len(found), skipped=len(unknown))


@oncall.command()
def check(
    context: typer.Context,
    *,
    days: Annotated[int, typer.Option("--days", min=1, max=92, help="How far ahead.")] = 14,
    as_json: AsJson = False,
) -> None:
    """Find hours with nobody on call, people without a channel, and rules that reach nobody; exit code 1 with any."""
    from datetime import timedelta

    from daemon.cli.out import count, emit, progress, say
    from daemon.config.estate import load_all
    from rules.oncall_document import finding_list
    from rules.preflight import preflight

    config, estate = load_all(config_path(context))
    now, ahead = _moment("now", ""), timedelta(days=days)
    overrides = _overrides(config, all_people=True)
    with progress("looking at schedules and groups") as on_progress:
        found = preflight(config.policy.roster, overrides, estate, now, ahead, on_progress)
    if as_json:
        emit(finding_list(found, now, now + ahead))
    elif not found:
        roster = config.policy.roster
        told = f"{count(len(roster.people), 'person', 'people')}, {count(len(roster.schedules), 'schedule')}"
        say(f"All is well for the next {count(days, 'day')}: {told}, {count(len(roster.escalations), 'escalation')}.")
    else:
        _show(found)
    if found:
        raise typer.Exit(1)


def _show(found: "list[Finding]") -> None:
    """Findings for people; of many alike the first few."""
    from daemon.cli.out import count, safe, say

    alike: dict[tuple[str, str], list[Finding]] = {}
    for finding in found:
        alike.setdefault((str(finding.flaw), finding.subject), []).append(finding)
    for findings in alike.values():
        for finding in findings[:_SHOWN_ALIKE]:
            say(safe(f"{finding.subject}: {finding.words}", 1000))
        if len(findings) > _SHOWN_ALIKE:
            say(safe(f"{findings[0].subject}: … and {len(findings) - _SHOWN_ALIKE} more like this; --json shows all"))
    say(f"{count(len(found), 'finding')}.")


def _overrides(config: "Config", *, all_people: bool = False) -> "list[Override]":
    """What is put over the schedules; nothing where there is no database yet. People who are not known any more are
    left out, unless `all_people` are wanted."""
    from daemon.clock import SystemClock
    from daemon.store.store import Store
    from rules.responders import known_overrides

    with Store.open(config.database.reveal(), SystemClock()) as store:
        found = store.overrides() if store.is_current() else []
    return found if all_people else known_overrides(config.policy.roster, found)


def _shifts(config: "Config", schedule: "Schedule", begin: "datetime", days: int) -> "list[Shift]":
    from datetime import timedelta

    from rules.rotation import shifts

    return shifts(schedule, _overrides(config), begin, begin + timedelta(days=days))


def _schedule(roster: "Roster", name: str) -> "Schedule":
    from daemon.cli.refusal import Refusal
    from daemon.config.fields import suggestion

    found = roster.schedules.get(name)
    if found is None:
        allowed = suggestion(name, tuple(roster.schedules)) if roster.schedules else "rules.yaml has none"
        raise Refusal(f"there is no schedule {name}; {allowed}")
    return found


def _moment(text: str, option: str) -> "datetime":
    from daemon.clock import SystemClock
    from daemon.config.moments import EXAMPLES, parse_moment

    try:
        return parse_moment(text, SystemClock().now())
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{error}; allowed: {EXAMPLES}", param_hint=option) from None


def _give(config: "Config", order: "OverrideOrder", as_json: bool, **more: object) -> None:
    """Have the order carried out and say what came of it; exit code 1 where it is refused."""
    from daemon.app import order as give
    from daemon.cli.out import complain, emit, safe, say

    reply: Reply = answer_to(give, config, order)
    if as_json:
        emit({**more, "done": reply.done, "message": reply.message})
    elif reply.done:
        say(safe(reply.message, 1000))
    else:
        complain(safe(reply.message, 1000))
    if not reply.done:
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    app.add_typer(oncall)
