"""The estate that the configuration names, read together with it so that all mistakes come at once."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from cmdb.graph import Estate
from cmdb.importers.yaml_file import load_cmdbs
from cmdb.problems import CmdbError, Problem
from daemon.config.config import Config
from daemon.config.fields import suggestion
from daemon.config.load import read_config
from daemon.errors import ConfigError


def load_all(path: Path, *, environ: Mapping[str, str] | None = None) -> tuple[Config, Estate]:
    """The settings in the file at `path` and the estate they name.

    Raises ConfigError with every mistake of the configuration, the rules and the CMDB's files.
    """
    config, problems = read_config(path, os.environ if environ is None else environ)
    estate, wrong = _read_estate(config.cmdb if config is not None else ())
    if config is None or problems or wrong:
        raise ConfigError([*problems, *wrong])
    return config, estate


def load_estate(files: Sequence[Path]) -> Estate:
    """The estate that the CMDB's files describe together. Raises ConfigError with every mistake in them."""
    estate, problems = _read_estate(files)
    if problems:
        raise ConfigError(problems)
    return estate


def estate_remarks(config: Config, estate: Estate) -> Iterator[Problem]:
    """What the settings say about the estate that it does not hold: allowed, but hardly meant."""
    for window in config.policy.maintenance:
        for name in window.cis:
            if estate.find(name) is None:
                what = f'maintenance: the CMDB has no CI "{name}", so {window.name} covers nothing of it'
                yield Problem(file=str(config.file), line=0, what=what)
    told = {name for subscription in config.notify for name in subscription.when.service}
    yield from _unknown_services(config.file, estate, told, "notify", "nobody will ever be told for it")
    promised = {name for level in config.policy.service_levels for name in level.when.service}
    yield from _unknown_services(config.rules, estate, promised, "service_levels", "nothing is promised for it")
    rated = {name for rule in config.policy.priority_rules for name in rule.when.service}
    yield from _unknown_services(config.rules, estate, rated, "priority", "no rule ever fits it")
    shown = config.http.status_of
    yield from _unknown_services(config.file, estate, shown, "http.status_of", "nothing is shown of it")


def _unknown_services(
    file: Path | None, estate: Estate, names: Collection[str], key: str, so: str
) -> Iterator[Problem]:
    for name in sorted(names):
        if name not in estate:
            near = suggestion(name, estate.business_services).partition("; allowed")[0]
            what = f'{key}: the CMDB has no service "{name}", so {so}'
            yield Problem(file=str(file), line=0, what=what, allowed=near if near.startswith("did") else "")


def _read_estate(files: Sequence[Path]) -> tuple[Estate, tuple[Problem, ...]]:
    try:
        return load_cmdbs(files), ()
    except CmdbError as error:
        return Estate.of(()), error.problems
