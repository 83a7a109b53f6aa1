"""Answers that are right, in forms that no documentation has: each is read, in all protocols alike."""

from __future__ import annotations

import json
import unittest
from collections.abc import Iterator
from typing import Any

import g4f
from g4f import errors
from g4f.providers.protocols.gemini_answer import GeminiReader
from g4f.providers.protocols.openai_answer import OpenAIReader
from g4f.providers.response import FinishReason, Logprobs, Omitted, ProviderInfo, Reasoning, ToolCall, Usage
from g4f.providers.transport.refusals import Target
from g4f.providers.transport.sse import Events
from g4f.providers.transport.unlabelled import Unlabelled

from . import dialects
from .asking import KEY, Outcome, ask
from .clock import hurried
from .dialects import ANTHROPIC, DIALECTS, GEMINI, OLLAMA, OPENAI, RESPONSES, Dialect
from .servers import HANG, RESET, Answer, Server, chunk, event, whole
from .servers import stream as chunked


def said(dialect: Dialect, *pieces: bytes, end: bool = True, kind: str = "") -> list[Any]:
    """Return a stream in a protocol."""
    return list(chunked(dialect.begin, *pieces, end=end, **{"Content-Type": kind or dialect.content_type}))


def outcome(dialect: Dialect | str, answer: Answer, *, stream: bool = True, **options: Any) -> Outcome:
    """Return what comes of an answer, without the server's names for it."""
    with Server(answer) as server:
        given = ask(server, dialect, stream=stream, **options)
    return given._replace(items=[item for item in given.items if not isinstance(item, ProviderInfo)])


def choice(**fields: Any) -> bytes:
    """Return an event with one choice of a chat completion."""
    return event({"choices": [fields]})


def openai(*pieces: bytes, **options: Any) -> list[Any]:
    """Return the items of a stream of chat completions, which must not fail."""
    given = outcome(OPENAI, said(OPENAI, *pieces), **options)
    assert given.error is None, given.error
    return given.items


def ending(dialect: Dialect, reason: str) -> bytes:
    """Return the end of a stream that gives this reason."""
    if dialect is OPENAI:
        return choice(index=0, delta={}, finish_reason=reason)
    if dialect is GEMINI:
        return event({"candidates": [{"content": {"parts": []}, "finishReason": reason}]})
    if dialect is OLLAMA:
        return json.dumps({"message": {"content": ""}, "done": True, "done_reason": reason}).encode() + b"\n"
    if dialect is RESPONSES:
        return event({"type": "response.incomplete", "response": {"incomplete_details": {"reason": reason}}})
    return event({"type": "message_delta", "delta": {"stop_reason": reason}})


STOP = choice(index=0, delta={}, finish_reason="stop")
WORDS = {
    "stop": "stop STOP Stop end_turn END-TURN endTurn stop_sequence eos COMPLETE FinishReason.STOP FINISH_REASON_STOP",
    "length": "length LENGTH max_tokens MAX_TOKENS max-tokens maxTokens max_output_tokens max_output max_new_tokens"
    " model_length model_context_window_exceeded FinishReason.MAX_TOKENS token_limit_reached",
    "content_filter": "content_filter content-filter ContentFilter SAFETY RECITATION sensitive refusal BLOCKLIST"
    " PROHIBITED_CONTENT SPII guardrail_intervened IMAGE_SAFETY",
    "tool_calls": "tool_calls TOOL_CALLS tool-use function_call",
}
FAILURES = (
    "abort aborted cancelled CANCELED timeout network_error error ERROR insufficient_system_resource"
    " MALFORMED_FUNCTION_CALL malformed-function-call UNEXPECTED_TOOL_CALL"
)
OWN = "pause_turn something_new OTHER compaction"


class TestFinishReasons(unittest.TestCase):
    """Why an answer ended, in any words."""

    def test_words(self) -> None:
        """Case and separators do not matter; each word is one of OpenAI's; a new one is handed on as it is."""
        words = {word: kind for kind, listed in WORDS.items() for word in listed.split()}
        for word, kind in (words | {word: word for word in OWN.split()}).items():
            for dialect in DIALECTS:
                with self.subTest(word, provider=str(dialect)):
                    given = outcome(dialect, said(dialect, dialect.text("a"), ending(dialect, word)))
                    self.assertEqual((["a", FinishReason(kind)], None), given[:2])

    def test_failures(self) -> None:
        """An answer that failed is an error that names the reason, and keeps the text."""
        for word in FAILURES.split():
            for dialect in DIALECTS:
                with self.subTest(word, provider=str(dialect)):
                    error = outcome(dialect, said(dialect, dialect.text("a"), ending(dialect, word))).error
                    self.assertIsInstance(error, errors.ResponseError)
                    self.assertIn(f"broke the answer off: {word}", str(error))
                    self.assertEqual("a", error.partial if error else "")

    def test_no_reason(self) -> None:
        """What says that there is none yet is none."""
        for word in ("", None, "null", "FINISH_REASON_UNSPECIFIED", {}, 0):
            with self.subTest(word):
                given = openai(choice(index=0, delta={"content": "a"}, finish_reason=word), STOP)
                self.assertEqual(["a", FinishReason("stop")], given)

    def test_called(self) -> None:
        """Where tools are called, "stop" is "tool_calls" in each protocol; other reasons stay."""
        call: dict[str, Any] = {"name": "f", "arguments": {}}
        calls = {
            "OpenAI": choice(index=0, delta={"tool_calls": [{"index": 0, "id": "a", "function": call}]}),
            "OpenAI responses": event(
                {"type": "response.output_item.added", "item": {"type": "function_call", "call_id": "a", "name": "f"}}
            ),
            "Anthropic": event({"type": "content_block_start", "content_block": {"type": "tool_use", "name": "f"}}),
            "Gemini": event({"candidates": [{"content": {"parts": [{"functionCall": {"name": "f"}}]}}]}),
            "Ollama": json.dumps({"message": {"tool_calls": [{"function": call}]}}).encode() + b"\n",
        }
        for dialect in DIALECTS:
            for word, kind in (("stop", "tool_calls"), ("STOP", "tool_calls"), ("length", "length")):
                with self.subTest(str(dialect), word=word):
                    answer = said(dialect, calls[str(dialect)], ending(dialect, word))
                    self.assertEqual(FinishReason(kind), outcome(dialect, answer).items[-1])

    def test_explained(self) -> None:
        """The server's explanation is kept, in one line."""
        candidate = {"finishReason": "SAFETY", "finishMessage": "Too\nhot"}
        given = outcome(GEMINI, whole({"candidates": [candidate]}))
        self.assertEqual([FinishReason("content_filter", "Too hot")], given.items)
        blocked = {"blockReason": "OTHER", "blockReasonMessage": "No"}
        given = outcome(GEMINI, whole({"promptFeedback": blocked}))
        self.assertEqual([FinishReason("content_filter", "No")], given.items)
        delta = {"stop_reason": "refusal", "stop_details": {"category": "bio"}}
        given = outcome(ANTHROPIC, said(ANTHROPIC, event({"type": "message_delta", "delta": delta})))
        self.assertEqual([FinishReason("content_filter", "bio")], given.items)


class TestWholeAtItsReason(unittest.TestCase):
    """After its finish reason an answer is whole, whatever the connection does."""

    def test_left_open(self) -> None:
        """Silence, a reset, an error and a broken event behind it do not take it away."""
        for dialect in DIALECTS:
            pieces = (dialect.text("Hel"), dialect.text("lo"), ending(dialect, "stop"))
            broken = chunk(dialect.frame(b'{"choices": ['))
            for name, after in (
                ("silence", [HANG]),
                ("a reset", [RESET]),
                ("an error", [chunk(dialect.error), HANG]),
                ("a broken event", [broken, HANG]),
            ):
                with (
                    self.subTest(str(dialect), after=name),
                    Server([*said(dialect, *pieces, end=False), *after]) as server,
                    hurried(server.hangs.is_set),
                ):
                    given = ask(server, dialect, stream=True, stream_timeout=600)
                    self.assertEqual(("Hello", None), (given.text, given.error))
                    self.assertEqual(FinishReason("stop"), given.items[-1])

    def test_heartbeats(self) -> None:
        """What keeps the connection alive does not keep the answer from its end."""
        beats: list[Any] = [chunk(b": still here\n\n"), 0.05] * 4000
        for dialect in (OPENAI, ANTHROPIC, GEMINI):
            with self.subTest(str(dialect)):
                pieces = (dialect.text("Hello"), ending(dialect, "stop"))
                given = outcome(dialect, [*said(dialect, *pieces, end=False), *beats], timeout=60)
                self.assertEqual(("Hello", None), (given.text, given.error))

    def test_what_follows(self) -> None:
        """The usage that comes a little later is read; so is text, of a server that goes on after its reason."""
        usage = event({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}})
        start = said(OPENAI, OPENAI.text("a"), STOP, end=False)
        self.assertIn(Usage(1, 2, 3), outcome(OPENAI, [*start, 0.1, chunk(usage), HANG]).items)
        answer = [*start, 0.1, chunk(OPENAI.text("b")), 2.0, chunk(OPENAI.text("c")), b"0\r\n\r\n"]
        self.assertEqual("abc", outcome(OPENAI, answer).text)

    def test_error_of_one_that_goes_on(self) -> None:
        """Of a server that went on after its reason, an error is one: older models give each piece a reason."""
        piece = b'{"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}]}'
        for pieces, failed in ((1, False), (2, True)):
            reader = GeminiReader(Target("Gemini", "m", (), ""))
            for _ in range(pieces):
                self.assertEqual(["a"], reader.feed([piece]))
            reader.feed([b'{"error": {"code": 503, "message": "Busy"}}'], last=True)
            self.assertEqual(failed, isinstance(reader.failure, errors.ServerError))

    def test_too_large(self) -> None:
        """What is too large to be read, behind the reason, does not take the answer away."""
        answer = said(OPENAI, OPENAI.text("a"), STOP, b"data: " + b"[" * 17 * 2**20, end=False)
        given = outcome(OPENAI, [*answer, HANG])
        self.assertEqual((["a", FinishReason("stop")], None), given[:2])

    def test_before_it(self) -> None:
        """Before it, a silence or a reset is an error that keeps the text."""
        for dialect in DIALECTS:
            for after, kind in ((HANG, errors.TimeoutError), (RESET, errors.ResponseError)):
                answer = [*said(dialect, dialect.text("Hel"), end=False), after]
                with (
                    self.subTest(str(dialect), after=after),
                    Server(answer) as server,
                    hurried(server.hangs.is_set),
                ):
                    error = ask(server, dialect, stream=True, stream_timeout=30).error
                    self.assertEqual((kind, "Hel"), (type(error), error.partial if error else ""))


class TestForms(unittest.TestCase):
    """The form of an answer is seen in it, not in its content type."""

    KINDS = ("application/json", "text/plain", "application/octet-stream", "text/event-stream", "application/x-ndjson")

    def bodies(self, dialect: Dialect) -> Iterator[tuple[str, bytes]]:
        """Yield an answer in each form."""
        whole_ = dialect.whole("Hello")
        yield "whole", json.dumps(whole_).encode()
        yield "whole, a line", json.dumps(whole_).encode() + b"\n"
        yield "whole, over lines", json.dumps(whole_, indent=2).encode()
        yield "whole, after blank lines", b"\n\n" + json.dumps(whole_).encode()
        streamed = dialect.begin + dialect.text("Hel") + dialect.text("lo") + dialect.end
        yield "streamed", streamed
        payloads = [line.removeprefix(b"data:").strip() for line in streamed.splitlines() if line[:1] in (b"d", b"{")]
        yield "events", b"".join(b"data: " + payload + b"\n\n" for payload in payloads)
        yield "events after a comment", b": hello\n\n" + b"".join(b"data:" + payload + b"\n\n" for payload in payloads)
        yield "lines", b"\n".join(payloads)
        yield "events without blank lines", b"".join(b"data: " + payload + b"\n" for payload in payloads)

    def test_forms(self) -> None:
        """Whole or streamed, as events or lines, under any content type, asked for as a stream or not."""
        for dialect in DIALECTS:
            for name, body in self.bodies(dialect):
                for kind in self.KINDS:
                    for stream in (True, False):
                        with self.subTest(str(dialect), form=name, kind=kind, stream=stream):
                            given = outcome(dialect, whole(body, kind=kind), stream=stream)
                            self.assertEqual(("Hello", None), (given.text, given.error))

    def test_cuts(self) -> None:
        """Where an answer is cut on its way does not change it."""
        for usual in (Events, None):
            for name, body in (*self.bodies(OPENAI), ("byte order mark", b"\xef\xbb\xbf" + OPENAI.text("Hello"))):
                for cut in range(1, min(len(body), 60)):
                    with self.subTest(name, usual=usual, cut=cut):
                        frames = Unlabelled(Events, usual)
                        reader = OpenAIReader(Target("OpenAI", "m", (), ""))
                        items = [*reader.feed(frames.feed(body[:cut])), *reader.feed(frames.feed(body[cut:]))]
                        items += reader.feed(frames.end(), last=True)
                        self.assertEqual("Hello", "".join(item for item in items if isinstance(item, str)))

    def test_streams_at_once(self) -> None:
        """Lines and events are given out as they come, under any content type."""
        for kind in ("application/json", "text/plain", "text/event-stream"):
            for frame in (b"data: %s\n\n", b"%s\n"):
                payload = frame % b'{"choices": [{"delta": {"content": "a"}}]}'
                start = [*chunked(payload, payload, end=False, **{"Content-Type": kind}), HANG]
                with self.subTest(kind, frame=frame), Server(start) as server:
                    items = g4f.ChatCompletion.create("m", "Hi", base_url=server.url, stream=True)
                    self.assertEqual("a", next(items))
                    items.close()

    def test_no_json(self) -> None:
        """Events that keep the connection alive are passed over; each form of the end mark is one."""
        for beat in (b"data: ok\n\n", b"data: null\n\n", b"event: keepalive\ndata: ping 12:00\n\n", b"data: 1\n\n"):
            for dialect in (OPENAI, ANTHROPIC, GEMINI):
                with self.subTest(beat, provider=str(dialect)):
                    pieces = (beat, dialect.text("Hel"), beat, dialect.text("lo"), beat, dialect.end)
                    given = outcome(dialect, said(dialect, *pieces))
                    self.assertEqual(("Hello", None), (given.text, given.error))
        for mark in (b'data: "[DONE]"\n\n', b"data: [done]\n\n", b"data:[DONE]\n\n"):
            with self.subTest(mark):
                answer = [*said(OPENAI, OPENAI.text("a"), mark, end=False), HANG]
                self.assertEqual((["a"], None), outcome(OPENAI, answer)[:2])
        error = outcome(ANTHROPIC, said(ANTHROPIC, ANTHROPIC.text("a"), b"data: [DONE]\n\n")).error
        self.assertIn("ended before the answer did", str(error))

    def test_odd_fields(self) -> None:
        """A field of another type beside the text does not cost it."""
        for fields in ({"reasoning_content": {"a": 1}}, {"reasoning": [1]}, {"role": 1, "images": None}):
            with self.subTest(fields):
                given = openai(choice(delta={"content": "a", **fields}), STOP)
                self.assertEqual(["a", FinishReason("stop")], given)
        for index in (None, "0"):
            delta = {"type": "content_block_delta", "index": index, "delta": {"text": "a"}}
            with self.subTest(index=index):
                self.assertEqual("a", outcome(ANTHROPIC, chunked(event(delta), ANTHROPIC.end)).text)

    def test_not_an_event(self) -> None:
        """A broken event between others is one error, which keeps the text."""
        for broken in (b'data: {"choices": [\n\n', b"data: <html>\n\n", b"data: [1]\n\n"):
            with self.subTest(broken):
                error = outcome(OPENAI, said(OPENAI, OPENAI.text("a"), broken, dialects.OPENAI.end)).error
                self.assertEqual((errors.ResponseError, "a"), (type(error), error.partial if error else ""))


class TestFailuresInAnyForm(unittest.TestCase):
    """A server that says in a form of its own that it failed is believed, and its words are shown."""

    FORMS: tuple[tuple[dict[str, Any], type[errors.G4FError]], ...] = (
        ({"object": "error", "message": "No memory", "type": "InternalServerError", "code": 500}, errors.ServerError),
        ({"object": "error", "message": "No memory"}, errors.ResponseError),
        ({"type": "error", "message": "No memory"}, errors.ResponseError),
        ({"status": "error", "detail": "No memory"}, errors.ResponseError),
        ({"success": False, "message": "No memory"}, errors.ResponseError),
        ({"success": False, "errors": [{"code": 5006, "message": "No memory"}], "result": None}, errors.ResponseError),
        ({"code": 1002, "msg": "No memory"}, errors.ResponseError),
        ({"error_code": 110, "error_msg": "No memory"}, errors.ResponseError),
        ({"code": "InvalidApiKey", "message": "No memory", "request_id": "x"}, errors.ResponseError),
        ({"base_resp": {"status_code": 1004, "status_msg": "No memory"}}, errors.ResponseError),
        ({"StatusCode": 401, "Status": "401 Unauthorized", "error": "No memory"}, errors.MissingAuthError),
        ({"statusCode": 429, "message": "No memory"}, errors.RateLimitError),
    )

    def test_streamed(self) -> None:
        """In the middle of a stream it ends the answer, and keeps its text; as the first event, too."""
        for dialect in DIALECTS:
            for form, kind in self.FORMS:
                if dialect is OLLAMA and form.get("error"):
                    continue  # it has its own statuses for these
                fault = dialect.frame(json.dumps(form).encode())
                for text in ("a", ""):
                    with self.subTest(str(dialect), form=form, text=text):
                        first = dialect.text(text) if text else b""
                        error = outcome(dialect, said(dialect, first, fault, dialect.end)).error
                        self.assertEqual((kind, text), (type(error), error.partial if error else ""))
                        self.assertIn("No memory", str(error))

    def test_whole(self) -> None:
        """As the body of an answer, asked for as a stream or not, alone or in an array."""
        for dialect in DIALECTS:
            for form, kind in self.FORMS:
                for body in (form, [form]):
                    for stream in (True, False):
                        with self.subTest(str(dialect), body=body, stream=stream):
                            error = outcome(dialect, whole(body), stream=stream).error
                            self.assertIsInstance(error, kind)
                            self.assertIn("No memory", str(error))

    def test_no_failure(self) -> None:
        """What has a code, or words, but says of no failure, is none."""
        for dialect in DIALECTS:
            for form in (
                {"type": "ping"},
                {"type": "status", "message": "working"},
                {"code": 0, "msg": "success"},
                {"code": 200, "message": "ok"},
                {"success": True, "code": 7},
                {"base_resp": {"status_code": 0, "status_msg": "success"}},
                {"error": None, "errors": []},
            ):
                if dialect is OLLAMA and isinstance(form.get("message"), str):
                    continue  # there, it is the answer
                with self.subTest(str(dialect), form=form):
                    beat = dialect.frame(json.dumps(form).encode())
                    given = outcome(dialect, said(dialect, dialect.text("Hel"), beat, dialect.text("lo"), dialect.end))
                    self.assertEqual(("Hello", None), (given.text, given.error))

    def test_words(self) -> None:
        """What is no answer is quoted, if it has words: without secrets, in one line."""
        for body, kind, says in (
            (b'{"detail": "Not\\n allowed"}', "application/json", "Not allowed."),
            (b'{"message": "Not allowed"}', "application/json", "Not allowed."),
            (b"Not allowed:\n no " + KEY.encode(), "text/plain", "it is not JSON: Not allowed: no ***."),
            (b"Not allowed\n", "text/event-stream", "it is not JSON: Not allowed."),
            (b"error: Not allowed\n", "text/plain", "Not allowed"),
        ):
            for dialect in DIALECTS:
                for stream in (True, False):
                    with self.subTest(str(dialect), body=body, stream=stream):
                        error = outcome(dialect, whole(body, kind=kind), stream=stream).error
                        self.assertIs(errors.ResponseError, type(error))
                        self.assertTrue(str(error).endswith(says), error)
        error = outcome(
            OPENAI, said(OPENAI, OPENAI.text("a"), b"data: Internal Server Error\n\n", event("[DONE]"))
        ).error
        self.assertEqual(("a", True), (error and error.partial, "Internal Server Error" in str(error)))
        cut = outcome(OPENAI, said(OPENAI, OPENAI.text("a"), b"event: error\ndata: Not allowed")).error
        self.assertIn("Not allowed", str(cut))

    def test_events_after_words(self) -> None:
        """Words before the first event do not cost the answer."""
        for cut in range(1, 60):
            with self.subTest(cut=cut):
                body = b"starting up\ndata is coming:\n" + OPENAI.text("Hello")
                frames = Unlabelled(Events, Events)
                reader = OpenAIReader(Target("OpenAI", "m", (), ""))
                items = [*reader.feed(frames.feed(body[:cut])), *reader.feed(frames.feed(body[cut:]))]
                self.assertEqual(["Hello"], items)


class TestArrays(unittest.TestCase):
    """An array may hold an answer, and null."""

    def test_answers(self) -> None:
        """An array of a stream's payloads, or of one whole answer, in each protocol."""
        for dialect in DIALECTS:
            streamed = dialect.begin + dialect.text("Hel") + dialect.text("lo") + dialect.end
            lines = [line.removeprefix(b"data:").strip() for line in streamed.splitlines()]
            pieces = [json.loads(line) for line in lines if line.startswith(b"{")]
            for body in (pieces, [dialect.whole("Hello")]):
                for stream in (True, False):
                    with self.subTest(str(dialect), body=body, stream=stream):
                        given = outcome(dialect, whole(body), stream=stream)
                        self.assertEqual(("Hello", None), (given.text, given.error))

    def test_no_answers(self) -> None:
        """Another array is none, however deep it is, and so is one that stops before the answer does."""
        piece = {"choices": [{"delta": {"content": "a"}}]}
        for body in (
            b"[]",
            b"[[1]]",
            b"[" * 950 + b"{}" + b"]" * 950,
            b"[" * 10_000 + b"{}" + b"]" * 10_000,
            b'["{}"]',
            json.dumps([piece, 1]).encode(),
        ):
            with self.subTest(body[:20]):
                given = outcome(OPENAI, whole(body))
                self.assertEqual(([], errors.ResponseError), (given.items, type(given.error)))
        given = outcome(OPENAI, whole([piece, piece]))
        self.assertEqual(("aa", "aa"), (given.text, given.error and given.error.partial))

    def test_null(self) -> None:
        """Null among objects is passed over; null in the arguments of a call is theirs."""
        call = {"function": {"name": "f", "arguments": {"a": [None]}}}
        for dialect, body in (
            (OPENAI, {"choices": [None, {"message": {"content": "a", "tool_calls": [None]}}, None]}),
            (ANTHROPIC, ANTHROPIC.whole("a") | {"content": [None, {"type": "text", "text": "a"}]}),
            (GEMINI, {"candidates": [None, {"content": {"parts": [None, {"text": "a"}]}, "finishReason": "STOP"}]}),
            (OLLAMA, {"message": {"content": "a", "tool_calls": [None]}, "done": True}),
        ):
            with self.subTest(str(dialect)):
                given = outcome(dialect, whole(body))
                self.assertEqual(("a", None), (given.text, given.error))
        given = outcome(OLLAMA, whole({"message": {"tool_calls": [call]}, "done": True}))
        self.assertEqual('{"a":[null]}', given.items[0].arguments)


class TestChoices(unittest.TestCase):
    """Where the text stands in a chat completion."""

    END = (FinishReason("stop"),)

    def test_message(self) -> None:
        """A message beside or instead of a delta is read, and nothing twice."""
        hello = {"role": "assistant", "content": "Hello"}
        first, last = {"content": "Hel"}, {"content": "lo"}
        for name, pieces in {
            "only a message": (choice(message=hello, finish_reason="stop"),),
            "no delta": (choice(message=hello, delta=None, finish_reason="stop"),),
            "an empty delta": (choice(message=hello, delta={"role": "assistant", "content": ""}), STOP),
            "pieces": (choice(message=first), choice(message=last), STOP),
            "a text that grows": (choice(message=first), choice(message=hello), choice(message=hello), STOP),
            "both": (
                choice(delta=first, message=first),
                choice(delta=last, message=hello),
                choice(delta={}, message=hello, finish_reason="stop"),
            ),
            "the whole at the end": (choice(delta=first), choice(delta=last), choice(message=hello), STOP),
            "with usage": (event({"choices": [{"message": hello, "finish_reason": "stop"}], "usage": {}}),),
            "text completions": (choice(index=0, text="Hel"), choice(index=0, text="lo", finish_reason="stop")),
        }.items():
            with self.subTest(name):
                self.assertEqual("Hello", "".join(item for item in openai(*pieces) if isinstance(item, str)))
        thought = {"reasoning": "hm"}
        given = openai(choice(delta=thought), choice(message=thought | hello, finish_reason="stop"))
        self.assertEqual([Reasoning("hm"), "Hello", FinishReason("stop")], given)

    def test_whole(self) -> None:
        """In a whole answer, the message counts, and a delta that has nothing does not."""
        for fields in (
            {"message": {"content": "Hello"}, "delta": {"content": ""}},
            {"message": None, "delta": {"content": "Hello"}},
            {"text": "Hello"},
            {"message": {"content": ["Hel", {"type": "output_text", "text": "lo"}]}},
        ):
            with self.subTest(fields):
                self.assertEqual(["Hello"], outcome(OPENAI, whole({"choices": [fields]}), stream=False).items)

    def test_several(self) -> None:
        """Of several choices the one with index 0 counts, in whatever order; a single one may have any index."""
        texts = [{"index": 1, "text": "X"}, {"index": 0, "text": "A"}, {"index": 1, "text": "Y"}]
        texts += [{"index": 0, "text": "B", "finish_reason": "stop"}]
        self.assertEqual(["A", "B", *self.END], openai(*(choice(**text) for text in texts)))
        self.assertEqual(["A", *self.END], openai(event({"choices": texts[:2]}), STOP))
        for index in (1, 7, None, "0", -1, "x", {}):
            with self.subTest(index=index):
                given = openai(choice(index=index, delta={"content": "A"}, finish_reason="stop"))
                self.assertEqual(["A", *self.END], given)
        bodies = [{"index": 1, "message": {"content": "X"}}, {"index": 0, "message": {"content": "A"}}]
        self.assertEqual(["A"], outcome(OPENAI, whole({"choices": bodies}), stream=False).items)
        self.assertEqual(["X"], outcome(OPENAI, whole({"choices": bodies[:1]}), stream=False).items)

    def test_errors(self) -> None:
        """An error within a choice, or beside one, is an error, with its words and all of the text."""
        told = {"message": "Worker limit", "code": 502}
        for name, last in {
            "within": choice(index=0, delta={"content": "lo"}, finish_reason="error", error=told),
            "within, no reason": choice(index=0, delta={"content": "lo"}, error=told),
            "beside": event({"choices": [{"index": 0, "delta": {"content": "lo"}}], "error": told}),
            "beside, at its end": event(
                {"choices": [{"delta": {"content": "lo"}, "finish_reason": "stop"}], "error": told}
            ),
        }.items():
            with self.subTest(name):
                error = outcome(OPENAI, said(OPENAI, OPENAI.text("Hel"), last, event("[DONE]"))).error
                self.assertIsInstance(error, errors.ServerError)
                self.assertIn("Worker limit", str(error))
                self.assertEqual("Hello", error.partial if error else "")

    def test_empty_errors(self) -> None:
        """An error that says nothing is none, in all protocols."""
        for empty in ("", {}, None, [], {"message": "", "code": None}):
            for dialect in DIALECTS:
                with self.subTest(empty, provider=str(dialect)):
                    given = outcome(dialect, whole(dialect.whole("Hello") | {"error": empty}), stream=False)
                    self.assertEqual((["Hello"], None), given[:2])

    def test_half_characters(self) -> None:
        """Halves of a character are joined across chunks; one alone becomes U+FFFD: in text, reasoning, arguments."""
        halves = (b'"\\ud83d"', b'"\\ude00"')
        for name, frame in {
            "text": b'{"content": %s}',
            "reasoning": b'{"reasoning_content": %s}',
            "arguments": b'{"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": %s}}]}',
        }.items():
            for pieces, expected in ((halves, "\U0001f600"), (halves[:1], "\ufffd"), (halves[1:], "\ufffd")):
                with self.subTest(name, pieces=pieces):
                    events = [b'data: {"choices": [{"delta": ' + frame % each + b"}]}\n\n" for each in pieces]
                    with Server(said(OPENAI, *events, STOP)) as server:
                        client = g4f.Client(base_url=server.url)
                        got = client.chat.completions.create("Hi", "m", stream=True)
                        deltas = [each.choices[0].delta for each in got]
                    calls = [call.function.arguments or "" for each in deltas for call in each.tool_calls or ()]
                    text = "".join([each.content or each.reasoning or "" for each in deltas] + calls)
                    self.assertEqual(expected, text)


class TestToolCalls(unittest.TestCase):
    """Which pieces belong to one call, however a server numbers them."""

    def calls(self, *pieces: tuple[Any, Any, str | None, Any], together: bool = False) -> list[tuple[str, str, str]]:
        """Return the calls that are made of pieces: (index, id, name, arguments); None is not sent."""
        sent = []
        for index, id_, name, arguments in pieces:
            function = {"name": name, "arguments": arguments}
            call = {
                "index": index,
                "id": id_,
                "function": {key: function[key] for key in function if function[key] is not None},
            }
            sent.append({key: value for key, value in call.items() if value is not None})
        lists = [sent] if together else [[call] for call in sent]
        given = openai(*(choice(index=0, delta={"tool_calls": each}) for each in lists), STOP)
        joined: dict[int, list[str]] = {}
        for item in given:
            if isinstance(item, ToolCall):
                call = joined.setdefault(item.index, ["", "", ""])
                call[:] = [call[0] or item.id, call[1] or item.name, call[2] + item.arguments]
        return [(id_, name, arguments) for id_, name, arguments in joined.values()]

    def test_numbers(self) -> None:
        """Each way of numbering gives the same two calls."""
        first, second = '{"a": 1}', '{"b": 2}'
        expected = [("x", "f", first), ("y", "g", second)]
        for name, pieces in {
            "right": ((0, "x", "f", ""), (0, None, None, first), (1, "y", "g", ""), (1, None, None, second)),
            "mixed": ((0, "x", "f", ""), (1, "y", "g", ""), (0, None, None, first), (1, None, None, second)),
            "all 0": ((0, "x", "f", first), (0, "y", "g", second)),
            "all 0, in pieces": ((0, "x", "f", ""), (0, "", None, first), (0, "y", "g", '{"b"'), (0, "", None, ": 2}")),
            "no number": ((None, "x", "f", ""), (None, None, None, first), (None, "y", "g", second)),
            "no number, ids again": (
                (None, "x", "f", '{"a"'),
                (None, "x", "f", ": 1}"),
                (None, "y", "g", ""),
                (None, "y", None, second),
            ),
            "no number behind the first": ((0, "x", "f", ""), (None, None, None, first), (1, "y", "g", second)),
            "one under two": ((0, "x", "f", '{"a"'), (1, "x", None, ": 1}"), (2, "y", "g", second)),
            "two without a name": ((0, "x", "f", '{"a"'), (1, None, None, ": 1}"), (2, "y", "g", second)),
            "numbers as text": (("0", "x", "f", first), ("1", "y", "g", second)),
            "from 5": ((5, "x", "f", first), (9, "y", "g", second)),
            "the name again": ((0, "x", "f", '{"a"'), (0, "x", "f", ": 1}"), (1, "y", "g", second)),
            "an end that repeats it": ((0, "x", "f", first), (0, "x", "f", ""), (1, "y", "g", second)),
        }.items():
            with self.subTest(name):
                self.assertEqual(expected, self.calls(*pieces))
                self.assertEqual(expected, self.calls(*pieces, together=True))

    def test_without_ids(self) -> None:
        """Whole calls that have neither numbers nor ids of their own, and one that has arguments as an object."""
        for index in (0, None):
            for names in ("fg", "ff"):
                with self.subTest(names, index=index):
                    given = self.calls((index, None, names[0], '{"a": 1}'), (index, None, names[1], '{"b": 2}'))
                    self.assertEqual([("", names[0], '{"a": 1}'), ("", names[1], '{"b": 2}')], given)
        self.assertEqual([("7", "f", '{"a":1}')], self.calls((0, 7, "f", {"a": 1})))
        same = (0, "call", "f", '{"a": 1}'), (0, "call", "f", '{"b": 2}')
        self.assertEqual([("call", "f", '{"a": 1}'), ("call", "f", '{"b": 2}')], self.calls(*same))

    def test_in_doubt(self) -> None:
        """A name that is another one begins a call, and so does an id with a name; an id alone within one does not."""
        other = (0, None, "f", ""), (0, None, "g", "{}")
        self.assertEqual([("", "f", ""), ("", "g", "{}")], self.calls(*other))
        named = (0, "x", "f", ""), (0, "y", "f", "{}")
        self.assertEqual([("x", "f", ""), ("y", "f", "{}")], self.calls(*named))
        for index in (0, None):
            changing = (0, "x", "f", '{"a"'), (index, "y", None, ": 1}")
            self.assertEqual([("x", "f", '{"a": 1}')], self.calls(*changing))
        nested = (0, None, "f", '{"a": '), (0, None, "f", '{"b": 1}}')
        self.assertEqual([("", "f", '{"a": {"b": 1}}')], self.calls(*nested))

    def test_former_form(self) -> None:
        """A `function_call`, which tools have replaced, is a call."""
        pieces = [{"name": "f", "arguments": ""}, {"arguments": '{"a"'}, {"arguments": ": 1}"}]
        given = openai(*(choice(delta={"function_call": piece}) for piece in pieces), STOP)
        self.assertEqual({0}, {item.index for item in given if isinstance(item, ToolCall)})
        self.assertEqual('{"a": 1}', "".join(item.arguments for item in given if isinstance(item, ToolCall)))
        self.assertEqual(FinishReason("tool_calls"), given[-1])

    def test_ollama(self) -> None:
        """Ollama's arguments may be text; what they say is the same."""
        for arguments in ({"a": 1}, '{"a":1}'):
            body = {"message": {"tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}, "done": True}
            with self.subTest(arguments), Server(whole(body)) as server:
                call = ask(server, "Ollama", stream=True).items[0]
                self.assertEqual('{"a":1}', call.arguments)


class TestBeside(unittest.TestCase):
    """What stands beside an answer does not cost it, and is given to the caller."""

    def test_counts(self) -> None:
        """Counts of tokens in any form: what is none is passed over, and no usage at all is none."""
        for counts, expected in (
            ((3, 5, 8), Usage(3, 5, 8)),
            ((3.0, "5", 8.4), Usage(3, 5, 8)),
            ((3, 5, None), Usage(3, 5, 8)),
            ((-1, 5, "many"), Usage(0, 5, 5)),
            ((-1, None, {}), None),
        ):
            names = ("prompt_tokens", "completion_tokens", "total_tokens")
            with self.subTest(counts):
                given = openai(
                    event({"choices": [], "usage": dict(zip(names, counts, strict=True))}), OPENAI.text("a"), STOP
                )
                self.assertEqual([expected] if expected else [], [item for item in given if isinstance(item, Usage)])
        for usage in (
            {"input_tokens": 3, "output_tokens": 5},
            {"prompt_tokens": 3, "input_tokens": 9, "output_tokens": 5},
        ):
            with self.subTest(usage):
                self.assertIn(Usage(3, 5, 8), openai(OPENAI.text("a"), STOP, event({"choices": [], "usage": usage})))
        for usage in (1, "x", [], [{}], {"prompt_tokens_details": [1]}):
            with self.subTest(usage):
                self.assertEqual(["a", FinishReason("stop")], openai(OPENAI.text("a"), event({"usage": usage}), STOP))
        end = {"message": {"content": "a"}, "done": True, "prompt_eval_count": 3.0, "eval_count": 4.6}
        self.assertIn(Usage(3, 5, 8), outcome(OLLAMA, whole(end)).items)

    def test_logprobs(self) -> None:
        """What was asked for arrives: of chat and text completions, and of Ollama; a half character is none."""
        token = {"token": "a", "logprob": -0.5, "top_logprobs": [{"token": "b", "logprob": -1.0}]}
        for fields in (
            {"delta": {"content": "a"}, "logprobs": {"content": [token]}},
            {"message": {"content": "a"}, "logprobs": {"content": [token], "refusal": None}},
        ):
            with self.subTest(fields):
                given = openai(choice(**fields), STOP, logprobs=True, top_logprobs=1)
                self.assertEqual(["a", Logprobs([token]), FinishReason("stop")], given)
        old = {"text": "a", "logprobs": {"tokens": ["a"], "token_logprobs": [-0.5]}}
        self.assertEqual(Logprobs([{"token": "a", "logprob": -0.5}]), openai(choice(**old), STOP)[1])
        end = {"message": {"content": "a"}, "logprobs": [token], "done": True}
        self.assertEqual(Logprobs([token]), outcome(OLLAMA, whole(end), logprobs=True).items[1])
        half = (
            b'data: {"choices": [{"delta": {}, "logprobs": {"content": [{"token": "\\ud83d", "logprob": NaN}]}}]}\n\n'
        )
        kept = openai(half, OPENAI.text("a"), STOP)[0]
        self.assertEqual("\ufffd", kept.content[0]["token"])
        for odd in ({"content": None}, [], {"content": {}}, {"content": [1]}, "x"):
            with self.subTest(odd):
                given = openai(choice(delta={"content": "a"}, logprobs=odd), STOP)
                self.assertEqual(["a", FinishReason("stop")], given)
        for token in (None, 5, ["a"]):
            with self.subTest(token=token):
                odd = [{"token": token, "logprob": -0.5}]
                given = openai(choice(delta={"content": "a"}, logprobs={"content": odd}), STOP)
                self.assertEqual(["a", Logprobs(odd), FinishReason("stop")], given)

    def test_counts_of_a_failure(self) -> None:
        """Tokens that a server counted before it failed, or was cut off, are given."""
        begin = event({"type": "message_start", "message": {"usage": {"input_tokens": 9}}})
        gemini = event({"candidates": [{"content": {"parts": []}}], "usageMetadata": {"promptTokenCount": 9}})
        for dialect, first in ((ANTHROPIC, begin), (GEMINI, gemini)):
            for last in (dialect.error, b""):
                with self.subTest(str(dialect), last=last):
                    given = outcome(dialect, chunked(first, dialect.text("a"), last))
                    self.assertEqual(["a", Usage(9, 0, 9)], given.items)
                    self.assertIsNotNone(given.error)

    def test_names(self) -> None:
        """The server's names for its model and for the answer are given, whole and streamed, in each protocol."""
        for dialect, fields in (
            (OPENAI, {"model": "served", "id": "x1"}),
            (GEMINI, {"modelVersion": "served", "responseId": "x1"}),
            (ANTHROPIC, {"model": "served", "id": "x1"}),
        ):
            body = dialect.whole("Hello") | fields
            first = {"type": "message_start", "message": fields} if dialect is ANTHROPIC else fields
            streamed = chunked(event(first), dialect.text("Hello"), dialect.end)
            for answer in (whole(body), streamed):
                with self.subTest(str(dialect), answer=answer[0]), Server(answer) as server:
                    items = ask(server, dialect, stream=True).items
                    self.assertEqual(ProviderInfo(dialect.provider, "served", "x1"), items[0])
                    self.assertEqual(1, sum(isinstance(item, ProviderInfo) for item in items))
        reader = OpenAIReader(Target("OpenAI", "m", (), ""))
        reads = [reader.feed([b'{"model": "served", "choices": []}']) for _ in range(2)]
        self.assertEqual([[ProviderInfo("OpenAI", "served")], []], reads)
        with Server(whole(OPENAI.whole("Hello") | {"model": "m" * 5000, "id": "x\n" * 5000})) as server:
            info = ask(server, "OpenAI", stream=True).items[0]
            self.assertEqual(("m" * 200, 200), (info.model, len(info.id)))
        for odd in ({"model": 1, "id": []}, {"model": "", "id": None}):
            with self.subTest(odd), Server(whole(OPENAI.whole("Hello") | odd)) as server:
                self.assertEqual("Hello", ask(server, "OpenAI", stream=True).items[0])
        with Server(whole(OPENAI.whole("Hello") | {"model": "/models/a b.gguf"})) as server:
            self.assertEqual("a b.gguf", ask(server, "OpenAI", stream=True).items[0].model)

    def test_parts_that_are_no_text(self) -> None:
        """Beside text they are noted; alone they are an error that says what to do."""
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
        for provider, body in (
            ("OpenAI", {"choices": [{"message": {"content": "a", "images": [image]}, "finish_reason": "stop"}]}),
            ("OpenAI", {"choices": [{"message": {"content": [{"type": "text", "text": "a"}, image]}}]}),
            ("Gemini", _candidate({"text": "a"}, {"inlineData": {"mimeType": "image/png", "data": "AA"}})),
            ("Gemini", _candidate({"text": "a"}, {"fileData": {"mimeType": "image/png", "fileUri": "gs://a"}})),
            ("Ollama", {"message": {"content": "a", "images": ["AA"]}, "done": True}),
            ("Anthropic", {"content": [{"type": "text", "text": "a"}, {"type": "image"}], "stop_reason": "end_turn"}),
        ):
            with self.subTest(provider, body=body):
                self.assertEqual(["a", Omitted("an image")], outcome(provider, whole(body)).items[:2])
                alone = json.loads(json.dumps(body).replace('"a"', '""'))
                error = outcome(provider, whole(alone)).error
                self.assertIn("answered with what is no text, such as an image: ask for text", str(error))
        spoken = {"choices": [{"message": {"content": None, "audio": {"data": "AA", "transcript": "Hello"}}}]}
        self.assertEqual(["Hello"], outcome(OPENAI, whole(spoken), stream=False).items)
        code = {"executableCode": {"language": "PYTHON", "code": "1 + 1"}}
        given = outcome(
            GEMINI, whole(_candidate(code, {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}}))
        )
        self.assertEqual("\n```python\n1 + 1\n```\n\n```\n2\n```\n", given.text)

    def test_usage_of_an_address(self) -> None:
        """The server of an address is asked to count; where it refuses that, it is asked without."""

        def strict(request: Any) -> Answer:
            if "stream_options" in request.json:
                return whole({"error": {"message": "Extra inputs are not permitted"}}, 422)
            return chunked(OPENAI.text("a"), OPENAI.end)

        with Server(strict) as server:
            self.assertEqual("a", next(g4f.ChatCompletion.create("m", "Hi", base_url=server.url, stream=True)))
            self.assertEqual([True, False], ["stream_options" in request.json for request in server.requests])
        for status, tries in ((400, 2), (401, 1), (404, 1)):
            with self.subTest(status), Server(whole({"error": "No"}, status)) as server:
                with self.assertRaises(errors.G4FError):
                    list(g4f.ChatCompletion.create("m", "Hi", base_url=server.url, stream=True))
                self.assertEqual(tries, len(server.requests))
        with Server(strict) as server, self.assertRaises(errors.BadRequestError):
            list(g4f.ChatCompletion.create("m", "Hi", base_url=server.url, stream=True, stream_options={}))

    def test_what_is_done_anyway(self) -> None:
        """An option that asks for what is done anyway is not sent where it would be refused."""
        anyway = {
            "logprobs": False,
            "n": 1,
            "parallel_tool_calls": True,
            "response_format": {"type": "text"},
            "stream_options": {"include_usage": True},
            "tool_choice": "auto",
        }
        sent_anyway = {OPENAI: {"logprobs", "n", "response_format"}, OLLAMA: {"logprobs"}}
        for dialect in DIALECTS:
            with self.subTest(str(dialect)), Server(whole(dialect.whole("Hello"))) as server:
                given = {"base_url": server.url.removesuffix("/v1"), "api_key": "k" * 9, **anyway}
                self.assertEqual(
                    "Hello", g4f.ChatCompletion.create("m", "Hi", dialect.provider, **given, **dialect.options)
                )
                sent = json.dumps(server.requests[0].json)
                for name in anyway.keys() - sent_anyway.get(dialect, set()):
                    self.assertNotIn(f'"{name}"', sent)


def _candidate(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts)}, "finishReason": "STOP"}]}


if __name__ == "__main__":
    unittest.main()
