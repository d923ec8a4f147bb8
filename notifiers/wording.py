"""Foreign text made safe to show: one line, no control characters, bounded."""

import base64
import json
import unicodedata
from collections.abc import Iterable
from urllib.parse import quote

from notifiers.secret import Secret

# Characters that reorder or hide the text around them (bidirectional controls, zero-width marks that no script needs).
_INVISIBLE = frozenset("\u200b\u200e\u200f\u2060\ufeff\u061c") | {
    chr(c) for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xE0000, 0xE0080))
}


def one_line(text: str, limit: int) -> str:
    """`text` without control characters, every run of white space made one space, at most `limit` characters."""
    # Twice the limit and some is looked at: a megabyte of label costs nothing, runs of spaces still collapse.
    kept = "".join(_safe(c) for c in text[: 2 * limit + 64])
    line = " ".join(kept.split())
    is_cut = len(line) > limit or len(text) > 2 * limit + 64
    return line[: limit - 1].rstrip() + "…" if is_cut else line


def _safe(char: str) -> str:
    if char in _INVISIBLE:
        return ""
    kind = unicodedata.category(char)
    if kind in ("Cc", "Zl", "Zp", "Zs"):
        return " "
    return "\N{REPLACEMENT CHARACTER}" if kind in ("Cs", "Co", "Cn") else char


def console_link(link_base: str, place: str, number: str) -> str:
    """The console's page of what has this number; empty where the console has no public address."""
    return web_link(f"{link_base.rstrip('/')}/{place}/{one_line(number, 30)}") if link_base else ""


def web_link(url: str) -> str:
    """`url` where it is an ordinary http(s) address, else the empty string: nothing else becomes a link."""
    is_plain = url.startswith(("http://", "https://")) and len(url) <= 2000
    return url if is_plain and url.isprintable() and not set(url) & set(" \"'<>`\\{}") else ""


def without(text: str, secrets: Iterable[Secret | None]) -> str:
    """`text` with every secret, however encoded, replaced by `***`: servers repeat what they were sent."""
    for secret in secrets:
        if secret:
            for form in _forms(secret.reveal()):
                text = text.replace(form, "***")
    return text


def _forms(value: str) -> tuple[str, ...]:
    encoded = value.encode("utf-8", "surrogatepass")
    forms = {
        value,
        quote(value, safe="", errors="replace"),
        json.dumps(value)[1:-1],
        base64.b64encode(encoded).decode(),
        base64.b64encode(b"\0" + encoded).decode(),
    }
    return tuple(sorted((f for f in forms if f), key=len, reverse=True))
