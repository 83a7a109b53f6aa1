"""Gemini's generateContent: what is asked, and what comes back. The faults of every protocol are in test_faults."""

from __future__ import annotations

import json
import unittest
from typing import Any
from unittest import mock

import g4f
from g4f import errors
from g4f.providers.response import FinishReason, Reasoning, ToolCall, Usage

from . import asking
from .asking import KEY, Outcome
from .dialects import GEMINI, event
from .loops import run
from .servers import Answer, Server, stream, whole

OK = whole(GEMINI.whole("Hello"))
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "description": "Of a city", "parameters": {"type": "object", "properties": {}}},
}


def ask(answer: Answer = OK, messages: Any = "Hi", *, streamed: bool = False, **options: Any) -> Outcome:
    """Ask a server that answers like that."""
    with Server(answer) as server:
        return asking.ask(server, "Gemini", stream=streamed, messages=messages, **options)


def response(*parts: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a GenerateContentResponse."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})]} | more


def items(*responses: dict[str, Any]) -> list[Any]:
    """Return what comes of a stream of these, which is without fault."""
    outcome = ask(stream(*map(event, responses)), streamed=True)
    if outcome.error is not None:
        raise outcome.error
    return outcome.items


def call(name: str, args: dict[str, Any], id_: str = "", signature: str = "") -> dict[str, Any]:
    """Return a part that calls a function."""
    part: dict[str, Any] = {"functionCall": {"name": name, "args": args} | ({"id": id_} if id_ else {})}
    return part | ({"thoughtSignature": signature} if signature else {})


class TestRequests(unittest.TestCase):
    """What is sent."""

    def test_address_and_key(self) -> None:
        """The key goes in a header; the version is added where the address has none; a prefix of the name is one."""
        for path, model, streamed, expected in (
            ("", "m", False, "/v1beta/models/m:generateContent"),
            ("", "models/m", True, "/v1beta/models/m:streamGenerateContent?alt=sse"),
            ("/v1beta", "m", False, "/v1beta/models/m:generateContent"),
            ("/v1", "tunedModels/a", False, "/v1/tunedModels/a:generateContent"),
            ("/gemini", "a b?c", False, "/gemini/v1beta/models/a%20b%3Fc:generateContent"),
        ):
            answer = stream(event(response(finish="STOP"))) if streamed else OK
            with self.subTest(path, model=model), Server(answer) as server:
                url = server.url.removesuffix("/v1") + path
                list(g4f.ChatCompletion.create(model, "Hi", "Gemini", base_url=url, api_key=KEY, stream=streamed))
                request = server.requests[0]
                self.assertEqual((expected, KEY), (request.path, request.headers["x-goog-api-key"]))
                shown = g4f.Provider.Gemini.address(url)
                self.assertTrue(f"{server.url.removesuffix('/v1')}{request.path}".startswith(f"{shown}/"))
                self.assertEqual({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}, request.json)

    def test_address_of_the_environment(self) -> None:
        """`GOOGLE_GEMINI_BASE_URL` moves it as it moves Google's own kit, with the key that the kit prefers."""
        with Server(OK) as server:
            url = server.url.removesuffix("/v1") + "/"
            names = {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": "another-key", "GOOGLE_API_KEY": KEY}
            with mock.patch.dict("os.environ", names):
                self.assertEqual("Hello", g4f.ChatCompletion.create("", "Hi", "Gemini"))
            request = server.requests[0]
        self.assertEqual("/v1beta/models/gemini-flash-latest:generateContent", request.path)
        self.assertEqual(KEY, request.headers["x-goog-api-key"])

    def test_options(self) -> None:
        """OpenAI's options are `generationConfig`; what OpenAI has no word for is sent as it is."""
        options = {"temperature": 0.5, "top_p": 0.9, "top_k": 3, "seed": 1, "stop": "x", "max_tokens": 7}
        options |= {"presence_penalty": 0.1, "frequency_penalty": 0.2, "safetySettings": []}
        body = ask(**options, generationConfig={"candidateCount": 1}, extra_body={"store": False}).body
        config = {"temperature": 0.5, "topP": 0.9, "topK": 3, "seed": 1, "stopSequences": ["x"], "maxOutputTokens": 7}
        config |= {"presencePenalty": 0.1, "frequencyPenalty": 0.2, "candidateCount": 1}
        self.assertEqual(config, body.pop("generationConfig"))
        self.assertEqual({"contents", "safetySettings", "store"}, set(body))

    def test_messages(self) -> None:
        """System messages are the instruction; messages of one role that follow each other are one turn."""
        messages = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "a"},
            {"role": "user", "content": ["b"]},
            {"role": "assistant", "content": "c", "reasoning": "hm"},
            {"role": "developer", "content": "Be kind."},
            {"role": "assistant", "content": ""},
            {"role": "user", "content": "d"},
        ]
        body = ask(messages=messages).body
        self.assertEqual({"parts": [{"text": "Be brief."}, {"text": "Be kind."}]}, body["systemInstruction"])
        turns = [(turn["role"], [part["text"] for part in turn["parts"]]) for turn in body["contents"]]
        self.assertEqual([("user", ["a", "b"]), ("model", ["c"]), ("user", ["d"])], turns)

    def test_files_and_sound(self) -> None:
        """A file is sent along under its kind, which it says itself, or else its name does; so is a recording."""
        for part, kind in (
            ({"file_data": "data:application/pdf;base64,JVBERg=="}, "application/pdf"),
            ({"file_data": "data:text/csv;charset=utf-8;base64,JVBERg==", "filename": "a.pdf"}, "text/csv"),
            ({"file_data": "JVBE\nRg==", "filename": "a.pdf"}, "application/pdf"),
        ):
            with self.subTest(part):
                messages = [{"role": "user", "content": [{"type": "file", "file": part}, "What?"]}]
                sent = {"inlineData": {"mimeType": kind, "data": "JVBERg=="}}
                self.assertEqual([sent, {"text": "What?"}], ask(messages=messages).body["contents"][0]["parts"])
        sound = {"type": "input_audio", "input_audio": {"format": "mp3", "data": "SUQz"}}
        body = ask(messages=[{"role": "user", "content": [sound]}]).body
        self.assertEqual([{"inlineData": {"mimeType": "audio/mp3", "data": "SUQz"}}], body["contents"][0]["parts"])

    def test_images(self) -> None:
        """An image is sent along, or its address, with the kind that the address tells."""
        gif = b"GIF89a"
        for image, expected in (
            (gif, {"inlineData": {"mimeType": "image/gif", "data": "R0lGODlh"}}),
            ("https://host/a.png?b", {"fileData": {"fileUri": "https://host/a.png?b", "mimeType": "image/png"}}),
            ("https://host/a", {"fileData": {"fileUri": "https://host/a"}}),
        ):
            with self.subTest(image=image):
                parts = ask(images=image).body["contents"][0]["parts"]
                self.assertEqual([{"text": "Hi"}, expected], parts)

    def test_tools(self) -> None:
        """Functions are declared by their JSON schema; tools of Gemini's own are sent as they are."""
        bare = {"type": "function", "function": {"name": "now"}}
        own: dict[str, Any] = {"googleSearch": {}}
        declared = {"name": "weather", "description": "Of a city"}
        declared |= {"parametersJsonSchema": WEATHER["function"]["parameters"]}
        tools = ask(tools=[WEATHER, own, bare]).body["tools"]
        self.assertEqual([{"functionDeclarations": [declared, {"name": "now"}]}, own], tools)

    def test_tool_choice(self) -> None:
        """Which function may be called, or must be."""
        for choice, expected in (
            ("auto", {"mode": "AUTO"}),
            ("none", {"mode": "NONE"}),
            ("required", {"mode": "ANY"}),
            ({"type": "function", "function": {"name": "f"}}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        ):
            with self.subTest(choice=choice):
                config = ask(tools=[WEATHER], tool_choice=choice).body["toolConfig"]
                self.assertEqual({"functionCallingConfig": expected}, config)

    def test_structured_output(self) -> None:
        """An answer may have to be JSON, also of a schema."""
        as_json = {"responseMimeType": "application/json"}
        schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
        for wanted, expected in (
            ({"type": "text"}, None),
            ({"type": "json_object"}, as_json),
            (
                {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}},
                as_json | {"responseJsonSchema": schema},
            ),
        ):
            with self.subTest(wanted=wanted):
                self.assertEqual(expected, ask(response_format=wanted).body.get("generationConfig"))

    def test_reasoning_effort(self) -> None:
        """The effort is a level, a budget for older models; thoughts are asked for with it."""
        for model, effort, expected in (
            ("gemini-flash-latest", "high", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
            ("gemini-2.5-flash", "medium", {"includeThoughts": True, "thinkingBudget": 8192}),
            ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ):
            with self.subTest(model, effort=effort):
                config = ask(model=model, reasoning_effort=effort).body["generationConfig"]
                self.assertEqual({"thinkingConfig": expected}, config)

    def test_refused_before_sending(self) -> None:
        """What cannot be asked is said in one line, and nothing is sent."""
        made: dict[str, Any] = {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f"}}]}
        wrong = {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "[1]"}}]}
        seen = {"role": "tool", "tool_call_id": "a", "content": [b"GIF89a"]}
        refused = (
            ("parallel_tool_calls", {"parallel_tool_calls": False}),
            ("tools[0]", {"tools": [{"type": "function"}]}),
            ("tools[0]", {"tools": [object()]}),
            ("tool_choice", {"tool_choice": "some"}),
            ("response_format", {"response_format": {"type": "json_schema"}}),
            ("reasoning_effort", {"reasoning_effort": "much"}),
            ("reasoning_effort", {"reasoning_effort": ["low"]}),
            ("a user's message", {"messages": [{"role": "system", "content": "a"}]}),
            (
                "part of type 'input_audio' must be like",
                {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            ),
            (
                "'video', but only text, images, files and sound can be sent to this provider",
                {"messages": [{"role": "user", "content": [{"type": "video"}]}]},
            ),
            ("function_call is obsolete", {"messages": [{"role": "function", "name": "f", "content": "1"}]}),
            ("tool call must be", {"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]}),
            ("must be a JSON object", {"messages": [wrong]}),
            ("'b', but no message", {"messages": [made, {"role": "tool", "tool_call_id": "b", "content": "1"}]}),
            ("must be text", {"messages": [made, seen]}),
        )
        with Server(OK) as server:
            for says, options in refused:
                given = {"messages": "Hi"} | options
                with self.subTest(says), self.assertRaises(errors.InputError) as caught:
                    g4f.ChatCompletion.create("m", provider="Gemini", base_url=server.url, api_key=KEY, **given)
                self.assertIn(says, str(caught.exception))
            self.assertEqual([], server.requests)


class TestToolCalls(unittest.TestCase):
    """Calls come whole, and go back with what Gemini wants of them."""

    def test_there_and_back(self) -> None:
        """Parallel calls, streamed or whole, go back with ids and signature, and their results in one turn."""
        first = call("weather", {"city": "Köln"}, "id1", "c2ln+/=")
        second = call("weather", {"city": "Ulm"}, "id2")
        for answer in (
            stream(event(response(first)), event(response(second)), event(response(finish="STOP"))),
            whole(response(first, second, finish="STOP")),
        ):
            with self.subTest(answer[0]), Server(answer, OK) as server:
                client = g4f.Client("Gemini", base_url=server.url, api_key=KEY)
                choice = client.chat.completions.create("Weather?", "m", tools=[WEATHER]).choices[0]
                self.assertEqual("tool_calls", choice.finish_reason)
                calls = choice.message.tool_calls
                self.assertEqual({"city": "Ulm"}, json.loads(calls[1].function.arguments))
                results = [{"role": "tool", "tool_call_id": each.id, "content": "rain"} for each in calls]
                question = {"role": "user", "content": "And?"}
                client.chat.completions.create([question, choice.message, *results, question], "m")
                _, said, told, asked = server.requests[1].json["contents"]
                self.assertEqual({"role": "model", "parts": [first, second]}, said)
                self.assertEqual(("user", "user", [{"text": "And?"}]), (told["role"], asked["role"], asked["parts"]))
                output = {"name": "weather", "response": {"output": "rain"}}
                expected = [{"functionResponse": output | {"id": id_}} for id_ in ("id1", "id2")]
                self.assertEqual(expected, told["parts"])

    def test_calls_without_a_signature(self) -> None:
        """The first call of a turn that another model made, or an older one, says that it has no signature."""
        made = [{"id": id_, "type": "function", "function": {"name": "f", "arguments": "{}"}} for id_ in ("a", "b")]
        parts = ask(messages=[{"role": "assistant", "content": "Let me see.", "tool_calls": made}]).body["contents"][0]
        unsigned = call("f", {}, "a", "skip_thought_signature_validator")
        self.assertEqual([{"text": "Let me see."}, unsigned, call("f", {}, "b")], parts["parts"])

    def test_ids_of_others(self) -> None:
        """No part of an id that another provider made is taken for a signature."""
        made = [{"id": "chatcmpl~tool~1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
        result = {"role": "tool", "tool_call_id": "chatcmpl~tool~1", "content": "x"}
        said, told = ask(messages=[{"role": "assistant", "content": "", "tool_calls": made}, result]).body["contents"]
        self.assertEqual([call("f", {}, "chatcmpl~tool~1", "skip_thought_signature_validator")], said["parts"])
        self.assertEqual("chatcmpl~tool~1", told["parts"][0]["functionResponse"]["id"])

    def test_calls_without_an_id(self) -> None:
        """Calls that came without an id get one each, by which results find them."""
        first, second, *_ = items(response(call("f", {}), call("g", {"x": 1}), finish="STOP"))
        self.assertEqual((ToolCall(0, first.id, "f", "{}"), ToolCall(1, second.id, "g", '{"x":1}')), (first, second))
        self.assertNotIn(first.id, ("", second.id))


class TestAnswers(unittest.TestCase):
    """What is read of an answer."""

    def test_thoughts(self) -> None:
        """Thoughts are reasoning; what has no text, such as a signature alone, is nothing."""
        thought = {"text": "hm", "thought": True}
        signature = {"text": "", "thoughtSignature": "c2ln"}
        given = items(response(thought), response({"text": "a"}), response(signature, finish="STOP"))
        self.assertEqual([Reasoning("hm"), "a", FinishReason("stop")], given)

    def test_usage(self) -> None:
        """Usage is told once, as it was last; thoughts are a part of the completion."""
        early = {"promptTokenCount": 9, "totalTokenCount": 9}
        counts = {"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 21, "thoughtsTokenCount": 3}
        counts |= {"cachedContentTokenCount": 5, "toolUsePromptTokenCount": 5}
        last = response(finish="STOP", usageMetadata=counts)
        given = items(response({"text": "a"}, usageMetadata=early), last)
        self.assertEqual(["a", Usage(14, 7, 21, 5, 3), FinishReason("stop")], given)
        self.assertEqual(Usage(9, 0, 9), items(response({"text": "a"}, finish="STOP", usageMetadata=early))[1])

    def test_finish_reasons(self) -> None:
        """An answer that is cut or filtered is no error; a blocked question is filtered, too."""
        filters = ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY")
        reasons = {"STOP": "stop", "MAX_TOKENS": "length"} | dict.fromkeys(filters, "content_filter")
        for said, reason in reasons.items():
            with self.subTest(said):
                given = items(response({"text": "a"}), response(finish=said))
                self.assertEqual(["a", FinishReason(reason)], given)
        cut = items(response(call("f", {}), finish="MAX_TOKENS"))
        self.assertEqual(FinishReason("length"), cut[-1])
        blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 2}}
        filtered = FinishReason("content_filter", "PROHIBITED_CONTENT")
        self.assertEqual([Usage(2, 0, 2), filtered], items(blocked))
        self.assertEqual([""], ask(whole(blocked)).items)

    def test_a_finish_reason_on_each_piece(self) -> None:
        """Where each piece says STOP, all of them are the answer, and it stops once."""
        given = items(response({"text": "a"}, finish="STOP"), response({"text": "b"}, finish="STOP"))
        self.assertEqual(["a", "b", FinishReason("stop")], given)

    def test_an_array_instead_of_events(self) -> None:
        """A server that leaves out `alt=sse` sends a stream as one array."""
        array = [response({"text": "a"}), response({"text": "b"}, finish="STOP")]
        outcome = ask(whole(array), streamed=True)
        self.assertEqual((["a", "b", FinishReason("stop")], None), outcome[:2])


class TestFaults(unittest.TestCase):
    """What goes wrong in Google's own ways."""

    def test_errors(self) -> None:
        """Each is the right error, with the text so far, however it is framed."""
        told = {"error": {"code": 429, "message": "Quota is used up", "status": "RESOURCE_EXHAUSTED"}}
        bare = json.dumps(told, indent=2).encode() + b"\n"
        text = response({"text": "a"})
        malformed = response(finish="MALFORMED_FUNCTION_CALL")
        malformed["candidates"][0]["finishMessage"] = "print(f(1)"
        answers: tuple[tuple[str, Answer, bool, type[errors.G4FError], str, str], ...] = (
            ("event", stream(event(text), event(told)), True, errors.RateLimitError, "Quota", "a"),
            ("event of an array", stream(event(text), event([told])), True, errors.RateLimitError, "Quota", "a"),
            (
                "named event",
                stream(event(text), event({"message": "No"}, "error")),
                True,
                errors.ResponseError,
                "No",
                "a",
            ),
            ("bare", stream(event(text), bare), True, errors.RateLimitError, "Quota", "a"),
            ("bare array", stream(event(text), b"[" + bare + b"]\n"), True, errors.RateLimitError, "Quota", "a"),
            ("late in an array", whole([text, told]), True, errors.RateLimitError, "Quota", "a"),
            ("cut array", whole([text]), True, errors.ResponseError, "no finished candidate", "a"),
            ("whole", whole(told), False, errors.RateLimitError, "Quota", ""),
            ("malformed", stream(event(text), event(malformed)), True, errors.ResponseError, "print(f(1)", "a"),
            ("malformed whole", whole(malformed), False, errors.ResponseError, "MALFORMED_FUNCTION_CALL", ""),
            ("no candidates", whole({"candidates": []}), False, errors.ResponseError, "no finished candidate", ""),
            ("unfinished", whole(text), False, errors.ResponseError, "no finished candidate", "a"),
        )
        for name, answer, streamed, kind, says, partial in answers:
            with self.subTest(name):
                given, error, _ = ask(answer, streamed=streamed)
                self.assertIs(kind, type(error), error)
                self.assertIn(says, str(error))
                self.assertEqual((partial, [partial] * streamed), (error.partial, given))

    def test_wrong_key(self) -> None:
        """A wrong key is a 400 at Google, and told as what it is."""
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
        told = {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT", "details": [info]}
        for status, body in ((400, {"error": told}), (400, [{"error": told}]), (200, {"error": told})):
            with self.subTest(status, body=body):
                error = ask(whole(body, status)).error
                self.assertIs(errors.MissingAuthError, type(error))
                self.assertEqual(400, error.status)
                self.assertIn("did not accept the key (HTTP 400): API key not valid. Check api_key=.", str(error))
        other = ask(whole({"error": told | {"details": [{"reason": "OTHER"}, "?"]}}, 400)).error
        self.assertIs(errors.BadRequestError, type(other))

    def test_no_such_model(self) -> None:
        """A model that is not there is named."""
        message = "models/m is not found for API version v1beta, or is not supported for generateContent."
        error = ask(whole({"error": {"code": 404, "message": message, "status": "NOT_FOUND"}}, 404)).error
        self.assertIs(errors.ModelNotFoundError, type(error))
        self.assertIn("has no model 'm'", str(error))


class TestModels(unittest.TestCase):
    """Which models can be asked for."""

    def test_listed(self) -> None:
        """Those that can answer, by their names, from all pages."""
        able = {"name": "models/a", "supportedGenerationMethods": ["generateContent", "countTokens"]}
        other = {"name": "models/b", "supportedGenerationMethods": ["embedContent"]}
        first = {"models": [able, other, {"name": "models/c"}], "nextPageToken": "x&+="}
        last = {"models": [able | {"name": "models/d"}], "nextPageToken": ""}
        with Server(whole(first), whole(last)) as server:
            names = run(g4f.Provider.Gemini.models(base_url=server.url.removesuffix("/v1"), api_key=KEY))
            self.assertEqual(["a", "d"], names)
            path = "/v1beta/models?pageSize=1000"
            self.assertEqual([path, f"{path}&pageToken=x%26%2B%3D"], [request.path for request in server.requests])


if __name__ == "__main__":
    unittest.main()
