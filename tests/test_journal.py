"""The journal of a batch: what is answered is never asked again, whatever happens to the process."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path
from typing import Any

import g4f
from g4f import __main__ as main
from g4f.batching import lives
from g4f.errors import InputError

from . import script
from .counting import Counting, said
from .test_batch import Silent

CHILD = """
import g4f, sys
url, journal, count, at_once = sys.argv[1:]
texts = [str(each) for each in range(int(count))]
out = g4f.batch(texts, model="m", base_url=url, journal=journal, concurrency=int(at_once))
print(sum(row.answer == f"re {row.index}" for row in out))
"""


def child(server: Counting, file: Path, count: int, at_once: int, before: str = "") -> Any:
    """Start a process that asks a batch."""
    command = [sys.executable, "-c", before + CHILD, server.url, str(file), str(count), str(at_once)]
    return subprocess.Popen(
        command, env=script.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def answers(file: Path) -> int:
    """Return how many answers are in a journal."""
    with contextlib.closing(sqlite3.connect(file)) as database:
        return int(database.execute("SELECT count(*) FROM answers").fetchone()[0])


class TestJournal(unittest.TestCase):
    """One process."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.file = self.folder / "topics.sqlite"

    def test_again(self) -> None:
        """The same call again asks nothing; a changed prompt, model or option is asked anew, and it says how many."""
        with Counting() as server:
            given = {"model": "m", "base_url": server.url, "journal": self.file}
            texts = [str(each) for each in range(20)]
            first = g4f.batch(texts, **given)
            self.assertIn("20 answered (20 asked)", repr(first))
            second = g4f.batch(texts, **given)
            self.assertIn("20 answered (20 from topics.sqlite)", repr(second))
            self.assertEqual([row.answer for row in first], [row.answer for row in second])
            self.assertEqual(first.usage, second.usage)
            self.assertTrue(second[0].answer and second[0].answer.replayed)
            self.assertEqual(20, server.total)
            third = g4f.batch([*texts[:18], "new", "newer"], **given)
            self.assertIn("20 answered (2 asked, 18 from topics.sqlite)", repr(third))
            for changed in ({"model": "other"}, {"temperature": 0.5}):
                before = server.total
                g4f.batch(texts, **{**given, **changed})
                self.assertEqual(before + 20, server.total)

    def test_another_port(self) -> None:
        """A server whose port the system chose is the same at its next port."""
        for _ in range(2):
            with Counting() as server:
                g4f.batch(["a"], model="m", base_url=server.url, journal=self.file)
                asked = server.total
        self.assertEqual(0, asked)

    def test_no_secret(self) -> None:
        """No key is in it, nor does another key ask again; an answer with a key in it is not kept."""
        key = "sk-abcdefghijklmnop"
        with Counting(lambda text: said(key if text == "tell" else "x")) as server:
            for own in (key, "sk-qrstuvwxyz0123456"):
                g4f.batch(["a"], model="m", base_url=server.url, api_key=own, journal=self.file)
            self.assertEqual(1, server.total)
            g4f.batch(["tell"], model="m", base_url=server.url, api_key=key, journal=self.file)
        self.assertEqual(1, answers(self.file))
        self.assertNotIn(key.encode(), self.file.read_bytes())

    def test_broken_answer(self) -> None:
        """An answer that cannot be read any more is asked for again."""
        with Counting() as server:
            given = {"model": "m", "base_url": server.url, "journal": self.file}
            g4f.batch(["a", "b"], **given)
            with contextlib.closing(sqlite3.connect(self.file)) as database, database:
                database.execute("UPDATE answers SET entry = x'7b7d' WHERE rowid = 1")
            for _ in range(2):
                self.assertFalse(g4f.batch(["a", "b"], **given).failed)
            self.assertEqual(3, server.total)

    def test_bad_files(self) -> None:
        """What cannot be a journal is one line, before anything is asked."""
        foreign, database, newer = (self.folder / name for name in ("a.txt", "b.sqlite", "c.sqlite"))
        foreign.write_text("what somebody wrote " * 9)
        for path, lines in (
            (database, ["CREATE TABLE t (x)"]),
            (newer, ["CREATE TABLE t (x)", f"PRAGMA application_id = {0x67346A31}", "PRAGMA user_version = 9"]),
        ):
            with contextlib.closing(sqlite3.connect(path)) as made:
                for line in lines:
                    made.execute(line)
        locked = self.folder / "locked"
        locked.mkdir(mode=0o500)
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        for path, words in (
            (foreign, "another file, and no journal"),
            (database, "database of another program"),
            (newer, "of version 9, and this g4f reads 1"),
            (self.folder, "Is a directory"),
            (locked / "x.sqlite", "Permission denied"),
            (pipe, "a pipe"),
            (7, "the journal 7 cannot be used"),
        ):
            with self.subTest(path), self.assertRaisesRegex(InputError, words) as caught:
                g4f.batch(["a"], provider=Silent, journal=path)
            self.assertNotIn("\n", str(caught.exception))
        self.assertIn("somebody", foreign.read_text())

    def test_command(self) -> None:
        """`show` and `export` print it, `tape` makes a tape of it, which replays its answers."""
        with Counting() as server:
            g4f.batch(["a", "b"], model="m", base_url=server.url, journal=self.file)
            self.assertIn("2 answers\n", self._printed("show", str(self.file)))
            lines = [json.loads(line) for line in self._printed("export", str(self.file)).splitlines()]
            self.assertEqual(["re a", "re b"], [line["answer"] for line in lines])
            self.assertEqual([5, 5], [line["tokens"] for line in lines])
            tape = self.folder / "tape.jsonl"
            self.assertIn("2 answers on the tape", self._printed("tape", str(self.file), str(tape)))
            with g4f.tape(tape, "replay"):
                out = g4f.batch(["b", "a"], model="m", base_url=server.url)
            self.assertEqual(["re b", "re a"], [row.answer for row in out])
            self.assertEqual(2, server.total)

    def _printed(self, *arguments: str) -> str:
        with contextlib.redirect_stdout(io.StringIO()) as out, self.assertRaises(SystemExit) as caught:
            main.main(["journal", *arguments])
        self.assertEqual(0, caught.exception.code)
        return out.getvalue()

    def test_full_disk(self) -> None:
        """A disk that is full ends the run in one line; with room again, what was kept is not asked again."""
        limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        with Counting() as server, child(server, self.file, 2000, 8, limit) as full:
            _, err = full.communicate(timeout=script.PATIENCE)
            self.assertNotEqual(0, full.returncode)
            self.assertIn("InputError: the journal", err)
            self.assertIn("cannot be written", err)
            kept, before = answers(self.file), server.total
            self.assertGreater(kept, 0)
            self.assertLessEqual(before - kept, 8)
            with child(server, self.file, 2000, 8) as again:
                self.assertEqual("2000\n", again.communicate(timeout=script.PATIENCE)[0])
            self.assertEqual(2000 - kept, server.total - before)


class TestKilled(unittest.TestCase):
    """Processes that end, and several at once."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name, "topics.sqlite")

    def test_kill(self) -> None:
        """Killed at random moments, a run loses nothing, and what it asks again was in flight."""
        count, at_once, kills = 400, 8, 6
        with Counting(pause=0.005) as server:
            for _ in range(kills):
                with child(server, self.file, count, at_once) as killed:
                    server.wait_for(random.randint(1, 40))
                    killed.kill()
                    killed.communicate()
            with child(server, self.file, count, at_once) as last:
                self.assertEqual(f"{count}\n", last.communicate(timeout=script.PATIENCE)[0])
            self.assertEqual(count, len(server.asked))
            self.assertLessEqual(server.total, count + kills * at_once)

    def test_two(self) -> None:
        """Two processes share the work: each row is asked once."""
        with (
            Counting(pause=0.005) as server,
            child(server, self.file, 300, 8) as one,
            child(server, self.file, 300, 8) as other,
        ):
            for each in (one, other):
                self.assertEqual(("300\n", ""), each.communicate(timeout=script.PATIENCE))
            self.assertEqual([], [text for text, times in server.asked.items() if times > 1])
            self.assertEqual(300, server.total)

    def test_one_of_two_is_killed(self) -> None:
        """What the killed one had in flight goes to the other at once."""
        with (
            Counting(pause=0.01) as server,
            child(server, self.file, 400, 8) as one,
            child(server, self.file, 400, 8) as other,
        ):
            server.wait_for(60)
            one.kill()
            one.communicate()
            self.assertEqual(("400\n", ""), other.communicate(timeout=script.PATIENCE))
            self.assertLessEqual(server.total, 408)


class TestLives(unittest.TestCase):
    """Who is dead."""

    def setUp(self) -> None:
        self.database = sqlite3.connect(":memory:")
        self.addCleanup(self.database.close)
        self.database.executescript(
            "CREATE TABLE leases (key BLOB PRIMARY KEY, run INTEGER);"
            "CREATE TABLE runs (run INTEGER PRIMARY KEY, place TEXT, pid INTEGER, beat INTEGER);"
            "INSERT INTO leases VALUES (x'01', 5);"
        )

    def test_counts(self) -> None:
        """A run elsewhere is dead once its count stands still for a while by our own clock; not while it counts."""
        self.database.execute("INSERT INTO runs VALUES (5, 'elsewhere', 1, 0)")
        seen, now = lives.Lives(), [0.0]
        with unittest.mock.patch.object(lives, "monotonic", lambda: now[0]):
            self.assertEqual([], seen.dead(self.database, 1))
            now[0] = lives.EXPIRES - 1
            self.database.execute("UPDATE runs SET beat = 1")
            self.assertEqual([], seen.dead(self.database, 1))
            now[0] += lives.EXPIRES - 1
            self.assertEqual([], seen.dead(self.database, 1))
            now[0] += 2
            self.assertEqual([5], seen.dead(self.database, 1))
            self.assertEqual([], seen.dead(self.database, 5))

    def test_gone(self) -> None:
        """One whose process is gone is dead at once, and so is one of this process without its thread."""
        with subprocess.Popen([sys.executable, "-c", ""]) as ended:
            pass
        for pid in (ended.pid, os.getpid()):
            self.database.execute("INSERT OR REPLACE INTO runs VALUES (5, ?, ?, 0)", (lives._here(), pid))
            self.assertEqual([5], lives.Lives().dead(self.database, 1))
        self.database.execute("UPDATE runs SET pid = ?", (os.getppid(),))
        self.assertEqual([], lives.Lives().dead(self.database, 1))
