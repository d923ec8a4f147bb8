"""How the command line shows things: tables for people, JSON for programs.

Whatever comes from outside (labels, notes, names) is hostile: it reaches a terminal through `safe` only, which takes
out control characters and escape sequences, and never as rich's markup.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rules.incident import Priority

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|[\x1b\x9d][\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)|\x9b[0-?]*[ -/]*[@-~]", re.DOTALL
)
_COLOURS = {"P1": "bold red", "P2": "red", "P3": "yellow", "P4": "cyan", "P5": "dim"}
_STATES = {"down": "red", "degraded": "yellow", "at risk": "cyan"}


def safe(text: object, limit: int = 400) -> str:
    """One line of harmless text of at most `limit` characters."""
    from notifiers.wording import one_line

    return one_line(_ESCAPES.sub("", str(text)[: 20 * limit]), limit)


def console() -> Console:
    """Standard output for people; plain where it is no terminal or NO_COLOR is set."""
    return Console(highlight=False, markup=False, emoji=False)


def say(*things: RenderableType) -> None:
    """Print for people. A plain string is taken to be ours; foreign text goes through `safe` first."""
    out = console()
    for thing in things:
        # What goes into a pipe keeps its lines, so that grep finds them.
        out.print(thing, soft_wrap=isinstance(thing, str | Text) and not out.is_terminal)


def complain(message: str) -> None:
    """One line on standard error, after our name."""
    typer.echo(f"incidentd: {message}", err=True)


def emit(value: Any) -> None:
    """Print a value as JSON, in UTF-8 whatever the terminal's encoding."""
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, wide: str = "") -> Table:
    """A table without lines that fits 80 columns; the column headed `wide` takes the room that is left."""
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        if heading == wide:
            grid.add_column(heading, overflow="fold", ratio=1)
        else:
            grid.add_column(heading, overflow="fold", max_width=28)
    for row in rows:
        grid.add_row(*(cell if isinstance(cell, Text) else Text(safe(cell)) for cell in row))
    return grid


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A function to call with how much of how much is done; shown on standard error, and on a terminal only."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    errors = Console(stderr=True)
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def heading(words: str) -> None:
    """A line that begins a part."""
    say("", Text(words, style="bold underline"))


def item(line: str, mark: str = "•") -> Table:
    """A list item whose further lines are indented."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    grid.add_row(mark, Text(line))
    return grid


def priority_cell(priority: "Priority | str") -> Text:
    """A priority in its colour."""
    return Text(str(priority), style=_COLOURS.get(str(priority), ""))


def state_cell(word: str) -> Text:
    """A state in its colour: down, degraded, at risk."""
    return Text(word, style=_STATES.get(word, ""))


def instant(at: datetime | None) -> str:
    """A moment for people, in UTC, to the second."""
    return "" if at is None else at.strftime("%Y-%m-%d %H:%M:%SZ")


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 alert`, `2 alerts`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
