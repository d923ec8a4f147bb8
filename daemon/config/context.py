"""What every part of reading the configuration needs: the document, its directory, the environment."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from daemon.config.document import Document, Loc
from daemon.config.explain import explain, model_of
from daemon.config.fields import shown, suggestion
from daemon.config.schema import Section
from notifiers.secret import Secret

_CREDENTIAL = re.compile(r"[A-Za-z0-9_.@-]{1,255}", re.ASCII)
_LARGEST_SECRET = 64 * 2**10
SectionT = TypeVar("SectionT", bound=Section)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Reads values of one document; every mistake goes into the document's problems."""

    document: Document
    directory: Path
    environ: Mapping[str, str]

    def problem(self, loc: Loc, what: str, allowed: str = "") -> None:
        """Note a mistake at `loc`."""
        self.document.problem(loc, what, allowed)

    def section(self, loc: Loc, value: object, model: type[SectionT]) -> SectionT | None:
        """The value as a `model`; None where it is not one."""
        if not isinstance(value, dict):
            self.problem(loc, f"{loc[-1] if isinstance(loc[-1], str) else 'this'} must be a mapping of settings")
            return None
        try:
            return model.model_validate(value)
        except ValidationError as error:
            explain(error, self.document, loc, model)
            self._probe_files(loc, value, model)
            return None

    def _probe_files(self, loc: Loc, value: dict[str, Any], model: type[Section]) -> None:
        """Look at the files of a section that has other mistakes, so that all are reported at once."""
        for key, text in value.items():
            place = (*loc, key)
            nested = model_of(model, key)
            if nested is not None and isinstance(text, dict):
                self._probe_files(place, text, nested)
            elif not isinstance(text, str):
                continue
            elif key in model.files:
                self.path(place, text)
            elif key in model.model_fields and key.endswith(("_file", "_credential")):
                self.secret_of(place, key, text)

    def typed(self, loc: Loc, value: object, models: Mapping[str, type[Section]]) -> Section | None:
        """The value as the model that its own `type` asks for."""
        if not isinstance(value, dict):
            self.problem(loc, "this must be a mapping of settings")
            return None
        word = value.get("type")
        if "type" not in value:
            self.problem((*loc, "type"), "type is missing", f"allowed: {', '.join(models)}")
        elif not isinstance(word, str) or word not in models:
            self.problem(
                (*loc, "type"), f'type: "{str(word)[:60]}" is not allowed', suggestion(str(word), tuple(models))
            )
        else:
            return self.section(loc, value, models[word])
        return None

    def items(self, loc: Loc, value: object) -> Iterator[tuple[Loc, object]]:
        """The members of a list with their places; nothing where it is no list."""
        if value is None:
            return
        if not isinstance(value, list):
            self.problem(loc, f"{loc[-1]} must be a list")
            return
        for index, item in enumerate(value):
            yield (*loc, index), item

    def path(self, loc: Loc, text: str) -> Path | None:
        """The file that `text` names, relative to the configuration; a problem and None where it cannot be read."""
        path = self.directory / text
        try:
            with path.open("rb") as stream:
                stream.read(1)
        except (OSError, ValueError) as error:
            self.problem(
                loc, f"the file {self._shown(loc, text)} cannot be read: {getattr(error, 'strerror', None) or error}"
            )
            return None
        return path

    def _shown(self, loc: Loc, text: str) -> str:
        """A value as it stands in the file; a checked section no longer knows what came from the environment."""
        raw = self.document.value
        for part in loc:
            try:
                raw = raw[part]
            except (KeyError, IndexError, TypeError):
                return shown(text)
        return shown(raw if isinstance(raw, str) else text)

    def maybe_path(self, loc: Loc, text: str | None) -> Path | None:
        """As `path`, where there is a text."""
        return None if text is None else self.path(loc, text)

    def secret(self, loc: Loc, section: Section, name: str) -> Secret | None:
        """The secret that `section` gives as `name`, `name_file` or `name_credential`; None where it gives none."""
        ways = (name, f"{name}_file", f"{name}_credential")
        given = [(way, value) for way in ways if (value := getattr(section, way)) is not None]
        if not given:
            if name in section.required_secrets:
                self.problem((*loc, name), f"{name} is missing", f"allowed: {', '.join(ways)}")
            return None
        if len(given) > 1:
            self.problem(
                (*loc, given[1][0]), f"{given[0][0]} and {given[1][0]} exclude each other", "allowed: one of them"
            )
            return None
        way, value = given[0]
        return self.secret_of((*loc, way), way, value)

    def secret_of(self, loc: Loc, way: str, value: str) -> Secret | None:
        """The secret behind one key: the text itself, a file's content or a systemd credential."""
        if way.endswith("_credential"):
            return self._credential(loc, value)
        if way.endswith("_file"):
            return self._secret_file(loc, self.directory / value, self._shown(loc, value))
        if not value:
            self.problem(loc, f"{way} is empty")
            return None
        return Secret(value)

    def _credential(self, loc: Loc, name: str) -> Secret | None:
        directory = self.environ.get("CREDENTIALS_DIRECTORY")
        if not _CREDENTIAL.fullmatch(name) or name in (".", ".."):
            self.problem(loc, f'"{name[:60]}" is not the name of a credential', "allowed: letters, digits, . _ - and @")
        elif not directory:
            self.problem(
                loc,
                f"there is no credential {name}",
                "systemd gives it by LoadCredential=; $CREDENTIALS_DIRECTORY is not set",
            )
        else:
            return self._secret_file(loc, Path(directory) / name, f'"{name}"')
        return None

    def _secret_file(self, loc: Loc, path: Path, words: str) -> Secret | None:
        try:
            with path.open("rb") as stream:
                raw = stream.read(_LARGEST_SECRET + 1)
            text = raw.decode("utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            # The error of a decoder quotes the file's bytes; only the system's own word is safe to repeat.
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            self.problem(loc, f"the file {words} cannot be read: {reason}")
            return None
        if not text or len(raw) > _LARGEST_SECRET:
            self.problem(loc, f"the file {words} is {'larger than 64 KiB' if text else 'empty'}")
            return None
        return Secret(text)
