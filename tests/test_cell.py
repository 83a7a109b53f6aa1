"""The cell people trust: whose turn is which, what is sent, how it is shown, and what it has used. In a real kernel."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from typing import Any

from g4f.markdown import literal
from g4f.providers.rows import ROWS

from .kernel import Cell, Kernel
from .test_magics import SETUP, ChatTestCase

STALE = "stale: what stands above has changed since. Run its cell again"


class CellTestCase(ChatTestCase):
    """A kernel, and what front ends send with a cell."""

    def send(self, code: str, **metadata: Any) -> Cell:
        """Run a cell as a front end sends it."""
        return self.kernel.run(code, metadata=metadata)

    def shown(self, code: str, **metadata: Any) -> dict[str, str]:
        """Return the one display of a cell that ends well."""
        cell = self.send(code, **metadata)
        self.assertEqual("ok", cell.status, cell.reply.get("traceback"))
        [shown] = cell.displays
        return shown

    def failure(self, code: str, **metadata: Any) -> str:
        """Return the one line of a cell that fails."""
        cell = self.send(code, **metadata)
        self.assertEqual("error", cell.status)
        [line] = cell.reply["traceback"]
        return str(line)


def seen(cell: Cell, display: str) -> str:
    """Return what an execution made of a display of another cell."""
    shown = [content["data"] for _, content in cell.outputs if content["transient"]["display_id"] == display]
    return str(shown[-1]["text/markdown"])


class TestTurns(CellTestCase):
    """A turn belongs to its cell."""

    def test_stale(self) -> None:
        """An answer whose turns above have changed says so in its cell, and below the next; until it is true again."""
        self.chat("-p Echo --new", "first", "stale 1")
        second = self.chat("-p Echo", "second", "stale 2")
        [shown] = second.displays
        [display] = {content["transient"]["display_id"] for _, content in second.outputs}
        self.chat("-p Echo", "first", "stale 1")
        self.assertNotIn(STALE, self.shown("%chat_history")["text/plain"])
        changed = self.chat("-p Echo", "first, better", "stale 1")
        self.assertEqual(f"You said second\n\n<sub>{STALE}</sub>", seen(changed, display))
        self.assertIn(f"[2] second ({STALE})", self.shown("%chat_history")["text/plain"])
        third = self.shown("%%chat -p Echo\nthird", cellId="stale 3")
        self.assertIn('1 of the turns above is stale: run its cell again ("second")', third["text/markdown"])
        self.assertEqual("You said third", third["text/plain"])
        back = self.chat("-p Echo", "first", "stale 1")
        self.assertEqual(shown["text/markdown"], seen(back, display))
        self.chat("-p Echo", "first, better", "stale 1")
        self.chat("-p Echo", "second", "stale 2")
        self.assertNotIn(f"[2] second ({STALE})", self.shown("%chat_history")["text/plain"])

    def test_stale_after_a_move(self) -> None:
        """So does one above which a turn was that a cell has taken to another conversation."""
        self.chat("-p Echo --new", "first", "moved 1")
        second = self.chat("-p Echo", "second", "moved 2")
        [display] = {content["transient"]["display_id"] for _, content in second.outputs}
        changed = self.chat("-p Echo --thread elsewhere", "first", "moved 1")
        self.assertEqual(f"You said second\n\n<sub>{STALE}</sub>", seen(changed, display))

    def test_deleted_cell(self) -> None:
        """The turn of a deleted cell leaves; what was answered below it is stale."""
        self.chat("-p Echo --new", "first", "a")
        self.chat("-p Echo", "second", "b")
        self.send("%%chat -p Echo\nthird", cellId="c", deletedCells=["a", "never seen"])
        self.assertEqual(["second", "You said second", "third"], self.asked())
        self.assertIn(f"[1] second ({STALE})", self.shown("%chat_history")["text/plain"])

    def test_threads(self) -> None:
        """Conversations by name are apart; `--once` neither reads nor keeps one."""
        self.chat("-p Echo --new", "here")
        self.chat("-p Echo --thread there", "there")
        self.assertEqual(["there"], self.asked())
        self.chat("-p Echo --once", "nowhere")
        self.assertEqual(["nowhere"], self.asked())
        self.chat("-p Echo", "here again")
        self.assertEqual(["here", "You said here", "here again"], self.asked())
        self.assertEqual("[1] there\nYou said there", self.shown("%chat_history --thread there")["text/plain"])
        self.assertIn("Did you mean 'there'?", self.failure("%chat_history --thread thee"))

    def test_undo(self) -> None:
        """The last turn is taken out, until there is none."""
        self.chat("-p Echo --new", "first")
        self.chat("-p Echo", "second")
        self.assertEqual("[1] first\nYou said first", self.shown("%chat_undo")["text/plain"])
        self.assertEqual("no turns yet", self.shown("%chat_undo")["text/plain"])
        self.assertIn("nothing to undo", self.failure("%chat_undo"))

    def test_export_and_import(self) -> None:
        """A conversation in a file goes on in another thread; broken files change nothing."""
        with tempfile.TemporaryDirectory() as folder:
            file, broken = Path(folder, "chat.json"), Path(folder, "broken.json")
            self.chat("-p Echo --new -s 'be brief'", "first")
            self.assertEqual([], self.send(f"%chat_history --json {file}").outputs)
            self.shown(f"%chat_history --thread copy --load {file}")
            self.chat("-p Echo --thread copy", "second")
            self.assertEqual(["be brief", "first", "You said first", "second"], self.asked())
            broken.write_text("{", encoding="utf-8")
            for name, told in ((broken, "to_json"), (Path(folder, "none"), "cannot be read"), (folder, "cannot be")):
                self.assertIn(told, self.failure(f"%chat_history --load {name}"))
            self.assertIn("[1] first", self.shown("%chat_history")["text/plain"])

    def test_typed(self) -> None:
        """The history has a question as it was typed, and what was sent in a fold; that of a file its beginning."""
        self.kernel.run("rows = 'row | ' * 500\nname = 'Ada'")
        self.chat("-p Many --new --max-tokens 2", "Which of {rows} is it?\n\n*Say* {name}.")
        self.chat("-p Many --max-tokens 2", "{{name}}")
        self.chat("-p Many --max-tokens 2", "nothing in it")
        shown = self.shown("%chat_history")
        text = "Which of {rows} is it?\n\n*Say* {name}. (sent with its values: 3,028 characters)"
        self.assertTrue(shown["text/plain"].startswith(f"[1] {text}\n0 1 "), shown["text/plain"])
        self.assertIn("[2] {{name}} (sent with its values: 6 characters)\n", shown["text/plain"])
        self.assertIn("[3] nothing in it\n", shown["text/plain"])
        title, fold = "> Which of {rows} is it?", "<details><summary>sent with its values: 3,028 characters</summary>"
        before, sent = shown["text/markdown"].split(fold)
        self.assertIn(title, before)
        self.assertNotIn("row |", before)
        self.assertTrue(
            sent.startswith(f"\n\n```\nWhich of {'row | ' * 500} is it?\n\n*Say* Ada.\n```\n\n</details>\n\n0 1"), sent
        )
        self.assertEqual(2, shown["text/markdown"].count("<details>"))
        self.kernel.run("rows = 'other'")
        self.assertEqual(shown, self.shown("%chat_history"))
        with tempfile.TemporaryDirectory() as folder:
            self.send(f"%chat_history --json {folder}/chat.json")
            read = self.shown(f"%chat_history --thread read --load {folder}/chat.json")
        self.assertTrue(
            read["text/plain"].startswith(f"[1] Which of {'row | ' * 165}r… (the whole question: 3,028 characters)\n"),
            read["text/plain"],
        )
        self.assertIn("<summary>the whole question: 3,028 characters</summary>", read["text/markdown"])
        self.assertEqual(1, read["text/markdown"].count("<details>"))
        self.kernel.run("rows = 'row | ' * 500")
        self.chat("-p Many --new --max-tokens 2 -s {rows}", "first")
        prompted = self.shown("%chat_history")
        self.assertIn(f"System: {'row | ' * 166}row …\n", f"{prompted['text/plain']}")
        self.assertLess(len(prompted["text/markdown"]), 4_000)

    def test_cut_off(self) -> None:
        """A turn whose answer was cut is marked in the history, also in that of a file."""
        self.chat("-p Many --new --max-tokens 2", "*first*")
        with tempfile.TemporaryDirectory() as folder:
            self.send(f"%chat_history --json {folder}/chat.json")
            for line in ("", f"--thread cut --load {folder}/chat.json"):
                shown = self.shown(f"%chat_history {line}")
                self.assertEqual("[1] *first*\n0 1 \n\n[cut off: the limit of its length]", shown["text/plain"])
                self.assertIn("0 1 \n\n*[cut off: the limit of its length]*", shown["text/markdown"])

    def test_longer_than_the_context(self) -> None:
        """The oldest turns are left out, and a line below the answer says so."""
        for number in range(3):
            self.chat(f"-p Echo {'--new' * (not number)}", str(number))
        shown = self.shown("%%chat -p Narrow\nnow")
        self.assertEqual("3", shown["text/plain"])
        self.assertIn("without the oldest 2 turns", shown["text/markdown"])


class TestSent(CellTestCase):
    """What is sent is under control."""

    def test_options(self) -> None:
        """Each option reaches the provider, from the line or from the settings; the line wins."""
        line = "--temperature 0.5 --max-tokens 7 --seed 3 --stop a --stop 'b c' --reasoning-effort low --set top_k=2"
        expected = {"max_tokens": 7, "reasoning_effort": "low", "seed": 3, "stop": ["a", "b c"], "stream": True}
        self.shown(f"%%chat -p Options --once {line}\n?")
        self.assertEqual(expected | {"temperature": 0.5, "top_k": 2}, self.asked())
        self.shown("%%chat -p Options --on --temp 0.5 --see=3\n?")  # what begins one option only stands for it
        self.assertEqual({"seed": 3, "stream": True, "temperature": 0.5}, self.asked())
        self.kernel.run("form = {'type': 'json_object'}")
        self.shown("%%chat -p Options --once --set response_format={form}\n?")
        self.assertEqual({"response_format": {"type": "json_object"}, "stream": True}, self.asked())
        self.assertIn("Did you mean 'form'", self.failure("%%chat -p Options --set response_format={fom}\n?"))
        self.kernel.run("%config ChatMagics.temperature = 0.1\n%config ChatMagics.seed = 1")
        try:
            self.shown("%%chat -p Options --once --seed 2\n?")
            self.assertEqual({"seed": 2, "stream": True, "temperature": 0.1}, self.asked())
        finally:
            self.kernel.run("%config ChatMagics.temperature = None\n%config ChatMagics.seed = None")

    def test_dry_run(self) -> None:
        """What would be sent is shown, keys as stars, and nothing is sent or kept."""
        self.chat("-p Echo --new -s system", "first", "a")
        before = self.kernel.run("len(asked)").result
        shown = self.shown('%%chat --dry-run -p OpenAI --set api_key="sk-secret" --temperature 0.5\nnext', cellId="b")
        for text in ("https://api.openai.com/v1", "gpt-", "temperature = 0.5", "api_key = '***'", "first", "next"):
            self.assertIn(text, shown["text/plain"])
        self.assertNotIn("sk-secret", repr(shown))
        self.assertIn("about 7 tokens", shown["text/plain"])
        self.assertEqual(before, self.kernel.run("len(asked)").result)
        self.assertNotIn("next", self.shown("%chat_history")["text/plain"])

    def test_budget(self) -> None:
        """Once so many tokens are used, nothing more is asked, until the budget is raised."""
        self.chat("-p Thinks --once", "?")
        told = self.failure("%%chat -p Echo --budget 1000\n?")
        self.assertIn("the budget of 1,000 tokens is used up (1,", told)
        self.assertIn("budget", self.failure("%%chat -p Echo\n?"))
        self.assertEqual("You said ?", self.shown("%%chat -p Echo --budget 0\n?")["text/plain"])

    def test_edge_of_the_budget(self) -> None:
        """A budget is used up by its last token, of all answers together."""
        with Kernel() as kernel:
            kernel.run(SETUP)
            for _ in range(2):
                kernel.run("%chat -p Thinks --once ?")
            self.assertIn(
                "the budget of 2,468 tokens is used up (2,468 so far)",
                kernel.run("%chat -p Thinks --budget 2468 ?").error,
            )
            self.assertEqual("", kernel.run("%chat -p Thinks --budget 2469 ?").error)

    def test_bad_input(self) -> None:
        """An option with a wrong type or value is one line, and nothing is sent."""
        before = self.kernel.run("len(asked)").result
        for line, told in (
            ("--temperature hot", "--temperature: invalid float value: 'hot'"),
            ("--max-tokens 1.5", "--max-tokens: invalid int value: '1.5'"),
            ("--max-tokens -1", "max_tokens must be a positive whole number"),
            ("--seed x", "--seed: invalid int value: 'x'"),
            ("--timeout 0", "timeout must be a number of seconds above 0"),
            ("--budget many", "--budget: needs a number of tokens, 0 for no limit, not 'many'"),
            ("--format html", "invalid choice: 'html'"),
            ("--set top_k", "--set: needs NAME=VALUE, not 'top_k'"),
            ('--set a={"b":1}', "--set: needs JSON after the =, in single quotes, not '{b:1}'"),
            ("--set nonsense=1", "does not take the option 'nonsense'"),
            ("--image /no/such.png", "cannot be read from '/no/such.png'"),
            ("--image aske", "there is no variable and no file 'aske'. Did you mean 'asked'"),
            ("-p Opton", "there is no provider 'Opton'. Did you mean 'Options'"),
            ("-p 'Echo Loca'", "there is no provider 'Loca'. Did you mean 'Local'"),
            ("--budget -1", "--budget: needs a number of tokens, 0 for no limit, not '-1'"),
            ("--thread", "--thread: expected one argument"),
            ("--temprature 1", "no option '--temprature'. Did you mean '--temperature'? %chat? lists the options."),
            ("--t 1", "no option '--t'. Did you mean '--thread' or '--tool' or '--tape' or"),
        ):
            with self.subTest(line):
                self.assertIn(told, self.failure(f"%%chat -p Echo {line}\n?"))
        self.assertEqual(before, self.kernel.run("len(asked)").result)

    def test_variables(self) -> None:
        """What stands in braces is the value of a variable, an image where it is one; unknown names are told unsent."""
        self.kernel.run("import pandas\nsales = pandas.DataFrame({'city': ['Rome'], 'sold': [12]})\nlimit = [10, 20]")
        asked = self.shown("%%chat -p Echo --once\nMore than {limit[1]}? {sales}")["text/plain"]
        self.assertIn("More than 20?", asked)
        self.assertIn("| Rome | 12 |", asked)
        self.assertIn("Did you mean 'limit' or", self.failure("%%chat -p Echo --once\nMore than {limits}?"))
        self.assertIn("--eval", self.failure("%%chat -p Echo --once\nMore than {sum(limit)}?"))
        self.assertIn("30?", self.shown("%%chat -p Echo --once --eval\nMore than {sum(limit)}?")["text/plain"])
        self.assertIn("no variable 'quit'", self.failure("%%chat -p Echo --once\nWhat is {quit}?"))
        self.kernel.run("from PIL import Image; dot = Image.new('RGB', (2, 2))")
        sent = self.shown("%%chat -p OpenAI --set api_key=k --dry-run --once\nWhat is {dot}?")["text/plain"]
        self.assertIn("[an image: image/png, ", sent)

    def test_last_error(self) -> None:
        """`%chat_fix` asks about the last error: its cell, its line, and the variables there."""
        self.kernel.run(
            "def halve(number):\n    share, api_key = number * 1, 'sk-secret'[:9]\n    return share / 0\n\nhalve(21)"
        )
        asked = self.shown("%chat_fix -p Echo --once")["text/plain"]
        for text in ("ZeroDivisionError: division by zero", "-->     return share / 0", "--> halve(21)", "share = 21"):
            self.assertIn(text, asked)
        self.assertIn("api_key = ***", asked)
        self.assertNotIn("sk-secret", asked)
        asked = self.shown("%%chat --error -p Echo --once\nWhose fault is it?")["text/plain"]
        self.assertTrue(asked.endswith("Whose fault is it?"), asked)
        self.assertIn("share = 21", asked)

    def test_what_is_no_python(self) -> None:
        """Of a cell or a module that cannot be read as Python, its lines are sent."""
        for code, line in (
            ("x = (1,\ny = 2", "--> x = (1,\n    y = 2\n"),
            ("good = 1\nx = )", "    good = 1\n--> x = )\n"),
        ):
            with self.subTest(code):
                self.kernel.run(code)
                asked = self.shown("%chat_fix -p Echo --once")["text/plain"]
                self.assertIn(f"In this cell:\n```python\n{line}```", asked)
                self.assertNotIn("compile", asked)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "no_python.py").write_text("a = 1\n\n\n\n\nb = (\n", encoding="utf-8")
            self.kernel.run(f"import sys; sys.path.insert(0, {folder!r})\nimport no_python")
            asked = self.shown("%chat_fix -p Echo --once")["text/plain"]
        self.assertIn("--> import no_python\n", asked)
        self.assertIn("In no_python.py, from line 3:\n```python\n    \n    \n    \n--> b = (\n```", asked)

    def test_causes(self) -> None:
        """What caused the last error, and what is in a group, is sent: type, message, line and variables, each once."""
        tries = "try:\n        return {{}}[name]\n    except KeyError as e:"
        raises = f"def load(name):\n    {tries}\n        raise {{}}\nload('```')"
        for raised, words in (
            ("ValueError('no') from e", "ValueError: no\nCaused by: KeyError: '```'"),
            ("ValueError('no')", "ValueError: no\nRaised while this was handled: KeyError: '```'"),
            ("ValueError('no') from None", "ValueError: no"),
        ):
            with self.subTest(raised):
                self.kernel.run(raises.format(raised))
                asked = self.shown("%chat_fix -p Echo --once")["text/plain"]
                fence = "````" if "KeyError" in words else "```"
                self.assertIn(f"{fence}\n{words}\n{fence}", asked)
                self.assertEqual("None" not in raised, "-->         return {}[name]" in asked)
                self.assertEqual(1, asked.count("name = '```'"))
        self.kernel.run("raise ExceptionGroup('many', [ValueError(i) for i in range(9)])")
        cell = self.send("%chat_fix -p Echo --once")
        self.assertIn("ExceptionGroup: many (9 sub-exceptions)\nIn the group: ValueError: 0\n", cell.screen)
        self.assertIn("the last error: only 5 of 10 errors were sent", cell.displays[0]["text/markdown"])
        self.kernel.run("e = ValueError('circle')\ne.__cause__ = e\nraise e")
        self.assertEqual(1, self.send("%chat_fix -p Echo --once").screen.count("ValueError: circle"))

    def test_secrets(self) -> None:
        """No secret of the variables, the environment, the code or the message is sent; a line says how many."""
        self.kernel.run(
            "import os; os.environ['OPENAI_API_KEY'] = 'sk-' + 'env-000111222'\n"
            "def call(headers, options, url, env, pwd, tokens):\n"
            "    token = 'tok-' + '121212ab'\n"
            "    both = headers, options, url, env, pwd\n"
            "    raise ValueError(f'no {pwd} for {env[\"OPENAI_API_KEY\"]}')\n"
            "call({'Authorization': 'Bearer ' + 'tok-333444'}, {'api_key': 'opt-' + '555666'},\n"
            "    'postgres://u:' + 'pw777888@h/db', dict(os.environ), 'pwd-' + '999000', 12345)"
        )
        try:
            shown = self.shown("%chat_fix -p Echo --once")
            asked = shown["text/plain"]
            for text in ("env-000111222", "121212ab", "tok-333444", "opt-555666", "pw777888", "pwd-999000"):
                self.assertNotIn(text, asked)
            for text in ("tokens = 12345", "ValueError: no *** for ***", "pwd = ***"):
                self.assertIn(text, asked)
            self.assertRegex(shown["text/markdown"], r"\d+ secret values were not sent: stars stand in their place")
            shown = self.shown("%%chat -p Echo --once\nIs {os.environ['OPENAI_API_KEY']} what sk-env-000111222 is?")
            self.assertEqual("You said Is *** what sk-env-000111222 is?", shown["text/plain"])
            self.assertIn("1 secret value was not sent: stars stand in its place", shown["text/markdown"])
            self.assertNotIn("not sent", self.shown("%%chat -p Echo --once\n{1}")["text/markdown"])
            dry = self.shown("%%chat -p OpenAI --once --dry-run --set base_url=http://me:hunter2@h/v1?key=hunter2\n?")
            self.assertNotIn("hunter2", repr(dry))
            self.assertIn("base_url = 'http://h/v1'", dry["text/plain"])
            told = self.failure("%%chat -p OpenAI --set http_client=1\n?")
            self.assertIn("there is no option 'http_client' here: give proxy=", told)
        finally:
            self.kernel.run("del os.environ['OPENAI_API_KEY']")

    def test_error_before_a_chat_failed(self) -> None:
        """A chat that failed is not the error that is asked about, on however many tries."""
        self.kernel.run("1 / 0")
        for line in ("%chat_fix -p Limited --once", "%%chat -p Limited --once\n?", "%chat_fix -p Eco --once"):
            self.failure(line)
        self.assertIn("ZeroDivisionError", self.shown("%chat_fix -p Echo --once")["text/plain"])


class TestTape(CellTestCase):
    """Answers are recorded, and given again without asking."""

    def test_record_and_replay(self) -> None:
        """A recorded answer is the same display, says in its metadata that it is replayed, and asks nobody."""
        with tempfile.TemporaryDirectory() as folder:
            self.kernel.run(f"%config ChatMagics.tape_file = '{folder}/tape.jsonl'")
            first = self.shown("%%chat -p Thinks --once --tape auto\n?")
            again = self.send("%%chat -p Thinks --once --tape replay -o told\n?")
            self.assertEqual([first], again.displays)
            self.assertTrue(again.outputs[-1][1]["metadata"]["g4f_jupyter"]["replayed"])
            self.assertEqual("('hm <b>', True)", self.kernel.run("told.reasoning, told.replayed").result)
            before = self.kernel.run("len(asked)").result
            self.kernel.run("%config ChatMagics.tape = 'replay'")
            told = self.failure("%%chat -p Echo --once\nnever asked before")
            self.assertIn("never asked before", told)
            self.assertEqual(before, self.kernel.run("len(asked)").result)
            self.kernel.run("%config ChatMagics.tape = ''")


class TestOutput(CellTestCase):
    """How an answer is shown."""

    def say(self, text: str, line: str = "") -> dict[str, str]:
        """Show an answer of these words."""
        self.kernel.run(f"said = {text!r}")
        return self.shown(f"%%chat -p Says --once {line}\n?")

    def test_formats(self) -> None:
        """Text as it is, JSON in lines, of code only what is code."""
        self.assertEqual({"text/plain": "*a*"}, self.say("*a*", "-f text"))
        self.assertIn('{\n  "a": 1\n}', self.say('{"a":1}', "-f json")["text/markdown"])
        code = self.say("Here:\n```python\nprint(1)\n```\nDone.", "-f code")
        self.assertEqual(("print(1)", "```python\nprint(1)\n```"), (code["text/plain"], code["text/markdown"]))

    def test_json(self) -> None:
        """JSON is read in a fence, too, and stays as it was written."""
        for text in (
            '{"a": 1.10, "a": "é"}',
            '```json\n{"a":1.10,"a":"é"}\n```',
            'Here it is:\n\n```\n{"a": 1.10, "a": "é"}\n```\n\nAnything else?',
            '```JSON\n{"a": 1.10, "a": "é"}\n```\n```python\nprint()\n```',
        ):
            with self.subTest(text):
                shown = self.say(text, "-f json")
                self.assertEqual('{\n  "a": 1.10,\n  "a": "é"\n}', shown["text/plain"])
                self.assertEqual(f"```json\n{shown['text/plain']}\n```", shown["text/markdown"])

    def test_calls_before_json(self) -> None:
        """An answer that only calls tools is no failure: the JSON is still to come."""
        self.kernel.run(
            f"{ENDS}\nfrom g4f.providers.response import ToolCall\nitems = (ToolCall(0, 'a', 'f', '{{}}'),)"
        )
        self.assertEqual("[calls]\n\n```\nf({})\n```", self.shown("%%chat -p Ends --once -f json\n?")["text/plain"])
        self.kernel.run("items = ('no', *items)")
        self.assertIn("the answer is not JSON", self.failure("%%chat -p Ends --once -f json\n?"))

    def test_no_json(self) -> None:
        """What is no JSON fails its cell, stands there all the same, is in the variable, and leaves no turn."""
        self.kernel.run(ENDS)
        self.chat("-p Echo --new", "first")
        for said, reason, told in (
            ("Yes.", "stop", "the answer is not JSON: Expecting value"),
            ('{"a": NaN}', "stop", "the answer is not JSON: NaN is no number"),
            ("[" * 100_000, "stop", "the answer is not JSON: it is nested too deeply"),
            ("```\n1\n```\n```\n2\n```", "stop", "the answer is not JSON: it has 2 blocks of JSON"),
            ('{"a": ', "length", "the answer is not JSON (cut off: the limit of its length): Expecting value"),
        ):
            with self.subTest(told):
                self.kernel.run(f"items = said, _ = {said!r}, FinishReason({reason!r})")
                cell = self.send("%%chat -p Ends -f json -o out\n?")
                [line] = cell.reply["traceback"]
                self.assertIn(f"ResponseError: Ends: {told}", line)
                shown = cell.displays[0]["text/plain"].partition("\n\n[")[0]
                self.assertEqual("".join(said.split()), "".join(shown.split()))  # in lines, if it looks like JSON
                self.assertEqual("True", self.kernel.run("str(out) == said").result)
        self.chat("-p Echo", "second")
        self.assertEqual(["first", "You said first", "second"], self.asked())

    def test_money_and_images(self) -> None:
        """Money is no formula; images are shown only where they are asked for."""
        dollar = "<span>&#36;</span>"  # a bare one begins a formula in JupyterLab, escaped or not
        self.assertEqual(f"{dollar}5 and {dollar}10", self.say("$5 and $10")["text/markdown"])
        self.assertEqual("[a](http://b/c.png)", self.say("![a](http://b/c.png)")["text/markdown"])
        self.assertEqual("![a](http://b/c.png)", self.say("![a](http://b/c.png)", "--allow-images")["text/markdown"])

    def test_reasoning(self) -> None:
        """What the model thought is folded away, and not in the plain text."""
        shown = self.shown("%%chat -p Thinks --once\n?")
        folded = "<details><summary>Reasoning</summary>\n\nhm &lt;b>\n\n</details>\n\nthe answer"
        self.assertEqual({"text/plain": "the answer", "text/markdown": folded}, shown)

    def test_reasoning_without_its_tag(self) -> None:
        """Text that turns out to be thoughts goes where thoughts are: no form of the answer holds it at the end."""
        self.kernel.run(f"{ENDS}\nitems = 'hm <b>', '\\n</think>', '\\n\\n[', '1]'")
        folded = "<details><summary>Reasoning</summary>\n\nhm &lt;b>\n\n</details>\n\n"
        for form, plain, markdown in (
            ("markdown", "[1]", "&#91;1&#93;"),
            ("text", "[1]", None),
            ("json", "[\n  1\n]", "```json\n[\n  1\n]\n```"),
        ):
            with self.subTest(form):
                cell = self.send(f"%%chat -p Ends --once -o out -f {form}\n?")
                self.assertIn("hm <b>", cell.data("text/plain")[0])  # as it came
                shown = {"text/plain": plain} | ({"text/markdown": f"{folded}{markdown}"} if markdown else {})
                self.assertEqual([shown], cell.displays)
                self.assertEqual("('[1]', 'hm <b>\\n')", self.kernel.run("str(out), out.reasoning").result)
        self.kernel.run("items = 'hm', '\\n</think>\\n'")
        shown = self.shown("%%chat -p Ends --once\n?")
        self.assertEqual("[no text, only thoughts]", shown["text/plain"])

    def test_reasoning_without_its_tag_as_it_comes(self) -> None:
        """While the answer still comes, nothing of the thoughts stands outside of the fold either."""
        self.kernel.run(
            """
            class Forgets(AsyncGeneratorProvider):
                @classmethod
                async def create_async_generator(cls, model, messages):
                    yield "hm <b>\\n\\n" * 1000
                    yield "so\\n</think>\\n\\nthe *answer*"
                    await asyncio.Event().wait()
            """
        )
        cell = self.kernel.send("%%chat -p Forgets --once\n?")
        self.kernel.wait_for(cell, "the *answer*")
        self.kernel.interrupt()
        self.kernel.finish(cell)
        frames = [content["data"] for _, content in cell.outputs if "text/markdown" in content.get("data", {})]
        shown = [each["text/markdown"] for each in frames if each["text/plain"] == "the *answer*"]
        self.assertEqual({"the *answer*"}, {each.partition("</details>\n\n")[2] for each in shown})

    def test_status_below_a_text(self) -> None:
        """What is waited for takes the place of no text that came."""
        self.kernel.run(ENDS)
        self.kernel.run("items = 'half', Status('waiting')")
        cell = self.send("%%chat -p Ends --once\n?")
        self.assertEqual({"half"}, set(cell.data("text/plain")))

    def test_quiet(self) -> None:
        """`--quiet` shows nothing, and the variable has the answer, which knows how it came about."""
        self.assertEqual([], self.send("%%chat -p Thinks --once --quiet -o told\n?").outputs)
        asked = "told, told.reasoning, told.usage.total_tokens, told.provider, told.finish_reason, told.messages"
        expected = "('the answer', 'hm <b>', 1234, 'Thinks', 'stop', ({'role': 'user', 'content': '?'},))"
        self.assertEqual(expected, " ".join(self.kernel.run(asked).result.split()))

    def test_footer(self) -> None:
        """Who answered, tokens and seconds stand below what a person sees, and in the metadata, not in the text."""
        self.kernel.run("%config ChatMagics.footer = True")
        try:
            cell = self.send("%%chat -p Thinks --once\n?")
        finally:
            self.kernel.run("%config ChatMagics.footer = False")
        [shown] = cell.displays
        self.assertEqual("the answer", shown["text/plain"])
        self.assertRegex(shown["text/markdown"], r"\n\n<sub>Thinks · 1,200 \+ 34 tokens · \d+\.\d s</sub>$")
        told = cell.outputs[-1][1]["metadata"]["g4f_jupyter"]
        self.assertEqual(("Thinks", 1200, 34), (told["provider"], told["prompt_tokens"], told["completion_tokens"]))

    def test_cut_off(self) -> None:
        """An answer that is cut off says so, above what it used."""
        self.kernel.run("%config ChatMagics.footer = True")
        try:
            shown = self.shown("%%chat -p Many --once --max-tokens 2\n?")
        finally:
            self.kernel.run("%config ChatMagics.footer = False")
        self.assertEqual("0 1 \n\n[cut off: the limit of its length]", shown["text/plain"])
        self.assertRegex(shown["text/markdown"], r"(?s)\*\[cut off: the limit of its length\]\*\n\n<sub>Many")

    def test_ends(self) -> None:
        """Why an answer ended stands below it, in its own words if nobody knows them, and in the variable."""
        self.kernel.run(ENDS)
        for items, text, mark in (
            ('"a", FinishReason("content_filter")', "a", "cut off: the provider's content filter"),
            ('"a", FinishReason("pause_*turn*")', "a", "finish reason: pause_*turn*"),
            ('FinishReason("stop")', "", "no text"),
            ('" \\n", FinishReason("stop")', " \n", "no text"),
            ('FinishReason("length")', "", "no text; cut off: the limit of its length"),
            ('FinishReason("content_filter")', "", "no text; cut off: the provider's content filter"),
            ('Reasoning("hm"), FinishReason("stop")', "", "no text, only thoughts"),
            ('Reasoning("hm"), FinishReason("length")', "", "no text, only thoughts; cut off: the limit of its length"),
        ):
            with self.subTest(items):
                self.kernel.run(f"items = ({items},)\n%config ChatMagics.footer = True")
                shown = self.shown("%%chat -p Ends --once -o out\n?")
                self.kernel.run("%config ChatMagics.footer = False")
                self.assertEqual(f"{text}\n\n[{mark}]" if text else f"[{mark}]", shown["text/plain"])
                told = "" if text.strip() else "<sub>not added to the conversation: it has no text</sub>\n\n"
                self.assertIn(f"*[{literal(mark)}]*\n\n{told}<sub>Ends · ", shown["text/markdown"])
                self.assertEqual(f"{text!r} [{mark}]", self.kernel.run("print(repr(out), end='')").text)
                self.assertEqual(mark, self.kernel.run("print(out.mark, end='')").text)

    def test_what_stands_beside_the_end(self) -> None:
        """The server's words about an end, and what it sent that is no text, stand in the mark, once."""
        self.kernel.run(f"{ENDS}\nfrom g4f.providers.response import Omitted")
        for items, shown in (
            (
                '"a", FinishReason("content_filter", "not *today*")',
                "a\n\n[cut off: the provider's content filter (not *today*)]",
            ),
            ('"a", FinishReason("stop", "all is well")', "a"),
            ('Omitted("an image"), Omitted("an image"), FinishReason("stop")', "[no text; left out: an image]"),
            ('"a", Omitted("an image"), Omitted("a sound")', "a\n\n[left out: an image, a sound]"),
        ):
            with self.subTest(items):
                self.kernel.run(f"items = ({items},)")
                self.assertEqual(shown, self.shown("%%chat -p Ends --once\n?")["text/plain"])

    def test_without_text(self) -> None:
        """An answer that says nothing becomes no turn, and a line below it says so; what it said before stays."""
        self.kernel.run(f"{ENDS}\nimport g4f\nitems = (Reasoning('hm'), FinishReason('stop'))")
        self.chat("-p Echo --new", "first")
        shown = self.shown("%%chat -p Ends\nsecond")
        self.assertEqual("[no text, only thoughts]", shown["text/plain"])
        self.assertIn("<sub>not added to the conversation: it has no text</sub>", shown["text/markdown"])
        self.chat("-p Echo", "third")
        self.assertEqual(["first", "You said first", "third"], self.asked())
        self.assertEqual("[]", self.kernel.run("chat = g4f.Conversation(provider=Ends)\nchat('?')\nchat.turns").result)

    def test_variable_of_what_is_not_whole(self) -> None:
        """The variable has what came, marked, if the call fails or is interrupted; what never came replaces nothing."""
        self.failure("%%chat -p Limited --once -o out\n?")
        self.assertEqual("'half an ' [incomplete]", self.kernel.run("print(repr(out), end='')").text)
        self.failure("%%chat -p Waits --once -o out\nfail")
        self.assertEqual("'half an ' [incomplete]", self.kernel.run("print(repr(out), end='')").text)
        stuck = self.kernel.send("%%chat -p Stuck --once -o out\n?")
        self.kernel.wait_for(stuck, "as far as this")
        self.kernel.interrupt()
        self.kernel.finish(stuck)
        self.assertEqual("'as far as this' [interrupted]", self.kernel.run("print(repr(out), end='')").text)

    def test_nothing_beside_it_costs_the_answer(self) -> None:
        """A price list that fails leaves the cell, the variable and the turn as they are."""
        self.kernel.run(f"{ENDS}\n{PRICES_FAIL}\n%config ChatMagics.footer = True\nclass OpenAI(Ends): pass")
        self.kernel.run("items = ('Hello', Usage(1, 2, 3))")
        try:
            shown = self.shown("%%chat -p OpenAI --new -o out\nfirst")
            self.assertRegex(shown["text/markdown"], r"1 \+ 2 tokens · \d+\.\d s · cost unknown")
            self.assertEqual("'Hello'", self.kernel.run("print(repr(out), end='')").text)
            self.assertEqual("[1] first\nHello", self.shown("%chat_history")["text/plain"])
            self.assertEqual(
                ["OpenAI", "1", "3", "unknown"], self.usage("OpenAI")[0][:3] + self.usage("OpenAI")[0][-1:]
            )
        finally:
            self.kernel.run("%config ChatMagics.footer = False\ndel OpenAI, sys.modules['genai_prices']")

    def test_usage(self) -> None:
        """All answers of the notebook are summed by who gave them."""
        self.chat("-p Thinks --once", "?")
        [thinks] = self.usage("Thinks")
        self.assertEqual(int(thinks[1]) * 1234, int(thinks[2].replace(",", "")))

    def usage(self, provider: str) -> list[list[str]]:
        """Return the rows of `%chat_usage` of a provider."""
        lines = [line.split() for line in self.shown("%chat_usage")["text/plain"].splitlines()]
        return [line for line in lines if line[0] == provider]

    def test_usage_of_code(self) -> None:
        """A call from code counts, too: whole, streamed, in a conversation, in a thread, replayed, and if it fails."""
        self.kernel.run(f"{ENDS}\nimport g4f, threading\nclass Code(Ends): pass")
        self.kernel.run("items = ('x', Usage(1000, 500, 1500))\nconversation = g4f.Conversation(provider=Code)")
        for number, call in enumerate(
            (
                "g4f.ChatCompletion.create('', '?', Code)",
                "list(g4f.ChatCompletion.create('', '?', Code, stream=True))",
                "await g4f.ChatCompletion.create_async('', '?', Code)",
                "g4f.Client(Code).chat.completions.create('?')",
                "list(g4f.Client(Code).chat.completions.create('?', stream=True))",
                "conversation('?')",
                "t = threading.Thread(target=g4f.ChatCompletion.create, args=('', '?', Code)); t.start(); t.join()",
                "get_ipython().run_line_magic('chat', '-p Code --once ?')",
                "g4f.ChatCompletion.create('', '?', g4f.Provider.IterListProvider([Code]))",
            ),
            1,
        ):
            with self.subTest(call):
                self.assertEqual("ok", self.kernel.run(call).status)
                self.assertEqual([["Code", str(number), f"{1500 * number:,}"]], [row[:3] for row in self.usage("Code")])
        with tempfile.TemporaryDirectory() as folder:
            for call in range(2):
                self.kernel.run(f"with g4f.tape('{folder}/t'): g4f.ChatCompletion.create('', '?', Code)")
                self.assertEqual(str(number + 1 + call), self.usage("Code")[0][1])
        self.kernel.run("items = ('x' * 396, RateLimitError('broken'))")
        self.assertEqual("error", self.kernel.run("g4f.ChatCompletion.create('', '1234', Code)").status)
        self.assertEqual(["Code", "12", "about", "16,600"], self.usage("Code")[0][:4])
        self.assertIn("used up (about", self.failure("%%chat -p Echo --once --budget 16600\n?"))
        self.kernel.run("%config ChatMagics.budget = 0")

    def test_usage_of_what_is_not_whole(self) -> None:
        """An answer that failed or was interrupted counts as far as it came, by a guess if nobody counted it."""
        self.kernel.run(f"{ENDS}\nclass Fails(Ends): pass\nclass Stops(Stuck): pass")
        self.kernel.run("items = ('half', Usage(1000, 500, 1500), RateLimitError('broken'))")
        self.failure("%%chat -p Fails --once\n?")
        self.assertEqual([["Fails", "1", "1,500"]], [row[:3] for row in self.usage("Fails")])
        self.assertRegex(self.failure("%%chat -p Echo --once --budget 1500\n?"), "used up .*so far")
        self.kernel.run("items = ('x' * 400, RateLimitError('broken'))")
        self.failure("%%chat -p Fails --once --budget 0\n12345")
        self.assertEqual([["Fails", "2", "about", "1,602"]], [row[:4] for row in self.usage("Fails")])
        self.kernel.run("items = (RateLimitError('refused'),)")
        self.failure("%%chat -p Fails --once\n?")
        self.assertEqual("2", self.usage("Fails")[0][1])
        stuck = self.kernel.send("%%chat -p Stops --once\n??")
        self.kernel.wait_for(stuck, "as far as this")
        self.kernel.interrupt()
        self.kernel.finish(stuck)
        self.assertEqual([["Stops", "1", "about", "4"]], [row[:4] for row in self.usage("Stops")])


PRICES_FAIL = """
import sys, types
def fail(*_, **__):
    raise LookupError("no list")
sys.modules["genai_prices"] = types.ModuleType("genai_prices")
sys.modules["genai_prices"].Usage = sys.modules["genai_prices"].calc_price = fail
sys.modules["genai_prices"].__spec__ = types.SimpleNamespace()
"""

ENDS = """
class Ends(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        for item in items:
            if isinstance(item, Exception):
                raise item
            yield item
"""


class TestErrors(CellTestCase):
    """What went wrong is said in one line, and what to do."""

    def test_whole_traceback(self) -> None:
        """`%tb` shows the whole traceback, without the key."""
        self.failure('%%chat -p Limited --set api_key="sk-secret"\n?')
        self.kernel.run("%xmode Verbose")
        self.failure("%%chat -p Limited --once\n?")
        told = repr(self.kernel.run("%tb").messages)
        self.assertIn("Traceback (most recent call last)", told)
        self.assertIn("RateLimitError", told)
        self.assertNotIn("sk-secret", told)

    def test_missing_key(self) -> None:
        """The line names the variable; two more say how to give it without leaving it in a cell, or go without."""
        self.kernel.run("import os; os.environ.pop('OPENAI_API_KEY', None)")
        cell = self.send("%%chat -p OpenAI --once\n?")
        line, getpass, without = cell.reply["traceback"]
        self.assertEqual("MissingAuthError: OpenAI needs a key: set OPENAI_API_KEY, or give api_key=.", line)
        self.assertIn('getpass.getpass("OPENAI_API_KEY: ")', getpass)
        self.assertIn("-p Local", without)


class TestCalls(CellTestCase):
    """A model that wants a function to be called."""

    def test_shown(self) -> None:
        """What it calls stands in the cell, below its text, and in the variable in the shape of a completion's."""
        self.kernel.run(
            """
            from g4f.providers.response import ToolCall
            class Calls(AsyncGeneratorProvider):
                @classmethod
                async def create_async_generator(cls, model, messages):
                    if "look" in messages[-1]["content"]:
                        yield "Let me look."
                    yield ToolCall(1, "b", "time")
                    yield ToolCall(0, "a", "weather", '{"city": ')
                    yield ToolCall(0, arguments='"*Rome*"}')
                    yield ToolCall(1, arguments="{}")
                    yield FinishReason("tool_calls")
            """
        )
        told = '[calls]\n\n```\ntime({})\nweather({"city": "*Rome*"})\n```'
        shown = self.shown("%%chat -p Calls --once -o told\n?")
        self.assertEqual(told, shown["text/plain"])
        self.assertEqual(told, shown["text/markdown"])
        asked = "str(told), [(call.id, call.function.name, call.function.arguments) for call in told.tool_calls]"
        calls = [("a", "weather", '{"city": "*Rome*"}'), ("b", "time", "{}")]
        self.assertEqual(repr(("", calls)), " ".join(self.kernel.run(asked).result.split()))
        self.assertEqual(f"Let me look.\n\n{told}", self.shown("%%chat -p Calls --once\nlook")["text/plain"])

    def test_failed(self) -> None:
        """A call that came in part, because the answer failed, is not shown: nobody may make it."""
        self.kernel.run(f"{ENDS}\nfrom g4f.providers.response import ToolCall")
        self.kernel.run("items = (ToolCall(0, 'a', 'f', '{'), RateLimitError('broken'))")
        cell = self.send("%%chat -p Ends --once\n?")
        self.assertEqual(["[incomplete]"], [shown["text/plain"] for shown in cell.displays])


class TestLines(CellTestCase):
    """The line magics besides `%chat`."""

    def test_help(self) -> None:
        """`--help` prints what each magic is for, and its options; nothing is asked."""
        before = self.kernel.run("len(asked)").result
        for line, words in (
            ("%chat --help", "Ask a model, and show its answer as it comes."),
            ("%%chat -p Echo -h\n?", "--temperature NUMBER"),
            ("%chat_fix --help me", "Ask about the last error"),
            ("%chat_models --help", "Show the models that can be asked for."),
        ):
            with self.subTest(line):
                cell = self.send(line)
                self.assertEqual("ok", cell.status)
                self.assertIn(words, cell.text)
        self.assertEqual(before, self.kernel.run("len(asked)").result)
        self.assertEqual("You said what is --help", self.shown("%chat -p Echo --once what is --help")["text/plain"])

    def test_bad_input(self) -> None:
        """An option that they do not have, a word too much or an open quote is one line that fails the cell."""
        for line, told in (
            ("%chat_history --jsn x", "no option '--jsn'. Did you mean '--json'? %chat_history? lists the options."),
            ("%chat_undo all", "unrecognized arguments: all. %chat_undo? lists the options."),
            ("%chat_models --provider", "argument -p/--provider: expected one argument. %chat_models? lists"),
            ("%chat_usage all", "unrecognized arguments: all. %chat_usage? lists the options."),
            ("%chat_providers all", "unrecognized arguments: all. %chat_providers? lists the options."),
            ('%chat_history --thread "a', 'a quote is not closed: --thread "a'),
        ):
            with self.subTest(line):
                self.assertIn(told, self.failure(line))

    def test_quotes(self) -> None:
        """A name with a blank in it stands in quotes, as it does for `%%chat`."""
        self.chat('-p Echo --thread "my own"', "first")
        self.assertIn("[1] first", self.shown('%chat_history --thread "my own"')["text/plain"])


class TestTables(CellTestCase):
    """Who can be asked, for which model, by which short name."""

    def test_alias(self) -> None:
        """A short name stands for a provider and a model; it is kept, and can be taken back."""
        self.assertIn("OpenAI", self.shown("%chat_alias fast OpenAI:gpt-5.4-mini")["text/plain"])
        self.assertIn("gpt-5.4-mini", self.shown("%chat_alias fast")["text/plain"])
        shown = self.shown("%%chat -m fast --dry-run --set api_key=k\n?")["text/plain"]
        self.assertIn("model gpt-5.4-mini", shown)
        self.assertIn("OpenAI (https://api.openai.com/v1)", shown)
        self.assertNotIn("fast", self.shown("%chat_alias fast --remove")["text/plain"])
        self.assertIn("no alias 'fast'", self.failure("%chat_alias --remove fast"))
        self.assertIn("name the alias to remove: %chat_alias NAME --remove", self.failure("%chat_alias --remove"))
        self.assertIn("'fast'. To set it: %chat_alias fast PROVIDER:MODEL", self.failure("%chat_alias fast"))

    def test_providers(self) -> None:
        """Each provider of the catalogue, and why it cannot answer here."""
        lines = self.shown("%chat_providers")["text/markdown"].splitlines()
        told = {row.name: [line for line in lines if line.startswith(f"| {row.name} |")] for row in ROWS}
        self.assertEqual(dict.fromkeys(told, 1), {name: len(found) for name, found in told.items()})
        self.assertIn("MISTRAL", told["Mistral"][0])
        self.assertNotIn("set ", told["Local"][0])
        ready = [line.split(" | ")[1] == "ready" for line in lines[2:]]
        self.assertEqual((True, sorted(ready, reverse=True)), (any(ready), ready))

    def test_models(self) -> None:
        """The models of a provider."""
        for line in ("-p Local", "Local"):
            self.assertIn("smollm2", self.shown(f"%chat_models {line}")["text/plain"])
            self.assertIn("Did you mean 'Local'?", self.failure(f"%chat_models {line}l"))


if __name__ == "__main__":
    unittest.main()
