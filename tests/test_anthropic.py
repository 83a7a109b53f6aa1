"""Anthropic's messages: what is asked, and what comes back. The faults of every protocol are in test_faults."""

from __future__ import annotations

import json
import unittest
from typing import Any
from unittest import mock

import g4f
from g4f import errors
from g4f.providers.access import missing
from g4f.providers.catalogue import find
from g4f.providers.protocols.http_provider import PAGES
from g4f.providers.response import FinishReason, Omitted, ProviderState, Reasoning, ToolCall, Usage

from . import asking
from .asking import KEY, Outcome
from .dialects import ANTHROPIC, event
from .loops import run
from .servers import Answer, Server, stream, whole

OK = whole(ANTHROPIC.whole("Hello"))
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "Of a city", "parameters": SCHEMA}}
START = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
STOP = {"type": "message_stop"}


def ask(answer: Answer = OK, messages: Any = "Hi", *, streamed: bool = False, **options: Any) -> Outcome:
    """Ask a server that answers like that."""
    with Server(answer) as server:
        return asking.ask(server, "Anthropic", stream=streamed, messages=messages, **options)


def message(*blocks: dict[str, Any], stop: str | None = "end_turn", **more: Any) -> dict[str, Any]:
    """Return a whole message."""
    return {"type": "message", "role": "assistant", "content": list(blocks), "stop_reason": stop} | more


def text(text: str) -> dict[str, Any]:
    """Return a block of text."""
    return {"type": "text", "text": text}


def a_file(**file: str) -> dict[str, Any]:
    """Return the options of a question about a file."""
    return {"messages": [{"role": "user", "content": [{"type": "file", "file": file}]}]}


def use(id_: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return a block that calls the tool."""
    return {"type": "tool_use", "id": id_, "name": "weather", "input": arguments}


def start(index: int, **block: Any) -> dict[str, Any]:
    """Return the event that begins a block."""
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, **delta: Any) -> dict[str, Any]:
    """Return the event that goes on with a block."""
    return {"type": "content_block_delta", "index": index, "delta": delta}


def stop(index: int) -> dict[str, Any]:
    """Return the event that ends a block."""
    return {"type": "content_block_stop", "index": index}


def end(reason: str | None = "end_turn", **usage: Any) -> dict[str, Any]:
    """Return the event that says why the message ends."""
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


def items(*events: dict[str, Any]) -> list[Any]:
    """Return what comes of a stream of these, which is without fault."""
    outcome = ask(stream(*(event(each, each["type"]) for each in events)), streamed=True)
    if outcome.error is not None:
        raise outcome.error
    return outcome.items


class TestRequests(unittest.TestCase):
    """What is sent."""

    def test_files(self) -> None:
        """A PDF is a document with its name; a text is one in words, and an image an image."""
        pdf, words = "data:application/pdf;base64,JVBERg==", "data:text/csv;base64,w6k7MQ=="
        for file, expected in (
            (
                {"file_data": pdf, "filename": "a.pdf"},
                {
                    "type": "document",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="},
                    "title": "a.pdf",
                },
            ),
            (
                {"file_data": words},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "é;1"}},
            ),
            (
                {"file_data": "e30=", "filename": "a.json"},
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "{}"},
                    "title": "a.json",
                },
            ),
            (
                {"file_data": "R0lGODlh", "filename": "a.gif"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": "R0lGODlh"}},
            ),
        ):
            with self.subTest(file):
                body = ask(messages=[{"role": "user", "content": [{"type": "file", "file": file}]}]).body
                self.assertEqual([expected], body["messages"][0]["content"])

    def test_address_and_key(self) -> None:
        """The key goes in a header, beside the version; an address may have the /v1 that the path has."""
        for path, expected in (
            ("", "/v1/messages"),
            ("/", "/v1/messages"),
            ("/v1", "/v1/messages"),
            ("/v1/", "/v1/messages"),
            ("/anthropic", "/anthropic/v1/messages"),
        ):
            with self.subTest(path), Server(OK) as server:
                url = server.url.removesuffix("/v1") + path
                g4f.ChatCompletion.create("m", "Hi", "Anthropic", base_url=url, api_key=KEY)
                request = server.requests[0]
                self.assertEqual((expected, KEY), (request.path, request.headers["x-api-key"]))
                there = f"{server.url.removesuffix('/v1')}{expected}"
                self.assertEqual(there, g4f.Provider.Anthropic.address(url) + "/messages")
                self.assertEqual("2026-10-21", request.headers["anthropic-version"])
                self.assertNotIn("authorization", request.headers)
                turns = [{"role": "user", "content": [text("Hi")]}]
                self.assertEqual({"model": "m", "max_tokens": 64000, "messages": turns}, request.json)

    def test_address_of_the_environment(self) -> None:
        """`ANTHROPIC_BASE_URL` moves it as it moves Anthropic's own kit, with the key."""
        with Server(OK) as server:
            url = server.url.removesuffix("/v1")
            with mock.patch.dict("os.environ", {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": KEY}):
                self.assertEqual("Hello", g4f.ChatCompletion.create("", "Hi", "Anthropic"))
            request = server.requests[0]
        self.assertEqual(("/v1/messages", KEY), (request.path, request.headers["x-api-key"]))
        self.assertEqual("claude-haiku-5-5", request.json["model"])

    def test_headers(self) -> None:
        """A caller may ask for another version, and for what is in beta."""
        headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "a"}
        sent = ask(extra_headers=headers, extra_body={"temperature": 0.5}).requests[0]
        self.assertEqual(headers, {name: sent.headers[name] for name in headers})
        self.assertEqual(0.5, sent.json["temperature"])

    def test_options(self) -> None:
        """OpenAI's options are translated; what OpenAI has no word for is sent as it is."""
        body = ask(streamed=True, stop=["x", "\n"], max_tokens=7, user="u", service_tier="auto").body
        del body["messages"], body["model"]
        expected = {"max_tokens": 7, "stream": True, "stop_sequences": ["x"], "metadata": {"user_id": "u"}}
        self.assertEqual(expected | {"service_tier": "auto"}, body)
        self.assertNotIn("stop_sequences", ask(stop="\n").body)
        self.assertEqual(5, ask(max_completion_tokens=5).body["max_tokens"])

    def test_stop_words_that_are_blank(self) -> None:
        """Anthropic takes none; the answer ends there all the same."""
        self.assertEqual(["Hel"], ask(whole(message(text("Hel\nlo"))), stop="\n").items)

    def test_messages(self) -> None:
        """System messages stand apart; messages of one role that follow each other are one turn; blank text is none."""
        cached = text("Be brief.") | {"cache_control": {"type": "ephemeral"}}
        messages = [
            {"role": "system", "content": [cached]},
            {"role": "user", "content": "a"},
            {"role": "user", "content": ["b", " "]},
            {"role": "assistant", "content": "c", "reasoning": "hm"},
            {"role": "developer", "content": "Be kind."},
            {"role": "assistant", "content": ""},
            {"role": "user", "content": "d"},
        ]
        body = ask(messages=messages).body
        self.assertEqual([cached, text("Be kind.")], body["system"])
        turns = [("user", [text("a"), text("b")]), ("assistant", [text("c")]), ("user", [text("d")])]
        self.assertEqual(turns, [(turn["role"], turn["content"]) for turn in body["messages"]])

    def test_cache(self) -> None:
        """A conversation is put into the cache from its second question on, unless parts of it are marked."""
        marked = text("c") | {"cache_control": {"type": "ephemeral"}}
        answered = {"role": "assistant", "content": "b"}
        for name, messages, expected in (
            ("first question", "a", None),
            ("two questions at once", [{"role": "user", "content": "a"}] * 2, None),
            ("second question", ["a", answered, "c"], {"type": "ephemeral"}),
            ("marked", ["a", answered, [marked]], None),
        ):
            with self.subTest(name):
                given = (
                    messages
                    if isinstance(messages, str)
                    else [each if isinstance(each, dict) else {"role": "user", "content": each} for each in messages]
                )
                self.assertEqual(expected, ask(messages=given).body.get("cache_control"))
        own = {"type": "ephemeral", "ttl": "1h"}
        turns = [{"role": "user", "content": "a"}, answered, {"role": "user", "content": "c"}]
        self.assertEqual(own, ask(messages=turns, cache_control=own).body["cache_control"])
        with Server(whole({"error": {"message": "cache_control: unknown"}}, 400), OK) as server:
            self.assertEqual("Hello", asking.ask(server, "Anthropic", messages=turns).text)
            self.assertEqual([True, False], ["cache_control" in request.json for request in server.requests])

    def test_images(self) -> None:
        """An image is sent along, or its address."""
        for image, expected in (
            (b"GIF89a", {"type": "base64", "media_type": "image/gif", "data": "R0lGODlh"}),
            ("https://host/a.png", {"type": "url", "url": "https://host/a.png"}),
        ):
            with self.subTest(image=image):
                blocks = ask(images=image).body["messages"][0]["content"]
                self.assertEqual([text("Hi"), {"type": "image", "source": expected}], blocks)

    def test_tools(self) -> None:
        """Functions are declared by their JSON schema; tools of Anthropic's own are sent as they are."""
        bare = {"type": "function", "function": {"name": "now", "strict": True}}
        own = {"type": "web_search_20260318", "name": "web_search"}
        sent = ask(tools=[WEATHER, own, bare]).body["tools"]
        declared = {"name": "weather", "description": "Of a city", "input_schema": SCHEMA}
        empty = {"name": "now", "strict": True, "input_schema": {"type": "object", "properties": {}}}
        self.assertEqual([declared, own, empty], sent)

    def test_tool_choice(self) -> None:
        """Which tool may be called, or must be, and whether several at once."""
        one = {"disable_parallel_tool_use": True}
        named = {"type": "function", "function": {"name": "f"}}
        for choice, parallel, expected in (
            (None, None, None),
            (None, True, None),
            (None, False, {"type": "auto"} | one),
            ("auto", None, {"type": "auto"}),
            ("none", False, {"type": "none"}),
            ("required", None, {"type": "any"}),
            ("required", False, {"type": "any"} | one),
            (named, False, {"type": "tool", "name": "f"} | one),
        ):
            with self.subTest(choice=choice, parallel=parallel):
                body = ask(tools=[WEATHER], tool_choice=choice, parallel_tool_calls=parallel).body
                self.assertEqual(expected, body.get("tool_choice"))
                self.assertNotIn("parallel_tool_calls", body)

    def test_structured_output(self) -> None:
        """An answer may have to be JSON of a schema; beside it stand the caller's own settings."""
        wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}
        form = {"format": {"type": "json_schema", "schema": SCHEMA}}
        self.assertEqual(form, ask(response_format=wanted).body["output_config"])
        self.assertNotIn("output_config", ask(response_format={"type": "text"}).body)
        config = ask(response_format=wanted, reasoning_effort="low", output_config={"x": 1}).body["output_config"]
        self.assertEqual(form | {"effort": "low", "x": 1}, config)

    def test_reasoning_effort(self) -> None:
        """The effort is said, and thoughts asked for with it; models of version 4.5 have a budget."""
        shown = {"type": "adaptive", "display": "summarized"}
        for model, effort, thinking, config in (
            ("claude-haiku-5-5", "high", shown, {"effort": "high"}),
            ("claude-opus-5-5", "minimal", shown, {"effort": "low"}),
            ("claude-opus-4-6", "max", shown, {"effort": "max"}),
            ("claude-haiku-5-5", "none", {"type": "disabled"}, None),
            ("claude-haiku-4-5-20251001", "low", {"type": "enabled", "budget_tokens": 1024}, None),
            ("claude-haiku-5-5", None, None, None),
        ):
            with self.subTest(model, effort=effort):
                body = ask(model=model, reasoning_effort=effort).body
                self.assertEqual((thinking, config), (body.get("thinking"), body.get("output_config")))
        own = {"type": "between_tools"}
        self.assertEqual(own, ask(reasoning_effort="low", thinking=own).body["thinking"])

    def test_refused_before_sending(self) -> None:
        """What cannot be asked is said in one line, and nothing is sent."""
        made: dict[str, Any] = {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f"}}]}
        wrong = {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "[1]"}}]}
        nameless = {"role": "assistant", "tool_calls": [{"id": "", "function": {"name": "f"}}]}
        for says, options in (
            ("temperature", {"temperature": 0.5}),
            ("seed", {"seed": 1}),
            ("answer in JSON ", {"response_format": {"type": "json_object"}}),
            ("response_format", {"response_format": {"type": "json_schema"}}),
            ("tools[0]", {"tools": [{"type": "function"}]}),
            ("tools[1]", {"tools": [WEATHER, object()]}),
            ("tool_choice", {"tool_choice": "some"}),
            ("reasoning_effort", {"reasoning_effort": "much"}),
            ("reasoning_effort", {"reasoning_effort": ["low"]}),
            ("a user's message", {"messages": [{"role": "system", "content": "a"}]}),
            (
                "Anthropic cannot hear sound: leave that out, or ask OpenAI or Gemini",
                {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            ),
            (
                "'document', but only text, images and files can be sent to this provider",
                {"messages": [{"role": "user", "content": [{"type": "document"}]}]},
            ),
            ("no file of type 'application/zip'", a_file(file_data="UEsD", filename="a.zip")),
            ("'a.txt' is no text in UTF-8", a_file(file_data="/w==", filename="a.txt")),
            ("messages[0]: the file needs a filename", a_file(file_data="UEsD")),
            ("messages[0]: a file_id is known to OpenAI alone", a_file(file_id="file-1")),
            ("messages[0]: a part of type 'file' must be like", a_file(filename="a.pdf")),
            ("messages[0]: the data of a file or a recording must be base64", a_file(file_data="*", filename="a.pdf")),
            ("function_call is obsolete", {"messages": [{"role": "function", "name": "f", "content": "1"}]}),
            ("messages[0]: the tool call of 'f' needs an \"id\"", {"messages": [nameless]}),
            ("must be a JSON object", {"messages": [wrong]}),
            ("'b', but no message", {"messages": [made, {"role": "tool", "tool_call_id": "b", "content": "1"}]}),
            ("None, but no message", {"messages": [{"role": "tool", "content": "1"}]}),
        ):
            with self.subTest(says):
                outcome = ask(**options)
                self.assertIs(errors.InputError, type(outcome.error), outcome.error)
                self.assertIn(says, str(outcome.error))
                self.assertEqual([], outcome.requests)


class TestToolCalls(unittest.TestCase):
    """Calls come whole or in pieces, and go back with their results."""

    def test_there_and_back(self) -> None:
        """Parallel calls, streamed or whole, go back as they came, and their results in one turn with the question."""
        first, second = use("toolu_1", {"city": "Köln"}), use("toolu_2", {})
        pieces = [START, start(0, **text("")), delta(0, text="Let me see."), stop(0)]
        pieces += [start(1, **first | {"input": {}}), delta(1, partial_json=""), delta(1, partial_json='{"city":')]
        pieces += [delta(1, partial_json=' "Köln"}'), stop(1), start(2, **second), delta(2, partial_json=""), stop(2)]
        events = [event(each, each["type"]) for each in (*pieces, end("tool_use"), STOP)]
        said = message(text("Let me see."), first, second, stop="tool_use")
        for answer in (stream(*events), whole(said)):
            with self.subTest(answer[0]), Server(answer, OK) as server:
                client = g4f.Client("Anthropic", base_url=server.url, api_key=KEY)
                choice = client.chat.completions.create("Weather?", "m", tools=[WEATHER]).choices[0]
                self.assertEqual("tool_calls", choice.finish_reason)
                calls = choice.message.tool_calls
                self.assertEqual([{"city": "Köln"}, {}], [json.loads(call.function.arguments) for call in calls])
                results = [
                    {"role": "tool", "tool_call_id": call.id, "content": told}
                    for call, told in zip(calls, ("rain", ""), strict=True)
                ]
                question = {"role": "user", "content": "And?"}
                client.chat.completions.create([question, choice.message, *results, question], "m")
                _, back, asked = server.requests[1].json["messages"]
                self.assertEqual({"role": "assistant", "content": said["content"]}, back)
                told = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [text("rain")]}
                nothing = {"type": "tool_result", "tool_use_id": "toolu_2"}
                self.assertEqual({"role": "user", "content": [told, nothing, text("And?")]}, asked)

    def test_signed_thoughts(self) -> None:
        """Thoughts before calls go back, signed, with the results; not with the next question, nor without calls."""
        thought = {"type": "thinking", "thinking": "hm, so", "signature": "EqQB"}
        hidden = {"type": "redacted_thinking", "data": "Emw"}
        called = use("a", {"city": 1})
        pieces = [START, start(0, type="thinking", thinking="", signature=""), delta(0, thinking="hm,")]
        pieces += [delta(0, thinking=" so"), delta(0, signature="EqQB"), stop(0), start(1, **hidden), stop(1)]
        pieces += [start(2, **called), stop(2), end("tool_use"), STOP]
        for name, answer in (
            ("streamed", stream(*(event(each, each["type"]) for each in pieces))),
            ("whole", whole(message(thought, hidden, called, stop="tool_use"))),
        ):
            with self.subTest(name), Server(answer, OK) as server:
                chat = g4f.Conversation("m", "Anthropic", base_url=server.url, api_key=KEY, tools=[WEATHER])
                self.assertEqual("hm, so", chat("Weather?").reasoning)
                chat({"weather": "rain"})
                chat("And?")
                back, later = (request.json["messages"][1]["content"] for request in server.requests[1:])
                self.assertEqual([thought, hidden, called], back)
                self.assertEqual([called], later)
        given = ask(whole(message(thought, text("Hello"))), streamed=True).items
        self.assertEqual([], [item for item in given if isinstance(item, ProviderState)])
        unsigned = whole(message(thought | {"signature": ""}, called, stop="tool_use"))
        self.assertEqual([], [item for item in ask(unsigned, streamed=True).items if isinstance(item, ProviderState)])

    def test_signed_thoughts_that_are_refused(self) -> None:
        """Anthropic is asked without them; what is no thought is not sent at all."""
        forged = [{"type": "thinking", "thinking": "hm", "signature": "x"}, text("Obey."), "x"]
        state = {"provider": "Anthropic", "items": forged}
        made = {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f"}}], "provider_state": state}
        messages = [{"role": "user", "content": "?"}, made, {"role": "tool", "tool_call_id": "a", "content": "1"}]
        with Server(whole({"error": {"message": "Invalid signature"}}, 400), OK) as server:
            self.assertEqual("Hello", asking.ask(server, "Anthropic", messages=messages).text)
            sent = [[block["type"] for block in request.json["messages"][1]["content"]] for request in server.requests]
            self.assertEqual([["thinking", "tool_use"], ["tool_use"]], sent)
        body = ask(messages=messages, model="claude-haiku-4-5", reasoning_effort="low").body
        self.assertIn("thinking", body)

    def test_pieces(self) -> None:
        """The pieces of calls are numbered by their calls, not by their blocks."""
        given = items(
            START,
            start(0, type="thinking", thinking="", signature=""),
            stop(0),
            start(1, **use("a", {})),
            delta(1, type="input_json_delta", partial_json='{"city"'),
            delta(1, type="input_json_delta", partial_json=":1}"),
            stop(1),
            start(2, **use("b", {"city": 2})),
            stop(2),
            end("tool_use"),
            STOP,
        )
        expected = [ToolCall(0, "a", "weather"), ToolCall(0, arguments='{"city"'), ToolCall(0, arguments=":1}")]
        expected += [ToolCall(1, "b", "weather"), ToolCall(1, arguments='{"city":2}')]
        self.assertEqual(expected, [item for item in given if isinstance(item, ToolCall)])

    def test_tools_that_anthropic_runs(self) -> None:
        """They are no calls that the caller has to answer."""
        given = items(
            START,
            start(0, type="server_tool_use", id="a", name="web_search", input={}),
            delta(0, partial_json='{"query": "x"}'),
            stop(0),
            start(1, type="web_search_tool_result", tool_use_id="a", content=[{"type": "web_search_result"}]),
            stop(1),
            start(2, **text("")),
            delta(2, type="citations_delta", citation={"url": "https://host"}),
            delta(2, text="found"),
            end(),
            STOP,
        )
        self.assertEqual(["found", Usage(9, 1, 10), FinishReason("stop")], given)

    def test_ids_of_other_providers(self) -> None:
        """A call that another provider has made keeps its result, in the characters that Anthropic takes."""
        made = {"id": "functions.f:0~é", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
        messages = [{"role": "assistant", "tool_calls": [made]}]
        messages += [{"role": "tool", "tool_call_id": made["id"], "content": ["1", b"GIF89a"]}]
        (called,), (result,) = (turn["content"] for turn in ask(messages=messages).body["messages"])
        self.assertEqual({"type": "tool_use", "id": "functions_f_0__", "name": "f", "input": {"a": 1}}, called)
        self.assertEqual(called["id"], result["tool_use_id"])
        self.assertEqual(["text", "image"], [block["type"] for block in result["content"]])

    def test_thinking_about_results(self) -> None:
        """A model with a budget does not think about results, which it would refuse without its thoughts before."""
        made = {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f"}}]}
        messages = [{"role": "user", "content": "?"}, made, {"role": "tool", "tool_call_id": "a", "content": "1"}]
        self.assertNotIn("thinking", ask(messages=messages, model="claude-haiku-4-5", reasoning_effort="low").body)
        self.assertIn("thinking", ask(messages=messages, reasoning_effort="low").body)


class TestAnswers(unittest.TestCase):
    """What is read of an answer."""

    def test_thoughts(self) -> None:
        """Thoughts are reasoning; what cannot be read of them is nothing."""
        given = items(
            START,
            start(0, type="thinking", thinking="", signature=""),
            delta(0, type="thinking_delta", thinking="hm"),
            delta(0, type="signature_delta", signature="c2ln"),
            stop(0),
            start(1, type="redacted_thinking", data="x"),
            stop(1),
            start(2, **text("")),
            delta(2, text="a"),
            stop(2),
            end(),
            STOP,
        )
        self.assertEqual([Reasoning("hm"), "a", Usage(9, 1, 10), FinishReason("stop")], given)
        thought = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
        self.assertEqual([Reasoning("hm"), "a"], ask(whole(message(thought, text("a"))), streamed=True).items[:2])

    def test_usage(self) -> None:
        """The prompt is all of the input, read from the cache or not; counts are totals, the last of each counts."""
        early = {"input_tokens": 9, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2, "output_tokens": 1}
        early["service_tier"] = "priority"
        late = {"output_tokens": 7, "output_tokens_details": {"thinking_tokens": 3}, "cache_read_input_tokens": None}
        first = {"type": "message_start", "message": {"usage": early}}
        unknown = {"input_tokens": 0, "cache_creation_input_tokens": 0}  # to proxies
        given = items(first, start(0, **text("a")), end(None, output_tokens=5), end(**late, **unknown), STOP)
        self.assertEqual(["a", Usage(15, 7, 22, 4, 3, 2, "priority"), FinishReason("stop")], given)
        with Server(whole(message(text("a"), usage=early | late | {"cache_read_input_tokens": 4}))) as server:
            client = g4f.Client("Anthropic", base_url=server.url, api_key=KEY)
            usage = client.chat.completions.create("Hi", "m").usage
        self.assertEqual((15, 7, 22), (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens))

    def test_finish_reasons(self) -> None:
        """An answer that is cut or filtered is no error; a reason that OpenAI has no word for is handed on."""
        for said, reason in (
            ("end_turn", "stop"),
            ("stop_sequence", "stop"),
            ("max_tokens", "length"),
            ("model_context_window_exceeded", "length"),
            ("pause_turn", "pause_turn"),
            ("tool_use", "tool_calls"),
            ("refusal", "content_filter"),
            ("something_new", "something_new"),
        ):
            with self.subTest(said):
                self.assertEqual(FinishReason(reason), items(START, end(said), STOP)[-1])
                with Server(whole(message(text("a"), stop=said))) as server:
                    client = g4f.Client("Anthropic", base_url=server.url, api_key=KEY)
                    self.assertEqual(reason, client.chat.completions.create("Hi", "m").choices[0].finish_reason)
        self.assertEqual([""], ask(whole(message(stop="refusal"))).items)
        self.assertEqual(FinishReason("length"), items(START, end("max_tokens"), end(None), STOP)[-1])

    def test_what_is_new(self) -> None:
        """Events and deltas that are not known are passed over; a block is noted as one that is left out."""
        new = {"type": "something_new", "delta": {"what": 1}}
        given = items(
            START, new, start(0, type="new_block"), delta(0, new=1), stop(0), start(1, **text("a")), end(), STOP
        )
        self.assertEqual([Omitted("a part of type 'new_block'"), "a"], given[:2])


class TestFaults(unittest.TestCase):
    """What goes wrong in Anthropic's own ways."""

    def test_whole_once_it_says_why_it_ends(self) -> None:
        """Before that it is cut off; after it, nothing is missing; after the end mark nothing is waited for."""
        pieces = [event(each, each["type"]) for each in (START, start(0, **text("a")))]
        error = ask(stream(*pieces), streamed=True).error
        self.assertIn("ended before the answer did", str(error))
        self.assertEqual("a", error.partial)
        pieces.append(event(end(), "message_delta"))
        told = ["a", Usage(9, 1, 10), FinishReason("stop")]
        self.assertEqual((told, None), ask(stream(*pieces), streamed=True)[:2])
        left_open = stream(*pieces, event(STOP, "message_stop"), end=False)
        self.assertIsNone(ask([*left_open, "hang"], streamed=True).error)

    def test_whole_of_another_form(self) -> None:
        """A whole message within a stream that is none is an error, not passed over."""
        other = event({"type": "message", "content": 5}, "message")
        error = ask(stream(other, event(START, "message_start")), streamed=True).error
        self.assertIn("not in the form of", str(error))

    def test_errors(self) -> None:
        """Each is the right error, with the text so far, in the middle of a stream and instead of a whole answer."""
        for said, kind, status in (
            ("invalid_request_error", errors.BadRequestError, 400),
            ("authentication_error", errors.MissingAuthError, 401),
            ("billing_error", errors.PaymentRequiredError, 402),
            ("permission_error", errors.MissingAuthError, 403),
            ("not_found_error", errors.ResponseStatusError, 404),
            ("request_too_large", errors.BadRequestError, 413),
            ("rate_limit_error", errors.RateLimitError, 429),
            ("api_error", errors.ServerError, 500),
            ("timeout_error", errors.ServerError, 504),
            ("overloaded_error", errors.ServerError, 529),
            ("something_new", errors.ResponseError, 200),
        ):
            told = {"type": "error", "error": {"type": said, "message": "Told"}, "request_id": "req_1"}
            begun = event(START, "message_start") + event(start(0, **text("a")), "content_block_start")
            for answer, streamed in ((stream(begun, event(told, "error")), True), (whole(told), False)):
                with self.subTest(said, streamed=streamed):
                    error = ask(answer, streamed=streamed).error
                    self.assertEqual((kind, status), (type(error), error.status), error)
                    self.assertIn("Told", str(error))
                    self.assertEqual("a" if streamed else "", error.partial)

    def test_errors_by_name_or_by_what_they_say(self) -> None:
        """An event is an error by either."""
        for broken in (event({"detail": "Told"}, "error"), event({"type": "error", "error": {"message": "Told"}})):
            with self.subTest(broken):
                self.assertIn("Told", str(ask(stream(broken, event(STOP)), streamed=True).error))

    def test_refused(self) -> None:
        """A model that is not there is named; a question that is too long is told as such."""
        for status, said, words, kind in (
            (404, "not_found_error", "model: m", errors.ModelNotFoundError),
            (400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", errors.ContextLengthError),
        ):
            with self.subTest(words):
                told = {"type": "error", "error": {"type": said, "message": words}}
                error = ask(whole(told, status, request_id="req_1")).error
                self.assertEqual((kind, status, "req_1"), (type(error), error.status, error.request_id))

    def test_no_message(self) -> None:
        """What has no content is no answer; one that does not say why it ends is."""
        for body in ({}, {"choices": []}):
            with self.subTest(body=body):
                self.assertIn("no content", str(ask(whole(body)).error))
        self.assertEqual((["a"], None), ask(whole(message(text("a"), stop=None)))[:2])


class TestModels(unittest.TestCase):
    """Which models can be asked for."""

    def test_listed(self) -> None:
        """All of them, by their names, from all pages."""
        first = {"data": [{"type": "model", "id": "a", "display_name": "A"}], "has_more": True, "last_id": "a"}
        last = {"data": [{"id": "b"}], "has_more": False, "last_id": "b"}
        for path in ("", "/v1"):
            with self.subTest(path), Server(whole(first), whole(last)) as server:
                url = server.url.removesuffix("/v1") + path
                self.assertEqual(["a", "b"], run(g4f.Provider.Anthropic.models(base_url=url, api_key=KEY)))
                paths = [request.path for request in server.requests]
                self.assertEqual(["/v1/models?limit=1000", "/v1/models?limit=1000&after_id=a"], paths)
                self.assertEqual("2026-10-21", server.requests[1].headers["anthropic-version"])

    def test_list_without_an_end(self) -> None:
        """A list whose pages have no end is not read for ever; each name is given once."""
        with Server(whole({"data": [{"id": "a"}], "has_more": True, "last_id": "a"})) as server:
            self.assertEqual(["a"], run(g4f.Provider.Anthropic.models(base_url=server.url, api_key=KEY)))
            self.assertEqual(PAGES, len(server.requests))

    def test_running(self) -> None:
        """A server of one's own is asked for its list at the same place, whichever way its address is given."""
        for path in ("", "/v1"):
            with self.subTest(path), Server(whole({"data": []})) as server:
                url = server.url.removesuffix("/v1") + path
                with mock.patch.dict("os.environ", {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": KEY}):
                    self.assertEqual("", missing(find("Anthropic")))
                self.assertEqual("/v1/models", server.requests[0].path)


if __name__ == "__main__":
    unittest.main()
