"""TLS towards servers that are asked."""

from daemon.config.context import Context
from daemon.config.document import Loc
from daemon.config.schema import Tls
from daemon.sources.settings import TlsSettings


def make_tls(context: Context, loc: Loc, section: Tls | None) -> TlsSettings:
    """How TLS connections are made; the system's ways where nothing is said."""
    if section is None:
        return TlsSettings()
    if section.key_file is not None and section.cert_file is None:
        context.problem((*loc, "key_file"), "key_file stands without cert_file", "allowed: both, or cert_file alone")
    paths = {name: context.maybe_path((*loc, name), getattr(section, name)) for name in Tls.files}
    return TlsSettings(insecure_skip_verify=section.insecure_skip_verify, **paths)
