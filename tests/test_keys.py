"""An API key is used, and shown nowhere: no repr, no log, no error, no verbose traceback."""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle
import sys
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any
from unittest import TestCase, mock

import msgspec

from g4f import AsyncClient, ChatCompletion, Client
from g4f.errors import InputError, MissingAuthError, ResponseError
from g4f.option_values import in_our_words
from g4f.providers.access import address, check_address, key
from g4f.providers.catalogue import find, missing
from g4f.providers.protocols.openai import OpenAICompatible
from g4f.request import prepare
from g4f.secrets.key import Key, seal

from . import script
from .faces import on_every_face
from .servers import Server, whole

SECRET = "sk-secret"


class Takes:
    """Remembers the key that it was given."""

    key: Any = None

    async def create_async_generator(self, model: str, messages: Any, api_key: str = "") -> AsyncGenerator[str]:
        self.key = api_key
        yield "x"
        if model == "fails":
            raise ResponseError("gone")


class Everywhere:
    """On every face."""

    def test_arrives(self: Any) -> None:
        """The provider gets the key, as text that shows as stars."""
        provider = Takes()
        for way in self.calls:
            with self.subTest(way):
                self.assertEqual("x", self.ask(way, provider, api_key=SECRET).text)
                self.assertEqual((SECRET, "'***'"), (provider.key, repr(provider.key)))

    def test_in_no_error(self: Any) -> None:
        """Neither in what an error says, nor in what it carries."""
        for way in self.calls:
            for error, options in ((ResponseError, {"model": "fails"}), (InputError, {"stop": ""})):
                with self.subTest(way, error=error.__name__):
                    with self.assertLogs("g4f", logging.DEBUG) as logs, self.assertRaises(error) as caught:
                        logging.getLogger("g4f").debug("a line, where nothing comes so far")
                        self.ask(way, Takes(), api_key=SECRET, **options)
                    self.assertNotIn(SECRET, f"{caught.exception!r} {vars(caught.exception)}")
                    self.assertNotIn(SECRET, repr([vars(record) for record in logs.records]))


globals().update(on_every_face(Everywhere))


class TestShown(TestCase):
    """What holds a key shows stars."""

    def test_key(self) -> None:
        """A Key is the text itself, but for its repr; copies and parts are keys; it goes into no pickle."""
        key = Key(SECRET)
        self.assertEqual((SECRET, "Bearer sk-secret", '"sk-secret"'), (str(key), f"Bearer {key}", json.dumps(key)))
        for again in (key, copy.copy(key), copy.deepcopy(key), Key(key), key[:]):
            self.assertEqual(("'***'", SECRET, Key), (repr(again), again, type(again)))
        self.assertEqual("{'api_key': '***'}", repr({"api_key": key}))
        self.assertEqual("'***'", repr(key[:4]))
        self.assertRaisesRegex(TypeError, "are not pickled", pickle.dumps, {"held": [key]})

    def test_seal(self) -> None:
        """The key is sealed where it stands; nothing else is touched."""
        options: dict[str, Any] = {"api_key": SECRET, "seed": 1}
        self.assertIs(options, seal(options))
        self.assertEqual("{'api_key': '***', 'seed': 1}", repr(options))
        for unknown in ({}, {"api_key": None}, {"seed": 1}):
            self.assertEqual(copy.copy(unknown), seal(unknown))

    def test_client_and_request(self) -> None:
        """The key of a client is in the repr of nothing that it holds."""
        for client in (Client(Takes(), api_key=SECRET), AsyncClient(Takes(), api_key=SECRET)):
            for shown in (client, vars(client), client.chat, client.chat.completions, vars(client.chat.completions)):
                self.assertNotIn(SECRET, repr(shown))
        self.assertNotIn(SECRET, repr(prepare("", "?", *in_our_words(Takes(), {"api_key": SECRET}))))

    def test_odd(self) -> None:
        """What is no key is refused before it is sent, and is not shown."""
        for odd in ("", " ", "schlüssel", "two\x00parts", "two\nlines"):
            with self.subTest(odd), self.assertRaisesRegex(InputError, "api_key is not a key") as caught:
                ChatCompletion.create("m", "?", "OpenAI", api_key=odd)
            self.assertNotIn(odd.strip() or "''", str(caught.exception))

    def test_callers_own(self) -> None:
        """The caller's own dict stays as it is."""
        options = {"api_key": SECRET}
        ChatCompletion.create("", "?", Takes(), **options)
        self.assertEqual("{'api_key': 'sk-secret'}", repr(options))


class TestTraceback(TestCase):
    """IPython's verbose tracebacks show what every frame holds."""

    def test_verbose(self) -> None:
        """No frame of this package shows the key, be it the client's or the call's, refused or failed."""
        out = script.run(
            """
            import asyncio
            from IPython.core.interactiveshell import InteractiveShell
            from g4f import AsyncClient, ChatCompletion, Client
            from g4f.errors import ResponseError

            class Takes:
                async def create_async_generator(self, model, messages, api_key=""):
                    yield "x"
                    raise ResponseError("gone")

            def secret():
                return "-".join(["sk", "secret"])

            shell = InteractiveShell.instance()
            shell.run_line_magic("xmode", "Verbose")
            shell.run_line_magic("colors", "nocolor")
            shell.user_ns.update(globals())
            for options in ("", ", stop=''", ", temprature=1"):
                for call in (
                    "Client(Takes(), api_key=secret()).chat.completions.create('?'{})",
                    "list(Client(Takes(), api_key=secret()).chat.completions.stream('?'{}))",
                    "Client(Takes()).chat.completions.create('?', api_key=secret(){})",
                    "list(Client(Takes()).chat.completions.stream('?', api_key=secret(){}))",
                    "ChatCompletion.create('', '?', Takes(), api_key=secret(){})",
                    "list(ChatCompletion.create('', '?', Takes(), stream=True, api_key=secret(){}))",
                    "await AsyncClient(Takes(), api_key=secret()).chat.completions.create('?'{})",
                    "await ChatCompletion.create_async('', '?', Takes(), api_key=secret(){})",
                    "async for _ in AsyncClient(Takes()).chat.completions.stream('?', api_key=secret(){}): pass",
                ):
                    shell.run_cell(call.format(options))
            """
        )
        lines = out.splitlines()
        for line, times in (
            ("ResponseError: gone", 9),
            ("InputError: stop must be a text or a list of texts, none of them empty, not ''", 9),
            ("InputError: Takes does not take the option 'temprature'. It takes api_key.", 9),
        ):
            self.assertEqual(times, lines.count(line), out)
        self.assertIn("'api_key': '***'", out)
        self.assertNotIn(SECRET, out)


class TestOptionalKey(TestCase):
    """A local server may have been given a key by its owner."""

    def test_sent(self) -> None:
        """It goes to that server alone, also where it is looked whether the server runs; without it nothing is sent."""
        listed = whole({"data": [{"id": "m"}]})
        for provider, variable in (("LMStudio", "LM_API_TOKEN"), ("LlamaCpp", "LLAMA_API_KEY")):
            for given in (SECRET, ""):
                with self.subTest(provider, given=given), Server(listed) as server:
                    row = msgspec.structs.replace(find(provider), base_url=server.url, former_urls=())
                    with mock.patch.dict(os.environ, {variable: given}):
                        self.assertEqual(given or None, key(row))
                        self.assertIsNone(key(row, "http://elsewhere.invalid/v1"))
                        self.assertEqual("sk-caller", key(row, None, "sk-caller"))
                        self.assertEqual("", missing(row))
                    sent = server.requests[-1].headers.get("authorization")
                    self.assertEqual(f"Bearer {given}" if given else None, sent)

    def test_refused(self) -> None:
        """A server that wants one names the variable."""
        with Server(whole({"error": {"message": "no token"}}, 401)) as server:
            row = msgspec.structs.replace(find("LMStudio"), base_url=server.url)
            with self.assertRaisesRegex(MissingAuthError, "Check LM_API_TOKEN or api_key="):
                ChatCompletion.create("m", "Hi", OpenAICompatible(row))


class TestAddress(TestCase):
    """An address from the environment."""

    def test_no_address(self) -> None:
        """The error names the variable, and not what it holds: keys are put into the wrong one now and then."""
        for name, provider, like in (
            ("OPENAI_BASE_URL", "OpenAI", "https://api.openai.com/v1"),
            ("OLLAMA_HOST", "Ollama", "http://127.0.0.1:11434"),
            ("AZURE_OPENAI_ENDPOINT", "AzureOpenAI", "https://host"),
        ):
            for held in (f"http://a:{SECRET}", f"ftp://{SECRET}", f"http://[{SECRET}"):
                with self.subTest(name, held=held), mock.patch.dict(os.environ, {name: held}):
                    with self.assertRaises(InputError) as caught:
                        address(find(provider))
                    self.assertEqual(f"{name} must hold an address like {like}", str(caught.exception))

    def test_no_base_url(self) -> None:
        """What a caller gives for an address, and is none."""
        for given in ("", "api.openai.com", "http://", "http://[", "http://host:port", "ftp://host", None, 5):
            with self.subTest(given), self.assertRaisesRegex(InputError, "^base_url must be like https://host/v1, not"):
                check_address(given)  # type: ignore[arg-type]


class TestColab(TestCase):
    """A secret of a Colab notebook is a key; what the notebook may not read is none."""

    def test_secret(self) -> None:
        """It is asked for where the environment has none, by the variable's name."""

        class NotFoundError(Exception): ...

        class NoAccessError(Exception): ...

        class TimeoutException(Exception): ...  # noqa: N818 - its name there

        def get(name: str) -> str:
            if name != "OPENAI_API_KEY":
                raise TimeoutException if name == "MISTRAL_API_KEY" else NotFoundError
            return SECRET

        userdata = SimpleNamespace(
            get=get,
            SecretNotFoundError=NotFoundError,
            NotebookAccessError=NoAccessError,
            TimeoutException=TimeoutException,
        )
        modules = {"google.colab": SimpleNamespace(), "google.colab.userdata": userdata}
        with mock.patch.dict(sys.modules, modules), mock.patch.dict(os.environ):
            for name in ("OPENAI_API_KEY", "MISTRAL_API_KEY", "GROQ_API_KEY"):
                os.environ.pop(name, None)
            self.assertEqual(SECRET, key(find("OpenAI")))
            for name in ("Mistral", "Groq"):  # without its window a notebook waits for a secret in vain
                self.assertRaises(MissingAuthError, key, find(name))
            os.environ["OPENAI_API_KEY"] = "sk-another"
            self.assertEqual("sk-another", key(find("OpenAI")))

    def test_its_own_models(self) -> None:
        """A notebook of Colab can ask Colab's models without a key of one's own; elsewhere they are not there."""
        modules = {"google.colab": SimpleNamespace()}
        host = {"MODEL_PROXY_HOST": "https://proxy.invalid/"}
        with mock.patch.dict(os.environ, host):
            os.environ.pop("MODEL_PROXY_API_KEY", None)
            self.assertEqual("set MODEL_PROXY_API_KEY", missing(find("Colab")))
            with mock.patch.dict(sys.modules, modules):
                self.assertEqual("", missing(find("Colab")))
                self.assertEqual("https://proxy.invalid/models/openapi", address(find("Colab")))
                del os.environ["MODEL_PROXY_HOST"]
                self.assertEqual("set MODEL_PROXY_HOST", missing(find("Colab")))

    def test_not_looked_for(self) -> None:
        """Telling of all providers asks for no secret, which may open a dialogue, and says that there may be one."""
        modules = {"google.colab": SimpleNamespace(), "google.colab.userdata": None}  # a look would fail
        with mock.patch.dict(sys.modules, modules), mock.patch.dict(os.environ):
            for name in ("OPENAI_API_KEY", "MISTRAL_API_KEY"):
                os.environ.pop(name, None)
            told = "set OPENAI_API_KEY, or ask OpenAI by name if a secret of Colab is called so"
            self.assertEqual(told, missing(find("OpenAI")))
            os.environ["OPENAI_API_KEY"] = SECRET
            self.assertEqual("", missing(find("OpenAI")))
