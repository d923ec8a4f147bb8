"""Made-up storms: the same seed gives the same bytes, and what is claimed of them holds."""

import hashlib
import os
import subprocess
import sys
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from bench.dialects import DIALECTS, Weather
from bench.faults import COUNT, Failure, Mix, draw, moments
from bench.shapes import SHAPES
from bench.storms import REPORTING, TUNING, Storm, alert_key, estate_of, storm
from cmdb.importers.yaml_file import load_cmdb
from cmdb.model import State

_PRINT = """
import json, sys
from bench.storms import storm
s = storm(sys.argv[1], 5, sys.argv[2])
print(json.dumps([s.cmdb, s.events, [f.root for f in s.failures]]))
"""


@pytest.fixture(scope="module", params=[(shape, dialect) for shape in SHAPES for dialect in DIALECTS])
def made(request: pytest.FixtureRequest) -> Storm:
    shape, dialect = request.param
    return storm(shape, 3, dialect)


@pytest.mark.parametrize(("shape", "dialect"), list(zip(SHAPES, DIALECTS, strict=True)))
def test_a_seed_gives_the_same_bytes_whatever_the_hash_seed(shape: str, dialect: str) -> None:
    def digest(hash_seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", _PRINT, shape, dialect], check=True, capture_output=True, env=environment, timeout=60
        )
        return hashlib.sha256(done.stdout).hexdigest()

    assert digest("1") == digest("2")


def test_another_seed_gives_another_storm(made: Storm) -> None:
    assert storm(made.shape, 4, made.dialect).events != made.events


def test_the_files_hold_the_storm(made: Storm, tmp_path: Path) -> None:
    cmdb, events = made.write(tmp_path)
    read, built = load_cmdb(cmdb), estate_of(made.cmdb["cis"])
    assert read.ids() == built.ids()
    assert [read.dependencies(ci) for ci in read.ids()] == [built.dependencies(ci) for ci in built.ids()]
    assert len(events.read_text().splitlines()) == len(made.events)


def test_events_are_in_order_and_speak_of_cis_in_the_cmdb(made: Storm) -> None:
    received = [datetime.fromisoformat(event["receivedAt"]) for event in made.events]
    assert received == sorted(received)
    assert {event["labels"]["ci"] for event in made.events} <= {ci["id"] for ci in made.cmdb["cis"]}


def test_every_alert_fires_once_and_clears_once_before_it_fires_again(made: Storm) -> None:
    seen: dict[object, list[str]] = {}
    for event in made.events:
        seen.setdefault(alert_key(event), []).append(event["status"])
    assert set(map(tuple, seen.values())) == {("firing", "resolved")}
    assert seen.keys() == made.symptoms.keys()
    episodes = sorted((e["labels"]["ci"], e["labels"]["alertname"], e["startsAt"], e["endsAt"]) for e in made.events)
    ended = [episode for episode in episodes if not episode[3].startswith("0001")]
    assert all(a[3] < b[2] for a, b in pairwise(ended) if a[:2] == b[:2])


def test_failures_are_as_many_as_promised_and_reach_every_symptom(made: Storm) -> None:
    assert len(made.failures) == COUNT
    for symptom in made.symptoms.values():
        assert all(made.failures[cause].at <= symptom.received for cause in symptom.causes)
    assert any(not symptom.causes for symptom in made.symptoms.values())


def test_fair_weather_leaves_nothing_out_and_adds_nothing() -> None:
    fair = Weather(missing=0, noise_an_hour=1e-9, flapping=0, silent=0, reduced=0, at_risk=0)
    made = storm("storage", 7, weather=fair)
    assert all(symptom.causes for symptom in made.symptoms.values())
    spoken = {(symptom.ci, cause) for symptom in made.symptoms.values() for cause in symptom.causes}
    roots = {(failure.root, number) for number, failure in enumerate(made.failures)}
    assert len(roots - spoken) <= 1, "a root is silent only where nobody monitors it"


def test_the_dialects_differ_as_promised() -> None:
    labels = {d: [e["labels"] for seed in range(8) for e in storm("storage", seed, d).events] for d in DIALECTS}
    assert all(found["severity"] in {"critical", "warning"} for found in labels["rich"] + labels["bare"])
    assert any("severity" not in found for found in labels["checks"])
    assert not {found["alertname"] for found in labels["rich"]} & {found["alertname"] for found in labels["bare"]}


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_weathers_keep_to_their_ranges(dialect: str) -> None:
    for seed in range(40):
        drawn = DIALECTS[dialect](Random(seed)).weather
        assert 0.05 <= drawn.missing <= 0.25
        assert 5 <= drawn.noise_an_hour <= 30
        assert drawn.flapping == 0.1
        assert 0.25 <= drawn.silent <= 0.5


def test_a_failure_in_part_only_degrades_and_pauses_are_quiet() -> None:
    estate = estate_of([{"id": "db", "type": "database", "depends_on": []}])
    failure = Failure(root="db", at=0, until=900, state=State.DEGRADED, pauses=((300, 400),))
    spans = list(moments(estate, [failure]))
    assert [(span.at, span.until, span.hits["db"].state) for span in spans] == [
        (0, 300, State.DEGRADED),
        (400, 900, State.DEGRADED),
    ]


def test_a_wild_mix_holds_what_it_says() -> None:
    estate = estate_of(storm("classic", 0).cmdb["cis"])
    mix = Mix(even=1.0, degraded=0.5, crowded=1.0, restless=0.5, twins=0, far_twins=2)
    drawn = draw(Random(1), estate, mix)
    assert len(drawn) == COUNT
    assert {failure.state for failure in drawn} == {State.DOWN, State.DEGRADED}
    assert any(failure.pauses for failure in drawn)
    assert sum(b.at - a.at <= 5 for a, b in pairwise(drawn)) >= 2
    assert all(any(a is not b and a.at <= b.until and b.at <= a.until for b in drawn) for a in drawn)


def test_seeds_for_tuning_and_reporting_are_apart() -> None:
    assert not set(TUNING) & set(REPORTING)


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_estates_have_the_promised_size(shape: str) -> None:
    sizes = [len(storm(shape, seed).cmdb["cis"]) for seed in range(5)]
    assert all(280 <= size <= 600 for size in sizes), sizes
