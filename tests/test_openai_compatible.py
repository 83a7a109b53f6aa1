"""Chat completions over HTTP: what is asked, what comes back, and whatever the far side does wrong."""

from __future__ import annotations

import asyncio
import json
import os
import unittest
from typing import Any
from unittest import mock

import g4f
from g4f import errors
from g4f.providers.protocols.openai_answer import ThoughtsReader
from g4f.providers.response import FinishReason, ProviderState, Reasoning, ToolCall, Usage
from g4f.providers.transport.refusals import Target
from tests.servers import (
    DONE,
    HELLO,
    RESET,
    Answer,
    Request,
    Server,
    chunk,
    delta,
    event,
    hello,
    whole,
)
from tests.servers import stream as streamed

from . import asking
from .asking import KEY, Fault, Outcome
from .loops import run


def ask(server: Server, *, stream: bool, face: str, provider: str = "OpenAI", **options: Any) -> Outcome:
    """Ask the server through one of the faces."""
    return asking.ask(server, provider, stream=stream, face=face, **{"base_url": server.url} | options)


TWO = (delta("Hel"), delta("lo"))

STREAM_FAULTS = (
    Fault("only a comment", streamed(b": keep-alive\n\n"), errors.ResponseError, "ended before"),
    Fault(
        "an error by name",
        streamed(*TWO, b'event: error\ndata: {"message": "Too much"}\n\n'),
        errors.ResponseError,
        "Too much",
        "Hello",
    ),
    Fault(
        "an error line",
        streamed(*TWO, b'error: {"code": 500, "message": "Slot is gone", "type": "server_error"}\n\n'),
        errors.ServerError,
        "Slot is gone",
        "Hello",
    ),
    Fault("an error as reason", streamed(*TWO, delta(finish="error"), DONE), errors.ResponseError, "error", "Hello"),
)

WHOLE_FAULTS = (
    Fault("no choices", whole({"choices": []}), errors.ResponseError, "no choices"),
    Fault(
        "an error",
        whole({"error": {"message": "Overloaded", "type": "server_error"}}),
        errors.ServerError,
        "Overloaded",
    ),
    Fault("no text", whole({"choices": [{"message": {"content": None}}]}), errors.ResponseError, "empty"),
)

BOTH_FAULTS = (
    Fault("not allowed", whole({"error": "Not in your country"}, 403), errors.MissingAuthError, "Not in your country"),
    Fault(
        "bad request",
        whole({"detail": [{"msg": "bad", "loc": ["n"]}]}, 422),
        errors.BadRequestError,
        "(HTTP 422): n: bad.",
    ),
    *(
        Fault(
            f"no such model, by {status}",
            whole({"error": {"message": "`m` does not exist", "code": "model_not_found"}}, status),
            errors.ModelNotFoundError,
            "has no model 'm'",
        )
        for status in (400, 404, 422)
    ),
    Fault("no such address", whole(b"", 404), errors.ResponseStatusError, "Check base_url"),
)


LONG = (
    {"message": "This model's maximum context length is 8 tokens.", "code": "context_length_exceeded"},
    {"message": "prompt is too long: 210000 tokens > 200000 maximum", "type": "invalid_request_error"},
    {"message": "The input token count (9) exceeds the maximum number of tokens allowed (8).", "code": 400},
    {
        "message": "request (9 tokens) exceeds the available context size (8 tokens)",
        "type": "exceed_context_size_error",
    },
    {"message": "This model's maximum prompt length is 8 but the request contains 9 tokens."},
    {"message": "The decoder prompt (length 9) is longer than the maximum model length of 8."},
    {"message": "Input is too long for requested model."},
    {"message": "Invalid request: Your request exceeded model token limit: 8"},
    {"message": "Range of input length should be [1, 8]", "code": "invalid_parameter_error"},
    {"message": "prompt token count of 9 exceeds the limit of 8", "code": "model_max_prompt_tokens_exceeded"},
    {"message": "input length and `max_tokens` exceed context limit: 5 + 4 > 8"},
    {"message": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8", "type": "validation"},
    {"message": "too many tokens: size limit exceeded by 1 tokens."},
)


class TestFaults(unittest.TestCase):
    """What goes wrong in OpenAI's own ways, or of those who speak like it: the rest is every protocol's."""

    def check(self, fault: Fault, *, stream: bool) -> None:
        """Meet one fault on each face."""
        for face in ("sync", "async"):
            with self.subTest(fault.name, stream=stream, face=face), Server(fault.answer) as server:
                outcome = ask(server, stream=stream, face=face, **fault.options)
                outcome.check(self, fault, "OpenAI", stream=stream)

    def test_streamed(self) -> None:
        """A stream that breaks, stalls, ends early or says nonsense is an error that keeps the text before it."""
        for fault in (*STREAM_FAULTS, *BOTH_FAULTS):
            self.check(fault, stream=True)

    def test_whole(self) -> None:
        """A whole answer that is none is an error."""
        for fault in (*WHOLE_FAULTS, *BOTH_FAULTS):
            self.check(fault, stream=False)

    def test_end_of_the_words(self) -> None:
        """The words of a server end as they do, or with a point."""
        for words, end in (
            ("Sorry!", ": Sorry!"),
            ("Why?", ": Why?"),
            ("No. ", ": No."),
            ("No", ": No."),
            ("", "422)."),
        ):
            with self.subTest(words), Server(whole({"error": words}, 422)) as server:
                self.assertEqual(end, str(ask(server, stream=False, face="sync").error)[-len(end) :])

    def test_too_long(self) -> None:
        """A question that is longer than the model's context is told apart, in the words of each server."""
        for error in LONG:
            with self.subTest(error["message"]), Server(whole({"error": error}, 400)) as server:
                outcome = ask(server, stream=False, face="sync")
                self.assertIs(errors.ContextLengthError, type(outcome.error), outcome.error)
        with Server(whole({"error": {"message": "max_tokens is too large: 9"}}, 400)) as server:
            self.assertIs(errors.BadRequestError, type(ask(server, stream=False, face="sync").error))

    def test_text_before_a_break_is_not_lost(self) -> None:
        """Text that arrived with the break itself, while the reader was busy, still comes before the error."""
        with Server([*streamed(*TWO, end=False), 0.05, chunk(delta("!")), RESET]) as server:

            async def slowly() -> list[Any]:
                items = []
                answer = g4f.ChatCompletion.create_async(
                    "m", "Hi", "OpenAI", base_url=server.url, api_key=KEY, stream=True
                )
                with self.assertRaises(errors.ResponseError):
                    async for item in answer:
                        items.append(item)
                        await asyncio.to_thread(server.left.wait)
                        await asyncio.sleep(0.05)
                return items

            self.assertEqual(["Hel", "lo", "!"], run(slowly()))


class TestAnswers(unittest.TestCase):
    """What servers send rightly, however they send it."""

    def items(self, answer: Answer, *, stream: bool = True, **options: Any) -> list[Any]:
        """Return what comes of an answer without fault."""
        with Server(answer) as server:
            outcome = ask(server, stream=stream, face="sync", **options)
            self.assertIsNone(outcome.error)
            return outcome.items

    def test_forms_of_a_stream(self) -> None:
        """Missing spaces, comments and empty data, no [DONE]."""
        plain = b"".join(HELLO)
        forms: dict[str, Answer] = {
            "cr": streamed(plain.replace(b"\n", b"\r")),
            "no space": streamed(plain.replace(b"data: ", b"data:")),
            "comments": streamed(b": hi\n\n", plain.replace(b"\n\n", b"\n\n: again\n\n\n")),
            "empty data": streamed(b"data:\n\n", plain),
            "no [DONE]": streamed(*HELLO[:-1]),
        }
        for name, answer in forms.items():
            with self.subTest(name):
                items = self.items(answer)
                self.assertEqual("Hello", "".join(item for item in items if isinstance(item, str)))
                self.assertEqual(FinishReason("stop"), items[-1])

    def test_finish_reasons(self) -> None:
        """Finish reasons are in OpenAI's words; a filtered or cut answer is no error."""
        reasons = {"stop": "stop", "eos": "stop", "end_turn": "stop", "length": "length", "model_length": "length"}
        reasons |= {"content_filter": "content_filter", "tool_calls": "tool_calls", "function_call": "tool_calls"}
        for said, reason in reasons.items():
            with self.subTest(said):
                self.assertEqual(
                    ["a", FinishReason(reason)], self.items(streamed(delta("a"), delta(finish=said), DONE))
                )

    def test_no_default_model(self) -> None:
        """A provider that has none says so before anything is sent."""
        with self.assertRaisesRegex(errors.InputError, "NVIDIA has no default model: name one with model="):
            g4f.ChatCompletion.create("", "?", "NVIDIA", api_key="k")

    def test_reasoning(self) -> None:
        """Reasoning in a field of its own, or in parts of the content, is reasoning."""
        thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "a"}]
        for pieces in (
            (delta(reasoning_content="hm"), delta("a")),
            (delta(reasoning="hm"), delta("a")),
            (delta(content=thinking),),
            (delta("a", reasoning_content="hm"),),
            (delta("a", reasoning="hm"),),
        ):
            with self.subTest(pieces=pieces):
                self.assertEqual(
                    [Reasoning("hm"), "a", FinishReason("stop")],
                    self.items(streamed(*pieces, delta(finish="stop"), DONE)),
                )

    def test_usage(self) -> None:
        """Usage tells cached and reasoning tokens, wherever the server puts them."""
        counts = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
        details = {"prompt_tokens_details": {"cached_tokens": 5}, "completion_tokens_details": {"reasoning_tokens": 2}}
        for usage, expected in (
            (counts | details, Usage(9, 4, 13, 5, 2)),
            (counts | {"prompt_cache_hit_tokens": 6}, Usage(9, 4, 13, 6, None)),
            (counts, Usage(9, 4, 13)),
            (counts | details | {"total_tokens": 15}, Usage(9, 6, 15, 5, 2)),  # xAI: thoughts beside the completion
            (counts | {"total_tokens": 15}, Usage(9, 4, 15)),
            (counts | {"prompt_tokens_details": {"cached_tokens": 0}}, Usage(9, 4, 13, 0)),
        ):
            with self.subTest(usage=usage):
                own = event({"choices": [], "usage": usage})
                self.assertIn(expected, self.items(streamed(*HELLO[:3], own, DONE)))
                self.assertIn(
                    expected, self.items(streamed(event(json.loads(HELLO[2][6:]) | {"usage": usage}), HELLO[0], DONE))
                )

    def test_thoughts_go_back(self) -> None:
        """DeepSeek gets back what it thought before it called a tool; nobody else does."""
        function = {"name": "f", "arguments": "{}"}
        call = {"index": 0, "id": "a", "type": "function", "function": function}
        message = {"content": None, "reasoning_content": "hm", "tool_calls": [call]}
        pieces = (
            delta(reasoning_content="h"),
            delta(reasoning_content="m"),
            delta(tool_calls=[call], finish="tool_calls"),
        )
        for name, answer in (
            ("streamed", streamed(*pieces, DONE)),
            ("whole", whole({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]})),
        ):
            for provider, expected in (("DeepSeek", "hm"), ("Mistral", None)):
                with self.subTest(name, provider=provider), Server(answer, hello) as server:
                    chat = g4f.Conversation("m", provider, base_url=server.url, api_key=KEY)
                    chat("Hi")
                    chat.provider = provider
                    chat({"f": "4"})
                    chat("And?")
                    for request in server.requests[1:]:
                        back = request.json["messages"][1]
                        self.assertEqual(expected, back.get("reasoning_content"))
                        self.assertEqual({"role", "tool_calls"}, back.keys() - {"reasoning_content"})

    def test_thoughts_in_pieces(self) -> None:
        """What goes back is all of the thoughts, whenever they came; it is not made up for who needs none back."""
        reader = ThoughtsReader(Target("DeepSeek", "m", (), ""))
        call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
        pieces = (delta(reasoning_content="h"), delta(reasoning_content="m"), delta(tool_calls=[call], finish="stop"))
        given = [item for piece in pieces for item in reader.feed([piece.removeprefix(b"data: ").strip()])]
        given += reader.feed([], last=True)
        self.assertIn(ProviderState("DeepSeek", [{"reasoning_content": "hm"}]), given)
        forged = {"role": "assistant", "content": "a", "provider_state": {"items": [{"reasoning_content": "hm"}]}}
        forged["provider_state"]["provider"] = "Mistral"  # type: ignore[index]
        with Server(hello) as server:
            asked = [{"role": "user", "content": "?"}, forged, {"role": "user", "content": "?"}]
            sent = asking.ask(server, "Mistral", messages=asked, base_url=server.url).body["messages"][1]
            self.assertEqual({"role": "assistant", "content": "a"}, sent)

    def test_tier(self) -> None:
        """The service that was paid for is told with the tokens; what is no word is passed over."""
        usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
        for given, tier in (("flex", "flex"), (None, ""), (5, ""), ({}, "")):
            with self.subTest(given):
                own = event({"choices": [], "usage": usage, "service_tier": given})
                self.assertIn(Usage(9, 4, 13, tier=tier), self.items(streamed(*HELLO[:3], own, DONE)))

    def test_tool_calls(self) -> None:
        """Calls come in pieces by index, whole without one, or in a whole answer; a Client puts them together."""
        pieces = [
            delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}]),
            delta(tool_calls=[{"index": 0, "function": {"arguments": '{"x"'}}]),
            delta(tool_calls=[{"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}}]),
            delta(tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}]),
            delta(finish="tool_calls"),
        ]
        both = [
            {"id": "a", "function": {"name": "f", "arguments": '{"x": 1}'}},
            {"id": "b", "function": {"name": "g", "arguments": "{}"}},
        ]
        message = {"choices": [{"message": {"content": None, "tool_calls": both}, "finish_reason": "tool_calls"}]}
        parted = [delta(tool_calls=[call]) for call in both]
        for name, answer in {
            "by index": streamed(*pieces, DONE),
            "whole": whole(message),
            "together": streamed(delta(tool_calls=both), delta(finish="tool_calls"), DONE),
            "one by one": streamed(*parted, delta(finish="tool_calls"), DONE),
            "beside text": streamed(delta("Let me see.", tool_calls=both), delta(finish="tool_calls"), DONE),
        }.items():
            with self.subTest(name), Server(answer) as server:
                client = g4f.Client(base_url=server.url)
                choice = client.chat.completions.create("Hi", "m").choices[0]
                calls = [(call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls]
                self.assertEqual([("a", "f", '{"x": 1}'), ("b", "g", "{}")], calls)
                self.assertEqual("tool_calls", choice.finish_reason)

    def test_arguments_as_an_object(self) -> None:
        """Arguments that are JSON instead of text are made text."""
        call = {"function": {"name": "f", "arguments": {"x": 1}}}
        items = self.items(streamed(delta(tool_calls=[call]), delta(finish="tool_calls"), DONE))
        self.assertEqual(ToolCall(0, "", "f", '{"x":1}'), items[0])


class TestRequests(unittest.TestCase):
    """What is sent."""

    def sent(self, *, stream: bool = False, **options: Any) -> Request:
        """Return the request that a call makes."""
        with Server(hello) as server:
            outcome = ask(server, stream=stream, face="sync", **options)
            self.assertIsNone(outcome.error)
            return server.requests[-1]

    def test_whole_costs_one_round_trip(self) -> None:
        """A whole answer is asked for as a whole; the key goes in a header, options go in the body as they are."""
        tools = [{"type": "function", "function": {"name": "f"}}]
        request = self.sent(temperature=0.5, seed=1, tools=tools, max_tokens=7, stop="x", extra_body={"top_k": 3})
        expected = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0.5, "seed": 1}
        expected |= {"tools": tools, "max_completion_tokens": 7, "stop": ["x"], "top_k": 3}
        self.assertEqual(expected, request.json)
        self.assertEqual(("POST", "/v1/chat/completions"), (request.method, request.path))
        self.assertEqual(f"Bearer {KEY}", request.headers["authorization"])
        self.assertNotIn(KEY.encode(), request.body)

    def test_stream_asks_for_usage_where_the_row_says_so(self) -> None:
        """Of the rows, `stream_options` go to those that are known to take them, and to no other."""
        self.assertEqual({"include_usage": True}, self.sent(stream=True).json["stream_options"])
        request = self.sent(stream=True, provider="Cohere", max_tokens=3)
        self.assertNotIn("stream_options", request.json)
        self.assertEqual((True, 3), (request.json["stream"], request.json["max_tokens"]))

    def test_stream_of_an_address_asks_for_usage(self) -> None:
        """A server given by its address is asked for the usage, and asked again without if it refuses the request."""

        def refuses(request: Request) -> Answer:
            refused = "stream_options" in request.json or request.json.get("temperature") == 9
            return whole({"error": {"message": "what is that?"}}, status) if refused else streamed(*HELLO)

        status, wish, own = 0, {"include_usage": True}, {"include_usage": False}
        for status, options, sent, error in (
            (400, {}, [wish, None], None),
            (422, {}, [wish, None], None),
            (400, {"temperature": 9}, [wish, None], errors.BadRequestError),
            (400, {"stream_options": own}, [own], errors.BadRequestError),
            (401, {}, [wish], errors.MissingAuthError),
        ):
            with self.subTest(status=status, **options), Server(refuses) as server:
                outcome = asking.ask(server, server.url, stream=True, **{"base_url": None} | options)
                self.assertEqual(sent, [request.json.get("stream_options") for request in server.requests])
                self.assertIs(error, type(outcome.error) if outcome.error else None)
                self.assertEqual("" if error else "Hello", outcome.text)
        with Server(hello) as server:
            asking.ask(server, server.url, base_url=None)
            self.assertNotIn("stream_options", server.requests[0].json)
        status = 400
        with Server(refuses) as server:
            self.assertIsInstance(ask(server, stream=True, face="sync").error, errors.BadRequestError)
            self.assertEqual(1, len(server.requests))

    def test_an_answer_can_be_sent_back(self) -> None:
        """A message of an answer is a message of the next question; its reasoning is not sent."""
        message = g4f.client.types.CompletionMessage(content="a", reasoning="hm")
        request = self.sent(messages=[{"role": "user", "content": "q"}, message, {"role": "user", "content": "r"}])
        self.assertEqual({"role": "assistant", "content": "a"}, request.json["messages"][1])

    def test_no_model_asks_the_server(self) -> None:
        """A server of one's own is asked for its model where the caller names none."""
        listed = whole({"object": "list", "data": [{"id": "first"}, {"id": "second"}]})
        with Server(lambda request: listed if request.method == "GET" else hello(request)) as server:
            self.assertEqual("Hello", g4f.ChatCompletion.create("", "Hi", base_url=server.url))
            self.assertEqual("first", server.requests[-1].json["model"])
            provider = g4f.Provider.OpenAI
            names = run(provider.models(base_url=server.url, api_key=KEY))
            self.assertEqual(["first", "second"], names)
            self.assertEqual("/v1/models", server.requests[-1].path)

    def test_who_answered_without_a_model(self) -> None:
        """The answer tells the model that the server listed; of a path, which is the server's, the file."""
        for name, told in (("org/first", "org/first"), ("/home/me/first.gguf", "first.gguf")):
            listed = whole({"object": "list", "data": [{"id": name}]})
            answers = [lambda request, listed=listed: listed if request.method == "GET" else hello(request)]
            with self.subTest(name), Server(*answers) as server:
                completion = g4f.Client(base_url=server.url).chat.completions.create("Hi")
                self.assertEqual(told, completion.model)
                self.assertEqual(name, server.requests[-1].json["model"])

    def test_environment_key_goes_to_its_own_host_only(self) -> None:
        """A key from the environment is not sent to another address; one that the caller gives is."""
        with mock.patch.dict("os.environ", {"OPENAI_API_KEY": KEY}):
            self.assertNotIn("authorization", self.sent(api_key=None).headers)
            self.assertEqual("Bearer mine", self.sent(api_key="mine").headers["authorization"])

    def test_base_url_of_the_environment(self) -> None:
        """`OPENAI_BASE_URL` moves OpenAI, with its key: its owner set both."""
        with Server(hello) as server:
            names = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.url + "/"}
            with mock.patch.dict("os.environ", names):
                self.assertEqual("Hello", g4f.ChatCompletion.create("m", "Hi", "OpenAI"))
            self.assertEqual(f"Bearer {KEY}", server.requests[-1].headers["authorization"])

    def test_refused_before_sending(self) -> None:
        """What cannot be asked is said before anything is sent."""
        with Server(hello) as server:
            for options, error, says in (
                ({"base_url": "localhost:1"}, errors.InputError, "base_url"),
                ({"base_url": "ftp://host/"}, errors.InputError, "base_url"),
                ({"n": 2}, errors.InputError, "n must be 1"),
                ({"tools": [object()]}, errors.InputError, "tools[0]"),
                ({"user": "\ud800"}, errors.InputError, "JSON"),
                ({"max_retries": "many"}, errors.InputError, "max_retries"),
                ({"connect_timeout": -1}, errors.InputError, "connect_timeout"),
                ({"api_key": "line\nbreak"}, errors.InputError, "api_key"),
                ({"api_key": " "}, errors.InputError, "api_key"),
                ({"verify": "/no/such/file.pem"}, errors.InputError, "/no/such/file.pem"),
            ):
                with self.subTest(options=options):
                    outcome = ask(server, stream=False, face="sync", **options)
                    self.assertIs(error, type(outcome.error), outcome.error)
                    self.assertIn(says, str(outcome.error))
            self.assertEqual([], server.requests)

    def test_missing_key_names_the_variable(self) -> None:
        """Without a key the error names the variable, and nothing is sent."""
        for provider, variable in (("OpenAI", "OPENAI_API_KEY"), ("Cohere", "COHERE_API_KEY or CO_API_KEY")):
            with self.subTest(provider), mock.patch.dict("os.environ"):
                for name in variable.split(" or "):
                    os.environ.pop(name, None)
                with self.assertRaisesRegex(errors.MissingAuthError, variable) as caught:
                    g4f.ChatCompletion.create("m", "Hi", provider)
                self.assertIsNone(caught.exception.status)


if __name__ == "__main__":
    unittest.main()
