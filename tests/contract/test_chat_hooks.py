"""What comes in from chats: who is believed, what is done in whose name, and what the chat is told."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from cmdb.graph import Estate
from daemon.links import ActAsked, act_token
from notifiers.base import Action, Channel, Extras
from notifiers.registry import build_channel
from rules.decision import Asker, Command, Decision, Order, RecordOrder, Reply, ReportOrder, Verb
from rules.document import incident_document
from rules.incident import Status
from rules.policy import Policy
from rules.record import Kind
from rules.report import Channel as ReportChannel
from rules.roster import Contact, Roster
from tests.builders import T0, incident
from tests.channels import BOT, HEARS, chat_settings, message
from tests.chats import ChatServer, MattermostServer, SlackServer, TelegramServer, served
from tests.contract.api_world import Deciding, Session, World, problem, serve
from tests.rosters import person

SERVERS: dict[str, type[ChatServer]] = {
    "slack": SlackServer,
    "mattermost": MattermostServer,
    "telegram": TelegramServer,
}
ADDRESSES = {"slack": "U0ANNA", "mattermost": "@anna", "telegram": "4711"}


@dataclass
class Chat:
    """One chat in which INC-42 has its conversation, and its way to the daemon."""

    kind: str
    server: Any
    channel: Channel
    world: World
    http: Session
    ref: str = ""
    secret: str = HEARS
    count: int = 0
    seen: list[str] = field(default_factory=list)

    def open(self) -> None:
        """Tell of INC-42, with a button."""
        asked = ActAsked(link="n1", incident=42, verb="acknowledge", by="noc", expires_at=T0 + timedelta(days=7))
        token = act_token(self.world.store.links.key(), asked)
        action = Action(
            verb="acknowledge", label="Acknowledge", url=f"https://inc.example.net/act/{token}", token=token
        )
        record = incident_document(incident(42), ())
        sent = message(incident=record, extras=Extras(actions=(action,)))
        self.ref = self.channel.send(sent).ref
        self.world.store.threads.keep("noc", "", sent.thread, self.ref)

    def send(self, body: bytes, headers: dict[str, str]) -> requests.Response:
        url = f"{self.world.url}/hooks/{self.kind}/noc"
        return self.http.post(url, data=body, headers=headers, timeout=30)

    def press(self, *, by: str = "anna", key: str = "", button: Any = None) -> requests.Response:
        """Press the button of the first message."""
        self.count += 1
        return self.send(*getattr(self, f"{self.kind}_press")(by, key or f"press-{self.count}", button))

    def write(self, text: str, *, by: str = "anna", key: str = "") -> requests.Response:
        """Answer in the conversation."""
        self.count += 1
        return self.send(*getattr(self, f"{self.kind}_text")(text, by, key or f"{self.count}"))

    def signed(self, body: bytes, kind: str) -> tuple[bytes, dict[str, str]]:
        stamp = str(int(self.world.clock.now().timestamp()))
        mac = hmac.new(self.secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        return body, {
            "Content-Type": kind,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={mac}",
        }

    def slack_press(self, by: str, key: str, button: Any) -> tuple[bytes, dict[str, str]]:
        channel, _, ts = self.ref.partition(":")
        posted = self.server.messages[ts]
        value = button or posted["blocks"][1]["elements"][0]["value"]
        payload = {
            "type": "block_actions",
            "user": {"id": f"U0{by.upper()}", "name": by},
            "channel": {"id": channel},
            "message": {"ts": ts, "text": posted["text"], "blocks": posted["blocks"]},
            "trigger_id": key,
            "actions": [{"action_id": "incidentd:acknowledge", "value": value, "action_ts": "1"}],
        }
        body = urlencode({"payload": json.dumps(payload)}).encode()
        return self.signed(body, "application/x-www-form-urlencoded")

    def slack_text(self, text: str, by: str, key: str) -> tuple[bytes, dict[str, str]]:
        channel, _, ts = self.ref.partition(":")
        event = {"type": "message", "user": f"U0{by.upper()}", "text": text, "channel": channel, "ts": "9.1"}
        said = {"type": "event_callback", "event_id": f"Ev{key}", "event": event | {"thread_ts": ts}}
        return self.signed(json.dumps(said).encode(), "application/json")

    def mattermost_press(self, by: str, key: str, button: Any) -> tuple[bytes, dict[str, str]]:
        posted = self.server.messages[self.ref]
        context = button or posted["props"]["attachments"][0]["actions"][0]["integration"]["context"]
        if self.secret != HEARS:
            context = context | {"proof": "made-up"}
        said = {"user_id": "u" * 26, "user_name": by, "channel_id": "c" * 26, "post_id": self.ref}
        return json.dumps(said | {"trigger_id": key, "context": context}).encode(), {"Content-Type": "application/json"}

    def mattermost_text(self, text: str, by: str, key: str) -> tuple[bytes, dict[str, str]]:
        post = f"said{int(key):022d}"
        self.server.messages[post] = {"id": post, "root_id": self.ref, "message": text, "props": {"attachments": []}}
        said = {"token": self.secret, "user_id": "u" * 26, "user_name": by, "channel_id": "c" * 26}
        body = urlencode(said | {"post_id": post, "text": text}).encode()
        return body, {"Content-Type": "application/x-www-form-urlencoded"}

    def say(self, text: str, *, by: str = "anna") -> requests.Response:
        """Say something that answers nothing."""
        self.count += 1
        if self.kind == "telegram":
            said = {"chat": {"id": int(self.ref.partition(":")[0])}, "from": self.telegram_from(by), "text": text}
            return self.send(*self.telegram_said({"update_id": self.count, "message": said | {"message_id": 901}}))
        if self.kind == "slack":
            event = {"type": "message", "user": f"U0{by.upper()}", "text": text, "channel": "C0NOC", "ts": "9.2"}
            said = {"type": "event_callback", "event_id": f"Ev{self.count}", "event": event}
            return self.send(*self.signed(json.dumps(said).encode(), "application/json"))
        self.ref = ""
        return self.send(*self.mattermost_text(text, by, str(self.count)))

    def telegram_said(self, said: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
        headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": self.secret}
        return json.dumps(said).encode(), headers

    def telegram_from(self, by: str) -> dict[str, Any]:
        number = 4711 if by == "anna" else 4712
        return {"id": number, "is_bot": False, "first_name": by.capitalize(), "username": f"{by}_at_work"}

    def telegram_press(self, by: str, key: str, button: Any) -> tuple[bytes, dict[str, str]]:
        chat, _, number = self.ref.partition(":")
        posted = self.server.messages[self.ref]
        data = button or posted["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        about = {"message_id": int(number), "chat": {"id": int(chat)}, "text": self.server.texts()[0]}
        query = {"id": key, "from": self.telegram_from(by), "message": about, "data": data}
        return self.telegram_said({"update_id": 7, "callback_query": query})

    def telegram_text(self, text: str, by: str, key: str) -> tuple[bytes, dict[str, str]]:
        chat, _, number = self.ref.partition(":")
        bot = {"id": int(BOT.partition(":")[0]), "is_bot": True}
        about = {"message_id": int(number), "chat": {"id": int(chat)}, "from": bot, "text": self.server.texts()[0]}
        said = {"message_id": 900, "chat": {"id": int(chat)}, "from": self.telegram_from(by), "text": text}
        return self.telegram_said({"update_id": int(key), "message": said | {"reply_to_message": about}})

    @property
    def whispers(self) -> list[str]:
        """What only one person was told by a call."""
        return [payload["text"] for name, payload in self.server.calls if name == "chat.postEphemeral"]

    def has_buttons(self) -> bool:
        """Whether the first message can still be pressed."""
        if self.kind == "telegram":
            return bool(self.server.messages[self.ref].get("reply_markup"))
        posted = self.server.messages[self.ref.partition(":")[2] or self.ref]
        return len(posted.get("blocks", ())) > 1 or bool(posted.get("props", {}).get("attachments"))


@pytest.fixture(params=SERVERS)
def chat(request: pytest.FixtureRequest, tmp_path: Path, http: Session) -> Iterator[Chat]:
    yield from chat_of(request.param, tmp_path, http)


def chat_of(kind: str, tmp_path: Path, http: Session, **options: Any) -> Iterator[Chat]:
    server = SERVERS[kind](BOT)
    with served(server):
        channel = build_channel(chat_settings(kind, server.origin, **options))
        anna = person("anna", contacts=(Contact(via="noc", address=ADDRESSES[kind]),))
        known: dict[str, Any] = {
            "roster": lambda: Roster(people={"anna": anna}),
            "notifiers": lambda: ("noc",),
            "channels": lambda: {"noc": channel},
        }
        for world in serve(tmp_path, "login", lambda ports: replace(ports, **known)):
            epoch = world.store.acquire("test", timedelta(minutes=1))
            world.store.commit(Decision(at=T0, incidents=(incident(42),)), epoch=epoch)
            world.store.release(epoch)
            made = Chat(kind, server, channel, world, http)
            made.open()
            yield made


def said(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


# Buttons


def test_a_press_acknowledges_in_the_name_of_who_pressed(chat: Chat) -> None:
    Deciding(chat.world, Estate.of([]), Policy())
    said(chat.press())
    kept = chat.world.store.incident(42)
    assert kept is not None
    assert (kept.status, kept.assignee) == (Status.ACKNOWLEDGED, "anna")
    assert "INC-42 is acknowledged by Anna." in _told(chat)[-1]
    assert not chat.has_buttons()


def _told(chat: Chat) -> list[str]:
    if chat.kind == "slack":
        return [m["text"] for m in chat.server.messages.values()]
    return [text.replace("\\", "") for text in chat.server.texts()]


def test_who_is_not_known_is_named_as_the_chat_names_them(chat: Chat) -> None:
    said(chat.press(by="bob"))
    (command,) = chat.world.commands
    name = {"slack": "bob (slack)", "mattermost": "bob (mattermost)", "telegram": "Bob (telegram)"}[chat.kind]
    assert (command.actor, command.verb, command.number) == (name, Verb.ACKNOWLEDGE, 42)
    assert command.asker is Asker.STAFF


def test_a_refusal_is_told_to_who_pressed_and_leaves_the_buttons(chat: Chat) -> None:
    chat.world.decide = lambda c: Reply(command=c.id, done=False, message="INC-42 is closed")
    answer = said(chat.press())
    words = {"slack": chat.whispers, "mattermost": [answer.get("ephemeral_text")], "telegram": [answer.get("text")]}
    assert words[chat.kind] == ["Not done: INC-42 is closed."]
    assert chat.has_buttons()
    assert len(chat.server.messages) == 1


def test_what_is_said_again_is_done_once(chat: Chat) -> None:
    Deciding(chat.world, Estate.of([]), Policy())
    for _ in range(3):
        said(chat.write("the fan is loud", key="77"))
    notes = [e for e in chat.world.store.timeline(42) if e.kind == "note"]
    assert [n.text for n in notes] == ["the fan is loud"]


def test_a_button_that_was_not_made_here_does_nothing(chat: Chat) -> None:
    made_up = {
        "slack": "made.up",
        "mattermost": {"token": "made.up", "proof": "made-up"},
        "telegram": "acknowledge:INC-42:AAAAAAAAAAAAAAAAAAAA",
    }[chat.kind]
    answer = chat.press(button=made_up)
    assert answer.status_code == (403 if chat.kind == "mattermost" else 200)
    assert chat.world.commands == []
    assert chat.has_buttons()


# Answers in the conversation


@pytest.mark.parametrize(
    ("text", "verb", "value", "reason"),
    [
        ("ack", Verb.ACKNOWLEDGE, "", ""),
        ("resolved: replaced the fan & more", Verb.RESOLVE, "replaced the fan & more", ""),
        ("I look at the rack", Verb.NOTE, "I look at the rack", ""),
    ],
)
def test_an_answer_does_what_it_says(chat: Chat, text: str, verb: Verb, value: str, reason: str) -> None:
    said(chat.write(text.replace("&", "&amp;") if chat.kind == "slack" else text))
    (command,) = chat.world.commands
    assert (command.verb, command.number, command.value, command.actor) == (verb, 42, value, "anna")
    assert command.reason == (reason or (f"in {chat.kind}" if verb is Verb.ACKNOWLEDGE else ""))


def test_what_is_done_is_told_and_a_note_is_not(chat: Chat) -> None:
    before = len(_told(chat))
    said(chat.write("resolved: new fan"))
    assert "INC-42 is resolved by Anna." in _told(chat)[-1]
    own = 1 if chat.kind == "mattermost" else 0  # the writer's own post
    assert len(_told(chat)) == before + 1 + own
    said(chat.write("just a note"))
    assert len(_told(chat)) == before + 1 + 2 * own


def test_talk_outside_conversations_of_incidents_is_nothing_to_us(chat: Chat) -> None:
    chat.ref = {"slack": "C0NOC:1.000", "mattermost": "", "telegram": chat.ref}[chat.kind]
    if chat.kind == "telegram":
        body, headers = chat.telegram_said({"update_id": 3, "message": {"chat": {"id": 1}, "text": "ack"}})
        said(chat.send(body, headers))
    else:
        said(chat.write("ack"))
    assert chat.world.commands == []


def kept(chat: Chat, answer: str = "done") -> list[Order]:
    """The orders about something new, which are all done."""
    orders: list[Order] = []

    def keep(order: Order) -> Reply:
        orders.append(order)
        return Reply(command=order.id, done=True, message=answer)

    chat.world.ordering = keep
    return orders


@pytest.mark.parametrize("words", ["report: Nobody can pay\nSince eight.", "/report Nobody can pay\n Since eight. "])
def test_something_new_opens_an_incident_in_the_name_of_who_says_it(chat: Chat, words: str) -> None:
    orders = kept(chat, "INC-43")
    said(chat.say(words))
    (order,) = orders
    assert isinstance(order, ReportOrder)
    assert (order.actor, order.report.title, order.report.description) == ("anna", "Nobody can pay", "Since eight.")
    assert (order.report.channel, order.report.contact.name) == (ReportChannel.CHAT, "Anna")
    assert "INC-43." in _told(chat)[-1]


def test_a_request_is_a_request_and_talk_is_nothing(chat: Chat) -> None:
    orders = kept(chat, "REQ-1")
    said(chat.say("заявка: ноутбук"))
    (order,) = orders
    assert isinstance(order, RecordOrder)
    assert (order.kind, order.given.title) == (Kind.REQUEST, "ноутбук")
    for talk in ("report on friday", "I will report: later", "request", "incidents are fun"):
        said(chat.say(talk))
    assert len(orders) == 1


def test_strangers_open_nothing(chat: Chat) -> None:
    orders = kept(chat)
    said(chat.say("report: Nobody can pay", by="eve"))
    assert orders == []
    assert any("nobody is known here by your name" in words for words in [*_told(chat), *chat.whispers])


# Who is believed


@pytest.mark.parametrize("way", ["press", "write"])
def test_nobody_else_is_believed(chat: Chat, way: str) -> None:
    chat.secret = "a-guess-at-the-secret"
    act: Callable[[], requests.Response] = chat.press if way == "press" else lambda: chat.write("ack")
    problem(act(), 403)
    assert chat.world.commands == []


@pytest.mark.parametrize("kind", SERVERS)
def test_without_a_secret_nothing_is_heard(kind: str, tmp_path: Path, http: Session) -> None:
    for chat in chat_of(kind, tmp_path, http, hears=False):
        problem(chat.write("ack"), 403)
        assert chat.world.commands == []


def test_a_notifier_of_another_kind_hears_nothing(chat: Chat, http: Session) -> None:
    for kind in ("slack", "mattermost", "telegram"):
        for name in ("noc", "gone"):
            if (kind, name) != (chat.kind, "noc"):
                problem(http.post(f"{chat.world.url}/hooks/{kind}/{name}", data=b"{}"), 403)


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b"{}", b'{"context": 5}', b"\xff\xfe", b"a=b&c=" + b"d" * 999, b"a=b&" * 99]
)
@pytest.mark.parametrize("form", ["application/json", "application/x-www-form-urlencoded"])
def test_nonsense_breaks_nothing(chat: Chat, body: bytes, form: str) -> None:
    _, headers = {
        "slack": lambda: chat.signed(body, form),
        "mattermost": lambda: (body, {}),
        "telegram": lambda: chat.telegram_said({}),
    }[chat.kind]()
    assert chat.send(body, headers | {"Content-Type": form}).status_code in (200, 403)
    assert chat.world.commands == []


def test_what_is_large_is_not_read(chat: Chat) -> None:
    assert chat.send(b"x" * 100_000, {}).status_code == 413


def test_a_request_that_was_overheard_is_too_old_soon(tmp_path: Path, http: Session) -> None:
    for chat in chat_of("slack", tmp_path, http):
        overheard = chat.slack_text("ack", "anna", "1")
        chat.world.clock.advance(timedelta(minutes=6))
        problem(chat.send(*overheard), 403)
        assert chat.world.commands == []


def test_slack_is_answered_when_it_asks_whether_it_is_us(tmp_path: Path, http: Session) -> None:
    for chat in chat_of("slack", tmp_path, http):
        asked = json.dumps({"type": "url_verification", "challenge": "c-42"}).encode()
        assert said(chat.send(*chat.signed(asked, "application/json"))) == {"challenge": "c-42"}


def test_a_bot_is_not_answered(tmp_path: Path, http: Session) -> None:
    for chat in chat_of("slack", tmp_path, http):
        body, _ = chat.slack_text("ack", "anna", "1")
        event = json.loads(body)
        event["event"]["bot_id"] = "B1"
        said(chat.send(*chat.signed(json.dumps(event).encode(), "application/json")))
        assert chat.world.commands == []


def test_a_chat_that_cannot_be_told_does_not_undo_what_was_done(chat: Chat) -> None:
    chat.server.next = [(500, {}, b"no")] * 4 if chat.kind != "mattermost" else []
    said(chat.press())
    assert len(chat.world.commands) == 1


def test_an_order_without_an_answer_yet_is_said_to_be_stored(chat: Chat) -> None:
    def late(_: Command) -> Reply:
        raise TimeoutError

    chat.world.decide = late
    said(chat.write("ack"))
    assert "it will be done as soon as it can" in _told(chat)[-1]
