"""A private PostgreSQL for the tests: its own cluster on a socket of its own, gone with the test run."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A running server. `directory` holds its socket."""

    directory: Path
    port: int = 5432

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.directory}&port={self.port}"

    def connect(self, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        """A plain connection, each statement by itself."""
        return psycopg.connect(
            host=str(self.directory), port=self.port, user="postgres", dbname=database, autocommit=True
        )

    def create_database(self) -> str:
        """Make an empty database; its URL."""
        name = f"test_{uuid.uuid4().hex}"
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)


def binaries() -> Path | None:
    """Where the newest installed server's programs are, None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return None if on_path is None else Path(on_path).parent


@contextmanager
def running(programs: Path) -> Iterator[Cluster]:
    """A fresh cluster, stopped and removed at the end. As root it runs as user `postgres`: it refuses root."""
    with tempfile.TemporaryDirectory(prefix="incidentd-pg-", dir="/tmp") as name:
        directory = Path(name)
        prefix = []
        if os.geteuid() == 0:
            shutil.chown(directory, "postgres")
            prefix = ["runuser", "-u", "postgres", "--"]
        data = directory / "data"

        def call(program: str, *arguments: str) -> None:
            subprocess.run(
                [*prefix, str(programs / program), *arguments], check=True, cwd="/", stdout=subprocess.DEVNULL
            )

        call("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8")
        # Durability of the machine is not what is tested; a crash of the client is.
        settings = f"-k {directory} -c listen_addresses='' -c fsync=off -c max_connections=200 -c log_statement=none"
        call("pg_ctl", "-D", str(data), "-w", "-t", "60", "-l", str(directory / "log"), "-o", settings, "start")
        try:
            yield Cluster(directory=directory)
        finally:
            call("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
