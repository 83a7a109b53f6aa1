"""A chat cell is written as prose, and its answer can be read: our extension in JupyterLab and Notebook 7."""

from __future__ import annotations

import json
import re
import tomllib
import unittest
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from .browser import EXTENSION, MISSING, Browser, Cell, Frontend, Gate, Notebook

if TYPE_CHECKING:
    from playwright.sync_api import Locator

SETUP = """
%load_ext g4f_jupyter
%config ChatMagics.provider = "Says"
import asyncio
from IPython.display import Markdown
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.response import Reasoning

said = []

class Says(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        for piece in said:
            yield piece

class Waits(AsyncGeneratorProvider):
    \"\"\"Says each piece once the gate is open.\"\"\"
    @classmethod
    async def create_async_generator(cls, model, messages):
        for piece in said:
            yield piece
            reader, writer = await asyncio.open_connection("127.0.0.1", int(messages[-1]["content"]))
            await reader.read()
            writer.close()
"""

COLOUR = "element => getComputedStyle(element).color"
IS_WRAPPED = "element => element.scrollWidth <= element.clientWidth && element.clientHeight > 60"
CURSOR = "() => jupyterapp.shell.currentWidget.content.activeCell.editor.getCursorPosition()"
CLOSE_BRACKETS = "() => jupyterapp.shell.currentWidget.content.activeCell.editor.setOption('autoClosingBrackets', true)"

HEARD = """() => {
    window.heard = [];
    const live = document.querySelector('.g4f-heard');
    new MutationObserver(() => heard.push(live.textContent)).observe(live, {childList: true, characterData: true});
}"""

SELECT = """(element, text) => {
    const node = [...element.childNodes].find(each => each.textContent.includes(text));
    const start = node.textContent.indexOf(text);
    getSelection().setBaseAndExtent(node, start, node, start + text.length);
}"""

LOADED = """async change => {
    const script = document.createElement('script');
    script.src = [...document.scripts].find(each => each.src.includes('g4f-jupyter')).src;
    const loaded = new Promise(done => script.onload = done);
    document.head.append(script);
    await loaded;
    const packages = {};
    const shared = (name, names) => {
        const found = Object.fromEntries(names.map(each => [each, class {}]));
        packages[name] = {'1.0.0': {loaded: 1, get: async () => () => found}};
    };
    shared('@codemirror/language', ['Language', 'LanguageSupport', 'indentService']);
    shared('@codemirror/state', ['Compartment', 'EditorState', 'Prec']);
    shared('@codemirror/view', ['Decoration', 'EditorView', 'MatchDecorator', 'ViewPlugin']);
    shared('@jupyterlab/apputils', ['Clipboard']);
    shared('@jupyterlab/codemirror', ['IEditorExtensionRegistry', 'IEditorLanguageRegistry']);
    shared('@jupyterlab/notebook', ['INotebookTracker', 'NotebookActions']);
    shared('@jupyterlab/settingregistry', ['ISettingRegistry']);
    shared('@lezer/common', ['Parser']);
    shared('@lezer/highlight', ['tags']);
    new Function('packages', 'shared', change)(packages, shared);
    const container = _JUPYTERLAB['g4f-jupyter'];
    container.init(packages);
    return (await container.get('./extension'))().default.length;
}"""
"""How many plugins there are where a front end shares packages that `change` has changed."""

MARKED = {"text/plain": "x", "text/markdown": "```python\nx\n```"}
TEXT = "A question that is long, and goes on, and on, as it is the way of questions, isn't it? " * 3


class TestFiles(unittest.TestCase):
    """What is shipped, as it is shipped: no tool has made it of something else."""

    def setUp(self) -> None:
        """Read it."""
        self.static = sorted(Path(EXTENSION, "static").iterdir())
        self.package: dict[str, Any] = json.loads(Path(EXTENSION, "package.json").read_text(encoding="utf-8"))

    def test_all_there(self) -> None:
        """Each file is where front ends look for it, in a wheel as in a checkout; all are less than 30 KB."""
        expected = ["install.json", "package.json", "schemas/g4f-jupyter/chat.json"]
        expected += [f"static/{name}" for name in ("answers.js", "below.js", "prose.js", "remoteEntry.js", "style.css")]
        files = sorted(file for file in EXTENSION.rglob("*") if file.is_file())
        self.assertEqual(expected, [file.relative_to(EXTENSION).as_posix() for file in files])
        self.assertLess(sum(file.stat().st_size for file in files), 30_000)

    def test_in_wheel(self) -> None:
        """A wheel has them in the folder of the environment that front ends look in, and nowhere else."""
        file = Path(__file__).parent.with_name("pyproject.toml")
        wheel = tomllib.loads(file.read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
        folder = "share/jupyter/labextensions/g4f-jupyter"
        self.assertEqual({"g4f_jupyter/labextension": folder}, wheel["shared-data"])
        self.assertEqual(["g4f_jupyter/labextension"], wheel["exclude"])

    def test_version(self) -> None:
        """It has the version of the package."""
        self.assertEqual(version("g4f-jupyter"), self.package["version"])

    def test_address(self) -> None:
        """Its address changes with its files: browsers keep a file for a year, by its address."""
        digest = sha256(b"".join(file.read_bytes() for file in self.static)).hexdigest()[:12]
        self.assertEqual(f"static/remoteEntry.js?v={digest}", self.package["jupyterlab"]["_build"]["load"])

    def test_no_html(self) -> None:
        """No text is made HTML or code."""
        for file in self.static:
            with self.subTest(file.name):
                found = re.findall(r"\w*HTML\w*\(|\w+HTML\b *=|eval\(|Function\(|\.write\(", file.read_text("utf-8"))
                self.assertEqual([], found)


class ExtensionTestCase(unittest.TestCase):
    """A notebook in a front end. All tests of a class share its page and kernel, and add cells of their own."""

    kind: ClassVar[str]
    frontend: ClassVar[Frontend]
    browser: ClassVar[Browser]
    notebook: ClassVar[Notebook]

    @classmethod
    def setUpClass(cls) -> None:
        """Start what the tests need."""
        if MISSING:
            raise unittest.SkipTest(f"not installed: {MISSING}")
        cls.browser = cls.enterClassContext(Browser())
        cls.frontend = cls.enterClassContext(Frontend(cls.kind))
        cls.notebook = cls.browser.open(cls.frontend)
        loaded = cls.notebook.add(SETUP).run()
        assert not loaded.text, loaded.text

    def say(self, *pieces: str) -> None:
        """Have the provider say these pieces; those that begin with "…" are thoughts."""
        code = f"said[:] = [Reasoning(each[1:]) if each[0] == '…' else each for each in {pieces!r}]"
        self.notebook.add(code).run()

    def answered(self, *pieces: str) -> Cell:
        """Return a cell that has been answered so."""
        self.say(*pieces)
        return self.notebook.add("%%chat --once\n?").run()

    def line(self, cell: Cell, number: int) -> Locator:
        """Return a line that is prose or a magic, once it is."""
        cell.locator.locator(".cm-lineWrapping").wait_for()
        return cell.line(number)


class TestLab(ExtensionTestCase):
    """In JupyterLab."""

    kind = "lab"

    def test_colours(self) -> None:
        """A question is coloured as Markdown below its first line, which is a magic; nothing in it is Python."""
        cell = self.notebook.add("%%chat --once\nDon't say if it is in for y\n\n# A title\n\n**no** or {said}")
        self.line(cell, 3).locator("span").first.wait_for()
        self.assertEqual(0, self.line(cell, 1).locator("span").count())
        self.assertEqual(["%%chat --once"], self.line(cell, 0).locator("span").all_text_contents())
        self.assertEqual(["#", " A title"], self.line(cell, 3).locator("span").all_text_contents())
        self.assertEqual(["**", "no", "**", "{said}"], self.line(cell, 5).locator("span").all_text_contents())
        code = self.notebook.add("%timeit x\n1 if x is y else 2")
        code.line(1).locator("span", has_text="is").wait_for()
        magic = self.line(cell, 0).locator("span").evaluate(COLOUR)
        self.assertNotEqual(self.line(cell, 1).evaluate(COLOUR), magic)
        self.assertEqual(0, code.locator.locator(".cm-lineWrapping").count())

    def test_line(self) -> None:
        """In a line that asks nothing is Python, either; the lines around it are, whatever brackets it leaves open."""
        cell = self.notebook.add("x = 1\n%chat Don't (if x is\nfor y in x: pass\nz = %chat what's [in\nz is x")
        magics = cell.locator.locator(".g4f-magic")
        magics.nth(1).wait_for()
        cell.line(2).locator("span", has_text="for").wait_for()
        self.assertEqual(["%chat"], cell.line(1).locator("span").all_text_contents())
        self.assertEqual(["for", "in", "pass"], cell.line(2).locator("span").all_text_contents())
        self.assertEqual(["%chat"], cell.line(3).locator("span").all_text_contents())
        self.assertEqual(["is"], cell.line(4).locator("span").all_text_contents())
        self.assertEqual(magics.first.evaluate(COLOUR), magics.nth(1).evaluate(COLOUR))
        self.assertNotEqual(cell.line(1).evaluate(COLOUR), magics.first.evaluate(COLOUR))

    def test_other_magics(self) -> None:
        """A cell of another magic, and one that names the magic elsewhere, stays Python."""
        for source in (
            "%%chatty\nif x is y",
            "%%time\n%%chat\nif x is y",
            "x = '%chat '\nif x is y",
            "%chats\nif x is y",
        ):
            with self.subTest(source):
                cell = self.notebook.add(source)
                cell.line(None).last.locator("span", has_text="is").wait_for()
                self.assertEqual(0, cell.locator.locator(".cm-lineWrapping").count())

    def test_changes(self) -> None:
        """A cell is prose from the key that makes it a question to the key that ends that; undo and cursor are kept."""
        cell = self.notebook.add("%%cha\nDon't do it if it is so")
        cell.write("", "Control+Home", "End")
        self.notebook.page.keyboard.type("t")
        self.line(cell, 0).locator("span", has_text="%%chat").wait_for()
        self.assertEqual(0, cell.line(1).locator("span").count())
        self.assertEqual({"line": 0, "column": 6}, self.notebook.page.evaluate(CURSOR))
        self.notebook.page.keyboard.press("Backspace")
        cell.line(1).locator("span", has_text="is").first.wait_for()
        self.assertEqual(0, cell.locator.locator(".cm-lineWrapping").count())
        self.assertEqual({"line": 0, "column": 5}, self.notebook.page.evaluate(CURSOR))
        self.notebook.page.keyboard.press("Control+z")
        cell.locator.locator(".cm-lineWrapping").wait_for(state="hidden")
        self.assertEqual("%%cha\nDon't do it if it is so", cell.source)

    def test_wrap(self) -> None:
        """A long line of a question is wrapped; one of code is not."""
        for source, expected in {f"%%chat\n{TEXT}": True, f"%chat {TEXT}": True, f"# {TEXT}": False}.items():
            with self.subTest(source[:8]):
                cell = self.notebook.add(source)
                if expected:
                    cell.locator.locator(".cm-lineWrapping").wait_for()
                self.assertEqual(expected, cell.locator.locator(".cm-content").evaluate(IS_WRAPPED))

    def test_enter(self) -> None:
        """Enter keeps the indentation of a question, and indents code as before."""
        for source, expected in {
            "%%chat\nif so:": "%%chat\nif so:\nx",
            "%%chat\n  if so (": "%%chat\n  if so (\n  x",
            "%%chat --once:": "%%chat --once:\nx",
            "%%chat\n- one": "%%chat\n- one\n- x",
            "%chat if so:": "%chat if so:\nx",
            "if so:\n    %chat if (": "if so:\n    %chat if (\n    x",
            "if so:\n    y\n%chat if (": "if so:\n    y\n%chat if (\nx",
            "%chat a\nif so:": "%chat a\nif so:\n    x",
            "if so:": "if so:\n    x",
        }.items():
            with self.subTest(source):
                cell = self.notebook.add(source)
                if "chat" in source:
                    cell.locator.locator(".cm-lineWrapping").wait_for()
                self.assertEqual(expected, cell.write("", "Enter", "x").source)

    def test_quotes(self) -> None:
        """Where brackets and quotes are closed in code, those of a question are not; those of its options are."""
        for source, expected in {
            "%%chat\n": "\"(Don't {",
            "%chat ": "\"(Don't {",
            "x = ": '"(Don\'t {"',
            "%%chat ": '"(Don\'t {"',
        }.items():
            with self.subTest(source):
                cell = self.notebook.add(source)
                if "chat" in source:
                    cell.locator.locator(".cm-lineWrapping").wait_for()
                cell.write("")
                self.notebook.page.evaluate(CLOSE_BRACKETS)
                self.assertEqual(source + expected, cell.write("\"(Don't {").source)

    def test_names(self) -> None:
        """Tab completes the name of a variable in braces, and the options, by the kernel."""
        for source, expected in {
            "%%chat\nWhat is in {sai": "said",
            "%%chat\n# It's {sai": "said",
            "%chat --te": "--temperature",
        }.items():
            with self.subTest(source):
                cell = self.notebook.add(source)
                cell.locator.locator(".cm-lineWrapping").wait_for()
                self.assertIn(expected, cell.completions())

    def test_file(self) -> None:
        """Nothing of it is in the saved notebook."""
        self.answered("```python\nx\n```")
        saved = self.notebook.saved()
        self.assertEqual([{}] * len(saved.cells), [cell.metadata for cell in saved.cells])
        self.assertNotIn("g4f-", json.dumps(saved))

    def test_announced(self) -> None:
        """A screen reader hears of a complete answer, or of an error, once; of other cells it hears nothing."""
        page = self.notebook.page
        live = page.locator(".g4f-heard")
        self.assertEqual(("status", "polite"), (live.get_attribute("role"), live.get_attribute("aria-live")))
        self.say("…Hidden.", "It **is**", " so.\n\nIndeed. ", "word " * 100)
        page.evaluate(HEARD)
        self.notebook.add("%%chat --once\n?").run()
        self.notebook.add("print('Answer')").run()
        self.notebook.add("%%chat -p Locall\n?").run()
        page.wait_for_function("() => heard.length >= 2")
        answer, error = page.evaluate("heard")
        self.assertRegex(answer, r"\AAnswer complete: It \*\*is\*\* so\. Indeed\.( word)+ …\Z")
        self.assertLess(len(answer), 140)
        self.assertTrue(error.startswith("ProviderNotFoundError: "), error)

    def test_fold(self) -> None:
        """What a reader unfolds stays unfolded while an answer grows, by mouse or keyboard; what is folded, folded."""
        self.say("…One thought.", "The answer.", " It goes on.", " And on.", " The end.")
        with Gate() as gate:
            cell = self.notebook.add(f"%%chat -p Waits --once\n{gate.port}").start()
            cell.see("One thought.")
            gate.open()
            cell.see("The answer.")
            summary = cell.output.locator("summary")
            summary.click()
            thought = cell.output.get_by_text("One thought.")
            thought.wait_for()
            gate.open()
            cell.see("It goes on.")
            self.assertTrue(thought.is_visible())
            summary.focus()
            summary.press("Enter")
            thought.wait_for(state="hidden")
            gate.open()
            cell.see("And on.")
            self.assertFalse(thought.is_visible())
            self.assertTrue(summary.evaluate("element => element === document.activeElement"))
            gate.open()
            cell.see("The end.")
            gate.open()
            cell.finish()
            self.assertFalse(thought.is_visible())

    def test_click_between_frames(self) -> None:
        """A click counts, though a frame comes between its press and its release."""
        self.say("…One thought.", "The answer.", " It goes on.")
        with Gate() as gate:
            cell = self.notebook.add(f"%%chat -p Waits --once\n{gate.port}").start()
            cell.see("One thought.")
            gate.open()
            cell.see("The answer.")
            cell.output.locator("summary").hover()
            self.notebook.page.mouse.down()
            gate.open()
            cell.see("It goes on.")
            self.notebook.page.mouse.up()
            cell.output.get_by_text("One thought.").wait_for()
            gate.open()
            cell.finish()

    def test_selection(self) -> None:
        """Selected text stays selected while an answer grows."""
        self.say("The first paragraph.\n\n", "The second one.", " It ends.")
        with Gate() as gate:
            cell = self.notebook.add(f"%%chat -p Waits --once\n{gate.port}").start()
            cell.output.get_by_text("The first").evaluate(SELECT, "first")
            for text in ("The second one.", "It ends."):
                gate.open()
                cell.see(text)
                self.assertEqual("first", self.notebook.page.evaluate("getSelection().toString()"))
            gate.open()
            cell.finish()

    def test_copy(self) -> None:
        """Each code block of an answer has a button that copies it, by mouse and keyboard."""
        cell = self.answered("```python\nfor x in y:\n    x\n```\n\nand `this`\n\n```\nsecond <b>\n```\n")
        buttons = cell.output.get_by_role("button", name="Copy code")
        buttons.nth(1).wait_for()
        self.assertEqual(2, buttons.count())
        for number, expected in enumerate(("for x in y:\n    x", "second <b>")):
            for press in ("click", "Enter", " "):
                with self.subTest(expected=expected, press=press):
                    buttons.nth(number).focus()
                    if press == "click":
                        buttons.nth(number).click()
                    else:
                        buttons.nth(number).press(press)
                    self.assertEqual("Copied", self.notebook.page.locator(".g4f-heard").text_content())
                    self.assertEqual(f"{expected}#", self.notebook.add("").write("", "Control+v", "#").source)
        self.assertNotIn("Copy", cell.text)

    def test_copy_of_others(self) -> None:
        """Only code of answers has the button: also of one that a notebook opened again has, and not of other cells."""
        cell = self.answered("```python\nx\n```")
        other = self.notebook.add("Markdown('```python\\nx\\n```')").run()
        other.output.locator("pre").wait_for()
        both = self.notebook.add(f"display({MARKED}, raw=True, metadata={{'g4f_jupyter': {{}}}}); {other.source}").run()
        for _ in "written", "opened again":
            cell.output.get_by_role("button", name="Copy code").wait_for()
            both.output.nth(0).get_by_role("button", name="Copy code").wait_for()
            self.assertEqual(1, both.output.get_by_role("button").count())
            self.assertEqual(0, other.output.get_by_role("button").count())
            self.notebook.saved()
            self.notebook.reload()

    def test_settings(self) -> None:
        """Each part can be turned off by a setting, and then there is nothing of it."""
        self.say("```python\nx\n```")
        question = self.notebook.add("%%chat --once\nDo it if it is so").run()
        button = question.output.get_by_role("button", name="Copy code")
        self.notebook.saved()
        for setting in ({"prose": False}, {"answers": False}, {}):
            with self.subTest(setting):
                self.frontend.configure("g4f-jupyter", "chat", setting)
                self.notebook.reload()
                question.output.locator("pre").wait_for()
                if setting.get("answers", True):
                    button.wait_for()
                if setting.get("prose", True):
                    question.locator.locator(".cm-lineWrapping").wait_for()
                else:
                    question.line(1).locator("span", has_text="is").wait_for()
                self.assertEqual(setting.get("answers", True), button.is_visible())

    def test_unknown_version(self) -> None:
        """Where a front end does not share what is needed, there is no plugin, and nobody is told."""
        told: list[str] = []
        self.notebook.page.on("console", lambda message: message.type == "debug" or told.append(message.text))
        for change, expected in {
            "": 1,
            "packages['@codemirror/view']['0.9.0'] = {get: null}": 1,
            "for (const name in packages) delete packages[name]": 0,
            "delete packages['@lezer/common']": 0,
            "shared('@codemirror/state', ['EditorState', 'Prec'])": 0,
            "packages['@codemirror/state'] = {'7': {get: null}, '8': {get: null}}": 0,
            "packages['@jupyterlab/notebook']['1.0.0'].get = async () => { throw Error('no') }": 0,
        }.items():
            with self.subTest(change):
                self.assertEqual(expected, self.notebook.page.evaluate(LOADED, change))
        self.assertEqual([], told)

    def test_works_without(self) -> None:
        """A front end of another version starts, and a cell is what it was without the extension."""
        page = self.browser.page()
        page.unroute_all()
        page.route("**/remoteEntry.js?v=*", self._changed)
        faults: list[str] = []
        page.on(
            "console", lambda message: "g4f" in message.text and message.type != "debug" and faults.append(message.text)
        )
        notebook = self.browser.open(self.frontend, page)
        cell = notebook.add("%%chat\nDo it if it is so")
        cell.line(1).locator("span", has_text="is").wait_for()
        self.assertEqual(0, cell.locator.locator(".cm-lineWrapping").count())
        self.assertEqual([], faults)

    def _changed(self, route: Any) -> None:
        if "g4f-jupyter" not in route.request.url:
            route.continue_()
            return
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("@lezer/highlight", "@lezer/lowlight"))


class TestNotebook(TestLab):
    """The same in Notebook 7."""

    kind = "notebook"
