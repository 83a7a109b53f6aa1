"""The line of a magic: options with the values of variables, who is asked, and what is said of what was not sent."""

from __future__ import annotations

import json
import tempfile
from inspect import signature
from pathlib import Path
from typing import Any

from g4f.conversation import Conversation
from g4f_jupyter.session import Session

from .servers import Server, hello
from .test_cell import CellTestCase

HERE = """
import json
from types import SimpleNamespace
from g4f import AsyncClient, Client

class Heard:
    @classmethod
    async def create_async_generator(cls, model, messages, **options):
        options.pop("stream")
        yield json.dumps([model, [message["content"] for message in messages], options])

class Breaks:
    @classmethod
    async def create_async_generator(cls, model, messages, **options):
        raise RateLimitError("no more")
        yield

%config ChatMagics.provider = 'Heard'
m, words, number, box = "tiny", ["§", "¶"], 3, SimpleNamespace(half=0.5, name="deep")
"""


class LineTestCase(CellTestCase):
    """A kernel with a provider that says what it is given, and is asked where nobody is named."""

    @classmethod
    def setUpClass(cls) -> None:
        """Start what the tests need."""
        super().setUpClass()
        ran = cls.kernel.run(HERE)
        assert ran.status == "ok", ran.outputs

    def heard(self, line: str, question: str = "?") -> tuple[str, list[Any], dict[str, Any]]:
        """Return model, messages and options that the provider got."""
        model, messages, options = json.loads(self.shown(f"%%chat --once {line}\n{question}")["text/plain"])
        return model, messages, options


class TestOptions(LineTestCase):
    """Options take the values of variables, by the same pass as a question."""

    def test_texts_and_numbers(self) -> None:
        """Each option that takes one, written in each way."""
        for line in (
            "-m {m}",
            "-m{m}",
            "-m={m}",
            "--model {m}",
            "--model={m}",
            "--mod '{m}'",
            '-m "{ m }"',
            "-m {m!s}",
        ):
            with self.subTest(line):
                self.assertEqual("tiny", self.heard(line)[0])
        self.kernel.run("held = {'a b': 'tiny'}")
        for line in ('-m {held["a b"]}', "--model={held['a b']}"):
            with self.subTest(line):
                self.assertEqual("tiny", self.heard(line)[0])
        self.assertEqual("tiny-3:deep", self.heard("-m {m}-{number}:{box.name}")[0])
        self.assertEqual(["You are tiny.", "?"], self.heard('-s "You are {m}."')[1])
        given = "--temperature {box.half} --max-tokens {number} --seed={number} --timeout {number} --stop {words}"
        expected = {"temperature": 0.5, "max_tokens": 3, "seed": 3, "stop": ["§", "¶"]}
        self.assertEqual(expected, self.heard(given)[2])
        self.assertEqual({"stop": ["§", "×}", "×3"]}, self.heard("--stop {words[0]} --stop ×} --stop ×{number}")[2])
        self.assertEqual({"reasoning_effort": "deep"}, self.heard("--reasoning-effort {box.name}")[2])
        self.assertEqual({"seed": 2}, self.heard("--eval --seed {len(words)}")[2])
        self.kernel.run("name, mode, nothing = 'held', 'text', None")
        self.kernel.run("from g4f.models import Model; known = Model('known-9')")
        self.assertEqual("known-9", self.heard("-m {known}")[0])
        self.assertEqual(["nothing", "?"], self.heard("-s nothing")[1])
        self.assertEqual("tiny", self.heard("-m {m} -o {name} -f {mode} --seed {nothing}")[0])
        nothing = "-m {nothing} -p {nothing} -s {nothing} --stop {nothing} --temperature {nothing}"
        self.assertEqual(("", ["?"], {}), self.heard(f"{nothing} --set top_x={{nothing}}"))
        self.assertIn("tiny", self.kernel.run("held").result)

    def test_set(self) -> None:
        """`--set` takes any value: that of a variable, JSON with values in its texts, or a text."""
        for setting, expected in (
            ("{words}", ["§", "¶"]),
            ("{box.half}", 0.5),
            ("{words[1]}", "¶"),
            ("is-{m}", "is-tiny"),
            ("{number:.2f}", "3.00"),
            ("{m!r}{number}", "'tiny'3"),
            ("""'{"k": ["{m}", "{words}", "n{number}", 1]}'""", {"k": ["tiny", ["§", "¶"], "n3", 1]}),
            ("3", 3),
            ('"3"', 3),
            ("""'"3"'""", "3"),
            ("True", True),
            ("plain", "plain"),
        ):
            with self.subTest(setting):
                self.assertEqual({"top_x": expected}, self.heard(f"--set top_x={setting}")[2])

    def test_refused(self) -> None:
        """What no value can be made of is one line, and nobody is asked."""
        self.kernel.run("import pandas; frame = pandas.DataFrame({'a': [1]})")
        for line, told in (
            ("-m {n}", "there is no variable 'n'."),
            ("-m {nubmer}", "Did you mean 'number'"),
            ("-m v_{q}", "there is no variable 'q'"),
            ("--stop {number}", "stop must be a text or a list of texts"),
            ("-i {number}", "images[0] must be"),
            ("-m {box}", "-m needs the name of a model, not SimpleNamespace"),
            ("--eval -m {words[:0]}", "-m {words[:0]} is an empty list: it must name a model"),
            ("-m x{words}", "{words} is of type list: in this line it must be a text or a number"),
            ("--thread {words}", "{words} is of type list: in this line it must be a text or a number"),
            ("-m {len(words)}", "allow it with --eval"),
            ("-m '{a b}'", "'{a b}' has braces in which no variable is named"),
            ("-m $m", "$m: to give the value of the variable m, write {m}"),
            ("-p {number}", "int is not a provider"),
            ("-p {frame}", "DataFrame is not a provider"),
            ("-p frame", "DataFrame is not a provider"),
            ("-o {words}", "{words} is of type list"),
            ("-o {number}", "needs the name of a variable, not '3'"),
            ("--temperature {m}", "--temperature: invalid float value: 'tiny'"),
            ("--temperature nan", "--temperature: invalid float value: 'nan'"),
            ("-s {nme}", "there is no variable 'nme'"),
            ("--stop {nme}", "there is no variable 'nme'"),
            ("-i {nme}", "there is no variable 'nme'"),
            ("--set a={nme}", "there is no variable 'nme'"),
            ("""--set 'a={"k": "{nme}"}'""", "there is no variable 'nme'"),
            ("--set a=[{number}]", "--set: needs JSON after the =, in single quotes, not '[{number}]'"),
            ("""--set 'a={"k": {number}}'""", "--set: needs JSON after the ="),
            ("--set 'a={k: 1}'", "--set: needs JSON after the ="),
            (f"--set a={'[' * 100_000}", "--set: needs JSON after the ="),
            ("--set a={nme:.2f}", "--set: needs JSON after the ="),
            ("--set 'a=[NaN]'", "--set: needs JSON after the =, in single quotes, not '[NaN]'"),
        ):
            with self.subTest(line):
                self.assertIn(told, self.failure(f"%%chat --once {line}\n?"))
                if "--eval" not in told:
                    self.assertIn(told, self.failure(f"%chat --once {line} ?"))

    def test_own_options(self) -> None:
        """`--set` gives no option that has a name of its own, nor what is asked."""
        for name in (
            "model",
            "provider",
            "system",
            "new",
            "once",
            "thread",
            "temperature",
            "max_tokens",
            "stop",
            "seed",
        ):
            with self.subTest(name):
                told = self.failure(f"%%chat --once --set {name}=1\n?")
                self.assertIn(f"--set {name}=… is not possible: give --{name.replace('_', '-')} instead", told)
        for name in ("messages", "question", "self", "images", "above"):
            with self.subTest(name):
                self.assertIn(f"--set {name}=… is not possible", self.failure(f"%%chat --once --set {name}=1\n?"))

    def test_our_own_words(self) -> None:
        """What our functions call their parameters is no option: `--set` of it is one line, or reaches the provider."""
        for name in {*signature(Session.question).parameters, *signature(Conversation.prepare).parameters} - {"stream"}:
            with self.subTest(name):
                self.assertRegex(
                    self.failure(f"%%chat -p Echo --once --set {name}=1\n?"),
                    f"^InputError: (--set {name}=… is not possible|Echo does not take the option '{name}')",
                )

    def test_long_words(self) -> None:
        """Of a long word in an error, the line shows both ends."""
        nines = "9" * 5000
        for line in (f"--max-tokens {nines}", f"--budget {nines}", f"--thread a -f {nines}", f"-o -{nines}"):
            with self.subTest(line[:20]):
                told = self.failure(f"%%chat -p Echo --once {line}\n?")
                self.assertLess(len(told), 300)
                self.assertRegex(told, "9{60,}…9{18}")
        self.assertIn("--budget: needs a number of tokens", self.failure(f"%%chat --once --budget {nines}\n?"))
        self.assertIn("w" * 170, self.failure(f"%%chat -p {'w' * 170} --once\n?"))

    def test_backslashes(self) -> None:
        r"""A backslash is sent, in quotes and without; `\"` is a quote within double quotes."""
        for word, expected in ((r"C:\new", r"C:\new"), (r'"C:\new \"x\" \\"', 'C:\\new "x" \\'), (r"'a\'", "a\\")):
            with self.subTest(word):
                self.assertEqual([expected, "?"], self.heard(f"-s {word}")[1])

    def test_indented(self) -> None:
        """The first line of a question keeps its indentation; blank lines around it are no part of it."""
        self.assertEqual(["    x = 1\n    y = 2"], self.heard("", "\n  \n    x = 1\n    y = 2\n\n")[1])

    def test_other_magics(self) -> None:
        """The other magics take variables, too."""
        with tempfile.TemporaryDirectory() as folder:
            self.kernel.run(f"from pathlib import Path\nfile, short = Path({folder!r}) / 'c.json', 'quick'")
            self.shown("%chat --thread t{number} hello")
            self.assertIn("hello", self.shown("%chat_history --thread t{number}")["text/plain"])
            self.kernel.run("%chat_history --thread t3 --json {file}")
            self.assertIn("hello", (Path(folder) / "c.json").read_text())
            self.assertIn("no variable 'fil'", self.failure("%chat_history --json {fil}"))
            self.assertIn("OpenAI", self.shown("%chat_alias {short} OpenAI:{m}-9")["text/plain"])
            self.assertIn("model tiny-9", self.shown("%%chat -m {short} --dry-run --set api_key=k\n?")["text/plain"])
            self.assertIn("no variable 'shrt'", self.failure("%chat_alias {shrt} OpenAI:m"))
            self.kernel.run("%chat_alias quick --remove\nwhom = 'Local'")
            self.assertIn("smollm2", self.shown("%chat_models -p {whom}")["text/plain"])


class TestWho(LineTestCase):
    """`-p` takes whoever can answer."""

    def test_values(self) -> None:
        """A class, a list, a text in a variable, by its name and in braces."""
        self.kernel.run("many, by_name, named, listed = [Breaks, Heard], ['Breaks', Heard], 'Heard', 'Breaks Heard'")
        self.kernel.run("held = {'a': Heard}")
        for line in (
            *("-p Heard", "-p many", "-p by_name", "-p named", "-p listed", "-p {Heard}", "-p {many}", "-p {named}"),
            *("-p {listed}", "-p {held['a']}", "-p 'Breaks Heard'", "-p Breaks,Heard", "-p 'Breaks {named}'"),
            *("-p '{ Breaks }, {Heard}'", "-p {many[1]}"),
        ):
            with self.subTest(line):
                self.assertEqual("", self.heard(line)[0])

    def test_clients(self) -> None:
        """A client is asked with its provider, model and options; those of the line win, those of settings lose."""
        self.kernel.run("client = Client(Heard, model='big', temperature=0.25, seed=7)")
        self.kernel.run("other = AsyncClient(Heard, model='big', temperature=0.25, seed=7)")
        self.kernel.run("%config ChatMagics.seed = 1")
        try:
            for line in ("-p client", "-p {client}", "-p other"):
                with self.subTest(line):
                    expected = ("big", ["?"], {"temperature": 0.25, "seed": 7})
                    self.assertEqual(expected, self.heard(line))
                    expected = ("tiny", ["?"], {"temperature": 0.5, "seed": 7})
                    self.assertEqual(expected, self.heard(f"{line} -m {{m}} --temperature 0.5"))
        finally:
            self.kernel.run("%config ChatMagics.seed = None")
        with Server(hello) as server:
            self.kernel.run(f"there = Client(base_url={server.url!r}, api_key='sk-client-1234', model='m')")
            self.assertEqual("Hello", self.shown("%%chat -p there --once\n?")["text/plain"])
            self.assertEqual("Bearer sk-client-1234", server.requests[-1].headers["authorization"])
            self.assertNotIn("sk-client", repr(self.shown("%%chat -p there --once --dry-run\n?")))
            url, port = server.url.rsplit(":", 1)
            self.kernel.run(f"port = {port.split('/')[0]}")
            self.assertEqual("Hello", self.shown(f"%%chat --once -m m -p {url}:{{port}}/v1\n?")["text/plain"])

    def test_nobody(self) -> None:
        """What cannot be asked says why."""
        self.kernel.run(
            "class Bad:\n    def create_asinc(model, messages): 0\nlocal, none, strange = ['a'], 'nobody', ['nobody']"
        )
        self.kernel.run("client = Client(Heard); first, second = 'second', 'first'")
        for line, told in (
            ("-p Bad", "Bad is not a provider: it has none of the methods"),
            ("-p strange", "there is no provider 'nobody'"),
            ("-p none", "there is no provider 'nobody'"),
            ("-p first", "there is no provider 'second'"),
            ("-p 'client Heard'", "a client, which has its own key, is asked alone"),
            ("-p Hear", "there is no provider 'Hear'. Did you mean 'Heard'"),
        ):
            with self.subTest(line):
                self.assertIn(told, self.failure(f"%%chat --once {line}\n?"))
        shown = self.shown("%%chat -p local --dry-run\n?")["text/plain"]  # the catalogue's, not that of the notebook
        self.assertIn("It would go to Local", shown)


LOCAL = """
x = "global"
def line(x):
    %chat --once -m {x} is it {x}?
def cell(x):
    get_ipython().run_cell_magic("chat", "--once -m {x}", "is it {x}?")
def each():
    x, inner = "around", "local"
    [get_ipython().run_line_magic("chat", f"--once -m {{x}} is it {{x}}{{inner[5:]}}?") for x in [inner]]
def nested():
    x = "local"
    def ask():
        x
        %chat --once -m {x} is it {x}?
    ask()
def closes(x):
    return lambda: (x, get_ipython().run_line_magic("chat", "--once -m {x} is it {x}?"))
def provider(Heard):
    %chat --once -p Heard -m {Heard} -m local is it local?
async def later(x):
    %chat --once -m {x} is it {x}?
def timed(x):
    %time %chat --once -m {x} is it {x}?
"""


THREAD = """
import threading
ask = threading.Thread(target=get_ipython().run_line_magic, args=("chat", "--once {x} {args} {self}"))
ask.start()
ask.join()
"""


class TestScope(LineTestCase):
    """`{x}` is the x of the code that asks."""

    def test_functions(self) -> None:
        """In a function it is the local one, however the magic is called."""
        self.assertEqual("ok", self.kernel.run(LOCAL).status)
        for call in ("line('local')", "cell('local')", "each()", "nested()", "closes('local')()"):
            with self.subTest(call):
                self.assertEqual(["local", ["is it local?"], {}], json.loads(self.shown(call)["text/plain"]))
        for call in ("await later('local')", "timed('local')"):
            with self.subTest(call):
                self.assertIn('["local", ["is it local?"], {}]', self.send(call).screen)

    def test_outside(self) -> None:
        """Outside of one it is that of the notebook, also where a thread calls the magic."""
        self.kernel.run("x, args, self = 'global', 'mine', 'me'")
        for call in (
            "%chat --once {x} {args} {self}",
            "for x in ['global']:\n    %chat --once {x} {args} {self}",
            THREAD,
        ):
            with self.subTest(call):
                self.assertIn('["global mine me"]', self.send(call).screen)
        self.kernel.run("def f():\n    local_only = 1\n    %chat --once {local_onl}")
        self.assertIn("Did you mean 'local_only'", self.failure("f()"))

    def test_module(self) -> None:
        """A function of a module sees the variables of its module, and then those of the notebook."""
        with tempfile.TemporaryDirectory() as folder:
            code = "from IPython import get_ipython\nplace = 'module'\ndef ask(x):\n"
            code += "    get_ipython().run_cell_magic('chat', '--once', '{x} {place} {m}')\n"
            (Path(folder) / "asks_here.py").write_text(code)
            self.kernel.run(f"import sys; sys.path.insert(0, {folder!r}); import asks_here; place = 'notebook'")
            self.assertIn('["local module tiny"]', self.shown("asks_here.ask('local')")["text/plain"])


class TestQuestionMark(LineTestCase):
    """A question mark at the end belongs to the question."""

    def test_asked(self) -> None:
        """Wherever the magic stands in its line."""
        for code in (
            "%chat --once what's len?",
            "y = %chat --once what's len?",
            "y: str = %chat --once what's len?",
            "%time %chat --once what's len?",
            "%time y = %chat --once what's len?",
            "for i in range(1):\n    y = %chat --once what's len?\nz = 1",
            "%%time\n%chat --once what's len?",
        ):
            with self.subTest(code):
                self.assertIn("what's len?", self.send(code).screen)
        self.kernel.run("1 / 0")
        self.assertIn("why is this None?", self.shown("%chat_fix --once why is this None?")["text/plain"])

    def test_help(self) -> None:
        """Without a question it asks for help."""
        for code in ("%chat?", "%chat_fix?", "%chat_history?", "%%chat?", "len?", "%time?"):
            with self.subTest(code):
                self.assertEqual("page", self.kernel.run(code).reply["payload"][0]["source"])


class TestLeftOut(LineTestCase):
    """What was not sent stands below the answer."""

    def test_below(self) -> None:
        """Rows and characters, in a cell and in a dry run, of question and system prompt, each value once."""
        self.kernel.run(
            "import pandas\nsales = pandas.DataFrame({'a': range(500)})\ntext, fine = 'x' * 30_000, 'y' * 9000"
        )
        rows, letters = (
            f"{what} were sent"
            for what in ("sales: 50 of 500 rows and a summary", "text: only 20,000 of 30,000 characters")
        )
        for line, question, expected in (
            ("", "{sales} {sales} {text} {fine}", [rows, letters]),
            ("-s {text}", "{sales}", [rows, letters]),
            ("", "{fine}", []),
        ):
            for magic in ("%%chat --once", "%%chat --once --dry-run -p OpenAI --set api_key=k"):
                with self.subTest(question, magic=magic):
                    shown = self.shown(f"{magic} {line}\n{question}")["text/markdown"]
                    self.assertEqual(expected, [each for each in (rows, letters) if shown.count(each) == 1])
        cell = self.send("%chat --once {sales}")
        self.assertIn(rows, cell.displays[0]["text/markdown"])
        self.assertEqual([rows], cell.outputs[-1][1]["metadata"]["g4f_jupyter"]["left_out"])

    def test_rows(self) -> None:
        """`--rows` says how many rows are sent, the settings do so for each cell, and `!all` sends all of a value."""
        self.kernel.run(
            "import pandas\nsales, text = pandas.DataFrame({'a': range(500)}), 'x' * 30_000\nnumber, nothing = 7, None"
        )
        whole = "text: only 20,000 of 30,000 characters were sent"
        rows = "sales: {} of 500 rows and a summary were sent"
        for setting, line, question, expected in (
            ("", "--rows 24", "{sales}", [rows.format(24)]),
            ("", "--rows={number}", "{sales}", [rows.format(7)]),
            ("", "--rows {nothing}", "{sales}", [rows.format(50)]),
            ("", "--rows 0", "{sales}", [rows.format(0)]),
            ("", "--rows all", "{sales} {text}", [whole]),
            ("", "", "{sales!all} {text!all}", []),
            ("", "-s {sales!all}", "{ sales!all }", []),
            ("rows = 9", "", "{sales}", [rows.format(9)]),
            ("rows = 9", "--rows 4", "{sales}", [rows.format(4)]),
            ("rows = 0", "", "{sales}", [rows.format(0)]),
            ("rows = 'all'", "", "{sales}", []),
            ("inserted = 100_000", "", "{sales} {text}", [rows.format(250)]),
            ("inserted = 2_000", "--rows 300", "{sales!r}", [rows.format(117)]),
            ("", "", "{sales}", [rows.format(50)]),
        ):
            with self.subTest(setting=setting, line=line, question=question):
                settings = ("rows = None", "inserted = 20_000", setting)
                self.kernel.run("\n".join(f"%config ChatMagics.{each}" for each in settings if each))
                cell = self.send(f"%%chat --once {line}\n{question}")
                self.assertEqual(expected, cell.outputs[-1][1]["metadata"]["g4f_jupyter"].get("left_out", []))
                self.assertIn("499", cell.screen)
        self.assertIn("needs a number of rows, or all, not 'few'", self.failure("%%chat --rows few\n{sales}"))
        self.assertIn("not '-1'", self.failure("%%chat --rows -1\n{sales}"))
        self.assertIn("no variable 'sale'. Did you mean 'sales'", self.failure("%%chat\n{sale!all}"))

    def test_last_error(self) -> None:
        """So does what was left out of the last error."""
        self.kernel.run("def f(left, long, dots):\n    return f(left - 1, long, dots) if left else long / 0")
        self.kernel.run("f(1, 'x', '...')")
        self.assertNotIn("the last error", self.shown("%chat_fix --once")["text/markdown"])
        names = [f"v{number}" for number in range(40)]
        self.kernel.run(f"def g():\n    {' = '.join(names)} = 1\n    return {' + '.join(names)} + ''\ng()")
        self.assertIn("the last error: only 30 of 4", self.shown("%chat_fix --once")["text/markdown"])
        self.kernel.run("f(7, 'x' * 400, '...')")
        shown = self.shown("%chat_fix --once")["text/markdown"]
        self.assertIn("the last error: only 4 of 9 frames were sent", shown)
        self.assertIn("the last error: 4 of its values were sent only in part", shown)

    def test_files(self) -> None:
        """A path and an open file are errors that say what to write; what they say works."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "notes.txt"
            path.write_text("buy milk")
            self.kernel.run(f"from pathlib import Path\nnotes = Path({str(path)!r}); opened = notes.open()")
            self.assertIn("give -a {notes} in the line", self.failure("%%chat --once\nRead {notes}"))
            self.assertEqual(["notes.txt:\n\n```txt\nbuy milk\n```\n\nRead"], self.heard("-a {notes}", "Read")[1])
            self.assertEqual([f"Is {path} there?"], self.heard("", "Is {notes!s} there?")[1])
            self.assertIn("give -a {opened} in the line", self.failure("%%chat --once\nRead {opened}"))
            for _ in "ab":  # also again, though it was read to its end
                self.assertEqual(["notes.txt:\n\n```txt\nbuy milk\n```\n\nRead"], self.heard("-a {opened}", "Read")[1])
            self.kernel.run("opened.close()")

    def test_image_once(self) -> None:
        """An image that stands in the question and behind `-i` is sent once."""
        self.kernel.run("from PIL import Image; dot = Image.new('RGB', (2, 2))")
        for line in ("-i dot", "-i {dot}"):
            shown = self.shown(f"%%chat -p OpenAI --set api_key=k --dry-run --once {line}\nWhat is {{dot}}?")[
                "text/plain"
            ]
            self.assertEqual(1, shown.count("[an image: image/png, "))
            self.assertIn(" tokens and 1 image.", shown)
