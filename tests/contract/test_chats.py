"""What chats promise beyond the contract of all channels: conversations, buttons, and texts that do no harm."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest

from notifiers.base import Channel, Extras, Message
from notifiers.press import code_of, is_proof, read_code
from notifiers.registry import build_channel
from notifiers.secret import Secret
from rules.document import RecipientDocument
from tests.channels import ACTIONS, BOT, HEARS, SAMPLES, chat_settings, failure, message
from tests.chats import ChatServer, MattermostServer, SlackServer, TelegramServer, said, served

SERVERS: dict[str, type[ChatServer]] = {
    "slack": SlackServer,
    "mattermost": MattermostServer,
    "telegram": TelegramServer,
}


@dataclass
class Room:
    """One chat and the channel that posts in it."""

    kind: str
    server: Any
    channel: Channel

    def tell(self, sample: str, anchor: str = "", **fields: Any) -> str:
        """Send a notice with buttons; its reference."""
        return self.channel.send(notice(sample, anchor, **fields)).ref

    def buttons(self, number: int = 0) -> list[Any]:
        """Those of the message with that place."""
        posted = list(self.server.messages.values())[number]
        if self.kind == "slack":
            return [b for block in posted["blocks"] if block["type"] == "actions" for b in block["elements"]]
        if self.kind == "mattermost":
            return [b for part in posted["props"]["attachments"] for b in part["actions"]]
        return [b for row in posted.get("reply_markup", {}).get("inline_keyboard", ()) for b in row]


def notice(sample: str = "opened", anchor: str = "", **fields: Any) -> Message:
    return message(sample, extras=Extras(anchor=anchor, actions=ACTIONS), **fields)


def room_of(kind: str, server: ChatServer, **fields: Any) -> Room:
    return Room(kind, server, build_channel(chat_settings(kind, server.origin, **fields)))


@pytest.fixture(params=SERVERS)
def room(request: pytest.FixtureRequest) -> Iterator[Room]:
    server = SERVERS[request.param](BOT)
    with served(server):
        yield room_of(request.param, server)


@pytest.fixture
def slack() -> Iterator[Room]:
    server = SlackServer(BOT)
    with served(server):
        yield room_of("slack", server)


@pytest.fixture
def mattermost() -> Iterator[Room]:
    server = MattermostServer(BOT)
    with served(server):
        yield room_of("mattermost", server)


@pytest.fixture
def telegram() -> Iterator[Room]:
    server = TelegramServer(BOT)
    with served(server):
        yield room_of("telegram", server)


# Conversations


def test_one_line_says_it_all_and_a_few_facts_follow(room: Room) -> None:
    room.tell("opened")
    lines = room.server.texts()[0].replace("*", "").replace("\\", "").splitlines()
    assert lines[0] == "INC-42 · P1 New incident: tor-3a is down: Payments and Online shop are down"
    assert lines[1] == "Down: Online shop, Payments. Degraded: Reporting."
    assert len(lines) <= 8


def test_a_summary_names_its_incidents(room: Room) -> None:
    room.tell("summary")
    shown = room.server.texts()[0].replace("\\", "")
    assert "- P1: tor-3a failed: Payments and Online shop down" in shown
    assert "INC-42 · 08:00 UTC · open · network" in shown


def test_what_follows_goes_under_the_first_which_shows_the_present_state(room: Room) -> None:
    first = room.tell("opened")
    assert len(room.buttons()) == 2
    assert room.tell("acknowledged", first) == first
    assert len(room.server.messages) == 2
    assert "Taken by Maria Okafor" in room.server.texts()[0]
    assert room.buttons() == []
    later = list(room.server.messages.values())[1]
    threads = {
        "slack": lambda: later["thread_ts"] == first.partition(":")[2],
        "mattermost": lambda: later["root_id"] == first,
        "telegram": lambda: later["reply_parameters"]["message_id"] == int(first.partition(":")[2]),
    }
    assert threads[room.kind]()


def test_the_buttons_stay_while_nobody_works_on_it(room: Room) -> None:
    first = room.tell("opened")
    room.tell("changed", first)
    assert len(room.buttons()) == 2


def test_a_first_message_that_is_gone_loses_no_notice(room: Room) -> None:
    gone = room.tell("opened")
    room.server.messages.clear()
    again = room.tell("acknowledged", gone)
    assert len(room.server.messages) == 1
    assert again
    assert room.tell("resolved", again) == again


def test_an_anchor_that_means_nothing_here_loses_no_notice(room: Room) -> None:
    assert room.tell("acknowledged", "nonsense")
    assert len(room.server.messages) == 1


def test_a_first_message_that_cannot_be_changed_now_keeps_no_notice_back(room: Room) -> None:
    first = room.tell("opened")
    room.server.next = [said(500, {"ok": False})]
    assert room.tell("acknowledged", first) == first
    assert len(room.server.messages) == 2


def test_a_person_is_written_to_in_person(room: Room) -> None:
    address, meant = {
        "slack": ("U0ANNA", "D0ANNA"),
        "mattermost": ("@anna", "d" * 26),
        "telegram": ("4711", "4711"),
    }[room.kind]
    first = room.tell("escalated", recipient=RecipientDocument(id="anna", name="Anna", address=address))
    posted = next(iter(room.server.messages.values()))
    if room.kind == "mattermost":
        assert posted["channel_id"] == meant
    else:
        assert first.startswith(f"{meant}:")


# Buttons


def test_a_button_carries_what_stands_for_it(room: Room) -> None:
    room.tell("opened")
    button = room.buttons()[0]
    if room.kind == "slack":
        assert (button["text"]["text"], button["value"]) == ("Acknowledge", ACTIONS[0].token)
    elif room.kind == "mattermost":
        context = button["integration"]["context"]
        assert context["token"] == ACTIONS[0].token
        assert is_proof(Secret(HEARS), context["token"], context["proof"])
        assert not is_proof(Secret("other"), context["token"], context["proof"])
    else:
        assert read_code(Secret(HEARS), "noc", button["callback_data"]) == ("acknowledge", "INC-42")


@pytest.mark.parametrize("kind", SERVERS)
def test_without_a_way_back_buttons_are_links(kind: str) -> None:
    server = SERVERS[kind](BOT)
    with served(server):
        room = room_of(kind, server, hears=False)
        room.tell("opened")
        assert ACTIONS[0].url in json.dumps(server.messages)
        assert ACTIONS[0].token + '"' not in json.dumps(server.messages).replace(ACTIONS[0].url, "")


def test_a_made_up_code_is_none() -> None:
    secret = Secret(HEARS)
    code = code_of(secret, "noc", "acknowledge", "INC-42")
    assert len(code) <= 64
    for wrong in (code.replace("42", "43"), code[:-1], code + "x", "", ":", "acknowledge:INC-42:", "ä:ö:ü"):
        assert read_code(secret, "noc", wrong) is None
    assert read_code(secret, "other", code) is None
    assert read_code(Secret("x"), "noc", code) is None
    assert code_of(secret, "noc", "acknowledge", "INC-" + "1" * 60) == ""


# Texts that do no harm

HOSTILE = (
    "<!channel> <@U1> @here @channel (@all) _@anna_ <https://evil.example|https://bank.example> "
    "[bank](https://evil.example) ![x](https://evil.example/x.png) **b** `c` ~s~ # h | t | &#64;all &lt; "
    "<b>bold</b><a href='https://evil.example'>bank</a> :tada: \\ $(x) @@channel"
)


def hostile(text: str = HOSTILE) -> dict[str, Any]:
    sample = SAMPLES["opened"].incident
    assert sample is not None
    return {"incident": msgspec.structs.replace(sample, title=text, group=text, assignee=text, resolution=text)}


def test_slack_shows_foreign_text_as_it_is(slack: Room) -> None:
    slack.tell("opened", **hostile())
    (posted,) = slack.server.messages.values()
    assert not {"<", ">"} & set(posted["text"])
    kinds = {e["type"] for block in posted["blocks"] if block["type"] == "rich_text" for e in block["elements"]}
    assert kinds == {"rich_text_section"}
    pieces = [p for block in posted["blocks"][:1] for section in block["elements"] for p in section["elements"]]
    assert {p["type"] for p in pieces} <= {"text", "link"}
    assert all(p["url"] == p["text"] for p in pieces if p["type"] == "link")
    assert "<!channel> <@U1>" in slack.server.texts()[0]


def test_mattermost_finds_no_markup_and_nobody_to_call(mattermost: Room) -> None:
    mattermost.tell("opened", **hostile())
    shown = mattermost.server.texts()[0]
    assert "](" not in shown.replace("\\](", "")
    for call in ("@here", "@channel", "@all", "@anna"):
        assert call not in shown
    assert "&#64;" not in shown
    assert "\\`c\\`" in shown
    assert "<https://evil.example>" in shown


def test_telegram_finds_no_markup_and_nobody_to_call(telegram: Room) -> None:
    telegram.tell("opened", **hostile())
    shown = telegram.server.texts()[0]
    assert "<b>bold</b>" in shown
    assert "@here" not in shown
    (posted,) = telegram.server.messages.values()
    assert posted["parse_mode"] == "HTML"


@pytest.mark.parametrize("text", ["&<>*_`[]\\" * 2000, "😀" * 5000, "\n" * 50, "@" * 5000, "http://" * 900])
def test_text_of_any_length_fits(room: Room, text: str) -> None:
    room.tell("opened", **hostile(text))
    assert len(room.server.messages) == 1


def test_a_form_that_is_refused_goes_as_plain_text(room: Room) -> None:
    room.tell("opened")
    room.server.next = [
        {
            "slack": said(200, {"ok": False, "error": "invalid_blocks"}),
            "mattermost": said(400, {"id": "model.post.is_valid.props.app_error", "message": "props"}),
            "telegram": said(400, {"ok": False, "description": "Bad Request: BUTTON_URL_INVALID"}),
        }[room.kind]
    ]
    room.tell("opened")
    assert len(room.server.messages) == 2
    assert room.buttons(1) == []


# What the chats say


@pytest.mark.parametrize(
    ("kind", "answer", "permanent", "wait", "words"),
    [
        ("slack", said(200, {"ok": False, "error": "not_in_channel"}), True, None, "invite the bot"),
        ("slack", said(200, {"ok": False, "error": "invalid_auth"}), True, None, "the token is not accepted"),
        ("slack", said(200, {"ok": False, "error": "internal_error"}), False, None, "internal_error"),
        ("slack", said(200, {"ok": False, "error": "ratelimited"}, Retry_After="30"), False, 30.0, "ratelimited"),
        ("slack", said(429, {"ok": False, "error": "ratelimited", "retry_after": 5}), False, 5.0, "ratelimited"),
        ("slack", (200, {}, b"<html>login</html>"), False, None, "something else than JSON"),
        ("mattermost", said(401, {"id": "api.context.session_expired", "message": "Log in."}), True, None, "Log in"),
        ("mattermost", said(429, {}, Retry_After="7"), False, 7.0, "429"),
        ("telegram", said(401, {"ok": False, "description": "Unauthorized"}), True, None, "Unauthorized"),
        ("telegram", said(403, {"ok": False, "description": "Forbidden: kicked"}), True, None, "kicked"),
        (
            "telegram",
            said(429, {"ok": False, "description": "Too Many Requests", "parameters": {"retry_after": 11}}),
            False,
            11.0,
            "Too Many Requests",
        ),
    ],
)
def test_a_refusal_is_understood(kind: str, answer: Any, permanent: bool, wait: float | None, words: str) -> None:
    server = SERVERS[kind](BOT)
    with served(server):
        server.next = [answer] * 4
        error = failure(room_of(kind, server).channel, notice())
    assert (error.permanent, error.retry_after_s) == (permanent, wait)
    assert words in str(error)


def test_no_key_to_an_action_is_in_an_error(room: Room) -> None:
    words = f"Bad Request: button {ACTIONS[0].url} {ACTIONS[0].token}"
    answers = {
        "slack": {"error": words},
        "mattermost": {"id": "no", "message": words},
        "telegram": {"description": words},
    }
    room.server.next = [said(400, {"ok": False, **answers[room.kind]})] * 4
    assert "***" in str(failure(room.channel, notice()))


def test_a_group_that_has_moved_is_followed(telegram: Room) -> None:
    words = "Bad Request: group chat was upgraded to a supergroup chat"
    answer = {"ok": False, "description": words, "parameters": {"migrate_to_chat_id": -9}}
    telegram.server.next = [said(400, answer)]
    assert telegram.tell("opened").startswith("-9:")


def test_a_topic_is_posted_in_but_not_to_people() -> None:
    server = TelegramServer(BOT)
    with served(server):
        room = room_of("telegram", server, topic=5)
        room.tell("opened")
        room.tell("opened", recipient=RecipientDocument(id="anna", name="Anna", address="4711"))
    first, second = server.messages.values()
    assert first["message_thread_id"] == 5
    assert "message_thread_id" not in second


def test_ids_are_looked_up_once(mattermost: Room) -> None:
    mattermost.tell("opened")
    mattermost.tell("opened")
    assert [name for name, _ in mattermost.server.calls].count("GET /teams/name/ops/channels/name/noc") == 1


def test_text_that_is_not_unicode_is_made_readable(room: Room) -> None:
    assert room.channel.send(replace(notice(), brief="\ud800", text="\ud800")).ref
