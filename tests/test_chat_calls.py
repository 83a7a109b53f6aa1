"""`g4f_jupyter.chat` and `g4f_jupyter.achat`: the magic as functions, in a real kernel."""

from __future__ import annotations

import tempfile
import unittest

from . import script
from .kernel import Kernel
from .test_magics import KEPT, LATE, LEFT, ChatTestCase

FAILS = """
class Fails:
    async def create_async(model, messages):
        raise RateLimitError("")
"""

TOOLS = """
from g4f.providers.response import ToolCall

class Calls:
    async def create_async_generator(model, messages, **options):
        yield "four" if messages[-1]["role"] == "tool" else ToolCall(0, "a", "double", '{"n": 2}')

class Four:
    async def create_async_generator(model, messages, **options):
        yield "[4]"

def double(n: int):
    return 2 * n
"""

TOGETHER = """
go, done = asyncio.Event(), asyncio.Event()

class After:
    async def create_async_generator(model, messages):
        go.set()
        await done.wait()
        yield "after"

async def first():
    await g4f_jupyter.achat("?", provider=Held, once=True)
    done.set()

async def second():
    await g4f_jupyter.achat("?", provider=After, once=True)
"""

FORMS = "g4f_jupyter.chat(", "await g4f_jupyter.achat("


class TestCalls(ChatTestCase):
    """What a call shows, keeps and returns, in both forms."""

    def setUp(self) -> None:
        """Import it."""
        self.kernel.run("import g4f, g4f_jupyter")

    def test_answer(self) -> None:
        """It stands in the cell once, as with `%chat`, and is returned; braces in the question stay as they are."""
        for form in FORMS:
            with self.subTest(form):
                cell = self.kernel.run(f"answer = {form}'hi {{you}}', provider=Echo, new=True)")
                self.assertEqual(
                    {"text/plain": "You said hi {you}", "text/markdown": "You said hi {you}"}, *cell.displays
                )
                self.assertEqual("Echo\n", self.kernel.run("print(answer.provider)").text)
                cell = self.kernel.run(f"{form}'next', provider=Echo)")
                self.assertEqual(set(), {kind for kind, _ in cell.outputs} - {"display_data", "update_display_data"})
                self.assertEqual(["hi {you}", "You said hi {you}", "next"], self.asked())
                self.assertEqual("You said next", self.kernel.run("_").result)

    def test_loop(self) -> None:
        """In a loop and in a function each is a turn of the cell, which replaces them when it is run again."""
        code = "def ask(word):\n    return g4f_jupyter.chat(word, provider=Echo)\n[ask(word) for word in 'ab']"
        self.kernel.run("g4f_jupyter.chat('first', provider=Echo, new=True)", metadata={"cellId": "loop 1"})
        for _ in range(2):
            cell = self.kernel.run(code, metadata={"cellId": "loop 2"})
            self.assertEqual(["You said a", "You said b"], [shown["text/plain"] for shown in cell.displays])
            self.assertEqual("['You said a', 'You said b']", cell.result)
        self.assertEqual(["first", "You said first", "a", "You said a", "b"], self.asked())

    def test_at_the_same_time(self) -> None:
        """Several that are awaited together are shown each in its place, and other tasks go on."""
        cell = self.kernel.run(
            "await asyncio.gather(*(g4f_jupyter.achat(word, provider=Echo, once=True) for word in 'ab'))"
        )
        self.assertEqual(["You said a", "You said b"], [shown["text/plain"] for shown in cell.displays])
        self.kernel.run(
            "go = asyncio.Event()\nclass Held:\n    async def create_async_generator(model, messages):\n"
            "        await go.wait()\n        yield 'went'"
        )
        cell = self.kernel.run(
            "task = asyncio.create_task(g4f_jupyter.achat('?', provider=Held, once=True))\n"
            "await asyncio.sleep(0)\ngo.set()\nprint(await task)"
        )
        self.assertEqual("went\n", cell.text)
        self.kernel.run(TOGETHER)
        cell = self.kernel.run("await asyncio.gather(first(), second())")
        self.assertEqual(["went", "after"], [shown["text/plain"] for shown in cell.displays])

    def test_options(self) -> None:
        """Options of the line and of a call reach what reads them; None is not given."""
        code = (
            "g4f_jupyter.chat('?', provider=Options, once=True, system='brief', temperature=0.5, top_k=2, stop=['a'],"
            " seed=None, model='', format=None)"
        )
        self.assertEqual("seen", self.kernel.run(code).displays[0]["text/plain"])
        self.assertEqual({"stop": ["a"], "stream": True, "temperature": 0.5, "top_k": 2}, self.asked())
        self.kernel.run("g4f_jupyter.chat('?', provider=Echo, once=True, system='be brief')")
        self.assertEqual(["be brief", "?"], self.asked())
        self.assertEqual(
            "You said ?", self.kernel.run("g4f_jupyter.chat('?', provider=Echo, once=True, quiet=True)").result
        )
        self.kernel.run(FAILS)
        for code, shown in (
            ("'?', provider='Echo', once=True, quiet=True", None),
            ("'?', provider=[Fails, Echo], once=True, format='text'", {"text/plain": "You said ?"}),
            ("'?', provider=g4f.Client(provider=Echo), once=True, format='text'", {"text/plain": "You said ?"}),
        ):
            with self.subTest(code):
                self.assertEqual([shown] if shown else [], self.kernel.run(f"x = g4f_jupyter.chat({code})").displays)

    def test_schema_and_tools(self) -> None:
        """With a schema its value is returned, and shown as JSON; a model may call the functions that are given."""
        self.kernel.run(TOOLS)
        for form in FORMS:
            with self.subTest(form):
                cell = self.kernel.run(f"print(repr({form}'?', provider=Four, schema=list[int], once=True)))")
                self.assertEqual(("[4]\n", "[\n  4\n]"), (cell.text, cell.displays[0]["text/plain"]))
                cell = self.kernel.run(f"{form}'?', provider=Calls, tools=[double], max_steps=2, once=True)")
                self.assertIn("four\n\n[steps]", cell.displays[0]["text/plain"])

    def test_several(self) -> None:
        """Several models answer side by side, and their answers are returned by name."""
        for form in FORMS:
            with self.subTest(form):
                cell = self.kernel.run(f"print({form}'?', provider=Echo, model=['a', 'b'], once=True))")
                self.assertEqual("{'a': 'You said ?', 'b': 'You said ?'}\n", cell.text)
                self.assertIn("a:\nYou said ?", cell.displays[-1]["text/plain"])

    def test_dry_run(self) -> None:
        """Nothing is sent, and None is returned."""
        cell = self.kernel.run("print(g4f_jupyter.chat('?', provider=Echo, dry_run=True, once=True))")
        self.assertEqual("None\n", cell.text)
        self.assertIn("Not sent.", cell.displays[0]["text/plain"])

    def test_tape(self) -> None:
        """An answer is recorded and replayed as that of a cell is."""
        with tempfile.TemporaryDirectory() as folder:
            self.kernel.run(f"%config ChatMagics.tape_file = {folder + '/tape.jsonl'!r}")
            self.kernel.run("x = g4f_jupyter.chat('taped', provider=Echo, once=True, tape='record')")
            self.kernel.run("x = await g4f_jupyter.achat('taped', provider=Echo, once=True, tape='replay')")
            self.assertEqual("True", self.kernel.run("x.replayed").result)
            self.kernel.run("%config ChatMagics.tape_file = ''")

    def test_bad_input(self) -> None:
        """What is wrong is one line, before anything is sent."""
        for code, line in (
            ("'?', provider='Eco'", "ProviderNotFoundError: there is no provider 'Eco'. Did you mean 'Echo'?"),
            ("'?', provider=Echo, format='html'", "format must be one of markdown, text, json, code, not 'html'"),
            ("'?', provider=Echo, tape='of'", "tape must be one of auto, replay, record, off, not 'of'"),
            ("'?', provider=Echo, thread=5", "thread must be a text, not int"),
            ("'?', provider=Echo, budget=-1", "budget must be a number of tokens, 0 for no limit"),
            ("'?', provider=Echo, budget='1'", "budget must be a number of tokens, 0 for no limit"),
            ("'?', provider=Echo, temprature=1", "Echo does not take the option 'temprature'"),
            ("'?', provider=Echo, max_tokens=-1", "max_tokens must be a positive whole number"),
            ("'', provider=Echo", "the question is empty"),
            ("'?', provider=Echo, out='x'", "out is an option of %%chat alone: the answer is returned"),
            ("'?', provider=Echo, attach=['x']", "attach is an option of %%chat alone: give files="),
        ):
            for form in FORMS:
                with self.subTest(form + code):
                    cell = self.kernel.run(f"{form}{code})")
                    [shown] = cell.reply["traceback"]
                    self.assertIn(line, shown)

    def test_interrupt(self) -> None:
        """One is a line that says whether the turn is kept; the text that came is there, marked."""
        for form in FORMS:
            with self.subTest(form):
                cell = self.kernel.send(f"{form}'?', provider=Stuck, new=True)")
                self.kernel.wait_for(cell, "as far as this")
                self.kernel.interrupt()
                self.assertEqual("as far as this\n\n[interrupted]", self.kernel.finish(cell).displays[0]["text/plain"])
                self.assertIn("KeyboardInterrupt", cell.error)
                if form == FORMS[0]:
                    self.assert_fails(cell, f"KeyboardInterrupt: interrupted{LEFT}")
        self.kernel.run(LATE)
        cell = self.kernel.run("g4f_jupyter.chat('?', provider=Late, model='end', new=True)")
        self.assert_fails(cell, f"KeyboardInterrupt: interrupted{KEPT}")


class TestElsewhere(unittest.TestCase):
    """Where there is no notebook, or no extension."""

    def test_program(self) -> None:
        """In a program, one line says what to use instead."""
        code = "import g4f_jupyter\ntry:\n    g4f_jupyter.chat('?')\nexcept Exception as error:\n    print(repr(error))"
        expected = "there is no notebook here: g4f_jupyter.chat is for IPython. In a program: g4f.Conversation()"
        self.assertEqual(f"InputError({expected!r})\n", script.run(code))

    def test_not_loaded(self) -> None:
        """In a notebook without the extension, it is loaded."""
        code = "import g4f_jupyter\nclass One:\n    async def create_async(model, messages): return 'one'"
        with Kernel() as kernel:
            kernel.run(code)
            self.assertEqual("one", kernel.run("x = g4f_jupyter.chat('?', provider=One)").displays[0]["text/plain"])
            self.assertIn("[1] ?", kernel.run("%chat_history").screen)
