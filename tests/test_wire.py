"""JSON and texts of strangers: what others write is read, and all else is one error."""

from __future__ import annotations

import json
import unittest
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

import g4f
from g4f import errors
from g4f.assembly import Assembly
from g4f.Provider import IterListProvider
from g4f.providers.in_process.llamacpp import Weights, answer
from g4f.providers.response import Event, ProviderInfo, Reasoning, ToolCall
from g4f.providers.transport.refusals import LONGEST, Target, fault, line, refusal
from g4f.secrets.key import Key
from g4f.shaping import Shaper
from g4f.waiting.threads import Outlet
from g4f.wire import decoded, whole, written
from tests.servers import DONE, HELLO, Server, event
from tests.servers import stream as streamed

KEY = "sk-abcdefghijklmnop-secret-7890"


class TestDecoded(unittest.TestCase):
    """What `decoded` reads, and what it raises."""

    def test_as_others_write_it(self) -> None:
        """Halves of characters, numbers of any size, and numbers that JSON does not have."""
        self.assertEqual(["\ud83d", "\ude00!"], decoded(rb'["\ud83d", "\ude00!"]'))
        self.assertEqual([float("inf"), float("-inf"), float("inf")], decoded(f"[1e400, -Infinity, {'9' * 5000}]"))
        self.assertTrue(decoded("NaN") != decoded("NaN"))
        self.assertEqual(10**200, decoded(b"1" + b"0" * 200))

    def test_one_error(self) -> None:
        """Everything else is a DecodeError; of the wrong form, one that says so."""
        deep = "[" * 10_000
        for text in ("", "{", b"\xff", deep, deep + "]" * 10_000, "\ud83d", '{"a": }', "\x00", '"\x01"'):
            with self.subTest(str(text)[:9].encode("ascii", "replace")):
                self.assertRaises(msgspec.DecodeError, decoded, text)
        self.assertRaises(msgspec.ValidationError, decoded, b'{"a": NaN}', dict[str, str])

    def test_written(self) -> None:
        """What was read can be written."""
        self.assertEqual('{"a":1}', written({"a": 1}))
        self.assertEqual(["\ud83d"], decoded(written(["\ud83d"])))

    def test_whole(self) -> None:
        """Halves of a character are one, one alone is U+FFFD, and nothing else is changed."""
        for text, expected in (
            ("a\ud83d\ude00b", "a😀b"),
            ("\ud83dx", "\ufffdx"),
            ("\ude00\ud83d", "\ufffd\ufffd"),
            ("é😀", "é😀"),
        ):
            self.assertEqual(expected, whole(text))


class TestHalves(unittest.TestCase):
    """Halves of characters, from a server and from a class of the user's own."""

    def test_shaped(self) -> None:
        """Two in two pieces are one character, also beside tags; one alone is U+FFFD, when something else comes."""
        for pieces, expected in (
            (["a\ud83d", "\ude00b"], "a😀b"),
            (["<think>x</think>\ud83d", "<", "\ude00"], "\ufffd<\ufffd"),
            (["<thi\ud83d", "\ude00nk>"], "<thi😀nk>"),
            (["a\ud83d"], "a\ufffd"),
        ):
            shaper = Shaper(Assembly())
            items = [item for piece in pieces for item in shaper.feed(piece)] + shaper.flush()
            self.assertEqual(expected, "".join(item for item in items if isinstance(item, str)), ascii(pieces))
        shaper = Shaper(Assembly())
        thoughts = [*shaper.feed(Reasoning("\ud83d")), *shaper.feed(Reasoning("\ude00\ud83d")), *shaper.flush()]
        self.assertEqual([Reasoning("😀"), Reasoning("\ufffd")], thoughts)

    def test_of_a_server(self) -> None:
        """An answer with halves is no broken one."""
        pieces = [
            event('{"choices": [{"delta": {"content": "' + half + '"}}]}') for half in (r"\ud83d", r"\ude00", r"\udcaf")
        ]
        with Server(streamed(*pieces, *HELLO, DONE)) as server:
            self.assertEqual("😀\ufffdHello", g4f.ChatCompletion.create("m", "q", base_url=server.url))

    def test_in_a_conversation(self) -> None:
        """Whatever a class yields, and whatever is asked, a conversation can be saved."""

        class Halved:
            async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[str | Event]:
                yield ProviderInfo("p\ud83d", "m\ud83d")
                yield ToolCall(0, "i", "f", "\ud83d")
                yield Reasoning("\ud83d")
                yield "a\ud83d"
                yield "\ude00\udcaf"

        chat = g4f.Conversation(provider=Halved(), system="\ud83d")
        self.assertEqual("a😀\ufffd", chat("q\ud83d"))
        again = g4f.Conversation.from_json(chat.to_json())
        self.assertEqual(
            ("q\ufffd", "a😀\ufffd", "m\ufffd"), (again.turns[0].question, again.turns[0].answer, again.turns[0].model)
        )
        g4f.Client(provider=Halved()).chat.completions.create("q").model_dump_json()
        saved = g4f.Conversation.from_json(r'{"turns": [{"question": "\ud83d", "answer": "b"}]}')
        self.assertEqual("\ufffd", saved.turns[0].question)


class TestLine(unittest.TestCase):
    """What a stranger says of a failure."""

    def test_line(self) -> None:
        """One line, bounded, without control characters, turns of direction, or halves of characters."""
        for said in (
            "a\nb\r\x1b]52;c;x\x07",
            "\x9b2J",
            "\u202e\u2066\u2028",
            "\ud83d",
            "x" * 10**6,
            ["\x1b"] * 999,
            {"a": "\x00"},
            5,
        ):
            told = line(said)
            self.assertTrue(told.isprintable() and len(told) <= LONGEST, ascii(told))
        self.assertEqual(("", "", "a b"), (line(None), line(""), line(" a\n\tb ")))

    def test_nested(self) -> None:
        """At each depth."""
        for depth in (10, 400, 900, 960, 990):
            self.assertTrue(line(decoded("[" * depth + "]" * depth) if depth < 900 else "x"))
            body = f'{{"error": {{"message": {"[" * depth}{"]" * depth}, "code": {"[" * depth}{"]" * depth}}}}}'
            self.assertIsInstance(refusal(Target("P", "m", (Key(KEY),), ""), 500, body.encode()), errors.ServerError)

    def test_codes(self) -> None:
        """A code is a status only if it is one."""
        asked = Target("P", "m", (Key(KEY),), "")
        for code, status in (
            ("²", 200),
            ("9" * 5000, 200),
            (10**30, 200),
            (429, 429),
            ("503", 503),
            ("٤٢٩", 429),
            ([], 200),
            (-400, 200),
        ):
            self.assertEqual(status, fault(asked, {"message": "x", "code": code}).status, ascii(code)[:20])

    def test_fields(self) -> None:
        """A list of wrong fields is named field by field; what was sent in them is not repeated."""
        asked = Target("P", "m", (Key(KEY),), "")
        wrong = {"type": "missing", "loc": ["body", "messages", 0], "msg": "Field required", "input": {"a": "question"}}
        for body in (
            {"detail": [wrong, {"msg": "No"}]},
            {"object": "error", "message": {"detail": [wrong, {"msg": "No", "loc": 1}]}},
            {"error": {"message": [wrong, {"msg": "No", "loc": []}]}},
        ):
            told = str(refusal(asked, 422, json.dumps(body).encode()))
            self.assertEqual("P refused the request (HTTP 422): body.messages.0: Field required; No.", told)
        for odd in ([1], [{}], [{"msg": ""}], {"detail": {}}):
            told = str(refusal(asked, 422, json.dumps({"detail": odd}).encode()))
            self.assertEqual(f"P refused the request (HTTP 422): {json.dumps(odd, separators=(',', ':'))}.", told)

    def test_behind_a_gateway(self) -> None:
        """The words of the server behind a gateway are told, too, and once."""
        asked = Target("P", "m", (Key(KEY),), "")
        for raw, more in (
            ("Busy, ask later", ": Busy, ask later"),
            (json.dumps({"error": {"message": f"Busy {KEY}", "code": 1}}), ": Busy ***"),
            ("returned error", ""),
            ("", ""),
            (5, ""),
        ):
            body = {"error": {"message": "Provider returned error", "code": 429, "metadata": {"raw": raw}}}
            for error in (refusal(asked, 429, json.dumps(body).encode()), fault(asked, json.dumps(body).encode())):
                said = f"P limits the rate of requests (HTTP 429): Provider returned error{more}."
                self.assertEqual((said, errors.RateLimitError), (str(error), type(error)))

    def test_location(self) -> None:
        """Where a server sends to is told in short, and without key, password and query."""
        asked = Target("P", "m", (Key(KEY),), "")
        where = f"https://user:hidden@host/{KEY}/x?key=hidden#hidden"
        told = str(refusal(asked, 302, b"", where))
        self.assertIn("https://host/***", told)
        self.assertNotIn("hidden", told)
        self.assertLess(len(str(refusal(asked, 302, b"", "/ab-" * 2000))), LONGEST + 100)

    def test_pages(self) -> None:
        """A page that is made of beginnings of titles costs no more than another."""
        body = b"<title>" * 9000
        self.assertIn("a web page", str(refusal(Target("P", "m", (Key(KEY),), ""), 400, body)))


class TestStray(unittest.TestCase):
    """What a class raises that means something to Python."""

    def test_stop_iteration(self) -> None:
        """A StopIteration that was let out is an error of the tree, of each kind of provider."""

        class Called:
            def create_completion(self, model: str, messages: Any) -> Iterator[str]:
                raise StopIteration

        class Yielding:
            def create_completion(self, model: str, messages: Any) -> Iterator[str]:
                yield next(iter(()))

        class Awaited:
            async def create_async(self, model: str, messages: Any) -> str:
                raise StopIteration

        for kind in (Called, Yielding, Awaited):
            for provider in (kind(), IterListProvider([kind()])):
                with self.subTest(kind), self.assertRaisesRegex(errors.ResponseError, "raised StopIteration"):
                    g4f.ChatCompletion.create("", "q", provider)


class TestFiles(unittest.TestCase):
    """A model file that cannot be read."""

    @unittest.skipUnless(Path("/proc/self/mem").exists(), "needs a file that fails when it is read")
    def test_unreadable(self) -> None:
        """It is an error in one line, which names the file."""
        with (
            mock.patch.dict("sys.modules", xllamacpp=mock.Mock()),
            self.assertRaisesRegex(errors.InputError, "x cannot be read"),
        ):
            answer(Weights("x", Path("/proc/self/mem")), b"", mock.Mock(spec=Outlet))
