"""Files of a question: what is sent of each kind, on every face, and what is refused before anything is sent."""

from __future__ import annotations

import base64
import codecs
import io
import os
import subprocess
import sys
import tempfile
import unittest
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pandas as pd
import pyarrow as pa
from PIL import Image
from pyarrow import parquet

import g4f
from g4f.attaching.attach import attach
from g4f.attaching.attached import AttachedFile
from g4f.errors import InputError
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.retry_provider import IterListProvider
from g4f.values.text import text_of

from . import script
from .asking import ask
from .faces import Answer, on_every_face
from .files import pdf, png, protected, wav
from .servers import Server, hello

Messages = list[dict[str, Any]]


class Heard(AsyncGeneratorProvider):
    """Answers with the content of the last question, in which data URLs are short. It takes no files."""

    @classmethod
    async def create_async_generator(
        cls, model: str, messages: Messages, stream: bool, **_: Any
    ) -> AsyncGenerator[str]:
        yield _shortened(messages[-1]["content"])


class Takes(Heard):
    """Takes them."""

    takes_files = True


def _shortened(content: Any) -> str:
    if isinstance(content, str):
        return content
    return " ".join(
        part["text"] if part["type"] == "text" else f"<{part['type']} {str(part[part['type']])[:60]}>"
        for part in content
    )


class Folder(unittest.TestCase):
    """An empty folder is where the test is."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()
        before = Path.cwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, before)

    def write(self, name: str, data: bytes | str) -> Path:
        """Write a file, and return its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def sent(self, *given: Any, **how: Any) -> list[str]:
        """Return the texts that are sent of files."""
        return [file.text for file in attach(list(given), **how)]

    def refused(self, given: Any, says: str, error: type[Exception] = InputError, **how: Any) -> None:
        """Attaching raises an error of one line that says so."""
        with self.assertRaises(error) as caught:
            attach(given, **how)
        self.assertIn(says, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))


class OnFaces:
    """Files are given like images, to every call."""

    def setUp(self) -> None:
        super().setUp()  # type: ignore[misc]
        self.path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "report.pdf"  # type: ignore[attr-defined]
        self.path.write_bytes(pdf("All is well"))

    def test_text(self) -> None:
        """Texts stand before the question, each with its name."""
        notes = io.StringIO("buy milk\n")
        notes.name = "notes.txt"
        said = "notes.txt:\n\n```txt\nbuy milk\n```\n\nWhat is it?"
        self.expect(Answer(said), Heard, messages="What is it?", files=notes)  # type: ignore[attr-defined]

    def test_pdf(self) -> None:
        """A PDF is sent as a file to who takes files, to others as text, also within a list of both."""
        text = "report.pdf:\n\n```\n[page 1]\nAll is well\n```\n\nSo?"
        file = "<file {'filename': 'report.pdf', 'file_data': 'data:application/pd> So?"
        for provider, said in (
            (Heard, text),
            (Takes, file),
            (IterListProvider([Takes, Heard]), file),
            (IterListProvider([Heard, Takes]), text),
        ):
            self.expect(Answer(said), provider, messages="So?", files=[self.path])  # type: ignore[attr-defined]

    def test_bad(self) -> None:
        """What cannot be attached is an error of the call."""
        error = InputError("there is no file 'no.txt'.")
        self.expect_error(error, lambda: Heard, files="no.txt")  # type: ignore[attr-defined]
        error = InputError("files belong to a question: the last message must be a user's, not of 'assistant'")
        messages = [{"role": "assistant", "content": "Hi"}]
        self.expect_error(error, lambda: Heard, messages=messages, files=b"x")  # type: ignore[attr-defined]


globals().update(on_every_face(OnFaces))


class TestProtocols(Folder):
    """What goes over the wire."""

    PDF = "data:application/pdf;base64," + base64.b64encode(pdf("All is well")).decode()

    def test_pdf(self) -> None:
        """OpenAI (both protocols), Anthropic and Gemini get the file, each in its own words; other servers its text."""
        path = self.write("report.pdf", pdf("All is well"))
        text = {"role": "user", "content": "report.pdf:\n\n```\n[page 1]\nAll is well\n```\n\nHi"}
        data = self.PDF.partition(",")[2]
        for provider, protocol, pick, expected in (
            (
                "OpenAI",
                "chat",
                lambda body: body["messages"][0]["content"][0],
                {"type": "file", "file": {"filename": "report.pdf", "file_data": self.PDF}},
            ),
            (
                "OpenAI",
                "responses",
                lambda body: body["input"][0]["content"][0],
                {"type": "input_file", "filename": "report.pdf", "file_data": self.PDF},
            ),
            (
                "Anthropic",
                None,
                lambda body: body["messages"][0]["content"][0]["source"],
                {"type": "base64", "media_type": "application/pdf", "data": data},
            ),
            (
                "Gemini",
                None,
                lambda body: body["contents"][0]["parts"][0]["inlineData"],
                {"mimeType": "application/pdf", "data": data},
            ),
            ("Groq", None, lambda body: body["messages"][0], text),
            ("Ollama", None, lambda body: body["messages"][0], text),
        ):
            with self.subTest(provider=provider, protocol=protocol), Server(hello) as server:
                outcome = ask(server, provider, files=path, protocol=protocol)
                self.assertEqual(expected, pick(outcome.body))

    def test_sound(self) -> None:
        """Sound is sent where it is taken, else it is refused in one line, and nothing is sent."""
        path = self.write("hm.wav", wav())
        sound = {"format": "wav", "data": base64.b64encode(wav()).decode()}
        with Server(hello) as server:
            outcome = ask(server, "OpenAI", files=path, protocol="chat")
            self.assertEqual({"type": "input_audio", "input_audio": sound}, outcome.body["messages"][0]["content"][0])
            refused = ask(server, "Ollama", files=path)
            self.assertIn("Ollama cannot hear sound: leave that out, or ask ", str(refused.error))
            self.assertEqual(1, len(server.requests))

    def test_image(self) -> None:
        """An image among the files is an image."""
        path = self.write("dot.png", png(2, 2))
        with Server(hello) as server:
            outcome = ask(server, "OpenAI", files=path, protocol="chat")
        url = f"data:image/png;base64,{base64.b64encode(png(2, 2)).decode()}"
        self.assertEqual(
            [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "Hi"}],
            outcome.body["messages"][0]["content"],
        )


class TestTexts(Folder):
    """Texts and code."""

    def test_encodings(self) -> None:
        """UTF-8, and what a byte order mark or every other byte being zero says; all else is named."""
        for data in (
            "naïve – €".encode(),
            codecs.BOM_UTF8 + "naïve – €".encode(),
            "naïve – €".encode("utf-16"),
            codecs.BOM_UTF16_BE + "naïve – €".encode("utf-16-be"),
            "naïve – €".encode("utf-32"),
        ):
            with self.subTest(data):
                self.write("a.txt", data)
                self.assertEqual(["a.txt:\n\n```txt\nnaïve – €\n```"], self.sent("a.txt"))
        for encoding in ("utf-16-le", "utf-16-be"):
            self.write("a.txt", "only letters".encode(encoding))
            self.assertEqual(["a.txt:\n\n```txt\nonly letters\n```"], self.sent("a.txt"))
        self.write("a.txt", "naïve".encode("latin-1"))
        self.refused("a.txt", "a.txt is no text in UTF-8: convert it first")

    def test_binary(self) -> None:
        """Other kinds are refused, with what to do."""
        for name, data, says in (
            (
                "a.bin",
                bytes(range(256)),
                "a.bin is of a kind that cannot be sent: save it as text, PDF, CSV or an image",
            ),
            ("a.docx", b"PK\3\4\0\0", "a.docx is of a kind that cannot be sent: save it as PDF"),
            ("a.xlsx", b"PK\3\4\0\0", "a.xlsx is of a kind that cannot be sent: save it as CSV or Parquet"),
            ("a.zip", b"PK\3\4\0\0", "unpack it first"),
            ("a.pdf", b"Hello", "a.pdf is no PDF, though it is called so: it may be broken"),
            ("a.png", b"Hello", "a.png is no PNG, JPEG, GIF or WebP"),
            ("a.wav", b"Hello", "a.wav is no WAV, MP3"),
            ("a.parquet", b"Hello", "a.parquet is no whole Parquet file"),
            ("a.dat", b"\0ab\0" * 9, "a.dat is of a kind that cannot be sent"),
            ("a.dat", b"\0\0a\0" * 9, "a.dat is of a kind that cannot be sent"),
            ("a.txt", b"", "a.txt is empty: there is nothing to send"),
        ):
            with self.subTest(name):
                self.write(name, data)
                self.refused(name, says)

    def test_content_decides(self) -> None:
        """What a file is, its first bytes say, not its name; text that only begins like something stays text."""
        for data, name, kind in (
            (pdf("a"), "a.txt", "PDF"),
            (b"junk\n" + pdf("a"), "a.pdf", "PDF"),
            (png(1, 1), "a", "image"),
            (wav(), "a.dat", "sound"),
            (b"ID3\4\0", "a", "sound"),
            (b"ID3 tags are", "a.md", "text"),
            (b'{"a": 1}', "a.json", "text"),
            (b'{"a": 1}\n', "a.jsonl", "text"),
            (b"%PDF is a format", "a.md", "text"),
        ):
            with self.subTest(name=name, kind=kind):
                self.write(name, data)
                self.assertEqual([kind], [file.kind for file in attach(name)])

    def test_fence(self) -> None:
        """Whatever stands in a text, it does not end its block."""
        self.write("a.md", "```\nb\n```\n")
        self.assertEqual(["a.md:\n\n````md\n```\nb\n```\n````"], self.sent("a.md"))

    def test_cut(self) -> None:
        """A text of just the limit is sent whole; one character more, and a line says what is left out."""
        self.write("a.txt", "x" * 100)
        (file,) = attach("a.txt", limit=100)
        self.assertEqual([], file.left_out)
        (file,) = attach("a.txt", limit=99)
        self.assertEqual(["a.txt: only 99 of 100 characters were sent"], file.left_out)
        self.assertIn(f"{'x' * 99}\n… 1 more characters\n", file.text)

    def test_secrets(self) -> None:
        """Stars stand for the secrets of the environment, and for what looks like one."""
        self.write("a.py", "key = 'hunter2-hunter2'\nother = 'ghp_abcdefgh12345678'\n")
        with patch.dict(os.environ, {"MY_API_KEY": "hunter2-hunter2"}):
            self.assertEqual(["a.py:\n\n```py\nkey = '***'\nother = '***'\n```"], self.sent("a.py"))


class TestTables(Folder):
    """CSV and Parquet."""

    FRAME = pd.DataFrame({"city": ["Bonn", "Kiel"], "rain": [1.5, 2.0]})

    def test_csv(self) -> None:
        """A table is what `{df}` would be, whatever separates its values, and however it is encoded."""
        expected = [f"a.csv:\n\n{text_of(self.FRAME, 'a.csv')}"]
        for data in (
            "city,rain\nBonn,1.5\nKiel,2.0\n",
            "city;rain\nBonn;1.5\nKiel;2.0\n",
            "city|rain\nBonn|1.5\nKiel|2.0\n",
            '\n"city";"rain"\n"Bonn";1.5\n"Kiel";2.0\n',
            codecs.BOM_UTF8.decode() + "city,rain\nBonn,1.5\nKiel,2.0\n",
        ):
            with self.subTest(data):
                self.write("a.csv", data)
                self.assertEqual(expected, self.sent("a.csv"))
        self.write("a.csv", "city;rain\nBonn;1.5\nKiel;2.0\n".encode("utf-16"))
        self.assertEqual(expected, self.sent("a.csv"))
        self.write("a.tsv", "city\train\nBonn\t1.5\nKiel\t2.0\n")
        self.assertEqual([f"a.tsv:\n\n{text_of(self.FRAME, 'a.tsv')}"], self.sent("a.tsv"))

    def test_parquet(self) -> None:
        """So is Parquet."""
        parquet.write_table(pa.Table.from_pandas(self.FRAME), self.folder / "a.parquet")
        self.assertEqual(
            [f"a.parquet:\n\n{text_of(parquet.read_table('a.parquet'), 'a.parquet')}"], self.sent("a.parquet")
        )
        whole = (self.folder / "a.parquet").read_bytes()
        self.write("a.parquet", whole[:20] + b"\xff" * 20 + whole[-4:])
        self.refused("a.parquet", "a.parquet cannot be read as Parquet: ")

    def test_decimal_commas(self) -> None:
        """Commas in numbers separate nothing."""
        self.write("a.csv", "city;rain\n" + "Bonn;1,5\n" * 20)
        self.assertIn("| Bonn | 1,5 |", self.sent("a.csv")[0])

    def test_left_out(self) -> None:
        """What the table leaves out is said."""
        pd.DataFrame({"number": range(5000)}).to_csv("a.csv", index=False)
        (file,) = attach("a.csv")
        self.assertIn("of 5,000 rows", file.left_out[0])

    def test_no_table(self) -> None:
        """A CSV that is none is sent as a text, and that is said."""
        self.write("a.csv", 'a,b\n1,2\n"3,4,5\n6,7,8,9\n')
        (file,) = attach("a.csv")
        self.assertEqual("text", file.kind)
        self.assertIn("a.csv: sent as a text, because it is no table that pandas reads", file.left_out[0])
        self.assertIn('```csv\na,b\n1,2\n"3,4,5', file.text)

    def test_packages(self) -> None:
        """What the notebook has imported reads the table; without any, a CSV is a text, and Parquet an error."""
        self.write("a.csv", "a,b\n1,2\n")
        parquet.write_table(pa.table({"a": [1]}), self.folder / "a.parquet")
        code = """
            import sys
            for name in {hidden!r}:
                sys.modules[name] = None
            {more}
            from g4f.attaching.attach import attach
            from g4f.errors import MissingRequirementsError
            print(*((file.kind, *file.left_out) for file in attach("a.csv")))
            try:
                print(*(file.kind for file in attach("a.parquet")))
            except MissingRequirementsError as error:
                print(error)
            print(*(each for each in ("pandas", "polars", "pyarrow") if sys.modules.get(each)))
        """
        table, none = "('table',)", "a.parquet: to read Parquet, install pyarrow or polars"
        says = "a.csv: sent as a text, because neither pandas nor polars is here to read a table"
        for hidden, more, expected in (
            (("polars", "pyarrow"), "", [table, none, "pandas"]),
            (("pandas", "pyarrow"), "", [table, "table", "polars"]),
            ((), "import polars", [table, "table", "polars"]),
            (("pandas", "polars", "pyarrow"), "", [f"('text', {says!r})", none, ""]),
        ):
            with self.subTest(hidden):
                self.assertEqual(expected, script.run(code.format(hidden=hidden, more=more)).split("\n")[:-1])


class TestPDF(Folder):
    """The text of a PDF, for who takes no files."""

    def text(self, data: bytes, **how: Any) -> tuple[str, list[str]]:
        """Return what a provider gets that takes no files, and what is said of it."""
        files = attach(self.write("a.pdf", data), **how)
        return g4f.ChatCompletion.create("", "?", Heard, files=files), files[0].left_out

    def fails(self, data: bytes, says: str) -> None:
        """It is an error of one line, that says so."""
        with self.assertRaises(InputError) as caught:
            self.text(data)
        self.assertIn(says, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))

    def test_pages(self) -> None:
        """Each page by its number; those without text are not there."""
        text, said = self.text(pdf("One", "", "Three"))
        self.assertEqual("a.pdf:\n\n```\n[page 1]\nOne\n\n[page 3]\nThree\n```\n\n?", text)
        self.assertEqual(["a.pdf: sent as text, without images and layout"], said)

    def test_once(self) -> None:
        """Its text is read once, however often it is sent."""
        files = attach(self.write("a.pdf", pdf("a")))
        for _ in "ab":
            g4f.ChatCompletion.create("", "?", Heard, files=files)
        self.assertEqual(["a.pdf: sent as text, without images and layout"], files[0].left_out)

    def test_cut(self) -> None:
        """No more pages are read than there is room for, and it is said."""
        text, said = self.text(pdf("x" * 50, "y" * 50, "z" * 50), limit=60)
        self.assertIn(f"[page 2]\n{'y' * 10}\n… the rest of 3 pages", text)
        self.assertNotIn("z", text)
        self.assertEqual(["a.pdf: only 2 of 3 pages were sent, as text"], said)

    def test_bad(self) -> None:
        """Scanned, encrypted, broken."""
        self.fails(
            pdf("", ""), "a.pdf has no text, it may be scanned: give its pages as images, or ask another provider"
        )
        self.fails(protected(pdf("a"), "secret", "owner"), "a.pdf is encrypted with a password: save it without one")
        self.fails(pdf("a")[:60], "a.pdf cannot be read as a PDF, it may be broken: ")
        self.fails(b"%PDF-1.4\n" + os.urandom(5000), "a.pdf ")

    def test_no_password(self) -> None:
        """One that only forbids printing can be read."""
        self.assertIn("[page 1]\nreadable", self.text(protected(pdf("readable"), "", "owner"))[0])

    def test_secrets(self) -> None:
        """Stars stand for secrets in its text, and it is said."""
        text, said = self.text(pdf("ghp_abcdefgh12345678"))
        self.assertIn("[page 1]\n***", text)
        self.assertEqual("a.pdf: stars stand in the place of 1 secret", said[-1])

    def test_without_package(self) -> None:
        """Without the package, the error says which; who takes files needs none."""
        self.write("a.pdf", pdf("a"))
        out = script.run(
            """
            import sys
            sys.modules["pypdf"] = None
            import g4f
            class Hears:
                async def create_async(model, messages):
                    return str([part["type"] for part in messages[-1]["content"]])
            class Takes(Hears):
                takes_files = True
            print(g4f.ChatCompletion.create("", "?", Takes, files="a.pdf"))
            try:
                g4f.ChatCompletion.create("", "?", Hears, files="a.pdf")
            except g4f.errors.MissingRequirementsError as error:
                print(error)
            """
        )
        needs = "pip install g4f-jupyter[files] for the text of a PDF"
        takers = "or ask another provider: OpenAI, Anthropic and Gemini take the file itself"
        self.assertEqual(f"['file', 'text']\na.pdf: {needs}, {takers}\n", out)


class TestImages(Folder):
    """Images are reduced to what models see."""

    def test_reduced(self) -> None:
        """One whose longest side is larger, in its format, and it is said; at most as large, it stays as it is."""
        for name, form in (("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.webp", "WEBP")):
            with self.subTest(name):
                Image.new("RGB", (2049, 100)).save(name, form)
                (file,) = attach(name)
                data = base64.b64decode(file.url.partition(",")[2])
                with Image.open(io.BytesIO(data)) as image:
                    self.assertEqual(((2048, 100), form), (image.size, image.format))
                self.assertEqual(
                    [f"{name}: the image was reduced from 2,049 x 100 to 2,048 x 100 pixels"], file.left_out
                )
        (file,) = attach(self.write("b.png", png(2048, 3)))
        self.assertEqual(([], png(2048, 3)), (file.left_out, base64.b64decode(file.url.partition(",")[2])))

    def test_turned(self) -> None:
        """A photo that a camera turned is turned before its mark is lost."""
        turned = Image.Exif()
        turned[0x0112] = 6
        Image.new("RGB", (3000, 1000)).save("a.jpg", exif=turned)
        (file,) = attach("a.jpg")
        self.assertEqual(["a.jpg: the image was reduced from 3,000 x 1,000 to 683 x 2,048 pixels"], file.left_out)

    def test_camera(self) -> None:
        """A photo of a camera may hold several images: the first is sent."""
        both = {"format": "MPO", "save_all": True, "append_images": [Image.new("RGB", (3000, 10))]}
        Image.new("RGB", (3000, 20)).save("a.jpg", **both)
        (file,) = attach("a.jpg")
        self.assertEqual(["a.jpg: the image was reduced from 3,000 x 20 to 2,048 x 14 pixels"], file.left_out)

    def test_broken(self) -> None:
        """A large image that is broken is an error."""
        self.write("a.png", png(3000, 3000)[:-200])
        self.refused("a.png", "a.png cannot be reduced to 2,048 pixels: ")

    def test_without_pil(self) -> None:
        """Without PIL it is sent as it is."""
        self.write("a.png", png(2049, 3))
        out = script.run(
            """
            import sys
            sys.modules["PIL"] = None
            from g4f.attaching.attach import attach
            (file,) = attach("a.png")
            print(file, file.left_out)
            """
        )
        self.assertEqual(f"a.png (image, {len(png(2049, 3))} bytes) []\n", out)


class TestPlaces(Folder):
    """Paths, patterns, open files, bytes, lists, and what is none of these."""

    def names(self, *given: Any) -> list[str]:
        """Return the names of what is attached."""
        return [file.name for file in attach(list(given))]

    def test_patterns(self) -> None:
        """A pattern names files in order, with `**` at any depth, no folders and no hidden files."""
        for name in ("b.txt", "a.txt", "in/c.txt", "in/deep/d.txt", ".hidden.txt", "e.md"):
            self.write(name, name)
        self.assertEqual(["a.txt", "b.txt"], self.names("*.txt"))
        self.assertEqual(["a.txt", "b.txt", "in/c.txt", "in/deep/d.txt"], self.names("**/*.txt"))
        self.assertEqual(["in/c.txt"], self.names("in/*"))
        self.assertEqual(["a.txt"], self.names(f"{self.folder}/a*"))
        self.write("[x].txt", "x")
        self.assertEqual(["[x].txt"], self.names("[x].txt"))
        self.refused("*.rst", f"no file matches '*.rst' in {self.folder}")

    def test_names(self) -> None:
        """A file is called by its path from here; one elsewhere by its name alone."""
        self.write("in/a.txt", "a")
        os.chdir("in")
        self.assertEqual(["a.txt"], self.names("../in/a.txt"))
        self.assertEqual(["a.txt"], self.names("./a.txt"))
        with patch.dict(os.environ, {"HOME": str(self.folder)}):
            self.assertEqual(["a.txt"], self.names("~/in/a.txt"))
        odd = "a\nb\x1b[31m.txt"
        self.write(f"in/{odd}", "a")
        self.assertEqual(["a b\ufffd[31m.txt"], self.names(odd))

    def test_values(self) -> None:
        """A Path, an entry of a folder, open files, bytes, and lists of these."""
        path = self.write("a.txt", "a")
        with path.open() as text, path.open("rb") as binary, os.scandir(self.folder) as entries:
            for given in (path, next(entries), text, binary, [path], (text,), [[path]]):
                with self.subTest(given):
                    self.assertEqual(["a.txt:\n\n```txt\na\n```"], self.sent(given))
        for data in (b"a", bytearray(b"a"), memoryview(b"a"), io.BytesIO(b"a"), io.StringIO("a")):
            self.assertEqual(["attachment:\n\n```\na\n```"], self.sent(data))
        for given, says in (
            (7, "int is no file: give a path, an address, an open file, bytes, or a list of these"),
            (pd.DataFrame(), "DataFrame is no file: write it in braces in the question"),
            ("", "a file has an empty name: give its path"),
            ("ftp://a/b", "ftp:// cannot be attached: give an http(s) address"),
            ("file:///etc/passwd", "file:// cannot be attached"),
            ("https://", "this is no http(s) address"),
            ("https://a:b/", "this is no http(s) address"),
            ("http://[", "this is no http(s) address"),
        ):
            with self.subTest(given):
                self.refused(given, says)
        endless: list[Any] = []
        endless.append(endless)
        self.refused(endless, "a list of files contains itself")

    def test_open(self) -> None:
        """All of an open file is sent, and its reader goes on where it was."""
        path = self.write("a.txt", "one\ntwo\n")
        with path.open() as file:
            file.readline()
            self.assertEqual(["a.txt:\n\n```txt\none\ntwo\n```"], self.sent(file))
            self.assertEqual("two\n", file.readline())
        self.refused(file, "a.txt, an open file, cannot be attached: it is closed, give its path")
        with path.open("a") as writer:
            self.refused(writer, "a.txt, an open file, cannot be attached: not readable")
        read, write = os.pipe()
        os.close(write)
        with os.fdopen(read) as end:
            self.refused(end, "it is a pipe or a device, give what it holds as bytes")

    def test_twice(self) -> None:
        """The same file is sent once, by whatever name."""
        path = self.write("a.txt", "a")
        Path("link.txt").symlink_to(path)
        self.assertEqual(["a.txt"], self.names("a.txt", path, "./a.txt", "link.txt", "*.txt"))
        data = b"b"
        self.assertEqual(["attachment"], self.names(data, data))
        address = "https://localhost:1/a.csv"
        self.assertEqual(["a.csv"], self.names(address, address))

    def test_missing(self) -> None:
        """What is no file that can be read is one line, with what is near."""
        self.write("report.txt", "a")
        Path("folder").mkdir()
        os.mkfifo("pipe")
        self.write("locked.txt", "a").chmod(0)
        for given, says in (
            ("reprot.txt", "there is no file 'reprot.txt'. Did you mean 'report.txt'?"),
            ("no/such/file", "there is no file 'no/such/file'."),
            ("folder", "folder is a folder: name its files, as in folder/*.csv"),
            ("pipe", "pipe cannot be attached: it is a pipe, not a regular file: name another"),
            ("/dev/zero", "zero cannot be attached: it is a device, not a regular file: name another"),
            ("a\0b", "embedded null"),
            ("x" * 5000, "cannot be attached: File name too long"),
            *([] if os.geteuid() == 0 else [("locked.txt", "locked.txt cannot be attached: Permission denied")]),
        ):
            with self.subTest(given[:20]):
                self.refused(given, says)

    def test_changes(self) -> None:
        """A file that is written while it is read is not sent."""
        path = self.write("log.txt", "line\n" * 2_000_000)
        grows = (
            "import sys; print(flush=True)\nwith open('log.txt', 'ab', 0) as file:\n    while file.write(b'x'): pass"
        )
        with subprocess.Popen([sys.executable, "-c", grows], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            said = ""
            try:
                for _ in range(50):  # until the writer had its turn in between
                    attach(path)
            except InputError as error:
                said = str(error)
            finally:
                writer.kill()
        self.assertEqual("log.txt changed while it was read: try again, or attach a copy", said)

    def test_sizes(self) -> None:
        """What is sent as it is may have 20 MB, alone and together; a question 100 files."""
        large = 20 * 2**20
        data = pdf("a")
        path = self.write("a.pdf", data + b"\n" * (large - len(data)))
        self.assertEqual(["a.pdf (PDF, 20.0 MB)"], [str(file) for file in attach(path)])
        self.write("b.png", png(1, 1))
        self.refused(["a.pdf", "b.png"], "the files have 20.0 MB together: at most 20 MB of PDFs, images and sound are")
        with path.open("ab") as file:
            file.write(b"\n")
        self.refused("a.pdf", "a.pdf has 20.0 MB: a PDF may have 20 MB at most")
        for number in range(101):
            self.write(f"many/{number}.txt", "0123456789")
        self.refused("many/*", "'many/*' matches 101 files: at most 100 can be attached")
        Path("many/100.txt").unlink()
        self.assertEqual(100, len(self.names("many/*")))
        self.refused(["many/*", b"x"], "a question may have 100 files at most: name fewer of them")
        self.refused("many/*", "the files have", limit=10)
        with self.write("huge.txt", "").open("wb") as huge:
            huge.truncate(2**28 + 1)
        self.refused("huge.txt", "huge.txt cannot be attached: it has more than 256 MB")


class TestPrivate(Folder):
    """Files that hold keys or passwords."""

    SAFE: ClassVar = (
        "id_rsa.pub",
        "known_hosts",
        ".env.example",
        "keys.py",
        "environment.yml",
        "monkey.csv",
        "key.txt",
    )
    KEYS: ClassVar = ("id_rsa", "id_ed25519", "server.pem", "tls.KEY", ".ssh/work", "store.p12")
    PASSWORDS: ClassVar = (
        ".env",
        ".env.local",
        "prod.env",
        ".netrc",
        ".npmrc",
        ".pgpass",
        ".aws/credentials",
        ".kube/config",
        ".docker/config.json",
        ".git-credentials",
        "kubeconfig.yaml",
    )

    def test_names(self) -> None:
        """They are refused by their names, in one line that says why, unless it is forced."""
        for names, why in (
            (self.KEYS, "such files hold private keys"),
            (self.PASSWORDS, "such files hold passwords or"),
        ):
            for name in names:
                with self.subTest(name):
                    self.write(name, "a=1\n")
                    self.refused(name, f"{name} is not sent, because {why}", instead="--force")
                    self.refused(self.folder / name, f"because {why}")
                    self.assertEqual([name], [file.name for file in attach(name, force=True)])
        for name in self.SAFE:
            with self.subTest(name):
                self.write(name, "a\n")
                self.assertEqual([name], [file.name for file in attach(name)])
        if Path("/proc/self/environ").exists():
            self.refused("/proc/self/environ", "environ is not sent, because it is the environment of a process")
        self.refused("https://host/.env", ".env is not sent, because such files hold passwords or keys")

    def test_links(self) -> None:
        """A link is what it leads to, and an open file what it was opened from."""
        path = self.write(".env", "A=1")
        Path("notes.txt").symlink_to(path)
        self.refused("notes.txt", "notes.txt is not sent, because such files hold passwords or keys")
        with path.open() as file:
            self.refused(file, ".env is not sent")

    def test_blank_lines(self) -> None:
        """A file of blank lines is looked through in time."""
        self.assertEqual(1, len(self.sent(b"\n" * 1_000_000)))

    def test_content(self) -> None:
        """So is what is a private key, whatever it is called; forced, stars stand for it."""
        for text in (
            "-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nMIIabc\n-----END OPENSSH PRIVATE KEY-----",
            '{"private_key": "-----BEGIN PRIVATE KEY-----\\nMIIabc\\n-----END PRIVATE KEY-----"}',
        ):
            for data in (text.encode(), text.encode("utf-16")):
                with self.subTest(data):
                    self.write("notes.txt", data)
                    self.refused(
                        "notes.txt", "notes.txt is not sent, because a private key is in it. Put its text into"
                    )
                    self.assertNotIn("MIIabc", self.sent("notes.txt", force=True)[0])
        self.assertEqual(
            ["attachment:\n\n```\nfind -----BEGIN PRIVATE in it\n```"], self.sent(b"find -----BEGIN PRIVATE in it")
        )


class TestConversations(Folder):
    """Files stay with their turn."""

    def test_turns(self) -> None:
        """They are sent again with the next question, are kept in JSON, and shown by name; the file is read once."""
        path = self.write("report.pdf", pdf("All is well"))
        self.write("dot.png", png(2, 2))
        chat = g4f.Conversation(provider=Takes)
        chat("What?", files=[path, "dot.png"])
        path.unlink()
        (turn,) = chat.turns
        self.assertEqual((["report.pdf", "dot.png"], ()), ([file.name for file in turn.files], turn.images))
        self.assertIn("What? (report.pdf, dot.png)\n", turn.to_text())
        self.assertIn("(report.pdf, dot.png)", turn.to_markdown())
        again = g4f.Conversation.from_json(chat.to_json(), provider=Takes)
        self.assertEqual(chat.turns, again.turns)
        self.assertEqual(chat.to_messages(), again.to_messages())
        types = [part["type"] for part in again.to_messages()[0]["content"]]
        self.assertEqual(["file", "image_url", "text"], types)

    def test_other_provider(self) -> None:
        """A conversation that goes on with who takes no files sends the text of a PDF in an earlier turn."""
        seen: list[Any] = []

        class Keeps(AsyncGeneratorProvider):
            @classmethod
            async def create_async_generator(
                cls, model: str, messages: Messages, stream: bool, **_: Any
            ) -> AsyncGenerator[str]:
                seen.extend(messages)
                yield "ok"

        chat = g4f.Conversation(provider=Takes)
        chat("What?", files=self.write("report.pdf", pdf("All is well")))
        for each in (chat, g4f.Conversation.from_json(chat.to_json(), provider=Takes)):
            each("And?", provider=Keeps)
            self.assertEqual("report.pdf:\n\n```\n[page 1]\nAll is well\n```\n\nWhat?", seen[0]["content"])
            seen.clear()

    def test_own(self) -> None:
        """Files of a conversation go with each question, and its options stay as they are."""
        chat = g4f.Conversation(provider=Heard, files=[b"rules"])
        for _ in "ab":
            self.assertEqual("attachment:\n\n```\nrules\n```\n\nWhat?", chat("What?"))
        self.assertEqual([b"rules"], chat.options["files"])

    def test_attached(self) -> None:
        """What `attach` returns can be given, too."""
        files = attach(b"x")
        self.assertIsInstance(files[0], AttachedFile)
        self.assertEqual("attachment:\n\n```\nx\n```\n\n?", g4f.ChatCompletion.create("", "?", Heard, files=files))
