"""Options by the names of other clients: honoured, or refused by name; none of them is a part of the question."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncGenerator
from typing import Any
from unittest import TestCase, mock

import g4f
from g4f.errors import InputError
from g4f.option_values import check_words, in_our_words
from g4f.request import prepare

from .faces import on_every_face
from .servers import Server, hello

BODY = {"model", "messages", "stream", "stream_options"}


class Everywhere:
    """On every face."""

    def sent(self, **options: Any) -> Any:
        """Yield what each way of calling sends, with a client of these options too."""
        with Server(hello) as server:
            for way in self.calls:
                self.ask(way, "OpenAI", "m", base_url=server.url, api_key="k", **options)
            self.assertEqual(len(self.calls), len(server.requests))
            return server.requests

    def test_headers(self: Any) -> None:
        """`default_headers`, `organization` and `project` are headers of OpenAI's names."""
        given = {
            "default_headers": {"X-A": "a"},
            "organization": "org-1",
            "project": "proj-1",
            "extra_headers": {"X-B": "b"},
        }
        for request in self.sent(**given):
            told = {name: request.headers.get(name) for name in ("x-a", "x-b", "openai-organization", "openai-project")}
            self.assertEqual(["a", "b", "org-1", "proj-1"], list(told.values()))
            self.assertLessEqual(set(request.json), BODY)

    def test_query(self: Any) -> None:
        """`default_query` and `extra_query` stand behind the address; that of the call wins."""
        for request in self.sent(default_query={"a": "1", "b": "2"}, extra_query={"b": "3", "c": 4}):
            self.assertEqual("/v1/chat/completions?a=1&b=3&c=4", request.path)
            self.assertLessEqual(set(request.json), BODY)

    def test_proxies(self: Any) -> None:
        """`proxies` is a proxy, or the same one for every scheme."""
        with Server(hello) as proxy:
            url = f"http://127.0.0.1:{proxy.port}"
            for given in (url, {"all": url}, {"http": url, "https": url}, {"http://": url, "https://": None}):
                for way in self.calls:
                    self.ask(way, "OpenAI", "m", base_url="http://host.invalid/v1", api_key="k", proxies=given)
                    self.assertEqual("http://host.invalid/v1/chat/completions", proxy.requests[-1].path)
                    self.assertLessEqual(set(proxy.requests[-1].json), BODY)

    def test_refused(self: Any) -> None:
        """Each other name is refused in one line, that says what to give instead, before anything is sent."""
        with Server(hello) as server:
            for name, says in (
                ("http_client", "give proxy=, verify= or connect_timeout="),
                ("cookies", 'give extra_headers={"Cookie": …}'),
                ("auth", "give api_key="),
                ("webhook_secret", "no webhooks come here"),
                ("_strict_response_validation", "every answer is checked"),
                ("headers", "give extra_headers="),
                ("token", "give api_key="),
                ("host", "give base_url="),
                ("api_ky", "Did you mean 'api_key'?"),
                ("base_urls", "Did you mean 'base_url'?"),
                ("temprature", "Did you mean 'temperature'?"),
                ("default_header", "Did you mean 'default_headers'?"),
            ):
                for way in self.calls:
                    told = f"^there is no option '{name}'.*{re.escape(says)}"
                    with self.subTest(way, name=name), self.assertRaisesRegex(InputError, told) as caught:
                        self.ask(way, "OpenAI", "m", base_url=server.url, api_key="k", **{name: "hunter2"})
                    self.assertNotIn("hunter2", str(caught.exception))
            self.assertEqual([], server.requests)

    def test_of_a_provider(self: Any) -> None:
        """What nobody knows goes into the question, and what a class takes by name goes to it."""
        for request in self.sent(top_k=3, min_p=0.1, repetition_penalty=1, max_new_tokens=5):
            self.assertEqual((3, 0.1, 1, 5), tuple(request.json[name] for name in [*request.json][-4:]))
        own = TakesWords()
        for way in self.calls:
            self.ask(way, own, token="t", headers={"a": "b"}, temprature=1)
            self.assertEqual(("t", {"a": "b"}, 1), own.given)


globals().update(on_every_face(Everywhere))


class TakesWords:
    """Takes by name what is refused elsewhere."""

    given: Any = None

    async def create_async_generator(
        self, model: str, messages: Any, token: str, headers: Any, temprature: int, **_: Any
    ) -> AsyncGenerator[str]:
        self.given = (token, headers, temprature)
        yield "x"


class TestClient(TestCase):
    """What a client was made with."""

    def test_model(self) -> None:
        """It is asked where a call names none."""
        with Server(hello) as server:
            client = g4f.Client(base_url=server.url, model="mine")
            self.assertEqual("mine", client.chat.completions.create("?").model)
            self.assertEqual("other", client.chat.completions.create("?", "other").model)
            self.assertEqual(["mine", "other"], [request.json["model"] for request in server.requests])

    def test_at_once(self) -> None:
        """A wrong word is refused where the client is made."""
        for kind in (g4f.Client, g4f.AsyncClient):
            for name in ("http_client", "cookies", "auth", "api_ky"):
                self.assertRaises(InputError, kind, **{name: "x"})
            kind(TakesWords(), token="t", headers={}, temprature=1)

    def test_conversation(self) -> None:
        """So it is of a conversation."""
        with Server(hello) as server:
            chat = g4f.Conversation("m", base_url=server.url, default_headers={"X-A": "a"}, organization="o")
            self.assertEqual("Hello", chat("?", default_query={"q": "1"}))
            request = server.requests[-1]
            self.assertEqual(("a", "o"), (request.headers["x-a"], request.headers["openai-organization"]))
            self.assertEqual("/v1/chat/completions?q=1", request.path)

    def test_wrong_kinds(self) -> None:
        """Of a kind that cannot be sent, in one line that shows no value."""
        for options, says in (
            ({"default_headers": "hunter2"}, "default_headers and extra_headers must be dicts"),
            ({"default_query": 5}, "default_query and extra_query must be dicts"),
            ({"proxies": {"http": "http://a:1", "https": "http://hunter2:2"}}, "the same proxy for every scheme"),
            ({"extra_headers": 5}, "extra_headers must be a dict"),
            ({"extra_headers": {"X": 5}}, "extra_headers.'X'. must be a text"),
            ({"extra_headers": {"X": "hunter2\n"}}, "extra_headers.'X'. must be a text"),
            ({"extra_headers": {5: "x"}}, "the names in extra_headers must be texts"),
            ({"extra_body": [1]}, "extra_body must be a dict"),
            ({"extra_query": "hunter2"}, "extra_query must be a dict"),
            ({"api_key": 5}, "api_key must be a text"),
            ({"api_key": lambda: "hunter2"}, "api_key must be a text"),
            ({"proxy": 5}, "proxy= must be an address"),
        ):
            with self.subTest(options), self.assertRaisesRegex(InputError, says) as caught:
                g4f.ChatCompletion.create("m", "?", base_url="http://127.0.0.1:9/v1", max_retries=0, **options)
            self.assertNotIn("hunter2", str(caught.exception))


VENDORS = """
    min_p typical_p top_a repetition_penalty repeat_penalty length_penalty num_ctx num_predict n_predict
    keep_alive think thinking format options mirostat mirostat_tau output_config generationConfig safetySettings
    safety_settings cachedContent random_seed safe_prompt include_reasoning reasoning_format documents models
    transforms route plugins reasoning guided_json best_of min_tokens ignore_eos skip_special_tokens grammar
    max_new_tokens do_sample early_stopping priority search_parameters web_search_options safety_identifier
    prompt_cache_retention modalities betas mcp_servers container n echo details samplers cache_prompt
"""


class TestWords(TestCase):
    """Which words are near to ours."""

    def test_of_vendors(self) -> None:
        """Those that vendors have for themselves are taken for no misspelt ones of ours."""
        for name in re.findall(r"\w+", VENDORS):
            with self.subTest(name):
                check_words({name: 1})

    def test_in_the_request(self) -> None:
        """A request has our names only."""
        given = {"default_headers": {"a": "b"}, "organization": "o", "proxies": "http://h:1"}
        request = prepare("m", "?", *in_our_words("OpenAI", given))
        self.assertEqual({"extra_headers", "proxy", "stream"}, set(request.options))


PROXIES = (
    "me:hunter2@127.0.0.1:9",
    "http://127.0.0.1:9@me:hunter2",
    "http://me:hunter2@127.0.0.1:99999",
    "http://me:hunter2@127.0.0.1:0",
    "127.0.0.1:9:me:hunter2",
    "htp://me:hunter2@127.0.0.1:9",
    "http://",
    "http://[me:hunter2",
)


class TestProxy(TestCase):
    """The address of a proxy."""

    def test_no_address(self) -> None:
        """One line names the option or the variable, and the form that is wanted, not the value."""
        for proxy in PROXIES:
            for name in ("proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "G4F_PROXY"):
                given = {"proxy": proxy} if name == "proxy" else {}
                what = "proxy=" if given else f"the proxy of {name}"
                with (
                    self.subTest(proxy, name=name),
                    mock.patch.dict(os.environ, {} if given else {name: proxy}),
                    self.assertRaises(InputError) as caught,
                ):
                    g4f.ChatCompletion.create("m", "?", base_url="http://host.invalid/v1", max_retries=0, **given)
                self.assertEqual(f"{what} must be an address like http://host:port", str(caught.exception))

    def test_without_a_scheme(self) -> None:
        """It is one of HTTP, as curl takes it."""
        with Server(hello) as proxy:
            for name in ("proxy", "HTTP_PROXY", "G4F_PROXY"):
                address = f"127.0.0.1:{proxy.port}"
                given = {"proxy": address} if name == "proxy" else {}
                with mock.patch.dict(os.environ, {} if given else {name: address}):
                    self.assertEqual(
                        "Hello", g4f.ChatCompletion.create("m", "?", base_url="http://h.invalid/v1", **given)
                    )
        self.assertEqual(3, len(proxy.requests))
