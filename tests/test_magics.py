"""`%%chat` in a real kernel: what is asked, what is shown, what is remembered, and what an interrupt leaves."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path
from time import monotonic
from typing import Any

from g4f.markdown import literal
from g4f_jupyter.show.frames import PAUSE

from . import script
from .kernel import Cell, Kernel
from .servers import Server, hello

SETUP = """
%load_ext g4f_jupyter
%config ChatMagics.footer = False
import asyncio
from g4f.errors import ContextLengthError, RateLimitError
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.response import FinishReason, Reasoning, Status, Usage

asked, closed = [], []

class Echo(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        asked.append([message["content"] for message in messages])
        for word in ("You", " said ", messages[-1]["content"]):
            yield word

class Many(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        for number in range(4000):
            yield f"{number} "

class Stuck(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        asked.append([message["content"] for message in messages])
        try:
            yield "as far "
            yield "as this"
            await asyncio.Event().wait()
        finally:
            closed.append(True)

class Waits(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        yield Status("Waits: HTTP 503; try 2 of 3 in 0.5 s")
        if "fail" in messages[-1]["content"]:
            raise RateLimitError("too many requests")
        yield "here"

class Options(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages, **options):
        asked.append(options)
        yield "seen"

class Thinks(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        for item in (Reasoning("hm <b>"), "the ", "answer", Usage(1200, 34, 1234), FinishReason("stop")):
            yield item

class Says(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        yield said

class Narrow(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        if len(messages) > 3:
            raise ContextLengthError("too long")
        yield str(len(messages))

class Limited(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        yield "half an "
        raise RateLimitError("too many\\nrequests", status=429)
"""


LATE = """
import signal
class Late:
    @classmethod
    async def create_async_generator(cls, model, messages):
        try:
            if model == "first":
                signal.raise_signal(signal.SIGINT)
            yield "who"
            if model in ("last", "twice", "waits"):
                signal.raise_signal(signal.SIGINT)
            if model == "twice":
                signal.raise_signal(signal.SIGINT)
            if model == "waits":
                await asyncio.Event().wait()
            yield "le"
            if model == "end":
                signal.raise_signal(signal.SIGINT)
        finally:
            if model == "clean-up":
                signal.raise_signal(signal.SIGINT)
"""
AT_FRAME = """
import signal
left = -1
def at_frame(message):
    global left
    if message["msg_type"] in ("display_data", "update_display_data"):
        left -= 1
        if left == -1:
            signal.raise_signal(signal.SIGINT)
    return message
get_ipython().display_pub.register_hook(at_frame)
class Slow:
    @classmethod
    async def create_async_generator(cls, model, messages):
        yield "one"
        await asyncio.sleep(0)
        yield " two"
"""
KEPT = " after the answer was complete: it is kept, and its turn is in the conversation."
LEFT = ". The text that came is above; the conversation is as it was before."


class ChatTestCase(unittest.TestCase):
    """A kernel with the extension loaded, and providers in the notebook."""

    kernel: Kernel

    @classmethod
    def setUpClass(cls) -> None:
        """Start what the tests need."""
        cls.kernel = cls.enterClassContext(Kernel())
        loaded = cls.kernel.run(SETUP)
        assert loaded.status == "ok" and not loaded.outputs, loaded.outputs

    def chat(self, line: str, question: str, cell: str | None = None) -> Cell:
        """Run a `%%chat` cell."""
        return self.kernel.run(f"%%chat {line}\n{question}", metadata={"cellId": cell} if cell else None)

    def asked(self) -> Any:
        """Return the contents of the messages, or the options, that a provider of the notebook was last given."""
        value: Any = json.loads(self.kernel.run("import json; print(json.dumps(asked[-1]))").text)
        return value

    def assert_fails(self, cell: Cell, line: str) -> None:
        """Assert that the cell failed, and that its traceback is this one line."""
        self.assertEqual("error", cell.status)
        self.assertEqual([line], cell.reply["traceback"])


class TestShow(ChatTestCase):
    """What stands in the cell."""

    def test_answer(self) -> None:
        """One display holds the answer, as text and as Markdown; the variable holds it too."""
        cell = self.chat("-p Echo --new -o told", "hello *there*")
        self.assertEqual("ok", cell.status)
        told = "You said hello *there*"
        self.assertEqual([{"text/plain": told, "text/markdown": told}], cell.displays)
        self.assertEqual(told, self.kernel.run("told").result)

    def test_line_magic(self) -> None:
        """`%chat` asks what follows its options, quotes, braces and dollars as they are."""
        question = """what's {"a": 1} and $HOME, "quoted"?"""
        cell = self.kernel.run(f"%chat -p Echo --new {question}")
        self.assertEqual(f"You said {question}", cell.displays[0]["text/plain"])

    def test_address(self) -> None:
        """`-p` takes an address, or the variable that holds one."""
        with Server(hello) as server:
            self.kernel.run(f"here = {server.url!r}")
            for name in (server.url, "here"):
                with self.subTest(name):
                    self.assertEqual("Hello", self.chat(f"-p {name} -m m --new", "?").displays[0]["text/plain"])

    def test_burst(self) -> None:
        """4,000 chunks at full speed cost less than 0.1 MB of messages, and 0.2 MB a second more; none is lost."""
        start = monotonic()
        cell = self.chat("-p Many --new", "go")
        seconds = monotonic() - start
        self.assertEqual("".join(f"{number} " for number in range(4000)), cell.displays[0]["text/plain"])
        size = sum(len(json.dumps(message["content"])) for message in cell.messages)
        self.assertLess(size, 100_000 + 200_000 * seconds)
        frames = [message for message in cell.messages if "data" in message["content"]]
        self.assertLess(len(frames), 4 + seconds / PAUSE)

    def test_pause(self) -> None:
        """What came before a pause is shown, although nothing follows."""
        cell = self.kernel.send("%%chat -p Stuck --new\ngo")
        self.kernel.wait_for(cell, "as far as this")
        self.kernel.interrupt()
        self.kernel.finish(cell)

    def test_waiting(self) -> None:
        """What is waited for stands where the answer will be, and leaves nothing behind, no empty text either."""
        told = "[Waits: HTTP 503; try 2 of 3 in 0.5 s]"
        for question, left in (("go", {"text/plain": "here", "text/markdown": "here"}), ("fail", {})):
            with self.subTest(question):
                cell = self.chat("-p Waits --new", question)
                frames = [message["content"]["data"] for message in cell.messages if "data" in message["content"]]
                self.assertEqual({"text/plain": told, "text/markdown": literal(told)}, frames[0])
                self.assertEqual([left], cell.displays)

    def test_untrusted(self) -> None:
        """HTML, images and scripts of a model are shown as text; `text/plain` is what it wrote."""
        cell = self.chat("-p Echo --new", "<img src=x onerror=alert(1)> ![a](http://b/c.png)")
        shown = cell.displays[0]
        self.assertEqual("You said <img src=x onerror=alert(1)> ![a](http://b/c.png)", shown["text/plain"])
        self.assertEqual("You said &lt;img src=x onerror=alert(1)> [a](http://b/c.png)", shown["text/markdown"])

    def test_help(self) -> None:
        """`%%chat?` shows every option."""
        text = self.kernel.run("%%chat?").reply["payload"][0]["data"]["text/plain"]
        for option in ("--model", "--provider", "--system", "--out", "--new"):
            with self.subTest(option):
                self.assertIn(option, text)

    def test_config(self) -> None:
        """`%config ChatMagics` sets who is asked by cells that name nobody."""
        self.kernel.run("%config ChatMagics.provider = 'Echo'")
        try:
            self.assertEqual("You said hi", self.chat("--new", "hi").displays[0]["text/plain"])
        finally:
            self.kernel.run("%config ChatMagics.provider = ''")


class TestErrors(ChatTestCase):
    """What fails, fails its cell, in one line."""

    def test_bad_input(self) -> None:
        """A wrong option, name or cell is told in one line before anything is asked."""
        self.kernel.run("asked.clear()")
        for line, question, told in (
            ("-p Eco", "x", "ProviderNotFoundError: there is no provider 'Eco'."),
            ("-m nowhere-1", "x", "ModelNotFoundError: no provider is known for the model 'nowhere-1'."),
            ("--provder Echo", "x", "InputError: there is no option '--provder'. Did you mean '--provider'"),
            ("-p", "x", "InputError: argument -p/--provider: expected one argument."),
            ('-p "Echo', "x", 'InputError: a quote is not closed: "Echo'),
            ("-p Echo -o 1x", "x", "InputError: argument -o/--out: needs the name of a variable, not '1x'."),
            ("-p Echo -o class", "x", "InputError: argument -o/--out: needs the name of a variable, not 'class'."),
            ("-p Echo what", "x", "InputError: the question of %%chat stands in the cell"),
            ("-p Echo", "   ", "InputError: there is no question: write it in the cell"),
        ):
            with self.subTest(line):
                cell = self.chat(line, question)
                self.assertEqual("error", cell.status)
                [shown] = cell.reply["traceback"]
                self.assertEqual(told, shown[: len(told)])
                self.assertNotIn("\n", shown)
                self.assertEqual([], cell.displays)
        self.assertEqual("[]", self.kernel.run("asked").result)

    def test_provider_fails(self) -> None:
        """The provider's error is one line that names it; what came before stays, and says that it is not all."""
        subshell = self.kernel.subshell()
        before = self.kernel.send("import threading; go = threading.Event(); print('waits'); go.wait()")
        queued = self.kernel.send("%%chat -p Limited --new\ngo"), self.kernel.send("print('never')")
        self.kernel.wait_for(before, "waits")
        self.kernel.run("go.set()", subshell=subshell)  # both have come by now: they were sent on the same way
        cell = self.kernel.finish(queued[0])
        self.assert_fails(cell, "RateLimitError: Limited: too many requests")
        self.assertEqual("half an \n\n[incomplete]", cell.displays[0]["text/plain"])
        self.assertEqual("aborted", self.kernel.finish(queued[1]).status)

    def test_leaves_no_trace(self) -> None:
        """A question that failed does not enter the conversation, nor does the new one it would have begun."""
        self.chat("-p Echo --new", "first")
        self.chat("-p Limited", "second")
        self.chat("-p Limited --new", "third")
        self.chat("-p Echo", "fourth")
        self.assertEqual(["first", "You said first", "fourth"], self.asked())


class TestInterrupt(ChatTestCase):
    """The stop button."""

    def test_interrupt(self) -> None:
        """One line, text kept and marked, provider closed, queue stopped, conversation as before, next cell works."""
        self.chat("-p Echo --new", "first")
        self.kernel.run("closed.clear()")
        stuck, queued = self.kernel.send("%%chat -p Stuck\nsecond"), self.kernel.send("print('never')")
        self.kernel.wait_for(stuck, "as far as this")
        self.kernel.interrupt()
        self.kernel.finish(stuck)
        self.assert_fails(
            stuck,
            "KeyboardInterrupt: interrupted. The text that came is above; the conversation is as it was before.",
        )
        self.assertEqual("as far as this\n\n[interrupted]", stuck.displays[0]["text/plain"])
        self.assertEqual("aborted", self.kernel.finish(queued).status)
        self.assertEqual("[True]", self.kernel.run("closed").result)
        self.chat("-p Echo", "third")
        self.assertEqual(["first", "You said first", "third"], self.asked())

    def assert_honest(self, cell: Cell) -> bool:
        """Assert that the line of an interrupted cell says whether its turn is in the conversation; return that."""
        entered = "[2] second" in self.kernel.run("%chat_history").displays[0]["text/plain"]
        self.assert_fails(cell, f"KeyboardInterrupt: interrupted{KEPT if entered else LEFT}")
        return entered

    def test_too_late(self) -> None:
        """One that comes while an answer never waits, or ends, lets it end; the line says that it is kept."""
        self.kernel.run(LATE)
        for line, entered in (
            ("-m first", True),
            ("-m last", True),
            ("-m end", True),
            ("-m clean-up", True),
            ("-m waits", False),
            ("-m twice", False),
            ("-q -m end", True),
            ("--thread new -m end", True),
        ):
            with self.subTest(line):
                self.chat("-p Echo --new", "first")
                if "--thread" not in line:
                    self.assertIs(entered, self.assert_honest(self.chat(f"-p Late {line}", "second")))
                    continue
                self.assert_fails(self.chat(f"-p Late {line}", "second"), f"KeyboardInterrupt: interrupted{KEPT}")
                self.assertIn("second", self.kernel.run("%chat_history --thread new").displays[0]["text/plain"])
        self.assert_fails(self.chat("-p Late --once -m end", "?"), f"KeyboardInterrupt: interrupted{LEFT}")
        self.assertEqual("You said third", self.chat("-p Echo", "third").displays[0]["text/plain"][:14])

    def test_at_any_frame(self) -> None:
        """Whichever frame of an answer it hits, live or from a tape, the footer included, the line is true."""
        with tempfile.TemporaryDirectory() as folder:
            self.kernel.run(f"{AT_FRAME}\n%config ChatMagics.tape_file = {folder + '/tape.jsonl'!r}")
            self.chat("-p Slow --tape auto --new", "first")
            self.chat("-p Slow --tape auto", "second")
            for tape in ("off", "replay"):
                seen = set()
                for number in range(20):
                    self.kernel.run("left = -1")
                    self.chat("-p Slow --tape auto --new", "first")
                    self.kernel.run(f"left = {number}")
                    cell = self.chat(f"-p Slow --tape {tape}", "second")
                    if cell.status == "ok":
                        break
                    seen.add(self.assert_honest(cell))
                self.assertGreater(number, 1)
                self.assertIn(True, seen)
            self.kernel.run("left = -1\n%config ChatMagics.tape_file = ''")


class TestConversation(ChatTestCase):
    """What is remembered from cell to cell."""

    def test_goes_on(self) -> None:
        """A question is asked with the turns before it; `--new` forgets them; `--system` stays from then on."""
        self.chat("-p Echo --new --system 'be brief'", "first")
        self.chat("-p Echo", "second")
        self.assertEqual(["be brief", "first", "You said first", "second"], self.asked())
        self.chat("-p Echo --new", "third")
        self.assertEqual(["third"], self.asked())

    def test_rerun(self) -> None:
        """Running a cell again asks with the turns above it, and replaces its own; the turns below stay."""
        self.chat("-p Echo --new", "first", "a")
        self.chat("-p Echo", "second", "b")
        self.chat("-p Echo", "third", "c")
        self.chat("-p Echo", "second, better", "b")
        self.assertEqual(["first", "You said first", "second, better"], self.asked())
        self.chat("-p Echo", "fourth", "d")
        self.assertEqual(["first", "second, better", "third", "fourth"], self.asked()[::2])
        self.chat("-p Echo --new", "first, better", "a")
        self.chat("-p Echo", "fifth", "e")
        self.assertEqual(["first, better", "second, better", "third", "fourth", "fifth"], self.asked()[::2])

    def test_without_ids(self) -> None:
        """Where the front end names no cell, each run is a new turn."""
        self.chat("-p Echo --new", "same")
        self.chat("-p Echo", "same")
        self.assertEqual(["same", "You said same", "same"], self.asked())


class TestLoad(unittest.TestCase):
    """Loading and unloading."""

    def test_loads_no_magics_of_ipython(self) -> None:
        """Those that IPython loads when they are used stay unloaded: to look at them takes as long as all of ours."""
        out = script.run(
            """
            import sys
            from IPython.core.interactiveshell import InteractiveShell
            shell = InteractiveShell.instance()
            before = set(sys.modules)
            shell.extension_manager.load_extension("g4f_jupyter")
            shell.extension_manager.reload_extension("g4f_jupyter")
            print(*(name for name in set(sys.modules) - before if name.startswith("IPython.core.magics.")))
            """
        )
        self.assertEqual("\n", out)

    def test_quiet(self) -> None:
        """Loading says nothing, twice as once; unloading removes the magics and the settings."""
        with Kernel() as kernel:
            for line in ("%load_ext g4f_jupyter", "%load_ext g4f_jupyter", "%reload_ext g4f_jupyter"):
                self.assertEqual([], [kind for kind, _ in kernel.run(line).outputs if "already" not in str(_)])
            kernel.run("%unload_ext g4f_jupyter")
            self.assertIn("not found", kernel.run("%%chat\nhi").stderr)
            self.assertNotIn("ChatMagics", kernel.run("%config").text)

    def test_interrupt_of_await(self) -> None:
        """An interrupt ends a cell that awaits an answer at once, however the extension was loaded.

        Nothing else happens in the kernel, not even a sync call before.
        """
        folder = self.enterContext(tempfile.TemporaryDirectory())
        profile = Path(folder, "profile_default")
        profile.mkdir()
        (profile / "ipython_config.py").write_text("get_config().InteractiveShellApp.extensions = ['g4f_jupyter']")
        for load, environment in (
            ("%load_ext g4f_jupyter\n%reload_ext g4f_jupyter", {}),
            ("get_ipython().extension_manager.load_extension('g4f_jupyter')", {}),
            ("await asyncio.sleep(0)\n%load_ext g4f_jupyter", {}),
            ("", {"IPYTHONDIR": folder}),
            ("%load_ext g4f_jupyter", {"IPYTHONDIR": folder}),
        ):
            with self.subTest(load, **environment), Kernel(**environment) as kernel:
                waits = kernel.send(f"import asyncio\n{load}\nprint('begun')\nawait asyncio.Event().wait()")
                kernel.wait_for(waits, "begun\n")
                kernel.interrupt()
                self.assertEqual("KeyboardInterrupt: ", kernel.finish(waits).error)

    def test_another_magic(self) -> None:
        """A `%%chat` of somebody else is replaced, and one line says so."""
        with Kernel() as kernel:
            kernel.run("from IPython.core.magic import register_cell_magic\n@register_cell_magic\ndef chat(l, c): 0")
            told = kernel.run("%load_ext g4f_jupyter").text
            self.assertEqual("g4f_jupyter: %%chat now asks g4f; it was another magic before\n", told)

    def test_not_nestable(self) -> None:
        """A loop that cannot be nested is told in one line, and the magics are there all the same."""
        with Kernel() as kernel:
            told = kernel.run("import sys; sys.modules['nest_asyncio2'] = None\n%load_ext g4f_jupyter").text
            self.assertEqual(1, told.count("\n"))
            self.assertIn("pip install nest_asyncio2", told)
            kernel.run("class Echo:\n    async def create_async(model, messages): return 'Hello'")
            self.assertIn("pip install nest_asyncio2", kernel.run("%%chat -p Echo\nhi").error)
