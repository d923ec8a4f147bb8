"""Made-up cases of a mesh: the same seed gives the same bytes, and what is claimed of them holds."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from bench import cases, meshcases
from bench.mesh import Mesh, mesh, spread
from bench.storms import estate_of

_PRINT = """
import json
from bench.meshcases import case
made = case(5)
print(json.dumps([made.cmdb, made.events, made.truth]))
"""
SEEDS = range(30)
CHAIN = Mesh(
    cis=(),
    calls={"front": ("shop",), "shop": ("store",), "store": ("tail",), "tail": (), "lone": ()},
    pods={name: (f"{name}-0",) for name in ("front", "shop", "store", "tail", "lone")},
    hosts={f"{name}-0": "one" for name in ("front", "shop", "store", "tail", "lone")},
)


def test_a_seed_gives_the_same_bytes_whatever_the_hash_seed() -> None:
    def digest(hash_seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", _PRINT], check=True, capture_output=True, env=environment, timeout=60
        )
        return hashlib.sha256(done.stdout).hexdigest()

    assert digest("1") == digest("2")


def test_bad_work_climbs_to_callers_and_floods_what_they_call() -> None:
    bad = spread(Random(1), CHAIN, {"store-0": 1.0})
    assert bad["store-0"] == 1.0
    assert 1.0 > bad["shop-0"] > bad["front-0"] > 0
    assert 0 < bad["tail-0"] < 1
    assert bad["lone-0"] == bad["lone"] == 0


def test_a_mesh_has_the_promised_size_and_every_service_is_called() -> None:
    for seed in SEEDS:
        made = mesh(Random(seed))
        assert 30 <= len(made.cis) <= 78
        assert len(estate_of(made.cis)) == len(made.cis)
        called = {service for found in made.calls.values() for service in found}
        assert len(called) == len(made.calls) - 1
        assert set(made.beside("worker-1")) == {pod for pod, host in made.hosts.items() if host == "worker-1"}


def test_most_of_a_mesh_alerts_whatever_kind_of_ci_is_faulty() -> None:
    shares, kinds = [], set()
    for seed in SEEDS:
        made = meshcases.case(seed)
        types = {ci["id"]: ci["type"] for ci in made.cmdb["cis"]}
        alerting = {event["labels"]["ci"] for event in made.events}
        assert alerting <= types.keys()
        shares.append(len(alerting) / len(types))
        kinds.add(types[made.truth["root"][0]])
        fired = [tuple(sorted(e["labels"].items())) for e in made.events if e["status"] == "firing"]
        assert len(fired) == len(set(fired))
        received = [event["receivedAt"] for event in made.events]
        assert received == sorted(received)
    assert kinds == {"pod", "service", "host"}
    assert 0.55 <= sum(shares) / len(shares) <= 0.8


def test_the_files_are_read_as_recorded_cases_are(tmp_path: Path) -> None:
    folders = meshcases.write(tmp_path, 2)
    truths = [json.loads((folder / "truth.json").read_text()) for folder in folders]
    assert truths == [meshcases.case(seed).truth for seed in (0, 1000, 1, 1001)]
    answered = cases.answer(folders[0])
    assert answered.right == tuple(truths[0]["root"])
    assert all(answered.said[method] for method in cases.METHODS)


@pytest.mark.parametrize("seed", [0, 1000])
def test_seeds_differ(seed: int) -> None:
    assert meshcases.case(seed).events != meshcases.case(seed + 1).events
