"""What a provider cannot do is said before anything is sent, with those who can."""

from __future__ import annotations

import os
import unittest
from collections.abc import AsyncGenerator, Iterator
from typing import Any
from unittest import mock

import g4f
from g4f.errors import InputError, ModelNotFoundError, RetryProviderError
from g4f.providers.base_provider import AbstractProvider, AsyncGeneratorProvider
from g4f.providers.catalogue import ROWS, able, find, lacks
from g4f.providers.in_process.local import Local

from .faces import Answer, on_every_face
from .loops import run
from .rows import only
from .servers import Server, hello

PNG = b"\x89PNG\r\n\x1a\n"
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
TOOLS = [{"type": "function", "function": {"name": "f"}}]


class Plain(AsyncGeneratorProvider):
    """Can nothing but talk."""

    lacks = frozenset({"files", "images", "sound", "json_schema", "json_object", "tools", "seed"})

    @classmethod
    async def create_async_generator(cls, model: str, messages: Any, **options: Any) -> AsyncGenerator[str]:
        yield f"Plain {sorted(options)}"


class Able(AsyncGeneratorProvider):
    """Can all."""

    @classmethod
    async def create_async_generator(cls, model: str, messages: Any, **options: Any) -> AsyncGenerator[str]:
        yield "Able"


class Silent(AbstractProvider):
    """Sync, without a `lacks` of its own; it takes no options."""

    @classmethod
    def create_completion(cls, model: str, messages: Any) -> Iterator[str]:
        yield "Silent"


class Lacking:
    """Every face refuses at the call."""

    def test_refused(self) -> None:
        """One line says what cannot be done, and who in the catalogue can."""
        for options, says in (
            ({"images": PNG}, "see images"),
            ({"response_format": SCHEMA}, "follow a JSON schema"),
            ({"response_format": {"type": "json_object"}}, "answer in JSON without a schema"),
            ({"tools": TOOLS}, "call tools"),
            ({"seed": 1}, "do 'seed'"),
        ):
            with only(Plain, Able, Silent):
                words = f"Plain cannot {says}: leave that out, or ask Able or Silent"
                self.expect_error(InputError(words, provider="Plain"), lambda: Plain, **options)

    def test_in_a_message(self) -> None:
        """An image in a message counts, wherever in the conversation it stands."""
        asked = [{"role": "user", "content": ["?", {"type": "image_url", "image_url": PNG}]}]
        asked += [{"role": "assistant", "content": "!"}, {"role": "user", "content": "?"}]
        for messages in (asked, asked[:1]):
            with only(Plain):
                words = "Plain cannot see images: leave that out, or ask another provider"
                self.expect_error(InputError(words, provider="Plain"), lambda: Plain, messages=messages)

    def test_files_and_sound(self) -> None:
        """So does a file, and a recording; a text is what everyone takes."""
        for kind, says in (("file", "read files"), ("input_audio", "hear sound")):
            asked = [{"role": "user", "content": ["?", {"type": kind}]}, {"role": "user", "content": "?"}]
            with self.subTest(kind), only(Plain, Able):
                words = f"Plain cannot {says}: leave that out, or ask Able"
                self.expect_error(InputError(words, provider="Plain"), lambda: Plain, messages=asked)
        self.expect(Answer("Plain ['stream']"), _Streamed, messages=[{"role": "user", "content": ["?"]}])

    def test_what_it_can(self) -> None:
        """What is not lacking goes through, and so does an option that is None."""
        given = {"temperature": 1, "seed": None, "response_format": {"type": "text"}}
        self.expect(Answer("Plain ['response_format', 'stream', 'temperature']"), _Streamed, **given)

    def test_passed_over(self) -> None:
        """A list of providers passes over one that cannot, and asks the next."""
        providers = g4f.Provider.IterListProvider([Plain, Able])
        self.expect(Answer("Able"), providers, images=PNG)

    def test_none_can(self) -> None:
        """Where none of a list can, the error names each."""
        for way in self.calls:
            with self.subTest(way), only(Plain, Able), self.assertRaises(RetryProviderError) as caught:
                self.ask(way, g4f.Provider.IterListProvider([Plain, Silent]), images=PNG, seed=1)
            told = str(caught.exception)
            self.assertIn("Plain cannot see images: leave that out, or ask Able", told)
            self.assertIn("Silent does not take the option 'seed'", told)


class _Streamed(Plain):
    """Says the same whole and streamed."""

    @classmethod
    async def create_async_generator(
        cls, model: str, messages: Any, stream: bool = True, **options: Any
    ) -> AsyncGenerator[str]:
        yield f"Plain {sorted({'stream': stream, **options})}"


globals().update(on_every_face(Lacking))


class TestCatalogue(unittest.TestCase):
    """What the rows say."""

    def test_before_sending(self) -> None:
        """What a row lacks is refused without a request, also where an address is given; what it has is sent."""
        with Server(hello) as server:
            for provider, options, says in (
                ("DeepSeek", {"response_format": SCHEMA}, "DeepSeek cannot follow a JSON schema"),
                ("LMStudio", {"response_format": {"type": "json_object"}}, "LMStudio cannot answer in JSON "),
                ("Groq", {"logprobs": True}, "Groq cannot do 'logprobs'"),
                ("Cohere", {"parallel_tool_calls": False}, "Cohere cannot do 'parallel_tool_calls'"),
            ):
                with self.subTest(provider), self.assertRaisesRegex(InputError, f"^{says}.*or ask .*OpenAI"):
                    g4f.ChatCompletion.create("m", "Hi", provider, base_url=server.url, **options)
            self.assertEqual([], server.requests)
            options = {"base_url": server.url, "response_format": {"type": "json_object"}}
            g4f.ChatCompletion.create("m", "Hi", "DeepSeek", **options)
            self.assertEqual({"type": "json_object"}, server.requests[0].json["response_format"])

    def test_in_other_words(self) -> None:
        """A seed goes to Mistral by the name that it has there."""
        with Server(hello) as server:
            for provider, name in (("Mistral", "random_seed"), ("Groq", "seed")):
                g4f.ChatCompletion.create("m", "Hi", provider, base_url=server.url, seed=7)
                sent = server.requests[-1].json
                self.assertEqual({name: 7}, {key: sent[key] for key in sent if "seed" in key})

    def test_words_of_rows(self) -> None:
        """A row adds to what its protocol lacks, and no row lacks the same twice or what nobody asks for."""
        for row in ROWS:
            with self.subTest(row.name):
                self.assertLessEqual(set(row.lacks), lacks(row))
                self.assertEqual(sorted(set(row.lacks)), list(row.lacks))
                self.assertTrue(all(name.isidentifier() for name in lacks(row)))

    def test_able(self) -> None:
        """Those who can are named, with a key first; none where the catalogue does not tell them apart."""
        for name in ("images", "json_schema", "json_object"):
            with self.subTest(name):
                self.assertGreater(len(able(name)), 3)
                self.assertFalse([found for found in able(name) if name in lacks(find(found))])
        self.assertEqual([], able("no such option"))
        with mock.patch.dict(os.environ, {"XAI_API_KEY": "k"}):
            self.assertEqual("XAI", able("images")[0])

    def test_local(self) -> None:
        """The model in this process sees no images, and says so before it is loaded."""
        with self.assertRaisesRegex(InputError, "^Local cannot see images: leave that out, or ask "):
            g4f.ChatCompletion.create("", "?", "Local", images=PNG)
        for provider in ("Local", "Ollama"):
            for kind, says in (("file", "read files"), ("input_audio", "hear sound")):
                with (
                    self.subTest(provider, kind=kind),
                    self.assertRaisesRegex(InputError, f"^{provider} cannot {says}"),
                ):
                    g4f.ChatCompletion.create("", [{"role": "user", "content": [{"type": kind}]}], provider)

    def test_local_models(self) -> None:
        """It lists the model that answers where none is named: a name or a path that can be asked for."""
        with mock.patch.dict(os.environ, {"G4F_LOCAL_MODEL": __file__}):
            self.assertEqual([__file__], run(Local.models()))
        with mock.patch.dict(os.environ, {"G4F_LOCAL_MODEL": "/no/such.gguf"}), self.assertRaises(ModelNotFoundError):
            run(Local.models())


if __name__ == "__main__":
    unittest.main()
