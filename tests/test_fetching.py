"""Addresses among the files: fetched while the question is asked, with a cap, and by no detour from the own network."""

from __future__ import annotations

import os
import socket
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest.mock import patch

import g4f
from g4f import errors
from g4f.attaching.attach import attach
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.transport.own_network import OwnNetworkError, is_own, outward_socket

from .faces import Answer, on_every_face
from .files import pdf, png
from .servers import HANG, RESET, Server, whole
from .test_attaching import Heard, Takes
from .test_http import make_certificate

CSV = b"a,b\n1,2\n"


def found(data: bytes = CSV, kind: str = "text/csv", **headers: str) -> list[Any]:
    """Return an answer that is a file."""
    return whole(data, 200, kind, **headers)


def to(where: str, status: int = 302) -> list[Any]:
    """Return an answer that redirects."""
    return whole(b"", status, "text/html", Location=where)


class Fetched(unittest.TestCase):
    """What comes of an address, asked in sync code."""

    def ask(self, address: str, provider: Any = Heard, **options: Any) -> str:
        """Return what the provider heard."""
        return str(g4f.ChatCompletion.create("", "?", provider, files=address, **options))

    def fails(self, address: str, says: str, kind: type[Exception] = errors.InputError, **options: Any) -> None:
        """Asking raises an error of one line that says so, and no password."""
        with self.assertRaises(kind) as caught:
            self.ask(address, **options)
        self.assertIs(kind, type(caught.exception))
        self.assertIn(says, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))
        self.assertNotIn("hunter2", str(caught.exception))


class OnFaces:
    """An address is fetched on every face."""

    def test_all(self) -> None:
        """What is fetched stands in the question, as a file would."""
        with Server(found(b"buy milk", "text/plain")) as server:
            said = "notes.txt:\n\n```txt\nbuy milk\n```\n\n?"
            self.expect(Answer(said), Heard, files=f"{server.url}/notes.txt")  # type: ignore[attr-defined]

    def test_bad(self) -> None:
        """What is not there is an error of the answer."""
        with Server(whole({}, 404)) as server:
            error = errors.InputError(f"notes.txt cannot be fetched: {server.url}/notes.txt answers 404")
            self.expect_error(error, lambda: Heard, files=f"{server.url}/notes.txt")  # type: ignore[attr-defined]


globals().update(on_every_face(OnFaces))


class TestKinds(Fetched):
    """The type that the server says decides, then the name; what the file begins with is believed first."""

    def test_kinds(self) -> None:
        """A table, a text, a PDF, an image, whatever they are called."""
        for name, data, kind, begins in (
            ("a", CSV, "text/csv; charset=utf-8", "a:\n\nDataFrame, 1 rows x 2 columns"),
            ("a.csv", CSV, "text/plain", "a.csv:\n\nDataFrame, 1 rows x 2 columns"),
            ("a.csv", CSV, "application/octet-stream", "a.csv:\n\nDataFrame"),
            ("a.csv", b'{"a": 1}', "application/json", 'a.csv:\n\n```csv\n{"a": 1}\n```'),
            ("a.txt", "é".encode("latin-1"), "text/plain; charset=iso-8859-1", "a.txt:\n\n```txt\né\n```"),
            ("", b"<p>Hi", "text/html", "127.0.0.1:{port}:\n\n```html\n<p>Hi\n```"),
            ("a.pdf", pdf("x"), "application/octet-stream", "<file {'filename': 'a.pdf'"),
            ("a%20b", png(1, 1), "image/png", "<image_url {'url': 'data:image/png"),
        ):
            with self.subTest(name=name, kind=kind), Server(found(data, kind)) as server:
                said = self.ask(f"{server.url.removesuffix('/v1')}/{name}", Takes)
                expected = begins.replace("{port}", str(server.port))
                self.assertEqual(expected, said[: len(expected)])

    def test_web_page(self) -> None:
        """A page where a file was meant, such as one that asks to log in, is not sent in its place."""
        for name, wanted in (("a.pdf", "PDF"), ("a.csv", "table")):
            with Server(found(b"<html>log in", "text/html")) as server:
                self.fails(f"{server.url}/{name}", f"{name} is a web page there, and no {wanted}")

    def test_request(self) -> None:
        """It is asked by its whole address; a password goes into the header."""
        with Server(found()) as server:
            self.ask(f"{server.url.replace('//', '//me:hunter2@')}/a.csv?token=hunter2&b=1")
            (request,) = server.requests
            self.assertEqual(("GET", "/v1/a.csv?token=hunter2&b=1"), (request.method, request.path))
            self.assertEqual("Basic bWU6aHVudGVyMg==", request.headers["authorization"])

    def test_private(self) -> None:
        """What looks like a key is refused there, too, and stars stand for secrets, which is said."""
        with Server(found(b"-----BEGIN PRIVATE KEY-----\nMII\n", "text/plain")) as server:
            self.fails(f"{server.url}/a.txt", "a.txt is not sent, because a private key is in it")
        with Server(found(b"use ghp_abcdefgh12345678", "text/plain")) as server:
            files = attach(f"{server.url}/a.txt")
            self.assertIn("use ***", g4f.ChatCompletion.create("", "?", Heard, files=files))
            self.assertEqual(["a.txt: stars stand in the place of 1 secret"], files[0].left_out)


class TestLimits(Fetched):
    """Size, time, and what a server does wrong."""

    def test_size(self) -> None:
        """More than 20 MB are not read: by what the server says, by what comes, and by what it expands to."""
        import gzip

        large = b"x" * (20 * 2**20 + 1)
        says = "a.txt is larger than 20 MB: fetch it yourself, and attach a part of it"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        for answer in (
            [head + b"Content-Length: %d\r\n\r\n" % len(large), HANG],
            [head + b"Connection: close\r\n\r\n", large, HANG],
            found(gzip.compress(large), "text/plain", Content_Encoding="gzip"),
        ):
            with Server(answer) as server:
                self.fails(f"{server.url}/a.txt", says)
        with Server(found(large[:-1], "text/plain")) as server:
            self.assertIn("20,971,520", str(self._left_out(f"{server.url}/a.txt")))

    def _left_out(self, address: str) -> list[str]:
        files = attach(address)
        g4f.ChatCompletion.create("", "?", Heard, files=files)
        return files[0].left_out

    def test_time(self) -> None:
        """The call's limit holds for the fetching, too."""
        with Server([HANG]) as server:
            self.fails(f"{server.url}/a.txt", "a.txt was not fetched within 0.2 s", errors.TimeoutError, timeout=0.2)

    def test_broken(self) -> None:
        """Nobody answers, nobody is there, the connection breaks, no HTTP, an empty file."""
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        failed = "a.txt cannot be fetched: "
        self.fails(f"http://127.0.0.1:{port}/a.txt", f"{failed}Connection refused", errors.ConnectError)
        for answer in ([RESET], [b"SSH-2.0\r\n\r\n"], [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", RESET]):
            with self.subTest(answer), Server(answer) as server:
                self.fails(f"{server.url}/a.txt", failed, errors.ConnectError)
        with Server(found(b"", "text/plain")) as server:
            self.fails(f"{server.url}/a.txt", "a.txt is empty")


class TestRedirects(Fetched):
    """Where a redirect may lead."""

    OWN = (
        "http://127.0.0.1:{port}/b.csv",
        "http://localhost:{port}/b.csv",
        "http://sub.localhost:{port}/b.csv",
        "http://127.1:{port}/b.csv",
        "http://2130706433:{port}/b.csv",
        "http://0x7f.1:{port}/b.csv",
        "http://0.0.0.0:{port}/b.csv",
        "http://[::1]:{port}/b.csv",
        "http://[::ffff:127.0.0.1]:{port}/b.csv",
        "http://[64:ff9b::7f00:1]:{port}/b.csv",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/b.csv",
        "http://127\uff0e0.0.1:{port}/b.csv",
        "//127.0.0.1:{port}/b.csv",
        "/b.csv",
    )

    def test_own(self) -> None:
        """None leads to this machine or its own network, however that is written; nobody there hears of it."""
        with Server(found()) as inner:
            for where in self.OWN:
                for status in (301, 302, 303, 307, 308):
                    answer = to(where.format(port=inner.port), status)
                    with self.subTest(where=where, status=status), Server(answer) as server:
                        self.fails(f"{server.url}/a.csv", "a.csv is not fetched: a redirect leads to ")
                        self.assertEqual(1, len(server.requests))
            self.assertEqual([], inner.requests)

    def test_names(self) -> None:
        """Nor does a name that is resolved to an address there, in a redirect, or typed; it is resolved once."""
        looked: list[str] = []

        def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
            """Answer like a DNS that names this machine the second time."""
            looked.append(host)
            own = host != "changes.test" or looked.count(host) > 1
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if own else "203.0.113.9", port))]

        with Server(found()) as inner, patch("socket.getaddrinfo", resolve):
            address = f"http://private.test:{inner.port}/b.csv"
            with Server(to(address)) as server:
                self.fails(f"{server.url}/a.csv", "a.csv is not fetched: a redirect leads to private.test, which is on")
            self.fails(address, "b.csv is not fetched: the name leads to private.test, which is on this machine")
            self.fails(address.replace("private", "changes"), "the name leads to changes.test")
            self.assertEqual(1, looked.count("changes.test"))
            self.assertEqual([], inner.requests)

    def test_typed(self) -> None:
        """An address in numbers, or localhost, is fetched if the user gives just that."""
        with Server(found()) as server:
            for host in ("127.0.0.1", "localhost"):
                said = self.ask(f"http://{host}:{server.port}/a.csv")
                self.assertIn("DataFrame, 1 rows", said)

    def test_schemes(self) -> None:
        """None leaves TLS, or the web."""
        with tempfile.TemporaryDirectory() as folder:
            tls = make_certificate(Path(folder))
            with Server(to("http://8.8.8.8/b.csv"), tls=tls) as server:
                says = "a.csv is not fetched: https://127.0.0.1:"
                self.fails(f"{server.url}/a.csv", says, verify=False)
                self.fails(f"{server.url}/a.csv", "redirects from https to http", verify=False)
        for where in ("file:///etc/passwd", "ftp://8.8.8.8/b", "http://[", "http://a:b/"):
            with self.subTest(where), Server(to(where)) as server:
                self.fails(f"{server.url}/a.csv", "a.csv cannot be fetched: http://127.0.0.1:")
                self.fails(f"{server.url}/a.csv", "redirects to what is no web address")

    def test_proxy(self) -> None:
        """A proxy fetches public names, and gets a password for no other host; no redirect leads to the own network."""
        answers = (to("http://other.test/b.csv"), found())
        with Server(*answers) as proxy:
            self.assertIn("DataFrame", self.ask("http://me:hunter2@public.test/a.csv", proxy=proxy.url))
            first, second = proxy.requests
            self.assertEqual(("http://public.test/a.csv", "http://other.test/b.csv"), (first.path, second.path))
            self.assertEqual((True, False), tuple("authorization" in each.headers for each in (first, second)))
        with Server(to("http://127.0.0.1/b.csv")) as proxy, patch.dict(os.environ, {"http_proxy": proxy.url}):
            self.fails("http://public.test/a.csv", "a redirect leads to 127.0.0.1")
            self.assertEqual(1, len(proxy.requests))
        with Server(*(to(f"/{number}") for number in range(9))) as proxy:
            self.fails("http://public.test/a.csv", "is redirected again and again", proxy=proxy.url)
            self.assertEqual(6, len(proxy.requests))


class TestOwnNetwork(unittest.TestCase):
    """Which addresses are of the own network."""

    def test_addresses(self) -> None:
        """Loopback, private, link-local, unique-local, shared, multicast, and IPv6 that stands for one of them."""
        four = "127.0.0.1 0.0.0.0 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 224.0.0.1 255.255.255.255"
        six = "::1 :: fe80::1 fc00::1 fd12::1 ff02::1 ::ffff:10.0.0.1 64:ff9b::a00:1 2002:7f00:1::"
        for each in (*four.split(), *six.split(), "127.1", "2130706433", "a", ""):
            with self.subTest(each):
                self.assertTrue(is_own(each))
        for public in ("8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"):
            with self.subTest(public):
                self.assertFalse(is_own(public))

    def test_socket(self) -> None:
        """A socket is only made for a public address; the zone of an address does not hide it."""
        outward_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 80))).close()
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "fe80::1%eth0")):
            with self.assertRaises(OwnNetworkError):
                outward_socket((family, socket.SOCK_STREAM, 6, "", (host, 80)))


class Counts(AsyncGeneratorProvider):
    """Answers with how often it was asked."""

    asked = 0

    @classmethod
    async def create_async_generator(cls, model: str, messages: Any, stream: bool, **_: Any) -> Any:
        cls.asked += 1
        yield f"answer {cls.asked}"


class TestTape(Fetched):
    """What was fetched is part of the question."""

    def test_replayed(self) -> None:
        """The same content is answered from the tape; another is asked."""
        Counts.asked = 0
        with tempfile.TemporaryDirectory() as folder, Server(found(), found(), found(b"a,b\n3,4\n")) as server:
            for mode, expected in (("auto", "answer 1"), ("replay", "answer 1"), ("auto", "answer 2")):
                with g4f.tape(Path(folder) / "t.jsonl", mode):
                    self.assertEqual(expected, self.ask(f"{server.url}/a.csv", Counts))
            self.assertEqual(3, len(server.requests))

    def test_conversation(self) -> None:
        """A conversation keeps what was fetched: it is fetched once, and sent again."""
        with Server(found(b"buy milk", "text/plain")) as server:
            chat = g4f.Conversation(provider=Heard)
            chat("What?", files=f"{server.url}/notes.txt")
            said = "notes.txt:\n\n```txt\nbuy milk\n```\n\nWhat?"
            self.assertEqual(said, chat.to_messages()[0]["content"])
            chat("And?")
            self.assertEqual(1, len(server.requests))
            self.assertIn(f"What? (notes.txt)\n{said}", chat.turns[0].to_text())
            self.assertEqual(chat.turns, g4f.Conversation.from_json(chat.to_json(), provider=Heard).turns)
