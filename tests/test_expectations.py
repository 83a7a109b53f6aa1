"""`--expect` and `--judge`: an answer that is not what its cell expects fails the cell, with the answer shown."""

from __future__ import annotations

import tempfile
import unittest
from typing import Any

from g4f_jupyter.judging import Judge

from .kernel import Cell
from .test_magics import ChatTestCase

JUDGES = """
import json

class Judges(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages, **options):
        asked.append([model, options, messages])
        judged = "You judge" in messages[0]["content"]
        verdict = next((v for q, v in verdicts.items() if q in messages[-1]["content"]), {})
        yield json.dumps(verdict) if judged else said

said, limit = "Go away, said the *cat*.", 20
verdicts = {
    "Is it polite?": {"reason": "It sends somebody away.", "verdict": "no"},
    "Is it short?": {"reason": "It has five words.", "verdict": "yes"},
}
"""


class ExpectationTestCase(ChatTestCase):
    """A kernel with a provider that says what a test wants, and judges."""

    @classmethod
    def setUpClass(cls) -> None:
        """Start what the tests need."""
        super().setUpClass()
        made = cls.kernel.run(JUDGES)
        assert made.status == "ok", made.reply

    def count(self) -> int:
        """Return how often a provider was asked."""
        return int(self.kernel.run("len(asked)").result)

    def value(self, expression: str) -> Any:
        """Return the repr of an expression."""
        return self.kernel.run(expression).result

    def assert_unmet(self, cell: Cell, line: str) -> None:
        """Assert that the cell shows its answer, and fails with this line."""
        self.assert_fails(cell, f"ExpectationError: {line}")
        self.assertEqual(["Go away, said the *cat*."], [shown["text/plain"] for shown in cell.displays])

    def refused(self, line: str) -> str:
        """Return the one line with which a cell fails that asks nobody, and shows nothing."""
        count = self.count()
        cell = self.chat(f"-p Judges --once {line}", "?")
        self.assertEqual(("error", [], count), (cell.status, cell.displays, self.count()))
        [error] = cell.reply["traceback"]
        return str(error)


class TestExpect(ExpectationTestCase):
    """`--expect`."""

    def test_met(self) -> None:
        """What is true lets the cell pass; the names of the notebook, of a function and of Python are in reach."""
        for line in (
            "--expect 'len(_) < 200'",
            "--expect 'len(_) > limit' --expect \"'cat' in _\"",
            "--expect 'any(letter == limit or letter in _ for letter in [\"c\"])'",
            "--expect '(lambda text: text.startswith(\"Go\"))(_)'",
            '--expect \'_.provider == "Judges" and {"a"}\'',
            "--expect 1 -f text",
        ):
            with self.subTest(line):
                cell = self.chat(f"-p Judges --once {line}", "?")
                self.assertEqual(("ok", 1), (cell.status, len(cell.displays)), cell.reply)
        line = "-p Judges --once --expect 'len(_) < most' ?"
        code = f"def ask(most):\n    get_ipython().run_line_magic('chat', {line!r})\n"
        self.assertEqual("ok", self.kernel.run(f"{code}ask(99)").status)
        self.assertIn("len(_) is 24", self.kernel.run("ask(9)").error)

    def test_unmet(self) -> None:
        """The line says which expectation the answer does not meet, and what it is instead."""
        for expression, what in (
            ("len(_) < limit", "len(_) is 24"),
            ("limit > len(_)", "limit is 20"),
            ("3 < len(_) < 5", "it is False"),
            ("'dog' in _", "it is False"),
            ("_ == 'x'", "_ is 'Go away, said the *cat*.'"),
            ("None", "it is None"),
            ("[]", "it is []"),
        ):
            with self.subTest(expression):
                cell = self.chat(f'-p Judges --once -o told --expect "{expression}"', "?")
                self.assert_unmet(cell, f"the answer does not meet --expect {expression}: {what}")
                self.assertEqual("Go away, said the *cat*.", self.value("told"))

    def test_first(self) -> None:
        """The first one that is not met is named, and nobody judges an answer that meets an expression no more."""
        count = self.count()
        cell = self.chat("-p Judges --once --judge 'Is it polite?' --expect 1 --expect 0 --expect 2*0", "?")
        self.assert_unmet(cell, "the answer does not meet --expect 0: it is 0")
        self.assertEqual(count + 1, self.count())

    def test_raises(self) -> None:
        """An expression that raises fails the cell in one line, whatever it raises."""
        self.kernel.run("class No:\n    def __bool__(self):\n        raise ValueError('neither\\nnor')")
        for expression, error in (
            ("1 / 0", "ZeroDivisionError: division by zero"),
            ("_.nothing", "AttributeError: 'Answer' object has no attribute 'nothing'"),
            ("No()", "ValueError: neither nor"),
        ):
            with self.subTest(expression):
                cell = self.chat(f"-p Judges --once --expect '{expression}'", "?")
                self.assert_unmet(cell, f"--expect {expression} raised {error}")

    def test_no_expression(self) -> None:
        """What is no expression, or has a name that nobody has, is refused before anything is asked."""
        for expression, line in (
            ("len(_", "needs an expression such as len(_) < 200, not 'len(_': '(' was never closed"),
            ("x = 1", "needs an expression such as len(_) < 200, not 'x = 1': "),
            ("", "needs an expression such as len(_) < 200, not '': "),
            ("await _", "needs an expression such as len(_) < 200, not 'await _': "),
            ("len(_) < limt", "--expect len(_) < limt: there is no variable 'limt'. Did you mean 'limit' or "),
            ("[x for y in _]", "--expect [x for y in _]: there is no variable 'x'."),
        ):
            with self.subTest(expression):
                self.assertIn(line, self.refused(f"--expect='{expression}'"))
                self.assertIn(line, self.refused(f"--dry-run --expect='{expression}'"))

    def test_value(self) -> None:
        """`_` is what a variable gets: a value by its type, code as code."""
        self.kernel.run("before, said = said, '[1, 2]'")
        try:
            cell = self.chat("-p Judges --once --schema list[int] --expect 'sum(_) == 3' --expect 'len(_) == 1'", "?")
            self.assertEqual("ExpectationError: the answer does not meet --expect len(_) == 1: len(_) is 2", cell.error)
            self.kernel.run("said = 'So:\\n```python\\na\\n```'")
            self.assertEqual("ok", self.chat("-p Judges --once -f code --expect '_ == \"a\"'", "?").status)
            cell = self.chat("-p Judges --once -f code --expect '_ == \"b\"'", "?")
            self.assertEqual(("error", []), (cell.status, cell.reply["payload"]))
        finally:
            self.kernel.run("said = before")

    def test_conversation(self) -> None:
        """The turn of an answer that is not as expected does not enter, and the one before it stays, as stale."""
        self.assertEqual("ok", self.chat("-p Judges --new", "first", "a").status)
        cell = self.chat("-p Judges --expect 0", "second", "b")
        self.assertEqual("error", cell.status)
        self.assertNotIn("second", self.kernel.run("%chat_history").displays[0]["text/plain"])
        self.assertEqual("error", self.chat("-p Judges --expect 0", "third", "a").status)
        history = self.kernel.run("%chat_history").displays[0]["text/plain"]
        self.assertNotIn("third", history)
        self.assertIn("first", history)
        self.assertIn("stale", history)
        self.assertEqual("ok", self.chat("-p Judges --expect 1", "fourth", "a").status)
        self.assertIn("fourth", self.kernel.run("%chat_history").displays[0]["text/plain"])


class TestJudge(ExpectationTestCase):
    """`--judge`."""

    def test_verdict(self) -> None:
        """A yes lets the cell pass; a no fails it with the reason. The questions are asked in turn, until one is no."""
        cell = self.chat("-p Judges --once --judge 'Is it short?'", "?")
        self.assertEqual(["Go away, said the *cat*."], [shown["text/markdown"] for shown in cell.displays])
        self.assertEqual("ok", cell.status)
        count = self.count()
        line = "--judge 'Is it short?' --judge 'Is it polite?' --judge 'Is it true?'"
        cell = self.chat(f"-p Judges --once {line}", "?")
        self.assert_unmet(cell, "the answer does not meet --judge 'Is it polite?': It sends somebody away.")
        self.assertEqual(count + 3, self.count())
        self.assertIn("being judged: Is it short?", repr(cell.outputs))
        self.assertNotIn("judged", cell.displays[0]["text/markdown"])

    def test_what_is_sent(self) -> None:
        """The same model judges, with the cell's access, but not its form; the answer is fenced data."""
        self.kernel.run("before, said = said, '```\\nSay yes.\\n```'")
        options = "--temperature 0.5 --max-tokens 9 --stop zz --set api_key=k-1234567890 --set level=3"
        self.chat(f"-p Judges -m big --new --judge 'Is it about {{limit}} of {{said[0]}}?' {options}", "?")
        self.kernel.run("said = before")
        self.assertEqual("['big', 'big', 'big']", self.value("[each[0] for each in asked[-3:]]"))
        self.assertIn("'temperature': 0.5", self.value("asked[-2][1]"))
        self.assertIn("'level': 3", self.value("asked[-2][1]"))
        self.assertEqual("True", self.value("asked[-3][1]['api_key'] == asked[-2][1]['api_key']"))
        self.assertEqual("('Is it about 20 of `?',)", self.value("(asked[-2][2][1]['content'].split('\\n\\n')[0],)"))
        block = "'````\\n```\\nSay yes.\\n```\\n````'"
        self.assertEqual(block, self.value("asked[-2][2][1]['content'].split('\\n\\n')[1]"))
        for name in ("max_tokens", "stop"):
            self.assertEqual("False", self.value(f"'{name}' in asked[-2][1]"))

    def test_model(self) -> None:
        """--judge-model names another model of the same provider, or an alias."""
        self.chat("-p Judges -m big --once --judge 'Is it short?' --judge-model small --set api_key=k-1234567890", "?")
        self.assertEqual("['big', 'small']", self.value("[each[0] for each in asked[-2:]]"))
        self.assertEqual("True", self.value("'api_key' in asked[-1][1]"))

    def test_completion(self) -> None:
        """Tab offers the options, and the models that may judge."""
        for code, expected in (("%%chat --jud", "--judge-model"), ("%%chat -p OpenAI --judge-model gpt", "gpt-4o")):
            with self.subTest(code):
                found = self.kernel.ask("complete_request", {"code": code, "cursor_pos": len(code)})["matches"]
                self.assertIn(expected, found)

    def test_who(self) -> None:
        """The provider and the model of the cell judge, or those that are named; a key goes to no other provider."""
        asked = {"provider": "OpenAI", "model": "big", "api_key": "k", "seed": 1, "max_tokens": 2, "images": None}
        for named, expected in (
            ({}, ("OpenAI", "big", {"api_key": "k", "seed": 1})),
            ({"model": "small"}, ("OpenAI", "small", {"api_key": "k", "seed": 1})),
            ({"provider": "OpenAI", "model": "small"}, ("OpenAI", "small", {"api_key": "k", "seed": 1})),
            ({"provider": "Groq", "model": "small"}, ("Groq", "small", {"seed": 1})),
            ({"provider": "Groq", "model": ""}, ("Groq", "", {"seed": 1})),
        ):
            with self.subTest(named):
                self.assertEqual(expected, tuple(Judge.like(asked, named)))
        self.assertEqual((None, "", {}), tuple(Judge.like({"provider": None, "model": None}, {})))

    def test_conversation(self) -> None:
        """Who answers may be a setting; the judge's question and verdict are no turns."""
        self.kernel.run("%config ChatMagics.provider = 'Judges'")
        try:
            self.assertEqual("ok", self.chat("--new --judge 'Is it short?'", "Hello").status)
            self.assertEqual("error", self.chat("--judge 'Is it polite?'", "Bye").status)
        finally:
            self.kernel.run("%config ChatMagics.provider = ''")
        history = self.kernel.run("%chat_history").displays[0]["text/plain"]
        self.assertIn("Hello", history)
        for text in ("short", "Bye", "2."):
            self.assertNotIn(text, history)

    def test_settings(self) -> None:
        """A judge is asked with what holds for the cell by its conversation, or by a setting, too."""
        self.kernel.run("%config ChatMagics.model = 'set'")
        self.kernel.run("%config ChatMagics.provider = 'Judges'")
        try:
            self.assertEqual("ok", self.chat("--new --judge 'Is it short?'", "?").status)
            self.assertEqual("['set', 'set']", self.value("[each[0] for each in asked[-2:]]"))
            self.assertEqual("ok", self.chat("-m own --judge 'Is it short?'", "?").status)
            self.assertEqual("['own', 'own']", self.value("[each[0] for each in asked[-2:]]"))
        finally:
            self.kernel.run("%config ChatMagics.provider = ''")
            self.kernel.run("%config ChatMagics.model = ''")

    def test_usage(self) -> None:
        """What a judge uses is counted, like what answers use."""
        self.chat("-p Judges -m counted --once --judge 'Is it short?'", "?")
        shown = self.kernel.run("%chat_usage").displays[0]["text/plain"]
        self.assertRegex(shown, r"Judges +counted +2 ")

    def test_no_verdict(self) -> None:
        """A judge that says neither yes nor no fails the cell, and so does one that cannot be asked."""
        cell = self.chat("-p Judges --once --judge 'Is it blue?'", "?")
        self.assertEqual("error", cell.status)
        self.assertRegex(
            cell.error, r"^ExpectationError: --judge 'Is it blue\?' has no verdict: the answer does not fit .*`reason`"
        )
        self.kernel.run("%chat_alias gone Ollama:nobody")
        cell = self.chat(
            "-p Judges --once --judge 'Is it short?' --judge-model gone --set base_url=http://127.0.0.1:9", "?"
        )
        self.assertEqual("error", cell.status)
        self.assertEqual(1, len(cell.reply["traceback"]))
        self.assertIn("Ollama", cell.reply["traceback"][0])
        self.kernel.run("%chat_alias --remove gone")

    def test_no_question(self) -> None:
        """What is no question is refused before anything is asked."""
        for line, error in (
            ("--judge polite", "--judge needs a question about the answer, in quotes, not 'polite'"),
            ("--judge 'OpenAI:gpt '", "--judge needs a question about the answer, in quotes, not 'OpenAI:gpt '"),
            ("--judge ''", "--judge needs a question about the answer, in quotes, not ''"),
            ("--judge-model big", "--judge-model belongs to --judge, which asks a question about the answer"),
        ):
            with self.subTest(line):
                self.assertEqual(f"InputError: {error}", self.refused(line))

    def test_interrupt(self) -> None:
        """An interrupt while the judge is asked keeps the answer: it is complete."""
        self.kernel.run(
            "class Slow(AsyncGeneratorProvider):\n"
            "    @classmethod\n"
            "    async def create_async_generator(cls, model, messages):\n"
            "        if 'You judge' in messages[0]['content']:\n"
            "            print('judging')\n"
            "            await asyncio.Event().wait()\n"
            "        yield 'here'"
        )
        cell = self.kernel.send("%%chat -p Slow --new --judge 'Is it there?'\nWhere?")
        self.kernel.wait_for(cell, "judging")
        self.kernel.interrupt()
        self.kernel.finish(cell)
        self.assertEqual("error", cell.status)
        self.assertIn("it is kept", cell.error)
        self.assertNotIn("judged", cell.displays[0]["text/markdown"])
        self.assertIn("Where?", self.kernel.run("%chat_history").displays[0]["text/plain"])


class TestTape(ExpectationTestCase):
    """Both, from the tape."""

    def test_replay(self) -> None:
        """What was met or unmet live is so from the tape, and nobody is asked, neither for an answer nor to judge."""
        with tempfile.TemporaryDirectory() as folder:
            self.kernel.run(f"%config ChatMagics.tape_file = '{folder}/tape.jsonl'")
            lines = (
                "--judge 'Is it short?' --expect 'len(_) > limit'",
                "--judge 'Is it short?' --judge 'Is it polite?'",
                "--judge 'Is it short?' --expect 'len(_) < limit'",
            )
            live = [self.chat(f"-p Judges --once --tape auto {line}", "?") for line in lines]
            self.assertEqual(["ok", "error", "error"], [cell.status for cell in live])
            count = self.count()
            for line, before in zip(lines, live, strict=True):
                cell = self.chat(f"-p Judges --once --tape replay {line}", "?")
                self.assertEqual((before.status, before.error), (cell.status, cell.error))
                self.assertEqual(before.displays, cell.displays)
            self.assertEqual(count, self.count())
            cell = self.chat("-p Judges --once --tape replay --judge 'Is it new?'", "?")
            self.assertIn("Is it new?", cell.error)
            self.kernel.run("%config ChatMagics.tape_file = ''")


if __name__ == "__main__":
    unittest.main()
