"""The names of models, kept on disk."""

from __future__ import annotations

import os
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

from g4f.errors import InputError, MissingAuthError, ResponseError
from g4f.models import Model, ModelUtils
from g4f.providers.catalogue import find, load, load_at
from g4f.providers.rows import Row
from g4f_jupyter.line.model_names import DAY, cached, end_of, fetch, known

from . import loops
from .script import run
from .servers import Server, whole

LISTED = whole({"data": [{"id": "b"}, {"id": "a"}, {"id": "b"}, {"id": "\x1b[2J"}, {"id": ""}]})


class CacheTestCase(unittest.TestCase):
    """A cache of the test's own."""

    def setUp(self) -> None:
        """Start what the tests need."""
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(
            mock.patch.dict(os.environ, {"XDG_CACHE_HOME": str(self.folder), "OPENAI_API_KEY": "sk-1234"})
        )

    def files(self) -> list[Path]:
        """Return the files of the cache."""
        return [path for path in self.folder.rglob("*") if path.is_file()]


class TestFetch(CacheTestCase):
    """Asking, and keeping."""

    def test_kept(self) -> None:
        """What a server lists is kept for its address, in its order, each once, and without what is no name."""
        with Server(LISTED) as server:
            provider = load_at(server.url)
            self.assertEqual([], cached(server.url))
            self.assertEqual(["b", "a"], loops.run(fetch(provider)))
            for same in (provider.row, server.url, server.url + "/"):
                self.assertEqual(["b", "a"], cached(same))
            self.assertEqual(["/v1/models"], [request.path for request in server.requests])
        self.assertEqual([], cached(server.url.replace("/v1", "/v2")))

    def test_ends(self) -> None:
        """The day on which a model ends is kept, however old the list is; what is no day is none."""
        listed = [{"id": "a", "shutdown_date": "2027-01-14"}, {"id": "b", "shutdown_date": None}, {"id": "c"}]
        listed += [{"id": "d", "shutdown_date": "soon"}, {"id": "e", "shutdown_date": 5}]
        with Server(whole({"data": listed})) as server, mock.patch.dict(os.environ, OPENAI_BASE_URL=server.url):
            row = find("OpenAI")
            self.assertIsNone(end_of(row, "a"))
            self.assertEqual(list("abcde"), loops.run(fetch(load("OpenAI"))))
            with mock.patch("g4f_jupyter.line.model_names.time", return_value=time.time() + 1000 * DAY):
                self.assertEqual(date(2027, 1, 14), end_of(row, "a"))
            for name in "bcdex":
                self.assertIsNone(end_of(row, name))
            [file] = self.files()
            file.write_text(file.read_text(encoding="utf-8").replace("2027-01-14", "no day"), encoding="utf-8")
            self.assertIsNone(end_of(row, "a"))

    def test_time_limit(self) -> None:
        """A list is old after `max_age` seconds, and so is one from the future."""
        with Server(LISTED) as server:
            loops.run(fetch(load_at(server.url)))
        now = time.time()
        for later, expected in ((DAY - 60, ["b", "a"]), (DAY + 60, []), (-60, [])):
            with self.subTest(later), mock.patch("g4f_jupyter.line.model_names.time", lambda: now + later):  # noqa: B023
                self.assertEqual(expected, cached(server.url))
        self.assertEqual([], cached(server.url, max_age=0))

    def test_environment(self) -> None:
        """A provider that the environment sends elsewhere has the list of that place, not its own."""
        with Server(LISTED) as server, mock.patch.dict(os.environ, OPENAI_BASE_URL=server.url):
            loops.run(fetch(load("OpenAI")))
            self.assertEqual(["b", "a"], cached(find("OpenAI")))
        self.assertEqual([], cached(find("OpenAI")))

    def test_secrets(self) -> None:
        """No key and no part of an address is in a file or in its name; a password makes no difference."""
        with Server(LISTED) as server:
            url = server.url.replace("//", "//user:pass/w@rd@")
            with mock.patch.dict(os.environ, OPENAI_BASE_URL=server.url):
                loops.run(fetch(load("OpenAI")))
            self.assertEqual(["b", "a"], cached(url + "?key=hidden"))
        (file,) = self.files()
        for secret in ("sk-1234", "user", "pass", "127.0.0.1", "hidden"):
            self.assertNotIn(secret, file.name + file.read_text())

    def test_fails(self) -> None:
        """A failure is the provider's own error, and is not kept; nor does it cost what was there."""
        with Server(LISTED, whole({"error": {"message": "no"}}, status=401)) as server:
            provider = load_at(server.url)
            loops.run(fetch(provider))
            with self.assertRaises(MissingAuthError):
                loops.run(fetch(provider))
            self.assertEqual(["b", "a"], cached(server.url))

    def test_other_providers(self) -> None:
        """A provider of the notebook is asked if it can be; what it says is not kept."""

        class Listing:
            def models(self) -> list[str]:
                return ["x"]

        class Wrong:
            async def models(self) -> Any:
                return [1]

        class Default:
            default_model = "only"

        self.assertEqual(["x"], loops.run(fetch(Listing())))
        self.assertEqual(["only"], loops.run(fetch(Default)))
        with self.assertRaisesRegex(ResponseError, r"^Wrong.models\(\) gave no list of names$"):
            loops.run(fetch(Wrong()))
        with self.assertRaisesRegex(InputError, "^object has no list of its models$"):
            loops.run(fetch(object()))
        self.assertEqual([], self.files())


class TestDisk(CacheTestCase):
    """What a disk does."""

    def test_broken(self) -> None:
        """A file that is torn, foreign, or of another shape is no list, and is replaced by the next one."""
        with Server(LISTED) as server:
            loops.run(fetch(load_at(server.url)))
            (file,) = self.files()
            torn = file.read_bytes()[:-3]
            for data in (
                b"",
                torn,
                b"\xff\xfe",
                b"[]",
                b'{"at": "now", "names": []}',
                b'{"names": ["a"]}',
                b'{"x":' + b"[" * 100_000,
            ):
                with self.subTest(data[:20]):
                    file.write_bytes(data)
                    self.assertEqual([], cached(server.url))
            self.assertEqual(["b", "a"], loops.run(fetch(load_at(server.url))))
            self.assertEqual(["b", "a"], cached(server.url))

    def test_unwritable(self) -> None:
        """Where nothing can be written, the names are there all the same."""
        Path(self.folder, "g4f-jupyter").touch()
        with Server(LISTED) as server:
            self.assertEqual(["b", "a"], loops.run(fetch(load_at(server.url))))
            self.assertEqual([], cached(server.url))

    def test_full_disk(self) -> None:
        """A list that cannot be put in its place leaves nothing behind."""
        with Server(LISTED) as server, mock.patch("pathlib.Path.replace", side_effect=OSError("no space")):
            loops.run(fetch(load_at(server.url)))
        self.assertEqual([], self.files())

    def test_two_processes(self) -> None:
        """While two processes write a list again and again, whoever reads has always a whole one."""
        code = """
            import asyncio, threading
            from g4f.providers.catalogue import find
            from g4f_jupyter.line.model_names import _keep, cached
            row = find("OpenAI")
            names = [str(number) for number in range(3000)]
            _keep(row, names)
            for _ in range(100):
                _keep(row, names)
                assert cached(row) == names
            print("whole")
        """
        with ThreadPoolExecutor() as pool:
            self.assertEqual(["whole\n"] * 2, list(pool.map(run, [code] * 2)))
        self.assertEqual(1, len(self.files()))


class TestKnown(unittest.TestCase):
    """What needs no asking."""

    def test_known(self) -> None:
        """The default first, then the well-known models that the provider serves, each once."""
        self.assertEqual(["gpt-6-luna", "gpt-4o"], known(find("OpenAI"))[:2])
        self.assertEqual(len(set(known(find("OpenAI")))), len(known(find("OpenAI"))))
        self.assertEqual(["smollm2"], known(find("Local")))
        self.assertEqual([], known(Row("Nobody", "", "", "")))

    def test_forms(self) -> None:
        """A model may name who serves it in any of the forms that its `best_provider` has."""
        for best in ("OpenAI", "Ollama, OpenAI", "open-ai", "Ollama OpenAI:gpt-x", ["Ollama", "OpenAI"], ("openai",)):
            with self.subTest(best), mock.patch.dict(ModelUtils.convert, mine=Model("mine", best_provider=best)):
                self.assertIn("mine", known(find("OpenAI")))
                self.assertNotIn("mine", known(find("Mistral")))
        for best in (None, "", "AzureOpenAI", "Ollama:OpenAI", object):
            with self.subTest(best), mock.patch.dict(ModelUtils.convert, mine=Model("mine", best_provider=best)):
                self.assertNotIn("mine", known(find("OpenAI")))
