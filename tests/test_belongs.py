"""A key, an address and headers belong to one provider: no other one gets them."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import AsyncGenerator
from typing import Any
from unittest import TestCase, mock

import g4f
from g4f.errors import G4FError, InputError, ProviderNotFoundError
from g4f.option_values import in_our_words
from g4f.providers.access import key
from g4f.providers.catalogue import find
from g4f.providers.retry_provider import IterListProvider, RetryProvider
from g4f.providers.vendors import SIGNED
from g4f.request import prepare
from g4f_jupyter.show.preview import Preview

from .faces import on_every_face
from .servers import ANSWER, Request, Server, Step, whole

GIVEN, OWN = "sk-given-12345", {"OPENAI_API_KEY": "sk-own-openai", "ANTHROPIC_API_KEY": "sk-own-anthropic"}
CLAUDE = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
}


class Takes:
    """Takes a key, and remembers what it was given."""

    given: Any = None

    async def create_async_generator(
        self, model: str, messages: Any, api_key: str = "", base_url: str = ""
    ) -> AsyncGenerator[str]:
        self.given = (api_key, base_url)
        yield "x"


class TakesNothing:
    """Sends no request."""

    async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[str]:
        yield "x"


class TakesAnything:
    """Takes whatever it is given."""

    given: Any = None

    async def create_async_generator(self, model: str, messages: Any, **options: Any) -> AsyncGenerator[str]:
        self.given = options
        yield "x"


def down(_: Request) -> list[Step]:
    """Fail, so that the next is asked."""
    return whole({"error": {"message": "down"}}, 503)


def keys(server: Server) -> list[str]:
    """Return the keys that a server got."""
    return [
        request.headers.get("authorization", "").removeprefix("Bearer ") or request.headers.get("x-api-key", "")
        for request in server.requests
    ]


class Vendors(TestCase):
    """Two vendors: OpenAI, which fails, and Anthropic. Each has a key in the environment."""

    def setUp(self) -> None:
        self.first = self.enterContext(Server(down))
        self.second = self.enterContext(Server(whole(CLAUDE)))
        urls = {"OPENAI_BASE_URL": self.first.url, "ANTHROPIC_BASE_URL": self.second.url.removesuffix("/v1")}
        self.enterContext(mock.patch.dict(os.environ, OWN | urls))

    def ask(self, provider: Any = "OpenAI Anthropic", **options: Any) -> None:
        """Ask, whatever comes of it."""
        try:
            g4f.ChatCompletion.create("m", "?", provider, max_retries=0, **options)
        except InputError:
            raise
        except G4FError:
            pass

    def got(self) -> tuple[list[str], list[str]]:
        """Return the keys that the two got since the last time."""
        found = keys(self.first), keys(self.second)
        self.first.requests.clear()
        self.second.requests.clear()
        return found


class TestList(Vendors):
    """Of several providers."""

    def test_key(self) -> None:
        """It goes to the first of the list that takes a key; the others use their own."""
        for providers in (
            "OpenAI Anthropic",
            IterListProvider(["OpenAI", "Anthropic"]),
            IterListProvider([IterListProvider(["OpenAI"]), "Anthropic"]),
            RetryProvider(["OpenAI", "Anthropic"]),
            IterListProvider([Silent(), "OpenAI", "Anthropic"]),
        ):
            with self.subTest(providers):
                self.ask(providers, api_key=GIVEN)
                self.assertEqual(([GIVEN], [OWN["ANTHROPIC_API_KEY"]]), self.got())

    def test_shuffled(self) -> None:
        """The first of the list, in whichever order they are asked."""
        providers = IterListProvider(["OpenAI", "Anthropic"], shuffle=True)
        for _ in range(20):
            self.ask(providers, api_key=GIVEN)
            first, second = self.got()
            self.assertTrue({GIVEN}.issuperset(first) and {OWN["ANTHROPIC_API_KEY"]}.issuperset(second))

    def test_retried(self) -> None:
        """A provider that is asked again is the same."""
        self.ask(RetryProvider(["OpenAI"], single_provider_retry=True), api_key=GIVEN)
        self.assertEqual([GIVEN] * 3, self.got()[0])

    def test_server_here(self) -> None:
        """A server on this machine that needs no key takes none from who does."""
        with mock.patch.dict(os.environ, {"OLLAMA_HOST": self.first.url}):
            self.ask("Ollama Anthropic", api_key=GIVEN)
            self.assertEqual(([""], [GIVEN]), self.got())
            self.ask("Ollama Local", api_key=GIVEN)
            self.assertEqual([GIVEN], self.got()[0])

    def test_by_name(self) -> None:
        """A dict has a key for each, by its name in any spelling; who has none there uses its own."""
        named = {"open-ai": GIVEN, "ANTHROPIC": "sk-named"}
        for given, expected in (
            (named, ([GIVEN], ["sk-named"])),
            ({"Anthropic": "sk-named", "Mistral": GIVEN}, ([OWN["OPENAI_API_KEY"]], ["sk-named"])),
        ):
            self.ask(api_key=given)
            self.assertEqual(expected, self.got())
        self.ask("OpenAI", api_key=named)
        self.assertEqual(([GIVEN], []), self.got())

    def test_unknown_name(self) -> None:
        """It is refused, with close matches, before anything is sent; a class of one's own has its name."""
        with self.assertRaisesRegex(ProviderNotFoundError, "Did you mean 'OpenAI'"):
            g4f.ChatCompletion.create("m", "?", "OpenAI Anthropic", api_key={"OpenAy": GIVEN})
        self.assertEqual(([], []), self.got())
        own = Takes()
        g4f.ChatCompletion.create("m", "?", own, api_key={"Takes": GIVEN, "OpenAI": "sk-other"})
        self.assertEqual((GIVEN, ""), own.given)

    def test_headers_and_query(self) -> None:
        """They go where the key goes; what holds no secret, such as a body's own field, goes to each."""
        self.ask(extra_headers={"X-Mine": GIVEN}, extra_query={"q": GIVEN}, extra_body={"top": 1, "password": GIVEN})
        (first,), (second,) = self.first.requests, self.second.requests
        self.assertEqual((GIVEN, f"/v1/chat/completions?q={GIVEN}"), (first.headers["x-mine"], first.path))
        self.assertEqual((1, GIVEN), (first.json["top"], first.json["password"]))
        self.assertNotIn(GIVEN, f"{second}")
        self.ask(extra_body={"top": 1})
        self.assertEqual(1, self.second.requests[-1].json["top"])

    def test_address(self) -> None:
        """It is the first one's; the other is asked at its own."""
        with Server(down) as elsewhere:
            self.ask(base_url=elsewhere.url, api_key=GIVEN)
            self.assertEqual([GIVEN], keys(elsewhere))
        self.assertEqual(([], [OWN["ANTHROPIC_API_KEY"]]), self.got())

    def test_dry_run(self) -> None:
        """What would be asked is shown so, too."""
        given = {"base_url": "http://gateway:1/v1", "api_key": GIVEN}
        shown = repr(Preview(prepare("m", "?", *in_our_words("OpenAI Anthropic", given))))
        self.assertIn("OpenAI (http://gateway:1/v1); Anthropic (http://127.0.0.1:", shown)

    def test_class_that_takes_anything(self) -> None:
        """A class without a word for a key gets none that another one takes."""
        anything = TakesAnything()
        self.ask(IterListProvider(["OpenAI", anything]), api_key=GIVEN, base_url=self.first.url)
        self.assertEqual({"max_retries": 0, "stream": False}, anything.given)

    def test_passed_over(self) -> None:
        """A provider that sends no request answers all the same, whatever says how one is sent."""
        for options in (
            {"api_key": GIVEN},
            {"base_url": self.first.url},
            {"extra_headers": {"a": "b"}, "extra_query": {"a": "b"}},
            {
                "max_retries": 0,
                "verify": False,
                "connect_timeout": 1,
                "first_timeout": 1,
                "proxy": "http://127.0.0.1:9",
            },
            {"organization": "o", "default_headers": {"a": "b"}, "proxies": {"all": "http://127.0.0.1:9"}},
        ):
            with self.subTest(options):
                self.assertEqual("x", g4f.ChatCompletion.create("m", "?", TakesNothing(), **options))
                self.assertEqual(
                    "x", g4f.ChatCompletion.create("m", "?", IterListProvider(["OpenAI", TakesNothing()]), **options)
                )


class Silent:
    """Fails, and takes no key."""

    async def create_async(self, model: str, messages: Any) -> str:
        return ""


class TestOwner(Vendors):
    """Of a client, and of a conversation."""

    def calls(self, provider: Any = "OpenAI", **options: Any) -> list[Any]:
        """Return the ways to ask again by a client or conversation that was made so."""
        client, chat = (
            g4f.Client(provider, max_retries=0, **options),
            g4f.Conversation("m", provider, max_retries=0, **options),
        )
        return [
            lambda **given: client.chat.completions.create("?", "m", **given),
            lambda **given: list(client.chat.completions.stream("?", "m", **given)),
            lambda **given: chat("?", **given),
            lambda **given: list(chat.stream("?", **given)),
            lambda **given: chat.fork()("?", **given),
        ]

    def check(self, expected: tuple[list[str], list[str]], calls: list[Any], **given: Any) -> None:
        """Check what the two got."""
        for call in calls:
            try:
                call(**given)
            except G4FError as error:
                self.assertNotIsInstance(error, InputError)
            self.assertEqual(expected, self.got())

    def test_another_provider(self) -> None:
        """A call that names another one does not give it the key, the address or the headers."""
        other = ([], [OWN["ANTHROPIC_API_KEY"]])
        for own in ("OpenAI", g4f.Provider.OpenAI, "OpenAI Local", IterListProvider(["OpenAI"])):
            for provider in ("Anthropic", g4f.Provider.Anthropic, "Anthropic Local", IterListProvider(["Anthropic"])):
                calls = self.calls(own, api_key=GIVEN, default_headers={"X-Mine": GIVEN}, base_url=self.first.url)
                with self.subTest(own=own, provider=provider):
                    self.check(other, calls, provider=provider)
        self.check(other, self.calls(None, base_url=self.first.url, api_key=GIVEN), provider="Anthropic")
        self.check(([], ["sk-call"]), self.calls(api_key=GIVEN), provider="Anthropic", api_key="sk-call")

    def test_the_same(self) -> None:
        """However it is named, it is the same."""
        for own, provider in (("OpenAI", "open-ai"), ("OpenAI", g4f.Provider.OpenAI), ("OpenAI Groq", "openai, groq")):
            with self.subTest(own=own, provider=provider), mock.patch.dict(os.environ, {"GROQ_API_KEY": ""}):
                self.check(([GIVEN], []), self.calls(own, api_key=GIVEN), provider=provider)
        self.check(([GIVEN], []), self.calls(api_key=GIVEN))

    def test_without_a_provider(self) -> None:
        """A key that came with none belongs to whoever is asked."""
        self.check(([], [GIVEN]), self.calls(None, api_key=GIVEN), provider="Anthropic")
        self.check(([GIVEN], []), self.calls(None, api_key=GIVEN), provider="OpenAI")

    def test_another_address(self) -> None:
        """A call that names another address does not send the key there."""
        with Server(whole(ANSWER)) as elsewhere:
            self.check(([], []), self.calls(api_key=GIVEN), base_url=elsewhere.url)
            self.assertEqual({""}, set(keys(elsewhere)))

    def test_headers_add_up(self) -> None:
        """Those of a call are sent beside those of the client."""
        client = g4f.Client(base_url=self.first.url, max_retries=0, default_headers={"X-A": "a", "X-B": "b"})
        self.assertRaises(G4FError, client.chat.completions.create, "?", "m", extra_headers={"X-B": "c"})
        headers = self.first.requests[-1].headers
        self.assertEqual(("a", "c"), (headers["x-a"], headers["x-b"]))

    def test_one_authorization(self) -> None:
        """A header that the caller gives is in the place of ours, also where its name is written otherwise."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            heads: list[bytes] = []
            thread = threading.Thread(target=lambda: heads.append(first_read(listener)))
            thread.start()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
            self.ask("OpenAI", base_url=url, api_key="sk-other", extra_headers={"AUTHORIZATION": f"Bearer {GIVEN}"})
            thread.join()
        self.assertIn(GIVEN.encode(), heads[0])
        self.assertNotIn(b"sk-other", heads[0])


def first_read(listener: socket.socket) -> bytes:
    """Return the head of a request, and leave."""
    connection, _ = listener.accept()
    with connection:
        return connection.recv(65536)


class TestHost(TestCase):
    """A key of the environment, and another address."""

    def test_own_host_only(self) -> None:
        """It goes to the very same scheme, host and port, and to no other."""
        with mock.patch.dict(os.environ, OWN):
            os.environ.pop("OPENAI_BASE_URL", None)
            for url, is_own in (
                ("https://api.openai.com/v1", True),
                ("https://api.openai.com:443/v2/", True),
                ("https://API.openai.com/v1?api-version=1", True),
                ("https://api.openai.com:8443/v1", False),
                ("https://api.openai.com:80/v1", False),
                ("http://api.openai.com/v1", False),
                ("http://api.openai.com:443/v1", False),
                ("https://eu.api.openai.com/v1", False),
                ("https://api.openai.com.evil.example/v1", False),
                ("https://api.openai.com@evil.example/v1", False),
                ("https://evil.example/api.openai.com/v1", False),
            ):
                with self.subTest(url):
                    self.assertEqual(OWN["OPENAI_API_KEY"] if is_own else None, key(find("OpenAI"), url))
            os.environ["OPENAI_BASE_URL"] = "http://127.0.0.1:4001/v1"
            for url, is_own in (("http://127.0.0.1:4001/v2", True), ("http://127.0.0.1:4002/v1", False)):
                self.assertEqual(OWN["OPENAI_API_KEY"] if is_own else None, key(find("OpenAI"), url))


class TestAddress(TestCase):
    """An address with a password, or with a query."""

    def test_query(self) -> None:
        """It stands behind the path, beside the protocol's own and the call's."""
        with Server(whole(ANSWER)) as server:
            url = f"{server.url}/?api-version=2026&key=k"
            g4f.ChatCompletion.create("m", "?", base_url=url, extra_query={"a": "b c"})
            self.assertEqual("/v1/chat/completions?api-version=2026&key=k&a=b+c", server.requests[-1].path)
        with Server(whole(CLAUDE)) as server:
            url = f"{server.url.removesuffix('/v1')}?beta=true"
            g4f.ChatCompletion.create("m", "?", "Anthropic", base_url=url, api_key=GIVEN)
            self.assertEqual("/v1/messages?beta=true", server.requests[-1].path)

    def test_redirect(self) -> None:
        """A query goes along to another path of the same host, once."""
        moved = whole(b"", 307, Location="/v2/chat?q=1")
        with Server(moved, whole(ANSWER), moved, whole(ANSWER)) as server:
            for query in ("q=1", "p=2"):
                g4f.ChatCompletion.create("m", "?", base_url=f"{server.url}?{query}")
            paths = [request.path for request in server.requests]
            self.assertEqual(["/v2/chat?q=1", "/v2/chat?q=1&p=2"], paths[1::2])

    def test_password(self) -> None:
        """It is sent as the authorization of HTTP; a key that would be the same header is refused."""
        with Server(whole(ANSWER)) as server:
            url = server.url.replace("//", "//me:S3cr%40t@")
            g4f.ChatCompletion.create("m", "?", base_url=url)
            self.assertEqual("Basic bWU6UzNjckB0", server.requests[-1].headers["authorization"])
            for options in ({"api_key": GIVEN}, {"extra_headers": {"authorization": "x"}}):
                with self.assertRaisesRegex(InputError, "^127.0.0.1:.* the address has a password, and a key"):
                    g4f.ChatCompletion.create("m", "?", base_url=url, **options)
            self.assertEqual(1, len(server.requests))


class Remembers:
    """Remembers its messages."""

    messages: Any = None

    async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[str]:
        self.messages = messages
        yield "x"


SIGNATURE = "c2lnbmF0dXJl" * 60


class Signatures:
    """A signature of Gemini's, in the id of a tool call."""

    MESSAGES = (
        {"role": "user", "content": "?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": f"one{SIGNED}{SIGNATURE}", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "chatcmpl~tool~2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": f"one{SIGNED}{SIGNATURE}", "content": "1"},
        {"role": "tool", "tool_call_id": "chatcmpl~tool~2", "content": "2"},
    )

    def test_to_no_other(self: Any) -> None:
        """No other provider gets it, alone or in a list; the ids still fit, and the caller's messages stay."""
        before = json.dumps(self.MESSAGES)
        for provider in ("OpenAI", "Anthropic", "Ollama", "OpenAI Anthropic", IterListProvider(["Ollama"])):
            for way in self.calls:
                with self.subTest(way, provider=provider), Server(down) as server:
                    urls = {"OPENAI_BASE_URL": server.url, "OLLAMA_HOST": server.url, "ANTHROPIC_BASE_URL": server.url}
                    with mock.patch.dict(os.environ, OWN | urls), self.assertRaises(G4FError):
                        self.ask(way, provider, messages=list(self.MESSAGES), model="m", max_retries=0)
                    for request in server.requests:
                        body = request.body.decode()
                        self.assertNotIn("signature", body)
                        self.assertNotIn(SIGNATURE[:12], body)
                        self.assertEqual(2, body.count('"one"'))
        self.assertEqual(before, json.dumps(self.MESSAGES))

    def test_of_a_class(self: Any) -> None:
        """A class of one's own gets the ids without it."""
        anything = Remembers()
        for way in self.calls:
            self.ask(way, anything, messages=list(self.MESSAGES))
            self.assertNotIn(SIGNATURE[:12], json.dumps(anything.messages))


globals().update(on_every_face(Signatures))
