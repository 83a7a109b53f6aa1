"""What a cell shows of an error, with the extension: its line and the user's own lines. In real kernels."""

from __future__ import annotations

import re
import unittest

from . import script
from .kernel import Cell, Kernel

SETUP = """
%load_ext g4f_jupyter
import asyncio, json, sys, threading
from concurrent.futures import ThreadPoolExecutor
import g4f
from g4f import ChatCompletion
from g4f.errors import G4FError, MissingAuthError
def ask():
    return ChatCompletion.create("m", "?", "http://127.0.0.1:9", max_retries=0)
async def ask_async():
    return await ChatCompletion.create_async("m", "?", "http://127.0.0.1:9", max_retries=0)
async def read():
    async for _ in ChatCompletion.create_async("m", "?", "http://127.0.0.1:9", stream=True, max_retries=0):
        pass
class Mine:
    @classmethod
    async def create_async_generator(cls, model, messages):
        yield "so far"
        raise MissingAuthError("my server wants a password")
class Broken:
    def create_completion(model, messages):
        yield "so far"
        {}["missing"]
class Stuck:
    @classmethod
    async def create_async_generator(cls, model, messages):
        print("begun")
        yield "so far"
        await asyncio.Event().wait()
"""
REFUSED = "ConnectError: 127.0.0.1:9: nothing answers at 127.0.0.1:9 (Connection refused). Is the server running?"
LINES = {
    name: 1 + SETUP[: SETUP.index(text)].count("\n") - 1
    for name, text in (
        ("ask", 'return ChatCompletion.create("m"'),
        ("ask_async", "return await"),
        ("read", "async for"),
        ("mine", "raise MissingAuthError"),
        ("broken", '{}["missing"]'),
    )
}
"""Numbers of the lines of the first cell where something is raised."""

_COLOURS = re.compile(r"\x1b\[[\d;]*m")
_PLACE = re.compile(r"(?:Cell In\[\d+\]|ipykernel_\S+), line (\d+)")
_OTHERS = ("site-packages", "asyncio/", "g4f/", "g4f_jupyter/", "concurrent/", "interactiveshell")


def shown(cell: Cell) -> list[str]:
    """Return the lines of a cell's traceback, without colours and blank ones."""
    return _lines("\n".join(cell.reply["traceback"]))


def _lines(text: str) -> list[str]:
    return [line for line in _COLOURS.sub("", text).splitlines() if line.strip()]


def places(lines: list[str]) -> list[int]:
    """Return the numbers of the lines of cells that a traceback names."""
    return [int(number) for line in lines for number in re.findall(_PLACE, line)]


class TracebackTestCase(unittest.TestCase):
    """A kernel with the extension loaded."""

    kernel: Kernel

    def setUp(self) -> None:
        self.kernel = self.enterContext(Kernel())
        loaded = self.kernel.run(SETUP.strip())
        self.assertEqual(("ok", []), (loaded.status, loaded.outputs))

    def failure(self, code: str) -> list[str]:
        """Return what a cell that fails shows."""
        cell = self.kernel.run(code)
        self.assertEqual("error", cell.status)
        return shown(cell)

    def assert_own(self, lines: list[str]) -> None:
        """Assert that no frame of another's code is among the lines."""
        for line in lines:
            self.assertFalse(any(part in line for part in _OTHERS), line)


class TestOwnLines(TracebackTestCase):
    """An error of ours in plain code."""

    def test_everywhere(self) -> None:
        """It is one line below the lines of the user, which lead to it, wherever he has asked."""
        for code, expected in (
            ("ask()", [1, LINES["ask"]]),
            ("list(map(lambda _: ask(), [1]))", [1, 1, LINES["ask"]]),
            ("class A:\n    def b(self):\n        return ask()\nA().b()", [4, 3, LINES["ask"]]),
            ("await ask_async()", [1, LINES["ask_async"]]),
            ("await read()", [1, LINES["read"]]),
            ("asyncio.run(ask_async())", [1, LINES["ask_async"]]),
            ("await asyncio.gather(ask_async(), ask_async())", [1, LINES["ask_async"]]),
            ("await asyncio.to_thread(ask)", [1, LINES["ask"]]),
            ("await asyncio.to_thread(asyncio.run, ask_async())", [1, LINES["ask_async"]]),
            ("await asyncio.create_task(read())", [1, LINES["read"]]),
            ("with ThreadPoolExecutor() as pool:\n    list(pool.map(lambda _: ask(), [1]))", [2, 2, LINES["ask"]]),
            ("class A:\n    def __repr__(self):\n        return ask()\nA()", [3, LINES["ask"]]),
            ("import pandas\npandas.Series([1]).apply(lambda _: ask())", [2, 2, LINES["ask"]]),
            ("g4f.Client(base_url='http://127.0.0.1:9', max_retries=0).chat.completions.create('?', 'm')", [1]),
            ("g4f.Conversation('m', 'http://127.0.0.1:9', max_retries=0)('?')", [1]),
        ):
            with self.subTest(code):
                lines = self.failure(code)
                self.assertEqual(REFUSED, lines[-1])
                self.assertEqual(expected, places(lines))
                self.assertLessEqual(len(lines), 2 + 2 * len(expected))
                self.assert_own(lines)

    def test_of_one_frame(self) -> None:
        """So is one that a single frame of ours raises, whatever its kind."""
        lines = self.failure("g4f.nothing")
        self.assertEqual("AttributeError: module 'g4f' has no attribute 'nothing'", lines[-1])
        self.assertEqual([1], places(lines))
        self.assert_own(lines)

    def test_of_a_magic_that_runs_code(self) -> None:
        """So it is in `%%time`, in a script that is run, and in a thread, task or finalizer that nobody waits for."""
        lines = self.failure("%%time\nask()")
        self.assertEqual((REFUSED, LINES["ask"]), (lines[-1], places(lines)[-1]))
        self.assert_own(lines)
        for code in (
            "thread = threading.Thread(target=ask); thread.start(); thread.join()",
            "import gc\ntask = asyncio.create_task(ask_async())\nawait asyncio.wait([task])\ndel task\ngc.collect()",
            "class Last:  # of a thread\n    def __del__(self): ask()\nLast()\nNone",
        ):
            with self.subTest(code):
                lines = _lines(self.kernel.run(code).stderr)
                self.assertIn(REFUSED, lines[-1])
                self.assertIn(f"line {LINES['ask' if 'thread' in code else 'ask_async']}, in ask", "".join(lines))
                self.assertLess(len(lines), 8)
                self.assert_own(lines)

    def test_group(self) -> None:
        """Each error of a group is one line, below the user's own."""
        cell = self.kernel.run(
            "async with asyncio.TaskGroup() as group:\n"
            "    group.create_task(ask_async())\n"
            "    group.create_task(asyncio.to_thread(ask))"
        )
        lines = shown(cell)
        self.assertEqual("", cell.stderr)
        self.assertTrue(any(REFUSED in line for line in lines), lines)
        self.assertIn(f"line {LINES['ask_async']}, in ask_async", "".join(lines))
        self.assert_own(lines)
        self.assertLess(len(lines), 20)

    def test_behind_a_group(self) -> None:
        """So it is where the group is only behind another error, or another error behind a group."""
        group = "async with asyncio.TaskGroup() as group:\n        group.create_task(ask_async())"
        for code, last in (
            ("try:\n    ask()\nexcept* G4FError:\n    raise ValueError('x')", "ValueError: x"),
            (
                f"try:\n    {group}\nexcept ExceptionGroup as error:\n    raise KeyError('x') from error",
                "KeyError: 'x'",
            ),
            ("try:\n    raise ExceptionGroup('g', [ValueError(1)])\nexcept ExceptionGroup:\n    ask()", REFUSED),
        ):
            with self.subTest(code):
                cell = self.kernel.run(code)
                lines = shown(cell)
                self.assertEqual(("", ""), (cell.stderr, cell.text))
                self.assertTrue(lines[-1].endswith(last), lines)
                self.assertTrue(any("ExceptionGroup: " in line for line in lines), lines)
                self.assertTrue(any(REFUSED in line for line in lines), lines)
                self.assertIn(f"line {LINES['ask_async' if 'async' in code else 'ask']}, in ask", "".join(lines))
                self.assert_own(lines)
                self.assertLess(len(lines), 20)

    def test_whole(self) -> None:
        """`%tb` shows the whole traceback, in any mode, and so does a debugger: nothing is lost."""
        self.failure("ask()")
        deepest = "import traceback; print(*traceback.extract_tb({})[-1])"
        for name in ("sys.last_traceback", "sys.last_value.__traceback__", "get_ipython().InteractiveTB.tb"):
            self.assertIn("g4f/", self.kernel.run(deepest.format(name)).text, name)
        for code in ("%tb", "%tb Verbose", "%tb Plain"):
            told = "".join(self.kernel.run(code).outputs[0][1]["traceback"])
            self.assertIn("aiohttp", told)
            self.assertGreater(told.count("\n"), 40)
        script.run(
            "import traceback\n"
            "from IPython.core.interactiveshell import InteractiveShell\n"
            "shell = InteractiveShell.instance(history_load_length=0)\n"
            "shell.history_manager.enabled = False\n"
            "shell.run_line_magic('load_ext', 'g4f_jupyter')\n"
            "shell.run_cell('import g4f; g4f.nothing')\n"
            "name = traceback.extract_tb(shell.InteractiveTB.tb)[-1].filename\n"
            "assert name.endswith('g4f/__init__.py'), name"
        )

    def test_modes(self) -> None:
        """`%xmode` counts: one line if the user wants that, and all in Verbose."""
        self.kernel.run("%xmode Minimal")
        self.assertEqual([REFUSED], self.failure("ask()"))
        self.kernel.run("%xmode Verbose")
        self.assertGreater(len(self.failure("ask()")), 60)
        self.kernel.run("%xmode Context")
        self.assertLess(len(self.failure("ask()")), 8)
        self.assertIn("Context", self.kernel.run("get_ipython().InteractiveTB.mode").result)


class TestErrorsOfTheUser(TracebackTestCase):
    """An error that the user's own code raises."""

    def test_untouched(self) -> None:
        """One that has nothing to do with ours is shown as without the extension, line for line."""
        codes = (
            "1/0",
            "json.loads('{')",
            "try:\n    ask()\nexcept G4FError:\n    pass\njson.loads('{')",
            "try:\n    1/0\nexcept ZeroDivisionError as error:\n    raise KeyError('x') from error",
            "1 +",
            "await asyncio.wait_for(asyncio.sleep(9), 0)",
            "stopped = asyncio.create_task(asyncio.sleep(9)); stopped.cancel(); await stopped",
        )
        with_it = [self.failure(code) for code in codes]
        self.kernel.run("%unload_ext g4f_jupyter")
        for code, before in zip(codes, with_it, strict=True):
            with self.subTest(code):
                same = [re.sub(r"In\[\d+\]|\*\*\*.*", "", line) for line in self.failure(code)]
                self.assertEqual([re.sub(r"In\[\d+\]|\*\*\*.*", "", line) for line in before], same)

    def test_chained(self) -> None:
        """One raised while ours is handled has its whole own traceback; ours is short there, too."""
        for code, kind in (
            (
                "try:\n    ask()\nexcept G4FError as error:\n    raise RuntimeError('mine') from error",
                "RuntimeError: mine",
            ),
            ("try:\n    ask()\nexcept G4FError:\n    1/0", "ZeroDivisionError: division by zero"),
            ("try:\n    1/0\nexcept ZeroDivisionError:\n    ask()", REFUSED),
        ):
            with self.subTest(code):
                lines = self.failure(code)
                self.assertEqual(kind, lines[-1])
                self.assertIn(REFUSED, lines)
                self.assertIn(4, places(lines))
                self.assertIn(LINES["ask"], places(lines))
                self.assert_own(lines)
        lines = self.failure("try:\n    ask()\nexcept G4FError:\n    json.loads('{')")
        self.assertIn("decoder.py", "".join(lines))

    def test_frozen(self) -> None:
        """One whose attributes cannot be set is shown as any other."""
        self.kernel.run(
            "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass Frozen(Exception):\n    number: int\n"
            "class Raises:\n    def create_completion(model, messages):\n        raise Frozen(7)"
        )
        for code, expected in (
            ("await ChatCompletion.create_async('', '?', Raises)", [1, 7]),
            ("try:\n    ask()\nexcept G4FError as error:\n    raise Frozen(7) from error", [4, LINES["ask"], 4]),
        ):
            with self.subTest(code):
                lines = self.failure(code)
                self.assertEqual("Frozen: 7", lines[-1])
                self.assertEqual(expected, places(lines))
                self.assert_own(lines)

    def test_in_a_loop_of_its_own(self) -> None:
        """One raised in a loop that runs within that of the kernel shows nothing of how loops are nested."""
        lines = self.failure("async def fail():\n    await asyncio.sleep(0)\n    1/0\nasyncio.run(fail())")
        self.assertEqual("ZeroDivisionError: division by zero", lines[-1])
        self.assertEqual([4, 3], places(lines))
        self.assert_own(lines)

    def test_of_a_provider(self) -> None:
        """One that the user's provider raises shows where; so in code, in a list of providers and in the cell."""
        for code in (
            "ChatCompletion.create('', '?', Broken)",
            "await ChatCompletion.create_async('', '?', Broken)",
            "for text in ChatCompletion.create('', '?', Broken, stream=True): pass",
            "from g4f.Provider import IterListProvider\nChatCompletion.create('', '?', IterListProvider([Broken]))",
            "%chat -p Broken ?",
            "%%chat -p Broken --once\n?",
        ):
            with self.subTest(code):
                lines = self.failure(code)
                self.assertEqual("KeyError: 'missing'", lines[-1])
                self.assertEqual(LINES["broken"], places(lines)[-1])
                self.assertLess(len(lines), 16)
                self.assert_own(lines)

    def test_key_of_a_provider(self) -> None:
        """A provider of the notebook that wants a key says so itself; no other provider is named."""
        lines = self.failure("ChatCompletion.create('', '?', Mine)")
        self.assertEqual("MissingAuthError: my server wants a password", lines[-1])
        self.assertEqual([1, LINES["mine"]], places(lines))
        for code in ("%chat -p Mine ?", "%%chat -p Mine --once\n?"):
            self.assertEqual(["MissingAuthError: Mine: my server wants a password"], self.failure(code))
        self.kernel.run("class OpenAI(Mine): pass")
        self.assertEqual(["MissingAuthError: OpenAI: my server wants a password"], self.failure("%chat -p OpenAI ?"))


class TestInterrupt(TracebackTestCase):
    """An interrupt."""

    def test_one_line(self) -> None:
        """Of a call, sync or awaited, it is KeyboardInterrupt, in one line, also in the reply; `%tb` shows where."""
        for code in (
            "await ChatCompletion.create_async('', '?', Stuck)",
            "async for text in ChatCompletion.create_async('', '?', Stuck, stream=True): pass",
            "await asyncio.gather(ChatCompletion.create_async('', '?', Stuck))",
            "async with asyncio.timeout(99):\n    await ChatCompletion.create_async('', '?', Stuck)",
            "print('begun'); await asyncio.sleep(99)",
            "ChatCompletion.create('', '?', Stuck)",
            "for text in ChatCompletion.create('', '?', Stuck, stream=True): pass",
            "asyncio.run(ChatCompletion.create_async('', '?', Stuck))",
            "asyncio.run(asyncio.sleep(99, print('begun')))",
            "%time ChatCompletion.create('', '?', Stuck)",
            "class A:\n    def __repr__(self):\n        return ChatCompletion.create('', '?', Stuck)\nA()",
        ):
            with self.subTest(code):
                cell = self.kernel.send(code)
                self.kernel.wait_for(cell, "begun\n")
                self.kernel.interrupt()
                self.kernel.finish(cell)
                self.assertEqual(("KeyboardInterrupt", ""), (cell.reply["ename"], cell.reply["evalue"]))
                self.assertEqual("KeyboardInterrupt: ", cell.error)
                self.assertEqual(["KeyboardInterrupt"], shown(cell))
                self.assertGreater(len(self.kernel.run("%tb").outputs[0][1]["traceback"]), 2)

    def test_of_the_user(self) -> None:
        """Of the user's own code it has its traceback, also where that runs in a loop."""
        for code in (
            "print('begun')\nthreading.Event().wait()",
            "import time\nasync def work(): print('begun'); time.sleep(99)\nasyncio.run(work())",
        ):
            with self.subTest(code):
                cell = self.kernel.send(code)
                self.kernel.wait_for(cell, "begun\n")
                self.kernel.interrupt()
                self.assertEqual("KeyboardInterrupt", self.kernel.finish(cell).reply["ename"])
                self.assertIn(2, places(shown(cell)))


class TestBesideOthers(TracebackTestCase):
    """Others who show errors."""

    def test_handlers(self) -> None:
        """A handler that another extension has for its errors gets them, before and after ours is loaded again."""
        self.kernel.run(
            "def told(shell, kind, error, trace, tb_offset=None):\n"
            "    print('theirs')\n"
            "    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)\n"
            "get_ipython().set_custom_exc((ZeroDivisionError,), told)"
        )
        for _ in range(2):
            cell = self.kernel.run("1/0")
            self.assertEqual(("theirs\n", [1]), (cell.text, places(shown(cell))))
            cell = self.kernel.run("ask()")
            self.assertEqual(("", REFUSED), (cell.text, shown(cell)[-1]))
            self.kernel.run("%reload_ext g4f_jupyter")

    def test_unloaded(self) -> None:
        """Unloaded, nothing of ours is left, even if another has wrapped it meanwhile, which stays."""
        names = "get_ipython().showtraceback.__qualname__, threading.excepthook.__name__, sys.unraisablehook.__name__"
        state = f"print({names})"
        with Kernel() as bare:
            before = bare.run(f"import sys, threading\n{state}").text
        self.kernel.run("%reload_ext g4f_jupyter\n%unload_ext g4f_jupyter")
        self.assertEqual(before, self.kernel.run(state).text)
        self.assertGreater(len(self.failure("ask()")), 60)
        self.kernel.run(
            "%load_ext g4f_jupyter\n"
            "def wrapped(*given, before=get_ipython().showtraceback, **named):\n"
            "    print('theirs')\n"
            "    before(*given, **named)\n"
            "get_ipython().showtraceback = wrapped"
        )
        self.assertLess(len(self.failure("ask()")), 8)
        self.kernel.run("%unload_ext g4f_jupyter")
        cell = self.kernel.run("ask()")
        self.assertEqual("theirs\n", cell.text)
        self.assertGreater(len(shown(cell)), 60)

    def test_wrapped_hook(self) -> None:
        """Unloaded, an error of a thread is shown even if another has wrapped the hook that showed it."""
        self.kernel.run(
            "import sys, threading\n"
            "def wrapped(args, before=threading.excepthook):\n"
            "    before(args)\n"
            "threading.excepthook = wrapped\n"
            "%unload_ext g4f_jupyter"
        )
        cell = self.kernel.run(
            "import contextlib\n"
            "with contextlib.redirect_stderr(sys.stdout):\n"
            "    thread = threading.Thread(target=lambda: 1/0)\n"
            "    thread.start()\n"
            "    thread.join()"
        )
        self.assertIn("ZeroDivisionError", cell.text)
