"""Front ends that cannot be run here, VS Code and Google Colab: what they send, as their sources say, to a real kernel.

What is known of each stands as data, with the file that says it. Their own code is not here: these are facts of it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

from .kernel import Cell, Kernel
from .test_magics import SETUP, ChatTestCase

SECRET = "secret-place"
"""Stands in every id of a cell: where it comes up, an id was shown or stored."""

INTERRUPTED = "KeyboardInterrupt: interrupted. The text that came is above; the conversation is as it was before."

WATCH = """
import sys
called = []
sys.addaudithook(lambda event, _: event in ("socket.connect", "socket.getaddrinfo") and called.append(event))
"""
"""Notes what calls another computer."""

COLABS_IPYTHON = """
import IPython
from IPython.core import completer
IPython.version_info = 7, 34, 0
vars(completer).pop("context_matcher", None)
"""
"""Has a newer IPython pass for that of Colab, as far as names are asked for."""

SILENTLY = {"silent": False, "store_history": False, "stop_on_error": False}

IN_A_THREAD = """
def in_a_thread():
    from threading import Thread
    from traceback import format_exc
    from IPython.display import display
    handle = display({{"{mime}": ""}}, raw=True, display_id=True)
    def run():
        try:
            handle.update({{"{mime}.result": get_ipython().kernel.do_complete({code!r}, {cursor})}}, raw=True)
        except Exception:
            handle.update({{"{mime}.result": format_exc()}}, raw=True)
    Thread(target=run, daemon=True).start()
in_a_thread()
del in_a_thread
"""
"""How VS Code asks for names: a cell of its own, whose thread shows the reply when it has it."""


def by_signal(kernel: Kernel) -> None:
    """Interrupt the process of the kernel."""
    os.kill(kernel.process, signal.SIGINT)


def by_message(kernel: Kernel) -> None:
    """Send a request on the control channel."""
    kernel.ask("interrupt_request", {}, channel="control")


def by_server(kernel: Kernel) -> None:
    """Have the program that started the kernel interrupt it, as a Jupyter server does when it is asked to."""
    kernel.interrupt()


def ask_in_a_thread(kernel: Kernel, code: str, cursor: int) -> Any:
    """Return the reply of the kernel as VS Code gets it."""
    mime = "application/vnd.vscode.bg.execution.0"
    asks = kernel.run(IN_A_THREAD.format(mime=mime, code=code, cursor=cursor), **SILENTLY)
    return kernel.wait_for_output(asks, f"{mime}.result")


def ask_by_message(kernel: Kernel, code: str, cursor: int) -> Any:
    """Return the reply of the kernel as Colab gets it."""
    options = {"include_colab_metadata": True}
    return kernel.ask("complete_request", {"code": code, "cursor_pos": cursor}, colab_options=options)


@dataclass(frozen=True)
class FrontEnd:
    """What a front end sends.

    `cell` makes the metadata of the cell of that number, `content` is what a run of it says besides its code. `own`
    are the requests that it makes by itself, before and between cells. `interrupts` are its ways to interrupt, and
    `complete` is how it asks for names.
    """

    cell: Callable[[int], dict[str, Any]]
    content: Mapping[str, Any]
    own: tuple[Mapping[str, Any], ...]
    interrupts: tuple[Callable[[Kernel], None], ...]
    complete: Callable[[Kernel, str, int], Any]
    renders: frozenset[str] = field(default=frozenset({"text/plain", "text/markdown"}))


VS_CODE = FrontEnd(
    # microsoft/vscode-jupyter, src/kernels/execution/cellExecution.ts: the address of the cell's document is its
    # `cellId`, and the metadata that the cell has in the notebook stands beside it: that of Colab, in one from there.
    # microsoft/vscode, src/vs/workbench/services/notebook/common/notebookDocumentService.ts: that address is the
    # notebook's, behind its `#` a letter for its length, the cell's number to the base of 7, and the scheme in base64.
    # A cell keeps it when it is moved, a copy has another, and no message tells that a cell was deleted.
    cell=lambda number: {
        "cellId": f"vscode-notebook-cell:/home/me/{SECRET}/plan.ipynb#W{number}sZmlsZQ%3D%3D",
        "vscode": {"languageId": "python"},
        "colab": {"base_uri": "https://localhost:8080/"},
    },
    # The same file: it keeps the queue itself, so a cell that fails need not stop it.
    content={"silent": False, "store_history": True, "stop_on_error": False, "allow_stdin": True},
    own=(
        # src/kernels/helpers.ts (executeSilently): not in the history, with outputs, and without metadata.
        # src/kernels/kernel.ts: so begins a kernel, with the place of the notebook in a variable.
        SILENTLY
        | {"code": "try:\n    import ipywidgets as _VSCODE_ipywidgets\n    del _VSCODE_ipywidgets\nexcept:\n    pass"}
        | {"allow_stdin": True},
        SILENTLY
        | {"code": f'__vsc_ipynb_file__ = "/home/me/{SECRET}/plan.ipynb"\n%config Completer.use_jedi = False'}
        | {"allow_stdin": True},
        # src/standalone/variables/pythonVariableRequester.ts: the list of variables, behind each cell. The code is
        # another here: what it does is to read, and to show what it read.
        SILENTLY | {"code": "print([name for name in globals()])", "allow_stdin": True},
        # src/standalone/api/kernels/backgroundExecution.ts: the same in a thread of a cell that is over by then.
        SILENTLY
        | {"code": IN_A_THREAD.format(mime="application/vnd.vscode.bg.execution.9", code="", cursor=0)}
        | {"allow_stdin": False},
    ),
    # src/kernels/raw/launcher/kernelProcess.node.ts: SIGINT to the kernel it started, once to what that has started.
    # src/kernels/raw/session/rawKernelConnection.node.ts: a message, where the kernel's description wants that.
    # A kernel of a server: see Colab.
    interrupts=(by_signal, by_message, by_server),
    # src/standalone/intellisense/kernelCompletionProvider.ts: the text of the whole cell, and the cursor in UTF-16.
    complete=ask_in_a_thread,
    # src/kernels/execution/helpers.ts: of what a display holds, the first in an order that has Markdown before text.
)

COLAB = FrontEnd(
    # googlecolab/colabtools, google/colab/_history.py: its history takes the cell's id from there. What else it sends
    # with a cell is not public; this is what the protocol has where nothing is said.
    cell=lambda number: {"colab": {"cell_id": f"{SECRET}-{number}"}},
    # google/colab/_message.py: replies of the browser come as input of the cell.
    content={"silent": False, "store_history": True, "stop_on_error": True, "allow_stdin": True},
    own=(
        # google/colab/_history.py: which cells were run is the value of an expression, and no cell of the notebook.
        {"code": "", "silent": True, "store_history": False, "allow_stdin": False}
        | {"user_expressions": {"cells": "get_ipython().history_manager.input_hist_raw"}},
        # google/colab/_variable_inspector.py: the variables are read in a thread, all the time.
        {"code": "import threading; threading.Thread(target=lambda: dict(globals())).start()"}
        | {"silent": True, "store_history": False, "allow_stdin": False},
    ),
    # setup.py: a jupyter-server has the kernel.
    interrupts=(by_server,),
    # google/colab/_kernel.py: a message of the protocol, which may ask for more than other kernels know.
    complete=ask_by_message,
)


_TESTS = count()


class Everywhere:
    """What somebody who writes `%%chat` in a front end relies on."""

    front_end: FrontEnd

    def setUp(self: Any) -> None:
        """Take cells that no other test has."""
        self.before = 10 * next(_TESTS)

    def send(self: Any, code: str, number: int) -> Cell:
        """Queue the cell of that number."""
        return self.kernel.send(code, **self.request(number))

    def run_cell(self: Any, code: str, number: int) -> Cell:
        """Run the cell of that number."""
        return self.kernel.run(code, **self.request(number))

    def request(self: Any, number: int) -> dict[str, Any]:
        """Return what a request of the cell of that number says besides its code."""
        return {"metadata": self.front_end.cell(self.before + number), **self.front_end.content}

    def run_own(self: Any) -> None:
        """Run what the front end runs by itself."""
        for request in self.front_end.own:
            self.assertEqual("ok", self.kernel.run(**request).status)

    def test_turns(self: Any) -> None:
        """A turn belongs to its cell: run again, it is replaced in its place; a copy of the cell has its own."""
        self.run_cell("%%chat -p Echo --new\nfirst", 1)
        self.run_cell("%%chat -p Echo\nsecond", 2)
        self.run_cell("%%chat -p Echo\nfirst, better", 1)
        self.assertEqual(["first, better"], self.asked())
        self.run_cell("%%chat -p Echo\nfirst, better", 3)
        self.assertEqual(["first, better", "second", "first, better"], self.asked()[::2])

    def test_id_is_nowhere(self: Any) -> None:
        """The id of a cell is neither shown nor stored: no message, history, file or traceback has it."""
        self.run_cell("%xmode Verbose", 1)
        cells = [self.run_cell(f"%%chat -p {name} --new\nhi", 2) for name in ("Echo", "Limited", "Nobody", "Limited")]
        cells += [self.run_cell("%tb", 3), self.run_cell("%chat_history", 4), self.run_cell("%chat_usage", 5)]
        with tempfile.TemporaryDirectory() as folder:
            cells.append(self.run_cell(f"%chat_history --json {folder}/chat.json", 6))
            self.assertNotIn(SECRET, Path(folder, "chat.json").read_text(encoding="utf-8"))
        self.assertIn("Traceback (most recent call last)", repr(cells[4].messages))
        for cell in cells:
            with self.subTest(cell.code):
                self.assertNotIn(SECRET, repr([each | {"parent_header": {}} for each in cell.messages]))
                self.assertNotIn(SECRET, repr(cell.reply))
        magics = "get_ipython().find_cell_magic('chat').__self__"
        self.assertNotIn(SECRET, self.kernel.run(f"{{**vars({magics}.session.threads[''])}}").result)

    def test_own_requests(self: Any) -> None:
        """What the front end runs by itself neither enters nor disturbs the conversation."""
        self.run_own()
        self.run_cell("%%chat -p Echo --new\nfirst", 1)
        self.run_own()
        shown = self.run_cell("%chat_history", 4).displays
        self.run_own()
        self.run_cell("%%chat -p Echo\nsecond", 2)
        self.assertEqual(["first", "You said first", "second"], self.asked())
        self.assertEqual("[1] first\nYou said first", shown[0]["text/plain"])
        queued = self.send("%%chat -p Echo\nthird", 3)
        self.run_own()
        self.assertEqual("You said third", self.kernel.finish(queued).displays[0]["text/plain"])

    def test_completion(self: Any) -> None:
        """A line that is half written is completed, and nobody is called for it."""
        self.kernel.run(WATCH)
        for text, start, name in (
            ("%%chat -p Lo|", 10, "Local"),
            ("%%chat -p Lo|\nWhat is it?", 10, "Local"),
            ("%%chat -p Echo --tem| -m x\nWhat is it?", 15, "--temperature"),
            ("%%chat -p Echo\nHow many are in {call|}?", 32, "called"),
        ):
            with self.subTest(text):
                at = text.index("|")
                reply = self.front_end.complete(self.kernel, text.replace("|", ""), at)
                self.assertIn(name, reply["matches"])
                self.assertEqual((start, at), (reply["cursor_start"], reply["cursor_end"]))
        self.assertEqual("[]", self.kernel.run("called").result)

    def test_interrupts(self: Any) -> None:
        """Each way ends the answer in one line, keeps what came, and leaves the conversation as it was."""
        for interrupt in self.front_end.interrupts:
            with self.subTest(interrupt.__name__):
                self.run_cell("%%chat -p Echo --new\nfirst", 1)
                stuck = self.send("%%chat -p Stuck\nsecond", 2)
                self.kernel.wait_for(stuck, "as far as this")
                interrupt(self.kernel)
                self.assert_fails(self.kernel.finish(stuck), INTERRUPTED)
                self.assertEqual("as far as this\n\n[interrupted]", stuck.displays[0]["text/plain"])
                self.run_cell("%%chat -p Echo\nthird", 3)
                self.assertEqual(["first", "You said first", "third"], self.asked())

    def test_displays(self: Any) -> None:
        """An answer is one display and updates of it, of kinds that are rendered, and nothing is ever cleared."""
        for name in ("Echo", "Many", "Thinks", "Waits", "Limited"):
            cell = self.run_cell(f"%%chat -p {name} --once\nhi", 1)
            kinds = [each["msg_type"] for each in cell.messages if each["msg_type"] not in ("status", "execute_input")]
            shown = [content for kind, content in cell.outputs if kind != "error"]
            with self.subTest(name):
                self.assertEqual("display_data", kinds[0])
                self.assertLessEqual(set(kinds[1:]), {"update_display_data", "error"})
                self.assertEqual(1, len({each["transient"]["display_id"] for each in shown}))
                for each in shown:
                    self.assertEqual(self.front_end.renders, each["data"].keys())

    def test_errors(self: Any) -> None:
        """Both show the lines of the traceback: it is one, and has no colours in it."""
        for line, told in (
            ("-p Limited", "RateLimitError: Limited: too many requests"),
            ("-p Echo --modle x", "InputError: there is no option '--modle'. Did you mean '--model'"),
        ):
            with self.subTest(line):
                cell = self.run_cell(f"%%chat {line}\nhi", 1)
                [error] = [content for kind, content in cell.outputs if kind == "error"]
                self.assertEqual(cell.reply["traceback"], error["traceback"])
                [shown] = error["traceback"]
                self.assertEqual(told, shown[: len(told)])
                self.assertNotRegex(json.dumps(shown), r"\\n|\\u001b")


class TestJupyterLab(ChatTestCase):
    """JupyterLab, which runs in tests of its own: what it tells of cells that it cuts."""

    def test_cut_and_pasted(self) -> None:
        """The cell that runs is there, though it is told as deleted: its turn is replaced in its place.

        jupyterlab/jupyterlab, packages/notebook/src/actions.tsx: a cell that is cut counts as deleted, and has its id
        again where it is pasted. packages/notebook/src/cellexecutor.ts: the ids go with the next cell that runs.
        """
        self.chat("-p Echo --new", "first", "a")
        self.chat("-p Echo", "second", "b")
        self.kernel.run("%%chat -p Echo\nfirst, better", metadata={"cellId": "a", "deletedCells": ["a"]})
        self.assertEqual(["first, better"], self.asked())
        self.chat("-p Echo", "third", "c")
        self.assertEqual(["first, better", "second", "third"], self.asked()[::2])

    def test_deleted(self) -> None:
        """The turn of a deleted cell leaves, whichever cell tells of it.

        The same file: the list is emptied when a cell has run, be it one that chats or not.
        """
        self.chat("-p Echo --new", "first", "d")
        self.chat("-p Echo", "second", "e")
        self.kernel.run("1 + 1", metadata={"cellId": "f", "deletedCells": ["d", "never seen"]})
        self.kernel.run("%%chat -p Echo\nthird", metadata={"cellId": "g", "deletedCells": []})
        self.assertEqual(["second", "third"], self.asked()[::2])


CAPTURED = """
from IPython.utils.capture import capture_output
try:
    with capture_output() as captured:
        get_ipython().run_line_magic("chat", "-p {name} --once hi")
finally:
    captured.show()
"""

IN_A_WIDGET = """
import ipywidgets
output = ipywidgets.Output()
with output:
    get_ipython().run_line_magic("chat", "-p {name} --once hi")
"""


class TestWithoutUpdates(ChatTestCase):
    """Whoever shows no updates of a display shows the whole answer in the end."""

    def last(self, cell: Cell) -> dict[str, Any]:
        """Return what is displayed last, as a front end shows it that takes no update."""
        [*_, shown] = [content["data"] for kind, content in cell.outputs if kind == "display_data"]
        return dict(shown)

    def test_console(self) -> None:
        """`jupyter console` prints the first frame and the last; who takes updates has the last alone.

        jupyter/jupyter_console, jupyter_console/ptshell.py (handle_iopub): it prints each `display_data`, and no
        update. It can read input, and sends no metadata.
        """
        for name, text in (
            ("Echo", "You said hi"),
            ("Thinks", "the answer"),
            ("Limited", "half an \n\n[incomplete]"),
            ("Waits", "here"),
        ):
            with self.subTest(name):
                cell = self.kernel.run(f"%chat -p {name} --once hi", allow_stdin=True)
                self.assertEqual(text, self.last(cell)["text/plain"])
                self.assertEqual([text], [each["text/plain"] for each in cell.displays if each["text/plain"]])
        cell = self.kernel.run("%chat -p Waits --once fail", allow_stdin=True)
        self.assertEqual([""], [each["text/plain"] for each in cell.displays])
        cell = self.kernel.run("said = 'one'\n%chat -p Says --once hi", allow_stdin=True)
        self.assertEqual(["one"], [each["text/plain"] for each in cell.displays])

    def test_one_display(self) -> None:
        """Where what is displayed is captured, or an Output of ipywidgets takes it, an answer is there once, whole."""
        self.kernel.run("%config ChatMagics.footer = True")
        self.addCleanup(self.kernel.run, "%config ChatMagics.footer = False")
        for around in (CAPTURED, *([IN_A_WIDGET] if find_spec("ipywidgets") else [])):
            for name, text in (("Echo", "You said hi"), ("Limited", "half an \n\n[incomplete]"), ("Waits", "here")):
                with self.subTest(around, name=name):
                    cell = self.kernel.run(around.format(name=name))
                    shown = [content for kind, content in cell.outputs if kind != "error"]
                    self.assertEqual([text], [content["data"]["text/plain"] for content in shown])
                    if name != "Limited":
                        self.assertIn(f"<sub>{name} · about ", shown[0]["data"]["text/markdown"])
        cell = self.kernel.run("%chat -p Echo --once hi")
        self.assertGreater(len(cell.outputs), 1)

    @unittest.skipUnless(find_spec("papermill"), "needs papermill, of the test extra")
    def test_papermill(self) -> None:
        """What papermill logs of a cell has the whole answer, and the notebook has it once."""
        import nbformat

        cells = [nbformat.v4.new_code_cell(code) for code in (SETUP, "%%chat -p Echo --new\nhi")]
        command = [sys.executable, "-m", "papermill", "--kernel", "python3", "--log-output", "in.ipynb", "out.ipynb"]
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(nbformat.v4.new_notebook(cells=cells), f"{folder}/in.ipynb")
            ran = subprocess.run(
                command,
                cwd=folder,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                capture_output=True,
                text=True,
                check=True,
            )
            done = nbformat.read(f"{folder}/out.ipynb", 4)
        self.assertIn("You said hi\n", ran.stderr)
        [shown] = done.cells[-1].outputs
        self.assertEqual("You said hi", shown["data"]["text/plain"])


class TestVSCode(Everywhere, ChatTestCase):
    """VS Code."""

    front_end = VS_CODE

    def test_metadata(self) -> None:
        """No update of a display changes its metadata: one that does makes VS Code forget what it just showed.

        microsoft/vscode-jupyter, src/kernels/execution/cellExecutionMessageHandler.ts: then all outputs of the cell
        are written again, from what the editor has told of them. microsoft/vscode,
        src/vs/workbench/api/common/extHostNotebookKernels.ts: what is shown gets there after 10 ms at the earliest.
        """
        self.kernel.run("%config ChatMagics.footer = True")
        cell = self.run_cell("%%chat -p Thinks --once\nhi", 1)
        self.kernel.run("%config ChatMagics.footer = False")
        self.assertIn("1,200 + 34 tokens", cell.displays[0]["text/markdown"])
        self.assertEqual([{}] * len(cell.outputs), [content["metadata"] for _, content in cell.outputs])


class TestColab(Everywhere, ChatTestCase):
    """Google Colab."""

    front_end = COLAB

    def test_its_ipython(self) -> None:
        """The extension loads in the IPython of Colab, which asks for names by the word, and completes a line there.

        googlecolab/colabtools, setup.py: ipython 7.34, ipykernel 6.17.1. `CompletionContext` came with IPython 8.6.
        """
        with Kernel() as kernel:
            loads = kernel.run(COLABS_IPYTHON + SETUP)
            self.assertEqual(("ok", []), (loads.status, loads.outputs))
            self.assertEqual("You said hi", kernel.run("%%chat -p Echo\nhi").displays[0]["text/plain"])
            for text, name in (
                ("%%chat -p Lo|", "Local"),
                ("%%chat -p Echo --tem| -m x\nWhat?", "--temperature"),
                ("%chat -p Echo what is {ask|}", "asked"),
            ):
                with self.subTest(text):
                    reply = ask_by_message(kernel, text.replace("|", ""), text.index("|"))
                    self.assertIn(name, reply["matches"])
            kernel.run("%unload_ext g4f_jupyter")
            self.assertNotIn("Local", ask_by_message(kernel, "%%chat -p Lo", 12)["matches"])


if __name__ == "__main__":
    unittest.main()
