"""Ollama's own chat: what is asked, what comes back, and where its server is."""

from __future__ import annotations

import json
import os
import unittest
from typing import Any
from unittest import mock

import g4f
from g4f import errors
from g4f.providers.access import address, missing
from g4f.providers.catalogue import find
from g4f.providers.response import FinishReason, Item, ProviderInfo, Reasoning, ToolCall, Usage

from .loops import run
from .servers import HANG, Answer, Request, Server, whole
from .servers import stream as chunked

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
TAGS = {
    "models": [
        {"name": "embed:latest", "capabilities": ["embedding"]},
        {"name": "first:1b", "capabilities": ["completion"]},
        {"name": "second:latest"},
    ]
}


def said(content: str = "", *, done: bool = False, **more: Any) -> dict[str, Any]:
    """Return a line of an answer; what `more` has goes beside the message, but for its own fields."""
    own = {name: more.pop(name) for name in ("thinking", "tool_calls") if name in more}
    return {"model": "m", "message": {"role": "assistant", "content": content} | own, "done": done} | more


def streamed(*lines: dict[str, Any]) -> Answer:
    """Return a stream of JSON lines."""
    pieces = [json.dumps(line).encode() + b"\n" for line in lines]
    return chunked(*pieces, **{"Content-Type": "application/x-ndjson"})


END = said(done=True, done_reason="stop")


def url(server: Server) -> str:
    """Return the server's address, which has no path here."""
    return server.url.removesuffix("/v1")


def items(answer: Answer, **options: Any) -> list[Item]:
    """Return the items of a streamed answer, but for the server's name for its model."""
    with Server(answer) as server:
        given = {"base_url": url(server), "max_retries": 0, **options}
        answered = g4f.ChatCompletion.create("m", "Hi", "Ollama", stream=True, **given)
        return [item for item in answered if not isinstance(item, ProviderInfo)]


def sent(messages: Any = "Hi", *, stream: bool = False, **options: Any) -> Any:
    """Return the body of the request that a call makes."""
    with Server(streamed(said("Hello"), END)) as server:
        answer = g4f.ChatCompletion.create("m", messages, "Ollama", base_url=url(server), stream=stream, **options)
        list(answer)
        assert server.requests[0].path == "/api/chat"
        return server.requests[0].json


class TestRequests(unittest.TestCase):
    """What is sent."""

    def refused(self, says: str, messages: Any = "Hi", **options: Any) -> None:
        """Check that a call is refused in one line, and nothing sent."""
        with Server(streamed(END)) as server:
            with self.assertRaises(errors.InputError) as caught:
                g4f.ChatCompletion.create("m", messages, "Ollama", base_url=url(server), **options)
            self.assertIn(says, str(caught.exception))
            self.assertNotIn("\n", str(caught.exception))
            self.assertEqual([], server.requests)

    def test_plain(self) -> None:
        """A question is its messages; whether it is streamed is said, because a stream is the default there."""
        for stream in (False, True):
            self.assertEqual(
                {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": stream}, sent(stream=stream)
            )

    def test_options(self) -> None:
        """The model's options stand in `options`, in Ollama's words; those of the request beside it."""
        body = sent(
            temperature=0.5,
            top_p=0.9,
            top_k=3,
            seed=1,
            stop="x",
            max_tokens=7,
            presence_penalty=0.1,
            frequency_penalty=0.2,
            num_ctx=8192,
            options={"min_p": 0.05, "top_k": 4},
            keep_alive="10m",
            think=True,
            extra_body={"truncate": False},
        )
        own = {"temperature": 0.5, "top_p": 0.9, "top_k": 4, "seed": 1, "stop": ["x"], "num_predict": 7}
        own |= {"presence_penalty": 0.1, "frequency_penalty": 0.2, "num_ctx": 8192, "min_p": 0.05}
        self.assertEqual(own, body["options"])
        self.assertEqual(("10m", True, False), (body["keep_alive"], body["think"], body["truncate"]))
        self.assertEqual({"model", "messages", "stream", "options", "keep_alive", "think", "truncate"}, set(body))
        self.refused("options must be a dict", options=[1])

    def test_structured_output(self) -> None:
        """A schema is the format itself, a JSON object the word "json"."""
        schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
        for wanted, expected in (
            ({"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}, schema),
            ({"type": "json_object"}, "json"),
            ({"type": "text"}, None),
        ):
            with self.subTest(wanted=wanted):
                self.assertEqual(expected, sent(response_format=wanted).get("format"))
        self.assertEqual(schema, sent(format=schema)["format"])
        for wrong in ({"type": "json_schema"}, {"type": "xml"}, "json"):
            with self.subTest(wrong=wrong):
                self.refused("response_format must be", response_format=wrong)

    def test_reasoning_effort(self) -> None:
        """OpenAI's words for the effort are `think`."""
        for effort, think in (("none", False), ("minimal", "low"), ("medium", "medium"), ("xhigh", "max")):
            with self.subTest(effort):
                self.assertEqual(think, sent(reasoning_effort=effort)["think"])
        for wrong in ("much", 3, []):
            self.refused("reasoning_effort must be one of none, minimal,", reasoning_effort=wrong)

    def test_images(self) -> None:
        """Images are bare base64 beside the text; an address is refused, because Ollama fetches none."""
        parts = ["What", {"type": "image_url", "image_url": f"data:image/png;base64,{PIXEL}"}, "is this?"]
        (message,) = sent([{"role": "user", "content": parts}])["messages"]
        self.assertEqual({"role": "user", "content": "What\nis this?", "images": [PIXEL]}, message)
        self.refused("messages[0]: Ollama does not fetch images: give the file", images="https://a.example/b.png")
        audio = [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]
        self.refused("Ollama cannot hear sound: leave that out, or ask", audio)

    def test_tools(self) -> None:
        """Calls are sent back with arguments as objects, results with the name of their tool."""
        call = {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
        bare = {"id": "b", "type": "function", "function": {"name": "time", "arguments": ""}}
        answer = {"role": "assistant", "content": None, "tool_calls": [call, bare], "reasoning": "hm"}
        history = [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "Weather?"},
            answer,
            {"role": "tool", "tool_call_id": "b", "content": "noon"},
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "22°C"}]},
        ]
        body = sent(history, tools=[WEATHER])
        self.assertEqual([WEATHER], body["tools"])
        system, _, assistant, *results = body["messages"]
        self.assertEqual({"role": "system", "content": "Be brief."}, system)
        functions = [
            {"index": 0, "name": "weather", "arguments": {"city": "Paris"}},
            {"index": 1, "name": "time", "arguments": {}},
        ]
        self.assertEqual(functions, [called["function"] for called in assistant["tool_calls"]])
        self.assertEqual(["a", "b"], [called["id"] for called in assistant["tool_calls"]])
        self.assertEqual(("", "hm"), (assistant["content"], assistant["thinking"]))
        self.assertEqual(
            [
                {"role": "tool", "content": "noon", "tool_name": "time", "tool_call_id": "b"},
                {"role": "tool", "content": "22°C", "tool_name": "weather", "tool_call_id": "a"},
            ],
            results,
        )

    def test_wrong_tools(self) -> None:
        """A wrong call or result is told by its place."""
        for message, says in (
            ({"role": "tool", "tool_call_id": "x", "content": "1"}, "messages[1] is the result of the tool call 'x'"),
            ({"role": "function", "name": "f", "content": "1"}, "messages[1]: function_call is obsolete: use"),
            ({"role": "assistant", "tool_calls": ["f"]}, "messages[1]: a tool call must be like"),
            (
                {"role": "assistant", "tool_calls": [_call("{")]},
                "messages[1]: the arguments of 'f' must be a JSON object, not '{'",
            ),
            ({"role": "assistant", "tool_calls": [_call("[1]")]}, "must be a JSON object, not '[1]'"),
        ):
            with self.subTest(says):
                self.refused(says, [{"role": "user", "content": "q"}, message])

    def test_what_it_lacks(self) -> None:
        """What Ollama cannot do is refused unsent."""
        for option in ({"tool_choice": "required"}, {"parallel_tool_calls": False}, {"logit_bias": {"5": 1}}):
            self.refused(f"Ollama cannot do {next(iter(option))!r}", **option)

    def test_an_answer_can_be_sent_back(self) -> None:
        """The message of an answer with tool calls is a message of the next question."""
        calls = [{"function": {"name": "weather", "arguments": {"city": "Paris"}}}]
        with Server(whole(said(tool_calls=calls, done=True))) as server:
            client = g4f.Client("Ollama", base_url=url(server))
            message = client.chat.completions.create("Weather?", "m", tools=[WEATHER]).choices[0].message
        result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "22°C"}
        messages = sent([{"role": "user", "content": "Weather?"}, message, result])["messages"]
        self.assertEqual({"city": "Paris"}, messages[1]["tool_calls"][0]["function"]["arguments"])
        self.assertEqual("weather", messages[2]["tool_name"])


def _call(arguments: str) -> dict[str, Any]:
    return {"id": "a", "function": {"name": "f", "arguments": arguments}}


class TestAnswers(unittest.TestCase):
    """What comes back."""

    def test_reasoning_and_usage(self) -> None:
        """Thinking is reasoning, the counts of the last line are the usage."""
        end = END | {"prompt_eval_count": 26, "eval_count": 4}
        self.assertEqual(
            [Reasoning("hm"), "Hel", "lo", Usage(26, 4, 30), FinishReason("stop")],
            items(streamed(said(thinking="hm"), said("Hel"), said("lo"), end)),
        )

    def test_finish_reasons(self) -> None:
        """Reasons are in OpenAI's words, also where an older server gives none; `done` may come with text."""
        for reason, expected in (("stop", "stop"), ("length", "length"), ("", "stop"), (None, "stop")):
            with self.subTest(reason=reason):
                self.assertEqual(
                    ["a", FinishReason(expected)], items(streamed(said("a", done=True, done_reason=reason)))
                )

    def test_no_answer(self) -> None:
        """A server that loads or unloads the model instead of answering has not answered."""
        for reason in ("load", "unload"):
            with self.subTest(reason), self.assertRaisesRegex(errors.ResponseError, f"but {reason}ed the model"):
                items(streamed(said(done=True, done_reason=reason)))

    def test_tool_calls(self) -> None:
        """Calls come whole, with an index that may repeat, and get ids of their own where they have none."""
        first = {"function": {"index": 0, "name": "weather", "arguments": {"city": "Paris"}}}
        second = {"id": "mine", "function": {"index": 0, "name": "time"}}
        for answer in (
            streamed(said(tool_calls=[first]), said(tool_calls=[second]), END),
            streamed(said(tool_calls=[first, second]), END),
            whole(said(tool_calls=[first, second], done=True, done_reason="stop")),
        ):
            with self.subTest(answer=answer[0][:60]):
                one, two, finish = items(answer, tools=[WEATHER])
                assert isinstance(one, ToolCall)
                self.assertEqual((0, "weather", '{"city":"Paris"}'), (one.index, one.name, one.arguments))
                self.assertRegex(one.id, r"^call_\w{8}$")
                self.assertEqual(ToolCall(1, "mine", "time", "{}"), two)
                self.assertEqual(FinishReason("tool_calls"), finish)

    def test_ids_differ(self) -> None:
        """The ids of two answers differ, so that a history of both can tell them apart."""
        call = {"function": {"name": "f", "arguments": {}}}
        answers = [items(streamed(said(tool_calls=[call]), END)) for _ in range(2)]
        ids = {item.id for answer in answers for item in answer if isinstance(item, ToolCall)}
        self.assertEqual(2, len(ids))

    def test_stream_without_done(self) -> None:
        """A stream is whole only with its `done`; so is an answer that is not streamed."""
        for answer, why in (
            (streamed(said("a")), "ended before the answer did"),
            (whole(said("a")), "no finished message"),
        ):
            with self.assertRaisesRegex(errors.ResponseError, f"{why}.$") as caught:
                items(answer)
            self.assertEqual("a", caught.exception.partial)

    def test_done_ends_the_stream(self) -> None:
        """Nothing is waited for behind `done`."""
        lines = [json.dumps(line).encode() + b"\n" for line in (said("a"), END)]
        open_end = chunked(*lines, end=False, **{"Content-Type": "application/x-ndjson"})
        self.assertEqual(["a", FinishReason("stop")], items([*open_end, HANG], stream_timeout=5))

    def test_error_in_the_stream(self) -> None:
        """An error in the middle is the server's failure, with its words and the text so far."""
        error = {"error": "an error was encountered while running the model"}
        with self.assertRaisesRegex(errors.ServerError, "^Ollama failed .*: an error was encountered") as caught:
            items(streamed(said("a"), error))
        self.assertEqual("a", caught.exception.partial)

    def test_model_that_is_not_there(self) -> None:
        """The error names the command that fetches it."""
        for told in ("model 'm' not found", 'model "m" not found, try pulling it first'):
            with self.subTest(told), self.assertRaises(errors.ModelNotFoundError) as caught:
                items(whole({"error": told}, 404))
            self.assertEqual(
                f"Ollama has no model 'm' (HTTP 404): {told}. Fetch it: ollama pull m", str(caught.exception)
            )

    def test_models(self) -> None:
        """Models are listed but for those that only embed; the first is asked where none is named."""

        def answer(request: Request) -> Answer:
            return whole(TAGS) if request.path == "/api/tags" else whole(said("Hello", done=True))

        with Server(answer) as server:
            given = {"base_url": url(server)}
            self.assertEqual(["first:1b", "second:latest"], run(g4f.Provider.Ollama.models(**given)))
            self.assertEqual("Hello", g4f.ChatCompletion.create("", "Hi", "Ollama", **given))
            self.assertEqual("first:1b", server.requests[-1].json["model"])
            self.assertEqual("m", g4f.Conversation(provider="Ollama", **given)("Hi").model)  # as the server says
        with (
            Server(whole({"models": []})) as server,
            self.assertRaisesRegex(errors.ModelNotFoundError, "Ollama lists no model"),
        ):
            g4f.ChatCompletion.create("", "Hi", "Ollama", base_url=url(server))


class TestAccess(unittest.TestCase):
    """Where the server is, and what lets one in."""

    def test_host(self) -> None:
        """OLLAMA_HOST is read in each form in which Ollama's own clients take it."""
        for host, expected in (
            ("", "http://127.0.0.1:11434"),
            ("1.2.3.4", "http://1.2.3.4:11434"),
            (":56789", "http://127.0.0.1:56789"),
            ("1.2.3.4:56789", "http://1.2.3.4:56789"),
            ("example.com/", "http://example.com:11434"),
            ("example.com:56789/path/", "http://example.com:56789/path"),
            (" http://1.2.3.4 ", "http://1.2.3.4"),
            ("https://example.com", "https://example.com"),
            ("https://example.com:56789/path", "https://example.com:56789/path"),
            ("http://:56789", "http://127.0.0.1:56789"),
            ("[0001:002::1]", "http://[0001:002::1]:11434"),
            ("[0001:002::1]:56789/path", "http://[0001:002::1]:56789/path"),
            ("https://[0001:002::1]", "https://[0001:002::1]"),
            ("0.0.0.0", "http://127.0.0.1:11434"),
            ("0.0.0.0:56789", "http://127.0.0.1:56789"),
            ("http://0.0.0.0:56789", "http://127.0.0.1:56789"),
            ("[::]:56789", "http://[::1]:56789"),
        ):
            with self.subTest(host), mock.patch.dict(os.environ, OLLAMA_HOST=host):
                self.assertEqual(expected, address(find("Ollama")))
        for host in ("example.com:port", "ftp://example.com"):
            with (
                self.subTest(host),
                mock.patch.dict(os.environ, OLLAMA_HOST=host),
                self.assertRaisesRegex(
                    errors.InputError, "^OLLAMA_HOST must hold an address like http://127.0.0.1:11434$"
                ),
            ):
                address(find("Ollama"))

    def test_running(self) -> None:
        """A server counts as running where it lists a model, by Ollama's own list."""
        with Server(whole(TAGS)) as server, mock.patch.dict(os.environ, OLLAMA_HOST=f":{server.port}"):
            self.assertEqual("", missing(find("Ollama")))
            self.assertEqual("/api/tags", server.requests[0].path)
        self.assertEqual(
            f"start its server at http://127.0.0.1:{server.port}, with a model",
            self.missing_at(server.port),
        )
        for other in (whole({"models": []}), whole({"name": "another program"}, 404)):
            with Server(other) as server:
                self.assertIn("start its server", self.missing_at(server.port))

    def missing_at(self, port: int) -> str:
        """Return why Ollama cannot be asked on a port of this machine."""
        with mock.patch.dict(os.environ, OLLAMA_HOST=f"127.0.0.1:{port}"):
            return missing(find("Ollama"))

    def test_key(self) -> None:
        """A local server gets a key only if it is given one; the cloud's goes in a header."""
        hello = whole(said("Hello", done=True))
        with Server(hello) as server, mock.patch.dict(os.environ, OLLAMA_API_KEY="secret-of-the-cloud"):
            for provider, given, expected in (
                ("Ollama", {}, None),
                ("Ollama", {"api_key": "mine"}, "Bearer mine"),
                ("OllamaCloud", {}, None),
                ("OllamaCloud", {"api_key": "mine"}, "Bearer mine"),
            ):
                with self.subTest(provider, given=given):
                    g4f.ChatCompletion.create("m", "Hi", provider, base_url=url(server), **given)
                    self.assertEqual(expected, server.requests[-1].headers.get("authorization"))
        with (
            mock.patch.dict(os.environ, OLLAMA_API_KEY=""),
            self.assertRaisesRegex(errors.MissingAuthError, "OLLAMA_API_KEY"),
        ):
            g4f.ChatCompletion.create("m", "Hi", "OllamaCloud")


if __name__ == "__main__":
    unittest.main()
