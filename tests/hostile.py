"""Hostile answers, and who judges what comes of them in a page.

    python -m tests.hostile 20000 [SEED]

renders so many in JupyterLab, in Notebook 7 and in the three templates of nbconvert, and prints each one of which comes
an element or an attribute that no answer may have, and each address that was fetched. The tests run a sample.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, TypeVar

import nbformat
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.terminal.interactiveshell import TerminalInteractiveShell
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from g4f.conversation import Conversation, Turn
from g4f_jupyter.show.columns import SideBySide
from g4f_jupyter.show.display import Look
from g4f_jupyter.show.frames import Frames
from g4f_jupyter.show.history import History
from g4f_jupyter.show.tables import Table
from g4f_jupyter.show.updates import Updates
from g4f_jupyter.threads import Thread

from . import loops

__all__ = ["JUDGE", "answers", "compared", "framed", "in_nbconvert", "screens", "wrong_in_html"]

PIECES = [
    *(
        "<img src=x onerror=y>",
        "<script>",
        "![a](b)",
        "[a](javascript:b)",
        "[a]: javascript:b",
        "[a]",
        "<javascript:b>",
    ),
    *("`", "``", "```", "````", "~~~", "```html\n", "```mermaid\n", "```mermaid-js\n", "\n```\n", "\n   ~~~\n"),
    *("\n    ```\n", "\n- ```\n", "\n> ```\n", '```py$x"\n', "\n", "\n", "\n\n", "\r", "\u2028", "\t", " ", "    "),
    *("\x0c", "\xa0", "\n> ", "\n- ", "\n  - ", "\n1. ", "# ", "***", "| ", "\n|---|---|\n", "\n===", "\n\n    "),
    *("$", "$$", "\\(", "\\)", "\\[", "\\]", "\\\\[", "\\\\]", "\\\\(", "\\\\)", "\\begin{align}", "\\end{align}"),
    *("\\begin{a}", "\\end{a}", "{", "}", "\\def\\a{b}", "\\href{javascript:x}{y}", "\\frac{a}{b}", "x^2", "=", "5"),
    *("<!--", "-->", "<?", "]]>", "<div>\n", "</details>", "&lt;", "&#60;", "&#64;@0@@", "&amp;#106;", "&#36;", "&"),
    *("*", "_", "~~", "**", "[^1]: ", "@@0@@", "~D", "~T", "a", "\\", '"', "'", '"onmouseover="x"', "<br>", "<sub>"),
    *("</sub>", "<kbd>", "(", ")", "[", "]", "!", "|", "+", "-", "#", ":", "1. ", "- [ ] ", "\u202e", "\x1b]8;;"),
    *("http://127.0.0.1:9/c", 'http://127.0.0.1:9/$b"', "www.a.b", "x@y.z", "ftp://q", "javascript:", "command:x"),
    *("[x]: http://127.0.0.1:9 ", "\n[x]: ", "[x][x]", "<http://127.0.0.1:9>", "<javascript:b>", "\x9b", "⸨0⸩", "⸩"),
]
"""What parsers of Markdown, HTML and TeX may see in different ways."""

TAGS = """a blockquote br code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr input kbd li ol p pre span strong sub
summary sup table tbody td th thead tr ul"""
"""What may come of an answer, and of what stands around it."""

JUDGE = """output => {
    const tags = new Set(TAGS);
    const values = {
        'class': /^[\\w+#.\\u0370-\\u03ff -]*$/, href: /^(https?:|mailto:|#|(?![a-z][a-z0-9+.-]*:))/i,
        target: /^(_blank|_self)$/, rel: /^[a-z ]*$/, align: /^(left|right|center)$/, start: /^\\d+$/,
        type: /^checkbox$/, disabled: /^(disabled)?$/, checked: /^(checked)?$/,
        style: /^(text-align: ?(left|right|center)(; ?vertical-align: ?top)?|width: ?100%; ?table-layout: ?fixed);?$/,
    };
    const COPY = '<button class="g4f-copy" type="button" aria-label="Copy code"></button>';
    const wrong = [];
    for (const element of output.querySelectorAll('*')) {
        if (element.closest('mjx-container')) continue;
        if (element.outerHTML === COPY) continue;  // of our extension, which makes it of no answer
        const tag = element.tagName.toLowerCase();
        if (!tags.has(tag)) wrong.push(element.outerHTML);
        for (const {name, value} of element.attributes) {
            if (/^(data-jupyter-)?id$/.test(name) && /^(h[1-6]|a)$/.test(tag)) continue;  // of the front end, its text
            if (!values[name] || !values[name].test(value)) wrong.push(`${tag} ${name}=${value}`);
        }
    }
    const formulas = [...output.querySelectorAll('mjx-container *')];
    for (const element of formulas) {
        const tag = element.tagName.toLowerCase();
        const acts = element.getAttributeNames().some(name => name.startsWith('on') || name == 'href' || name == 'src');
        const paints = /url\\(/.test(element.getAttribute('style') || '');
        if (acts || paints || ['script', 'img', 'iframe', 'a'].includes(tag)) wrong.push(element.outerHTML);
    }
    return wrong;
}""".replace("TAGS", str(TAGS.split()))
"""Returns the elements and attributes below a cell that no answer may have."""


def answers(count: int, seed: int = 5) -> list[str]:
    """Return so many answers, made of these pieces, the same each time."""
    chosen = random.Random(seed)
    return ["".join(chosen.choices(PIECES, k=chosen.randint(2, 25))) for _ in range(count)]


def screens(made: list[str]) -> list[str]:
    """Return Markdown in which these texts are all that a stranger may choose: of an answer, a history and a table.

    In turn, they are answers with what is thought and called, answers side by side, lines below an answer, questions
    and system prompts, and cells.
    """
    whole = [made[at : at + 4] for at in range(0, len(made) - 3, 4)]
    found = []
    for one, two, three, four in whole:
        found += [loops.run(framed(one, two, three, four))["text/markdown"]]
        found += [loops.run(compared(one, two, three, four))["text/markdown"]]
        chat = Conversation(turns=[Turn(one, two), Turn(three, four)], system=four)
        found += [History(Thread(chat)).markdown(), chat._repr_markdown_()]
        found += [Table((one, two), [(three, four)], (one,)).markdown()]
    return found


S = TypeVar("S")


async def last_frame(show: Callable[[S], None], screen: S) -> dict[str, str]:
    """Return the last frame of what is shown on a screen: its forms by their media types."""
    shell = TerminalInteractiveShell.instance()
    before, shell.display_pub = shell.display_pub, CapturingDisplayPublisher()
    try:
        show(screen)
        frame: dict[str, str] = shell.display_pub.outputs[-1]["data"]
    finally:
        shell.display_pub = before
    return frame


async def framed(answer: str, thought: str, call: str, line: str) -> dict[str, str]:
    """Return the last frame of an answer that has all that an answer may have."""

    def show(frames: Frames) -> None:
        frames.wait(line)
        frames.think(thought)
        frames.add(answer)
        frames.call(call)
        frames.close("interrupted")
        frames.foot([line, answer], {})

    return await last_frame(show, Frames())


async def compared(answer: str, other: str, name: str, line: str) -> dict[str, str]:
    """Return the last frame of two answers side by side."""

    def show(whole: SideBySide) -> None:
        for each, text in (("one", answer), (f"two {name}", other)):
            screen = whole.screen(each)
            screen.think(line)
            screen.add(text)
            screen.close("interrupted")
            screen.foot([line], {})
        whole.fail("one", line)
        whole.judge(line)
        whole.below([line])
        whole.close({})

    return await last_frame(show, SideBySide(("one", f"two {name}"), Look(), Updates.TAKEN))


def in_nbconvert(texts: list[str], template: str) -> str:
    """Return the page that nbconvert makes of a notebook that has these outputs."""
    outputs = [nbformat.v4.new_output("display_data", {"text/markdown": text, "text/plain": ""}) for text in texts]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=outputs)])
    page: str = HTMLExporter(template_name=template).from_notebook_node(notebook)[0]
    return page


_STYLE = re.compile(r"text-align|width: 100%; table-layout: fixed\Z")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[Any] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        known = {"a": {"href", "class"}, "input": {"class", "type", "disabled", "checked"}, "ol": {"start"}}
        own = known.get(tag, {"id"} if tag in ("h1", "h2", "h3", "h4", "h5", "h6") else set())
        own = own | {"class", "style"} if tag in ("code", "div", "pre", "span", "li", "table", "td", "th") else own
        self.wrong += [tag] if tag not in TAGS.split() else []
        self.wrong += [(tag, name, value) for name, value in attributes if name not in own]
        for name, value in attributes:
            scheme = re.match(r"\s*([A-Za-z][\w+.-]*):", value or "")
            leads_away = name == "href" and scheme and scheme[1].lower() not in ("http", "https", "mailto")
            if leads_away or (name == "style" and not _STYLE.match(value or "")):
                self.wrong.append((tag, name, value))

    def handle_comment(self, data: str) -> None:
        self.wrong.append(("comment", data))

    handle_decl = handle_pi = handle_comment


def wrong_in_html(markdown: str) -> list[Any]:
    """Return what no answer may have in the HTML that nbconvert's parser makes of `markdown`."""
    page = _Page()
    page.feed(markdown2html_mistune(markdown))
    page.close()
    return page.wrong


RENDERED = """async ([judge, texts]) => {
    const rendermime = jupyterapp.shell.currentWidget.content.rendermime;
    const found = [];
    for (const [number, text] of texts.entries()) {
        const renderer = rendermime.createRenderer('text/markdown');
        await renderer.renderModel(rendermime.createModel({data: {'text/markdown': text}, trusted: true}));
        const wrong = eval(judge)(renderer.node);
        if (wrong.length) found.push([number, wrong]);
        renderer.dispose();
    }
    return found;
}"""
"""Number of each text that is rendered with something wrong, and what that is."""


def _batches(count: int, seed: int) -> Iterator[list[str]]:
    from g4f.markdown import safe

    for start in range(0, count, 400):
        made = answers(min(400, count - start), seed * 1_000_003 + start)
        yield [*map(safe, made[: len(made) // 2]), *screens(made[len(made) // 2 :])]


def main(count: int, seed: int) -> int:
    """Judge so many answers in each front end and template. Return how many are wrong."""
    from .browser import Browser, Frontend

    wrong, batches = 0, list(_batches(count, seed))  # made here: inside, a loop of the browser's runs
    with Browser() as browser:
        for kind in ("lab", "notebook"):
            with Frontend(kind) as frontend:
                notebook = browser.open(frontend)
                fetched: list[str] = []
                notebook.page.on("request", lambda request, into=fetched: into.append(request.url))
                for texts in batches:
                    for number, what in notebook.page.evaluate(RENDERED, [JUDGE, texts]):
                        wrong += 1
                        print(kind, repr(texts[number]), what)
                strange = [url for url in fetched if ":9/" in url or url.endswith(":9")]
                print(f"{kind}: {wrong} wrong so far, fetched {strange}")
        for template in ("lab", "classic", "basic"):
            page = browser.page()
            for texts in batches:
                file = Path(tempfile.gettempdir(), f"hostile-{seed}.html")
                file.write_text(in_nbconvert(texts, template), encoding="utf-8")
                page.goto(file.as_uri(), wait_until="domcontentloaded")
                for what in page.locator(".jp-RenderedMarkdown, .output_markdown").evaluate_all(
                    f"outputs => outputs.map({JUDGE}).filter(wrong => wrong.length)"
                ):
                    wrong += 1
                    print(template, what)
                file.unlink()
            print(f"nbconvert's {template}: {wrong} wrong so far")
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main(int(sys.argv[1]), int((sys.argv[2:] or ["1"])[0])) else 0)
