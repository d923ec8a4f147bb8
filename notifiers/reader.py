"""For whom a notice is worded: the language, the zone, and the moment from which it is told."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from notifiers.language import Language, marked
from notifiers.wording import one_line
from rules.words import percent

_BOUNDS = (marked("over 99 %"), marked("under 1 %"))
"""What is said of a probability where no number is, besides numbers, which every language here writes alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Words and times as one reader understands them. `at` is the notice's own instant, RFC 3339.

    Instants come as RFC 3339; what cannot be read is shown as it is.
    """

    language: Language
    zone: tzinfo
    at: str

    def gettext(self, message: str, **values: object) -> str:
        """The message in the reader's language."""
        return self.language.gettext(message, **values)

    def ngettext(self, one: str, many: str, number: int, **values: object) -> str:
        """The message in the form that goes with the number."""
        return self.language.ngettext(one, many, number, **values)

    def percent(self, confidence: float) -> str:
        """A probability."""
        return self.gettext(percent(confidence))

    def moment(self, text: str) -> str:
        """An instant to the second, for whom the second matters."""
        at = self._local(text)
        return self.language.exact(at) if at is not None else one_line(text, 40)

    def exact_time(self, text: str) -> str:
        """An instant to the second; its day is said where that is not the notice's own."""
        at, today = self._local(text), self._local(self.at)
        is_today = at is not None and today is not None and at.date() == today.date()
        return self.language.exact_time(at) if at is not None and is_today else self.moment(text)

    def day_and_time(self, text: str) -> str:
        """An instant to the minute, with its day."""
        at = self._local(text)
        return self.language.day_and_time(at) if at is not None else one_line(text, 40)

    def time(self, text: str, beside: str = "") -> str:
        """An instant to the minute; its day is said where that is not that of `beside`, else of the notice itself."""
        at, today = self._local(text), self._local(beside or self.at)
        if at is not None and today is not None and at.date() == today.date():
            return self.language.time(at)
        return self.day_and_time(text)

    def lasted(self, start: str, end: str) -> str:
        """The time between two instants; empty where that makes no sense."""
        length = between(start, end)
        return "" if length is None or length < timedelta(0) else self.language.span(length)

    def about(self, length: timedelta) -> str:
        """How long, without seconds that nobody asks for."""
        minutes = timedelta(minutes=length // timedelta(minutes=1))
        return self.language.span(minutes or length)

    def _local(self, text: str) -> datetime | None:
        at = _instant(text)
        try:
            return at.astimezone(self.zone) if at is not None else None
        except OverflowError:
            return None


def between(start: str, end: str) -> timedelta | None:
    """The time from one instant to another; None where one of them cannot be read."""
    first, last = _instant(start), _instant(end)
    try:
        return last - first if first is not None and last is not None else None
    except TypeError:
        return None


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
