"""JupyterLab and Notebook 7 on this machine, and a Chromium that opens a notebook in them.

    with Frontend("lab") as lab, Browser() as browser:
        notebook = browser.open(lab)
        print(notebook.add("1 + 1").run().text)

Every wait is for something to stand in the page; none is for time to pass. `MISSING` says what is not installed.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import nbformat

import g4f_jupyter

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

__all__ = ["EXTENSION", "MISSING", "Browser", "Cell", "Frontend", "Gate", "Notebook"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = ", ".join(
    [
        *(name for name in ("jupyterlab", "notebook", "playwright") if find_spec(name) is None),
        *([] if CHROMIUM else ["Chromium"]),
    ]
)
"""What these tests need and is not here; "" if all is."""

PATIENCE = 300_000
"""Milliseconds after which a page counts as hanging."""

SETTINGS = {
    "notification": {"fetchNews": "false", "checkForUpdates": False},
    "themes": {"theme": "JupyterLab Light"},
}
"""Of @jupyterlab/apputils-extension: nothing is asked of the network, and colours are those of no operating system."""

OPTIONS = [
    "--no-browser",
    "--allow-root",
    "--ip=127.0.0.1",
    "--port=0",
    "--expose-app-in-browser",
    "--LabApp.news_url=",
    "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
    "--MappingKernelManager.cull_idle_timeout=600",
    "--ServerApp.shutdown_no_activity_timeout=600",
]
"""Nothing is asked of the network, and a server that is forgotten, its tests having been killed, ends by itself."""


FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
]
"""Have Chromium ask the network for nothing but its pages."""

CHECKOUT = Path(g4f_jupyter.__file__).with_name("labextension")
INSTALLED = Path(sys.prefix, "share/jupyter/labextensions/g4f-jupyter")
EXTENSION = CHECKOUT if CHECKOUT.is_dir() else INSTALLED
"""Our extension for these front ends. A wheel has put it where they look for it."""

READY = "window.jupyterapp?.shell.currentWidget?.context?.sessionContext.session?.kernel?.status == 'idle'"
ADD = """source => {
    const shared = jupyterapp.shell.currentWidget.content.model.sharedModel;
    shared.addCell({cell_type: 'code', source});
    return shared.cells.length - 1;
}"""
SOURCES = "() => jupyterapp.shell.currentWidget.content.model.sharedModel.cells.map(cell => cell.getSource())"
ENDED = """([cell, before]) => {
    const prompt = cell.querySelector('.jp-InputPrompt').textContent;
    return /[0-9]/.test(prompt) && prompt != before;
}"""


class Frontend:
    """A server of JupyterLab ("lab") or of Notebook 7 ("notebook"), with settings and folders of its own.

    Its kernels are of this interpreter, and import what the tests import. Enter it to start it.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._token = secrets.token_hex(16)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        home = Path(self._stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        self.folder = home / "notebooks"
        self.folder.mkdir(parents=True)
        self._settings = home / "config/lab/user-settings"
        for name, setting in SETTINGS.items():
            self.configure("@jupyterlab/apputils-extension", name, setting)
        self._server = self._start(home)
        self._stack.callback(self._stop)
        self._address = self._started()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def new(self) -> str:
        """Return the address of a new notebook."""
        name = f"{len(list(self.folder.iterdir()))}"
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        nbformat.write(nbformat.v4.new_notebook(metadata=kernel), self.folder / f"{name}.ipynb")
        # A workspace of its own, or JupyterLab would open there what was open last
        place = f"lab/workspaces/{name}/tree" if self.kind == "lab" else "notebooks"
        return f"{self._address}/{place}/{name}.ipynb?token={self._token}"

    def configure(self, extension: str, plugin: str, setting: dict[str, Any]) -> None:
        """Set what a user can set of a plugin, for pages that are loaded from now on."""
        file = self._settings / extension / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(setting), encoding="utf-8")

    def _start(self, home: Path) -> Any:
        folders = {"HOME": "", "IPYTHONDIR": "ipython", "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data"}
        folders["JUPYTER_RUNTIME_DIR"] = "runtime"
        own = {name: str(home / folder) for name, folder in folders.items()}
        if EXTENSION is CHECKOUT:
            shutil.copytree(EXTENSION, home / "checkout/labextensions/g4f-jupyter")
            own["JUPYTER_PATH"] = str(home / "checkout")  # comes before what is installed
        own["PYTHONPATH"] = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path if entry)
        module = "jupyterlab" if self.kind == "lab" else "notebook"
        where = [f"--IdentityProvider.token={self._token}", f"--ServerApp.root_dir={self.folder}"]
        return subprocess.Popen(
            [sys.executable, "-m", module, *OPTIONS, *where],
            env=os.environ | own,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _started(self) -> str:
        """Wait for the server to say its address, and return it."""
        told = []
        for line in self._server.stderr:
            told.append(line)
            if (start := line.find("http://127.0.0.1:")) >= 0:
                self._drain = threading.Thread(target=self._server.stderr.read)  # or its pipe fills up
                self._drain.start()
                return line[start : line.index("/", start + 7)]
        raise AssertionError(f"the server did not start: {''.join(told)}")

    def _stop(self) -> None:
        with self._server:  # closes its pipe in the end
            self._server.terminate()
            self._drain.join()


class Browser:
    """A Chromium without a window, whose pages close with it. Enter it to start it."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        from playwright.sync_api import sync_playwright  # an optional package

        playwright = self._stack.enter_context(sync_playwright())
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, chromium_sandbox=os.geteuid() != 0)
        self._stack.callback(chromium.close)
        self._context = chromium.new_context(viewport={"width": 1100, "height": 900})
        self._context.set_default_timeout(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def page(self) -> Page:
        """Return a new page, which fetches nothing but files."""
        page = self._context.new_page()
        page.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
        return page

    def open(self, frontend: Frontend, page: Page | None = None) -> Notebook:
        """Return a new notebook, its kernel ready, in a page of its own or in this one."""
        page = page or self._context.new_page()
        address = frontend.new()
        page.goto(address, wait_until="commit")
        page.wait_for_function(READY)
        name = address.rpartition("/")[2].partition("?")[0]
        return Notebook(page, frontend.folder / name)


class Notebook:
    """A notebook in a page."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page, self.file = page, file

    def add(self, source: str) -> Cell:
        """Return a new cell at the end of the notebook."""
        number = self.page.evaluate(ADD, source)
        return Cell(self.page.locator(".jp-Notebook .jp-CodeCell").nth(number))

    def sources(self) -> list[str]:
        """Return the text of each cell."""
        texts: list[str] = self.page.evaluate(SOURCES)
        return texts

    def command(self, name: str, **options: Any) -> None:
        """Do what stands in a menu, by its name there is in the code of the front end, and wait for its end."""
        self.page.evaluate("([name, options]) => jupyterapp.commands.execute(name, options)", [name, options])

    def press(self, name: str) -> None:
        """Press the button of the toolbar for a command."""
        self.page.locator(f".jp-NotebookPanel-toolbar [data-command='{name}']").click()

    def saved(self) -> Any:
        """Save the notebook, and return it as it stands in its file."""
        with self.page.expect_response(
            lambda answer: answer.request.method == "PUT" and f"/api/contents/{self.file.name}" in answer.url
        ):
            self.press("docmanager:save")
        return nbformat.read(self.file, as_version=4)

    def reload(self) -> None:
        """Load the page again."""
        self.page.reload(wait_until="commit")
        self.page.wait_for_function(READY)


class Cell:
    """A cell in a page."""

    def __init__(self, locator: Locator) -> None:
        self.locator = locator
        self.output = locator.locator(".jp-OutputArea-output")
        self._before = ""

    @property
    def text(self) -> str:
        """What stands below the cell."""
        return "\n".join(self.output.all_text_contents())

    @property
    def prompt(self) -> str:
        """What stands before it: "[*]:" while it runs or is queued, "[3]:" after that, "[ ]:" if it never ran."""
        return self.locator.locator(".jp-InputPrompt").text_content() or ""

    def start(self) -> Cell:
        """Run it, by the keyboard, and return at once."""
        self._before = self.prompt
        self.locator.locator(".cm-content").click()
        self.locator.page.keyboard.press("Control+Enter")
        return self

    def finish(self) -> Cell:
        """Wait for its end."""
        self.locator.page.wait_for_function(ENDED, arg=[self.locator.element_handle(), self._before])
        return self

    def run(self) -> Cell:
        """Run it and wait for its end."""
        return self.start().finish()

    @property
    def source(self) -> str:
        """What is written in it."""
        return "\n".join(self.line(None).all_text_contents())

    def line(self, number: int | None) -> Locator:
        """Return a line of what is written in it, the first being 0; all of them for None."""
        lines = self.locator.locator(".cm-line")
        return lines if number is None else lines.nth(number)

    def write(self, text: str, *keys: str) -> Cell:
        """Write at its end, as a person does, and press keys after that. A line break is the key Enter."""
        keyboard = self.locator.page.keyboard
        self.locator.locator(".cm-content").click()
        keyboard.press("Control+End")
        keyboard.type(text)
        for key in keys:
            keyboard.press(key)
        return self

    def completions(self) -> list[str]:
        """Return what Tab offers behind its text."""
        page = self.locator.page
        self.locator.locator(".cm-content").click()
        page.keyboard.press("Control+End")
        page.keyboard.press("Tab")
        offered = page.locator(".jp-Completer-match")
        offered.first.wait_for()
        names = offered.all_text_contents()
        page.keyboard.press("Escape")
        offered.first.wait_for(state="hidden")
        return names

    def see(self, text: str) -> None:
        """Wait until `text` stands below it."""
        self.output.filter(has_text=text).first.wait_for()


class Gate:
    """What a provider in a notebook waits at: it connects to `port`, and is let through by `open`."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def open(self) -> None:
        """Let the one who waits, or will wait, go on."""
        self._listener.accept()[0].close()
