"""What a model writes is data, and is shown as it was written."""

from __future__ import annotations

import html
import re
import unittest
import warnings
from functools import partial

from markdown_it import MarkdownIt

from g4f.answer import Answer
from g4f.markdown import code_of, fenced, finished, literal, safe
from g4f.markdown.entities import is_allowed
from g4f.markdown.rewriting import Growing

from .cost import LINEAR, cost, growth
from .hostile import answers, screens, wrong_in_html

WITHOUT_US = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
WITHOUT_US.validateLink = is_allowed
WITH_US = MarkdownIt("commonmark", {"html": True}).enable("table")

TREATED = re.compile(r"[$⸨⸩\x0c\x1b\x9b\u202e]|\\[\[\](){]|\\begin|://|www|@|mermaid|<br|<sub>|kbd>|- \[ ")
"""Formulas, controls, bare addresses and tags that stay: what they become is tested by itself."""


def shown(page: str) -> str:
    """Return what a reader sees of a page: its elements and text, without what is refused on purpose."""
    page = re.sub(r"</?span>| title=\"[^\"]*\"", "", page).replace("<s>", "<del>").replace("</s>", "</del>")
    page = re.sub(r'<img src="([^"]*)" alt="([^"]*)"[^>]*>', lambda image: _link(image[1], image[2]), page)
    page = re.sub(r'href="([^"]*)"', lambda link: f'href="{_encoded(link[1])}"', page)
    page = re.sub(r' class="language-([^"]*)"', _language, page)
    page = re.sub(r"<(br|hr) />\n?", r"<\1>", page)
    page = re.sub(r"<br>\s", "<br>", page)
    page = re.sub(r" *</code></pre>", "</code></pre>", re.sub(r"\s+", " ", page))
    page = re.sub(r"\s*(</?(?:p|[uo]l|li|blockquote|h\d|pre|hr|t\w+)(?: [^>]*)?>)\s*", r"\1", page)
    return html.unescape(page.replace("<p></p>", ""))


def _link(source: str, text: str) -> str:
    return f'<a href="{source}">{text or source}</a>'


def _encoded(url: str) -> str:
    url = re.sub(r"[$'()*]", lambda mark: f"%{ord(mark[0]):02X}", html.unescape(url))
    return re.sub(r"&(?=#|\w+;)", "%26", url)


def _language(named: re.Match[str]) -> str:
    name = re.sub(r"[^A-Za-z0-9_+#.-]", "", html.unescape(named[1]))
    return f' class="language-{name}"' if name else ""


class TestNothingActs(unittest.TestCase):
    """No tag, no attribute and no address comes of an answer that none may have."""

    def test_answers(self) -> None:
        """Whatever an answer is made of: nbconvert's own parser is asked."""
        made = answers(3000)
        self.assertGreater(len([answer for answer in made if wrong_in_html(answer)]), 500)  # the judge sees
        for answer in made:
            self.assertEqual([], wrong_in_html(safe(answer)), answer)

    def test_screens(self) -> None:
        """And whatever stands in a line below it, in what is thought and called, in a history, and in a table."""
        for screen in screens(answers(1200, 6)):
            self.assertEqual([], wrong_in_html(screen), screen)

    def test_refused(self) -> None:
        """A tag, an image, and a link to anything but a page are shown as text, or as a link."""
        for source, expected in {
            "a <b>x</b>": "a &lt;b>x&lt;/b>",
            "<!-- c --> <?php ?>": "&lt;!-- c --> &lt;?php ?>",
            "<div onclick=x>\n\n`a`": "&lt;div onclick=x>\n\n`a`",
            "![a](http://b/c.png)": "[a](http://b/c.png)",
            "!![a](http://b/c.png)": "&#33;[a](http://b/c.png)",
            "\\![a](http://b/c.png)": "&#33;[a](http://b/c.png)",
            "![](http://b/c.png)": "[http://b/c.png](http://b/c.png)",
            "[![a](http://b/c.png)](http://d)": "[a](http://d)",
            "[a](http://b 'title')": "[a](http://b)",
            "[a](javascript:b)": "&#91;a&#93;(javascript:b)",
            "[a](java&#115;cript:b)": "&#91;a&#93;(javascript:b)",
            "[x](&amp;#106;avascript:b)": "&#91;x&#93;(&amp;#106;avascript:b)",
            "[a][b]\n\n[b]:\ncommand:c": "&#91;a&#93;&#91;b&#93;\n\n&#91;b&#93;:\ncommand:c",
            "<vscode:a>": "&lt;vscode:a>",
            "a ftp://b": "a ftp&#58;//b",
            "```mermaid-js\n<b>\n```": "```text\n<b>\n```",
            "```Mermaid\n<b>\n```": "```text\n<b>\n```",
            '```py$x"y="$\na\n```': "```pyxy\na\n```",
            "a\x1b[2J\x9b\u202eb": "a�&#91;2J��b",
        }.items():
            with self.subTest(source):
                self.assertEqual(expected, safe(source))

    def test_formula_in_an_address(self) -> None:
        """What a front end takes for a formula, and puts back with its quotation marks, is never in an attribute."""
        for source in (
            '[a](http://b/$c"onclick="d"$)',
            '[a](http://b/$$c"onclick="d"$$)',
            '[a](http://b/\\(c"onclick="d"\\))',
            '[a](http://b/\\begin{align}c"onclick="d"\\end{align})',
            '[a][b]\n\n[b]: http://b/$c"onclick="d"$',
            'http://b/$c"onclick="d"$',
            "[a](http://b/&#64;@0@@) and $c\"onclick='d'$",
        ):
            with self.subTest(source):
                targets = re.findall(r"\]\(([^)]*)\)|<(http[^>]*)>", safe(source))
                self.assertTrue(targets)
                self.assertNotRegex(str(targets), r"[$\"\\{]|@@")

    def test_wanted_images(self) -> None:
        """Images stay where they are wanted, but none of another scheme, and diagrams without a tag."""
        self.assertEqual("![a](http://b/c.png)", safe('![a](http://b/c.png "t")', images=True))
        self.assertEqual("![a&#36;](http://b/c.png)", safe("![a$](http://b/c.png)", images=True))
        self.assertEqual("```mermaid\na\n```", safe("```mermaid\na\n```", images=True))
        self.assertEqual("```text\n<img>\n```", safe("```mermaid\n<img>\n```", images=True))
        self.assertNotIn("](javascript:", safe("![a](javascript:x)", images=True))


class TestMeaning(unittest.TestCase):
    """An answer shows what it would show without us."""

    def test_made_up(self) -> None:
        """Blocks in blocks, marks in marks, definitions, entities, tables: the page is the same."""
        count = 0
        for answer in answers(6000, 7):
            source = answer.replace("\u2028", "\n")
            if not TREATED.search(source):
                count += 1
                self.assertEqual(shown(WITHOUT_US.render(source)), shown(WITH_US.render(safe(source))), source)
        self.assertGreater(count, 400)

    def test_what_is_left_out(self) -> None:
        """A definition leaves two lists two, and an item that has nothing else an item."""
        for source in ("- a <\n\n[x]: u\n\n- b", "1. a <\n\n[x]: u\n\n1. b", "- a <\n  - [x]: u", "> [x]: u\n\n<"):
            with self.subTest(source):
                self.assertEqual(shown(WITHOUT_US.render(source)), shown(WITH_US.render(safe(source))))

    def test_nothing_but_marks(self) -> None:
        """A paragraph with thousands of marks is shown as text: nobody writes so."""
        self.assertTrue(safe("*a* [b](http://c) " * 2000).startswith("&#42;a&#42; &#91;b&#93;(http://c)"))

    def test_as_written(self) -> None:
        """What models write often stands in the notebook as they wrote it."""
        for source in (
            "```sh\necho $HOME \\(a\\)\n```",
            "- ```py\n  a[b](c) <= d\n  ```",
            "a `b < c`, `` d` ``, `<b>`, `$x`",
            "1 + 2 & 3 > 2",
            "[a](https://b.c/d?e=f&g#h) [i](/j) [k](#l) [m](mailto:n@o)",
            "**bold**, *em*, _em_, snake_case and [link](http://a.b/c_d)",
            "- [ ] to do\n- [x] done",
            "H<sub>2</sub>O, x<sup>2</sup>, <kbd>Ctrl</kbd>, a<br>b",
            "| a | b |\n| :--- | ---: |\n| 1 | a<br>b |",
            "> quoted\n> [a](b)\n\n1. one\n2. two",
            "$\\frac{a}{b}$ and $$x$$",
            "",
        ):
            with self.subTest(source):
                self.assertEqual(source, safe(source))

    def test_marks_that_are_text(self) -> None:
        """Negations, factorials, notes, generics, and addresses between angle brackets."""
        for source, expected in {
            "if (![1,2].includes(x))": "if (!&#91;1,2&#93;.includes(x))",
            "vec![1, 2]. Great![1]": "vec!&#91;1, 2&#93;. Great!&#91;1&#93;",
            "See <https://e.com/a?b=1>.": "See <https://e.com/a?b=1>.",
            "Mail <me@e.com>.": "Mail <me@e.com>.",
            "[x][1]\n\n[1]: <https://e.com>": "[x](https://e.com)",
            "[x](<https://e.com/a b>)": "[x](https://e.com/a%20b)",
            "[x](https://e.com?a&amp;amp;b)": "[x](https://e.com?a%26amp;b)",
            "(https://e.com/a_(b)).": "(<https://e.com/a_(b)>).",
            "www.e.com/a_b!": "[www.e.com/a_b](http://www.e.com/a_b)!",
            "List<int> &lt; &copy; C:\\new": "List&lt;int> &lt; © C:<span>&#92;</span>new",
            "a <sub>b": "a &lt;sub>b",
            "*a <sub>b* c</sub>": "*a &lt;sub>b* c&lt;/sub>",
            "\\<br> &lt;br>": "&lt;br> &lt;br>",
            "~5 or ~~6~~": "&#126;5 or <del>6</del>",
            "a\n\\- b <": "a\n&#45; b &lt;",
            "1\\. a <": "1&#46; a &lt;",
        }.items():
            with self.subTest(source):
                self.assertEqual(expected, safe(source))

    def test_code_is_closed(self) -> None:
        """A block that the answer leaves open ends with it, also in a list or a quotation."""
        for source, expected in {
            "a\n```python\nb": "a\n```python\nb\n```",
            "~~~~\nb": "```\nb\n```",
            "1. a\n   ```python\n   x = 1": "1. a\n   ```python\n   x = 1\n   ```",
            "> - ~~~~ x\n>   a": "> - ```x\n>   a\n>   ```",
            "````\n```\n<b>": "````\n```\n<b>\n````",
            "```": "```\n```",
        }.items():
            with self.subTest(source):
                self.assertEqual(expected, safe(source))

    def test_code_in_lists(self) -> None:
        """What looks like a formula in code of a list would be taken for one: there it stands in entities."""
        self.assertEqual(
            "- <pre><code>echo &#36;A&#10;  &#36;B</code></pre>", safe("- ```sh\n  echo $A\n    $B\n  ```")
        )
        self.assertEqual("| <code>a&#124;b</code> |\n| --- |", safe("| `a\\|b` |\n|---|"))
        self.assertEqual("<code>&#36;&#36;</code> <", safe("`$$` <").replace("&lt;", "<"))


class TestFormulas(unittest.TestCase):
    """Formulas stay formulas, and dollars that begin none are dollars."""

    def test_kept(self) -> None:
        """Between dollars or in brackets of TeX, with blanks inside, over lines, with signs that Markdown has, too."""
        for source, expected in {
            "$n![k]$": "$n![k]$",
            "$\\mathbb{E}\\![X]$": "$\\mathbb{E}\\![X]$",
            "$P[X](a:b)$": "$P[X](a:b)$",
            "area $ \\pi r^2 $.": "area $\\pi r^2$.",
            "$a +\nb$": "$a + b$",
            "$\\text{cost } \\$5$": "$\\text{cost } \\$5$",
            "\\(a<b\\) \\[ c \\]": "$a< b$ $$c$$",
            "\\[\nx\n= y\n- z\n\\]": "$$x = y - z$$",
            "\\begin{align}\na &<b \\\\\nc\n\\end{align}": "$$\\begin{align} a &< b \\\\ c \\end{align}$$",
            "> $$\n> a\n> $$": "> $$a$$",
            "| $|x|$ |\n|---|": "| $|x|$ |\n| --- |",
            "*a* $b_1*c_2$ *d*": "*a* $b_1*c_2$ *d*",
            "\\(a\\)\\(b\\)": "$a$<span></span>$b$",
            "$a % b\nc_1$": "$a c_1$",
            '$"a"$': "$”a”$",
        }.items():
            with self.subTest(source):
                self.assertEqual(expected, safe(source))

    def test_dollars_and_brackets(self) -> None:
        """Prices, variables, notes and code are none."""
        dollar = "<span>&#36;</span>"
        for source, expected in {
            "$5-$10": f"{dollar}5-{dollar}10",
            "from $5 to $10": f"from {dollar}5 to {dollar}10",
            "$5, then $x_1$": f"{dollar}5, then $x_1$",
            "$HOME, `$HOME` and $PATH": f"{dollar}HOME, `$HOME` and {dollar}PATH",
            "| $5 | $6 |\n|---|---|": f"| {dollar}5 | {dollar}6 |\n| --- | --- |",
            "\\$5": f"{dollar}5",
            "As in \\[1\\] and \\[2, 3\\].": "As in &#91;1&#93; and &#91;2, 3&#93;.",
            "\\[a\\](b)": "&#91;a&#93;(b)",
            "$a\n\nb$": f"{dollar}a\n\nb{dollar}",
            "$5, see [a](http://b?c=$d)": f"{dollar}5, see [a](http://b?c=%24d)",
        }.items():
            with self.subTest(source):
                self.assertEqual(expected, safe(source))

    def test_that_would_harm(self) -> None:
        """What changes other formulas, reaches out of its place, or stalls the page is shown as its source."""
        for body in (
            "\\def\\frac{a}",
            "\\newcommand{\\a}{b}",
            "\\let\\a\\b",
            "\\href{http://a}{b}",
            "\\style{color:red}{a}",
            "\\class{a}{b}",
            "\\rule{9999em}{1em}",
            "a \\\\[900em] b",
            "\\sqrt{" * 200 + "}" * 200,
            "\\sqrt" * 200 + "a",
            "{" * 100 + "a" + "}" * 100,
            "\\left(" * 100 + "\\right)" * 100,
            "a{b",
            "a}b",
            "x \\\\" * 300 + "y",
            "a\\",
        ):
            for source in (f"$${body}$$", f"\\[x={body}\\]"):
                with self.subTest(source[:40]):
                    self.assertNotRegex(safe(source), r"\$(?!\w)")


class TestLiteral(unittest.TestCase):
    """Names, notes and messages are text wherever they stand."""

    def test_shown(self) -> None:
        """Whatever they are made of, a reader sees it, and nothing else."""
        for name in (
            "a|b_c *d*",
            "![m](http://a/b.png)",
            "[m](javascript:x)",
            "$5 \\(a\\)",
            "<b> &lt; @@0@@",
            "# a",
            "1. b",
        ):
            for frame in ("<sub>{}</sub>", "**{}**", "| {} |\n|---|"):
                with self.subTest(name, frame=frame):
                    page = WITH_US.enable("linkify", ignoreInvalid=True).render(frame.format(literal(name)))
                    self.assertEqual(name, html.unescape(re.sub(r"<[^>]*>", "", page)).strip())
                    self.assertNotRegex(page, r"<(a|img|em|h\d|ol)\b")

    def test_one_line(self) -> None:
        """Lines, controls and what turns text around cannot leave it."""
        self.assertEqual("a b� c", literal("a\n\nb\x1b\r\nc"))


class TestCost(unittest.TestCase):
    """The work grows with the answer, not faster."""

    def test_linear(self) -> None:
        """Eight times as much of anything takes about eight times as long."""
        marks = ("\\(", "`", "[", "[](", "<think>", "$", "$$ ", "&amp;", "<sub>", "> <", "`` ` ")
        for piece in (*marks, "http://a.b/)", "a@b.c ", "\\begin{align}"):
            with self.subTest(piece):
                self.assertLess(growth(lambda size, piece=piece: safe(piece * (size // len(piece))), 15_000), LINEAR)


class TestGrowing(unittest.TestCase):
    """An answer that comes is shown as what came, and no block of it is rewritten again and again."""

    def test_each_frame(self) -> None:
        """Each frame shows what the text so far shows, wherever it is cut."""
        for text in (
            "\n\n".join(answers(40, 8)),
            "a <b>\n\n" * 400,
            "- a `b\n\n  c` <d>\n" * 200,
            "$x\n= y$ <\n\n" * 200,
        ):
            growing = Growing()
            for end in range(0, len(text), 37):
                frame = growing.safe(text[:end])
                if "[x]" not in text:
                    self.assertEqual(shown(WITH_US.render(safe(text[:end]))), shown(WITH_US.render(frame)))
                self.assertEqual([], wrong_in_html(frame))

    def test_cost(self) -> None:
        """A hundred frames of an answer cost a few times what its last one does, and not fifty times."""
        text = "Some **bold** text with a [link](http://a.b/c) and $x_1$ & more.\n\n" * 200

        def frames() -> None:
            growing = Growing()
            for end in range(100):
                growing.safe(text[: len(text) * end // 100])

        self.assertLess(cost(frames), 8 * cost(partial(safe, text)))


class TestCode(unittest.TestCase):
    """Code by itself."""

    def test_fenced(self) -> None:
        """The fence is longer than any in the code, and no control is in it."""
        self.assertEqual("````py\n```\n�\n````", fenced("```\n\x1b", "py"))

    def test_code_of(self) -> None:
        """The blocks of Python, one below the other, and the others; one without a name is Python if it must be."""
        for text, code, others in (
            ("x\n```py\na\n```\ny\n~~~\nb\n~~~\n```Python3 title=c\nc\n```", "a\n\nc", [("", "b\n")]),
            ("```sh\na\n```\n```{.r}\nb\n```\n```sh\nc\n```", "", [("sh", "a\n"), ("r", "b\n"), ("sh", "c\n")]),
            ("```sh\na\n```\n- ```{python}\n  b\n  ```", "b", [("sh", "a\n")]),
            ("```ipython\n%time a\n```\n```IPython3\nb\n```\n```py3\nc\n```", "%time a\n\nb\n\nc", []),
            ("```\na\n```\n```sh\nb\n```\n```\nc\n```", "a\n\nc", [("sh", "b\n")]),
            ("```\na b\n```\n```\nx = 1\n```", "x = 1", [("", "a b\n")]),
            ("```\na\x00\n```\n```\n" + "(" * 9999 + "\n```", "", [("", "a\ufffd\n"), ("", "(" * 9999 + "\n")]),
            ("```python\nif a:\n    b", "if a:\n    b", []),
            ("```python\n```", "", []),
            ("none", "", []),
        ):
            with self.subTest(text[:60]):
                self.assertEqual((code, others), tuple(code_of(text)))
                self.assertEqual(code, Answer(text).code)

    def test_code_warns_of_nothing(self) -> None:
        """What Python would warn of in code that is only looked at is the business of the cell that runs it."""
        with warnings.catch_warnings(record=True, action="always") as warned:
            self.assertEqual(r'"\d" is 1', code_of('```\n"\\d" is 1\n```').code)
        self.assertEqual([], warned)

    def test_finished(self) -> None:
        """The blocks to which nothing can be added, and the rest."""
        self.assertEqual(("a\n\n", "b"), finished("a\n\nb"))
        self.assertEqual(("", "a\n# b\nc"), finished("a\n# b\nc"))
        self.assertEqual(("a\n\n", "$$b\n# c\nd$$"), finished("a\n\n$$b\n# c\nd$$"))
