"""What people send by forms, and what is said after it was done."""

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode

from fastapi import Request
from pydantic import BaseModel, ValidationError

from daemon.api.ports import Ports
from daemon.api.problems import Problem, wrong_field
from daemon.console.login import own_address
from rules.decision import TimelineEntry

BodyT = TypeVar("BodyT", bound=BaseModel)
_MOST_FIELDS = 400
_ORDER_ID = re.compile(r"[0-9a-f]{32}")
_WORD = re.compile(r"[a-z]{2,20}")


class Form:
    """The fields of a form as they were sent; bounded, blank ones are as if they were not there."""

    def __init__(self, body: bytes) -> None:
        try:
            text = body.decode("utf-8", "replace").replace("\0", "")
            found = parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise wrong_field("form", f"has more than {_MOST_FIELDS} fields") from None
        self._sent = frozenset(found)
        # Browsers end the lines of a text by two characters, which are one for whoever types and for every limit.
        self._fields = {n: kept for n, vs in found.items() if (kept := [v.replace("\r\n", "\n") for v in vs if v])}

    def has(self, name: str) -> bool:
        """Whether a field of that name was sent, be it blank."""
        return name in self._sent

    def get(self, name: str, default: str = "") -> str:
        """The last value of that name, without blanks around it."""
        return self._fields.get(name, [default])[-1].strip()

    def secret(self, name: str) -> str:
        """The last value of that name as it was typed: blanks belong to a password."""
        return self._fields.get(name, [""])[-1]

    def all(self, name: str) -> list[str]:
        """Every value of that name."""
        return self._fields.get(name, [])

    def number(self, name: str) -> int | None:
        """A count; None where there is none."""
        text = self.get(name)
        return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None

    def rest(self, *but: str) -> dict[str, str]:
        """Everything else that is not empty, by name."""
        return {name: self.get(name) for name in self._fields if name not in but and self.get(name)}

    @property
    def back(self) -> str:
        """The page to go back to, one of ours; empty where none is named."""
        return own_address(self.get("back")) if self.get("back") else ""


async def form_of(request: Request) -> Form:
    """The form that was sent; the body is bounded by the application."""
    return Form(await request.body())


def checked_body(model: type[BodyT], fields: dict[str, Any]) -> BodyT:
    """What the API would take; a 400 that says in words which field is wrong."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        detail = "; ".join(f"{'.'.join(map(str, e['loc']))}: {_plain(str(e['msg']))}" for e in found)
        raise Problem(HTTPStatus.BAD_REQUEST, detail) from None


def _plain(message: str) -> str:
    return {"Field required": "is needed"}.get(message, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why something was not done: what was tried, why not, what had been typed, and what others changed meanwhile."""

    action: str
    status: int
    words: str
    typed: dict[str, str] = field(default_factory=dict)
    changed: tuple[TimelineEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done, in the daemon's words; `action` is the word of it."""

    action: str
    words: str


def told(address: str, action: str, order_id: str) -> str:
    """The page to show once an order was given. The address names the order, never words: nobody can put any in."""
    path, _, query = address.partition("?")
    kept = [(n, v) for n, values in parse_qs(query).items() for v in values if n not in ("did", "order")]
    return f"{path}?{urlencode([*kept, ('did', action), ('order', order_id)])}"


def plain_address(request: Request, path: str) -> str:
    """What a page asks for when something has changed: itself, without what was said of an order."""
    kept = request.query_params.multi_items() if request.method == "GET" else []
    query = urlencode([(name, value) for name, value in kept if name not in ("did", "order")])
    return f"{path}?{query}" if query else path


def done_of(ports: Ports, request: Request) -> Done | None:
    """What the order that the address names came to; None where it names none that is known."""
    action, order_id = request.query_params.get("did", ""), request.query_params.get("order", "")
    if not (_WORD.fullmatch(action) and _ORDER_ID.fullmatch(order_id)):
        return None
    reply = ports.store.reply(order_id)
    if reply is None:
        return None
    return Done(action=action, words=reply.message) if reply.done else None


def trouble_of(problem: Problem, action: str, typed: dict[str, str]) -> Trouble:
    """The refusal of an order, for the page it came from."""
    return Trouble(action=action, status=problem.status_code, words=str(problem.detail), typed=typed)
