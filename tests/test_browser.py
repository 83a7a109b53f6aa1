"""What a person sees of `%%chat` in a real browser: JupyterLab and Notebook 7, in Chromium."""

from __future__ import annotations

import unittest
from typing import ClassVar

from g4f.markdown import safe

from .browser import MISSING, Browser, Cell, Frontend, Gate, Notebook
from .hostile import JUDGE, RENDERED, answers, screens
from .servers import Server, whole

SETUP = """
%load_ext g4f_jupyter
%config ChatMagics.provider = "Says"
import asyncio
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.response import Reasoning

said, asked = [], []

class Says(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        asked.append(messages[-1]["content"])
        for piece in said:
            yield piece

class Counts(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        for number in range(int(messages[-1]["content"])):
            yield f"{number} "

class Pauses(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        yield "It begins"
        reader, writer = await asyncio.open_connection("127.0.0.1", int(messages[-1]["content"]))
        await reader.read()
        writer.close()
        yield " and ends."

class Stuck(AsyncGeneratorProvider):
    default_model = "stuck-1"

    @classmethod
    async def create_async_generator(cls, model, messages):
        yield "as far as this"
        await asyncio.Event().wait()

class Thinks(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        yield Reasoning("Two and two is four.")
        yield "It is 4, and `four` in code."
"""

HOSTILE = """
<script>window.ran = 1; fetch("ADDRESS/1")</script>
<img src="none" onerror="window.ran = 2"> <img src="ADDRESS/2.png">
<svg onload="window.ran = 3"><image href="ADDRESS/3.png"/></svg> <body onload="window.ran = 4">
<iframe src="ADDRESS/5"></iframe> <object data="ADDRESS/6"></object> <embed src="ADDRESS/7">
<style>body { background: url(ADDRESS/8.png) }</style> <link rel="stylesheet" href="ADDRESS/9.css">
<video src="ADDRESS/10" autoplay></video> <details open ontoggle="window.ran = 5"><summary>x</summary></details>

![remote](ADDRESS/11.png) ![by reference][it] [![in a link](ADDRESS/12.png)](ADDRESS/13)

[it]: ADDRESS/14.png

[a script](javascript:window.ran=6) [in disguise](java&#115;cript:window.ran=7) [page](data:text/html,8)

| `a | <img src="ADDRESS/15.png"> |
|---|---|
| ` <img src="ADDRESS/16.png"> | ` |

$\\href{javascript:window.ran=9}{x}$ $\\style{background: url(ADDRESS/17.png)}{y}$ $<img src="ADDRESS/18.png">$

```mermaid
%%{init: {"securityLevel": "loose"}}%%
flowchart LR
    A["<img src='ADDRESS/19.png' onerror='window.ran = 10'>"] --> B@{ img: "ADDRESS/20.png", label: "b" }
    click A href "javascript:window.ran=11"
```

```html
<img src="ADDRESS/21.png">
```

the end
"""

CONTRAST = """element => {
    const light = color => {
        const parts = color.match(/[0-9.]+/g).slice(0, 3).map(part => part / 255);
        const [r, g, b] = parts.map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const clear = color => color == 'transparent' || /, 0\\)$/.test(color);
    let behind = element;
    while (clear(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
    const both = [light(getComputedStyle(element).color), light(getComputedStyle(behind).backgroundColor)];
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
}"""
"""The contrast of an element's text against what is behind it (WCAG 2.2, relative luminance)."""

SCROLLS = """element => {
    const scrolls = inner => inner.scrollWidth > inner.clientWidth && getComputedStyle(inner).overflowX == 'auto';
    while (element && !scrolls(element)) element = element.parentElement;
    return element !== null && element.closest('.jp-OutputArea-output') !== null;
}"""
"""Whether an element is wider than there is place, and scrolls within the output."""


class FrontendTestCase(unittest.TestCase):
    """A notebook in a front end. All tests of a class share its page and kernel, and add cells of their own."""

    kind: ClassVar[str]
    notebook: ClassVar[Notebook]
    made: ClassVar[list[str]]

    @classmethod
    def setUpClass(cls) -> None:
        """Start what the tests need."""
        if MISSING:
            raise unittest.SkipTest(f"not installed: {MISSING}")
        made = answers(1600)
        cls.made = [*map(safe, made[:1200]), *screens(made[1200:])]  # here: the browser has a loop of its own
        cls.notebook = cls.enterClassContext(Browser()).open(cls.enterClassContext(Frontend(cls.kind)))
        loaded = cls.notebook.add(SETUP).run()
        assert not loaded.text, loaded.text

    def answered(self, *said: str) -> Cell:
        """Return a cell that has been answered so."""
        self.notebook.add(f"said[:] = {said!r}").run()
        return self.notebook.add("%%chat --once\n?").run()


class TestLab(FrontendTestCase):
    """In JupyterLab. What Notebook 7 shares with it, which is most, is tested there once more."""

    kind = "lab"

    def test_streams(self) -> None:
        """The beginning of an answer stands in the page while there is no end yet."""
        with Gate() as gate:
            cell = self.notebook.add(f"%%chat -p Pauses --once\n{gate.port}").start()
            cell.see("It begins")
            self.assertEqual("[*]:", cell.prompt)
            gate.open()
            self.assertTrue(cell.finish().text.startswith("It begins and ends."), cell.text)

    def test_saved_whole(self) -> None:
        """The saved notebook, and the page, have all of an answer of 4,000 pieces at full speed, and of 200 KB."""
        for count in (4000, 40_000):
            with self.subTest(count):
                expected = "".join(f"{number} " for number in range(count))
                cell = self.notebook.add(f"%%chat -p Counts --once\n{count}").run()
                [output] = self.notebook.saved().cells[-1].outputs
                self.assertEqual(expected, output.data["text/plain"])
                self.assertTrue(cell.text.startswith(expected.rstrip()))

    def test_stop(self) -> None:
        """The stop button ends the answer: what came stays and is marked, the error is a line, the queue is dropped."""
        cell = self.notebook.add("%%chat -p Stuck\n?").start()
        queued = self.notebook.add("print('this ran')").start()
        cell.see("as far as this")
        self.notebook.press("notebook:interrupt-kernel")
        answer, error = cell.finish().output.all_text_contents()
        self.assertEqual("as far as this\n[interrupted]\n", answer)
        self.assertRegex(error, r"\AKeyboardInterrupt: [^\n]+\Z")
        self.assertEqual("this ran\n", self.notebook.add("print('this ran')").run().text)
        self.assertEqual("", queued.text)

    def test_run_again(self) -> None:
        """A cell that is run again asks once, and its new answer takes the place of the old one."""
        cell = self.answered("the first")
        self.notebook.add("asked.clear(); said[:] = ['the second']").run()
        self.assertTrue(cell.run().text.startswith("the second"), cell.text)
        self.assertNotIn("the first", cell.text)
        self.assertEqual("1\n", self.notebook.add("print(len(asked))").run().text)

    def test_code_below(self) -> None:
        """The code of an answer stands in one cell below, which runs by itself never, and is not made again in vain."""
        self.notebook.add("said[:] = ['So:\\n```python\\nprint(40 + 2)\\n```']").run()
        cell = self.notebook.add("%%chat -f code --once\n?").run()
        self.assertEqual("print(40 + 2)", self.notebook.sources()[-1])
        count = len(self.notebook.sources())
        below = Cell(self.notebook.page.locator(".jp-Notebook .jp-CodeCell").nth(count - 1))
        self.assertEqual("[ ]:", below.prompt)
        self.assertEqual("42\n", below.run().text)
        cell.run()
        self.assertEqual(count, len(self.notebook.sources()))
        below.locator.locator(".cm-content").click()
        self.notebook.command("notebook:delete-cell")
        self.assertEqual(count - 1, len(self.notebook.sources()))
        cell.run()
        self.assertEqual("print(40 + 2)", self.notebook.sources()[-1])

    def test_error(self) -> None:
        """What fails is one line, which tells what to do."""
        [error] = self.notebook.add("%%chat -p Locall\n?").run().output.all_text_contents()
        self.assertRegex(error, r"\AProviderNotFoundError: [^\n]+ Did you mean [^\n]+\Z")

    def test_completion(self) -> None:
        """Tab offers the options, the providers and the models of a `%%chat`."""
        for typed, expected in {
            "%%chat --te": "--temperature",
            "%%chat -p Stu": "Stuck",
            "%%chat -p Stuck -m ": "stuck-1",
            "%%chat -p OpenAI -m gpt": "gpt-4o",
        }.items():
            with self.subTest(typed):
                self.assertIn(expected, self.notebook.add(typed).completions())

    def test_nothing_runs(self) -> None:
        """Nothing in an answer runs or is fetched, and nothing could, also in a notebook that is opened again."""
        with Server(whole(b"", kind="image/png")) as remote:
            text = HOSTILE.replace("ADDRESS", f"http://127.0.0.1:{remote.port}")
            cell = self.answered(*text.splitlines(keepends=True))
            for _ in "written", "opened again":
                cell.see("the end")
                self.assertEqual([], cell.output.evaluate(JUDGE))
                self.assertIsNone(self.notebook.page.evaluate("window.ran ?? null"))
                self.notebook.saved()
                self.notebook.reload()
            self.assertEqual([], [request.path for request in remote.requests])

    def test_no_answer_acts(self) -> None:
        """Nor does any other answer, of whatever pieces of Markdown it is made, nor what stands around it.

        The front end's own parser is asked, and sees what is wrong with the same answers where they are left as they
        are.
        """
        self.assertEqual([], self.notebook.page.evaluate(RENDERED, [JUDGE, self.made]))
        self.assertGreater(len(self.notebook.page.evaluate(RENDERED, [JUDGE, answers(200)])), 50)

    def test_code_as_written(self) -> None:
        """Code is shown as it was written, wherever it stands."""
        cell = self.answered(
            "`<b>` and `![a](b)`\n\n```html\n<p>\n  &amp;\n</p>\n```\n",
            "1. ```c++\n   vector<int> *_a_;\n\n   a < b;\n   ```\n\n| `a<T> \\| b` |\n|---|\n\n    <i>\n",
        )
        cell.output.locator("code").nth(5).wait_for()
        codes = [code.strip("\n") for code in cell.output.locator("code").all_text_contents()]
        block = "vector<int> *_a_;\n\na < b;"
        self.assertEqual(["<b>", "![a](b)", "<p>\n  &amp;\n</p>", block, "a<T> | b", "<i>"], codes)

    def test_money_and_formulas(self) -> None:
        """Amounts of money are text, formulas are typeset, and code is as it was written."""
        cell = self.answered("from $5 to $10, \\$1, and $x^2$, `$y$`, \\(z\\)")
        cell.output.locator("mjx-container").nth(1).wait_for()
        self.assertEqual(2, cell.output.locator("mjx-container").count())
        self.assertTrue(cell.text.startswith("from $5 to $10, $1, and "), cell.text)
        self.assertEqual(["$y$"], cell.output.locator("code").all_text_contents())

    def test_wide(self) -> None:
        """Long lines of code and wide tables scroll within the output; the page does not."""
        table = [" | ".join([cell] * 60) for cell in ("column", "---", "value")]
        cell = self.answered("```python\nx = '" + "long " * 200 + "'\n```\n\n" + "\n".join(table))
        for element in ("pre", "table"):
            with self.subTest(element):
                self.assertTrue(cell.output.locator(element).evaluate(SCROLLS))
        self.assertFalse(self.notebook.page.evaluate("document.body.scrollWidth > innerWidth"))

    def test_reasoning(self) -> None:
        """What a model thinks is folded away, and opens at a click; the line below an answer is small."""
        cell = self.notebook.add("%%chat -p Thinks --once\n?").run()
        thought = cell.output.get_by_text("Two and two is four.")
        self.assertFalse(thought.is_visible())
        cell.output.locator("summary").click()
        thought.wait_for()
        size = "element => parseFloat(getComputedStyle(element).fontSize)"
        answer, footer = (cell.output.locator(each).last.evaluate(size) for each in ("p", "sub"))
        self.assertLess(footer, answer)

    def test_readable(self) -> None:
        """All text of an answer has the contrast that WCAG 2.2 asks for, 4.5, in the light and in the dark."""
        cell = self.notebook.add("%%chat -p Thinks --once\n?").run()
        for theme in ("JupyterLab Light", "JupyterLab Dark"):
            self.notebook.command("apputils:change-theme", theme=theme)
            self.notebook.page.locator(f"body[data-jp-theme-name='{theme}']").wait_for(state="attached")
            for element in ("summary", "p", "code", "sub"):
                with self.subTest(theme=theme, element=element):
                    self.assertGreaterEqual(cell.output.locator(element).last.evaluate(CONTRAST), 4.5)


class TestNotebook(TestLab):
    """The same in Notebook 7."""

    kind = "notebook"
