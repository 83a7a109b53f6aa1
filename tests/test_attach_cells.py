"""`-a` in a cell: what is attached, what is said of it, and how it is completed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .files import pdf, png
from .servers import Server, whole
from .test_line import LineTestCase


class TestAttach(LineTestCase):
    """Files in the line of a cell. The kernel works in a folder of the test."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()
        self.kernel.run(f"import os, io; from pathlib import Path; os.chdir({str(self.folder)!r})")
        self.addCleanup(self.kernel.run, f"os.chdir({str(Path.cwd())!r})")

    def write(self, name: str, data: bytes | str) -> Path:
        """Write a file, and return its path."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def content(self, line: str, question: str = "?") -> str:
        """Return the question that the provider got."""
        return str(self.heard(line, question)[1][-1])

    def test_values(self) -> None:
        """Paths, patterns with values in them, and variables: each of them is a file with its name."""
        for year in (2024, 2025):
            self.write(f"data/{year}.txt", str(year))
        self.write("my notes.md", "notes")
        self.kernel.run(
            "path, raw, opened = Path('my notes.md'), b'raw', open('my notes.md'); year = 2025\n"
            "both = [path, io.StringIO('held')]; paths = {'a': path}"
        )
        notes, of_2025 = "my notes.md:\n\n```md\nnotes\n```\n\n", "data/2025.txt:\n\n```txt\n2025\n```\n\n"
        for line, expected in (
            ('-a "my notes.md"', notes),
            ("--attach='my notes.md' -a data/2025.txt", notes + of_2025),
            ("-a data/*.txt", "data/2024.txt:\n\n```txt\n2024\n```\n\n" + of_2025),
            ("-a data/{year}.txt", of_2025),
            ("-a data/{year}.t*", of_2025),
            ("-a {path}", notes),
            ("-a {paths['a']}", notes),
            ("-a {opened}", notes),
            ("-a {opened}", notes),
            ("-a {raw}", "raw:\n\n```\nraw\n```\n\n"),
            ("-a {both}", f"{notes}attachment:\n\n```\nheld\n```\n\n"),
            ("-a {path} -a 'my notes.md' -a {both[0]}", notes),
        ):
            with self.subTest(line):
                self.assertEqual(f"{expected}?", self.content(line))
        self.kernel.run("opened.close()")
        self.assertIn("2025", self.kernel.run("%chat --once -a data/2025.txt Which year?").screen)

    def test_bad(self) -> None:
        """One line each, before anything is sent."""
        self.write("report.txt", "a")
        self.write(".env", "A=1")
        self.kernel.run("number, file, nothing = 7, Path('report.txt'), None")
        for line, says in (
            ("-a reprot.txt", "there is no file 'reprot.txt'. Did you mean 'report.txt'?"),
            ("-a file", "there is no file 'file': write -a {file} for the variable"),
            ("-a {fiel}", "there is no variable 'fiel'. Did you mean 'file'"),
            ("-a {number}", "int is no file"),
            ("-a *.rst", "no file matches '*.rst'"),
            ("-a .", "is a folder"),
            (
                "-a .env",
                ".env is not sent, because such files hold passwords or keys. --force sends it, with stars for",
            ),
            ("-a", "expected one argument"),
            ("-a report.txt b.txt", "below the line: what is 'b.txt'? Each file needs an -a of its own."),
            ("--set files=report.txt", "--set files=… is not possible: give --attach instead"),
        ):
            with self.subTest(line):
                self.assertIn(says, self.failure(f"%%chat --once {line}\n?"))
        self.assertEqual(".env:\n\n```\nA=1\n```\n\n?", self.content("-a .env --force"))
        self.assertEqual("?", self.content("-a {nothing}"))

    def test_said(self) -> None:
        """Below the answer stands what was not sent; how many stars stand for secrets; it is in the metadata, too."""
        self.write("long.txt", "x" * 200)
        self.write("report.pdf", pdf("ghp_abcdefgh12345678"))
        self.write("code.py", "token = 'ghp_abcdefgh12345678'")
        self.write("wide.png", png(3000, 3))
        self.kernel.run("%config ChatMagics.attached = 199")
        self.addCleanup(self.kernel.run, "%config ChatMagics.attached = 100_000")
        cell = self.send("%%chat --once -a long.txt -a report.pdf -a code.py -a wide.png\n?")
        shown, left_out = cell.displays[0]["text/markdown"], cell.outputs[-1][1]["metadata"]["g4f_jupyter"]["left_out"]
        lines = (
            "long.txt: only 199 of 200 characters were sent",
            "report.pdf: sent as text, without images and layout",
            "report.pdf: stars stand in the place of 1 secret",
            "wide.png: the image was reduced from 3,000 x 3 to 2,048 x 2 pixels",
        )
        self.assertEqual([*lines], left_out)
        for line in (*lines, "1 secret value was not sent: stars stand in its place"):
            self.assertEqual(1, shown.count(line), shown)

    def test_dry_run(self) -> None:
        """It lists what is attached, with its kind and size, and fetches nothing."""
        self.write("report.pdf", pdf("Well"))
        self.write("rain.csv", "a,b\n1,2\n")
        self.write("dot.png", png(2, 2))
        with Server(whole(b"a")) as server:
            address = f"{server.url}/notes.txt"
            line = f"-a report.pdf -a rain.csv -a dot.png -a {address}"
            for provider in ("OpenAI", "Groq"):
                shown = self.shown(f"%%chat --once -p {provider} --set api_key=k --dry-run {line}\n?")["text/plain"]
                for each in (
                    f"attached: report.pdf (PDF, {len(pdf('Well'))} bytes)",
                    "attached: rain.csv (table, 8 bytes)",
                    f"attached: dot.png (image, {len(png(2, 2))} bytes)",
                    "attached: notes.txt (not fetched yet)",
                    "[notes.txt: not fetched yet]",
                    "DataFrame, 1 rows x 2 columns",
                    "[dot.png (image, ",
                ):
                    self.assertEqual(1, shown.count(each), shown)
                self.assertEqual(provider == "OpenAI", f"[report.pdf (PDF, {len(pdf('Well'))} bytes)]" in shown)
                self.assertEqual(provider == "Groq", "[page 1]\nWell" in shown)
            self.assertEqual([], server.requests)

    def test_address(self) -> None:
        """An address is fetched with the question, also while a tape is on, and fails in one line."""
        with Server(
            whole(b"buy milk", 200, "text/plain"), whole(b"buy milk", 200, "text/plain"), whole({}, 404)
        ) as server:
            line = f"-a {server.url}/notes.txt --tape auto"
            for _ in "ab":
                self.assertEqual("notes.txt:\n\n```txt\nbuy milk\n```\n\n?", self.content(line))
            self.assertEqual(2, len(server.requests))
            self.assertIn("notes.txt cannot be fetched: ", self.failure(f"%%chat --once {line}\n?"))

    def test_history(self) -> None:
        """A file stays with its turn, and is shown by its name."""
        self.write("notes.txt", "buy milk")
        self.shown("%%chat --thread files -a notes.txt\nWhat?")
        self.assertIn("notes.txt:\\n\\n```txt\\nbuy milk", self.shown("%%chat --thread files\nAnd?")["text/plain"])
        history = self.kernel.run("%chat_history --thread files").screen
        self.assertIn("[1] What? (notes.txt)\n", history)

    def test_completion(self) -> None:
        """Tab completes paths behind `-a`."""
        self.write("report.pdf", pdf("a"))
        self.write("data/rain.csv", "a,b\n")
        code = (
            "from IPython.core.completer import provisionalcompleter\n"
            "def completed(text):\n"
            "    with provisionalcompleter():\n"
            "        return [each.text for each in get_ipython().Completer.completions(text, len(text))]\n"
        )
        self.kernel.run(code)
        for line, expected in (
            ("%%chat -a rep", "report.pdf"),
            ("%%chat --attach rep", "report.pdf"),
            ("%chat -a data/", "data/rain.csv"),
            ("%%chat --att", "--attach"),
            ("%%chat --fo", "--force"),
        ):
            with self.subTest(line):
                self.assertIn(repr(expected), self.kernel.run(f"print(completed({line!r}))").text)

    def test_help(self) -> None:
        """`%%chat?` says how."""
        shown = self.kernel.run("print(get_ipython().find_cell_magic('chat').__doc__)").text
        self.assertIn('`-a report.pdf -a "data/*.csv"` puts files into the question', shown)
        self.assertIn("--attach FILE", shown)
