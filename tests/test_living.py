"""A living cell: what stands in it until its text comes, and what of that stays."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import sys
import threading
import unittest
from collections.abc import AsyncGenerator, Callable
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import pexpect
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.terminal.interactiveshell import TerminalInteractiveShell

from g4f.printable import printable
from g4f.providers.response import Step, ToolCall
from g4f_jupyter.show.display import Look
from g4f_jupyter.show.frames import PAUSE, Frames
from g4f_jupyter.show.terminal import Terminal, _Held
from g4f_jupyter.show.updates import Updates
from g4f_jupyter.show.waiting import FIRST, KEPT, LINE, Waiting
from g4f_jupyter.show.waiting_line import ERASE

from . import loops
from .clock import ClockLoop
from .hostile import answers, wrong_in_html
from .script import PATIENCE
from .servers import Answer, Request, Server, hello
from .test_magics import ChatTestCase
from .test_screens import STEERING
from .test_terminal import TerminalTestCase


def who() -> str:
    """Return whom the screen waits for."""
    return "OpenAI · gpt-6-luna"


class LivingTestCase(unittest.TestCase):
    """Frames, and a clock that moves on when the screen waits."""

    def frames(
        self,
        show: Callable[[Frames], AsyncGenerator[float]],
        look: Look = Look(),  # noqa: B008 - a tuple
        updates: Updates = Updates.TAKEN,
    ) -> list[tuple[float, str, str]]:
        """Return each frame: seconds since the beginning, text, Markdown. `show` yields seconds that pass."""
        loop = ClockLoop()
        start, found = loop.now, list[tuple[float, str, str]]()

        class Publisher(CapturingDisplayPublisher):
            def publish(self, data: Any, **more: Any) -> None:
                shown = data.get("text/plain", "-"), data.get("text/markdown", "-")
                found.append((round(loop.now - start, 2), *shown))

        async def main() -> None:
            frames = Frames(look, updates)
            frames.begin(who)
            async for seconds in show(frames):
                await _passes(seconds)

        shell = TerminalInteractiveShell.instance()
        before, shell.display_pub = shell.display_pub, Publisher()
        try:
            loop.run_to_end(main())
        finally:
            shell.display_pub = before
        return found


class TestFrames(LivingTestCase):
    """In a notebook."""

    def test_from_the_first_tenth(self) -> None:
        """Whom the cell waits for stands there before a tenth of a second, then each second; the answer replaces it."""

        async def show(frames: Frames) -> AsyncGenerator[float]:
            yield 2.5
            frames.add("Hi")
            yield 5
            frames.close("", more=True)
            yield 5

        self.assertLess(FIRST, 0.1)
        line = "[OpenAI · gpt-6-luna · waiting, {} s]"
        expected = [(FIRST, line.format(0)), (1.0, line.format(1)), (2.0, line.format(2)), (2.5, "Hi")]
        shown = self.frames(show)
        self.assertEqual(expected, [(seconds, plain) for seconds, plain, _ in shown])
        self.assertEqual(["&#91;OpenAI · gpt-6-luna · waiting, 1 s&#93;", "Hi"], [shown[1][2], shown[-1][2]])

    def test_at_once(self) -> None:
        """An answer that begins at once, as a replayed one does, has no frame more."""

        async def show(frames: Frames) -> AsyncGenerator[float]:
            yield 0.05
            frames.add("Hi")
            yield 1
            frames.add(" there")
            yield 0
            frames.close("", more=True)

        self.assertEqual([(0.05, "Hi", "Hi"), (1.05, "Hi there", "Hi there")], self.frames(show))

    def test_thinking(self) -> None:
        """While the model thinks, the last line of its thoughts is there, and no fold; with the text comes the fold."""

        async def show(frames: Frames) -> AsyncGenerator[float]:
            frames.think("First <b>\n")
            yield 0.5
            frames.think("second li")
            yield 0.01
            frames.think("ne\n\n")
            yield 1
            frames.add("So")
            yield 1
            frames.close("", more=True)

        head = "[OpenAI · gpt-6-luna · thinking, {} s]\n{}"
        fold = "<details><summary>Reasoning</summary>\n\nFirst &lt;b>\nsecond line\n\n</details>\n\nSo"
        shown = self.frames(show)
        expected = [
            (0.0, head.format(0, "First <b>")),
            (0.5, head.format(0, "second li")),
            (0.58, head.format(0, "second line")),
            (1.0, head.format(1, "second line")),
            (1.51, "So"),
        ]
        self.assertEqual(expected, [(seconds, plain) for seconds, plain, _ in shown])
        self.assertEqual("&#91;OpenAI · gpt-6-luna · thinking, 0 s&#93;\n\n> First &lt;b>", shown[0][2])
        self.assertEqual(fold, "\n".join(line for line in shown[-1][2].replace("\n\n\n", "\n\n").split("\n")))

    def test_rate(self) -> None:
        """Frames of thoughts are no closer than those of text; where their last line is the same, none is sent."""

        async def show(frames: Frames) -> AsyncGenerator[float]:
            for number in range(100):
                frames.think(f"{number}\n")
                yield 0.01
            for _ in range(100):
                frames.think("\n")
                yield 0.01
            frames.close("")

        times = [seconds for seconds, *_ in self.frames(show)]
        self.assertTrue(all(later - sooner >= PAUSE - 0.01 for sooner, later in pairwise(times[:-1])))
        self.assertLess(sum(1.2 < seconds < 1.99 for seconds in times), 1)
        self.assertGreater(sum(seconds < 1 for seconds in times), 8)

    def test_rate_of_seconds(self) -> None:
        """A frame for the next second is no closer to the one before either."""

        async def show(frames: Frames) -> AsyncGenerator[float]:
            yield 0.95
            frames.think("hm")
            yield 1.1
            frames.close("")

        self.assertEqual([FIRST, 0.95, 0.95 + PAUSE, 2.0, 2.05], [seconds for seconds, *_ in self.frames(show)])

    def test_long_line(self) -> None:
        """Of a long line, its end is there."""

        async def show(frames: Frames) -> AsyncGenerator[float]:
            frames.think("a" * KEPT + "b" * (LINE - 1))
            yield PAUSE
            frames.think("c")
            yield 1
            frames.close("")

        lines = [plain.partition("\n")[2] for _, plain, _ in self.frames(show)]
        self.assertEqual(["…" + "b" * (LINE - 1), "…" + "b" * (LINE - 2) + "c"], lines[:2])

    def test_status(self) -> None:
        """A status keeps its words, and its seconds go on; thoughts take its place."""

        async def show(frames: Frames) -> AsyncGenerator[float]:
            yield 0.2
            frames.wait("loading the model")
            yield 1
            frames.think("hm")
            yield 0.1
            frames.close("")

        shown = [plain for _, plain, _ in self.frames(show)]
        self.assertEqual(["[loading the model]", "[loading the model] 1 s"], shown[1:3])
        self.assertEqual("[OpenAI · gpt-6-luna · thinking, 1 s]\nhm", shown[3])

    def test_passed_over(self) -> None:
        """The thoughts of one that has failed are gone with the status that says so."""

        async def show(frames: Frames) -> AsyncGenerator[float]:
            frames.think("hm")
            yield 0.5
            frames.forget()
            frames.wait("A failed; asking B")
            yield 0.6
            frames.close("")

        shown = [plain for _, plain, _ in self.frames(show)][1:]
        self.assertEqual(["[A failed; asking B]", "[A failed; asking B] 1 s", "-"], shown)

    def test_tools(self) -> None:
        """While tools are called, their names are there; behind the last call, the model is waited for again."""

        async def show(frames: Frames) -> AsyncGenerator[float]:
            for index, name in enumerate(("sales", "prices")):
                frames.calling(ToolCall(index, "", name, ""))
                frames.calling(ToolCall(index, "", "", "{}"))
            yield 0.5
            frames.step(Step("1", "prices", "{}", "2"))
            yield 0.4
            frames.step(Step("2", "sales", "{}", "1"))
            yield 0.5
            frames.add("So")
            yield 0
            frames.close("")

        heads = [plain.partition("\n")[0] for _, plain, _ in self.frames(show)]
        line = "[OpenAI · gpt-6-luna · {} s]"
        expected = ["calls sales, prices, 0", "calls sales, 0", "waiting, 0", "waiting, 1"]
        self.assertEqual([*map(line.format, expected), "So"], list(dict.fromkeys(heads)))

    def test_nothing_stays(self) -> None:
        """What was thought is folded away at the end, in all; where nothing came, nothing is left."""

        async def interrupted(frames: Frames) -> AsyncGenerator[float]:
            frames.think("one\ntwo")
            yield 1.5
            frames.close("interrupted")

        async def thought(frames: Frames) -> AsyncGenerator[float]:
            frames.think("one")
            yield 1.5
            frames.close("")

        async def failed(frames: Frames) -> AsyncGenerator[float]:
            yield 1.5
            frames.close("")
            yield 5

        *_, (_, plain, markdown) = self.frames(interrupted)
        fold = "<details><summary>Reasoning</summary>\n\none\ntwo\n\n</details>"
        self.assertEqual(("[interrupted]", f"{fold}\n\n\n\n*[interrupted]*"), (plain, markdown))
        self.assertEqual((1.5, "", fold.replace("\ntwo", "") + "\n\n"), self.frames(thought)[-1])
        self.assertEqual((1.5, "-", "-"), self.frames(failed)[-1])

    def test_without_updates(self) -> None:
        """Where updates of a display are lost, or may be, nothing of it is shown."""

        async def show(frames: Frames) -> AsyncGenerator[float]:
            yield 1.5
            frames.think("hm")
            yield 1.5
            frames.close("", more=True)
            frames.foot([], {})

        for updates in (Updates.LOST, Updates.DOUBTED):
            with self.subTest(updates.name):
                self.assertEqual({""}, {plain for _, plain, _ in self.frames(show, updates=updates)})

    def test_hostile(self) -> None:
        """Whatever is thought, said of a retry, or the name of a model, nothing acts, and nothing steers a terminal."""

        async def lines(text: str) -> list[str]:
            waiting = Waiting(lambda: text)
            found = [waiting.markdown]
            waiting.call(0, text)
            found.append(waiting.markdown)
            waiting.say(text)
            found.append(waiting.markdown)
            waiting.think(text)
            return [*found, waiting.markdown, waiting.line(200)]

        for text in (*answers(200), STEERING):
            *shown, line = loops.run(lines(text))
            self.assertEqual([[]] * 4, [wrong_in_html(each) for each in shown], text)
            self.assertEqual(printable(line), line)
            self.assertNotIn("\n", line)
            self.assertEqual([printable(each) for each in shown], shown)

    def test_text(self) -> None:
        """As text it is shown as text."""

        async def show(frames: Frames) -> AsyncGenerator[float]:
            yield 0.1
            frames.close("")

        self.assertEqual((FIRST, f"[{who()} · waiting, 0 s]", "-"), self.frames(show, Look("text"))[0])


class TestTerminalLine(unittest.TestCase):
    """In a terminal that can rewrite a line."""

    def printed(self, show: Callable[[Any], AsyncGenerator[float]], screen: Terminal, width: int = 80) -> str:
        """Return what is printed. `show` yields seconds that pass."""
        loop = ClockLoop()

        async def main() -> None:
            screen.begin(who)
            async for seconds in show(screen):
                await _passes(seconds)

        class Printed(io.StringIO):
            def isatty(self) -> bool:
                return True

        with redirect_stdout(Printed()) as printed, mock.patch.dict(os.environ, TERM="xterm", COLUMNS=str(width)):
            loop.run_to_end(main())
        return printed.getvalue()

    def test_line(self) -> None:
        """A line says whom it waits for, then what is thought; the answer stands in its place, and nothing else."""

        async def show(screen: Terminal) -> AsyncGenerator[float]:
            yield 0.01
            screen.wait("loading the model")
            yield 1.1
            screen.think("hm\nwell")
            yield 0.5
            screen.add("So")
            yield 2
            screen.add(" it is")
            screen.close("")

        line = "[OpenAI · gpt-6-luna · {}"
        waiting, thinking = line.format("waiting, {} s]"), line.format("thinking, 1 s] well")
        lines = [waiting.format(0), waiting.format(1), thinking]
        shown = self.printed(show, Terminal())
        self.assertEqual(f"[loading the model]\n{ERASE.join(lines)}{ERASE}So it is\n", shown)

    def test_at_once(self) -> None:
        """An answer that begins at once is printed, and nothing else."""

        async def show(screen: Terminal) -> AsyncGenerator[float]:
            screen.add("So")
            yield 2
            screen.close("")

        self.assertEqual("So\n", self.printed(show, Terminal()))

    def test_width(self) -> None:
        """The line fits into the terminal, of wide characters, too: one that goes on below could not be erased."""

        async def show(screen: Terminal) -> AsyncGenerator[float]:
            screen.think("思" * 30 + "end")
            yield 0
            screen.close("")

        head = "[OpenAI · gpt-6-luna · thinking, 0 s]"  # 39 columns, if its points are wide
        for width, shown in (
            (80, f"{head} {'思' * 17}end"),
            (60, f"{head} {'思' * 7}end"),
            (50, head),
            (20, "na · thinking, 0 s]"[3:]),
        ):
            with self.subTest(width=width):
                self.assertEqual(f"{shown}{ERASE}", self.printed(show, Terminal(), width))

    def test_tools(self) -> None:
        """While tools are called, which may print or ask, there is no such line; behind the last one there is."""

        async def show(screen: Terminal) -> AsyncGenerator[float]:
            yield 0.1
            for index, name in enumerate(("sales", "prices")):
                screen.calling(ToolCall(index, "", name, ""))
            yield 3
            screen.step(Step("1", "prices", "{}", "2"))
            yield 3
            screen.step(Step("2", "sales", "{}", "1"))
            yield 0.5
            screen.close("")

        first, last = (f"[OpenAI · gpt-6-luna · waiting, {seconds} s]{ERASE}" for seconds in (0, 6))
        self.assertEqual(f"{first}[prices({{}}) → 2]\n[sales({{}}) → 1]\n{last}", self.printed(show, Terminal()))

    def test_held(self) -> None:
        """Where the text is shown at its end, the line says that it is written."""

        async def show(screen: Terminal) -> AsyncGenerator[float]:
            screen.think("hm")
            yield 0.5
            screen.add("[1")
            yield 0.6
            screen.add("]")
            screen.close("")

        thinking, writing = (f"[OpenAI · gpt-6-luna · {does} s]" for does in ("thinking, 0", "writing, 1"))
        expected = f"{thinking} hm{ERASE}{writing}{ERASE}[\n  1\n]\n"
        self.assertEqual(expected, self.printed(show, _Held("json")))

    def test_file(self) -> None:
        """Where output is no terminal, or one that cannot, nothing of it is printed."""

        async def main() -> None:
            screen = Terminal()
            screen.begin(who)
            await asyncio.get_running_loop().create_task(_passes(1.5))
            screen.add("So")
            screen.close("")

        with redirect_stdout(io.StringIO()) as printed:
            ClockLoop().run_to_end(main())
        self.assertEqual("So\n", printed.getvalue())


LATER = """
import asyncio, signal
from g4f.providers.response import Reasoning

class Later:
    async def create_async_generator(model, messages):
        go = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, go.set)
        await go.wait()
        yield Reasoning("first\\nsecond")
        go.clear()
        await go.wait()
        yield "the answer"
"""


class TestInTheTerminal(TerminalTestCase):
    """In IPython in a terminal."""

    def test_line(self) -> None:
        """The line is there while the far side is silent and while it thinks, and gone when the answer comes."""
        Path(self.folder, "later.py").write_text(LATER)
        options = ["--simple-prompt", "--no-banner", "--no-confirm-exit", "--colors=NoColor"]
        ipython: Any = pexpect.spawn(
            sys.executable,
            ["-m", "IPython", *options, "--HistoryManager.enabled=False", "--ext=g4f_jupyter"],
            env=self.environment | {"TERM": "xterm"},
            encoding="utf-8",
            timeout=PATIENCE,
            dimensions=(24, 100),
        )
        self.addCleanup(ipython.close, force=True)
        for line in ("from later import Later", "%chat -p Later -f text hi"):
            ipython.expect(r"In \[\d+\]: ")
            ipython.sendline(line)
        ipython.expect_exact("[Later · waiting, 1 s]")
        os.kill(ipython.pid, signal.SIGUSR1)
        ipython.expect(re.escape(f"{ERASE}[Later · thinking, ") + r"\d+ s\] second")
        os.kill(ipython.pid, signal.SIGUSR1)
        ipython.expect_exact(f"{ERASE}the answer\r\n")
        ipython.expect(r"In \[\d+\]: ")
        self.assertNotIn("Later · waiting", ipython.before)


class TestInTheKernel(ChatTestCase):
    """In a real kernel, with a server that answers when it is told to."""

    def test_waiting(self) -> None:
        """The seconds go on while the server is silent, also in a function; the output holds nothing of it."""
        for code in (
            "%chat -p {} -m m hi",
            "def ask():\n    get_ipython().run_line_magic('chat', '-p {} -m m hi')\nask()",
        ):
            go = threading.Event()

            def answer(request: Request, go: threading.Event = go) -> Answer:
                go.wait()
                return hello(request)

            with self.subTest(code), Server(answer) as server:
                cell = self.kernel.send(code.format(server.url))
                self.kernel.wait_for(cell, f"[127.0.0.1:{server.port} · m · waiting, 2 s]")
                go.set()
                self.assertEqual("Hello", self.kernel.finish(cell).displays[0]["text/plain"])
                seconds = [text[-4] for text in cell.data("text/plain") if "waiting" in text]
                self.assertEqual(["0", "1", "2"], seconds[:3])
                self.assertEqual(len(set(seconds)), len(seconds))

    def test_none(self) -> None:
        """With `-q`, nothing of it is shown; a sync provider that blocks the loop is answered as ever."""
        self.kernel.run(
            "import time\nclass Blocks:\n    def create_completion(model, messages, stream):\n        yield 'a'"
        )
        self.assertEqual([], self.kernel.run("%chat -q -p Blocks hi").outputs)
        self.assertEqual({"a"}, set(self.kernel.run("%chat -p Blocks hi").data("text/plain")))


async def _passes(seconds: float) -> None:
    until = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(seconds, until.set_result, None)
    await until
