"""Whatever is written out as YAML or JSON is read back as it was; whatever else is read never breaks the reader."""

import contextlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmdb.importers.entry import is_legal_id
from cmdb.importers.yaml_file import load_cmdb, read_cis
from cmdb.model import CI, Criticality, Dependency, Strength, Users
from cmdb.problems import CmdbError

IDS = st.text(max_size=8).filter(is_legal_id)
# YAML cannot carry NUL, and what it does to carriage returns in quoted text is not ours to prove.
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@st.composite
def cis(draw: st.DrawFn) -> tuple[CI, ...]:
    ids = draw(st.lists(IDS, min_size=1, max_size=6, unique=True))
    labels = st.dictionaries(WORDS.filter(bool), WORDS, min_size=1, max_size=2)
    return tuple(
        CI(
            id=ci_id,
            type=draw(WORDS) or "unknown",
            name=draw(WORDS),
            criticality=draw(st.sampled_from([None, *Criticality])),
            owner=draw(WORDS),
            match=tuple(tuple(found.items()) for found in draw(st.lists(labels, max_size=2))),
            depends_on=draw(dependencies([other for other in ids if other != ci_id])),
            users=draw(st.none() | st.builds(Users, count=st.integers(0, 999_999_999), kind=WORDS)),
        )
        for ci_id in ids
    )


def dependencies(others: list[str]) -> st.SearchStrategy[tuple[Dependency, ...]]:
    if not others:
        return st.just(())
    members = st.lists(st.sampled_from(others), min_size=1, max_size=4, unique=True)
    links = members.flatmap(
        lambda found: st.builds(
            Dependency,
            providers=st.just(tuple(found)),
            need=st.integers(1, len(found)),
            strength=st.sampled_from(Strength),
        )
    )
    return st.lists(links, max_size=3).map(tuple)


def entry(ci: CI) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": ci.id,
        "type": ci.type,
        "name": ci.name,
        "owner": ci.owner,
        "match": [dict(labels) for labels in ci.match],
        "depends_on": [link(dependency) for dependency in ci.depends_on],
    }
    if ci.criticality is not None:
        found["criticality"] = ci.criticality.name.lower()
    if ci.users is not None:
        found["users"] = {"count": ci.users.count, "class": ci.users.kind}
    return found


def link(dependency: Dependency) -> str | dict[str, Any]:
    if len(dependency.providers) > 1:
        return {
            "any_of": list(dependency.providers),
            "need": dependency.need,
            "strength": dependency.strength.value,
        }
    if dependency.strength is Strength.HARD:
        return dependency.providers[0]
    return {"ci": dependency.providers[0], "strength": "soft"}


def as_yaml(value: Any) -> str:
    return str(yaml.safe_dump(value, allow_unicode=True, sort_keys=False))


def as_json_by_lines(value: Any) -> str:
    # A number for an id is what the fast reader leaves to the other one.
    value["cis"].append({"id": 12345678901})
    return json.dumps(value, indent=1)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(cis(), st.sampled_from([as_yaml, json.dumps, as_json_by_lines]))
def test_reads_what_was_written(written: tuple[CI, ...], encode: Callable[[Any], str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "cmdb.yaml")
        path.write_text(encode({"cis": [entry(ci) for ci in written]}), encoding="utf-8")
        assert read_cis(path)[: len(written)] == written


@given(st.text(st.sampled_from("abcis: -\n[]{}&*!\"',#|>?%@`\t"), max_size=60) | st.binary(max_size=40))
def test_anything_at_all_is_read_or_refused(text: str | bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "cmdb.yaml")
        raw = text.encode() if isinstance(text, str) else text
        path.write_bytes(b"cis:\n- id: a\n  " + raw)
        with contextlib.suppress(CmdbError):
            load_cmdb(path)
