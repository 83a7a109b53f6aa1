"""Code of an answer in a notebook: what is shown, what a variable gets, and the cell that is made below."""

from __future__ import annotations

import unittest
from typing import Any

from .kernel import Cell
from .test_magics import ChatTestCase

HALVE = "def halve(n):\n    return n / 0\n\nhalve(21)"
FIXED = "def halve(n):\n    return n / 2\n\nhalve(21)"
DIFF = "\n".join(
    (
        *("--- failed", "+++ corrected", "@@ -1,4 +1,4 @@", " def halve(n):"),
        *("-    return n / 0", "+    return n / 2", " ", " halve(21)"),
    )
)


def python(*codes: str) -> str:
    """Return an answer with blocks of Python."""
    return "So:\n" + "\n\nAnd:\n".join(f"```python\n{code}\n```" for code in codes) + "\nDone."


class CodeTestCase(ChatTestCase):
    """A kernel, and a provider that says what a test wants."""

    def say(self, said: str, line: str = "-f code", **metadata: Any) -> Cell:
        """Run a cell whose answer is `said`."""
        self.kernel.run(f"said = {said!r}")
        return self.kernel.run(f"%%chat -p Says --once {line}\n?", metadata=metadata)

    def below(self, cell: Cell) -> str:
        """Return the code of the cell that is to be made below; "" if none is."""
        self.assertEqual("ok", cell.status, cell.reply)
        payload = cell.reply["payload"]
        self.assertLessEqual(len(payload), 1)
        self.assertEqual([("set_next_input", False)] * len(payload), [(p["source"], p["replace"]) for p in payload])
        return str(payload[0]["text"]) if payload else ""


class TestShown(CodeTestCase):
    """`-f code`."""

    def test_other_languages(self) -> None:
        """The Python of an answer is one block; those of other languages stand below, as what they are."""
        said = "```bash\npip install a\n```\n```py\nimport a\n```\n```mermaid\ngraph\n```\n"
        said += "```{python}\na.b()\n```\n```\n3\n```"
        cell = self.say(said, "-f code -o code")
        note = "below the code, as it is not Python: 1 block of bash, 1 block of mermaid, 1 block without a language"
        code, bash, line = "import a\n\na.b()", "```bash\npip install a\n```", f"<sub>{note}</sub>"
        self.assertEqual(
            {
                "text/plain": f"{code}\n\n{bash}\n\n```mermaid\ngraph\n```\n\n```\n3\n```",
                "text/markdown": f"```python\n{code}\n```\n\n{bash}\n\n```text\ngraph\n```\n\n```\n3\n```\n\n{line}",
            },
            cell.displays[0],
        )
        self.assertEqual(code, self.below(cell))
        self.assertEqual(repr(code), self.kernel.run("code").result)

    def test_no_python(self) -> None:
        """Where there is no Python, it is said; nothing is made of the rest, and a variable gets nothing."""
        for said, shown, note in (
            (
                "```R\nx\n```\n```sql\ny\n```",
                "```r\nx\n```\n\n```sql\ny\n```",
                "no Python in it: 1 block of r, 1 block of sql",
            ),
            ("x is *4*", "x is *4*", "no code in it"),
        ):
            with self.subTest(note):
                cell = self.say(said, "-f code -o code")
                self.assertEqual(f"{shown}\n\n<sub>{note}</sub>", cell.displays[0]["text/markdown"])
                self.assertEqual(("", "''"), (self.below(cell), self.kernel.run("code").result))

    def test_without_a_name(self) -> None:
        """A block without a language is code if it can be read as Python."""
        self.assertEqual("x = 1", self.below(self.say("```\nx = 1\n```\n```\nno python\n```")))

    def test_variable(self) -> None:
        """Only with -f code a variable gets the code; an answer has it in any case, and a value stays a value."""
        self.say(python("a", "b"), "-o answer")
        self.assertEqual("('So:', 'a\\n\\nb')", self.kernel.run("answer[:3], answer.code").result)
        self.kernel.run("code = %chat -p Says --once -f code ?")
        self.assertEqual("'a\\n\\nb'", self.kernel.run("code").result)
        self.say("[1]", "-o value --schema list[int] -f code")
        self.assertEqual("[1]", self.kernel.run("value").result)


class TestBelow(CodeTestCase):
    """The cell below."""

    def test_where(self) -> None:
        """It is for what is shown as code: none is made quietly, of a value, in a dry run, or of another form."""
        self.assertEqual("print(1)", self.below(self.say(python("print(1)"))))
        for line in ("", "-f markdown", "-f text", "-f code -q", "-f code --dry-run"):
            with self.subTest(line):
                self.assertEqual("", self.below(self.say(python("print(1)"), line)))
        self.assertEqual("", self.below(self.kernel.run("code = %chat -p Says --once -f code ?")))
        self.kernel.run("%config ChatMagics.format = 'code'")
        self.assertEqual("print(1)", self.below(self.say(python("print(1)"), "")))
        self.kernel.run("%config ChatMagics.format = 'markdown'")

    def test_nothing_of_what_is_not_whole(self) -> None:
        """Code that was cut off is shown, and no cell is made; nor is one for a cell that fails."""
        self.kernel.run(
            "class Cut(AsyncGeneratorProvider):\n"
            "    @classmethod\n"
            "    async def create_async_generator(cls, model, messages):\n"
            "        yield said\n"
            "        yield FinishReason('length')"
        )
        self.kernel.run(f"said = {python('print(1)')!r}")
        cell = self.kernel.run("%chat -p Cut --once -f code ?")
        self.assertEqual("", self.below(cell))
        self.assertIn("print(1)", cell.screen)
        failed = self.kernel.run("%chat -p Says --once -f code ?\n1 / 0", metadata={"cellId": "fails"})
        self.assertEqual(("error", []), (failed.status, failed.reply["payload"]))
        well = self.kernel.run("%chat -p Says --once -f code ?", metadata={"cellId": "fails"})
        self.assertEqual("print(1)", self.below(well))

    def test_several(self) -> None:
        """The questions of one cell have one cell below, with the code of all, also when it is run again."""
        code = "said = '```python\\na\\n```'\n%chat -p Says --once -f code ?\nsaid = said.replace('a', 'b')\n"
        code += "get_ipython().run_cell('%chat -p Says --once -f code ?')"
        self.assertEqual("a\n\nb", self.below(self.kernel.run(code, metadata={"cellId": "several"})))
        self.assertEqual("", self.below(self.kernel.run(code, metadata={"cellId": "several"})))

    def test_again(self) -> None:
        """A cell that is run again makes no second one with the same code; one with other code is new."""
        for cell, code, expected in (
            ("a", "x", "x"),
            ("a", "x", ""),
            ("b", "x", "x"),
            ("a", "y", "y"),
            ("a", "y", ""),
            ("a", "x", "x"),
        ):
            with self.subTest(cell=cell, code=code):
                self.assertEqual(expected, self.below(self.say(python(code), cellId=cell)))
        self.assertEqual(["x", "x"], [self.below(self.say(python("x"))) for _ in range(2)])  # as in a console

    def test_deleted(self) -> None:
        """After the cell below was deleted, or what may be it, it is made again."""

        def run(code: str, cell: str, *deleted: str) -> str:
            done = self.kernel.run(code, metadata={"cellId": cell, "deletedCells": list(deleted)})
            return self.below(done)

        asks = "%chat -p Says --once -f code ?"
        self.kernel.run(f"said = {python('new = 1')!r}")
        self.assertEqual("new = 1", run(asks, "c"))
        self.assertEqual("", run(asks, "c"))
        self.assertEqual("new = 1", run(asks, "c", "never run"))
        run("other = 1", "d")
        self.assertEqual("", run(asks, "c", "d"))
        run("new = 1", "below")
        self.assertEqual("", run(asks, "c", "never run, either"))
        run("new = 1", "a copy of it")
        self.assertEqual("", run(asks, "c", "a copy of it"))
        run("2", "d", "below")
        self.assertEqual("new = 1", run(asks, "c"))
        run("2", "d", "c")
        self.assertEqual("new = 1", run(asks, "c"))


class TestFix(CodeTestCase):
    """`%chat_fix`."""

    def fix(self, said: str, line: str = "") -> Cell:
        """Ask about the last error."""
        self.kernel.run(f"said = {said!r}")
        return self.kernel.run(f"%chat_fix -p Says --once {line}")

    def test_corrected(self) -> None:
        """The corrected cell is put below, and its diff is shown; the answer stands as it is."""
        self.kernel.run(HALVE)
        for said in (
            python(FIXED),
            python("print('at first')", FIXED),
            python(HALVE, FIXED),
            f"```\n{FIXED}\n```\n```sh\n{HALVE}\n```",
        ):
            with self.subTest(said):
                cell = self.fix(said)
                self.assertEqual(FIXED, self.below(cell))
                answer, diff = cell.displays
                self.assertEqual(said, answer["text/plain"])
                self.assertEqual({"text/plain": DIFF, "text/markdown": f"```diff\n{DIFF}\n```"}, diff)
        self.assertEqual(FIXED, self.below(self.kernel.run("%%chat -p Says --once --error\nWhat now?")))
        quiet = self.fix(python(FIXED), "-q")
        self.assertEqual(("", []), (self.below(quiet), quiet.displays))

    def test_which_cell(self) -> None:
        """The failed cell is the one that the code resembles: the one that ran, one that it called, one unreadable."""
        self.kernel.run("def deep(x):\n    return x.no_such_name")
        self.kernel.run("data = [1, 2]\nfor each in data:\n    deep(each)")
        self.assertIn("-    return x.no_such_name", self.fix(python("def deep(x):\n    return x")).screen)
        self.assertIn("-    deep(each)", self.fix(python("data = [1, 2]\nfor each in data:\n    print(each)")).screen)
        self.kernel.run("total = sum(range(3)\nprint(total)")
        self.assertIn("-total = sum(range(3)\n+total", self.fix(python("total = sum(range(3))\nprint(total)")).screen)

    def test_unlike(self) -> None:
        """Code that is quite another has no diff, and a cell below only where one was asked for."""
        self.kernel.run(HALVE)
        other = python("import this")
        cell = self.fix(other)
        self.assertEqual(("import this", 1), (self.below(cell), len(cell.displays)))
        for line in ("--once Why?", "--once"):
            self.assertEqual("" if "Why" in line else "import this", self.below(self.fix(other, line)))
        self.assertEqual("", self.below(self.fix(python(HALVE), "Why?")))
        self.assertEqual("", self.below(self.fix("No code.")))

    def test_marked(self) -> None:
        """Code that cannot be run, such as a copy of what was sent, is no corrected cell; magics can be run."""
        self.kernel.run(HALVE)
        copy = HALVE.replace("    return", "-->     return")
        cell = self.fix(python(copy), "Why?")
        self.assertEqual(("", 1), (self.below(cell), len(cell.displays)))
        magic = f"%config\n!ls\n{FIXED}"
        self.assertEqual(magic, self.below(self.fix(python(copy, magic), "Why?")))

    def test_around(self) -> None:
        """A cell with lines around it is the same cell, corrected."""
        self.kernel.run("1 / 0")
        tried = "try:\n    1 / 0\nexcept ZeroDivisionError:\n    print('no')"
        cell = self.fix(python(tried), "What now?")
        self.assertEqual(tried, self.below(cell))
        self.assertIn("-1 / 0\n+try:\n+    1 / 0", cell.screen)

    def test_secret(self) -> None:
        """Stars stand for a secret of the failed cell in the diff, as in what was sent."""
        self.kernel.run("api_key = 'sk-abcdef0123456789'\nprint(api_key, 1 / 0)")
        cell = self.fix(python("api_key = '***'\nprint(api_key, 1 / 1)"))
        self.assertEqual(2, len(cell.displays))
        self.assertNotIn("sk-abcdef", repr(cell.outputs))
        self.assertIn("\n api_key = '***'\n", cell.displays[1]["text/plain"])
        self.kernel.run("def call(password):\n    return 1 / 0\n\ncall('only-here-7777')")
        cell = self.fix(python("def call(password):\n    return 1 / 1\n\ncall('***')"))
        self.assertEqual(2, len(cell.displays))
        self.assertNotIn("only-here-7777", repr(cell.outputs))

    def test_question(self) -> None:
        """The model is asked for the whole corrected cell."""
        self.kernel.run("1 / 0")
        asked = self.kernel.run("%chat_fix -p Echo --once").screen
        self.assertIn("the whole corrected cell in one block of Python code", asked)


if __name__ == "__main__":
    unittest.main()
