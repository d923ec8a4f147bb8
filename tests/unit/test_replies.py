"""What people answer: which words count, and what of a mail is theirs."""

import pytest

from daemon.replies import LARGEST, Said, own_words, said_in, text_of_html
from rules.decision import Verb
from rules.report import MAX_TEXT

ACK, RESOLVE, REOPEN, NOTE = Verb.ACKNOWLEDGE, Verb.RESOLVE, Verb.REOPEN, Verb.NOTE


@pytest.mark.parametrize(
    ("answer", "verb", "text"),
    [
        ("ack", ACK, ""),
        ("  ACK!  ", ACK, ""),
        ("Acknowledged.", ACK, ""),
        ("ack INC-42", ACK, ""),
        ("ack, looking at the switch\nand its uplinks", ACK, "looking at the switch\nand its uplinks"),
        ("Taking it", ACK, ""),
        ("Taking", ACK, ""),
        ("Принял", ACK, ""),
        ("приняла, смотрю", ACK, "смотрю"),
        ("Беру.", ACK, ""),
        ("resolve: replaced the disk", RESOLVE, "replaced the disk"),
        ("Resolved: replaced the disk\nof tor-3a", RESOLVE, "replaced the disk\nof tor-3a"),
        ("resolved", RESOLVE, ""),
        ("Решено: заменили диск", RESOLVE, "заменили диск"),
        ("решёно: да", RESOLVE, "да"),
        ("reopen: it is down again", REOPEN, "it is down again"),
        ("Не решено: всё ещё лежит", REOPEN, "всё ещё лежит"),
        # Sentences that only begin like that.
        ("Taking the server down will not help", NOTE, "Taking the server down will not help"),
        ("resolve it how?", NOTE, "resolve it how?"),
        ("Resolved?", NOTE, "Resolved?"),
        ("acknowledging that would be wrong", NOTE, "acknowledging that would be wrong"),
        ("not ack", NOTE, "not ack"),
        ("I cannot reach it.\n\nack", NOTE, "I cannot reach it.\n\nack"),
        ("Беру отпуск", NOTE, "Беру отпуск"),
        ("", NOTE, ""),
        ("\n\n> ack\n", NOTE, ""),
    ],
)
def test_the_first_words_say_what_is_asked_for(answer: str, verb: Verb, text: str) -> None:
    assert said_in(answer) == Said(verb=verb, text=text)


MINE = "The disk is full.\nI am clearing it."


@pytest.mark.parametrize(
    "rest",
    [
        "On Tue, Nov 24, 2026 at 8:00 AM incidentd <i@example.net> wrote:\n> resolve: all\n> ack",
        "On Tue, Nov 24, 2026 at 8:00 AM incidentd\n<incidents@example.net> wrote:\nresolve: all",
        "Am 24.11.26 um 08:00 schrieb incidentd:\n> ack",
        "вт, 24 нояб. 2026 г. в 08:00, incidentd <i@example.net> пишет:\n> беру",
        "24.11.2026 08:00, incidentd пишет:\n> беру",
        "-----Original Message-----\nFrom: incidentd\nresolve: all",
        "________________________________\nFrom: incidentd <i@example.net>\nSent: Tuesday",
        "From: incidentd <i@example.net>\nSent: Tuesday, 24 November 2026\nTo: Anna\nSubject: [P1] INC-42",
        "От: incidentd\nОтправлено: 24 ноября\nКому: Анна\nТема: INC-42",
        "*From:* incidentd\n*Sent:* Tuesday\n*To:* Anna\n\nold words",
        "-- \nAnna Berg\nNetwork",
        "Sent from my iPhone",
        "Отправлено с iPhone",
        "Get Outlook for iOS",
        "> quoted\n>> deeper\n>",
    ],
)
def test_what_is_not_the_writers_is_cut_off(rest: str) -> None:
    assert own_words(f"{MINE}\n\n{rest}\n") == MINE
    assert own_words(f"{MINE}\r\n\r\n{rest}\r\n".replace("\n", "\r\n")) == MINE


def test_an_answer_below_or_between_quotes_counts() -> None:
    below = "On Tue, Nov 24, 2026 at 8:00 AM incidentd wrote:\n> P1 INC-42\n> resolve: all\n\nack\n\n-- \nAnna"
    assert said_in(below) == Said(verb=ACK, text="")
    assert own_words("> is it down?\nYes.\n> since when?\nEight.") == "Yes.\nEight."


@pytest.mark.parametrize(
    "text",
    [
        "On Monday he wrote: restart it.",
        "From: 8 o'clock it was down.",
        "To: do\nSubject to change",
        "-- no signature here",
        "a > b",
    ],
)
def test_ordinary_words_are_not_taken_for_marks(text: str) -> None:
    assert own_words(text) == text


def test_what_is_long_is_cut_and_what_cannot_be_printed_left_out() -> None:
    said = said_in("x" * (LARGEST * 2))
    assert len(said.text) == MAX_TEXT
    assert said.text.endswith("… (cut)")
    assert own_words("a\x00b\x1b[31mc\N{RIGHT-TO-LEFT OVERRIDE}d\te") == "ab[31mcd\te"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>ack</p>", "ack"),
        ("<div>resolve:&nbsp;new &amp; better</div><div>disk</div>", "resolve: new & better\ndisk"),
        ("<head><style>p{}</style></head><body>ack<script>alert(1)</script></body>", "ack"),
        ("one<br>two", "one\ntwo"),
        ("mine<blockquote>ack<br>resolve: all</blockquote>", "mine"),
        ("mine<blockquote><p>resolve: all</p></blockquote>", "mine"),
        ('mine<div id="divRplyFwdMsg">From: x</div><p>resolve: all</p>', "mine"),
        ("mine<blockquote><blockquote>a</blockquote>b</blockquote>below", "mine\nbelow"),
        ("<p>a</p></blockquote></script><p>b", "a\nb"),
        ("<img src=http://x/><a href='javascript:x()'>ack</a>", "ack"),
        ("<!-- ack --><![CDATA[x]]>b &#0; &bogus;", "b � &bogus;"),
    ],
)
def test_html_becomes_the_words_that_are_seen(page: str, text: str) -> None:
    assert own_words(text_of_html(page)) == text


def test_hostile_input_takes_no_long_time() -> None:
    own_words("On " + "a " * 100_000 + "wrote")
    own_words("On \n" * 50_000)
    own_words("From: x\n" * 2 + "-" * 200_000)
    text_of_html("<div>" * 50_000 + "<!" * 50_000)
