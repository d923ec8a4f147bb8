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


def test_two_cmdbs_are_compared(site: Site) -> None:
    other = site.directory / "export.yaml"
    other.write_text(
        site.cmdb.read_text().replace("{any_of: [web-1, web-2], need: 1}", "web-1")
        + "  - {id: new-1, type: host, owner: linux}\n"
    )
    found = site.json("cmdb", "diff", str(other))
    assert [ci["id"] for ci in found["added"]] == ["new-1"]
    (changed,) = found["changed"]
    assert (changed["id"], changed["needs_no_more"], changed["needs_now"]) == (
        "shop",
        ["1 of web-1 | web-2"],
        ["web-1"],
    )
    assert {"failed": "web-1", "service": "shop", "before": "degraded", "after": "down"} in found["services"]
    back = site.json("cmdb", "diff", str(other), str(site.cmdb))
    assert [ci["id"] for ci in back["removed"]] == ["new-1"]
    said = site.run("cmdb", "diff", str(other))
    assert "1 CI added, 0 CIs removed, 1 CI changed." in said
    assert said.index("new-1") < said.index("if this fails")
    assert site.run("cmdb", "diff", str(site.cmdb)) == "No difference.\n"
    assert site.json("cmdb", "diff", str(site.cmdb))["is_equal"] is True
    site.run("cmdb", "diff", "a", "b", "c", code=2)
    site.run("cmdb", "diff", code=2)
    other.write_text("cis:\n  - {id: a, depends_on: [b]}\n")
    result = site.runner.invoke(app, site.words("cmdb", "diff", str(other)))
    assert result.exit_code == 1
    assert f"{other}:2: " in str(result.exception)
