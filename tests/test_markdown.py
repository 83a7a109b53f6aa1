"""What a model writes is data."""

from __future__ import annotations

import random
import unittest

from nbconvert.filters.markdown_mistune import markdown2html_mistune

from g4f.markdown import closed, safe

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
    *(
        "`",
        "``",
        "```",
        "````",
        "~~~",
        "```html\n",
        "```mermaid\n",
        "\n```\n",
        "\n   ~~~\n",
        "\n    ```\n",
        "\n- ```\n",
    ),
    *(
        "\n",
        "\n",
        "\n\n",
        "\r",
        "\u2028",
        "\t",
        " ",
        "    ",
        "\x0c",
        "\xa0",
        "\n> ",
        "\n- ",
        "\n  - ",
        "\n1. ",
        "# ",
        "***",
    ),
    *(
        "| ",
        "\n|---|---|\n",
        "\n===",
        "\n\n    ",
        "$",
        "$$",
        "\\(",
        "\\)",
        "\\\\[",
        "\\\\]",
        "\\begin{a}",
        "\\end{a}",
        "{",
    ),
    *(
        "<!--",
        "-->",
        "<?",
        "]]>",
        "<div>\n",
        "</details>",
        "&lt;",
        "&#60;",
        "*",
        "_",
        "~~",
        "[^1]: ",
        "@@0@@",
        "~D",
        "a",
        "\\",
    ),
]
"""What parsers of Markdown may see in different ways."""


def answers(count: int) -> list[str]:
    """Return so many answers, made of these pieces, the same each time."""
    chosen = random.Random(5)
    return ["".join(chosen.choices(PIECES, k=chosen.randint(2, 25))) for _ in range(count)]


class TestSafe(unittest.TestCase):
    """Raw HTML, images and links that act become text; code stays as written."""

    def test_neutralised(self) -> None:
        """What could act is turned into text, wherever it stands."""
        for source, expected in {
            "a <b>x</b>": "a &lt;b>x&lt;/b>",
            "<!-- c --> <?php ?> <!DOCTYPE>": "&lt;!-- c --> &lt;?php ?> &lt;!DOCTYPE>",
            "<div>\n\n`a`": "&lt;div>\n\n`a`",
            "> <img src=x>": "> &lt;img src=x>",
            "- <img src=x>": "- &lt;img src=x>",
            "a\r\n<b>": "a\n&lt;b>",
            "\\`<b>`": "\\`&lt;b>`",
            "`` <b>` ``": "<code>&#60;b&#62;&#96;</code>",
            "`` <b>`": "`` &lt;b>`",
            "![a](http://b/c.png)": "[a](http://b/c.png)",
            "\\![a](http://b/c.png)": "\\[a](http://b/c.png)",
            "![a][r]\n\n[r]: http://b/c.png": "[a][r]\n\n[r]: http://b/c.png",
            "[a](javascript:alert(1))": "[a]\\(javascript:alert(1))",
            "[a]( JavaScript:1)": "[a]\\( JavaScript:1)",
            "[a](java&#115;cript:1)": "[a]\\(java&#115;cript:1)",
            "[a](javascript&colon;1)": "[a]\\(javascript&colon;1)",
            "[a](\x01javascript:1)": "[a]\\(\x01javascript:1)",
            "[a](data:text/html,x)": "[a]\\(data:text/html,x)",
            "[a\\](javascript:1)": "[a\\]\\(javascript:1)",
            "[a]: javascript:1": "[a]\\: javascript:1",
            "[a]:\n javascript:1": "[a]\\:\n javascript:1",
            "> [a]:\n> javascript:1": "> [a]\\:\n> javascript:1",
            "a\u2028```\u2029<b>": "a\n\n```text\n<b>\n```\n",
            "<b> ```\\``` ~~~~": "&lt;b> <code>&#92;</code> &#126;&#126;&#126;&#126;",
            "\\<b> \\\\<b>": "&lt;b> \\\\&lt;b>",
            "[a](<javascript:1>)": "[a](&lt;javascript:1>)",
            "```mermaid\na --> `mermaid`\n```": "\n```text\na --> `mermaid`\n```\n",
            "> - ~~~~ Mermaid x\n>   a": "> - <pre><code>a</code></pre>",
        }.items():
            with self.subTest(source):
                self.assertEqual(expected, safe(source))

    def test_code_ends_with_its_block(self) -> None:
        """A backtick pairs within its own heading, paragraph or table cell only, so no tag hides between two."""
        for source, hidden in {
            "# a ` b\nc ` d ` <img>`": "<img",
            "| ` <img> | ` |\n|---|---|\n| ` <svg> | ` |": "<",
            "a ` b\n\n<img> `": "<img",
            "- a ` b\n- <img> `": "<img",
        }.items():
            with self.subTest(source):
                self.assertNotIn(hidden, safe(source))

    def test_in_html_of_nbconvert(self) -> None:
        """Whatever an answer is made of, the parser of nbconvert makes nothing of it that acts."""
        for answer in answers(3000):
            self.assertNotRegex(markdown2html_mistune(safe(answer)), r"<(img|script)|href=.javascript", answer)

    def test_code_that_would_act(self) -> None:
        """It is a fenced block that stands alone, with a language; where it can't be, or might end early, entities."""
        for source, expected in {
            "~~~html x\n<b>\n~~~\ntext": "\n```html\n<b>\n```\n\ntext",
            "    <b>indented</b>": "\n```text\n<b>indented</b>\n```\n",
            "```mermaid\n<b>": "\n```text\n<b>\n```\n",
            "1. ```c++\n   a <b> _c_\n\n   ```": "1. <pre><code>a &#60;b&#62; &#95;c&#95;&#10;</code></pre>",
            "> ~~~\n> ![a](b)": "> <pre><code>&#33;&#91;a&#93;&#40;b&#41;</code></pre>",
            "````\n```\n<b>\n````": "\n<pre><code>&#96;&#96;&#96;&#10;&#60;b&#62;</code></pre>\n",
            "    <b> $$": "\n<pre><code>&#60;b&#62; &#36;&#36;</code></pre>\n",
            "a `<b>` `[c](d:)`": "a <code>&#60;b&#62;</code> <code>&#91;c&#93;&#40;d&#58;&#41;</code>",
            "| `<b>\\|` |\n|---|": "| <code>&#60;b&#62;&#124;</code> |\n|---|",
        }.items():
            with self.subTest(source):
                self.assertEqual(expected, safe(source))

    def test_as_written(self) -> None:
        """Other code, comparisons, formulas and links to pages stay as they are."""
        for source in (
            "```sh\necho $HOME\n```",
            "~~~\na[b](c) <= d\n~~~\n\ntext",
            "- ```\n  ](x) $HOME\n  ```",
            "a `b < c`, `` d` ``",
            "1 < 2, a <= b, <3",
            "[a](https://b.c/d?e=f&g#h) [i](/j) [k](#l) [m](mailto:n@o)",
            "$\\frac{a}{b}$",
            "",
        ):
            with self.subTest(source):
                self.assertEqual(source, safe(source))

    def test_formula(self) -> None:
        r"""In a formula `<` before a letter becomes `\lt`, which reads the same and is no tag."""
        self.assertEqual(r"$a\lt b$ and $c\lt d$", safe(r"$a<b$ and \(c<d\)"))

    def test_money(self) -> None:
        """A dollar that begins no formula is a dollar; formulas in brackets of TeX get dollars; code stays."""
        for text, expected in (
            ("from $5 to $10", "from <span>&#36;</span>5 to <span>&#36;</span>10"),
            ("$5, then $x_1$ and $$y$$", "<span>&#36;</span>5, then $x_1$ and $$y$$"),
            (r"\( a \) and \[ b \]", "$a$ and $$b$$"),
            ("$HOME, `$HOME` and $PATH", "<span>&#36;</span>HOME, `$HOME` and <span>&#36;</span>PATH"),
            ("```\n$5 \\(a\\)\n```", "```\n$5 \\(a\\)\n```"),
            ("| $5 | $6 |\n|---|---|", "| <span>&#36;</span>5 | <span>&#36;</span>6 |\n|---|---|"),
            (r"\$5", "<span>&#36;</span>5"),
        ):
            with self.subTest(text):
                self.assertEqual(expected, safe(text))

    def test_wanted_images(self) -> None:
        """Images stay where they are wanted, but none of another scheme."""
        self.assertEqual("![a](http://b/c.png)", safe("![a](http://b/c.png)", images=True))
        self.assertEqual("```mermaid\na\n```", safe("```mermaid\na\n```", images=True))
        self.assertNotIn("](javascript:", safe("![a](javascript:x)", images=True))


class TestClosed(unittest.TestCase):
    """What is written behind an answer is not part of its code."""

    def test_closed(self) -> None:
        """An open code block is closed by its own fence; anything else is left alone."""
        for source, expected in {
            "a\n```python\nb": "a\n```python\nb\n```",
            "~~~~\nb": "~~~~\nb\n~~~~",
            "```\nb\n```": "```\nb\n```",
            "```\nb\n```\nc": "```\nb\n```\nc",
            "a": "a",
            "": "",
        }.items():
            with self.subTest(source):
                self.assertEqual(expected, closed(source))
