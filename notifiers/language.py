"""What a reader's language makes of words, numbers and times."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from gettext import NullTranslations

from babel import Locale
from babel.dates import format_skeleton
from babel.lists import format_list
from babel.numbers import format_decimal
from babel.units import format_unit

from rules.words import span, span_parts

SOURCE = "en"
"""The language in which code and templates are written."""

_UNITS = {"d": "duration-day", "h": "duration-hour", "min": "duration-minute", "s": "duration-second"}
# Days before months and 24 hours, as everywhere else in this program; `en` alone would be American.
_LOCALES = {SOURCE: "en_GB"}
_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")


def marked(message: str) -> str:
    """The message itself: marks it for the catalogues where it is translated only later."""
    return message


def placeholders(message: str) -> frozenset[str]:
    """The names of what is to be put into a message."""
    return frozenset(name for name in _PLACEHOLDER.findall(message) if name)


def expand(message: str, values: Mapping[str, object]) -> str:
    """Put `values` where the message has `%(name)s`; a name that is not there stays as it is, `%%` becomes `%`."""
    return _PLACEHOLDER.sub(lambda m: "%" if m[0] == "%%" else str(values.get(m[1], m[0])), message)


def locale_of(code: str) -> Locale:
    """What Babel knows of a language; ValueError or UnknownLocaleError where it is none."""
    return Locale.parse(_LOCALES.get(code, code))


@dataclass(frozen=True, slots=True)
class Language:
    """One language. `translations` are those of its catalogue; what it lacks is said in English."""

    code: str = SOURCE
    translations: NullTranslations = field(default_factory=NullTranslations)
    locale: Locale = field(default_factory=lambda: locale_of(SOURCE))

    def gettext(self, message: str, **values: object) -> str:
        """The message in this language, with its values."""
        return expand(self.translations.gettext(message), values)

    def ngettext(self, one: str, many: str, number: int, **values: object) -> str:
        """The message in the form that goes with the number, which it may show as `%(num)s`."""
        return expand(self.translations.ngettext(one, many, number), {"num": self.number(number), **values})

    def number(self, number: int) -> str:
        """A whole number as it is written."""
        return str(format_decimal(number, locale=self.locale))

    def listed(self, words: Sequence[str]) -> str:
        """Several things in a sentence, as in `a, b and c`."""
        return str(format_list(list(words), locale=self.locale))

    def exact(self, at: datetime) -> str:
        """A local instant to the second, with its zone."""
        day = f"{at:%Y-%m-%d}" if self.code == SOURCE else format_skeleton("yMd", at, locale=self.locale)
        return f"{day} {self.exact_time(at)}"

    def exact_time(self, at: datetime) -> str:
        """The time of day of a local instant to the second, with its zone."""
        return f"{at:%H:%M:%S} {at.tzname() or 'UTC'}"

    def day_and_time(self, at: datetime) -> str:
        """A local instant as people say it, as in `Tue 24 Nov, 08:00 UTC`."""
        return f"{format_skeleton('MMMEd', at, locale=self.locale)}, {self.time(at)}"

    def time(self, at: datetime) -> str:
        """The time of day of a local instant, with its zone."""
        return f"{at:%H:%M} {at.tzname() or 'UTC'}"

    def span(self, length: timedelta) -> str:
        """About how long, in its two greatest units."""
        if self.code == SOURCE:
            return span(length)
        return " ".join(
            format_unit(count, _UNITS[unit], length="short", locale=self.locale) for count, unit in span_parts(length)
        )
