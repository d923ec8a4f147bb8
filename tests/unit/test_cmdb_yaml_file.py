"""Reading the CMDB's files: what is right, and every mistake with its line."""

import json
from pathlib import Path

import pytest

from cmdb.importers import yaml_file
from cmdb.importers.yaml_file import load_cmdb, load_cmdbs, read_cis
from cmdb.model import CI, Criticality, Dependency, Strength
from cmdb.problems import CmdbError

EXAMPLES = Path(__file__).parents[2] / "examples"

CONTRACT = """\
cis:
  - id: pay-db                   # unique
    type: database
    name: Payments database
    criticality: critical
    owner: dba
    aliases: [pay-db.example.net]
    match: [{service: payments, component: db}]
    depends_on:
      - pay-db-1
      - {any_of: [tor-3a, tor-3b], need: 1}
      - {ci: cache, strength: soft}
  - id: pay-db-1
  - {id: tor-3a}
  - {id: tor-3b}
  - id: cache
"""
PAY_DB = CI(
    id="pay-db",
    type="database",
    name="Payments database",
    criticality=Criticality.CRITICAL,
    owner="dba",
    aliases=("pay-db.example.net",),
    match=((("service", "payments"), ("component", "db")),),
    depends_on=(
        Dependency(providers=("pay-db-1",)),
        Dependency(providers=("tor-3a", "tor-3b"), need=1),
        Dependency(providers=("cache",), strength=Strength.SOFT),
    ),
)


def written(directory: Path, text: str | bytes, name: str = "cmdb.yaml") -> Path:
    path = directory / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problems(directory: Path, text: str | bytes) -> list[str]:
    with pytest.raises(CmdbError) as caught:
        load_cmdb(written(directory, text))
    return [str(problem).removeprefix(f"{directory}/") for problem in caught.value.problems]


def test_reads_every_key_of_the_format(tmp_path: Path) -> None:
    estate = load_cmdb(written(tmp_path, CONTRACT))
    assert estate.ci("pay-db") == PAY_DB
    assert estate.ci("cache") == CI(id="cache")
    assert estate.ids() == ("pay-db", "pay-db-1", "tor-3a", "tor-3b", "cache")


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_reads_json_the_same_way(tmp_path: Path, indent: int | str | None) -> None:
    entry = {
        "id": "pay-db", "type": "database", "name": "Payments database", "criticality": "critical", "owner": "dba",
        "aliases": ["pay-db.example.net"], "match": [{"service": "payments", "component": "db"}],
        "depends_on": ["pay-db-1", {"any_of": ["tor-3a", "tor-3b"], "need": 1}, {"ci": "cache", "strength": "soft"}],
    }  # fmt: skip
    rest = [{"id": ci} for ci in ("pay-db-1", "tor-3a", "tor-3b", "cache")]
    plain = written(tmp_path, json.dumps({"cis": [entry, *rest]}, indent=indent))
    assert load_cmdb(plain).ci("pay-db") == PAY_DB
    # A number where text is wanted is left to the reader that keeps lines.
    doubtful = written(tmp_path, json.dumps({"cis": [entry, *rest, {"id": 10, "name": "\U0001f600"}]}, indent=indent))
    estate = load_cmdb(doubtful)
    assert estate.ci("pay-db") == PAY_DB
    assert estate.ci("10").name == "\U0001f600"


def test_the_shipped_example_is_right() -> None:
    estate = load_cmdb(EXAMPLES / "cmdb.yaml")
    assert estate.business_services == {"checkout", "catalogue", "back-office"}
    assert 20 <= len(estate) <= 30
    assert read_cis(EXAMPLES / "cmdb.yaml") == tuple(estate)


@pytest.mark.parametrize(
    "text", ["yes", "on", "12:30:45", "08", "1e3", "0x10", "10", "3.10", "2026-01-01", "'null'", "NO"]
)
def test_ids_and_labels_stay_the_text_that_was_written(tmp_path: Path, text: str) -> None:
    source = (
        f"cis:\n  - id: {text}\n    type: {text}\n    match: [{{{text}: {text}}}]\n  - id: x\n    depends_on: [{text}]"
    )
    word = text.strip("'")
    first, second = read_cis(written(tmp_path, source))
    assert (first.id, first.type, first.match) == (word, word, (((word, word),),))
    assert second.depends_on == (Dependency(providers=(word,)),)


def test_keys_without_a_value_are_as_if_not_there(tmp_path: Path) -> None:
    keys = "".join(
        f"    {key}:\n" for key in ("type", "name", "criticality", "owner", "aliases", "match", "depends_on", "users")
    )
    assert read_cis(written(tmp_path, "cis:\n  - id: a\n" + keys)) == (CI(id="a"),)
    assert read_cis(written(tmp_path, "cis:\n")) == ()


def test_a_need_of_all_is_hard_on_each(tmp_path: Path) -> None:
    source = "cis:\n- id: a\n  depends_on: [{any_of: [b, c], need: 2, strength: soft}]\n- id: b\n- id: c\n"
    (link,) = load_cmdb(written(tmp_path, source)).dependencies("a")
    assert link == Dependency(providers=("b", "c"), need=2, strength=Strength.SOFT)
    assert not link.is_group


def test_anchors_may_be_used(tmp_path: Path) -> None:
    source = "cis:\n- id: a\n  depends_on: &both [{any_of: [c, d]}]\n- id: b\n  depends_on: *both\n- id: c\n- id: d\n"
    estate = load_cmdb(written(tmp_path, source))
    assert estate.providers("b") == estate.providers("a") == ("c", "d")


def test_cycles_are_legal(tmp_path: Path) -> None:
    source = "cis:\n- {id: a, depends_on: [b]}\n- {id: b, depends_on: [a]}\n"
    assert load_cmdb(written(tmp_path, source)).cycles() == (("a", "b"),)


def test_a_byte_order_mark_and_windows_lines_do_no_harm(tmp_path: Path) -> None:
    assert read_cis(written(tmp_path, b"\xef\xbb\xbfcis:\r\n- id: a\r\n")) == (CI(id="a"),)
    assert read_cis(written(tmp_path, b'\xef\xbb\xbf{"cis": [{"id": "a"}]}\r\n')) == (CI(id="a"),)


ID_RULE = "allowed: 1 to 255 printable characters with no space at either end"
KEYS = "allowed: id, type, name, criticality, owner, aliases, match, depends_on, users"
FORMS = "allowed: an id, {ci: id, strength: soft} or {any_of: [ids], need: 1}"
USERS = "allowed: {count: 250, class: customers}"
MATCH = "allowed: [{label: value, …}, …]"
ENTRIES = {
    # what stands under `cis:`, from line 2 on: what is said
    "- id: a\n  depend_on: [b]\n- id: b\n": [
        'cmdb.yaml:3: unknown key "depend_on"; did you mean "depends_on"? ' + KEYS
    ],
    "- id: a\n- id: b\n- id: a\n": [
        'cmdb.yaml:4: the id "a" stands here twice; it first stands at {}/cmdb.yaml:2; allowed: each id once'
    ],
    "- id: a\n  depends_on:\n    - web-01\n    - qqq\n- id: web01\n": [
        'cmdb.yaml:4: "a" depends on "web-01", which is not in the CMDB; did you mean "web01"? allowed: the id of a CI',
        'cmdb.yaml:5: "a" depends on "qqq", which is not in the CMDB; allowed: the id of a CI',
    ],
    "- id: a\n  depends_on: [www]\n- id: web\n  aliases: [www]\n": [
        'cmdb.yaml:3: "a" depends on "www", which is not in the CMDB; did you mean "web"? allowed: the id of a CI'
    ],
    "- id: a\n  depends_on:\n  - {any_of: [switch-01, switch-O2]}\n- id: switch-01\n- id: switch-02\n": [
        'cmdb.yaml:4: "a" depends on "switch-O2", which is not in the CMDB; '
        'did you mean "switch-02"? allowed: the id of a CI'
    ],
    "- type: host\n": ["cmdb.yaml:2: the key id is missing; allowed: an id that no other CI has"],
    "- id:\n": ["cmdb.yaml:2: the key id is missing; allowed: an id that no other CI has"],
    "- id: ''\n": [f"cmdb.yaml:2: id is empty; {ID_RULE}"],
    "- id: ' a'\n": [f'cmdb.yaml:2: " a" cannot be an id; {ID_RULE}'],
    '- id: "a\\tb"\n': [f'cmdb.yaml:2: "a�b" cannot be an id; {ID_RULE}'],
    f"- id: {'x' * 256}\n": [f'cmdb.yaml:2: "{"x" * 79}…" cannot be an id; {ID_RULE}'],
    "- id: [a]\n": ["cmdb.yaml:2: id must be text, not a list; allowed: an id"],
    "- a\n- []\n": [
        'cmdb.yaml:2: an item of cis must be a mapping; allowed: "- id: …" and further keys',
        'cmdb.yaml:3: an item of cis must be a mapping; allowed: "- id: …" and further keys',
    ],
    "- id: a\n  name: [x]\n  type: {x: y}\n": [
        "cmdb.yaml:3: name must be text, not a list; allowed: text",
        "cmdb.yaml:4: type must be text, not a mapping; allowed: text",
    ],
    "- id: a\n  users: 5\n": [f"cmdb.yaml:3: users must be a mapping, not text; {USERS}"],
    "- id: a\n  users: {count: many}\n": [f"cmdb.yaml:3: users must have a count, a whole number; {USERS}"],
    "- id: a\n  users: {class: staff}\n": [f"cmdb.yaml:3: users must have a count, a whole number; {USERS}"],
    "- id: a\n  users: {count: 5, kind: staff}\n": ['cmdb.yaml:3: unknown key "kind"; allowed: count, class'],
    f"- id: a\n  name: {'x' * 5000}\n": ["cmdb.yaml:3: name is too long; allowed: 4096 characters"],
    '- id: a\n  name: "x\\0y"\n': ["cmdb.yaml:3: name holds a NUL character; allowed: text"],
    "- id: a\n  criticality: hihg\n": [
        'cmdb.yaml:3: criticality cannot be "hihg"; did you mean "high"? allowed: low, medium, high, critical'
    ],
    "- id: a\n  criticality: 4\n": [
        'cmdb.yaml:3: criticality cannot be "4"; allowed: low, medium, high, critical'
    ],
    "- id: a\n  aliases: b\n": ["cmdb.yaml:3: aliases must be a list, not text; allowed: [name, …]"],
    "- id: a\n  aliases:\n  - b\n- id: b\n": [
        'cmdb.yaml:4: the alias "b" is the id of another CI; allowed: a name that is no id'
    ],
    "- id: a\n  aliases: [x]\n- id: b\n  aliases: [y,\n    x]\n": [
        'cmdb.yaml:6: the alias "x" is that of "a" already, at {}/cmdb.yaml:3; allowed: each alias once'
    ],
    "- id: a\n  aliases: [' ', {}]\n": [
        f'cmdb.yaml:3: " " cannot be an id; {ID_RULE}',
        "cmdb.yaml:3: an alias must be text, not a mapping; allowed: an id",
    ],
    "- id: a\n  match: {x: y}\n": [f"cmdb.yaml:3: match must be a list, not a mapping; {MATCH}"],
    "- id: a\n  match: [x, {}]\n": [
        f"cmdb.yaml:3: an item of match must be a mapping of labels to values; {MATCH}",
        f"cmdb.yaml:3: an item of match must be a mapping of labels to values; {MATCH}",
    ],
    "- id: a\n  match:\n  - {x: }\n  - {y: [z]}\n  - {[z]: y}\n": [
        f"cmdb.yaml:4: a label has no value; {MATCH}",
        "cmdb.yaml:5: the value of a label must be text, not a list; allowed: text",
        f"cmdb.yaml:6: the name of a label must be text; {MATCH}",
    ],
    "- id: a\n  match:\n  - x: y\n    x: z\n": [
        'cmdb.yaml:5: the key "x" stands here twice; it first stands on line 4'
    ],
    "- id: a\n  depends_on: b\n- id: b\n": ["cmdb.yaml:3: depends_on must be a list, not text; allowed: [id, …]"],
    "- id: a\n  depends_on:\n  - [b]\n  -\n- id: b\n": [
        f"cmdb.yaml:4: a dependency must be an id or a mapping, not a list; {FORMS}",
        "cmdb.yaml:5: a dependency must be text, not nothing; allowed: an id",
    ],
    "- id: a\n  depends_on:\n  - b\n  - a\n  - {any_of: [a, b]}\n- id: b\n": [
        'cmdb.yaml:5: "a" depends on itself; allowed: the ids of other CIs',
        'cmdb.yaml:6: "a" depends on itself; allowed: the ids of other CIs',
    ],
    "- id: a\n  depends_on:\n  - {any_of: [b], ci: b}\n  - {need: 1}\n  - {ci: b, need: 1}\n- id: b\n": [
        f"cmdb.yaml:4: a dependency must have either ci or any_of; {FORMS}",
        f"cmdb.yaml:5: a dependency must have either ci or any_of; {FORMS}",
        f"cmdb.yaml:6: need goes with any_of only; {FORMS}",
    ],
    "- id: a\n  depends_on:\n  - {any_off: [b]}\n- id: b\n": [
        f"cmdb.yaml:4: a dependency must have either ci or any_of; {FORMS}",
        'cmdb.yaml:4: unknown key "any_off"; did you mean "any_of"? allowed: ci, any_of, need, strength',
    ],
    "- id: a\n  depends_on:\n  - {ci: b, strength: weak}\n- id: b\n": [
        'cmdb.yaml:4: strength cannot be "weak"; allowed: hard, soft'
    ],
    "- id: a\n  depends_on:\n  - {any_of: []}\n  - {any_of: b}\n  - {any_of: [b, b]}\n- id: b\n": [
        "cmdb.yaml:4: any_of is empty; allowed: [id, id, …]",
        "cmdb.yaml:5: any_of must be a list, not text; allowed: [id, id, …]",
        'cmdb.yaml:6: "b" stands twice in one any_of; allowed: each id once',
    ],
    "- id: a\n  depends_on:\n"
    + "".join(f"  - {{any_of: [b, c], need: {n}}}\n" for n in ("0", "3", "-1", "x", "1.5", "[1]"))
    + "- id: b\n- id: c\n": [
        *(
            f'cmdb.yaml:{line}: need cannot be "{n}"; allowed: a whole number from 1 to 2'
            for line, n in enumerate(("0", "3", "-1", "x", "1.5"), 4)
        ),
        "cmdb.yaml:9: need cannot be a list; allowed: a whole number from 1 to 2",
    ],
    "- id: a\n  name: x\n  name: y\n": ['cmdb.yaml:4: the key "name" stands here twice; it first stands on line 3'],
    "- id: a\n  {x: y}: z\n": ["cmdb.yaml:3: a key must be a word; " + KEYS],
    "- id: a\n  <<: {owner: x}\n": ['cmdb.yaml:3: unknown key "<<"; ' + KEYS],
    "- id: !!python/name:os.system a\n": [
        'cmdb.yaml:2: the tag "tag:yaml.org,2002:python/name:os.system" is not understood; '
        "allowed: plain YAML without tags"
    ],
    "- id: a\n  aliases: !own [b]\n": [
        'cmdb.yaml:3: the tag "!own" is not understood; allowed: plain YAML without tags'
    ],
    "- id: a\n  name: *nothing\n": ["cmdb.yaml:3: no anchor &nothing stands before this alias of it"],
    "- id: a\n  name: 'open\n": ["cmdb.yaml:4: this is not YAML: found unexpected end of stream"],
    "- id: a\n---\ncis: []\n": ["cmdb.yaml:3: a second document begins here; allowed: one document"],
}  # fmt: skip


@pytest.mark.parametrize("entries", ENTRIES, ids=range(len(ENTRIES)))
def test_says_what_is_wrong_in_an_entry_and_where(tmp_path: Path, entries: str) -> None:
    expected = [line.replace("{}/", f"{tmp_path}/") for line in ENTRIES[entries]]
    assert problems(tmp_path, "cis:\n" + entries) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cmdb.yaml: the file must be a mapping with the key cis; allowed: cis: and a list"),
        ("- id: a\n", "cmdb.yaml:1: the file must be a mapping with the key cis; allowed: cis: and a list"),
        ("# none\n{}\n", "cmdb.yaml:2: the key cis is missing; allowed: cis: and the list of all CIs"),
        ("cis: {a: b}\n", 'cmdb.yaml:1: cis must be a list; allowed: one "- id: …" for every CI'),
        ("cis: []\nCIs: []\n", 'cmdb.yaml:2: unknown key "CIs"; did you mean "cis"? allowed: cis'),
        ("cis: []\ncis: []\n", 'cmdb.yaml:2: the key "cis" stands here twice; it first stands on line 1'),
        ("cis: []\n[a]: b\n", "cmdb.yaml:2: a key must be a word; allowed: cis"),
        (b"cis: []\n# \xff\n", "cmdb.yaml:2: the file is not UTF-8 text; allowed: UTF-8"),
        ("cis: []\n".encode("utf-16"), "cmdb.yaml:1: the file is not UTF-8 text; allowed: UTF-8"),
        (b"cis:\n- id: a\x07\n", "cmdb.yaml:2: this is not YAML: control characters are not allowed"),
        ('{"cis": [{"id": 1}],\n"cis": []}', 'cmdb.yaml:2: the key "cis" stands here twice; it first stands on line 1'),
        ('{"cis": [\n{"id": "a"},\n{"id" "b"}]}', "cmdb.yaml:3: this is not YAML: did not find expected ',' or '}'"),
        ("cis:\n- " + "[" * 30 + "]" * 30, "cmdb.yaml:2: values are nested too deeply; allowed: 20 levels"),
        ('{"cis":\n' + "[" * 5000 + "]" * 5000 + "}", "cmdb.yaml:2: values are nested too deeply; allowed: 20 levels"),
    ],
)  # fmt: skip
def test_says_what_is_wrong_with_the_file(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert problems(tmp_path, text) == [said]


def test_json_mistakes_have_their_lines(tmp_path: Path) -> None:
    first = '\t\t{"id": "a", "name": "\\ud83d\\ude00",\n\t\t "depends_on": ["b",\n\t\t"c"]},\n'
    text = '{\n\t"cis": [\n' + first + '\t\t{"id": "b", "id": "c"}\n\t]\n}'
    assert problems(tmp_path, text) == [
        'cmdb.yaml:5: "a" depends on "c", which is not in the CMDB; allowed: the id of a CI',
        'cmdb.yaml:6: the key "id" stands here twice; it first stands on line 6',
    ]


def test_all_mistakes_come_at_once_in_order(tmp_path: Path) -> None:
    text = "cis:\n- id: a\n  nmae: x\n  depends_on: [c]\n- id: a\n- name: y\n  depends_on: [d]\n"
    assert [line.split(":")[1] for line in problems(tmp_path, text)] == ["3", "4", "5", "6", "7"]


def test_after_broken_yaml_nothing_is_said_of_what_could_not_be_read(tmp_path: Path) -> None:
    text = "cis:\n- id: a\n  depends_on: [b]\n  nmae: x\n- id: 'b\n"
    assert [line.split(":")[1] for line in problems(tmp_path, text)] == ["4", "6"]


def test_anchors_cannot_multiply_without_bound(tmp_path: Path) -> None:
    levels = [f"&l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 10)]
    bomb = "cis: []\nx:\n- &l0 [a]\n" + "".join(f"- {level}\n" for level in levels)
    said = problems(tmp_path, bomb)
    assert said[-1].endswith("the aliases of this file stand for too many values; allowed: 1000000 values by aliases")


def test_endless_mistakes_end(tmp_path: Path) -> None:
    said = problems(tmp_path, "cis:\n" + "- x\n" * 3000)
    assert len(said) == 1001
    assert "cmdb.yaml:1001: there may be more mistakes: only the first 1000 are listed" in said


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CmdbError, match=r"none\.yaml: the file cannot be read: No such file or directory$"):
        load_cmdb(tmp_path / "none.yaml")
    with pytest.raises(CmdbError, match=r"the file cannot be read: Is a directory$"):
        load_cmdb(tmp_path)


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as stream:
        stream.truncate(yaml_file.LARGEST_FILE + 1)
    with pytest.raises(CmdbError, match=r"large\.yaml: the file is too large; allowed: 512 MiB$"):
        load_cmdb(path)


def test_files_may_depend_on_each_other(tmp_path: Path) -> None:
    one = written(tmp_path, "cis:\n- {id: a, depends_on: [b]}\n", "one.yaml")
    two = written(tmp_path, '{"cis": [{"id": "b"}]}', "two.json")
    assert load_cmdbs([one, two]).providers("a") == ("b",)
    assert len(load_cmdbs([])) == 0


def test_mistakes_between_files_name_both_places(tmp_path: Path) -> None:
    one = written(tmp_path, "cis:\n- id: a\n  aliases: [x]\n", "one.yaml")
    two = written(tmp_path, '{"cis": [\n{"id": "c", "aliases": ["x"]},\n{"id": "a", "depends_on": ["d"]}]}', "two.json")
    with pytest.raises(CmdbError) as caught:
        load_cmdbs([one, two])
    assert [str(problem) for problem in caught.value.problems] == [
        f'{two}:2: the alias "x" is that of "a" already, at {one}:3; allowed: each alias once',
        f'{two}:3: "a" depends on "d", which is not in the CMDB; allowed: the id of a CI',
        f'{two}:3: the id "a" stands here twice; it first stands at {one}:2; allowed: each id once',
    ]
    assert str(caught.value).count("\n") == 2
