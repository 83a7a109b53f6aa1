"""Sync calls in the cells of real kernels, however their loop became nestable, and in terminal IPython."""

from __future__ import annotations

import sys
import tempfile
import unittest
from typing import Any

import pexpect

from . import script
from .kernel import Cell, Kernel

PROVIDERS = """
import asyncio, threading
import g4f
from g4f import ChatCompletion
from g4f.waiting import bridge

go, cleaned = threading.Event(), []

class Mock:
    async def create_async_generator(model, messages):
        for word in ("Mo", "ck"):
            await asyncio.sleep(0)
            yield word

class Waits:
    "Answers when a cell of a subshell says so."
    async def create_async_generator(model, messages):
        print("begun")
        await asyncio.to_thread(go.wait)
        go.clear()
        yield "Mock"

class Endless:
    async def create_async_generator(model, messages):
        try:
            while True:
                yield "on "
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0)
            cleaned.append("Endless")

def stuck(clean_up):
    class Stuck:
        async def create_async_generator(model, messages):
            try:
                yield "begun"
                print("begun")
                await asyncio.Event().wait()
            finally:
                await clean_up()
    return Stuck

async def clean_up():
    await asyncio.sleep(0)
    cleaned.append("Stuck")

async def stuck_clean_up():
    print("cleaning")
    await asyncio.Event().wait()

Stuck, StuckInCleanUp = stuck(clean_up), stuck(stuck_clean_up)

class StuckInThread:
    def create_completion(model, messages):
        try:
            yield "begun"
            print("begun")
            yield threading.Event().wait()
        finally:
            cleaned.append("never")

def ask(provider, **options):
    return ChatCompletion.create("", "hi", provider, **options)
"""

BYSTANDERS = """
async def tick(counts):
    while True:
        counts.append(1)
        await asyncio.sleep(0.001)

counts = [[] for _ in range(5)]
bystanders = [asyncio.get_running_loop().create_task(tick(each)) for each in counts]
"""


class KernelLoops:
    """Everything that must work in a kernel; a subclass says what its first cells do."""

    before = preparation = ""
    kernel: Kernel
    first: list[Cell]
    subshell: str

    @classmethod
    def setUpClass(cls) -> None:
        cls.kernel = cls.enterClassContext(Kernel())  # type: ignore[attr-defined]
        cls.subshell = cls.kernel.subshell()
        assert cls.kernel.run(f"{PROVIDERS}\n{cls.before}").status == "ok"
        # The loop is made nestable and nested in one cell, with tasks that are ready and cells that wait behind it.
        first = cls.kernel.send(f"{BYSTANDERS}\n{cls.preparation}\nprint(ask(Mock), *ask(Mock, stream=True))")
        cls.first = [first, *(cls.kernel.send(f"print({number})") for number in range(3))]

    def arrived(self) -> None:
        """Return when all cells that were sent have come to the kernel, where they wait."""
        self.kernel.run("1", subshell=self.subshell)

    def assert_well(self) -> None:
        """Check that the kernel answers, and its other tasks live."""
        cell = self.kernel.run("print(ask(Mock), sum(task.done() for task in bystanders))")
        self.assertEqual(("Mock 0\n", ""), (cell.text, cell.error))

    def assert_cleaned(self, provider: str) -> None:
        """Check that the clean-up of this provider alone has run, once, since this was asked last."""
        cell = self.kernel.run("print(cleaned)\ncleaned.clear()")
        self.assertEqual(f"['{provider}']\n", cell.text)

    def assert_interrupted(self, code: str, *, begun: str = "begun\n") -> None:
        """Interrupt a cell after its first output: it is, those behind it do not run, and all is well."""
        cell, behind = self.kernel.send(code), self.kernel.send("print('must not run')")
        self.arrived()
        self.kernel.wait_for(cell, begun)
        self.kernel.interrupt()
        self.assertEqual("KeyboardInterrupt", self.kernel.finish(cell).error.split(":")[0])
        self.assertEqual("aborted", self.kernel.finish(behind).status)
        self.assert_well()

    def test_first_cell(self) -> None:
        """The first sync call works without more set-up, and the cells queued behind it run, in order."""
        self.assertEqual(["Mock Mo ck\n", "0\n", "1\n", "2\n"], [self.kernel.finish(cell).text for cell in self.first])
        self.assert_well()

    def test_sync_cell(self) -> None:
        """A cell may ask whole, as a stream, and leave a stream early."""
        cell = self.kernel.run("print(ask(Mock), *ask(Mock, stream=True), next(ask(Endless, stream=True)))")
        self.assertEqual(("Mock Mo ck on \n", ""), (cell.text, cell.error))
        self.assert_cleaned("Endless")

    def test_await_cell(self) -> None:
        """A cell with a top-level await may make sync calls before it, behind it, and in tasks that overlap."""
        cell = self.kernel.run(
            """
            async def both(): return ask(Mock), await ChatCompletion.create_async("", "hi", Mock)
            print(ask(Mock), await ChatCompletion.create_async("", "hi", Mock), *ask(Mock, stream=True))
            print(*await asyncio.gather(*(both() for _ in range(2))), asyncio.run(both()))
            """
        )
        pair = "('Mock', 'Mock')"
        self.assertEqual((f"Mock Mock Mo ck\n{pair} {pair} {pair}\n", ""), (cell.text, cell.error))

    def test_queue(self) -> None:
        """Three cells that arrive while a sync call waits all run after it, in order; the loop's other tasks go on."""
        for code in ("ask(Waits)", "await asyncio.sleep(0); ask(Waits)"):
            with self.subTest(code):  # type: ignore[attr-defined]
                cell = self.kernel.send(f"before = len(counts[0])\n{code}\nprint(len(counts[0]) > before)")
                behind = [self.kernel.send(f"print({number}, ask(Mock))") for number in range(3)]
                self.kernel.wait_for(cell, "begun\n")
                self.kernel.run("go.set()", subshell=self.subshell)
                self.assertEqual("begun\nTrue\n", self.kernel.finish(cell).text)
                self.assertEqual(
                    ["0 Mock\n", "1 Mock\n", "2 Mock\n"], [self.kernel.finish(cell).text for cell in behind]
                )

    def test_interrupt(self) -> None:
        """The first interrupt closes the provider, ends cell and queue, and harms nothing else."""
        for code in (
            "ask(Stuck)",
            "for text in ask(Stuck, stream=True): print(text)",
            "await asyncio.sleep(0); ask(Stuck)",
            "await asyncio.sleep(0)\nfor text in ask(Stuck, stream=True): print(text)",
        ):
            with self.subTest(code):  # type: ignore[attr-defined]
                self.assert_interrupted(code)
                self.assert_cleaned("Stuck")

    def test_interrupt_of_the_reader(self) -> None:
        """An interrupt that hits the cell between two items closes the provider too."""
        self.assert_interrupted("for text in ask(Stuck, stream=True):\n    print(text)\n    threading.Event().wait()")
        self.assert_cleaned("Stuck")

    def test_interrupt_of_a_sync_provider(self) -> None:
        """A sync provider that blocks in its thread does not hold the kernel."""
        for code in ("ask(StuckInThread)", "await asyncio.sleep(0); ask(StuckInThread)"):
            with self.subTest(code):  # type: ignore[attr-defined]
                self.assert_interrupted(code)

    def test_second_interrupt(self) -> None:
        """The second interrupt ends the cell at once, while the clean-up hangs."""
        for code in ("ask(StuckInCleanUp)", "await asyncio.sleep(0); ask(StuckInCleanUp)"):
            with self.subTest(code):  # type: ignore[attr-defined]
                cell = self.kernel.send(code)
                self.kernel.wait_for(cell, "begun\n")
                self.kernel.interrupt()
                self.kernel.wait_for(cell, "cleaning\n")
                self.kernel.interrupt()
                self.assertEqual("KeyboardInterrupt", self.kernel.finish(cell).error.split(":")[0])
                self.assert_well()

    def test_threads(self) -> None:
        """In a thread of a cell the call waits on that thread's own loop, and streams go from thread to thread."""
        cell = self.kernel.run(
            """
            from concurrent.futures import ThreadPoolExecutor
            with ThreadPoolExecutor(1) as pool:
                print(pool.submit(ask, Mock).result(), *pool.submit(list, ask(Mock, stream=True)).result())
                stream = ask(Mock, stream=True)
                print(pool.submit(next, stream).result(), *stream)
            """
        )
        self.assertEqual(("Mock Mo ck\nMo ck\n", ""), (cell.text, cell.error))

    def test_subshell(self) -> None:
        """A cell of a subshell may ask while one of the main shell waits; an interrupt is the main shell's."""
        cell = self.kernel.send("ask(Stuck)")
        self.kernel.wait_for(cell)
        other = "print(ask(Mock), *ask(Mock, stream=True))"
        for code in (other, f"await asyncio.sleep(0)\n{other}"):
            with self.subTest(code):  # type: ignore[attr-defined]
                answer = self.kernel.run(code, subshell=self.subshell)
                self.assertEqual(("Mock Mo ck\n", ""), (answer.text, answer.error))
        self.kernel.interrupt()
        self.kernel.finish(cell)
        self.assert_cleaned("Stuck")
        self.assert_well()


class TestKernel(KernelLoops, unittest.TestCase):
    """Without any set-up."""


class TestKernelExtension(KernelLoops, unittest.TestCase):
    """With the extension."""

    preparation = "%load_ext g4f_jupyter"


class TestKernelNestAsyncio(KernelLoops, unittest.TestCase):
    """With the user's own nest_asyncio, which loses queued cells unless its patch is replaced."""

    preparation = "import nest_asyncio; nest_asyncio.apply()"


class TestKernelNestAsyncioBefore(KernelLoops, unittest.TestCase):
    """With the user's own nest_asyncio, applied and used in an earlier cell."""

    before = "import nest_asyncio; nest_asyncio.apply(); asyncio.run(asyncio.sleep(0))"


class TestKernelNestAsyncio2(KernelLoops, unittest.TestCase):
    """With the user's own nest_asyncio2."""

    preparation = "import nest_asyncio2; nest_asyncio2.apply()"


class TestKernelWithoutPackages(unittest.TestCase):
    """Where nest_asyncio2 cannot be imported."""

    def test_error(self) -> None:
        """A sync call in a cell says which package is missing; async calls and threads work."""
        with Kernel() as kernel:
            kernel.run(f"import sys; sys.modules['nest_asyncio2'] = sys.modules['nest_asyncio'] = None\n{PROVIDERS}")
            for code in ("ask(Mock)", "ask(Mock, stream=True)"):
                with self.subTest(code):
                    self.assertRegex(kernel.run(code).error, "NestAsyncioError: .*pip install nest_asyncio2")
            cell = kernel.run(
                "print(await ChatCompletion.create_async('', 'hi', Mock), await asyncio.to_thread(ask, Mock))"
            )
            self.assertEqual("Mock Mock\n", cell.text)


class TestKernelSubshell(unittest.TestCase):
    """Where the first sync call is made in a subshell."""

    def test_first_cell(self) -> None:
        """It works in a sync cell, and in one with a top-level await."""
        for code in ("print(ask(Mock))", "await asyncio.sleep(0); print(ask(Mock))"):
            with self.subTest(code), Kernel() as kernel:
                kernel.run(PROVIDERS)
                cell = kernel.run(code, subshell=kernel.subshell())
                self.assertEqual(("Mock\n", ""), (cell.text, cell.error))


class TestTerminal(unittest.TestCase):
    """In terminal IPython, without any set-up."""

    def setUp(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        options = ["--simple-prompt", "--no-banner", "--no-confirm-exit", "--colors=NoColor"]
        self.terminal: Any = pexpect.spawn(
            sys.executable,
            ["-m", "IPython", *options, "--HistoryManager.enabled=False"],
            env=script.environment() | {"IPYTHONDIR": folder, "TERM": "dumb"},
            encoding="utf-8",
            timeout=script.PATIENCE,
            echo=False,
        )
        self.addCleanup(self.terminal.close, force=True)
        self.enter("from tests.mocks import AsyncGeneratorProviderMock as Mock")
        self.enter("import asyncio; from g4f import ChatCompletion; from g4f.waiting import bridge")
        self.enter("from tests.test_bridge import Source, stuck")

    def enter(self, line: str) -> None:
        """Enter a line at the next prompt."""
        self.terminal.expect(r"In \[\d+\]: ")
        self.terminal.sendline(line)

    def test_cells(self) -> None:
        """Sync calls work in any line, be it one with a top-level await, and a stream goes on from line to line."""
        ask = "print('answer:', ChatCompletion.create('', 'hi', Mock))"
        begin = "stream = bridge.iterate(Source(3)); print('answer:', next(stream))"
        wait = "await asyncio.sleep(0); "
        for line, answer in (
            (ask, "Mock"),
            (wait + ask, "Mock"),
            (ask, "Mock"),
            (wait + begin, "0"),
            ("print('answer:', *stream)", "1 2"),
            (begin, "0"),
            (wait + "print('answer:', *stream)", "1 2"),
        ):
            with self.subTest(line):
                self.enter(line)
                self.terminal.expect(r"answer: ([\w ]*)\r")
                self.assertEqual(answer, self.terminal.match[1])

    def test_interrupt(self) -> None:
        """An interrupt ends the line, and the next one works."""
        for wait in ("", "await asyncio.sleep(0); "):
            with self.subTest(wait):
                self.enter(f"{wait}print('be' + 'gun'); bridge.run(stuck)")
                self.terminal.expect_exact("begun")
                self.terminal.sendintr()
                self.terminal.expect_exact("KeyboardInterrupt")
                self.enter("print('answer:', ChatCompletion.create('', 'hi', Mock))")
                self.terminal.expect_exact("answer: Mock")
