"""Random small estates with cycles, groups and soft dependencies, and the plainest possible reading of the rules."""

from hypothesis import strategies as st

from cmdb.model import CI, Dependency, State, Strength

IDS = [f"n{number}" for number in range(7)]


def dependencies() -> st.SearchStrategy[Dependency]:
    def with_need(providers: list[str]) -> st.SearchStrategy[Dependency]:
        return st.builds(
            Dependency,
            providers=st.just(tuple(providers)),
            need=st.integers(1, len(providers)),
            strength=st.sampled_from([Strength.HARD, Strength.HARD, Strength.SOFT]),
        )

    return st.lists(st.sampled_from(IDS), min_size=1, max_size=4, unique=True).flatmap(with_need)


def estates() -> st.SearchStrategy[list[CI]]:
    needs = st.lists(dependencies(), max_size=3).map(tuple)
    return st.lists(needs, min_size=len(IDS), max_size=len(IDS)).map(
        lambda all_needs: [CI(id=ci, depends_on=needs) for ci, needs in zip(IDS, all_needs, strict=True)]
    )


def failures() -> st.SearchStrategy[dict[str, State]]:
    return st.dictionaries(st.sampled_from(IDS), st.sampled_from(list(State)), max_size=4)


def effect(dependency: Dependency, now: dict[str, State]) -> State:
    members = [now[provider] for provider in dependency.providers]
    soft = dependency.strength is Strength.SOFT
    if not dependency.is_group:
        worst = max(members)
        if worst is State.DOWN:
            return State.DEGRADED if soft else State.DOWN
        if worst is State.DEGRADED:
            return State.DEGRADED
        return State.AT_RISK if worst is not State.UP and not soft else State.UP
    if sum(state is not State.DOWN for state in members) < dependency.need:
        return State.DEGRADED if soft else State.DOWN
    if sum(state < State.DEGRADED for state in members) < dependency.need:
        return State.DEGRADED
    return State.REDUCED if State.DOWN in members else State.UP


def by_iteration(cis: list[CI], own: dict[str, State]) -> dict[str, State]:
    now = {ci.id: own.get(ci.id, State.UP) for ci in cis}
    while True:
        later = {ci.id: max([own.get(ci.id, State.UP), *(effect(need, now) for need in ci.depends_on)]) for ci in cis}
        if later == now:
            return now
        now = later
