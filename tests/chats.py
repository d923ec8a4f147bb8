"""Chat servers on the loopback that hold clients to what the real ones demand, and keep what they are sent."""

import contextlib
import json
import re
import ssl
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from tests.fakes import Hook, Post, hook

Said = tuple[int, dict[str, str], bytes]


def said(status: int, body: dict[str, Any], **headers: str) -> Said:
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode()


@dataclass
class ChatServer(ABC):
    """Messages by what names them, calls in order. What stands in `next` is answered first, one after the other; with
    `repeats` set, that status, and all that the client sent as the body."""

    token: str
    origin: str = ""
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    next: list[Said] = field(default_factory=list)
    repeats: int = 0

    def __call__(self, post: Post) -> Said:
        if self.repeats:
            words = json.dumps([post.path, post.headers, post.body.decode()])
            return self.repeats, {}, words.encode()
        payload = json.loads(post.body) if post.body else {}
        name = self.name_of(post)
        self.calls.append((name, payload))
        return self.next.pop(0) if self.next else self.answer(name, payload)

    @abstractmethod
    def name_of(self, post: Post) -> str: ...

    @abstractmethod
    def answer(self, name: str, payload: Any) -> Said: ...

    @abstractmethod
    def texts(self) -> list[str]: ...


@dataclass
class SlackServer(ChatServer):
    def name_of(self, post: Post) -> str:
        assert post.headers["authorization"] == f"Bearer {self.token}"
        return post.path.removeprefix("/")

    def answer(self, name: str, payload: Any) -> Said:
        if "blocks" in payload and not self._is_well_formed(payload):
            return said(200, {"ok": False, "error": "invalid_blocks"})
        if name == "chat.update":
            if payload["ts"] not in self.messages:
                return said(200, {"ok": False, "error": "message_not_found"})
            self.messages[payload["ts"]] |= payload
            return said(200, {"ok": True, "ts": payload["ts"]})
        if name == "chat.postEphemeral":
            return said(200, {"ok": True})
        assert name == "chat.postMessage"
        if payload.get("thread_ts", "") not in ("", *self.messages):
            return said(200, {"ok": False, "error": "thread_not_found"})
        ts = f"17640000{len(self.messages):02d}.000100"
        self.messages[ts] = payload
        channel = {"#noc": "C0NOC", "U0ANNA": "D0ANNA"}.get(payload["channel"], payload["channel"])
        return said(200, {"ok": True, "ts": ts, "channel": channel})

    def _is_well_formed(self, payload: Any) -> bool:
        if not 1 <= len(payload["text"]) <= 40_000 or len(payload["blocks"]) > 50:
            return False
        for block in payload["blocks"]:
            for element in block["elements"]:
                if block["type"] == "actions":
                    text = element["text"]["text"]
                    fits = 1 <= len(text) <= 75 and len(element.get("value", "")) <= 2000
                    if not fits or len(element.get("url", "")) > 3000:
                        return False
                elif not all(1 <= len(piece["text"]) <= 3000 for piece in element["elements"]):
                    return False
        return True

    def texts(self) -> list[str]:
        return [self.shown(m) for m in self.messages.values()]

    @staticmethod
    def shown(message: dict[str, Any]) -> str:
        """What a reader sees: rich text has no markup."""
        rich = (e for block in message["blocks"] if block["type"] == "rich_text" for e in block["elements"])
        return "".join(piece["text"] for section in rich for piece in section["elements"])


@dataclass
class MattermostServer(ChatServer):
    def name_of(self, post: Post) -> str:
        assert post.headers["authorization"] == f"Bearer {self.token}"
        assert post.path.startswith("/api/v4/")
        return f"{post.method} {post.path.removeprefix('/api/v4')}"

    def answer(self, name: str, payload: Any) -> Said:
        known = {
            "GET /users/me": {"id": "b" * 26},
            "GET /users/username/anna": {"id": "a" * 26, "username": "anna"},
            "POST /channels/direct": {"id": "d" * 26},
            "GET /teams/name/ops/channels/name/noc": {"id": "c" * 26},
        }
        if name in known:
            return said(200, known[name])
        if "message" in payload and not 1 <= len(payload["message"]) <= 4000:
            return self._no(400, "model.post.is_valid.message_length.app_error")
        if found := re.fullmatch(r"PUT /posts/(\w+)/patch", name):
            if found[1] not in self.messages:
                return self._no(404, "app.post.get.app_error")
            self.messages[found[1]] |= payload
            return said(200, {"id": found[1]})
        if found := re.fullmatch(r"GET /posts/(\w+)", name):
            return said(200, self.messages[found[1]])
        if name == "POST /posts":
            if payload["root_id"] not in ("", *self.messages):
                return self._no(400, "api.post.create_post.root_id.app_error")
            key = f"post{len(self.messages):022d}"
            self.messages[key] = payload | {"id": key}
            return said(201, {"id": key})
        return self._no(404, "api.context.404.app_error")

    @staticmethod
    def _no(status: int, word: str) -> Said:
        return said(status, {"id": word, "message": f"No: {word}.", "status_code": status})

    def texts(self) -> list[str]:
        return [m["message"] for m in self.messages.values()]


class _Parsed(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text = ""
        self.is_good = True
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.is_good &= tag == "b" and not attrs
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.is_good &= bool(self.open) and self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@dataclass
class TelegramServer(ChatServer):
    def name_of(self, post: Post) -> str:
        token, _, method = post.path.removeprefix("/bot").partition("/")
        assert token == self.token
        return method

    def answer(self, name: str, payload: Any) -> Said:
        if name in ("sendMessage", "editMessageText") and (fault := self._fault(payload)):
            return self._no(fault)
        if name == "editMessageText":
            key = f"{payload['chat_id']}:{payload['message_id']}"
            if key not in self.messages:
                return self._no("message to edit not found")
            self.messages[key] = payload
            return said(200, {"ok": True, "result": {"message_id": payload["message_id"]}})
        if name == "editMessageReplyMarkup":
            self.messages[f"{payload['chat_id']}:{payload['message_id']}"].pop("reply_markup")
            return said(200, {"ok": True, "result": True})
        assert name == "sendMessage"
        chat = {"@noc_channel": -1007}.get(payload["chat_id"], payload["chat_id"])
        number = 100 + len(self.messages)
        self.messages[f"{chat}:{number}"] = payload
        result = {"message_id": number, "chat": {"id": int(chat)}, "text": payload["text"]}
        answered = payload.get("reply_parameters", {}).get("message_id")
        if f"{chat}:{answered}" in self.messages:
            result["reply_to_message"] = {"message_id": answered}
        return said(200, {"ok": True, "result": result})

    def _fault(self, payload: Any) -> str:
        text = payload["text"]
        if payload.get("parse_mode") == "HTML":
            parsed = _Parsed(text)
            if not parsed.is_good or parsed.open:
                return "can't parse entities: unsupported start tag"
            text = parsed.text
        if not 1 <= len(text.encode("utf-16-le")) // 2 <= 4096:
            return "message is too long"
        for row in payload.get("reply_markup", {}).get("inline_keyboard", ()):
            for button in row:
                if not 1 <= len(button.get("callback_data", "x").encode()) <= 64:
                    return "BUTTON_DATA_INVALID"
                if "://127." in button.get("url", ""):
                    return "BUTTON_URL_INVALID"
        return ""

    @staticmethod
    def _no(words: str) -> Said:
        return said(400, {"ok": False, "error_code": 400, "description": f"Bad Request: {words}"})

    def texts(self) -> list[str]:
        return [_Parsed(m["text"]).text if "parse_mode" in m else m["text"] for m in self.messages.values()]


@contextlib.contextmanager
def served(server: ChatServer, tls: ssl.SSLContext | None = None) -> Iterator[Hook]:
    """Let `server` answer until the block ends; its `origin` is then known."""
    with hook(tls) as web:
        web.program = server
        server.origin = web.origin
        yield web
