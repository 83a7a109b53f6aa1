"""The tree of errors: what each is, what it carries, and that it keeps it."""

from __future__ import annotations

import builtins
import copy
import inspect
import pickle
import re
from unittest import TestCase

from g4f import errors
from g4f.errors import G4FError, ResponseStatusError, RetryProviderError, close_matches, kind_of, status_error

KINDS = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, G4FError)]


class TestTree(TestCase):
    """Who is whose kind."""

    def test_one_root(self) -> None:
        """All are G4FError, and stand in the drawing at the top of the file, in its order."""
        drawing = str(errors.__doc__)
        places = [drawing.index(f" {kind.__name__}" if kind is not G4FError else "G4FError") for kind in KINDS]
        self.assertEqual(sorted(places), places)
        self.assertEqual(len(KINDS), len(re.findall(r"^\W*\w+Error\b", drawing, re.MULTILINE)))

    def test_also_builtin(self) -> None:
        """Some are what Python calls them, too."""
        for kind, builtin in (
            (errors.TimeoutError, builtins.TimeoutError),
            (errors.ConnectError, ConnectionError),
            (errors.InputError, ValueError),
        ):
            self.assertTrue(issubclass(kind, builtin))
        self.assertTrue(issubclass(errors.NestAsyncioError, errors.MissingRequirementsError))

    def test_status(self) -> None:
        """One table from HTTP status to error."""
        for status, kind in (
            (400, errors.BadRequestError),
            (401, errors.MissingAuthError),
            (402, errors.PaymentRequiredError),
            (403, errors.MissingAuthError),
            (404, ResponseStatusError),
            (413, errors.BadRequestError),
            (422, errors.BadRequestError),
            (429, errors.RateLimitError),
            (500, errors.ServerError),
            (529, errors.ServerError),
        ):
            self.assertIs(kind, status_error(status), status)


class TestAttributes(TestCase):
    """What an error carries."""

    SAID = {"provider": "p", "model": "m", "status": 418, "request_id": "r", "partial": "so far"}  # noqa: RUF012

    def test_default(self) -> None:
        """Nothing is told of itself, and the line is the whole text."""
        for kind in KINDS:
            error = kind("one line")
            self.assertEqual("one line", str(error))
            told = (error.provider, error.model, error.status, error.request_id, error.partial)
            self.assertEqual(("", "", None, None, ""), told)

    def test_fill(self) -> None:
        """What it says itself stays."""
        error = G4FError("x", provider="p")
        error.fill("q", "n", "text")
        self.assertEqual(("p", "n", "text"), (error.provider, error.model, error.partial))

    def test_copies(self) -> None:
        """Pickling and copying keep line, attributes and notes."""
        for kind in KINDS:
            error = kind("one line", [("a", ValueError("b"))]) if kind is RetryProviderError else kind("one line")
            for name, value in self.SAID.items():
                setattr(error, name, value)
            error.add_note("a note")
            for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
                self.assertIs(kind, type(again))
                self.assertEqual("one line", str(again))
                self.assertEqual(self.SAID, {name: getattr(again, name) for name in self.SAID})
                self.assertEqual(["a note"], again.__notes__)
                if kind is RetryProviderError:
                    self.assertEqual("(('a', ValueError('b')),)", repr(again.errors))


class TestWords(TestCase):
    """What the lines are made of."""

    def test_close_matches(self) -> None:
        """At most three, whatever the case; nothing where nothing is near."""
        known = ["OpenAI", "OpenRouter", "Ollama"]
        for name, words in (
            ("openai", " Did you mean 'OpenAI'?"),
            ("OpenIA", " Did you mean 'OpenAI'?"),
            ("olama", " Did you mean 'Ollama'?"),
            ("zzz", ""),
            ("", ""),
        ):
            self.assertEqual(words, close_matches(name, known))
        self.assertEqual(3, close_matches("aab", ["aaa", "aab", "aac", "aad"]).count("'aa"))
        self.assertEqual("", close_matches("x", []))

    def test_kind_of(self) -> None:
        """None is called None."""
        self.assertEqual(["None", "int", "list"], [kind_of(None), kind_of(1), kind_of([])])
