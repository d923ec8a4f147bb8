"""Bringing back to mind, for one decision, what its orders speak of and what was settled long ago."""

from collections.abc import Iterable

from daemon.store.store import Store
from rules.decision import Order, Recalled
from rules.recall import named_by
from rules.record import kind_of
from rules.situation import Situation


def recalled(store: Store, situation: Situation, orders: Iterable[Order]) -> list[Recalled]:
    """The records named by the orders that the situation lacks; none where it lacks none. Raises StoreError."""
    keys = sorted({key for order in orders for key in named_by(order)})
    numbers = [n for series, n in keys if series == "INC" and n not in situation.incidents]
    others = [(kind_of(series), n) for series, n in keys if f"{series}-{n}" not in situation.records]
    incidents = [i for i in map(store.incident, numbers) if i is not None]
    records = [r for kind, n in others if kind is not None and (r := store.record(kind, n)) is not None]
    return [Recalled(incidents=tuple(incidents), records=tuple(records))] if incidents or records else []
