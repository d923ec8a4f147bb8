"""What can go wrong with the lab, in words for the person at the terminal."""

from rules.errors import IncidentdError


class LabError(IncidentdError):
    """The lab cannot do what was asked."""


class UnknownCi(LabError):
    """A name that is not in the data centre, with the nearest that are."""

    def __init__(self, name: str, near: tuple[str, ...]) -> None:
        self.name = name
        self.near = near
        meant = f"; did you mean {' or '.join(near)}?" if near else "; `incidentd lab list` shows all"
        super().__init__(f'there is no "{name[:60]}" in the lab{meant}')
