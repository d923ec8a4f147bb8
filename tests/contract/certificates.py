"""A certificate that only a test believes in."""

import subprocess
from pathlib import Path

import pytest

from tests.fakes import LOOPBACK


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for the loopback address, with its key in the same file."""
    where = tmp_path_factory.mktemp("tls")
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=loopback"
    files = ["-addext", f"subjectAltName=IP:{LOOPBACK}", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(["openssl", *words.split(), *files], cwd=where, check=True, capture_output=True)
    return where / "cert.pem"
