"""Braces in a question: which of them hold a value, which stay, and which are an error before anything is sent."""

from __future__ import annotations

import os
import unittest
import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType, SimpleNamespace
from typing import Any
from unittest import mock

import matplotlib as mpl
import numpy as np
import pandas as pd
from IPython.display import Image as Shown
from matplotlib.figure import Figure
from PIL import Image

from g4f import Client
from g4f.errors import InputError
from g4f.images import image_part
from g4f.secrets.key import Key
from g4f.secrets.scrubbing import Scrubber
from g4f_jupyter.inserts.inserts import insert

from . import script
from .cost import cost

mpl.use("agg")


class Counts:
    """Counts how often it is called."""

    calls = 0

    def __call__(self, *args: object) -> str:
        self.calls += 1
        return "called"

    method = __call__


class Breaks:
    """Whose property has a fault."""

    @property
    def gone(self) -> int:
        return {}.missing  # type: ignore[attr-defined,no-any-return]


NAMES: dict[str, Any] = {
    "name": "Ada",
    "year": 2020,
    "a": 1,
    "b": 2,
    "i": 3,
    "n": 5,
    "x": 7,
    "y": "why",
    "price": 9,
    "key": "city",
    "call": Counts(),
    "broken": Breaks(),
    "places": {"city": ["Bern", "Rome"], 3: "three", "nested": {"deep": {"er": "found"}}},
    "user": SimpleNamespace(name="Bob", tags=["t0", "t1", "t2"], inner=SimpleNamespace(deep=[1, {"k": "v"}])),
    "grid": np.arange(6).reshape(2, 3),
    "trap": "{name} {{x}} {nme}",
    "_hidden": 0,
}


def told(text: str, **options: Any) -> str:
    """Return the text with its values."""
    return insert(text, NAMES, **options).text


class InsertsTestCase(unittest.TestCase):
    """Says what is inserted, what stays, and what is refused."""

    def assert_told(self, cases: Mapping[str, str], **options: Any) -> None:
        """Each text becomes its own."""
        for text, expected in cases.items():
            with self.subTest(text):
                self.assertEqual(expected, told(text, **options))

    def assert_stays(self, *texts: str, **options: Any) -> None:
        """Each text is sent byte for byte, also between other text, and a name beside it is inserted."""
        for text in texts:
            with self.subTest(text):
                self.assertEqual(text, told(text, **options))
                self.assertEqual(f"Ada:\n\n{text}", told(f"{{name}}:\n\n{text}", **options))

    def refused(self, text: str, **options: Any) -> str:
        """Return the one line of an InputError."""
        with self.assertRaises(InputError) as caught:
            told(text, **options)
        line = str(caught.exception)
        self.assertNotIn("\n", line)
        return line


class TestPaths(InsertsTestCase):
    """What is inserted without a call."""

    def test_paths(self) -> None:
        """Names, attributes, and items by constants, variables, slices, in any order."""
        self.assert_told(
            {
                "{name}": "Ada",
                "Dear {name}, in {year}!": "Dear Ada, in 2020!",
                "{user.name}": "Bob",
                "{user.tags[0]} {user.tags[-1]}": "t0 t2",
                "{user.tags[1:]} {user.tags[::2]} {user.tags[-2:-1]}": '["t1", "t2"] ["t0", "t2"] ["t1"]',
                "{user.inner.deep[1]['k']}": "v",
                "{places[\"city\"][1]} {places['city'][0]}": "Rome Bern",
                "{places[key][0]} {places[i]}": "Bern three",
                '{places["nested"]["deep"]["er"]}': "found",
                "{grid[1, 2]} {grid[0, -1]}": "5 2",
                "{name[0]}{name[1:]}": "Ada",
            }
        )

    def test_neighbours(self) -> None:
        """Values stand as close as they were written, also with a bar between them."""
        self.assert_told(
            {
                "{name}{year}{name}": "Ada2020Ada",
                "{name}_{year}.csv": "Ada_2020.csv",
                "report_{year}.csv": "report_2020.csv",
                "${price}, {year} and {price}%": "$9, 2020 and 9%",
                "from ${a}-${b}": "from $1-$2",
                "It costs $5 for {name} and $10.": "It costs $5 for Ada and $10.",
                "It costs $5 to {name}, or 6$.": "It costs $5 to Ada, or 6$.",
                "$a\n\n{name}$": "$a\n\nAda$",
                "US$5 by {name}, 6$": "US$5 by Ada, 6$",
                "unclosed { then {name}": "unclosed { then Ada",
                "} and {name} }": "} and Ada }",
            }
        )

    def test_nothing_is_called(self) -> None:
        """A function is not, nor is a method."""
        self.assertEqual(0, NAMES["call"].calls)
        for text in ("{call}", "{call.method}", "{call.calls}"):
            told(text)
        for text in ("{call()}", "{call.method()}", "{call.method(1).x}", "{call()[0]}"):
            self.assertIn("--eval", self.refused(text))
        self.assertEqual(0, NAMES["call"].calls)

    def test_forms(self) -> None:
        """Format specs, conversions, `=` and blanks mean for a known name what they mean in an f-string."""
        import datetime as dt

        names = NAMES | {"day": dt.date(2024, 5, 6), "width": 6, "pi": 3.14159, "tags": ("a", ["b"]), "who": "é"}
        for text in (
            "{pi:.2f} {pi!r:>8} {x:>5}|{x:<5}|{x:^5}|{x:05d}|{x:+}",
            "{year:,} {pi:.0%} {x:b} {pi:e} {pi:10.3f} {pi: .1f} {x:*^9}",
            "{name!r} {name!s} {who!a} {name:>6} {name!r:<8}|",
            "{day:%d.%m.%Y} {day:%A} {pi:>{width}.3}",
            "{x=} {name=} {pi=:.1f} {user.name=}",
            "{ name } {name } { name}",
            "{user.name!r} {user.tags[0]:>4} {places['city'][0]!r} {tags!r} {user.tags!r} {places!r}",
        ):
            with self.subTest(text):
                self.assertEqual(eval(f'f"""{text}"""', dict(names)), insert(text, names).text)
        self.assert_told(
            {"{{x:.2f}}": "{x:.2f}", "{{{x:.1f}}}": "{7.0}", "${price:.2f}": "$9.00", "`{x!r}`": "`{x!r}`"}
        )
        self.assert_told({"{x + n:.1f} {name.upper()!r}": "12.0 'ADA'"}, evaluate=True)

    def test_all(self) -> None:
        """`{name!all}` is all of a value, wherever a value may stand; an unknown name is an error."""
        names = NAMES | {"long": "z" * 30_000, "figure": Figure(), "api_key": "hunter2"}
        self.assertEqual(f"{'z' * 30_000}, Ada", insert("{long!all}, { name !all }", names).text)
        self.assertEqual("[image 1: figure]", insert("{figure !all}", names).text)
        self.assertEqual("***", insert("{api_key!all}", names).text)
        self.assertEqual(60_000, len(insert("{long * 2!all}", names, evaluate=True).text))
        self.assert_told({"{{name!all}}": "{name!all}", "{{{name!all}}}": "{Ada}", "`{name!all}`": "`{name!all}`"})
        self.assert_stays("{!all}", "{a, b!all}", "{name!all:>9}", "{x!allow}", "{wow!all of it}")
        for text in ("{nme!all}", "{ nme!all }"):
            self.assertIn("no variable 'nme'. Did you mean 'name'", self.refused(text))
        self.assertIn("--eval", self.refused("{call()!all}"))

    def test_forms_that_fail(self) -> None:
        """A form that a value does not have, and one of an expression that has to be computed, are errors."""
        self.assertIn("raised ValueError", self.refused("{name:.2f}"))
        self.assertIn("there is no variable 'wdth'", self.refused("{x:>{wdth}}"))
        self.assertIn("--eval", self.refused("{x + n:.2f}"))

    def test_forms_and_secrets(self) -> None:
        """No form shows a secret."""
        names = {
            "api_key": "hunter2-abc",
            "held": {"password": "hunter2", "list": [Key("hunter2")], "deep": ({"db_password": "hunter2"},)},
            "env": dict(os.environ),
            "numbers": {"db_password": 7654321, "list": [{"pin": ("x", {"secret": 7654321})}]},
            "key": Key("hunter2"),
            "frame": pd.DataFrame({"password": ["hunter2"]}),
            "text": "is hunter2-abc",
        }
        text = " ".join(f"{{{name}!r}} {{{name}!s}} {{ {name} }} {{{name}=}}" for name in names) + " {text:.10}"
        with mock.patch.dict(os.environ, {"MY_SECRET_TOKEN": "hunter2-of-the-environment"}):
            asked = insert(text, names).text
        self.assertNotIn("hunter2", asked)
        self.assertNotIn("7654321", asked)

    def test_one_pass(self) -> None:
        """What is inserted is not looked at again."""
        self.assert_told(
            {"{trap}": NAMES["trap"], "{trap}{trap}": NAMES["trap"] * 2, "{{trap}} {trap}": "{trap} " + NAMES["trap"]}
        )

    def test_within_braces(self) -> None:
        """Within braces that stay, a known name is inserted, and an unknown one stays."""
        self.assert_told(
            {
                '{"user": {name}}': '{"user": Ada}',
                '{"user": "{name}", "id": "{id}"}': '{"user": "Ada", "id": "{id}"}',
                "{{name}: 1}": "{Ada: 1}",
                "a { color: {key} }": "a { color: city }",
            }
        )
        self.assert_stays('{"paths": {"/users/{id}": {}}}', "p { x: {nme} }", "@book{k, title={Deep}, t={{Big Thing}}}")
        self.assert_stays('{"f": {call(x)}}', '{"f": {g(q)}}', '{"f": {nme.attr}}')

    def test_mapping(self) -> None:
        """The namespace is only read: any mapping will do."""
        self.assertEqual(
            "1 2", insert("{a} {sorted([z])[0] if z else 0}", MappingProxyType({"a": 1, "z": 2}), evaluate=True).text
        )

    def test_no_braces(self) -> None:
        """A text without any is the text itself."""
        text = "no braces } here" * 10
        self.assertIs(text, insert(text, {}).text)


class TestStays(InsertsTestCase):
    """Braces of other languages, also where their names are variables."""

    def test_latex(self) -> None:
        """What follows a command, a ^ or the _ of one letter, however many groups."""
        self.assert_stays(
            r"\frac{a}{b}",
            r"x^{2} + x^{n} - 10^{i}",
            r"x_{i} and A_{n}^{i} and x_{nme}",
            r"\sum_{i}^{n} \alpha_{i} \mathbb{R}_{n}",
            r"\sqrt[3]{x} \frac{{a}}{{b}} \text{a {name} b}",
            r"\begin{pmatrix} {a} & {b} \end{pmatrix}",
            r"\begin{align*}{nme}\end{align*}",
            r"\{name\} \{nme\}",
            r"\left\{{a}\right\}",
            r"e^{-x} (x)_{n} \hat{x}_{i}",
            "log_{q}(x)",
        )

    def test_mathematics(self) -> None:
        """All braces between the signs of mathematics."""
        self.assert_stays(
            "$x = {nme}$",
            "$${nme} + {a}$$",
            "$$\n{nme}\n$$",
            r"\({nme}\) and \[ {a} \]",
            r"$\{{x}\}$",
            "the set ${a}$ of",
            "a $b +\n{nme}$.",
            "$2x + {a}$",
        )

    def test_json(self) -> None:
        """JSON, dicts, sets, empty braces."""
        self.assert_stays(
            '{"a": 1}', "{}", "{'a': a}", "{1, 2}", "{a, b}", "{1}", '{"x"}', "{0}", "{-1}", "{...}", "{None}"
        )
        self.assert_stays('{\n  "a": {"b": [1, {"c": null}]}\n}', '{"a": {}}', "{**a, **b}", "{[a, b]}", "{(a, b)}")

    def test_templates(self) -> None:
        """Jinja, shell, JavaScript, format specs, regular expressions, CSS."""
        self.assert_stays(
            "{{ name }} {{ nme }} {% if x %}", "{{ user.name|upper }}", "{{nme|upper}}", "${HOME} ${nme.x}"
        )
        self.assert_stays("{nme:.2f}", "{nme!r}", "{nme=}", "{:>10}", "{nme:,}", "[a-z]{2,3}", r"\d{n}", r"\w{2}")
        self.assert_stays("{x: red}", "{x:x>0}", "{x:a,b:c}", "{x!important}", "{nme:>{width}}", "{{ x }} {{{ x }}}")
        self.assert_stays("import { useState } from 'react'", "a { color: red }", "a{color:red}", "{#if x}", "{/if}")
        self.assert_stays("function f() {\n  return x\n}", "if (x) {return x}", "{return}", "{x; y}", "{for x in y}")
        self.assert_stays(
            "{ nme }",
            "{nme }",
            "{ nme}",
            "{ nme + 1 }",
            "{ x + 1 }",
            "{\nname\n}",
            "{it's} or {that's}",
            "{🙂}",
            "{two words}",
        )
        self.assert_stays("{user-id}".replace("user", "usr"), "{yes/no}", "{this or that}", "{f(q)}", "{\0}")

    def test_code(self) -> None:
        """Between fences and backticks, to the end if they are not closed."""
        self.assert_stays(
            "`{nme}` and ``{name} ` {x}``",
            "`a {nme}\nb`",
            "```\n{nme} {name}\n```",
            "```python\nf'{nme}'\n```\nand",
            "~~~\n{nme}\n```\n{name}\n~~~",
            "````\n```\n{nme}\n```\n````",
            "> ```\n> {nme}\n> ```",
        )
        self.assertEqual("```\n{name} {nme}", told("```\n{name} {nme}"))
        self.assertEqual("- ```\n  {nme}\n  ```\nAda", told("- ```\n  {nme}\n  ```\n{name}"))
        self.assertEqual("```\r\n{nme}\r\n```\r\nAda", told("```\r\n{nme}\r\n```\r\n{name}"))

    def test_backticks_that_close_nothing(self) -> None:
        """One that is alone in its paragraph, or escaped, begins no code."""
        self.assert_told({"a ` b {name}\n\nc ` d": "a ` b Ada\n\nc ` d", r"\`{name}\`": r"\`Ada\`"})

    def test_f_strings(self) -> None:
        """Of every kind; a text in quotes is none."""
        self.assert_stays(
            'f"{nme}"', "F'{name}'", 'rf"{nme}\\d"', 'print(f"{nme:>{width}}")', "f'''\n{nme}\n'''", 'fr"{name}"'
        )
        self.assert_told({'"{name}"': '"Ada"', "if '{name}'": "if 'Ada'", 'of "{name}"': 'of "Ada"'})

    def test_escapes(self) -> None:
        """Two braces are one wherever one would be inserted or be an error; three are one around a value."""
        self.assert_told(
            {
                "{{name}}": "{name}",
                "{{nme}}": "{nme}",
                "{{user.name}} {{nme.x[0]}}": "{user.name} {nme.x[0]}",
                "{{call(x)}}": "{call(x)}",
                "{{{name}}}": "{Ada}",
                "{{{{name}}}}": "{{name}}",
                "{{{{{name}}}}}": "{{Ada}}",
            }
        )
        self.assert_stays("{{1, 2}}", "{{}}", '{{"a": 1}}', "{{two words}}", "}} {{", "{{{nme} x}}")

    def test_warns_of_nothing(self) -> None:
        """What stands in braces may be no good Python: nobody hears of it."""
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            self.assert_stays("{1if q else 2}", r"{q['\d']}", "{0x1for}")
        self.assertEqual([], heard)

    def test_deep(self) -> None:
        """Braces and brackets without end are no error."""
        for text in (
            "{" * 5000,
            "{" * 5000 + "}" * 5000,
            "{" + "-" * 490 + "1}",
            "{" + "(" * 240 + "1" + ")" * 240 + "}",
            "{a" + ".b" * 400 + "}",
        ):
            with self.subTest(text[:5]):
                self.assertEqual(text, told(text))


class TestRefused(InsertsTestCase):
    """What is said before anything is sent."""

    def test_unknown(self) -> None:
        """A name that is not there: what is near, and how to write it as it is."""
        line = self.refused("Hello {nme}")
        self.assertTrue(line.startswith("there is no variable 'nme'. Did you mean 'name'"), line)
        self.assertIn("write {{nme}}", line)
        self.assertNotIn("Did you mean", self.refused("{qqqqq}"))
        self.assertNotIn("_hidden", self.refused("{hidden}"))
        for text in ("{yaer}", "{yaer.x}", "{yaer[0]}", "{{{yaer}}}", "x {yaer} {name}"):
            with self.subTest(text):
                self.assertIn("'year'", self.refused(text))

    def test_builtins(self) -> None:
        """What Python itself brings is no variable of the notebook."""
        for text in ("{id}", "{max}"):
            self.assertIn("there is no variable", self.refused(text))

    def test_hint_works(self) -> None:
        """What the line says to write is sent as it was."""
        for text in ("{nme}", "{nme.x}", "{nme[0]}", "{call(x)}", "{x + 1}"):
            with self.subTest(text):
                line = self.refused(text)
                self.assertIn(f"write {{{text}}}", line)
                self.assertEqual(text, told(f"{{{text}}}"))

    def test_steps(self) -> None:
        """An attribute or item that is not there: which step, and what is near."""
        for text, *expected in (
            ("{user.nam}", "user.nam: there is no 'nam'. Did you mean 'name'"),
            ("{user.inner.dep[0]}", "user.inner.dep: there is no 'dep'. Did you mean 'deep'"),
            ('{places["ciity"][0]}', "places['ciity']: there is no 'ciity'. Did you mean 'city'"),
            ("{places[7]}", "places[7]: there is no 7."),
            ("{places.city}", "places.city: write places['city']"),
            ("{user.tags[9]}", "user.tags[9] raised IndexError: list index out of range"),
            ("{year[0]}", "year[0] raised TypeError: 'int' object is not subscriptable"),
            ("{places[nokey]}", "there is no variable 'nokey'."),
            ("{places[[]]}", "--eval"),
            ("{broken.gone}", "broken.gone raised AttributeError: 'dict' object has no attribute 'missing'"),
        ):
            with self.subTest(text):
                self.assertIn(expected[0], self.refused(text))

    def test_columns(self) -> None:
        """The columns of a table count as what is near."""
        names = {"df": pd.DataFrame({"price": [1], "name": ["x"]})}
        for text in ("{df.prize}", '{df["prize"]}'):
            with self.subTest(text), self.assertRaisesRegex(InputError, "'prize'. Did you mean 'price'"):
                insert(text, names)

    def test_value_that_raises(self) -> None:
        """Its name, and what it raised."""

        class Bad:
            def __repr__(self) -> str:
                raise RuntimeError("no\nrepr")

            def __getattr__(self, name: str) -> Any:
                raise OSError(name)

        for text, expected in (
            ("{bad}", "bad holds raised RuntimeError: no repr"),
            ("{bad.x}", "bad.x raised OSError: x"),
        ):
            with self.subTest(text), self.assertRaisesRegex(InputError, expected):
                insert(text, {"bad": Bad()})


class TestEvaluate(InsertsTestCase):
    """With --eval."""

    def test_evaluated(self) -> None:
        """Calls, operations, comprehensions, with the builtins."""
        self.assert_told(
            {
                "{name.upper()} {x + n}": "ADA 12",
                "{len(user.tags)}": "3",
                "{[z * n for z in range(3)]}": "[0, 5, 10]",
                "{sum(n for z in range(3))}": "15",
                '{", ".join(user.tags)}': "t0, t1, t2",
                "{name if x > 3 else y}": "Ada",
                "{2**10}": "1024",
                "{places.get('a', {'k': 1})}": '{"k": 1}',
                "{user.tags[n - 4]}": "t1",
                "{name}": "Ada",
                "{{len(name)}}": "{len(name)}",
                '{"n": {len(name)}}': '{"n": 3}',
            },
            evaluate=True,
        )

    def test_stays(self) -> None:
        """What is no expression stays, and so do literals."""
        self.assert_stays(
            '{"a": 1}',
            "{1, 2}",
            "{a, b}",
            "{-1}",
            "{nme:.2f}",
            "{}",
            r"\frac{a+b}{n}",
            '{"a": {q(1)}}',
            "`{len(x)}`",
            evaluate=True,
        )

    def test_errors(self) -> None:
        """What an expression raises names it."""
        self.assertEqual("{1/0} raised ZeroDivisionError: division by zero", self.refused("{1/0}", evaluate=True))
        self.assertIn(
            "{nme.upper()} raised NameError: name 'nme' is not defined", self.refused("{nme.upper()}", evaluate=True)
        )
        self.assertIn("there is no variable 'nme'", self.refused("{nme}", evaluate=True))

    def test_leaves_nothing(self) -> None:
        """The notebook has no name afterwards that it had not before."""
        names = {"n": 1}
        self.assertEqual("4", insert("{max((z := 3), 1) + n}", names, evaluate=True).text)
        self.assertEqual({"n": 1}, names)


class TestValues(InsertsTestCase):
    """How values stand in the text."""

    def test_images(self) -> None:
        """What draws itself is mentioned, and given along, each once."""
        figure = Figure()
        axes = figure.subplots()
        red = Image.new("RGB", (2, 2), "red")
        shown = Shown(b"\x89PNG\r\n\x1a\n")

        class Draws:
            def _repr_mimebundle_(self, **_: Any) -> dict[str, bytes]:
                return {"image/png": b"\x89PNG\r\n\x1a\n"}

        names = {"fig": figure, "ax": [axes], "red": red, "shown": shown, "own": Draws()}
        text, images, _ = insert("See {fig}, {ax[0]}, {red}; {fig}, {shown}, {own}", names)
        self.assertEqual(
            "See [image 1: fig], [image 2: ax[0]], [image 3: red]; [image 1: fig], [image 4: shown], [image 5: own]",
            text,
        )
        expected = [figure, axes, red, shown, names["own"]]
        self.assertTrue(all(one is other for one, other in zip(expected, images, strict=True)))
        for image in images:
            self.assertTrue(image_part(image)["image_url"]["url"].startswith("data:image/png"))

    def test_no_images(self) -> None:
        """What shows itself otherwise, says itself, or is a class, is text."""

        class Page:
            _repr_png_ = None

            def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
                return {"text/html": "<b>"}

            def __repr__(self) -> str:
                return "a page"

        class Says(Image.Image):
            def _repr_llm_(self) -> str:
                return "said"

        names = {
            "page": Page(),
            "kind": Figure,
            "says": Says(),
            "data": b"\x89PNG\r\n\x1a\n",
            "path": "a.png",
            "mpl": mpl,
        }
        text, images, _ = insert("{page} {says} {data} {path} {kind} {mpl}", names)
        self.assertEqual([], images)
        self.assertTrue(text.startswith("a page said bytes of length 8"), text)

    def test_cannot_be_drawn(self) -> None:
        """An error of the drawing that nobody foresaw names the variable."""

        class Bad:
            def _repr_png_(self) -> bytes:
                raise ZeroDivisionError("no")

        with self.assertRaisesRegex(InputError, "drawing bad raised ZeroDivisionError: no"):
            insert("{bad}", {"bad": Bad()})

    def test_tables_stand_apart(self) -> None:
        """A value of several lines has blank lines around it; a text stands where it was put."""
        table = "DataFrame, 1 rows x 1 columns. Types: a int64\n\n| a |\n| --- |\n| 1 |"
        names = {"df": pd.DataFrame({"a": [1]}), "text": "one\ntwo"}
        for text, expected in (
            ("{df}", table),
            ("See {df} there", f"See \n\n{table}\n\n there"),
            ("See\n{df}\nthere", f"See\n\n{table}\n\nthere"),
            ("See\n\n{df}\n\nthere", f"See\n\n{table}\n\nthere"),
            ("\n{df}\n", f"\n{table}\n"),
            ("({text})", "(one\ntwo)"),
        ):
            with self.subTest(text):
                self.assertEqual(expected, insert(text, names).text)

    def test_limit(self) -> None:
        """Of each value, not of all."""
        names = {"long": "z" * 100}
        self.assertEqual(
            "zzzzz\n… 95 more characters, zzzzz\n… 95 more characters", insert("{long}, {long}", names, limit=5).text
        )

    def test_keys(self) -> None:
        """A key is stars, and so is each part of it."""
        names = {"key": Key("sk-secret"), "box": SimpleNamespace(key=Key("sk-secret")), "d": {"key": Key("sk-secret")}}
        text = insert("{key} {key[3:]} {key.upper} {box} {box.key} {d} {d['key']}", names).text
        self.assertNotIn("secret", text)
        self.assertTrue(text.startswith("*** *** *** "), text)

    def test_secrets(self) -> None:
        """What has the name of a secret, where it stands or within, is stars; tokens and words are told."""
        names = {
            "api_key": "hunter2",
            "auth": ("me", "hunter2"),
            "pin": SimpleNamespace(password="hunter2", user="me"),
            "config": {"a": [{"db_password": 22222, "credentials": {"x": "hunter2"}, "tokens": 5, "password": None}]},
            "rows": [{"token": "the", "key": "population"}],
            "tokenizer": "gpt2-abc123",
            "key": "population",
            "environ": os.environ,
            "url": "postgres://me:hunter2@host/db",
            "cell": "PASSWORD = 'hunter2'",
            "text": "Bearer hunter2abc",
        }
        scrubber = Scrubber()
        asked = insert(" ".join(f"{{{name}}}" for name in names), names, scrubber=scrubber).text
        self.assertNotIn("hunter2", asked)
        self.assertNotIn("22222", asked)
        self.assertEqual(asked.count("***"), scrubber.count)
        for told in ('tokens": 5', "the", "population", "gpt2-abc123", "user='me'", 'password": null', "@host/db"):
            self.assertIn(told, asked)
        for path, expected in (
            ("{pin.password}", "***"),
            ("{pin.user}", "me"),
            ("{config['a'][0]['db_password']}", "***"),
            ("{rows[0]['token']}", "the"),
            ("{auth[1]}", "***"),
            ("hunter2 is mine", "hunter2 is mine"),
        ):
            self.assertEqual(expected, insert(path, names).text)

    def test_known_secrets(self) -> None:
        """What a variable or the environment holds under the name of a secret is stars elsewhere, too."""
        client = Client("OpenAI", api_key="of-a-client")
        names = {"db_password": "of-a-variable", "client": client, "text": "of-a-variable, of-a-client, of-the-env"}
        with mock.patch.dict(os.environ, {"MY_TOKEN": "of-the-env"}):
            self.assertEqual("***, ***, ***", insert("{text}", names).text)
            self.assertEqual("***, ***, ***", insert("{text.strip()}", names, evaluate=True).text)
        long = {"db_password": "of-a-variable", "text": "x" * 95 + "of-a-variable"}
        self.assertNotIn("of-a", insert("{text}", long, limit=100).text)

    def test_tables(self) -> None:
        """Columns with the names of secrets are stars; a column of tokens or keys is data."""
        frame = pd.DataFrame(
            {"password": ["hunter2", "x"], "token": ["the", "a"], "key": [1, 2], "api_key": [7654321, 2]}
        )
        asked = insert("{frame}", {"frame": frame}).text
        self.assertNotIn("hunter2", asked)
        self.assertNotIn("7654321", asked)
        self.assertIn("| *** | the | 1 | *** |", asked)

    def test_iterators(self) -> None:
        """None is consumed."""

        def count() -> Iterator[int]:
            yield from range(3)

        numbers = count()
        self.assertIn("<generator object", insert("{numbers}", {"numbers": numbers}).text)
        self.assertEqual([0, 1, 2], list(numbers))


class TestCost(unittest.TestCase):
    """It is not noticed."""

    def test_large(self) -> None:
        """A long text, long JSON, signs that begin what never ends: none takes more than its length says."""
        for text in (
            "words `$ \\f r" * 40_000,
            '{"a": [{"b": 1}]} ' * 5_000,
            "{" * 50_000,
            '\\( $$ `` \\[ \\begin{a} f""" $ ' * 1_000,
        ):
            with self.subTest(text[:20]):
                self.assertLess(cost(partial(insert, f"{text}{{name}}", NAMES)), 1000)

    def test_table(self) -> None:
        """Ten million rows are summarised in milliseconds."""
        names = {"df": pd.DataFrame({"a": np.zeros(10_000_000)})}
        self.assertLess(cost(lambda: insert("{df}", names)), 100)


class TestNothingIsImported(unittest.TestCase):
    """pandas, numpy and matplotlib are the user's."""

    def test_imports(self) -> None:
        """Values of all kinds are told without them."""
        code = """
            import sys
            from g4f_jupyter.inserts.inserts import insert
            names = {"a": 1, "d": {"k": [1.5]}, "f": len, "m": sys, "o": object(), "e": ValueError("x")}
            print(len(insert(" ".join(f"{{{name}}}" for name in names), names).images))
            print({"numpy", "pandas", "matplotlib", "PIL"} & set(sys.modules))
        """
        self.assertEqual("0\nset()\n", script.run(code))
