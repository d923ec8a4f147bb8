"""The samples that ship load, and the manual names every setting."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.config.estate import load_all
from daemon.config.load import load_config
from daemon.config.notifiers import NOTIFIERS
from daemon.config.sample import SAMPLES, SampleExists, write_samples
from daemon.config.schema import CONFIG_KEYS, RULES_KEYS, SOURCES, Section
from rules.policy import Policy


def test_the_samples_load_and_are_never_overwritten(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "place"
    written = write_samples(directory)
    assert [path.name for path in written] == list(SAMPLES)
    config, estate = load_all(written[0], environ={})
    assert config.remarks == ()
    assert config.policy == Policy()
    assert len(estate) == 6
    with pytest.raises(SampleExists, match="exist already"):
        write_samples(directory)


def test_the_commented_settings_of_the_sample_load_too(tmp_path: Path) -> None:
    path, _ = write_samples(tmp_path)
    lines = path.read_text(encoding="utf-8").splitlines()
    starts = (
        "# notifiers",
        "#   - ",
        "#     ",
        "# maintenance",
        "# notify",
        "#   -",
        "  # - {name: am",
        "  # public_url",
    )
    opened = [line.replace("# ", "", 1) if line.startswith(starts) else line for line in lines]
    path.write_text("\n".join(opened), encoding="utf-8")
    (tmp_path / "noc.secret").write_text("s3cret")
    config = load_config(path, environ={"SMTP_PASSWORD": "pw", "SLACK_TOKEN": "t"})
    assert [n.name for n in config.notifiers] == ["noc", "oncall", "slack"]
    assert [s.to for s in config.notify] == ["noc", "oncall"]
    assert [w.name for w in config.policy.maintenance] == ["switch firmware"]
    assert len(config.sources) == 3
    assert config.http.base_url == "https://incidents.example.net"


def every_kind_of(section: type[Section]) -> Iterator[type[Section]]:
    for kind in section.__subclasses__():
        yield kind
        yield from every_kind_of(kind)


def settings_in_use() -> list[str]:
    """Every key that a file may hold, nested ones included."""
    keys: set[str] = {*CONFIG_KEYS, *RULES_KEYS, *SOURCES, *NOTIFIERS}
    for section in every_kind_of(Section):
        keys.update(field.alias or name for name, field in section.model_fields.items())
    return sorted(keys)


@pytest.mark.parametrize("key", settings_in_use())
def test_every_setting_is_documented(key: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert f"`{key}`" in text
