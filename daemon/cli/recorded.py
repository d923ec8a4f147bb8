"""`incidentd replay`: what the daemon would have made of recorded alerts."""

from pathlib import Path
from typing import Annotated

import typer

from daemon.cli.place import AsJson, given_config
from daemon.cli.replayed import Compare, Explain, Interval, OneIncident, answer, asked


def replay(
    context: typer.Context,
    *,
    cmdb: Annotated[Path, typer.Option("--cmdb", metavar="FILE", help="The CMDB.")],
    events: Annotated[Path, typer.Option("--events", metavar="FILE", help="Alerts as JSON lines, by receivedAt.")],
    interval: Interval = "15s",
    explain: Explain = False,
    incident: OneIncident = None,
    compare: Compare = None,
    as_json: AsJson = False,
) -> None:
    """Decide on recorded alerts exactly as the daemon does, on a virtual clock; nothing is written or sent."""
    from daemon.config.estate import load_estate
    from daemon.config.load import load_config
    from daemon.sources.recorded_file import read_recording
    from rules.policy import Policy

    wanted = asked(interval, explain, incident, compare, as_json)
    # Only a configuration that is asked for counts: the result must not depend on what lies about on a machine.
    given = given_config(context)
    policy = load_config(given).policy if given else Policy()
    answer(load_estate([cmdb]), read_recording(events), policy, wanted)


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    app.command()(replay)
