"""Several models in one cell: side by side, by name, judged; in a real kernel, and in a terminal."""

from __future__ import annotations

import io
import json
import sys
import tempfile
import unittest
from contextlib import redirect_stdout
from time import monotonic
from typing import Any

import pexpect

from g4f_jupyter.show.columns import InTurn
from g4f_jupyter.show.display import Look
from g4f_jupyter.show.frames import PAUSE

from .script import PATIENCE
from .servers import Server, hello
from .test_cell import CellTestCase
from .test_magics import LEFT
from .test_terminal import TerminalTestCase

MORE = """
import json, threading
from g4f.providers.response import ToolCall

class Meets(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        met.append(model)
        if len(met) == 2:
            there.set()
        while not there.is_set():
            await asyncio.sleep(0)
        yield model

class Stays(Stuck):
    pass

class Fails(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        raise ZeroDivisionError("own\\nfault")
        yield

class Numbers(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages, response_format=None):
        yield "[1, 2]" if model == "good" else "none"

class Decides(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages, response_format=None, **options):
        asked.append([messages[-1]["content"]])
        judged.append([model, sorted(options.keys() - {"stream"})])
        seen = json.loads("{" + asked[-1][0].partition("\\n\\n{")[2])["answers"]
        yield json.dumps({"reason": "it *thinks*", "winner": {v: k for k, v in seen.items()}.get(best, "none")})

class Both(Decides):
    @classmethod
    async def create_async_generator(cls, model, messages, response_format=None, **options):
        if response_format is None:
            yield "of " + model
        else:
            async for each in Decides.create_async_generator(model, messages, **options):
                yield each

best, judged, met, there = "the answer", [], [], threading.Event()
"""

NOTE = "not added to the conversation: nobody knows with which of these answers it goes on"


class ComparisonTestCase(CellTestCase):
    """A kernel with providers that can be compared."""

    @classmethod
    def setUpClass(cls) -> None:
        """Start what the tests need."""
        super().setUpClass()
        assert not cls.kernel.run(MORE).error

    def compare(self, line: str, question: str = "hi", **metadata: Any) -> dict[str, str]:
        """Return what the one display of a comparison shows at last."""
        return self.shown(f"%%chat {line}\n{question}", **metadata)

    def names(self, line: str) -> list[str]:
        """Return the names of the answers."""
        self.compare(f"-o both {line}")
        return list(json.loads(self.kernel.run("print(json.dumps(list(both)))").text))

    def asked_so_far(self) -> str:
        """Return how many questions the providers of the notebook were asked."""
        return self.kernel.run("len(asked)").result


class TestColumns(ComparisonTestCase):
    """What stands in the cell."""

    def test_side_by_side(self) -> None:
        """One display: columns as Markdown, the answers one after another as text, each with its line; a quiet note."""
        self.kernel.run("%config ChatMagics.footer = True")
        try:
            cell = self.send("%%chat -p Echo -p Thinks -o both\n*hi*")
        finally:
            self.kernel.run("%config ChatMagics.footer = False")
        [shown] = cell.displays
        self.assertEqual(
            "Echo:\nYou said *hi*\n[Echo · about 5 tokens · 0.0 s]\n\n"
            f"Thinks:\nthe answer\n[Thinks · 1,200 + 34 tokens · 0.0 s]\n\n[{NOTE}]",
            shown["text/plain"],
        )
        self.assertEqual(2, shown["text/markdown"].count("<td "))
        self.assertIn(
            'top">\n\nYou said *hi*\n\n<sub>Echo · about 5 tokens · 0.0 s</sub>\n\n</td>', shown["text/markdown"]
        )
        self.assertIn("<details><summary>Reasoning</summary>\n\nhm &lt;b>", shown["text/markdown"])
        self.assertTrue(shown["text/markdown"].endswith(f"</table>\n\n<sub>{NOTE}</sub>"))
        facts = cell.outputs[-1][1]["metadata"]["g4f_jupyter"]["compared"]
        self.assertEqual(["Echo", "Thinks"], list(facts))
        self.assertEqual((1200, "stop"), (facts["Thinks"]["prompt_tokens"], facts["Thinks"]["finish_reason"]))
        self.assertEqual("{'Echo': 'You said *hi*', 'Thinks': 'the answer'}", self.kernel.run("both").result)
        self.assertEqual("'Thinks'", self.kernel.run("both['Thinks'].provider").result)

    def test_at_once(self) -> None:
        """Each is asked before another has answered."""
        self.kernel.run("met.clear(); there.clear()")
        self.assertEqual(f"a:\na\n\nb:\nb\n\n[{NOTE}]", self.compare("-p Meets -m a -m b")["text/plain"])

    def test_streams(self) -> None:
        """What came of each stands there while others, or all, have not ended."""
        cell = self.kernel.send("%%chat -p Stuck -p Echo -p Stays --once\nhi")
        self.kernel.wait_for(cell, "Stuck:\nas far as this\n\nEcho:\nYou said hi\n\nStays:\nas far as this")
        self.kernel.interrupt()
        self.kernel.finish(cell)

    def test_burst(self) -> None:
        """4,000 chunks of each of two cost little more than those of one: frames are as rare, and none is lost."""
        start = monotonic()
        cell = self.send("%%chat -p Many -m a -m b --once\ngo")
        seconds = monotonic() - start
        text = "".join(f"{number} " for number in range(4000)).strip()
        self.assertEqual(f"a:\n{text}\n\nb:\n{text}", cell.displays[0]["text/plain"])
        self.assertLess(sum(len(json.dumps(m["content"])) for m in cell.messages), 200_000 + 200_000 * seconds)
        frames = [message for message in cell.messages if "data" in message["content"]]
        self.assertLess(len(frames), 6 + seconds / PAUSE)

    def test_formats(self) -> None:
        """`-f text` shows no Markdown, `-f json` checks each answer, `-q` shows nothing and gives all the same."""
        self.assertEqual({"text/plain"}, set(self.compare("-p Echo -p Thinks -f text")))
        cell = self.send("%%chat -p Numbers -m good -m bad -f json\nhi")
        self.assertIn("1 of 2 models failed: bad (ResponseError: the answer is not JSON", cell.error)
        self.assertIn("```json\n[\n  1,\n  2\n]\n```", cell.displays[0]["text/markdown"])
        quiet = self.send("y = %chat -p Echo -m a -m b -q hi")
        self.assertEqual([], quiet.outputs)
        self.assertEqual("{'a': 'You said hi', 'b': 'You said hi'}", self.kernel.run("y").result)

    def test_captured(self) -> None:
        """Where updates of a display are lost, there is one display, at the end, with all of it."""
        self.send("%%capture caught\n%chat -p Echo -p Thinks hi")
        self.assertEqual("1", self.kernel.run("len(caught.outputs)").result)
        shown = self.kernel.run("print(caught.outputs[0].data['text/plain'])").text
        self.assertEqual(f"Echo:\nYou said hi\n\nThinks:\nthe answer\n\n[{NOTE}]\n", shown)

    def test_schema(self) -> None:
        """Each answer has its value; one that does not fit fails in its column."""
        cell = self.send("%%chat -p Numbers -m good -m bad --schema list[int] -o both\nhi")
        self.assertIn("1 of 2 models failed: bad (SchemaError: ", cell.error)
        self.assertIn("[it does not fit its schema]\n[SchemaError: ", cell.displays[0]["text/plain"])
        self.assertEqual("{'good': [1, 2], 'bad': 'none' [it does not fit its schema]}", self.kernel.run("both").result)

    def test_tape(self) -> None:
        """Each question goes through the tape: played again, nobody is asked, and the cell shows the same."""
        with tempfile.TemporaryDirectory() as folder:
            self.kernel.run(f"%config ChatMagics.tape_file = '{folder}/tape.jsonl'")
            first = self.compare("--once -p Echo -p Options --judge Decides --tape record", "taped?")
            count = self.asked_so_far()
            self.assertEqual(first, self.compare("--once -p Echo -p Options --judge Decides --tape replay", "taped?"))
            self.assertEqual(count, self.asked_so_far())
            failed = self.send("%%chat --once -p Echo -p Thinks --tape replay\ntaped?")
            self.assertIn("Thinks", failed.error)
            self.kernel.run("%config ChatMagics.tape_file = ''")


class TestWhom(ComparisonTestCase):
    """Which models a line names, and what they are called."""

    def test_names(self) -> None:
        """By -m as it is written, else by provider, or by both; each pairing that is clear."""
        self.kernel.run("models, one = ['x', 'y'], ['x']")
        for line, expected in (
            ("-p Echo -m a -m b", ["a", "b"]),
            ("-p Echo -m {models}", ["x", "y"]),
            ("-p Echo -m {models} -m z", ["x", "y", "z"]),
            ("-p Echo -p Thinks", ["Echo", "Thinks"]),
            ("-p Echo -p Thinks -m a", ["Echo:a", "Thinks:a"]),
            ("-p Echo -m a -p Thinks -m b", ["a", "b"]),
            ("-p Echo -m a -p Thinks -m a", ["Echo:a", "Thinks:a"]),
            ("-p Echo:a -p Echo:b -p Thinks", ["Echo:a", "Echo:b", "Thinks"]),
            ("-p 'Fails Echo' -p Thinks", ["Fails Echo", "Thinks"]),
        ):
            with self.subTest(line):
                self.assertEqual(expected, self.names(line))
        self.assertEqual("You said hi", self.compare("-p Echo -m {one}")["text/plain"])  # one is no comparison

    def test_addresses(self) -> None:
        """Servers are called by their hosts, without what may be a password."""
        with Server(hello) as one, Server(hello) as two:
            secret = two.url.replace("://", "://user:secret@")
            names = [f"127.0.0.1:{server.port}:m" for server in (one, two)]
            self.assertEqual(names, self.names(f"-p {one.url} -p {secret} -m m"))
            self.assertEqual([["m"], ["m"]], [[r.json["model"] for r in server.requests] for server in (one, two)])

    def test_alias(self) -> None:
        """An alias is a model with its provider, and gives its answer its name."""
        with Server(hello) as server:
            self.kernel.run(f"import os; os.environ['OLLAMA_HOST'] = '127.0.0.1:{server.port}'")
            self.kernel.run("%chat_alias quick Ollama:tiny")
            self.kernel.run("%chat_alias slow Ollama:huge")
            shown = self.send("%%chat -m quick -m slow -o both\nhi")
            self.assertEqual(["quick", "slow"], [line[:-1] for line in shown.screen.split("\n") if line.endswith(":")])
            models = [request.json["model"] for request in server.requests if request.method == "POST"]
            self.assertEqual(["huge", "tiny"], sorted(models))
            self.send("%%chat -p Echo -p Thinks --judge slow\nhi")
            self.assertEqual("huge", server.requests[-1].json["model"])
            self.kernel.run("del os.environ['OLLAMA_HOST']")

    def test_config(self) -> None:
        """Several models of a line that names no provider are those of the settings' provider."""
        self.kernel.run("%config ChatMagics.provider = 'Echo'")
        try:
            self.assertIn("a:\nYou said hi\n\nb:\nYou said hi", self.compare("-m a -m b --new")["text/plain"])
        finally:
            self.kernel.run("%config ChatMagics.provider = ''")

    def test_code(self) -> None:
        """With `-f code`, the variable has the code of each answer, as it has that of one."""
        self.send("%%chat -p Echo -m a -m b -f code --once -o both\nit:\n```python\nx = 1\n```")
        self.assertEqual("{'a': 'x = 1', 'b': 'x = 1'}", self.kernel.run("print(both)").text.strip())

    def test_refused(self) -> None:
        """What cannot be compared is one line, before anybody is asked."""
        self.kernel.run("many = list('abcdefghi')")
        count = self.asked_so_far()
        for line, told in (
            ("-p Echo -m a -m b --expect True", "InputError: --expect is about one answer: ask one model"),
            ("-p Echo -m a -m a", "InputError: 'Echo:a' is named twice: a comparison asks each model once"),
            ("-p Echo -p Echo", "InputError: 'Echo' is named twice: a comparison asks each model once"),
            ("-p Echo -m {many}", "InputError: a comparison is of 2 to 8 models, not of 9"),
            ("-p Echo -p Thinks -m a -m b -m c", "InputError: 2 providers and 3 models make no pairs"),
            ("-p Echo -p Thnks", "ProviderNotFoundError: there is no provider 'Thnks'. Did you mean 'Thinks'?"),
            ("-p Echo -p Thinks --tool abs --confirm", "InputError: --confirm asks before each call of a tool"),
            ("-p Echo -p Thinks --set api_key=k", "InputError: api_key would go to Echo and Thinks"),
            (
                "-p Echo -p Thinks --judge a --judge b",
                "InputError: a comparison has one model that judges, not 'a' and",
            ),
            ("-p Echo -p Thinks --judge a --judge-model b", "InputError: a comparison has one model that judges"),
            ("-p Echo -p Thinks --judge 'a b' --judge 'c d'", "InputError: a comparison has one question to the judge"),
            ("-p Echo -p Thinks --set nonsense=1", "InputError: Echo"),
        ):
            with self.subTest(line):
                cell = self.send(f"%%chat {line}\nhi")
                self.assertEqual([], cell.displays)
                [shown] = cell.reply["traceback"]
                self.assertEqual(told, shown[: len(told)])
        self.assertEqual(count, self.asked_so_far())

    def test_dry_run(self) -> None:
        """It shows what would go to each, and asks nobody; the budget holds for all."""
        count = self.asked_so_far()
        cell = self.send("%%chat -p Echo -p Options:m --dry-run --judge Decides\nhi")
        texts = [shown["text/plain"] for shown in cell.displays]
        self.assertEqual(2, len(texts))
        self.assertIn("It would go to Echo (in this process)", texts[0])
        self.assertIn("It would go to Options (in this process), model m", texts[1])
        spent = self.send("%%chat -p Echo -p Thinks --budget 1\nhi")
        self.assertIn("the budget of 1 token is used up", spent.error)
        self.send("%chat --budget 0 -p Thinks --once hi")
        self.assertEqual(count, self.asked_so_far())


class TestFails(ComparisonTestCase):
    """Some answer, some do not."""

    def test_one(self) -> None:
        """Its column has the error's line, the others their answers; the cell fails at the end, and names it."""
        cell = self.send("%%chat -p Echo -p Limited -p Fails -o both\nhi")
        self.assert_fails(
            cell,
            "ComparisonError: 2 of 3 models failed: Limited (RateLimitError: too many requests); "
            "Fails (ZeroDivisionError: own fault)",
        )
        [shown] = cell.displays
        self.assertEqual(
            "Echo:\nYou said hi\n\nLimited:\nhalf an \n\n[incomplete]\n[RateLimitError: Limited: too many requests]\n\n"
            f"Fails:\n[ZeroDivisionError: own fault]\n\n[{NOTE}]",
            shown["text/plain"],
        )
        self.assertIn("\n\n*[ZeroDivisionError: own fault]*\n\n</td>", shown["text/markdown"])
        self.assertEqual("{'Echo': 'You said hi', 'Limited': 'half an ' [incomplete]}", self.kernel.run("both").result)

    def test_stops_the_queue(self) -> None:
        """What is run behind it does not run."""
        self.kernel.run("gate = threading.Event()")
        cell = self.kernel.send("%%chat -p Echo -p Fails\nhi"), self.kernel.send("print('never')")
        self.kernel.finish(cell[0])
        self.assertEqual("aborted", self.kernel.finish(cell[1]).status)

    def test_interrupt(self) -> None:
        """All are stopped and closed; what came is kept and marked; the conversation is as it was, and goes on."""
        self.chat("-p Echo --new", "first")
        self.kernel.run("closed.clear()")
        cell = self.kernel.send("%%chat -p Stuck -p Echo -p Stays -o both\nsecond")
        self.kernel.wait_for(cell, "Stays:\nas far as this")
        self.kernel.interrupt()
        self.kernel.finish(cell)
        self.assert_fails(cell, f"KeyboardInterrupt: interrupted{LEFT}")
        part = "as far as this\n\n[interrupted]"
        self.assertEqual(f"Stuck:\n{part}\n\nEcho:\nYou said second\n\nStays:\n{part}", cell.displays[0]["text/plain"])
        self.assertEqual("[True, True]", self.kernel.run("closed").result)
        self.assertEqual(
            "['interrupted', 'stop', 'interrupted']", self.kernel.run("[a.finish_reason for a in both.values()]").result
        )
        self.chat("-p Echo", "third")
        self.assertEqual(["first", "You said first", "third"], self.asked())


class TestConversation(ComparisonTestCase):
    """A comparison asks with the turns above it, and enters none."""

    def test_turns(self) -> None:
        """Each is asked with the turns above; the next cell is, too, without it. `--once` asks alone."""
        self.chat("-p Echo --new -s 'be brief'", "first", "compared 1")
        self.compare("-p Thinks -p Echo", "second")
        above = ["be brief", "first", "You said first"]
        self.assertEqual([*above, "second"], self.asked())
        self.chat("-p Echo", "third", "compared 3")
        self.assertEqual([*above, "third"], self.asked())
        once = self.compare("-p Thinks -p Echo --once", "alone")
        self.assertEqual(["alone"], self.asked())
        self.assertNotIn("conversation", once["text/plain"])

    def test_earlier_turn(self) -> None:
        """A cell that becomes a comparison has no turn any more, and asks below those that stood above its own."""
        self.chat("-p Echo --new", "first", "turned 1")
        self.chat("-p Echo", "second", "turned 2")
        self.chat("-p Echo", "third", "turned 3")
        self.send("%%chat -p Thinks -p Echo\nsecond?", cellId="turned 2")
        self.assertEqual(["first", "You said first", "second?"], self.asked())
        self.chat("-p Echo", "fourth", "turned 4")
        self.assertEqual(["first", "You said first", "third", "You said third", "fourth"], self.asked())

    def test_dry_run(self) -> None:
        """A dry run leaves its cell the turn that it has."""
        self.chat("-p Echo --new", "first", "kept 1")
        self.send("%%chat -p Echo -p Thinks --dry-run\nfirst?", cellId="kept 1")
        self.chat("-p Echo", "second", "kept 2")
        self.assertEqual(["first", "You said first", "second"], self.asked())

    def test_stale(self) -> None:
        """What stands above and is stale is said once, below all."""
        self.chat("-p Echo --new", "first", "s 1")
        self.chat("-p Echo", "second", "s 2")
        self.chat("-p Echo", "first, better", "s 1")
        shown = self.compare("-p Thinks -p Echo", "third")["text/plain"]
        self.assertEqual(1, shown.count("1 of the turns above is stale"))

    def test_left_out(self) -> None:
        """What was not sent is said once, below all, and images go to each."""
        self.kernel.run("long = 'x' * 30000")
        shown = self.compare("-p Thinks -p Echo -f text", "{long}")["text/plain"]
        self.assertEqual(1, shown.count("long: "))


class TestJudge(ComparisonTestCase):
    """`--judge` says which is better."""

    def test_judge(self) -> None:
        """A model, a question, or both; below the columns stands which is better and why, also in a terminal's text."""
        self.kernel.run("best = 'the answer'")
        for line, criterion in (
            ("--judge Decides", "Which answer is better"),
            ("--judge 'Which is shorter?' --judge-model Decides", "Which is shorter?\n"),
            ("--judge Decides --judge 'Which is shorter?'", "Which is shorter?\n"),
        ):
            with self.subTest(line):
                shown = self.compare(f"-p Echo -p Thinks {line}", "who?")
                self.assertRegex(
                    shown["text/plain"],
                    r"\n\nThinks is better, says Decides: it \*thinks\* \([AB] is \w+, [AB] is \w+\)\n\[not added",
                )
                self.assertIn("</table>\n\nThinks is better, says Decides: it &#42;thinks&#42;", shown["text/markdown"])
                self.assertEqual(criterion, self.asked()[0][: len(criterion)])

    def test_first(self) -> None:
        """Without a model, the first of the line judges; a model is one of the line's provider."""
        self.kernel.run("best = 'of b'")
        for line, model in (("--judge 'Which is shorter?'", "a"), ("--judge c", "c"), ("--judge {judge}", "c")):
            with self.subTest(line):
                self.kernel.run("judge = 'c'")
                shown = self.compare(f"-p Both -m a -m b --set secret_key=0123456789 {line}")
                self.assertIn("b is better, says ", shown["text/plain"])
                self.assertEqual(f"['{model}', ['secret_key']]", self.kernel.run("judged[-1]").result)
        self.compare("-p Both -m a -m b --set secret_key=0123456789 --judge Decides")
        self.assertEqual("['', []]", self.kernel.run("judged[-1]").result)  # the key is another provider's

    def test_completion(self) -> None:
        """Tab after --judge and --judge-model offers models, and after a second -m those of the -p before it."""
        for code in (
            "%%chat --judge gpt-6-l",
            "%%chat --judge-model gpt-6-l",
            "%%chat -p Groq -m x -p OpenAI -m gpt-6-l",
        ):
            found = self.kernel.ask("complete_request", {"code": code, "cursor_pos": len(code)})["matches"]
            self.assertIn("gpt-6-luna", found, code)

    def test_fails(self) -> None:
        """The answers stand there, and are in the variable; the cell fails, and says that the judge did."""
        cell = self.send("%%chat -p Echo -p Thinks -o both --judge Limited\nhi")
        self.assertIn("ComparisonError: the judge failed (RateLimitError: too many requests)", cell.error)
        self.assertIn("the answer\n\n[the judge: RateLimitError: Limited: too many", cell.displays[0]["text/plain"])
        self.assertEqual("{'Echo': 'You said hi', 'Thinks': 'the answer'}", self.kernel.run("both").result)

    def test_both_fail(self) -> None:
        """The judge is none of the models that are counted."""
        cell = self.send("%%chat -p Echo -p Thinks -p Fails --judge Limited\nhi")
        self.assertIn(
            "1 of 3 models failed: Fails (ZeroDivisionError: own fault); the judge failed (RateLimitError", cell.error
        )

    def test_nothing_to_judge(self) -> None:
        """With one answer there is nothing to judge: a line says so, and the cell fails for the other."""
        count = self.asked_so_far()
        cell = self.send("%%chat -p Thinks -p Limited --judge Decides\nhi")
        self.assertIn("[not judged: 1 of 2 models answered]", cell.displays[0]["text/plain"])
        self.assertIn("1 of 2 models failed: Limited", cell.error)
        self.assertEqual(count, self.asked_so_far())


class TestIPython(TerminalTestCase):
    """In IPython at a terminal."""

    def test_in_turn(self) -> None:
        """Answers stand one after another, below their names, also when they are interrupted; the next line works."""
        options = ["--simple-prompt", "--no-banner", "--no-confirm-exit", "--colors=NoColor", "--ext=g4f_jupyter"]
        ipython: Any = pexpect.spawn(
            sys.executable,
            ["-m", "IPython", *options, "--HistoryManager.enabled=False", "-i", "-c", "from far import Echo, Stuck"],
            env=self.environment,
            encoding="utf-8",
            timeout=PATIENCE,
            dimensions=(24, 200),
        )
        self.addCleanup(ipython.close, force=True)
        for line, expected in (
            (
                "%chat -p Echo -p Echo:b hello",
                ["Echo:\r\nYou said hello\r\n[Echo", "Echo:b:\r\nYou said hello\r\n[Echo"],
            ),
            ("%chat -p Stuck -p Echo hello", ["Stuck:\r\nas far as this"]),
        ):
            ipython.expect(r"In \[\d+\]: ")
            ipython.sendline(line)
            for text in expected:
                ipython.expect_exact(text)
        ipython.sendintr()
        for text in ("[interrupted]\r\n\r\nEcho:\r\nYou said hello", "KeyboardInterrupt: interrupted.", "In ["):
            ipython.expect_exact(text)


class TestInTurn(unittest.TestCase):
    """One after another."""

    def test_in_turn(self) -> None:
        """The first is printed as it comes, each other when those above it have ended; what failed has its line."""
        with redirect_stdout(io.StringIO()) as printed:
            whole = InTurn(["a", "b", "c"], Look("text"))
            one, two, three = (whole.screen(name) for name in "abc")
            two.add("second")
            one.add("fi")
            self.assertEqual("a:\nfi", printed.getvalue())
            two.close("")
            two.foot(["two"], {})
            whole.end("b")
            one.add("rst")
            self.assertEqual("a:\nfirst", printed.getvalue())
            one.close("incomplete")
            whole.fail("a", "broken \x1b[2J")
            whole.end("a")
            self.assertEqual(
                "a:\nfirst\n[incomplete]\n[broken \ufffd[2J]\n\nb:\nsecond\n[two]\n\nc:\n", printed.getvalue()
            )
            three.add("third")
            whole.end("c")
            whole.judge("b is better")
            whole.below(["note"])
            whole.close({})
        self.assertTrue(printed.getvalue().endswith("\n\nc:\nthird\nb is better\n[note]\n"), printed.getvalue())

    def test_left(self) -> None:
        """What is left when all are stopped is printed."""
        with redirect_stdout(io.StringIO()) as printed:
            whole = InTurn(["a", "b"], Look("text"))
            whole.screen("b").add("so far")
            whole.screen("b").close("interrupted")
            whole.close({})
        self.assertEqual("a:\n\nb:\nso far\n[interrupted]\n", printed.getvalue())


if __name__ == "__main__":
    unittest.main()
