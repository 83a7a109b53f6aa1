"""Whose turn is which: lines, loops, threads, other conversations, and cells that are run again. In a real kernel."""

from __future__ import annotations

import itertools
import json
import tempfile
import unittest
from itertools import count
from pathlib import Path
from typing import Any

from .kernel import Cell, Kernel
from .test_magics import SETUP, ChatTestCase

STALE = "stale: what stands above has changed since. Run its cell again"
LEFT = "stale: its cell did not answer it when it was run again"
KEPT = "[the conversation keeps the earlier answer of this cell, as stale, until the cell is run again]\n"
ELSEWHERE = "asked in an earlier conversation, to which this cell belongs"

GATES = """
import threading
shell, gates, asking = get_ipython(), {}, {}
def gate(of, name):
    return of.setdefault(name, threading.Event())
class Gated(AsyncGeneratorProvider):
    "Says when it is asked, and answers when it is let."
    @classmethod
    async def create_async_generator(cls, model, messages):
        question = messages[-1]["content"]
        asked.append([message["content"] for message in messages])
        gate(asking, question).set()
        yield "re: "
        await asyncio.to_thread(gate(gates, question).wait)
        yield question
from g4f.providers.response import ToolCall
class Calls(AsyncGeneratorProvider):
    "Calls a tool."
    @classmethod
    async def create_async_generator(cls, model, messages):
        yield ToolCall(0, "c", "weather", '{"city": "Rome"}')
class Roles(AsyncGeneratorProvider):
    "Notes who said what."
    @classmethod
    async def create_async_generator(cls, model, messages):
        calls = lambda message: [(call["id"], call["function"]["name"]) for call in message.get("tool_calls", ())]
        asked.append([(m["role"], calls(m) or m.get("tool_call_id") or m["content"]) for m in messages])
        yield "noted"
class Named(AsyncGeneratorProvider):
    "Says who it is."
    @classmethod
    async def create_async_generator(cls, model, messages):
        yield f"{cls.__name__} {model}"
class Other(Named):
    "Another one."
def chat_in_threads(questions, answered):
    "Ask side by side, in the order of the questions; answer in that of `answered`."
    threads = {}
    for question in questions:
        gates.pop(question, None), asking.pop(question, None)
        threads[question] = threading.Thread(target=shell.run_line_magic, args=("chat", f"-p Gated {question}"))
        threads[question].start()
        gate(asking, question).wait()
    for question in answered:
        gate(gates, question).set()
        threads[question].join()
async def chat_in_tasks(questions, answered):
    async def one(question):
        shell.run_line_magic("chat", f"-p Gated {question}")
    for question in questions:
        gates.pop(question, None), asking.pop(question, None)
    tasks = []
    for question in questions:
        tasks.append(asyncio.create_task(one(question)))
        await asyncio.to_thread(gate(asking, question).wait)
    for question in answered:
        gate(gates, question).set()
    await asyncio.gather(*tasks)
"""

_CELLS = count()


class TurnsTestCase(ChatTestCase):
    """A kernel, whose cells have ids that no other test has, in a conversation of the test's own."""

    @classmethod
    def setUpClass(cls) -> None:
        """Load the providers."""
        super().setUpClass()
        cls.kernel.run(GATES)

    def setUp(self) -> None:
        """Begin a conversation that is empty."""
        self.test = next(_CELLS)
        self.cell("begin", "%chat -p Echo --new begins")
        self.cell("begin", "0")

    def metadata(self, name: str, *deleted: str) -> dict[str, Any]:
        """Return what a front end sends with the cell of that name."""
        return {
            "cellId": f"{self.test} {name}",
            "deletedCells": [f"{self.test} {each}" for each in deleted],
        }

    def cell(self, name: str, code: str, *deleted: str, well: bool = True) -> Cell:
        """Run the cell of that name."""
        cell = self.kernel.run(code, metadata=self.metadata(name, *deleted))
        self.assertEqual("ok" if well else "error", cell.status, cell.reply.get("traceback"))
        return cell

    def turns(self, thread: str = "") -> list[str]:
        """Return the questions of the conversation, and the notes that stand there."""
        magics = "get_ipython().find_cell_magic('chat').__self__"
        known = f"[(turn.question, note) for turn, note in {magics}.session.thread({thread!r}).notes()]"
        shown = json.loads(self.kernel.run(f"import json; print(json.dumps({known}))").text)
        return [f"{question} ({note})" if note else question for question, note in shown]


class TestSeveral(TurnsTestCase):
    """Several questions of one cell."""

    def test_lines(self) -> None:
        """`%chat` lines that are run again replace their turns, in order, also if there are more or fewer of them."""
        self.cell("a", "%chat -p Echo one\n%chat -p Echo two")
        self.cell("b", "%%chat -p Echo\nbelow")
        for lines in (["one", "two"], ["1", "2", "3"], ["1"], ["1", "2"]):
            with self.subTest(lines):
                self.cell("a", "\n".join(f"%chat -p Echo {line}" for line in lines))
                self.assertEqual(lines, self.asked()[::2])
                self.assertEqual([*lines, "below"], [turn.removesuffix(f" ({STALE})") for turn in self.turns()])

    def test_loop(self) -> None:
        """So do cell magics in a loop, each asked with those before it; a copy of the cell has turns of its own."""
        loop = "for x in 'abc': get_ipython().run_cell_magic('chat', '-p Echo', x)"
        for _ in range(2):
            self.cell("a", loop)
            self.assertEqual(["a", "b", "c"], self.asked()[::2])
            self.assertEqual(["a", "b", "c"], self.turns())
        self.cell("copy", loop)
        self.assertEqual(list("abcabc"), self.turns())

    def test_nested(self) -> None:
        """Cells that a cell runs are part of it."""
        for _ in range(2):
            self.cell("a", "for x in 'ab': get_ipython().run_cell(f'%chat -p Echo {x}')")
            self.assertEqual(["a", "b"], self.turns())
            self.assertEqual(["a", "b"], self.asked()[::2])

    def test_nested_without_a_question(self) -> None:
        """One that asks nothing does not end the cell around it."""
        for _ in range(2):
            self.cell("a", "get_ipython().run_cell('0')\n%chat -p Echo a")
            self.cell("b", "%chat -p Echo b")
        self.assertEqual(["a", "b"], self.turns())

    def test_fix(self) -> None:
        """`%chat_fix` belongs to its cell, too."""
        self.kernel.run("1 / 0")
        for _ in range(2):
            self.cell("a", "%chat_fix -p Echo Why so")
        self.assertEqual(1, len(self.turns()))

    def test_once_between(self) -> None:
        """A question without a conversation does not count."""
        self.cell("a", "%chat -p Echo --once no\n%chat -p Echo yes")
        self.cell("a", "%chat -p Echo yes\n%chat -p Echo --once no")
        self.assertEqual(["yes"], self.turns())

    def test_every_kind_of_line(self) -> None:
        """A line keeps its place, whether it asks, asks without a conversation, or only shows what it would send."""
        kinds = {"asks": "", "once": "--once", "dry": "--dry-run"}
        code = "%chat -p Echo {} one\n%chat -p Echo {} two\n%chat -p Echo three"
        for before in itertools.product(kinds, repeat=2):
            for then in itertools.product(kinds, repeat=2):
                with self.subTest(before=before, then=then):
                    name = f"{before} {then}"
                    held: dict[str, bool] = {}
                    self.cell(name, "%chat -p Echo --new first")
                    for lines in (before, then):
                        held = {
                            question: line == "asks" or (line == "dry" and held.get(question, False))
                            for question, line in zip(("one", "two"), lines, strict=True)
                        }
                        cell = self.cell(f"{name} lines", code.format(*(kinds[line] for line in lines)))
                        kept = [question for question, is_held in held.items() if is_held]
                        self.assertEqual(["first", *kept, "three"], [turn.split(" (")[0] for turn in self.turns()])
                        self.assertEqual(["first", *kept, "three"], self.asked()[::2])
                    if "dry" not in then:
                        self.assertEqual(["first", *kept, "three"], self.turns())
                        self.assertNotIn("stale", cell.displays[-1]["text/markdown"])

    def test_once_that_failed(self) -> None:
        """A line that asks without a conversation, and fails, leaves its earlier turn as one that fails does."""
        self.cell("a", "%chat -p Echo one\n%chat -p Echo two")
        self.cell("a", "%chat -p Limited --once one\n%chat -p Echo two", well=False)
        self.assertEqual([f"one ({LEFT})", f"two ({LEFT})"], self.turns())

    def test_failure_that_is_caught(self) -> None:
        """A line that fails, and is caught, leaves no turn, and no later line says that anything is stale."""
        self.cell("a", "%chat -p Echo one\n%chat -p Echo two\n%chat -p Echo three")
        caught = "try:\n    %chat -p Limited one\nexcept Exception: pass\n"
        cell = self.cell("a", f"{caught}%chat -p Echo two\n%chat -p Echo three")
        self.assertEqual(["two", "three"], self.turns())
        self.assertNotIn("stale", str(cell.displays[1:]))

    def test_new_above(self) -> None:
        """A line goes on with the conversation that one above it begins, also if it was in another one before."""
        self.cell("a", "%chat -p Echo first")
        for _ in range(2):
            self.cell("b", "%chat -p Echo one\n%chat -p Echo two")
        for _ in range(2):
            cell = self.cell("b", "%chat -p Echo --new one\n%chat -p Echo --thread other aside\n%chat -p Echo two")
            self.assertEqual(["one", "You said one", "two"], self.asked())
            self.assertEqual(["one", "two"], self.turns())
            self.assertNotIn(ELSEWHERE, str(cell.displays))
        self.cell("c", "%chat -p Echo --new there")
        self.assertNotIn(ELSEWHERE, str(self.cell("d", "%chat -p Echo --once no").displays))
        self.assertIn(ELSEWHERE, str(self.cell("b", "%chat -p Echo --once no\n%chat -p Echo two").displays))

    def test_new_above_failed(self) -> None:
        """A line that was to begin a conversation, and failed, takes no other line along."""
        line = (
            "try: get_ipython().run_line_magic('chat', '-p {} --new one')\nexcept Exception: pass\n%chat -p Echo {} two"
        )
        self.cell("a", line.format("Echo", "--new"))
        self.cell("b", "%chat -p Echo below")
        self.cell("a", line.format("Limited", ""))
        self.assertEqual(["two"], self.asked())
        self.assertEqual(["two", "below"], self.turns())

    def test_new_for_each(self) -> None:
        """Lines that each begin a conversation keep theirs, and the cell below keeps the last one."""
        self.cell("a", "%chat -p Echo --new one\n%chat -p Echo --new two")
        self.cell("b", "%chat -p Echo below")
        self.cell("a", "%chat -p Echo --new one\n%chat -p Echo --new two")
        self.assertEqual(["two"], self.asked())
        self.cell("b", "%chat -p Echo below")
        self.assertEqual(["two", "You said two", "below"], self.asked())

    def test_several_conversations(self) -> None:
        """The questions of a cell may go to conversations of several names, and back."""
        for _ in range(2):
            self.cell("a", "%chat -p Echo 1\n%chat -p Echo --thread other 2\n%chat -p Echo 3")
            self.assertEqual(["1", "3"], self.asked()[::2])
            self.assertEqual(["1", "3"], self.turns())
            self.assertEqual(["2"], self.turns("other"))


class TestSideBySide(TurnsTestCase):
    """Questions that are asked at the same time."""

    def test_threads(self) -> None:
        """None is lost, and they stand in the order in which they were asked, also when they are asked again."""
        for ask in (
            "chat_in_threads('abc', 'cab')",
            "chat_in_threads('abc', 'abc')",
            "chat_in_threads('xyzw', 'wzyx')",
        ):
            with self.subTest(ask):
                self.cell("a", ask)
                self.assertEqual(list(ask.split("'")[1]), self.turns())
                self.assertEqual([ask.split("'")[1][-1]], self.asked())

    def test_tasks(self) -> None:
        """So it is in tasks, whose sync calls nest."""
        for order in ("cba", "abc"):
            self.cell("a", f"await chat_in_tasks('abc', {order!r})")
            self.assertEqual(["a", "b", "c"], self.turns())

    def test_subshell(self) -> None:
        """A cell in a subshell keeps its place above one that is asked later and answered sooner."""
        subshell = self.kernel.subshell()
        slow = self.kernel.send("%chat -p Gated slow", metadata=self.metadata("slow"), subshell=subshell)
        self.kernel.wait_for(slow, "re: ")
        self.cell("fast", "%chat -p Echo fast")
        self.cell("go", "gate(gates, 'slow').set()")
        self.kernel.finish(slow)
        self.assertEqual(["slow", "fast"], self.turns())
        self.cell("next", "%chat -p Echo next")
        self.assertEqual(["slow", "re: slow", "fast", "You said fast", "next"], self.asked())

    def test_too_late(self) -> None:
        """An answer that comes when its cell was run again, and was answered, does not replace the newer one."""
        self.cell(
            "a",
            "late = threading.Thread(target=shell.run_line_magic, args=('chat', '-p Gated old'))\n"
            "late.start()\ngate(asking, 'old').wait()",
        )
        self.cell("a", "%chat -p Echo new")
        self.cell("b", "gate(gates, 'old').set(); late.join()")
        self.assertEqual(["new"], self.turns())

    def test_new_name(self) -> None:
        """Questions that begin a conversation together are in one."""
        ask = "shell.run_line_magic('chat', f'-p Echo --thread together {i}')"
        code = f"threads = [threading.Thread(target=lambda i=i: {ask}) for i in range(5)]\n"
        self.cell("a", f"{code}for t in threads: t.start()\nfor t in threads: t.join()")
        self.assertEqual(list("01234"), sorted(self.turns("together")))


class TestOtherConversation(TurnsTestCase):
    """`--new`, other names, and cells that are run again afterwards."""

    def test_earlier_cell(self) -> None:
        """A cell belongs to the conversation in which it was asked, and says so; new cells go on with the last one."""
        self.cell("a", "%%chat -p Echo --new\ncapital?")
        self.cell("b", "%%chat -p Echo\nfamous?")
        self.cell("c", "%%chat -p Echo --new\nplanets?")
        again = self.cell("b", "%%chat -p Echo\nfamous, in short?")
        self.assertEqual(["capital?", "You said capital?", "famous, in short?"], self.asked())
        self.assertIn(ELSEWHERE, again.displays[0]["text/markdown"])
        self.assertEqual(["planets?"], self.turns())
        last = self.cell("d", "%%chat -p Echo\nMars?")
        self.assertEqual(["planets?", "You said planets?", "Mars?"], self.asked())
        self.assertNotIn(ELSEWHERE, last.displays[0]["text/markdown"])

    def test_first_was_missing(self) -> None:
        """A question that failed at first is asked in the conversation of the others of its cell."""
        code = "try: get_ipython().run_line_magic('chat', '-p {} 1')\nexcept Exception: pass\n%chat -p Echo 2"
        self.cell("a", code.format("Limited"))
        self.cell("b", "%chat -p Echo --new b")
        self.cell("a", code.format("Echo"))
        self.assertEqual(["1", "You said 1", "2"], self.asked())
        self.assertEqual(["b"], self.turns())

    def test_all_again(self) -> None:
        """A notebook that is run from its top to its end again has the same turns in the same conversations."""
        cells = {"a": "one", "b": "two", "c": "--new three", "d": "four", "e": "--thread t five", "f": "six"}
        sent = []
        for _ in range(2):
            sent.append([])
            for name, line in cells.items():
                shown = self.cell(name, f"%chat -p Echo {line}").displays[0]["text/markdown"]
                sent[-1].append((self.asked(), ELSEWHERE in shown))
        self.assertEqual([content for content, _ in sent[0]], [content for content, _ in sent[1]])
        self.assertEqual([True, True, False, False, False, False], [elsewhere for _, elsewhere in sent[1]])

    def test_begins_again(self) -> None:
        """A cell that begins a conversation, run again, keeps the rest of it, and new cells go on with it."""
        self.cell("a", "%chat -p Echo --new one")
        self.cell("b", "%chat -p Echo two")
        self.cell("c", "%chat -p Echo --new three")
        again = self.cell("a", "%chat -p Echo --new one")
        self.assertNotIn(ELSEWHERE, again.displays[0]["text/markdown"])
        self.cell("d", "%chat -p Echo four")
        self.assertEqual(["one", "two", "four"], self.asked()[::2])

    def test_moves(self) -> None:
        """A cell that names another conversation, or begins one, takes its turn along."""
        for line in ("--new", "--thread elsewhere"):
            with self.subTest(line):
                self.cell(f"{line} a", "%chat -p Echo --new one")
                self.cell(f"{line} b", "%chat -p Echo two")
                self.cell(f"{line} c", "%chat -p Echo three")
                self.cell(f"{line} b", f"%chat -p Echo {line} two")
                self.assertEqual(["two"], self.asked())
                self.cell(f"{line} c", "%chat -p Echo three")
                self.assertEqual(["one", "You said one", "three"], self.asked())


class TestAgain(TurnsTestCase):
    """A cell that is run again, and asks nothing, or fails."""

    def setUp(self) -> None:
        """Ask in three cells."""
        super().setUp()
        for name in ("one", "two", "three"):
            self.cell(name, f"%%chat -p Echo\n{name}")

    def test_fails(self) -> None:
        """It keeps its turn, which is stale; the cell and the next ones say so. Asked again, it has its place."""
        fails = ("%%chat -p Limited\nnew", "%%chat -p Eco\nnew", "1 / 0", "x = (")
        for code in fails:
            with self.subTest(code):
                self.assertEqual(KEPT, self.cell("two", code, well=False).text)
                self.assertEqual(["one", f"two ({LEFT})", "three"], self.turns())
                shown = self.cell("next", "%%chat -p Echo\nnext").displays[0]["text/markdown"]
                self.assertIn('1 of the turns above is stale: run its cell again ("two")', shown)
                self.cell("next", "0")
                self.cell("two", "%%chat -p Echo\ntwo")
                self.assertEqual(["one", "two", "three"], self.turns())

    def test_interrupted(self) -> None:
        """So it is when it is interrupted."""
        stuck = self.kernel.send("%%chat -p Stuck\nnew", metadata=self.metadata("two"))
        self.kernel.wait_for(stuck, "as far as this")
        self.kernel.interrupt()
        self.assertEqual(KEPT, self.kernel.finish(stuck).text)
        self.assertEqual(["one", f"two ({LEFT})", "three"], self.turns())

    def test_first_time(self) -> None:
        """A cell that fails when it has no turn says nothing of one."""
        self.assertEqual("", self.cell("four", "%%chat -p Limited\nfour", well=False).text)
        self.assertEqual(["one", "two", "three"], self.turns())

    def test_part_fails(self) -> None:
        """Of several questions those that were answered are replaced; the others stay, and have their places."""
        self.cell("two", "%chat -p Echo 2a\n%chat -p Echo 2b")
        failed = self.cell("two", "%chat -p Echo 2A\n%chat -p Limited 2B", well=False)
        self.assertEqual(KEPT, failed.text)
        self.assertEqual(["one", "2A", f"2b ({LEFT})", f"three ({STALE})"], self.turns())
        self.cell("two", "%chat -p Echo 2A\n%chat -p Echo 2b")
        self.assertEqual(["one", "2A", "2b"], self.turns()[:3])

    def test_caught(self) -> None:
        """A failure that the cell catches leaves no turn; the next question of the cell has its own place."""
        code = "try: get_ipython().run_line_magic('chat', '-p {} 2a')\nexcept Exception: pass\n%chat -p Echo 2b"
        self.cell("two", code.format("Echo"))
        self.cell("two", code.format("Limited"))
        self.assertEqual(["one", "2b", f"three ({STALE})"], self.turns())
        self.cell("two", code.format("Echo"))
        self.assertEqual(["one", "2a", "2b"], self.turns()[:3])

    def test_asks_no_more(self) -> None:
        """A cell that is run again and asks nothing, or without a conversation, has no turn."""
        for code in ("1 + 1", "%%chat -p Echo --once\ntwo"):
            with self.subTest(code):
                self.setUp()
                self.assertNotIn(KEPT, self.cell("two", code).text)
                self.assertEqual(["one", f"three ({STALE})"], self.turns())
                self.cell("two", "%%chat -p Echo\ntwo")
                self.assertEqual(["one", f"three ({STALE})", "two"], self.turns())

    def test_dry_run(self) -> None:
        """A dry run changes nothing, and shows what is asked in the place of the cell."""
        shown = self.cell("two", "%%chat -p Echo --dry-run\nnew").displays[0]["text/plain"]
        self.assertIn("You said one", shown)
        self.assertNotIn("You said two", shown)
        self.assertEqual(["one", "two", "three"], self.turns())

    def test_deleted(self) -> None:
        """The turns of a deleted cell leave, also those of lines, and of an earlier conversation."""
        self.cell("two", "%chat -p Echo 2a\n%chat -p Echo 2b")
        self.cell("begins", "%chat -p Echo --new begins")
        self.cell("code", "0", "two", "begins")
        self.assertEqual([], self.turns())
        self.cell("three", "%%chat -p Echo\nthree")
        self.assertEqual(["one", "You said one", "three"], self.asked())

    def test_undone(self) -> None:
        """A cell whose turn was undone asks at the end, once."""
        self.cell("undo", "%chat_undo")
        for _ in range(2):
            self.cell("three", "%%chat -p Echo\nthree")
        self.assertEqual(["one", "two", "three"], self.turns())


class TestSystem(TurnsTestCase):
    """A system prompt holds from the cell that gives it on."""

    def test_changed(self) -> None:
        """Another one makes the answers below it stale, the same one again makes them true; those above stay true."""
        self.cell("a", "%chat -p Echo --new -s S1 one")
        self.cell("b", "%chat -p Echo two")
        self.cell("c", "%chat -p Echo -s S3 three")
        self.cell("d", "%chat -p Echo four")
        self.assertEqual(["one", "two", "three", "four"], self.turns())
        self.assertEqual("S3", self.asked()[0])
        self.cell("a", "%chat -p Echo -s S2 one")
        self.assertEqual(["one", f"two ({STALE})", "three", "four"], self.turns())
        self.cell("b", "%chat -p Echo two")
        self.assertEqual(["S2", "one", "You said one", "two"], self.asked())
        self.assertEqual(["one", "two", "three", "four"], self.turns())
        self.cell("a", "%chat -p Echo one")
        self.assertEqual(["one"], self.asked())
        self.cell("a", "%chat -p Echo -s S2 one")
        self.assertEqual(["one", "two", "three", "four"], self.turns())


class TestCalls(TurnsTestCase):
    """A model that calls a tool."""

    def test_keeps_its_place(self) -> None:
        """The call is in the conversation, is shown there, and is sent with the next question."""
        self.cell("a", "%chat -p Calls weather?")
        self.cell("b", "%chat -p Roles next")
        self.assertEqual(
            [["user", "weather?"], ["assistant", [["c", "weather"]]], ["tool", "c"], ["user", "next"]], self.asked()
        )
        shown = self.cell("history", "%chat_history").displays[0]
        self.assertIn('[1] weather?\n[calls]\nweather({"city": "Rome"})\n', shown["text/plain"])
        self.assertIn('```\nweather({"city": "Rome"})\n```', shown["text/markdown"])


class TestAfterTheLastWord(TurnsTestCase):
    """What fails when the answer is there."""

    def test_footer(self) -> None:
        """If the lines below an answer cannot be shown, the cell fails, and has no turn."""
        self.kernel.run(
            "def fails(message):\n"
            "    if message['msg_type'] == 'update_display_data' and message['content']['metadata']: 1 / 0\n"
            "    return message\n"
            "shell.display_pub.register_hook(fails)"
        )
        try:
            self.cell("a", "%%chat -p Echo -o kept\nhi", well=False)
        finally:
            self.kernel.run("shell.display_pub.unregister_hook(fails)")
        self.assertEqual([], self.turns())
        self.assertEqual("'You said hi'", self.kernel.run("print(repr(kept), end='')").text)


class TestFile(TurnsTestCase):
    """A conversation in a file."""

    def test_goes_on(self) -> None:
        """It goes on with the provider and model that answered last, unless a line names others; settings do not."""
        with tempfile.TemporaryDirectory() as folder:
            self.cell("a", "%chat -p Named -m m1 one")
            self.cell("save", f"%chat_history --json {folder}/chat.json")
            self.cell("load", f"%chat_history --load {folder}/chat.json")
            for line, who in (
                ("", "Named m1"),
                ("-m m2", "Named m2"),
                ("-p Echo", "You said x"),
                ("--once", "Other m3"),
            ):
                with self.subTest(line):
                    self.kernel.run("%config ChatMagics.provider = 'Other'\n%config ChatMagics.model = 'm3'")
                    shown = self.cell("b", f"%chat {line} x").displays[0]["text/plain"]
                    self.kernel.run("%config ChatMagics.provider = ''\n%config ChatMagics.model = ''")
                    self.assertEqual(who, shown)
            again = self.cell("a", "%chat -p Echo one")
            self.assertIn(ELSEWHERE, again.displays[0]["text/markdown"])
            self.assertEqual(["one"], self.turns()[:1])

    def test_system(self) -> None:
        """A system prompt in a file holds, also if it has no turns yet."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "chat.json")
            file.write_text(json.dumps({"turns": [], "system": "be brief"}))
            self.cell("load", f"%chat_history --load {file}")
            self.cell("a", "%chat -p Echo x")
            self.assertEqual(["be brief", "x"], self.asked())

    def test_unknown(self) -> None:
        """A file chooses no address, nor one of a variable, and who is not known is said; its turns are there."""
        for name in ("Nobody", "http://127.0.0.1:9", "address"):
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                file = Path(folder, "chat.json")
                file.write_text(json.dumps({"turns": [{"question": "q", "answer": "a"}], "provider": name}))
                self.kernel.run("address = 'http://127.0.0.1:9'")
                loaded = self.cell("load", f"%chat_history --load {file}")
                if "://" not in name:
                    self.assertIn(f"is not known here: there is no provider '{name}'", loaded.text)
                self.assertEqual(["q"], self.turns())
                self.cell("a", "%chat -p Echo x")
                self.assertEqual(["q", "a", "x"], self.asked())


class TestReload(unittest.TestCase):
    """What becomes of conversations and settings when the extension is loaded again."""

    def test_dropped(self) -> None:
        """Conversations and the count of tokens are dropped, and a line says so; settings stay."""
        with Kernel() as kernel:
            kernel.run(f"{SETUP}\n%config ChatMagics.model = 'm'")
            kernel.run("%chat -p Echo one\n%chat -p Echo --thread t two")
            told = kernel.run("%reload_ext g4f_jupyter").text
            self.assertRegex(
                told,
                r"^g4f_jupyter: the conversations \(2 turns\) and the count of tokens \(\d+\) are dropped; "
                r"aliases and the settings of %config stay\n$",
            )
            self.assertEqual("'m'", kernel.run("%config ChatMagics.model").result)
            self.assertEqual("no turns yet", kernel.run("%chat_history").displays[0]["text/plain"])
            self.assertEqual("", kernel.run("%reload_ext g4f_jupyter").text)

    def test_refused(self) -> None:
        """A setting that was refused is as it was before, and the magics are there, also when they are loaded again."""
        for name, value in (("tape", "'on'"), ("budget", "-1"), ("stop", "['a', 1]"), ("temperature", "'hot'")):
            with self.subTest(name), Kernel() as kernel:
                kernel.run(f"{SETUP}\n%config ChatMagics.model = 'm'")
                before = kernel.run(f"%config ChatMagics.{name}").result
                self.assertIn("ERROR", kernel.run(f"%config ChatMagics.{name} = {value}").stderr)
                self.assertEqual(before, kernel.run(f"%config ChatMagics.{name}").result)
                for line in ("%reload_ext g4f_jupyter", "%unload_ext g4f_jupyter\n%load_ext g4f_jupyter"):
                    told = kernel.run(line)
                    self.assertEqual("ok", told.status, told.error)
                    self.assertEqual(before, kernel.run(f"%config ChatMagics.{name}").result)
                    self.assertEqual("'m'", kernel.run("%config ChatMagics.model").result)
                    self.assertEqual("ok", kernel.run("%chat -p Echo hi").status)
