"""Which languages there are: gettext catalogues, those that ship and the owner's own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

from babel import UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.support import Translations

from notifiers.language import SOURCE, Language, locale_of, placeholders
from notifiers.wording import one_line

SHIPPED_LOCALES = Path(__file__).parent / "locale"
FILE = "messages.po"


@dataclass(frozen=True, slots=True, kw_only=True)
class Languages:
    """The languages by code, and what is wrong with their catalogues."""

    by_code: Mapping[str, Language]
    faults: tuple[str, ...] = ()

    def of(self, code: str, usual: str = SOURCE) -> Language:
        """The language with this code, as in `ru` or `ru-RU`; else the usual one, else English."""
        wanted = code.replace("-", "_")
        for name in (wanted, wanted.partition("_")[0], usual):
            if name in self.by_code:
                return self.by_code[name]
        return self.by_code[SOURCE]


def read_languages(own: Path | None = None) -> Languages:
    """The languages that ship, each with the words of the owner's catalogue in place of its own, and the owner's.

    `own` is the directory of the owner's templates; its catalogues are `locale/LANGUAGE/messages.po`. One that cannot
    be used is left out and named among the faults.
    """
    shipped = shipped_languages()
    if own is None:
        return shipped
    faults: list[str] = []
    found = dict(shipped.by_code)
    for code, path in _catalogues(own / "locale"):
        try:
            found[code] = _language(code, path, found.get(code), faults)
        except (OSError, ValueError, PoFileError, UnknownLocaleError) as error:
            faults.append(f"catalogue {code}: {one_line(str(error), 150)}")
    return Languages(by_code=MappingProxyType(found), faults=tuple(faults))


@cache
def shipped_languages() -> Languages:
    """English and every language of which a catalogue ships."""
    found = {SOURCE: Language()}
    faults: list[str] = []
    for code, path in _catalogues(SHIPPED_LOCALES):
        found[code] = _language(code, path, None, faults)
    return Languages(by_code=MappingProxyType(found), faults=tuple(faults))


def _catalogues(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.glob(f"*/{FILE}")):
        yield path.parent.name, path


def _language(code: str, path: Path, below: Language | None, faults: list[str]) -> Language:
    locale = locale_of(code)
    with path.open("rb") as file:
        catalog = read_po(file, locale=locale, abort_invalid=True)
    for message in list(catalog):
        strange = strange_placeholders(message)
        if strange:
            faults.append(f'catalogue {code}: "{one_line(str(message.id), 60)}" has no {", ".join(strange)}')
            catalog.delete(message.id, context=message.context)
    translations = _translations(catalog)
    if below is not None and isinstance(below.translations, Translations):
        translations = _translations(catalog, below.translations)
    return Language(code, translations, locale)


def strange_placeholders(message: Message) -> tuple[str, ...]:
    """The placeholders of a translation that the message in English does not have."""
    known = frozenset[str]().union(*map(placeholders, _strings(message.id)))
    used = frozenset[str]().union(*map(placeholders, _strings(message.string)))
    return tuple(f"%({name})s" for name in sorted(used - known))


def _strings(text: str | Sequence[str] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())


def _translations(catalog: Catalog, below: Translations | None = None) -> Translations:
    """The catalogue, ready for use; what it lacks is taken from `below`."""
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    found = Translations(compiled)
    if below is not None:
        found.add_fallback(below)
    return found
