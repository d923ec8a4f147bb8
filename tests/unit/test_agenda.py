"""When to look at what again."""

from random import Random

from rules.agenda import Agenda
from tests.builders import at


def test_it_holds_the_last_instant_of_each_number() -> None:
    agenda = Agenda()
    agenda.put(1, at(10))
    agenda.put(2, at(5))
    agenda.put(1, at(20))
    agenda.put(3, None)
    assert agenda.due(at(15)) == [2]
    assert agenda.due(at(20)) == [1, 2]
    agenda.put(2, None)
    assert agenda.due(at(20)) == [1]


def test_it_agrees_with_a_plain_list_whatever_is_put() -> None:
    chance, agenda, plain = Random(7), Agenda(), dict[int, int]()
    for _ in range(5_000):
        number, second = chance.randrange(50), chance.randrange(1_000)
        if chance.random() < 0.2:
            agenda.put(number, None)
            plain.pop(number, None)
        else:
            agenda.put(number, at(second))
            plain[number] = second
        now = chance.randrange(1_000)
        assert agenda.due(at(now)) == sorted(n for n, s in plain.items() if s <= now)
