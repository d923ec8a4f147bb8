"""One entry of a CMDB file as a CI, with everything that is wrong in it noted by line."""

import re
from collections.abc import Collection

from cmdb.importers.file_entries import FileEntries
from cmdb.importers.nodes import Mapping, Node, Scalar, Sequence
from cmdb.importers.remarks import Remarks, allowed_words, shown
from cmdb.model import CI, Criticality, Dependency, Strength, Users

LONGEST_ID = 255
_LONGEST_TEXT = 4096
_KEYS = ("id", "type", "name", "criticality", "owner", "aliases", "match", "depends_on", "users")
_USERS_KEYS = ("count", "class")
_DEPENDENCY_KEYS = ("ci", "any_of", "need", "strength")
CRITICALITIES = {criticality.name.lower(): criticality for criticality in Criticality}
STRENGTHS = {strength.value: strength for strength in Strength}
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
_DEPENDENCY_FORMS = "allowed: an id, {ci: id, strength: soft} or {any_of: [ids], need: 1}"


def is_legal_id(text: str) -> bool:
    """Whether the text can be an id or alias: not empty, one line of printable characters, no space at its ends."""
    return 0 < len(text) <= LONGEST_ID and text.isprintable() and text.strip() == text


class EntryReader:
    """Turns the entries of one file into CIs. Equal texts and equal plain dependencies become one object each."""

    def __init__(self, entries: FileEntries, remarks: Remarks) -> None:
        """Add the CIs to `entries` and what is wrong to `remarks`."""
        self._entries = entries
        self._remarks = remarks
        self._texts: dict[str, str] = {}
        self._plain: dict[tuple[str, Strength], Dependency] = {}

    def read(self, node: Node) -> None:
        """Read one item of the list `cis`."""
        if not isinstance(node, Mapping):
            self._remarks.add(node.line, "an item of cis must be a mapping", 'allowed: "- id: …" and further keys')
            return
        found = self._fields(node, _KEYS)
        ci_id = self._id(node, found.get("id"))
        ci = CI(
            id=ci_id,
            type=self._text("type", found.get("type")) or "unknown",
            name=self._text("name", found.get("name")),
            criticality=self._criticality(found.get("criticality")),
            owner=self._text("owner", found.get("owner")),
            aliases=self._aliases(found.get("aliases")),
            match=self._match(found.get("match")),
            depends_on=self._dependencies(ci_id, found.get("depends_on")),
            users=self._users(found.get("users")),
        )
        self._entries.cis.append(ci)
        self._entries.ci_lines.append(node.line)

    def _fields(self, node: Mapping, allowed: Collection[str]) -> dict[str, Node]:
        """The values given, by key; keys with no value are as if they were not there."""
        found: dict[str, Node] = {}
        lines: dict[str, int] = {}
        for key, value in node.pairs:
            word = key.text if isinstance(key, Scalar) else None
            if word is None:
                self._remarks.add(key.line, "a key must be a word", f"allowed: {', '.join(allowed)}")
            elif word not in allowed:
                self._remarks.add(key.line, f"unknown key {shown(word)}", allowed_words(word, allowed))
            elif word in lines:
                self._twice(word, key.line, lines[word])
            else:
                lines[word] = key.line
                if not isinstance(value, Scalar) or value.text is not None:
                    found[word] = value
        return found

    def _twice(self, key: str, line: int, first: int) -> None:
        self._remarks.add(line, f"the key {shown(key)} stands here twice", f"it first stands on line {first}")

    def _wrong(self, node: Node, what: str, allowed: str) -> None:
        self._remarks.add(node.line, what, allowed)

    def _id(self, entry: Mapping, node: Node | None) -> str:
        if node is None:
            self._remarks.add(entry.line, "the key id is missing", "allowed: an id that no other CI has")
            return ""
        return self._reference("id", node) or ""

    def _reference(self, what: str, node: Node) -> str | None:
        """The text of an id or alias, or None when it cannot be one."""
        if not isinstance(node, Scalar) or node.text is None:
            self._wrong(node, f"{what} must be text, not {_kind(node)}", "allowed: an id")
            return None
        if not is_legal_id(node.text):
            rule = f"allowed: 1 to {LONGEST_ID} printable characters with no space at either end"
            self._wrong(node, f"{shown(node.text)} cannot be an id" if node.text else f"{what} is empty", rule)
            return None
        return self._texts.setdefault(node.text, node.text)

    def _text(self, key: str, node: Node | None) -> str:
        if node is None:
            return ""
        if not isinstance(node, Scalar) or node.text is None:
            self._wrong(node, f"{key} must be text, not {_kind(node)}", "allowed: text")
            return ""
        if len(node.text) > _LONGEST_TEXT:
            self._wrong(node, f"{key} is too long", f"allowed: {_LONGEST_TEXT} characters")
        if "\0" in node.text:
            self._wrong(node, f"{key} holds a NUL character", "allowed: text")
        return self._texts.setdefault(node.text, node.text)

    def _word(self, key: str, node: Node, allowed: Collection[str]) -> str | None:
        word = self._text(key, node)
        if isinstance(node, Scalar) and word not in allowed:
            self._wrong(node, f"{key} cannot be {shown(word)}", allowed_words(word, allowed))
        return word if word in allowed else None

    def _criticality(self, node: Node | None) -> Criticality | None:
        word = None if node is None else self._word("criticality", node, CRITICALITIES)
        return None if word is None else CRITICALITIES[word]

    def _users(self, node: Node | None) -> Users | None:
        if node is None:
            return None
        allowed = "allowed: {count: 250, class: customers}"
        if not isinstance(node, Mapping):
            self._wrong(node, f"users must be a mapping, not {_kind(node)}", allowed)
            return None
        found = self._fields(node, _USERS_KEYS)
        count = found.get("count")
        text = count.text if isinstance(count, Scalar) and count.text is not None else ""
        if not _NUMBER.fullmatch(text):
            self._wrong(count or node, "users must have a count, a whole number", allowed)
            return None
        return Users(count=int(text), kind=self._text("class", found.get("class")))

    def _list(self, key: str, node: Node | None, allowed: str) -> list[Node]:
        if node is None:
            return []
        if not isinstance(node, Sequence):
            self._wrong(node, f"{key} must be a list, not {_kind(node)}", allowed)
            return []
        return node.items

    def _aliases(self, node: Node | None) -> tuple[str, ...]:
        found: list[str] = []
        for item in self._list("aliases", node, "allowed: [name, …]"):
            alias = self._reference("an alias", item)
            if alias is not None:
                found.append(alias)
                self._entries.alias_lines.append(item.line)
        return tuple(found)

    def _match(self, node: Node | None) -> tuple[tuple[tuple[str, str], ...], ...]:
        allowed = "allowed: [{label: value, …}, …]"
        sets = [self._labels(item, allowed) for item in self._list("match", node, allowed)]
        return tuple(labels for labels in sets if labels)

    def _labels(self, node: Node, allowed: str) -> tuple[tuple[str, str], ...]:
        if not isinstance(node, Mapping) or not node.pairs:
            self._wrong(node, "an item of match must be a mapping of labels to values", allowed)
            return ()
        found: dict[str, str] = {}
        lines: dict[str, int] = {}
        for key, value in node.pairs:
            if not isinstance(key, Scalar) or not key.text:
                self._wrong(key, "the name of a label must be text", allowed)
            elif key.text in lines:
                self._twice(key.text, key.line, lines[key.text])
            else:
                lines[key.text] = key.line
                found[self._text("a label", key)] = self._label_value(value, allowed)
        return tuple(found.items())

    def _label_value(self, node: Node, allowed: str) -> str:
        if isinstance(node, Scalar) and node.text is None:
            self._wrong(node, "a label has no value", allowed)
            return ""
        return self._text("the value of a label", node)

    def _dependencies(self, ci_id: str, node: Node | None) -> tuple[Dependency, ...]:
        items = self._list("depends_on", node, "allowed: [id, …]")
        found = [self._dependency(ci_id, item) for item in items]
        return tuple([dependency for dependency in found if dependency is not None])

    def _dependency(self, ci_id: str, node: Node) -> Dependency | None:
        if isinstance(node, Scalar):
            return self._plain_dependency(ci_id, node, Strength.HARD)
        if not isinstance(node, Mapping):
            self._wrong(node, f"a dependency must be an id or a mapping, not {_kind(node)}", _DEPENDENCY_FORMS)
            return None
        found = self._fields(node, _DEPENDENCY_KEYS)
        word = self._word("strength", found["strength"], STRENGTHS) if "strength" in found else None
        strength = STRENGTHS[word or "hard"]
        if ("ci" in found) == ("any_of" in found):
            self._wrong(node, "a dependency must have either ci or any_of", _DEPENDENCY_FORMS)
            return None
        if "any_of" in found:
            return self._group(ci_id, found["any_of"], found.get("need"), strength)
        if "need" in found:
            self._wrong(found["need"], "need goes with any_of only", _DEPENDENCY_FORMS)
        return self._plain_dependency(ci_id, found["ci"], strength)

    def _plain_dependency(self, ci_id: str, node: Node, strength: Strength) -> Dependency | None:
        provider = self._provider(ci_id, node)
        if provider is None:
            return None
        self._entries.provider_lines.append(node.line)
        known = self._plain.get((provider, strength))
        if known is None:
            known = self._plain[provider, strength] = Dependency(providers=(provider,), strength=strength)
        return known

    def _provider(self, ci_id: str, node: Node) -> str | None:
        provider = self._reference("a dependency", node)
        if provider is not None and provider == ci_id:
            self._wrong(node, f"{shown(ci_id)} depends on itself", "allowed: the ids of other CIs")
            return None
        return provider

    def _group(self, ci_id: str, members: Node, need: Node | None, strength: Strength) -> Dependency | None:
        providers: dict[str, int] = {}
        items = self._list("any_of", members, "allowed: [id, id, …]")
        if not items and isinstance(members, Sequence):
            self._wrong(members, "any_of is empty", "allowed: [id, id, …]")
        for item in items:
            provider = self._provider(ci_id, item)
            if provider in providers:
                self._wrong(item, f"{shown(provider)} stands twice in one any_of", "allowed: each id once")
            elif provider is not None:
                providers[provider] = item.line
        needed = 1 if need is None else self._need(need, len(items))
        if not providers:
            return None
        self._entries.provider_lines.extend(providers.values())
        return Dependency(providers=tuple(providers), need=min(needed, len(providers)), strength=strength)

    def _need(self, node: Node, members: int) -> int:
        text = node.text if isinstance(node, Scalar) and node.text is not None else ""
        number = int(text) if _NUMBER.fullmatch(text) else 0
        if not 1 <= number <= members:
            given = shown(text) if isinstance(node, Scalar) else _kind(node)
            self._wrong(node, f"need cannot be {given}", f"allowed: a whole number from 1 to {max(members, 1)}")
            return 1
        return number


def _kind(node: Node) -> str:
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Mapping):
        return "a mapping"
    return "nothing" if node.text is None else "text"
