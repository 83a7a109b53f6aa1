"""What cannot be sent is refused at the call, on every face, in one line, and no provider is asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from fractions import Fraction
from typing import Any
from unittest import TestCase

from g4f import AsyncClient, ChatCompletion, Client
from g4f.errors import G4FError, InputError, ModelNotFoundError, ProviderNotFoundError, ProviderNotWorkingError

from .faces import Answer, on_every_face


class Strict:
    """Takes two options; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def create_async_generator(
        self, model: str, messages: Any, temperature: float = 1.0, seed: int | None = None
    ) -> AsyncGenerator[str]:
        self.asked += 1
        yield "asked"


class Needs(Strict):
    """Cannot be asked without an option of its own."""

    async def create_async_generator(self, model: str, messages: Any, *, voice: str) -> AsyncGenerator[str]:
        self.asked += 1
        yield voice


class Methodless:
    """No provider."""


STOP = "stop must be a text or a list of texts, none of them empty, not "
LIMIT = "max_tokens must be a positive whole number, or 0 or None for no limit, not "
SECONDS = "must be a number of seconds above 0, or None for no limit, not "
OPTIONS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"stop": ""}, f"{STOP}''"),
    ({"stop": ["a", ""]}, f"{STOP}['a', '']"),
    ({"stop": ["a", None]}, f"{STOP}['a', None]"),
    ({"stop": 5}, f"{STOP}5"),
    ({"stop": b"a"}, f"{STOP}b'a'"),
    ({"max_tokens": -1}, f"{LIMIT}-1"),
    ({"max_tokens": True}, f"{LIMIT}True"),
    ({"max_tokens": "10"}, f"{LIMIT}'10'"),
    ({"max_tokens": 1.5}, f"{LIMIT}1.5"),
    ({"timeout": -1}, f"timeout {SECONDS}-1"),
    ({"timeout": 0}, f"timeout {SECONDS}0"),
    ({"timeout": True}, f"timeout {SECONDS}True"),
    ({"timeout": "60"}, f"timeout {SECONDS}'60'"),
    ({"timeout": float("nan")}, f"timeout {SECONDS}nan"),
    ({"stream_timeout": -0.5}, f"stream_timeout {SECONDS}-0.5"),
    ({"temprature": 1}, "Strict does not take the option 'temprature'. Did you mean 'temperature'?"),
    ({"tools": []}, "Strict does not take the option 'tools'. It takes seed, temperature."),
    ({"message": []}, "Strict does not take the option 'message'. It takes seed, temperature."),
)


class Refused:
    """Options, provider and model."""

    def test_options(self: Any) -> None:
        """Each in its words."""
        provider = Strict()
        for options, words in OPTIONS:
            with self.subTest(**options):
                self.expect_error(InputError(words), lambda: provider, **options)
        self.assertEqual(0, provider.asked)

    def test_needed(self: Any) -> None:
        """An option that a provider cannot do without is told by its name."""
        provider = Needs()
        self.expect_error(InputError("Needs needs the option 'voice'", provider="Needs"), lambda: provider)
        self.expect(Answer("alto"), provider, voice="alto")

    def test_provider(self: Any) -> None:
        """A provider without a method, and a class whose method wants an instance."""
        self.expect_error(
            ProviderNotWorkingError(
                "Methodless is not a provider: it has none of the methods create_async_generator, create_async, "
                "create_completion",
                provider="Methodless",
            ),
            lambda: Methodless,
        )
        self.expect_error(
            ProviderNotWorkingError(
                "Strict.create_async_generator needs an instance: give provider=Strict(), or make it a @classmethod",
                provider="Strict",
            ),
            lambda: Strict,
        )

    def test_misspelt(self: Any) -> None:
        """A provider or model that nobody knows."""
        self.expect_error(
            ProviderNotFoundError("there is no provider 'OpenIA'. Did you mean 'OpenAI'?"), lambda: "OpenIA"
        )
        self.expect_error(
            ModelNotFoundError(
                "no provider is known for the model 'smolm2'. Did you mean 'smollm2'? "
                "Name one that serves it: provider=…"
            ),
            lambda: None,
            "smolm2",
        )

    def test_swapped(self: Any) -> None:
        """Messages in the model's place."""
        self.expect_error(
            InputError(
                'model must be a name ("" for the default) or a Model, not list. Are model and messages swapped?'
            ),
            Strict,
            [{"role": "user", "content": "?"}],
            "m",
        )

    def test_taken(self: Any) -> None:
        """Numbers of any kind are numbers, and an option that is None is not given."""
        provider = Strict()
        for options in (
            {"max_tokens": None, "stop": None, "timeout": None, "tools": None},
            {"max_tokens": 0, "stop": []},
            {"timeout": Fraction(99, 2), "stream_timeout": float("inf")},
            {"stop": ("x", "y"), "max_tokens": 10**9},
            {"stop": {"x"}},
        ):
            with self.subTest(**options):
                self.expect(Answer("asked"), provider, **options)


globals().update(on_every_face(Refused))


class TestAtTheCall(TestCase):
    """Nothing waits for the first item or the await: the line that asks is the line that fails."""

    def test_all(self) -> None:
        """Whole and streamed, sync and async."""
        provider = Strict()
        client, async_client = Client(provider), AsyncClient(provider)
        calls: tuple[Callable[..., Any], ...] = (
            lambda **options: ChatCompletion.create("", "?", **options),
            lambda **options: ChatCompletion.create_async("", "?", **options),
            lambda **options: client.chat.completions.create("?", **options),
            lambda **options: async_client.chat.completions.create("?", **options),
        )
        for call in calls:
            for stream in (False, True):
                for options in ({"temprature": 1}, {"stop": ""}, {"provider": Methodless}):
                    with self.assertRaises(G4FError):
                        call(**{"stream": stream, "provider": provider, **options})
        self.assertEqual(0, provider.asked)

    def test_of_a_client(self) -> None:
        """An option that a client was made with is refused like one of the call, and one of the call wins."""
        with self.assertRaisesRegex(InputError, "^timeout must be a number of seconds"):
            Client(Strict(), timeout=-1).chat.completions.create("?")
        with self.assertRaisesRegex(InputError, "does not take the option 'top_p'"):
            Client(Strict(), top_p=1).chat.completions.create("?")
        answer = Client(Strict(), timeout=-1, temperature=2).chat.completions.create("?", timeout=60)
        self.assertEqual("asked", answer.choices[0].message.content)
