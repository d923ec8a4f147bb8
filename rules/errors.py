"""The root of every error that is ours, and those of the core."""


class IncidentdError(Exception):
    """Anything that incidentd raises on purpose; its text is one sentence for a person."""


class IllegalTransition(IncidentdError):
    """Somebody asked an incident for a step that its state does not allow."""
