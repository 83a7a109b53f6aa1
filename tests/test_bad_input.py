"""What cannot be sent is refused at the call, on every face, in one line, and no provider is asked."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncGenerator, Callable
from fractions import Fraction
from typing import Any
from unittest import TestCase

from g4f import AsyncClient, ChatCompletion, Client, Conversation, tape
from g4f.errors import G4FError, InputError, ModelNotFoundError, ProviderNotFoundError, ProviderNotWorkingError, quoted
from g4f.options import Options
from g4f.Provider import IterListProvider, RetryProvider
from g4f.providers.catalogue import find, load

from . import loops
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


class Unshown:
    """An object that cannot be shown."""

    def __repr__(self) -> str:
        raise OSError("not shown")


HELD: list[Any] = []
HELD.append(HELD)
ODD: tuple[Any, ...] = (
    None,
    -1,
    10**5000,
    1.5,
    float("nan"),
    float("inf"),
    1j,
    True,
    b"\xff",
    "\ud800",
    "\0",
    "x" * 9_999,
    "http://[",
)
ODD += ([], HELD, [None], {}, {1: 2}, {"x": HELD}, {1}, object(), int, Unshown(), [Unshown()], lambda: 1, ...)
"""What a mistake may give instead of an option, a name or a list."""


class Anything:
    """Takes any option."""

    @staticmethod
    async def create_async_generator(model: str, messages: Any, **options: Any) -> AsyncGenerator[str]:
        yield "asked"


def _asked(**given: Any) -> None:
    answer = ChatCompletion.create(**given)
    if not isinstance(answer, str):
        list(answer)


class TestAnything(TestCase):
    """Whatever is given where something else is expected, it is taken, or is one error of ours."""

    def attempt(self, what: str, call: Callable[[Any], Any]) -> None:
        """Call with each odd value, in turn."""
        for value in ODD:
            with self.subTest(what, value=quoted(value)):
                try:
                    call(value)
                except G4FError as error:
                    self.assertNotIn("\n", str(error))
                    self.assertLess(len(str(error)), 1000)

    def test_every_option(self) -> None:
        """Each option, by the names that we and others have for it: in a call, of a client, on its way to a server."""
        for name in sorted(Options.__optional_keys__ | {"messages", "model", "stream", "x"}):
            of_a_call = {"model": "", "messages": "?", "provider": Anything}
            of_a_server = of_a_call | {"provider": "Ollama", "base_url": "http://127.0.0.1:9", "max_retries": 0}
            for given in (of_a_call, of_a_server):
                self.attempt(name, lambda value, given=given | {}, name=name: _asked(**(given | {name: value})))
            self.attempt(
                f"client {name}",
                lambda value, name=name: Client(Anything, **{name: value}).chat.completions.create("?"),
            )

    def test_settings(self) -> None:
        """What says how and where to ask."""
        address, key = "http://127.0.0.1:9", "k" * 20
        for name in ("Ollama", "Anthropic", "Gemini", "OpenAI"):
            given = {"base_url": address, "api_key": key, "max_retries": 0}
            for option in ("base_url", "connect_timeout", "first_timeout", "max_retries", "reasoning_effort", "verify"):
                self.attempt(
                    f"{name} {option}",
                    lambda value, name=name, option=option, given=given: ChatCompletion.create(
                        "m", "?", name, **(given | {option: value})
                    ),
                )
            for what, call in (
                ("model", lambda value, name=name, given=given: ChatCompletion.create(value, "?", name, **given)),
                (
                    "image",
                    lambda value, name=name, given=given: ChatCompletion.create(
                        "m", "?", name, **given, images="http://[" if value is None else [value]
                    ),
                ),
            ):
                self.attempt(f"{name} {what}", call)

    def test_of_the_call_itself(self) -> None:
        """What a call has as arguments is no option of a client."""
        for provider in (Anything, Strict()):
            with self.assertRaisesRegex(InputError, "^messages: these are no options"):
                Client(provider, messages="?").chat.completions.create("?")  # type: ignore[call-arg]

    def test_times(self) -> None:
        """A time that is no number of seconds above 0 is refused."""
        for name in ("connect_timeout", "first_timeout", "stream_timeout"):
            for seconds in (float("nan"), 0, -1):
                with self.subTest(name, seconds=seconds), self.assertRaises(InputError):
                    ChatCompletion.create("m", "?", "http://127.0.0.1:9", max_retries=0, **{name: seconds})

    def test_providers(self) -> None:
        """Names and lists of providers."""
        self.attempt("find", find)
        self.attempt("load", load)
        self.attempt("list", lambda value: ChatCompletion.create("", "?", IterListProvider(value)))
        self.attempt("in a list", lambda value: ChatCompletion.create("", "?", IterListProvider([value])))
        self.attempt(
            "tries",
            lambda value: RetryProvider([Strict()], single_provider_retry=True, max_retries=value).order(),
        )

    def test_errors(self) -> None:
        """An error takes anything for its line, such as another error."""
        self.assertEqual("None", str(G4FError(None)))
        self.assertEqual("'x'", str(InputError(KeyError("x"))))
        self.attempt("error", G4FError)

    def test_tape(self) -> None:
        """File and mode of a tape."""
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            self.attempt("file", lambda value: tape(value).__enter__().file)
            self.attempt("mode", lambda value: tape("x.jsonl", value).__enter__())

    def test_conversation(self) -> None:
        """What a conversation decides itself is no option of its calls, and says what to use."""
        chat = Conversation("", Strict())
        for name, instead in (("stream", r"\.stream\("), ("messages", "turns=")):
            given = {name: True}
            for call in (chat, chat.stream, chat.astream, lambda _, **more: Conversation("", Strict(), **more)):
                with self.subTest(name), self.assertRaisesRegex(InputError, f"no option '{name}': use {instead}"):
                    call("?", **given)
            with self.assertRaisesRegex(InputError, instead):
                loops.run(chat.acall("?", **given))
        self.assertEqual("asked", chat("?"))


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
            Client(Strict(), top_p=0.5).chat.completions.create("?")
        answer = Client(Strict(), timeout=-1, temperature=2).chat.completions.create("?", timeout=60)
        self.assertEqual("asked", answer.choices[0].message.content)
