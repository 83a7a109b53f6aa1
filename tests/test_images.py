"""Images in a question: whatever holds one, in every place where one may stand, as every face sends it."""

from __future__ import annotations

import json
import logging
import re
import struct
import tempfile
import unittest
import zlib
from base64 import b64decode, b64encode, encodebytes
from collections.abc import AsyncGenerator
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest import mock

import matplotlib as mpl
from IPython.display import Image as Shown
from matplotlib.figure import Figure
from PIL import Image

from g4f import AsyncClient, ChatCompletion, Client, Conversation
from g4f.conversation import Turn
from g4f.errors import BadRequestError, InputError
from g4f.images import Inline, image_part, inline, url_of, urls_in
from g4f.messages import normalize, with_images
from g4f.providers.base_provider import AsyncGeneratorProvider

from .loops import run
from .servers import Server, whole

mpl.use("agg")


def saved(image: Any, form: str = "PNG", **options: Any) -> bytes:
    """Return an image of PIL's as a file of that form."""
    file = BytesIO()
    image.save(file, format=form, **options)
    return file.getvalue()


def url(data: bytes, kind: str = "image/png") -> str:
    """Return the data URL of an image."""
    return f"data:{kind};base64,{b64encode(data).decode()}"


def opened(part: dict[str, Any]) -> Any:
    """Return the image in a part, as PIL reads it."""
    found = inline(url_of(part))
    assert found is not None
    image = Image.open(BytesIO(b64decode(found.data)))
    image.load()
    return image


RED = Image.new("RGB", (3, 2), "red")
FORMS = {form: saved(RED, form) for form in ("PNG", "JPEG", "GIF", "WEBP")}
PNG = FORMS["PNG"]
LINK = "https://host.invalid/a.png"


class TestGiven(unittest.TestCase):
    """What counts as an image."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def file(self, data: bytes, name: str = "a.bin") -> Path:
        """Return the path of a file with that in it."""
        path = self.folder / name
        path.write_bytes(data)
        return path

    def test_bytes_and_files(self) -> None:
        """Bytes, and a file by its path, are sent as they are."""
        for form, data in FORMS.items():
            expected = url(data, f"image/{form.lower()}")
            path = self.file(data, f"a.{form.lower()}")
            for image in (data, bytearray(data), memoryview(data), path, str(path), Shown(data), Shown(str(path))):
                with self.subTest(form, kind=type(image).__name__):
                    self.assertEqual(expected, url_of(image_part(image)))

    def test_home(self) -> None:
        """A path may begin with ~."""
        self.file(PNG, "a.png")
        with mock.patch.dict("os.environ", {"HOME": str(self.folder), "USERPROFILE": str(self.folder)}):
            self.assertEqual(url(PNG), url_of(image_part("~/a.png")))

    def test_addresses(self) -> None:
        """An address is passed on, and so is that of an image of IPython's which is not embedded."""
        for given in (LINK, LINK.replace("https", "HTTP")):
            self.assertEqual(given, url_of(image_part(given)))
        self.assertEqual(LINK, url_of(image_part(Shown(url=LINK))))

    def test_data_urls(self) -> None:
        """A data URL is made one that names what is in it, whatever it said; line ends in it do not matter."""
        data = b64encode(PNG).decode()
        for given in (
            url(PNG),
            f"data:;base64,{data}",
            f"data:image/jpeg;base64,{data}",
            f"data:application/octet-stream;name=a.png;base64,{data}",
            f"DATA:image/PNG;BASE64,{data}",
            f"data:image/png;base64,{encodebytes(PNG).decode()}",
        ):
            with self.subTest(given):
                self.assertEqual(url(PNG), url_of(image_part(given)))
        self.assertEqual(Inline("image/png", data), inline(url(PNG)))
        self.assertIsNone(inline(LINK))

    def test_name_of_a_file(self) -> None:
        """What an image is stands in it: the name of its file says nothing."""
        self.assertEqual(url(PNG), url_of(image_part(self.file(PNG, "a.jpg"))))

    def test_pil_modes(self) -> None:
        """Images of every mode of PIL's are drawn, with their colours and their transparency."""
        for mode, expected in {
            **dict.fromkeys(("RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV", "P", "PA"), (255, 0, 0, 255)),
            **dict.fromkeys(("L", "LA", "La", "1", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"), (255, 255, 255, 255)),
        }.items():
            with self.subTest(mode):
                image = opened(image_part(_red(mode)))
                self.assertIn(image.mode, ("1", "L", "LA", "P", "RGB", "RGBA"))
                self.assertEqual((3, 2), image.size)
                near = [abs(a - b) for a, b in zip(expected, image.convert("RGBA").getpixel((0, 0)), strict=True)]
                self.assertLessEqual(max(near), 2)
        clear = Image.new("RGBA", (2, 2), (0, 255, 0, 0))
        self.assertEqual(0, opened(image_part(clear)).getpixel((0, 0))[3])

    def test_pil_depth(self) -> None:
        """An image of more than 8 bits is not cut to white: its darkest is black, its brightest white."""
        for mode in ("I", "F", "I;16", "I;16B"):
            with self.subTest(mode):
                image = Image.new("F", (3, 1))
                for place, value in enumerate((1000, 2000, 3000)):
                    image.putpixel((place, 0), value)
                deep = image if mode == "F" else image.convert("I") if mode == "I" else image.convert("I").convert(mode)
                drawn = opened(image_part(deep))
                self.assertEqual([0, 127, 255], [drawn.getpixel((place, 0)) for place in range(3)])
        unknown = Image.new("F", (1, 1), float("nan"))
        self.assertEqual((1, 1), opened(image_part(unknown)).size)

    def test_pil_files(self) -> None:
        """A photo opened by PIL stays JPEG; an animation gives the frame that it stands at."""
        self.assertEqual("JPEG", opened(image_part(Image.open(BytesIO(FORMS["JPEG"])))).format)
        frames = [Image.new("P", (2, 2), 0), Image.new("P", (2, 2), 1)]
        for frame in frames:
            frame.putpalette([255, 0, 0, 0, 0, 255])
        film = Image.open(BytesIO(saved(frames[0], "GIF", save_all=True, append_images=frames[1:])))
        for number, colour in enumerate(((255, 0, 0), (0, 0, 255))):
            film.seek(number)
            drawn = opened(image_part(film))
            self.assertEqual((1, colour), (getattr(drawn, "n_frames", 1), drawn.convert("RGB").getpixel((0, 0))))

    def test_matplotlib(self) -> None:
        """A figure is drawn, and so is the one that axes or a line belong to, also in a part of a figure."""
        figure = Figure(figsize=(2, 1))
        (line,) = figure.subplots().plot([1, 2])
        parted = Figure(figsize=(2, 1))
        part, _ = parted.subfigures(1, 2)
        for image in (figure, line.axes, line, part, part.subplots()):
            with self.subTest(type(image).__name__):
                drawn = opened(image_part(image))
                self.assertEqual("PNG", drawn.format)
                self.assertGreater(drawn.size[0], drawn.size[1])

    def test_shown(self) -> None:
        """What IPython shows as an image is one, in each of the ways to tell IPython."""
        coded = b64encode(PNG).decode()
        for name, shown in (
            ("_repr_png_", PNG),
            ("_repr_png_", coded),
            ("_repr_png_", (coded, {"width": 3})),
            ("_repr_jpeg_", FORMS["JPEG"]),
            ("_repr_mimebundle_", {"text/plain": "a", "image/png": coded}),
            ("_repr_mimebundle_", ({"image/png": PNG}, {})),
        ):
            with self.subTest(name, shown=shown):
                thing = type("Thing", (), {name: lambda self, shown=shown: shown})()
                kind = "image/jpeg" if "jpeg" in name else "image/png"
                self.assertEqual(url(PNG if kind == "image/png" else FORMS["JPEG"], kind), url_of(image_part(thing)))

    def test_refused(self) -> None:
        """What is no image is refused in one short line that says why, and has nothing of the image."""
        broken = Image.open(BytesIO(saved(Image.effect_noise((99, 99), 50))[:999]))
        bad_text = Figure()
        bad_text.text(0, 0, r"$\frac{$")
        kinds = "a path, bytes, a figure, or what IPython shows as an image"
        like = "which is like data:image/png;base64,iVBOR…"
        for image, says in (
            (str(self.folder / "no.png"), "cannot be read from '.*no.png': No such file or directory"),
            (self.folder, "cannot be read from '.*': (Is a directory|Permission denied)"),
            ("", "cannot be read from '': (Is a directory|Permission denied)"),
            ("a\0b", "cannot be read from .*: embedded null byte"),
            ("~nobody-of-that-name/a.png", "cannot be read from .*: Could not determine home directory\\.?"),
            (self.file(b"GGUF" + b"x" * 99), "is no PNG, JPEG, GIF or WebP: convert it first"),
            (self.file(b""), "is no PNG, JPEG, GIF or WebP: convert it first"),
            (b"", "is no PNG, JPEG, GIF or WebP: convert it first"),
            (b"RIFF" + b"x" * 4 + b"WAVE", "is no PNG, JPEG, GIF or WebP: convert it first"),
            (b"<svg/>", "is no PNG, JPEG, GIF or WebP: convert it first"),
            (url(b"<svg/>", "image/svg+xml"), "is no PNG, JPEG, GIF or WebP: convert it first"),
            ("data:image/png;base64,", "is no PNG, JPEG, GIF or WebP: convert it first"),
            ("data:image/png;base64,ab!", f"is no data URL of an image, {like}"),
            ("data:image/svg+xml,%3Csvg/%3E", f"is no data URL of an image, {like}"),
            (b64encode(_large()).decode(), "is no path, but a long text: give base64 as data:image/png;base64,iVBOR…"),
            (None, f"must be {kinds}, not None"),
            (5, f"must be {kinds}, not int"),
            (_Table(), f"must be {kinds}, not _Table"),
            (Figure, f"must be {kinds}, not type"),
            (Image.new("L", (0, 0)), ", Image, cannot be drawn: cannot write empty image"),
            (broken, ", PngImageFile, cannot be drawn: .*truncated"),
            (bad_text, ", Figure, cannot be drawn: .*"),
        ):
            with self.subTest(says):
                with self.assertRaises(InputError) as caught:
                    image_part(image)
                self.assertRegex(str(caught.exception), f"^the image ?{says}$")
                self.assertLess(len(str(caught.exception)), 300)

    def test_only_what_it_begins_with_is_read_of_another_file(self) -> None:
        """A large file that is no image is not read into memory."""
        path = self.folder / "large.bin"
        with path.open("wb") as file:
            file.truncate(2**42)  # a file of holes, where the system has them
        with self.assertRaisesRegex(InputError, "is no PNG"):
            image_part(path)


class TestPlaces(unittest.TestCase):
    """Where an image may stand in messages."""

    part = {"type": "image_url", "image_url": {"url": url(PNG)}}  # noqa: RUF012 - never changed
    text = {"type": "text", "text": "What is this?"}  # noqa: RUF012 - the same

    def test_in_content(self) -> None:
        """An object in a content is one, and so is whatever stands for one in a part."""
        for content in (
            ["What is this?", RED],
            ["What is this?", {"type": "image_url", "image_url": url(PNG)}],
            [self.text, {"type": "image_url", "image_url": {"url": url(PNG)}}],
            (self.text, {"type": "image_url", "image_url": RED}),
        ):
            with self.subTest(content=content):
                (message,) = normalize([{"role": "user", "content": content}])
                self.assertEqual([self.text, self.part], message["content"])
                self.assertEqual(1, len(urls_in(message)))

    def test_what_else_a_part_says(self) -> None:
        """`detail`, and what a provider of one's own has words for, stays; the caller's part is not changed."""
        given = {"type": "image_url", "image_url": {"url": RED, "detail": "low"}, "cache_control": {}}
        (message,) = normalize([{"role": "user", "content": [given]}])
        expected = {"type": "image_url", "image_url": {"url": url(PNG), "detail": "low"}, "cache_control": {}}
        self.assertEqual([expected], message["content"])
        self.assertIs(RED, given["image_url"]["url"])

    def test_no_file_by_text(self) -> None:
        """A text in a part names no file, because messages may hold what a stranger wrote; a Path does."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "a.png")
            path.write_bytes(PNG)
            for given in (str(path), {"url": str(path)}):
                with self.assertRaisesRegex(InputError, r"^the url of part 0 of .* give a file as a Path$"):
                    normalize([{"role": "user", "content": [{"type": "image_url", "image_url": given}]}])
            for part in (
                path,
                {"type": "image_url", "image_url": path},
                {"type": "image_url", "image_url": {"url": path}},
            ):
                (message,) = normalize([{"role": "user", "content": [part]}])
                self.assertEqual([self.part], message["content"])

    def test_refused_in_content(self) -> None:
        """What cannot be an image is refused by its place."""
        for part, says in (
            (_Table(), r"part 1 of messages\[0\] \(user\) must be a text, a dict .*, not _Table"),
            ({"type": "image_url"}, r"part 1 of messages\[0\] \(user\) must be a path, .*, not None"),
            ({"type": "image_url", "image_url": {}}, r"part 1 of messages\[0\] \(user\) must be a path, .*, not None"),
        ):
            with self.subTest(says), self.assertRaisesRegex(InputError, f"^{says}$"):
                normalize([{"role": "user", "content": ["a", part]}])

    def test_option(self) -> None:
        """`images` stand behind the text of the last question: one, a list of them, or none."""
        asked = normalize([{"role": "system", "content": "s"}, {"role": "user", "content": "What is this?"}])
        for images, expected in ((RED, [self.part]), ([RED, PNG], [self.part] * 2), ((RED,), [self.part])):
            with self.subTest(images=images):
                self.assertEqual([self.text, *expected], with_images(asked, images)[-1]["content"])
        self.assertEqual(asked, with_images(asked, []))
        self.assertEqual("What is this?", asked[-1]["content"])
        parted = normalize([{"role": "user", "content": [LINK, RED]}])
        self.assertEqual([self.part, self.part], with_images(parted, RED)[-1]["content"][1:])
        silent = normalize([{"role": "user", "content": ""}])
        self.assertEqual([self.part], with_images(silent, RED)[-1]["content"])

    def test_option_refused(self) -> None:
        """What is no image is named by its place, and an answer has no images."""
        asked = normalize("What is this?")
        for images, says in (
            ([RED, None], r"^images\[1\] must be a path"),
            (_Table(), "^images must be a path.*not _Table$"),
            ((image for image in [RED]), "^images must be a path.*not generator$"),
        ):
            with self.subTest(says), self.assertRaisesRegex(InputError, says):
                with_images(asked, images)
        with self.assertRaisesRegex(InputError, "the last message must be a user's"):
            with_images([{"role": "assistant", "content": "a"}], RED)


class Seen(AsyncGeneratorProvider):
    """Answers with the messages it was given."""

    @classmethod
    async def create_async_generator(cls, model: str, messages: Any, **_: Any) -> AsyncGenerator[str]:
        yield json.dumps(messages)


async def _joined(items: Any) -> str:
    return "".join([item async for item in items if isinstance(item, str)])


class TestFaces(unittest.TestCase):
    """`images` on every face."""

    def test_every_face(self) -> None:
        """Each sends the image behind the question."""
        create, create_async = ChatCompletion.create, ChatCompletion.create_async
        client, async_client = Client(Seen).chat.completions, AsyncClient(Seen).chat.completions
        given = {"images": RED}
        answers = {
            "create": lambda: create("", "?", Seen, **given),
            "create, streamed": lambda: "".join(create("", "?", Seen, stream=True, **given)),
            "create_async": lambda: run(create_async("", "?", Seen, **given)),
            "create_async, streamed": lambda: run(_joined(create_async("", "?", Seen, stream=True, **given))),
            "Client": lambda: client.create("?", **given).choices[0].message.content,
            "AsyncClient": lambda: run(async_client.create("?", **given)).choices[0].message.content,
            "Client of a default": lambda: (
                Client(Seen, images=RED).chat.completions.create("?").choices[0].message.content
            ),
            "Conversation": lambda: Conversation(provider=Seen)("?", **given),
            "Conversation, streamed": lambda: "".join(Conversation(provider=Seen).stream("?", **given)),
            "Conversation, async": lambda: run(Conversation(provider=Seen).acall("?", **given)),
            "Conversation, async, streamed": lambda: run(_joined(Conversation(provider=Seen).astream("?", **given))),
        }
        expected = [{"role": "user", "content": [{"type": "text", "text": "?"}, TestPlaces.part]}]
        for name, answer in answers.items():
            with self.subTest(name):
                self.assertEqual(expected, json.loads(answer()))

    def test_conversation(self) -> None:
        """An image stays with its question: in the turns, in what is asked next, in a fork, and through JSON."""
        chat = Conversation(provider=Seen)
        chat("a", images=[RED, LINK])
        self.assertEqual((url(PNG), LINK), chat.turns[0].images)
        again = Conversation.from_json(chat.to_json())
        self.assertEqual(chat.turns, again.turns)
        again.provider = Seen
        for other in (chat.fork(), again, chat):
            first, _, last = json.loads(other("b"))
            self.assertEqual((url(PNG), LINK), urls_in(first))
            self.assertEqual({"role": "user", "content": "b"}, last)
            self.assertEqual((), other.turns[1].images)
        self.assertNotIn('"images"', json.dumps(json.loads(chat.to_json())["turns"][1]))

    def test_older_json(self) -> None:
        """A conversation that was saved without images is read."""
        text = '{"turns": [{"question": "a", "answer": "b", "provider": "P", "model": "m"}]}'
        self.assertEqual([Turn("a", "b", "P", "m")], Conversation.from_json(text).turns)

    def test_not_shown(self) -> None:
        """No log, no repr and no Markdown of a conversation has an image in it."""
        chat = Conversation(provider=Seen)
        with self.assertLogs("g4f", logging.DEBUG) as logs:
            chat("what?", images=[_large(), LINK])
        chat.turns = [Turn("what?", "a", "P", "m", chat.turns[0].images)]
        shown = [repr(chat), repr(chat.turns), chat._repr_markdown_(), chat.turns[0].to_text(), *logs.output]
        self.assertIn("<2>", shown[1])
        self.assertEqual("**what?** (2 images)\n\na", shown[2])
        self.assertEqual("what? (2 images)\na", shown[3])
        for text in shown:
            self.assertIsNone(re.search("base64|iVBOR", text), text)
            self.assertLess(len(text), 300)

    def test_not_in_what_a_server_says(self) -> None:
        """A server that quotes the image which it refuses is quoted without it."""
        refused = whole({"detail": [{"msg": "no such image", "input": url(_large())}]}, 422)
        with Server(refused) as server, self.assertRaises(BadRequestError) as caught:
            ChatCompletion.create("m", "?", base_url=server.url, images=_large())
        self.assertIn("no such image", str(caught.exception))
        self.assertIsNone(re.search("[A-Za-z0-9+/]{60}", str(caught.exception)))


class _Table:
    """Holds no image, however it is looked at: as tables and arrays do, it has an answer to many a name."""

    columns = ("figure", "url")
    figure = url = "a column"

    def _repr_html_(self) -> str:
        return "<table>"

    def _repr_png_(self) -> None:
        return None


def _red(mode: str) -> Any:
    """Return an image of that mode: red, or white where it has no colours."""
    if mode == "La":
        return Image.new("LA", (3, 2), (255, 255)).convert("La")
    if mode in ("I", "F") or mode.startswith("I;16"):
        return (
            Image.new("F", (3, 2), 40000).convert("I").convert(mode) if mode != "F" else Image.new("F", (3, 2), 40000)
        )
    white = Image.new("L", (3, 2), 255)
    return white.convert(mode) if mode in ("L", "LA", "1") else RED.convert("RGBA").convert(mode)


def _large() -> bytes:
    """Return a PNG whose bytes are many."""
    return PNG[:-12] + struct.pack(">I", 9000) + b"teXt" + bytes(range(250)) * 36 + struct.pack(">I", zlib.crc32(b""))


if __name__ == "__main__":
    unittest.main()
