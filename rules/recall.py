"""Which records an order speaks of: those must be at hand when it is decided, however long ago they were settled."""

from collections.abc import Iterator

from rules.decision import Command, Order, RecordOrder, Verb
from rules.record import parse_key

_LINKING = frozenset({Verb.DUPLICATE, Verb.CHILD, Verb.UNLINK})


def named_by(order: Order) -> Iterator[tuple[str, int]]:
    """(series, number) of each; what is no key is passed over, the decision refuses it."""
    if isinstance(order, RecordOrder):
        yield order.kind.series, order.number
        yield from (("INC", number) for number in order.incidents)
        yield from _key(order.to)
    elif isinstance(order, Command) and order.verb in _LINKING:
        yield "INC", order.number
        yield from _key(order.value)


def _key(text: str) -> Iterator[tuple[str, int]]:
    try:
        yield parse_key(text)
    except ValueError:
        return
