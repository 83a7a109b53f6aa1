"""The options of a call, as editors and type checkers know them."""

from __future__ import annotations

import inspect
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import g4f
import g4f_jupyter
from g4f import AsyncClient, ChatCompletion, Client, Conversation, options
from g4f.client.client import Completions
from g4f.conversation import PendingTurn
from g4f.option_values import AnswerLimits
from g4f.options import CallOptions, Options, ProviderOptions
from g4f.providers.in_process.local import Local
from g4f.providers.protocols.http_provider import HTTPProvider
from g4f.providers.transport.settings import TRANSPORT, Settings
from g4f.request import prepare

FACES: tuple[Callable[..., Any], ...] = (
    ChatCompletion.create,
    ChatCompletion.create_async,
    Client.__init__,
    AsyncClient.__init__,
    Completions.create,
    Completions.stream,
    Conversation.__init__,
    Conversation.__call__,
    Conversation.stream,
    Conversation.acall,
    Conversation.astream,
    Conversation.prepare,
    Conversation.from_json,
)
"""Where a caller gives options."""

IN_OTHER_WORDS = {"default_headers", "default_query", "organization", "project", "proxies"}


def named(function: Callable[..., Any]) -> set[str]:
    """Return the options that a function has by name."""
    parameters = inspect.signature(function).parameters.values()
    return {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY} - {"stream"}


class TestOptions(unittest.TestCase):
    """`Options` and what takes them."""

    def test_all_are_there(self) -> None:
        """It has every option that is read anywhere: in `prepare`, in `Settings`, by the transport and by Local."""
        for takes in (
            set(AnswerLimits.__struct_fields__) - {"max_chunks"},
            set(Settings.__struct_fields__),
            TRANSPORT,
            named(Local.create_async_generator),
            named(HTTPProvider.create_async_generator),
            IN_OTHER_WORDS,
        ):
            self.assertEqual(set(), takes - Options.__optional_keys__)
            self.assertTrue(takes)

    def test_for_every_provider(self) -> None:
        """What `Options` has besides those of a provider can be given whatever the provider takes."""

        class Plain:
            async def create_async(self, model: str, messages: list[Any]) -> str: ...

        given = {"max_tokens": 1, "stop": "x", "timeout": 1, "stream_timeout": 1, "proxy": "http://h:1"}
        given |= {"images": "https://host/x.png", "files": b"x", "max_steps": 1, "confirm": False}
        self.assertEqual(set(given), Options.__optional_keys__ - ProviderOptions.__optional_keys__)
        self.assertEqual({}, prepare("", "?", Plain(), given).options)

    def test_every_face(self) -> None:
        """Each face has them, typed; those of a conversation's call may say who is asked."""
        for face in FACES:
            with self.subTest(face.__qualname__):
                annotation = inspect.signature(face).parameters["options"].annotation
                kind = getattr(options, annotation.removeprefix("Unpack[").removesuffix("]"))
                self.assertLessEqual(Options.__optional_keys__, kind.__optional_keys__)
        self.assertEqual({"model", "provider"}, CallOptions.__optional_keys__ - Options.__optional_keys__)

    def test_types(self) -> None:
        """Each key has a type that can be read."""
        for kind in (Options, CallOptions, options.WholeOptions, options.StreamedOptions, options.AnyOptions):
            self.assertLessEqual(Options.__optional_keys__, set(get_type_hints(kind)))

    def test_each_is_explained(self) -> None:
        """Each key has a comment behind it."""
        text = Path(options.__file__).read_text(encoding="utf-8")
        lines = text.splitlines()
        for name in Options.__optional_keys__:
            (line,) = (line for line in lines if line.startswith(f"    {name}: "))
            self.assertRegex(line, "  # .+")

    def test_few_take_anything(self) -> None:
        """Almost no function takes what it does not name: at most ten."""
        untyped = [
            f"{path.name}: {line.strip()}"
            for package in (g4f, g4f_jupyter)
            for path in Path(package.__file__).parent.rglob("*.py")
            for line in path.read_text(encoding="utf-8").splitlines()
            if "**" in line and any(f": {kind}" in line.partition("**")[2] for kind in ("Any", "object"))
        ]
        self.assertLessEqual(len(untyped), 10, untyped)

    def test_not_given(self) -> None:
        """None of any option is the same as not given."""
        nothing = dict.fromkeys(Options.__optional_keys__)
        self.assertEqual({"stream": False}, prepare("m", "?", "OpenAI", nothing).options)
        self.assertIsInstance(Conversation("m", "OpenAI").prepare("?", **nothing), PendingTurn)
