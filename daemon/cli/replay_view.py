"""How the result of a replay looks in a terminal."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from daemon.cli.out import count, priority_cell, safe, say, table
from rules.words import percent


def show_result(document: Mapping[str, Any]) -> None:
    """Print the incidents of a replay's document, and the alerts that opened nothing by reason."""
    incidents, events = document["incidents"], document["events"]
    alerts = sum(len(i["alerts"]) for i in incidents)
    say(f"{count(alerts + len(events), 'alert')} made {count(len(incidents), 'incident')}.")
    if incidents:
        headings = ["incident", "priority", "status", "root cause", "sure", "services hit", "alerts"]
        say("", table(headings, [_row(i) for i in incidents], wide="services hit"))
    if events:
        say("", f"{count(len(events), 'alert')} opened nothing:")
        reasons = Counter(e["reason"] for e in events)
        for reason, number in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
            say(f"  {number:>6}  {safe(reason)}")


def _row(incident: Mapping[str, Any]) -> list[Any]:
    root = incident["root_cause"]
    return [
        incident["number"],
        priority_cell(incident["priority"]),
        incident["status"].replace("_", " "),
        root["ci"] or "unknown",
        percent(root["confidence"]),
        ", ".join(incident["impacted_services"]) or "none",
        str(len(incident["alerts"])),
    ]
