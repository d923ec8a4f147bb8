"""A real IMAP server with one throw-away mailbox on a loopback port. It runs where the tests run as root only."""

import contextlib
import imaplib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import missing
from tests.servers import free_port, wait_until

USER = "incidents"
PASSWORD = "mailbox-pass-word"

_CONFIG = """
base_dir = {directory}/run
state_dir = {directory}/run
log_path = {directory}/log
listen = 127.0.0.1
protocols = imap
ssl = {ssl}
disable_plaintext_auth = no
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{directory}/mail
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={directory}
}}
"""


class Dovecot:
    """The server, and its mailbox as its owner sees it."""

    def __init__(self, directory: Path, port: int, tls_port: int) -> None:
        self.directory = directory
        self.port = port
        self.tls_port = tls_port

    @contextlib.contextmanager
    def box(self) -> Iterator[imaplib.IMAP4]:
        """A conversation of one's own with the INBOX open."""
        with imaplib.IMAP4("127.0.0.1", self.port, 30) as client:
            client.login(USER, PASSWORD)
            client.select("INBOX")
            yield client

    def deliver(self, raw: bytes) -> None:
        """Put a mail into the INBOX."""
        with self.box() as client:
            assert client.append("INBOX", "", "", raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))[0] == "OK"

    def found(self, criteria: str) -> int:
        """How many mails meet these words of IMAP's SEARCH."""
        with self.box() as client:
            return len(client.search(None, criteria)[1][0].split())

    def empty(self) -> None:
        """Throw all mails away."""
        with self.box() as client:
            if client.search(None, "ALL")[1][0]:
                client.store("1:*", "+FLAGS", r"(\Deleted)")
            client.expunge()

    def is_ready(self) -> bool:
        """Whether it greets."""
        with contextlib.suppress(OSError, imaplib.IMAP4.error), self.box():
            return True
        return False


@contextlib.contextmanager
def dovecot(certificate: Path | None = None) -> Iterator[Dovecot]:
    """Serve until the block ends; with a certificate (its key lies beside it as key.pem) over TLS too."""
    program = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
    if program is None or os.geteuid() != 0:
        missing("dovecot (or this is not root)" if program is None else "a dovecot that may change users")
    with tempfile.TemporaryDirectory(prefix="incidentd-imap-", dir="/tmp") as name:
        server = Dovecot(Path(name), free_port(), free_port())
        _write(server, certificate)
        process = subprocess.Popen([str(program), "-F", "-c", str(server.directory / "dovecot.conf")])
        try:
            wait_until("dovecot ready", server.is_ready)
            yield server
        finally:
            process.terminate()
            process.wait(60)


def _write(server: Dovecot, certificate: Path | None) -> None:
    # Its helpers run as users of their own and must reach what is theirs in here.
    server.directory.chmod(0o755)
    for part in ("run", "mail"):
        (server.directory / part).mkdir()
    shutil.chown(server.directory / "mail", "mail", "mail")
    text = _CONFIG.format(
        directory=server.directory,
        port=server.port,
        tls_port=server.tls_port if certificate else 0,
        password=PASSWORD,
        ssl="yes" if certificate else "no",
    )
    if certificate is not None:
        text += f"ssl_cert = <{certificate}\nssl_key = <{certificate.with_name('key.pem')}\n"
    (server.directory / "dovecot.conf").write_text(text)
