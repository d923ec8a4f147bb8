"""Who calls a command on this machine, for the audit: what the system says, not what the caller's environment does."""

import os
import pwd
import socket

from daemon.store.rows import Doer


def doer() -> Doer:
    """The system's user; under sudo, who called it."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"uid {uid}"
    via = f"command line on {socket.gethostname()}"
    # Only root could make this up, who could as well be anybody.
    behind = os.environ.get("SUDO_USER", "") if uid == 0 else ""
    return Doer(name=behind, via=f"{via}, as {name} by sudo") if behind else Doer(name=name, via=via)
