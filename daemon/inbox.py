"""What waits for a decision, as it lies in the store's inbox: what was pushed, and people's orders."""

import msgspec

from daemon.store.rows import InboxKind, InboxRow
from daemon.store.store import Store
from rules.alert import Sighting
from rules.decision import Command, Order, OverrideOrder, Push, RecordOrder, ReportOrder, SilenceOrder, Undelivered

_ORDERS: dict[InboxKind, type[Order]] = {
    "command": Command,
    "silence": SilenceOrder,
    "override": OverrideOrder,
    "report": ReportOrder,
    "record": RecordOrder,
}
_KINDS: dict[type[Order], InboxKind] = {order: kind for kind, order in _ORDERS.items()}


def put_order(store: Store, order: Order) -> None:
    """Store an order for the next cycle; StoreError where that fails."""
    store.put(*stored_order(order))


def stored_order(order: Order) -> tuple[InboxKind, str, bytes]:
    """How an order lies in the inbox: its kind, whose it is, and what it says."""
    return _KINDS[type(order)], order.actor, msgspec.json.encode(order)


def change_of(row: InboxRow) -> Push | Undelivered | Order:
    """What was put; msgspec.MsgspecError where the body is none of it."""
    if row.kind == "push":
        return Push(source=row.source, at=row.at, sightings=msgspec.json.decode(row.body, type=tuple[Sighting, ...]))
    if row.kind == "undelivered":
        return msgspec.json.decode(row.body, type=Undelivered)
    return msgspec.json.decode(row.body, type=_ORDERS[row.kind])
