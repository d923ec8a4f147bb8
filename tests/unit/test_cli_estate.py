"""Commands on the configuration and the CMDB."""

import json

from daemon.cli.main import app
from tests.cli_site import Site


def test_check_counts_and_remarks(site: Site) -> None:
    found = site.json("check")
    assert (found["ok"], found["cis"], found["business_services"], found["cycles"]) == (True, 6, 1, [])
    assert found["sources"] == [{"name": "main", "type": "prometheus"}, {"name": "push", "type": "push"}]
    (level,) = found["service_levels"]
    assert (level["name"], level["agreement"]) == ("standard", "SLA")
    assert level["targets"]["P1"] == {"response": "15m", "resolution": "4h", "calendar": "24x7"}
    assert "SLA        standard: P1 15m/4h 24x7, P2" in site.run("check")
    site.cmdb.write_text("cis:\n  - {id: a, depends_on: [b]}\n  - {id: b, depends_on: [a]}\n")
    said = site.run("check")
    assert "cycles     1; legal" in said
    site.cmdb.write_text("cis:\n  - {id: a, depends_on: [b]}\n")
    result = site.runner.invoke(app, ["--config", str(site.config), "check", "--json"])
    assert result.exit_code == 1
    (problem,) = json.loads(result.output)["problems"]
    assert problem["line"] == 2


def test_impact(site: Site) -> None:
    assert site.json("impact", "web-1") == {
        "failed": ["web-1"],
        "down": [],
        "degraded": ["shop"],
        "at_risk": [],
        "services": {"down": [], "degraded": ["shop"], "at_risk": []},
    }
    both = site.json("impact", "db1.example.net", "WEB-1")
    assert both["failed"] == ["shop-db", "web-1"]
    assert both["services"]["down"] == ["shop"]
    said = site.run("impact", "switch-1")
    assert said.index("Online shop") < said.index("web-2")
    result = site.runner.invoke(app, ["impact", "swich-1", "--cmdb", str(site.cmdb)])
    assert result.exit_code == 1
    assert "nearest: switch-1" in str(result.exception)


def test_spof_and_cmdb(site: Site) -> None:
    assert [s["ci"] for s in site.json("spof")["spofs"]] == ["switch-1", "shop-db"]
    assert [s["ci"] for s in site.json("spof", "--limit", "1")["spofs"]] == ["switch-1"]
    assert "Online shop" in site.run("spof")
    assert [ci["id"] for ci in site.json("cmdb", "list", "--owner", "linux")["cis"]] == ["web-1", "web-2"]
    assert site.json("cmdb", "show", "db1.example.net")["dependents"] == ["shop"]
    assert "1 of web-1 | web-2; shop-db; search (soft)" in site.run("cmdb", "show", "shop")
