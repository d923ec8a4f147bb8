"""Which configuration and which database a command works on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cmdb.graph import Estate
    from daemon.config.config import Config
    from daemon.store.store import Store

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
CmdbFile = Annotated[
    Path | None, typer.Option("--cmdb", metavar="FILE", help="Read this CMDB file; no configuration is needed then.")
]
PLACES = (Path("incidentd.yaml"), Path("/etc/incidentd/incidentd.yaml"))


def config_path(context: typer.Context) -> Path:
    """The configuration to use: `--config`, else $INCIDENTD_CONFIG, else the first of `PLACES` that exists.

    Raises NoConfig.
    """
    from daemon.cli.refusal import Refusal

    given = given_config(context) or os.environ.get("INCIDENTD_CONFIG")
    if given:
        return Path(given)
    for place in PLACES:
        if place.is_file():
            return place
    looked = " and ".join(map(str, PLACES))
    raise Refusal(
        f"no configuration found: looked for {looked}; give --config FILE, or write one with `incidentd init`"
    )


def given_config(context: typer.Context) -> Path | None:
    """What `--config` says, and nothing else."""
    found = context.find_root().params.get("config")
    return Path(found) if found else None


def read_config(context: typer.Context) -> "Config":
    """The settings; ConfigError with every mistake."""
    from daemon.config.load import load_config

    return load_config(config_path(context))


def read_estate(context: typer.Context, cmdb: Path | None) -> "Estate":
    """The estate of `--cmdb`, else of the configuration."""
    from daemon.config.estate import load_all, load_estate

    return load_estate([cmdb]) if cmdb is not None else load_all(config_path(context))[1]


@contextmanager
def open_store(config: "Config") -> Iterator["Store"]:
    """The record, ready to be read; StoreError where it is missing or of another version."""
    from daemon.clock import SystemClock
    from daemon.store.store import Store

    with Store.open(config.database.reveal(), SystemClock()) as store:
        store.require_current(config.database_shown)
        yield store
