"""A batch: the same question over many inputs, each row with its answer or its error, and nothing is asked twice."""

from __future__ import annotations

import asyncio
import tempfile
import textwrap
import threading
import unittest
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import g4f
from g4f.answer import Answer
from g4f.batching.inputs import source_of
from g4f.batching.plan import Plan
from g4f.batching.run import Run
from g4f.batching.template import Template
from g4f.batching.terms import WAITING, Terms
from g4f.errors import InputError, MissingAuthError, RateLimitError
from g4f.providers.transport.governors import standings

from . import loops, script
from .counting import Counting, said
from .kernel import Kernel


class Topic(NamedTuple):
    """What is asked for."""

    label: str


class Silent:
    """A provider that must not be asked."""

    @staticmethod
    async def create_async(model: str, messages: Any, **options: Any) -> str:
        raise AssertionError(messages)


class Echo:
    """A provider without a network."""

    @staticmethod
    async def create_async(model: str, messages: Any, **options: Any) -> str:
        return "re " + messages[-1]["content"]


class TestRows(unittest.TestCase):
    """What goes in, and what comes out."""

    def test_order(self) -> None:
        """Rows come out in the order of the inputs, on each face; as they come by ibatch, each with its index."""
        with Counting(lambda text: [0.05 if text == "a" else 0.001, *said(f"re {text}")]) as server:
            given = {"model": "m", "base_url": server.url}
            faces = (
                lambda: list(g4f.batch(["a", "b"], **given)),
                lambda: list(loops.run(g4f.abatch(["a", "b"], **given))),
                lambda: sorted(g4f.ibatch(["a", "b"], **given), key=lambda row: row.index),
                lambda: sorted(loops.run(_drained(g4f.ibatch(["a", "b"], **given))), key=lambda row: row.index),
            )
            for face in faces:
                rows = face()
                self.assertEqual(["re a", "re b"], [row.answer for row in rows])
                self.assertEqual([(0, 5), (1, 5)], [(row.index, row.tokens) for row in rows])
            self.assertEqual([1, 0], [row.index for row in g4f.ibatch(["a", "b"], **given)])

    def test_files(self) -> None:
        """A file is read once, and goes with each question. An address is refused: its contents could be others."""
        with tempfile.TemporaryFile("w+") as file:
            file.write("of the file")
            file.seek(0)
            out = g4f.batch(["a", "b"], provider=Echo, files=file)
        self.assertEqual([True, True], ["of the file" in (row.answer or "") for row in out])
        self.assertEqual(["a", "b"], [(row.answer or "")[-1] for row in out])
        with self.assertRaisesRegex(InputError, "a batch keeps what was sent, but .* is an address"):
            g4f.batch(["a"], provider=Silent, files="http://127.0.0.1:9/a.txt")

    def test_concurrency(self) -> None:
        """The option counts for the batch and for all calls with the same key; without it, 32 questions are out."""
        out = []

        def noted(text: str) -> list[Any]:
            out.extend(each.concurrency for each in standings() if each.url == server.url)
            return said(text)

        with Counting(noted) as server:
            g4f.batch(["a", "b"], model="m", base_url=server.url, concurrency=np.int64(1))
            self.assertEqual([1, 1], out)
        together = asyncio.Barrier(32)

        async def ask(messages: list[dict[str, Any]]) -> Answer:
            async with asyncio.timeout(30):
                await together.wait()
            return Answer("re")

        plan = Plan("m", Echo, {})
        rows = loops.run(_drained(Run(plan, source_of(map(str, range(64)), None), Terms(ask=ask)).rows()))
        self.assertEqual(64, sum(row.answer is not None for row in rows))

    def test_in_a_thread_and_in_a_loop(self) -> None:
        """A thread may ask a batch, and so may code in a loop that can be nested."""
        with Counting() as server:
            found: list[Any] = []
            thread = threading.Thread(target=lambda: found.append(g4f.batch(["a"], model="m", base_url=server.url)))
            thread.start()
            thread.join()
            self.assertEqual("re a", found[0][0].answer)

    def test_same(self) -> None:
        """The same question is asked once, be it asked for just now or before, and it says how many that saved."""
        with Counting() as server:
            out = g4f.batch(["a", "a", "b", *["a"] * 40], model="m", base_url=server.url, concurrency=2)
            self.assertEqual({"a": 1, "b": 1}, dict(server.asked))
            self.assertEqual(41, out.saved)
            self.assertEqual(10, out.usage.total_tokens)
            self.assertIn("43 rows · 43 answered (2 asked, 41 the same as others)", repr(out))
            later = g4f.batch(["c", *map(str, range(30)), "c"], model="m", base_url=server.url, concurrency=2)
            self.assertEqual((1, 1), (later.saved, server.asked["c"]))

    def test_errors(self) -> None:
        """An error stays in its row; `again` asks those rows alone, and keeps the others."""
        broken = {"b"}
        with Counting(lambda text: said("no", 400) if text in broken else said(f"re {text}")) as server:
            out = g4f.batch(["a", "b", "", 7, "c"], model="m", base_url=server.url)
            self.assertEqual([1, 2, 3], [row.index for row in out.failed])
            self.assertEqual(400, out[1].error and out[1].error.status)
            self.assertIsInstance(out[2].error, InputError)
            self.assertIn("row 1: BadRequestError", repr(out))
            self.assertIn("| 1 | BadRequestError", out._repr_markdown_())
            broken.clear()
            again = out.again()
            self.assertEqual(["re a", "re b", None, None, "re c"], [row.answer for row in again])
            self.assertEqual([0, 1, 2, 3, 4], [row.index for row in again])
            self.assertEqual({"a": 1, "b": 2, "c": 1}, dict(server.asked))

    def test_foreign_errors(self) -> None:
        """Whatever a provider of one's own raises stays in its row, too."""

        class Picky:
            async def create_async(model: str, messages: Any) -> str:  # noqa: N805 - a static one
                return {"a": "one", "c": "three"}[messages[-1]["content"]]

        out = g4f.batch(["a", "b", "c"], provider=Picky)
        self.assertEqual(["one", None, "three"], [row.answer for row in out])
        self.assertEqual("KeyError: 'b'", str(out[1].error))
        self.assertIsInstance(out[1].error.__cause__, KeyError)

    def test_raise(self) -> None:
        """`on_error="raise"` stops at an error that asking again would not mend, and at no other."""
        with Counting(lambda text: said("who?", 401) if text == "3" else said("x")) as server:
            given = {"model": "m", "base_url": server.url, "concurrency": 1}
            with self.assertRaises(MissingAuthError):
                g4f.batch([str(each) for each in range(50)], on_error="raise", **given)
            self.assertLess(server.total, 10)
        with Counting(lambda text: said("busy", 500) if text == "3" else said("x")) as server:
            given = {"model": "m", "base_url": server.url, "max_retries": 0}
            out = g4f.batch([str(each) for each in range(9)], on_error="raise", **given)
            self.assertEqual([3], [row.index for row in out.failed])

    def test_quota(self) -> None:
        """A quota that is spent for the day ends the run: what is done stays, the rest says why it was not asked."""
        with Counting(lambda text: said("spent", 429, Retry_After="86400") if text == "2" else said("x")) as server:
            given = {"model": "m", "base_url": server.url, "concurrency": 1, "max_retries": 0}
            out = g4f.batch([str(each) for each in range(50)], **given)
            self.assertEqual(50, len(out))
            self.assertEqual(3, server.total)
            self.assertEqual(list(range(2, 50)), [row.index for row in out.failed])
            self.assertTrue(all(isinstance(row.error, RateLimitError) for row in out.failed))
            self.assertIn("not asked", str(out[3].error))

    def test_budget(self) -> None:
        """A budget stops beginning new questions; what it was overshot by is said. A generator is read no further."""
        with Counting() as server:
            given = {"model": "m", "base_url": server.url, "concurrency": 1, "budget": 12}
            out = g4f.batch([str(each) for each in range(50)], **given)
            self.assertEqual((50, 3), (len(out), server.total))
            self.assertIn("stopped: the budget of 12 tokens is used up, and overshot by 3 tokens", repr(out))
            read: list[int] = []
            out = g4f.batch((read.append(each) or f"g{each}" for each in range(50)), **given)
            self.assertEqual(6, server.total)
            self.assertEqual(len(read), len(out))
            self.assertLess(len(read), 10)

    def test_budget_values(self) -> None:
        """Tokens are a whole number, dollars a text or a Decimal; anything else is an error before the start."""
        for wrong in (0, -1, 2.5, True, "2", "$0", "2 dollars", Decimal("NaN"), []):
            with self.subTest(wrong=wrong), self.assertRaisesRegex(InputError, "budget must be tokens"):
                g4f.batch(["a"], provider=Silent, budget=wrong)
        with Counting() as server:  # a server of no row has no price
            for dollars in ("$2.50", Decimal("2.5")):
                out = g4f.batch(["a", "b"], model="m", base_url=server.url, budget=dollars, concurrency=1)
                self.assertIn("the price of m is unknown", str(out[1].error))

    def test_schema(self) -> None:
        """With a schema a row has a value, also one from the journal."""
        with tempfile.TemporaryDirectory() as folder, Counting(lambda text: said('["sports"]')) as server:
            given = {"model": "m", "base_url": server.url, "schema": list[str], "journal": Path(folder, "j.sqlite")}
            for _ in range(2):
                self.assertEqual(["sports"], g4f.batch(["a"], **given)[0].value)
            self.assertEqual(1, server.total)

    def test_lazy(self) -> None:
        """Of a generator no more is read than may be out and is taken: it may be endless."""
        read: list[int] = []

        def endless() -> Iterator[str]:
            number = 0
            while True:
                read.append(number)
                yield str(number := number + 1)

        with Counting() as server:
            rows = g4f.ibatch(endless(), model="m", base_url=server.url, concurrency=4)
            for _ in range(3):
                self.assertIsNotNone(next(rows).answer)
            rows.close()
        self.assertLess(len(read), 5000)

    def test_back_pressure(self) -> None:
        """Nor is it read on while nobody takes what is done, be it from the journal."""
        texts, read = [str(each) for each in range(2000)], list[str]()

        async def first(**given: Any) -> None:
            rows = g4f.ibatch((read.append(text) or text for text in texts), **given)
            await anext(rows)
            await rows.aclose()

        with tempfile.TemporaryDirectory() as folder:
            given = {"model": "m", "provider": Echo, "journal": Path(folder, "j.sqlite")}
            g4f.batch(texts, **given)
            loops.run(first(**given))
        self.assertLess(len(read), WAITING + 2 * 32)

    def test_generator_raises(self) -> None:
        """What a generator raises ends the run once what is in flight is finished, and says how much is kept."""

        def inputs() -> Iterator[str]:
            yield from "abc"
            raise OSError("the disk is gone")

        with tempfile.TemporaryDirectory() as folder, Counting(pause=0.02) as server:
            given = {"model": "m", "base_url": server.url, "journal": Path(folder, "j.sqlite")}
            with self.assertRaisesRegex(OSError, "the disk is gone") as caught:
                g4f.batch(inputs(), **given)
            self.assertIn("3 are kept in", caught.exception.__notes__[0])
            g4f.batch(list("abc"), **given)
            self.assertEqual({"a": 1, "b": 1, "c": 1}, {key: server.asked[key] for key in "abc"})

    def test_inputs(self) -> None:
        """What is no batch, or does not go with the template, is one line before the start."""
        for inputs, template, words in (
            ("one text", None, "takes many questions"),
            (7, None, "takes many questions"),
            ({"a": 1}, None, "takes many questions"),
            ([{"a": 1}], None, "need a template"),
            (["a"], "x {a}", "filled from rows that are dicts"),
            ([{"a": 1}], "x", "names no column"),
            ([{"title": 1, "body": 2}], "x {titel}", "Did you mean 'title'.*The columns are title, body"),
        ):
            with self.subTest(inputs=inputs), self.assertRaisesRegex(InputError, words):
                g4f.batch(inputs, template, provider=Silent)
        for name, value in (
            ("concurrency", 0),
            ("on_error", "ignore"),
            ("stream", True),
            ("temprature", 1),
            ("rpm", 0),
        ):
            with self.subTest(name), self.assertRaisesRegex(InputError, name):
                g4f.batch(["a"], provider=Silent, **{name: value})
        self.assertEqual([], list(g4f.batch([], provider=Silent)))

    def test_cheap(self) -> None:
        """`cheap` asks for the tier "flex" where the provider has one."""
        for provider, tier in (("OpenAI", "flex"), ("Anthropic", None)):
            self.assertEqual(tier, Plan("m", provider, {}, cheap=True).question.options.get("service_tier"))

    def test_observer(self) -> None:
        """Who looks on sees each row as it is done, with the counts of all so far."""
        seen: list[Any] = []

        class Bar:
            def seen(self, row: Any, tally: Any) -> None:
                seen.append((row.index, tally.asked, tally.same, tally.failed, tally.tokens, tally.size))

        with Counting() as server:
            plan = Plan("m", None, {"base_url": server.url})
            run = Run(plan, source_of(["a", "a", ""], None), Terms(observer=Bar()))
            loops.run(_drained(run.rows()))
        self.assertEqual((0, 0, 1, 0), (seen[0][1], seen[0][2], seen[0][3], seen[0][4]))
        self.assertEqual((1, 1, 1, 5, 3), seen[-1][1:])

    def test_executor(self) -> None:
        """Another one may ask: it gets messages, and gives an answer."""

        async def ask(messages: list[dict[str, Any]]) -> Answer:
            return Answer(messages[0]["content"].upper())

        plan = Plan("m", Silent, {})
        rows = loops.run(_drained(Run(plan, source_of(["a", "b"], None), Terms(ask=ask)).rows()))
        self.assertEqual({"A", "B"}, {row.answer for row in rows})

    def test_messages(self) -> None:
        """A row may be a list of messages, and a file is read line by line."""
        with tempfile.TemporaryDirectory() as folder, Counting() as server:
            given = {"model": "m", "base_url": server.url}
            out = g4f.batch([[{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]], **given)
            self.assertEqual("re u", out[0].answer)
            Path(folder, "lines.txt").write_text("a\nb\n")
            with Path(folder, "lines.txt").open() as file:
                self.assertEqual(["re a", "re b"], [row.answer for row in g4f.batch(file, **given)])


async def _drained(rows: Any) -> list[Any]:
    return [row async for row in rows]


class TestTemplate(unittest.TestCase):
    """Columns in braces."""

    def test_fill(self) -> None:
        """One pass: a value's own braces stay, and so do those of code; `{{x}}` is a text."""
        row = {"x": "{y}", "y": 2.5, "first name": "Ada"}
        for text, expected in (
            ("{x} {y}", "{y} 2.5"),
            ("{y:.2f} {x!r}", "2.50 '{y}'"),
            ("{{x}} {{{y}}}", "{x} {2.5}"),
            ('{"x": 1} {y}', '{"x": 1} 2.5'),
            ("`{z}` {y}", "`{z}` 2.5"),
            ("Hi {first name}: {y}", "Hi Ada: 2.5"),
        ):
            with self.subTest(text):
                self.assertEqual(expected, Template(text, row).fill(row))

    def test_no_value(self) -> None:
        """None, NaN and a column that a later row lacks are errors of their rows alone."""
        with Counting() as server:
            rows = [{"x": 1}, {"x": None}, {"x": float("nan")}, {"z": 1}, {"x": 0}, 7]
            out = g4f.batch(rows, "q {x}", model="m", base_url=server.url)
            self.assertEqual([1, 2, 3, 5], [row.index for row in out.failed])
            self.assertEqual({"q 1": 1, "q 0": 1}, dict(server.asked))
            self.assertIn("has no value", str(out[2].error))


class TestInterrupt(unittest.TestCase):
    """A run that is broken off."""

    def test_sync(self) -> None:
        """An interrupt ends it with one line; what was answered is kept, and the next run asks the rest alone."""
        with tempfile.TemporaryDirectory() as folder, Counting(pause=0.02) as server:
            code = f"""
                import g4f
                def inputs():
                    for number in range(300):
                        if number == 40:
                            print("on", flush=True)
                        yield str(number)
                given = dict(model="m", base_url={server.url!r}, journal={folder!r} + "/j.sqlite", concurrency=8)
                try:
                    g4f.batch(inputs(), **given)
                except KeyboardInterrupt as error:
                    print(error)
            """
            out = script.interrupted(code)
            self.assertRegex(out, r"on\n\d+ are kept in .*j.sqlite; run it again to go on\n")
            kept = int(out.split()[1])
            before = server.total
            self.assertLessEqual(before - 8, kept)
            rest = g4f.batch(
                [str(each) for each in range(300)], model="m", base_url=server.url, journal=Path(folder, "j.sqlite")
            )
            self.assertFalse(rest.failed)
            self.assertEqual(300 - kept, server.total - before)

    def test_in_a_cell(self) -> None:
        """So it does in a cell, whose kernel goes on with the next one."""
        with tempfile.TemporaryDirectory() as folder, Counting(pause=0.02) as server, Kernel() as kernel:
            call = f"""
                import g4f
                texts = [str(each) for each in range(500)]
                given = dict(model="m", base_url={server.url!r}, journal={folder!r} + "/j.sqlite", concurrency=4)
                out = g4f.batch(texts[:COUNT], **given)
                len(out.failed)
            """
            code = textwrap.dedent(call)
            cell = kernel.send(code.replace("COUNT", "500"))
            server.wait_for(20)
            kernel.interrupt()
            kernel.finish(cell)
            self.assertEqual("KeyboardInterrupt", cell.reply["ename"])
            self.assertRegex(cell.reply["evalue"], r"^\d+ of 500 are kept in .*j.sqlite; run it again to go on$")
            asked = server.total
            self.assertEqual("ok", kernel.run(code.replace("COUNT", "20")).status)
            self.assertLessEqual(server.total, asked + 4)

    def test_what_has_just_come(self) -> None:
        """An answer that came in the moment before is kept, too."""

        async def cancelled(file: Path) -> int:
            came, never = asyncio.Event(), asyncio.Event()

            async def ask(messages: list[dict[str, Any]]) -> Answer:
                if messages[0]["content"] == "b":
                    await never.wait()
                came.set()
                return Answer("x")

            run = Run(Plan("m", Silent, {}), source_of(["b", "a"], None), Terms(2, journal=file, ask=ask))
            task = asyncio.create_task(_drained(run.rows()))
            await came.wait()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertIn("1 of 2 are kept", run.kept)
            return (await g4f.abatch(["a"], model="m", provider=Silent, journal=file))[0].known

        with tempfile.TemporaryDirectory() as folder:
            self.assertTrue(loops.run(cancelled(Path(folder, "j.sqlite"))))

    def test_async(self) -> None:
        """So does a task that is cancelled."""

        async def cancelled(server: Counting, file: Path) -> None:
            given = {"model": "m", "base_url": server.url, "journal": file, "concurrency": 4}
            task = asyncio.create_task(g4f.abatch([str(each) for each in range(100)], **given))
            await asyncio.to_thread(server.wait_for, 20)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        with tempfile.TemporaryDirectory() as folder, Counting(pause=0.01) as server:
            file = Path(folder, "j.sqlite")
            loops.run(cancelled(server, file))
            g4f.batch([str(each) for each in range(100)], model="m", base_url=server.url, journal=file)
            self.assertLessEqual(server.total, 104)
            self.assertEqual(["j.sqlite"], [path.name for path in Path(folder).iterdir()])
