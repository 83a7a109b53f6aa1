"""The transport: sessions, tries, time limits, addresses, certificates, proxies, and keys that stay secret."""

from __future__ import annotations

import asyncio
import email.utils
import logging
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import unittest
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest import mock

import g4f
from g4f import errors
from tests.servers import ANSWER, HANG, HELD, HELLO, RESET, Answer, Request, Server, Socks, delta, hello, whole
from tests.servers import stream as streamed

from .clock import hurried
from .loops import run
from .script import PATIENCE, SLOW

KEY = "sk-abcdefghijklmnop-secret-7890"
MESSAGE = "a question that stays between us"


def ask(url: str, **options: Any) -> Any:
    """Ask OpenAI at another address."""
    given = {"provider": "OpenAI", "base_url": url, "api_key": KEY, "stream": False} | options
    return g4f.ChatCompletion.create("m", MESSAGE, **given)


def closed_port(test: unittest.TestCase) -> int:
    """Return a port at which nothing listens, nor can before the test ends: it is taken."""
    taken = test.enterContext(socket.socket())
    taken.bind(("127.0.0.1", 0))
    return int(taken.getsockname()[1])


def make_certificate(folder: Path) -> ssl.SSLContext:
    """Make a certificate for 127.0.0.1 that no authority has signed, `cert.pem` in `folder`; return how to serve it."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    return tls


class TestRetries(unittest.TestCase):
    """A request is sent again before its answer begins, and only where that may help."""

    def setUp(self) -> None:
        """No pause yet."""
        self.pauses: list[float] = []

    def ask(self, *answers: Any, **options: Any) -> tuple[str | errors.G4FError, int]:
        """Return the answer or the error, and how many requests it took. Pauses are noted, not made."""

        async def pause(seconds: float) -> None:
            self.pauses.append(seconds)

        with Server(*answers) as server, mock.patch("g4f.providers.transport.retries.sleep", pause):
            try:
                return ask(server.url, **options), len(server.requests)
            except errors.G4FError as error:
                return error, len(server.requests)

    def test_statuses(self) -> None:
        """408, 409, 429, 500, 502 to 504 and 529 are asked again, all other statuses never."""
        for status in (408, 409, 429, 500, 502, 503, 504, 529):
            with self.subTest(status=status):
                self.assertEqual(("Hello", 2), self.ask(whole({}, status), hello))
        for status in (400, 401, 402, 403, 404, 405, 413, 422, 501, 505):
            with self.subTest(status=status):
                error, requests = self.ask(whole({}, status), hello)
                self.assertEqual((status, 1), (error.status, requests))

    def test_dropped_before_the_answer(self) -> None:
        """A connection that is closed before the answer is opened again."""
        self.assertEqual(("Hello", 2), self.ask([RESET], hello))

    def test_what_stays_wrong(self) -> None:
        """What another try cannot mend is not tried again: an unknown authority, a server that does not speak HTTP."""
        with tempfile.TemporaryDirectory() as folder, Server(hello, tls=make_certificate(Path(folder))) as secure:
            for name, url, answer, expected in (
                ("authority", secure.url, None, errors.ConnectError),
                ("no HTTP", None, [b"220 mail ready\r\n"], errors.ResponseError),
            ):
                with self.subTest(name):
                    self.pauses.clear()
                    error, _ = self.ask(answer or hello, **({"base_url": url} if url else {}))
                    self.assertIs(expected, type(error))
                    self.assertEqual([], self.pauses)

    def test_never_after_the_first_byte(self) -> None:
        """An answer that has begun is not asked for again."""
        error, requests = self.ask([whole({})[0], b"{", RESET], hello)
        self.assertEqual((errors.ResponseError, 1), (type(error), requests))

    def test_number(self) -> None:
        """Two retries are the default; `max_retries` sets another number, the environment too."""
        for options, requests in (({}, 3), ({"max_retries": 0}, 1), ({"max_retries": 4}, 5)):
            with self.subTest(options=options):
                error, made = self.ask(whole({}, 503), **options)
                self.assertEqual((errors.ServerError, requests), (type(error), made))
        with mock.patch.dict(os.environ, {"G4F_MAX_RETRIES": "1"}):
            self.assertEqual(2, self.ask(whole({}, 503))[1])

    def test_pauses_grow_and_differ(self) -> None:
        """Where the server asks for none, pauses double, and each is a little longer."""
        self.ask(whole({}, 503), max_retries=6)
        for pause, least in zip(self.pauses, (0.5, 1, 2, 4, 8, 8), strict=True):
            self.assertTrue(least <= pause <= 1.25 * least, self.pauses)
        self.assertNotEqual([0.5, 1, 2, 4, 8, 8], self.pauses)

    def test_pause_that_the_server_asks_for(self) -> None:
        """`Retry-After` in seconds or as a date, and `retry-after-ms`, are kept, and never fallen short of."""
        now = float(int(time.time()))
        self.enterContext(mock.patch("g4f.providers.transport.retries.time", lambda: now))
        soon = email.utils.formatdate(now + 30, usegmt=True)
        asked = (({"Retry-After": "7"}, 7), ({"retry-after-ms": "2500"}, 2.5), ({"Retry-After": soon}, 30))
        for headers, least in asked:
            with self.subTest(headers=headers):
                self.pauses.clear()
                self.assertEqual(("Hello", 2), self.ask(whole({}, 429, **headers), hello))
                self.assertTrue(least <= self.pauses[0] <= least * 1.1 + 2, self.pauses)

    def test_pause_that_is_none(self) -> None:
        """What is no time to wait is passed over: it neither ends the call nor makes it wait for ever."""
        huge = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"
        for told in ("nan", "inf", "-inf", "1e400", huge, "²", "9" * 400, "9" * 5000 + " Jan 2020"):
            with self.subTest(told[:20]):
                self.pauses.clear()
                self.assertEqual(("Hello", 2), self.ask(whole({}, 429, **{"Retry-After": told}), hello))
                self.assertTrue(0.5 <= self.pauses[0] <= 0.625, self.pauses)

    def test_no_longer_than_a_minute(self) -> None:
        """A pause that would make it more than 60 s in all is not made: the error comes at once."""
        error, requests = self.ask(whole({}, 429, **{"Retry-After": "61"}))
        self.assertEqual((errors.RateLimitError, 1, []), (type(error), requests, self.pauses))
        error, requests = self.ask(whole({}, 503, **{"Retry-After": "25"}), max_retries=5)
        self.assertEqual((3, 2), (requests, len(self.pauses)))

    def test_waiting_is_told(self) -> None:
        """A stream tells what is waited for before it begins, in an event that is no text."""
        with Server(whole({}, 503), hello) as server:
            items = list(ask(server.url, stream=True))
        self.assertRegex(items[0].text, r"^OpenAI: HTTP 503; try 2 of 3 in 0\.\d s$")
        self.assertEqual("Hello", "".join(map(str, items)))

    def test_pauses_are_no_silence(self) -> None:
        """`stream_timeout` is the far side's silence, not what it asked to wait."""
        waits = threading.Event()

        async def pause(seconds: float) -> None:
            waits.set()
            await asyncio.sleep(seconds)
            waits.clear()

        with (
            Server(whole({}, 503, **{"Retry-After": "40"}), hello) as server,
            mock.patch("g4f.providers.transport.retries.sleep", pause),
            hurried(waits.is_set),
        ):
            self.assertEqual("Hello", ask(server.url, stream_timeout=20))

    def test_waiting_is_logged(self) -> None:
        """The log tells what is waited for, and neither the question nor the key."""
        with self.assertLogs("g4f", logging.DEBUG) as logs:
            self.ask(whole({"error": {"message": f"no {KEY}"}}, 503), hello)
        self.assertRegex("\n".join(logs.output), r"OpenAI: HTTP 503; try 2 of 3 in 0\.\d s")
        self.assertNotIn(KEY, "\n".join(logs.output))
        self.assertNotIn(MESSAGE, "\n".join(logs.output))


class TestStatuses(unittest.TestCase):
    """Which statuses are an answer."""

    def test_created(self) -> None:
        """A gateway that says that an answer was created has given it; one that is pending, or empty, is none."""
        body = {"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}
        with Server(whole(body, 201)) as server:
            self.assertEqual("Hello", g4f.ChatCompletion.create("m", "Hi", base_url=server.url))
        for status in (202, 204):
            with self.subTest(status), Server(whole(body, status)) as server, self.assertRaises(errors.G4FError):
                g4f.ChatCompletion.create("m", "Hi", base_url=server.url, max_retries=0)


class TestAddresses(unittest.TestCase):
    """Where nothing can be reached, one line says who, why, and what to do."""

    def test_unreachable(self) -> None:
        """A closed port, an unknown host, and a wait too long."""
        cases = (
            (
                f"http://127.0.0.1:{closed_port(self)}/v1",
                errors.ConnectError,
                "Connection refused",
                "Is the server running?",
            ),
            ("http://no-such-host.invalid/v1", errors.ConnectError, "no host 'no-such-host.invalid'", "Check base_url"),
        )
        for url, error, cause, remedy in cases:
            with self.subTest(url=url), self.assertRaises(error) as caught:
                ask(url, max_retries=0)
            told = str(caught.exception)
            self.assertTrue(told.startswith("OpenAI: "), told)
            self.assertIn(cause, told)
            self.assertIn(remedy, told)

    def test_slow_to_connect(self) -> None:
        """A host that takes no connection is waited for no longer than `connect_timeout`."""
        with socket.socket() as deaf, socket.socket() as filler:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            filler.connect(deaf.getsockname())  # the queue is full: the next connection gets no answer
            others = [socket.socket() for _ in range(4)]
            for other in others:
                other.setblocking(False)
                other.connect_ex(deaf.getsockname())
            with self.assertRaisesRegex(errors.TimeoutError, "OpenAI: no connection to .* within 0.2 s"):
                ask(f"http://127.0.0.1:{deaf.getsockname()[1]}/v1", max_retries=0, connect_timeout=0.2)
            for other in others:
                other.close()

    def test_redirects(self) -> None:
        """A move on the same host is followed, with the question; the key goes to no other host."""
        with Server(hello) as other, Server(whole(b"", 307, Location="/v2/x"), hello) as server:
            self.assertEqual("Hello", ask(server.url))
            self.assertEqual(["/v1/chat/completions", "/v2/x"], [request.path for request in server.requests])
            self.assertEqual(server.requests[0].body, server.requests[1].body)
            for status in (301, 302, 303, 307, 308):
                moved, told = whole(b"", status, Location=f"{other.url}?key=1"), f"{other.url}: give"
                with self.subTest(status), Server(moved) as here, self.assertRaisesRegex(errors.ResponseError, told):
                    ask(here.url)
            self.assertEqual([], other.requests)
        for location in ("http://[::1", "http://127.0.0.1:99999999/", ":port", "//", "/\x1b[2J", "http://127.0.0.1:x/"):
            with self.subTest(location), Server(whole(b"", 307, Location=location)) as server:
                with self.assertRaisesRegex(errors.ResponseError, "to another address") as caught:
                    ask(server.url)
                self.assertTrue(str(caught.exception).isprintable())
        told = "redirects again and again"
        with Server(lambda request: whole(b"", 307, Location=request.path + "x")) as server:
            self.assertRaisesRegex(errors.ResponseError, told, ask, server.url)

    def test_address_as_provider(self) -> None:
        """The address of a server is the name of a provider, alone or in a list, and goes without anybody's key."""
        with Server(hello) as server, mock.patch.dict(os.environ, OPENAI_API_KEY=KEY):
            for names in (server.url, f"http://127.0.0.1:{closed_port(self)}/v1 {server.url}"):
                with self.subTest(names):
                    self.assertEqual("Hello", g4f.ChatCompletion.create("m", MESSAGE, names, max_retries=0))
                    self.assertNotIn("authorization", server.requests[-1].headers)
        with self.assertRaisesRegex(errors.InputError, "base_url must be like"):
            g4f.ChatCompletion.create("m", MESSAGE, "ftp://host/v1")

    def refused_by_closed(self, scheme: str) -> None:
        """Check that a proxy that does not answer is named, without its password."""
        closed = f"{scheme}://user:hidden@127.0.0.1:{closed_port(self)}"
        with self.assertRaisesRegex(errors.ConnectError, "OpenAI: the proxy 127.0.0.1:") as caught:
            ask("http://far.invalid/v1", proxy=closed, max_retries=0)
        self.assertNotIn("hidden", str(caught.exception))

    def test_proxy(self) -> None:
        """A proxy, given or of the environment, gets the request; `no_proxy` and an explicit one win over it."""
        with Server(hello) as proxy, Server(hello) as server:
            address = proxy.url.removesuffix("/v1")
            self.assertEqual("Hello", ask("http://far.invalid/v1", proxy=address))
            with mock.patch.dict(os.environ, {"http_proxy": address, "no_proxy": "127.0.0.1"}):
                self.assertEqual("Hello", ask("http://far.invalid/v1"))
                self.assertEqual("Hello", ask(server.url))
            self.assertEqual((2, 1), (len(proxy.requests), len(server.requests)))
            self.assertEqual("http://far.invalid/v1/chat/completions", proxy.requests[0].path)
        self.refused_by_closed("http")

    @unittest.skipUnless(find_spec("aiohttp_socks"), "needs aiohttp-socks, of the socks extra")
    def test_socks(self) -> None:
        """A SOCKS proxy looks up hosts itself, apart from other connections; its password is never told."""
        with Server(hello) as server, Socks(server.port) as proxy:
            for _ in range(2):
                self.assertEqual("Hello", ask("http://far.invalid/v1", proxy=proxy.url))
            self.assertEqual(([("far.invalid", 80)], 1), (proxy.wanted, server.connections))
            self.assertEqual("Hello", ask(server.url))
            self.assertEqual(2, server.connections)
        self.refused_by_closed("socks5")

    @unittest.skipUnless(find_spec("aiohttp_socks"), "needs aiohttp-socks, of the socks extra")
    def test_socks_as_others_write_it(self) -> None:
        """All names for a SOCKS proxy are known, and 1080 is its port; what is none is told without its password."""
        with Server(hello) as server, Socks(server.port) as proxy:
            for scheme in ("socks5h", "SOCKS5H", "socks5", "socks"):
                with self.subTest(scheme), mock.patch.dict(os.environ, ALL_PROXY=proxy.url.replace("socks5", scheme)):
                    self.assertEqual("Hello", ask("http://far.invalid/v1"))
            self.assertEqual({("far.invalid", 80)}, set(proxy.wanted))
        for given in ("socks4a://127.0.0.1:1", "socks5h://127.0.0.1"):
            with self.subTest(given), self.assertRaisesRegex(errors.ConnectError, "the proxy"):
                ask("http://127.0.0.2:1/v1", proxy=given, max_retries=0)
        for given in ("socks5://u:hidden@h:port", "socks6://h:1", "socks5://", "socks5://[::1", "socks5h://h:99999"):
            with self.subTest(given), self.assertRaisesRegex(errors.InputError, "like socks5h://host:1080") as caught:
                ask("http://far.invalid/v1", proxy=given)
            self.assertNotIn("hidden", str(caught.exception))

    def test_socks_needs_its_package(self) -> None:
        """Without the optional package, a SOCKS proxy is an error that says how to get it."""
        told = r"g4f-jupyter\[socks\]"
        with mock.patch.dict(sys.modules, {"aiohttp_socks": None}):
            self.assertRaisesRegex(
                errors.MissingRequirementsError, told, ask, "http://far.invalid/v1", proxy="socks5://127.0.0.1:1"
            )


class TestCertificates(unittest.TestCase):
    """TLS is verified unless the caller says otherwise."""

    def test_verified(self) -> None:
        """An unknown authority is refused in one line, at once; its file, or the caller's word, lets it in."""
        with tempfile.TemporaryDirectory() as folder, Server(hello, tls=make_certificate(Path(folder))) as server:
            told = "^OpenAI: no trusted connection to .*self.signed.*verify="
            self.assertRaisesRegex(errors.ConnectError, told, ask, server.url)
            self.assertEqual([], server.requests)
            self.assertEqual("Hello", ask(server.url, verify=f"{folder}/cert.pem"))
            self.assertEqual("Hello", ask(server.url, verify=False))
            self.assertEqual("Hello", ask(server.url, verify=Path(folder) / "cert.pem"))
            for word, trusted in (("false", False), ("0", False), ("OFF", False), ("true", True), ("1", True)):
                with self.subTest(word), mock.patch.dict(os.environ, G4F_VERIFY=word):
                    if trusted:
                        self.assertRaisesRegex(errors.ConnectError, told, ask, server.url)
                    else:
                        self.assertEqual("Hello", ask(server.url))


class TestOptions(unittest.TestCase):
    """Options of a wrong kind are refused in one line, unsent."""

    def test_wrong(self) -> None:
        """Headers, bodies and keys that are none; what holds itself; a setting of another kind."""
        loop: list[Any] = []
        loop.append(loop)
        wrong: tuple[tuple[str, dict[str, Any]], ...] = (
            ("extra_headers must be a dict, not int", {"extra_headers": 5}),
            ("extra_headers must be a dict, not list", {"extra_headers": [("a", "b")]}),
            (r"extra_headers\['a'\] must be a text of one line", {"extra_headers": {"a": 1}}),
            ("the names in extra_headers must be texts: 1 is int", {"extra_headers": {1: "a"}}),
            ("extra_body must be a dict, not int", {"extra_body": 5}),
            ("extra_body must be a dict, not list", {"extra_body": [1]}),
            ("the names in extra_body must be texts: 1 is int", {"extra_body": {1: 2}}),
            ("api_key must be a text, not int", {"api_key": 5}),
            ("api_key must be a text, not bytes", {"api_key": b"k"}),
            ("api_key must be a text, not function", {"api_key": lambda: "k"}),
            (r"tools\[0\] must be a function, a tool, or a dict", {"tools": loop}),
            ("contains itself", {"extra_body": {"a": loop}}),
            ("what JSON can hold", {"seed": "\ud83d"}),
            ("has the wrong type", {"verify": b"x"}),
        )
        with Server(hello) as server:
            for told, options in wrong:
                with self.subTest(told), self.assertRaisesRegex(errors.InputError, told) as caught:
                    ask(server.url, **options)
                self.assertTrue(str(caught.exception).isprintable())
            self.assertEqual([], server.requests)

    def test_lacks(self) -> None:
        """What a class lacks may stand in a list; what is no set of names is told."""

        class Blind:
            lacks: Any = ("images", "seed")

            def create_completion(self, model: str, messages: Any, **options: Any) -> Any:
                yield "x"

        provider = Blind()
        provider.lacks = ["images", "seed"]
        self.assertEqual("x", g4f.ChatCompletion.create("", MESSAGE, provider))
        self.assertRaisesRegex(errors.InputError, "seed", g4f.ChatCompletion.create, "", MESSAGE, provider, seed=1)
        for lacks in (5, "images"):
            provider.lacks = lacks
            self.assertRaisesRegex(errors.InputError, "set of names", g4f.ChatCompletion.create, "", MESSAGE, provider)


class TestSessions(unittest.TestCase):
    """Connections are kept with their loop, and closed with it."""

    def test_one_connection(self) -> None:
        """A hundred sync calls in a row, whole and streamed, open one connection; so do async calls on one loop."""
        with Server(hello) as server:

            def in_a_thread() -> None:
                for _ in range(50):
                    ask(server.url)
                    list(ask(server.url, stream=True))

            thread = threading.Thread(target=in_a_thread)
            thread.start()
            thread.join()
            self.assertEqual((1, 100), (server.connections, len(server.requests)))

            async def in_a_loop() -> None:
                for _ in range(10):
                    await g4f.ChatCompletion.create_async("m", "Hi", base_url=server.url)

            run(in_a_loop())
            self.assertEqual(2, server.connections)

    def test_late_end(self) -> None:
        """A stream whose end comes a little after its end mark leaves the connection for the next question."""
        with (
            Server([*streamed(*HELLO, end=False), 0.02, b"0\r\n\r\n"]) as server,
            mock.patch("g4f.providers.transport.http_messages.SETTLE", PATIENCE),
        ):
            for _ in range(3):
                self.assertEqual("Hello", "".join(map(str, ask(server.url, stream=True))))
            self.assertEqual(1, server.connections)

    def test_connection_that_the_server_closed(self) -> None:
        """A connection that the server closed while nobody asked is not used again, and costs no try."""
        with Server([*whole(ANSWER), 0.05, RESET], hello) as server:
            self.assertEqual("Hello", ask(server.url, max_retries=0))
            self.assertTrue(server.left.wait(PATIENCE))
            self.assertEqual("Hello", ask(server.url, max_retries=0))

    def test_connection_that_the_server_closes(self) -> None:
        """A kept connection that closes in the moment it is used costs no try either: a new one is taken for it."""
        used: set[int] = set()

        def answer(request: Request) -> Answer:
            again = request.connection in used
            used.add(request.connection)
            return [RESET] if again else hello(request)

        with Server(answer) as server:
            for _ in range(3):
                self.assertEqual("Hello", ask(server.url, max_retries=0))
            self.assertEqual((3, 5), (server.connections, len(server.requests)))

    def test_connection_that_was_never_used(self) -> None:
        """A new connection that closes before the answer is a try."""
        with Server([RESET]) as server:
            self.assertRaisesRegex(errors.ConnectError, "closed the connection", ask, server.url, max_retries=0)
            self.assertEqual(1, len(server.requests))

    def test_connection_that_is_reset(self) -> None:
        """A kept connection that the server resets is dropped without a word of asyncio's."""
        complaints: list[Any] = []
        heard, ended, reset = threading.Event(), threading.Event(), threading.Event()
        head, *chunks = (step for step in streamed(*HELLO) if isinstance(step, bytes))

        def serve(listener: socket.socket) -> None:
            client, _ = listener.accept()
            client.recv(2**16)
            client.sendall(head + chunks[0])
            heard.wait(PATIENCE)
            client.sendall(b"".join(chunks[1:]))
            ended.wait(PATIENCE)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            reset.set()
            client, _ = listener.accept()
            with client:
                client.recv(2**16)
                client.sendall(b"".join([head, *chunks]))

        async def twice(url: str) -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
            async for _ in g4f.ChatCompletion.create_async("m", "Hi", base_url=url, stream=True):
                heard.set()
            ended.set()
            await asyncio.to_thread(reset.wait, PATIENCE)
            async for _ in g4f.ChatCompletion.create_async("m", "Hi", base_url=url, stream=True):
                pass

        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = threading.Thread(target=serve, args=(listener,))
            server.start()
            run(twice(f"http://127.0.0.1:{listener.getsockname()[1]}/v1"))
            server.join()
        self.assertEqual([], complaints)

    def test_no_limit_of_connections(self) -> None:
        """As many answers as are asked for come at the same time."""
        together = 101  # one more than aiohttp itself allows
        arrived: list[Request] = []

        def answer(request: Request) -> Answer:
            arrived.append(request)
            return [HELD] if len(arrived) < together else hello(request)

        async def all_at_once(url: str) -> list[str]:
            calls = [g4f.ChatCompletion.create_async("m", "Hi", base_url=url) for _ in range(together)]
            return await asyncio.gather(*calls)

        with Server(answer) as server:
            self.assertEqual(["Hello"] * together, run(all_at_once(server.url)))
            self.assertEqual(together, server.connections)

    def test_leaving_early_closes(self) -> None:
        """A stream that is left early closes its connection."""
        with Server([*streamed(delta("Hel"), end=False), HANG]) as server:
            for item in ask(server.url, stream=True):
                self.assertEqual("Hel", item)
                break
            self.assertTrue(server.left.wait(PATIENCE))

    def test_silent_ends(self) -> None:
        """Scripts, threads, loops that are shut down, left open or closed, and forks end without a word."""
        with Server(hello) as server:
            for name, script in SCRIPTS.items():
                with self.subTest(name):
                    self.assertEqual((0, "", "Hello\n"), self.run_script(COMMON.format(url=server.url) + script))

    def test_loop_that_is_left_open(self) -> None:
        """Of a loop that is never shut down, such as a kernel's, asyncio may complain, but no session does."""
        script = "loop = asyncio.new_event_loop(); print(loop.run_until_complete(ask_async()))"
        with Server(hello) as server:
            code, told, said = self.run_script(COMMON.format(url=server.url) + script)
            self.assertEqual((0, "Hello\n"), (code, said))
            self.assertNotIn("client", told.lower())
            self.assertNotIn("transport", told.lower())

    def test_loop_that_is_closed_at_once(self) -> None:
        """Of a loop that is closed without being shut down, nothing is kept, and no session complains."""
        script = (
            "import gc, weakref\n"
            "loop = asyncio.new_event_loop(); loop.run_until_complete(ask_async()); loop.close()\n"
            "seen = weakref.ref(loop); del loop; print(asyncio.run(ask_async())); gc.collect(); assert seen() is None"
        )
        with Server(hello) as server:
            code, told, said = self.run_script(COMMON.format(url=server.url) + script)
            self.assertEqual((0, "Hello\n"), (code, said), told)
            self.assertNotIn("client", told.lower())

    @unittest.skipUnless(hasattr(os, "fork"), "no fork here")
    def test_child_leaves_the_connection_alone(self) -> None:
        """A forked child that ends does not close its parent's connection, also where it would have to say goodbye."""
        with tempfile.TemporaryDirectory() as folder, Server(hello, tls=make_certificate(Path(folder))) as server:
            script = COMMON.format(url=server.url) + (
                "def ask(): return g4f.ChatCompletion.create('m', 'Hi', base_url=URL, verify=False)\n"
                "ask()\n"
                "if not os.fork(): sys.exit()\n"
                "os.wait(); print(ask())"
            )
            code, _, said = self.run_script(script)
            self.assertEqual((0, "Hello\n", 1), (code, said, server.connections))

    def run_script(self, code: str) -> tuple[int, str, str]:
        """Run Python in its strictest mode; return its exit code, and what it complained of and said."""
        command = [sys.executable, "-X", "dev", "-W", "error", "-c", SLOW + code]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        return done.returncode, done.stderr, done.stdout

    def test_import_loads_no_aiohttp(self) -> None:
        """`import g4f` loads neither aiohttp nor the transport."""
        code = "import sys, g4f; print({'aiohttp', 'g4f.providers.transport.http'} & set(sys.modules))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        self.assertEqual("set()\n", done.stdout)


COMMON = """
import asyncio, os, sys, threading
import g4f, g4f.providers.transport.http
URL = {url!r}
def ask(): return g4f.ChatCompletion.create("m", "Hi", base_url=URL)
async def ask_async(): return await g4f.ChatCompletion.create_async("m", "Hi", base_url=URL)
"""

SCRIPTS = {
    "script": "print(ask())",
    "stream": "print(''.join(map(str, g4f.ChatCompletion.create('m', 'Hi', base_url=URL, stream=True))))",
    "stream left early": "print(next(g4f.ChatCompletion.create('m', 'Hi', base_url=URL, stream=True)) + 'lo')",
    "asyncio.run": "print(asyncio.run(ask_async()))",
    "asyncio.run twice": "asyncio.run(ask_async()); print(asyncio.run(ask_async()))",
    "thread": "t = threading.Thread(target=lambda: print(ask())); t.start(); t.join()",
    "fork": (
        "ask()\n"
        "child = os.fork()\n"
        "if not child: os._exit(ask() != 'Hello')\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "print(ask())"
    ),
}


class TestSecrets(unittest.TestCase):
    """A key is sent, and shown nowhere."""

    def failing(self) -> errors.G4FError:
        """Return the error of a server that shows the key."""
        echo = {"error": {"message": f"Incorrect API key provided: {KEY} (sk-abc*****7890). See sk-abcdef...7890."}}
        with Server(whole(echo, 401)) as server:
            try:
                ask(server.url)
            except errors.MissingAuthError as error:
                return error
        raise AssertionError

    def test_server_that_echoes_the_key(self) -> None:
        """A key that the server shows, whole or in part, is starred out; the rest of its words stay."""
        told = str(self.failing())
        self.assertIn("Incorrect API key provided: *** (***). See ***", told)
        self.assertNotIn("7890", told)
        self.assertNotIn("abcdef", told)

    def test_traceback(self) -> None:
        """No variable of any frame that an error passes, ours or aiohttp's, shows the key."""

        def shown(error: BaseException | None) -> list[tuple[str, str]]:
            frames = []
            while error is not None:
                for frame, _ in traceback.walk_tb(error.__traceback__):
                    frames += [(frame.f_code.co_filename, repr(value)) for value in frame.f_locals.values()]
                error = error.__context__
            return [(file, value) for file, value in frames if file != __file__]

        with Server([HANG]) as server:

            async def cancelled() -> BaseException:
                call = g4f.ChatCompletion.create_async("m", "Hi", "OpenAI", base_url=server.url, api_key=KEY)
                task = asyncio.ensure_future(call)
                while not server.requests:
                    await asyncio.sleep(0.01)
                task.cancel()
                try:
                    return await task
                except asyncio.CancelledError as error:  # assertRaises would clear the frames
                    return error

            for error in (run(cancelled()), self.failing()):
                with self.subTest(type(error)):
                    values = shown(error)
                    self.assertEqual([], [(file, value) for file, value in values if KEY in value])
                    self.assertTrue(any("***" in value for _, value in values))

    def test_repr(self) -> None:
        """Clients and providers show no key."""
        client = g4f.Client("OpenAI", api_key=KEY)
        self.assertNotIn(KEY, f"{client!r} {vars(client)!r} {g4f.Provider.OpenAI!r} {g4f.Provider.OpenAI}")


if __name__ == "__main__":
    unittest.main()
