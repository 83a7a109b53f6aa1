"""The tools of MCP servers: those of the SDK, as processes and over HTTP, in loops, threads, scripts and kernels."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import pickle
import socket
import sys
import threading
import unittest
from contextlib import suppress
from typing import Any
from unittest import mock

import psutil

import g4f
from g4f import errors
from g4f.errors import ConnectError, G4FError, InputError, MissingAuthError, MissingRequirementsError, ResponseError
from g4f.tools.mcp import LONGEST, McpTools
from g4f.tools.tool import Result, Tool
from g4f.waiting import bridge

from . import loops, script
from .kernel import Kernel
from .mcp_servers import COMMAND, KEY, PIXEL, TOOLS, serving
from .servers import Server

HEADERS = {"Authorization": f"Bearer {KEY}"}


def tools_of(source: McpTools) -> dict[str, Tool]:
    """Return the tools of a source by their names, from sync code."""
    return {tool.name: tool for tool in bridge.run(source.tools)}


def call(source: McpTools, name: str, /, **arguments: Any) -> Result:
    """Return the result of a tool, from sync code."""
    tool = tools_of(source)[name]
    return bridge.run(lambda: tool.call(arguments))


class TestTools(unittest.TestCase):
    """What a server offers, and what its tools give, by a command."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.source = g4f.mcp(COMMAND, env={"MY_TOKEN": KEY, "PLACE": "/home/of/tests"})
        cls.addClassCleanup(cls.source.close)

    def result(self, tool: str, /, **arguments: Any) -> Result:
        return call(self.source, tool, **arguments)

    def test_what_a_tool_is(self) -> None:
        """Name, description and the JSON schema of its arguments are the server's."""
        tool = tools_of(self.source)["add"]
        self.assertEqual("Add two numbers.", tool.description)
        self.assertEqual("object", tool.parameters["type"])
        self.assertEqual({"a", "b"}, set(tool.parameters["properties"]))
        self.assertEqual(["a", "b"], tool.parameters["required"])

    def test_name_that_providers_refuse(self) -> None:
        """Other characters than theirs are underscores in a tool's name; it is called by its own."""
        self.assertEqual(Result("7"), self.result("math_add_two", a=3, b=4))

    def test_list(self) -> None:
        """`list` has each tool's own name and description."""
        listed = self.source.list()
        self.assertEqual([*(tool.__name__ for tool in TOOLS), "math.add/two"], list(listed))
        self.assertEqual("Add two numbers.", listed["add"])

    def test_text(self) -> None:
        """A text is the result's."""
        self.assertEqual(Result("3"), self.result("add", a=1, b=2))

    def test_failed(self) -> None:
        """A tool that fails, and arguments that do not fit, are results that say so."""
        failed = self.result("fail")
        self.assertTrue(failed.failed)
        self.assertIn("no such table", failed.text)
        misfit = self.result("add", a="one")
        self.assertTrue(misfit.failed)
        self.assertIn("valid integer", misfit.text)

    def test_structured(self) -> None:
        """An object without a text is its JSON."""
        self.assertEqual(Result('{"name": "Zoë", "age": 7}'), self.result("row"))

    def test_parts(self) -> None:
        """Texts are joined, an image is a data URL, and what a model cannot get is told in its place."""
        result = self.result("parts")
        self.assertEqual((f"data:image/png;base64,{PIXEL}",), result.images)
        self.assertEqual(
            [
                "a text",
                "[image (image/jpeg, 5,242,884 characters), left out]",
                "[audio (audio/wav, 4 characters), left out]",
                "a link: file:///there",
                "a resource",
                "[bytes at file:///blob, left out]",
            ],
            result.text.split("\n"),
        )

    def test_bound(self) -> None:
        """A text is cut at 32 KB, and says how much is missing; one of just that length is whole."""
        self.assertEqual(2**15, LONGEST)
        self.assertEqual("x" * LONGEST, self.result("long", length=LONGEST).text)
        self.assertEqual(
            "x" * LONGEST + "\n… (1 further character left out)", self.result("long", length=LONGEST + 1).text
        )

    def test_environment(self) -> None:
        """The process gets `env`, and of ours only what a program needs: no keys of providers."""
        self.assertEqual("it is /home/of/tests", self.result("variable", name="PLACE").text)
        self.assertEqual(f"it is {os.environ['PATH']}", self.result("variable", name="PATH").text)
        with mock.patch.dict(os.environ, {"OPENAI_API_KEY": "sk-of-the-caller"}), g4f.mcp(COMMAND) as fresh:
            self.assertEqual("it is None", call(fresh, "variable", name="OPENAI_API_KEY").text)

    def test_secret_in_a_result(self) -> None:
        """What is named like a secret in `env` goes to no model."""
        self.assertEqual("it is ***", self.result("variable", name="MY_TOKEN").text)

    def test_prints_on_stdout(self) -> None:
        """A server that prints between its answers works, and so does one that logs much."""
        self.assertEqual(Result("printed"), self.result("chatter"))
        self.assertEqual(Result("3"), self.result("add", a=1, b=2))

    def test_side_by_side(self) -> None:
        """Calls at the same time share the connection, and each gets its own result."""

        async def several() -> list[Result]:
            source = g4f.mcp(COMMAND)
            async with source:
                add = {tool.name: tool for tool in await source.tools()}["add"]
                return await asyncio.gather(*(add.call({"a": n, "b": 0}) for n in range(20)))

        self.assertEqual([Result(str(n)) for n in range(20)], loops.run(several()))


PAGED = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    params = asked.get("params", {})
    if asked["method"] == "initialize":
        found = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}}
        found["serverInfo"] = {"name": "paged", "version": "1"}
    elif asked["method"] == "tools/list":
        page = int(params.get("cursor", 0))
        found = {"tools": [{"name": f"tool_{page}", "inputSchema": {"type": "object"}}]}
        if page < int(sys.argv[1]):
            found["nextCursor"] = str(page + 1)
    else:
        found = None
    if "id" in asked:
        error = {"code": -32601, "message": "unknown"}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"]} | ({"result": found} if found else {"error": error})))
        sys.stdout.flush()
"""
"""A server of the first protocol, which lists one tool per page."""


class TestPages(unittest.TestCase):
    """A server may list its tools page by page."""

    def test_all(self) -> None:
        """Each page is read; of a list without an end, a hundred."""
        for pages, count in ((3, 4), (10**6, 100)):
            with self.subTest(pages), g4f.mcp([sys.executable, "-c", PAGED, str(pages)]) as source:
                self.assertEqual([f"tool_{number}" for number in range(count)], list(source.list()))

    def test_properties(self) -> None:
        """A schema without properties gets empty ones, which some providers ask for."""
        with g4f.mcp([sys.executable, "-c", PAGED, "0"]) as source:
            self.assertEqual({"type": "object", "properties": {}}, tools_of(source)["tool_0"].parameters)


class TestChoice(unittest.TestCase):
    """`only` chooses."""

    def test_many(self) -> None:
        """400 tools are listed; they are sent only if they are chosen, and the error says how."""
        with g4f.mcp([*COMMAND, "many"]) as source:
            self.assertEqual(400, len(source.list()))
            with self.assertRaisesRegex(InputError, r"has 400 tools, .* like only=\['add', 'process'\]. list\(\)"):
                bridge.run(source.tools)

    def test_chosen(self) -> None:
        """Chosen ones come in the order of `only`, each once."""
        with g4f.mcp([*COMMAND, "many"], only=["tool_007", "add", "tool_007"]) as source:
            self.assertEqual(["tool_007", "add"], [tool.name for tool in bridge.run(source.tools)])

    def test_unknown(self) -> None:
        """A name that the server does not have gets a hint."""
        for name, hint in (("ad", "Did you mean 'add'?"), ("zzz", "It has add, process, fail,")):
            with self.subTest(name), g4f.mcp(COMMAND, only=[name]) as source:
                with self.assertRaises(InputError) as caught:
                    bridge.run(source.tools)
                self.assertIn(f"has no tool '{name}'. {hint}", str(caught.exception))


class TestBadInput(unittest.TestCase):
    """One clear line, before anything is started."""

    def test_lines(self) -> None:
        """Each says what is wrong."""
        for where, options, line in (
            ("", {}, "an MCP server is a command or an address, like"),
            ([], {}, "an MCP server is a command or an address, like"),
            ([""], {}, "an MCP server is a command or an address, like"),
            ("a\0b", {}, "an MCP server is a command or an address, like"),
            ("server 'x", {}, "cannot be read: No closing quotation"),
            (5, {}, "an MCP server is a command (a text, or a list of texts) or an address"),
            (["a", 5], {}, "an MCP server is a command (a text, or a list of texts) or an address"),
            ("ws://there/mcp", {}, "the address of an MCP server begins with http:// or https://"),
            ("http://", {}, "must be like https://example.org/mcp"),
            ("http://there:port/", {}, "must be like https://example.org/mcp"),
            ("http://there", {"env": {"A": "b"}}, "one at an address takes headers"),
            ("server", {"headers": {"A": "b"}}, "one that is started by a command takes env"),
            ("server", {"env": {"A": 5}}, "env must be a dict of texts; the value of 'A' is int"),
            ("server", {"env": ["A"]}, "env must be a dict of texts, not list"),
            ("server", {"env": {"A": "b\0"}}, "env: the value of 'A' has characters that cannot be sent"),
            ("http://there", {"headers": {"A": f"{KEY}\n"}}, "headers: the value of 'A' has characters"),
            ("server", {"only": "add"}, "only must be a list of names"),
            ("server", {"only": [5]}, "only must be a list of names"),
            ("server", {"only": 5}, "only must be a list of names"),
            ("server", {"timeout": 0}, "timeout must be a number of seconds above 0"),
            ("server", {"timeout": "5"}, "timeout must be a number of seconds above 0"),
            ("server", {"timeout": True}, "timeout must be a number of seconds above 0"),
        ):
            with self.subTest(f"{where} {options}"):
                with self.assertRaises(InputError) as caught:
                    g4f.mcp(where, **options)  # type: ignore[arg-type]
                self.assertIn(line, str(caught.exception))
                self.assertNotIn(KEY, str(caught.exception))


class TestTroubles(unittest.TestCase):
    """What goes wrong with a server is one line, of an error that fits."""

    def assert_raises(self, kind: type[G4FError], line: str, where: Any, **options: Any) -> None:
        source = g4f.mcp(where, **options)
        for _ in range(2):  # asked again, it is tried again
            with self.assertRaises(kind) as caught:
                source.list()
            self.assertRegex(str(caught.exception), line)
            self.assertNotIn(KEY, str(caught.exception))

    def test_not_there(self) -> None:
        """A program that does not exist, and a file that is none."""
        self.assert_raises(MissingRequirementsError, "no-such-server cannot be started: No such", "no-such-server --x")
        self.assert_raises(MissingRequirementsError, "cannot be started: Permission denied", ["/etc/passwd"])

    def test_dies_at_once(self) -> None:
        """The last line of its stderr says why, without the secrets that it has."""
        code = f"import sys; print('starting', file=sys.stderr); sys.exit('bad token {KEY}')"
        line = r"has ended: bad token \*\*\*; it is started anew"
        self.assert_raises(ConnectError, line, [sys.executable, "-c", code], env={"MY_TOKEN": KEY})

    def test_prints_only(self) -> None:
        """A program that is no server, but prints: its line is shown."""
        code = "print('Usage: there is none')"
        self.assert_raises(ConnectError, "not MCP: Usage: there is none", [sys.executable, "-c", code])

    def test_prints_and_stays(self) -> None:
        """The same for one that stays, within the timeout."""
        code = "import time; print('Listening on port 80', flush=True); time.sleep(300)"
        line = "has not answered within 0.5 s: it prints on stdout what is not MCP: Listening on port 80. Allow it more"
        self.assert_raises(errors.TimeoutError, line, [sys.executable, "-c", code], timeout=0.5)

    def test_refuses(self) -> None:
        """A program that answers with an error of JSON-RPC is quoted."""
        code = (
            "import json, sys\nfor line in sys.stdin:\n    asked = json.loads(line)\n    if 'id' in asked:\n"
            "        error = {'code': -32000, 'message': 'no licence'}\n"
            "        print(json.dumps({'jsonrpc': '2.0', 'id': asked['id'], 'error': error}), flush=True)"
        )
        self.assert_raises(ResponseError, "says: no licence", [sys.executable, "-c", code])

    def test_slow(self) -> None:
        """A call that takes too long is a result that says so, and the server goes on."""
        with serving("http") as address, g4f.mcp(address, timeout=2) as source:
            late = call(source, "hang")
            self.assertTrue(late.failed)
            self.assertRegex(late.text, "has not answered within 2 s. Allow it more by timeout=")
            self.assertEqual(Result("3"), call(source, "add", a=1, b=2))

    def test_nobody_listens(self) -> None:
        """An address where nobody is."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        self.assert_raises(ConnectError, "cannot be reached: .* Check its address", f"http://127.0.0.1:{port}/mcp")

    def test_wants_a_key(self) -> None:
        """401, over both protocols: the line says where a key goes."""
        for kind in ("http", "sse"):
            with self.subTest(kind), serving(kind, key=KEY) as address:
                self.assert_raises(MissingAuthError, r"wants a key \(HTTP status 401\): headers=", address)
                wrong = {"Authorization": f"Bearer {KEY}x"}
                self.assert_raises(MissingAuthError, "wants a key", address, headers=wrong)

    def test_no_server_of_this_kind(self) -> None:
        """An address that has something else: its status, or that it is not MCP."""
        page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"
        broken = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
        with Server([broken]) as server:
            self.assert_raises(ResponseError, "refuses with HTTP status 500", f"{server.url}/mcp")
        with Server([page]) as server:
            self.assert_raises(ResponseError, "says: Unexpected content type: text/html", f"{server.url}/mcp")

    def test_without_the_sdk(self) -> None:
        """Without the package, the line has the command that installs it."""
        line = r"needs the package mcp, 2 or newer: pip install 'g4f-jupyter\[mcp\]'"
        with mock.patch.dict(sys.modules, {"mcp": None, "mcp.client.sse": None}):
            self.assert_raises(MissingRequirementsError, line, COMMAND)
            self.assert_raises(MissingRequirementsError, line, "http://127.0.0.1:9/mcp")


class TestSecrets(unittest.TestCase):
    """Headers, env, and what may stand in a command or an address are shown nowhere."""

    def test_name(self) -> None:
        """By its name a tape tells a server from others: it has no word of the command but the first, and no secret."""
        for where, name in (
            (f"server --token {KEY}", "server"),
            (f"https://user:{KEY}@host.invalid/mcp", "host.invalid"),
        ):
            with self.subTest(name):
                self.assertIn(name, g4f.mcp(where).name)
                self.assertNotIn(KEY, g4f.mcp(where).name)

    def test_repr(self) -> None:
        """A source shows its command up to the first option, or its address without user and query."""
        for where, options, shown in (
            (f"server --token {KEY}", {"env": {"A": KEY}}, "<tools of the MCP server server>"),
            (f"https://me:{KEY}@there.org:8/mcp?key={KEY}", {"headers": HEADERS}, "https://there.org:8/mcp"),
        ):
            with self.subTest(where):
                source = g4f.mcp(where, **options)  # type: ignore[arg-type]
                self.assertIn(shown, repr(source))
                for text in (repr(source), repr(source._server), repr(vars(source))):
                    self.assertNotIn(KEY, text)

    def test_pickle(self) -> None:
        """A source with a secret is not pickled."""
        with self.assertRaisesRegex(TypeError, "not pickled"):
            pickle.dumps(g4f.mcp("server", env={"A": KEY})._server.env)

    def test_query(self) -> None:
        """A key in the query is in no error, whatever the server says."""
        with Server([b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"]) as server:
            with self.assertRaises(ResponseError) as caught:
                g4f.mcp(f"{server.url}/mcp?key={KEY}").list()
            self.assertIn(KEY, server.requests[0].path)
        self.assertNotIn(KEY, str(caught.exception))
        self.assertIsNone(caught.exception.__cause__)


class TestHttp(unittest.TestCase):
    """By an address."""

    def test_both_protocols(self) -> None:
        """Streamable HTTP, and SSE where the server has no other; a header is sent with each request."""
        for kind in ("http", "sse"):
            with (
                self.subTest(kind),
                serving(kind, key=KEY) as address,
                g4f.mcp(address, headers=HEADERS) as source,
            ):
                self.assertEqual(len(TOOLS) + 1, len(source.list()))
                self.assertEqual(Result("3"), call(source, "add", a=1, b=2))
                self.assertIn("no such table", call(source, "fail").text)

    def test_server_comes_back(self) -> None:
        """While it is away, a call is a result that says so; once it is back, the same source works."""
        with serving("http") as address, g4f.mcp(address) as source:
            add = tools_of(source)["add"]
            self.assertEqual(Result("3"), bridge.run(lambda: add.call({"a": 1, "b": 2})))
        away = bridge.run(lambda: add.call({"a": 1, "b": 2}))
        self.assertTrue(away.failed)
        self.assertIn("cannot be reached", away.text)
        with serving("http", port=int(address.split(":")[2].split("/")[0])):
            self.assertEqual(Result("5"), bridge.run(lambda: add.call({"a": 2, "b": 3})))
            source.close()

    def test_session_is_gone(self) -> None:
        """A server that has forgotten the session is greeted again, and the call made once; a second 404 is told."""
        for forgotten, text in (({"s1"}, "done"), ({"s1", "s2"}, "refuses with HTTP status 404")):
            with self.subTest(text), Server(_Sessions(forgotten)) as server, g4f.mcp(f"{server.url}/mcp") as source:
                result = call(source, "work")
                self.assertIn(text, result.text)
                self.assertEqual(text != "done", result.failed)


class _Sessions:
    """A server of the first protocol, which answers calls in sessions `s1`, `s2`, … but for those it has forgotten."""

    def __init__(self, forgotten: set[str]) -> None:
        self.forgotten = forgotten
        self.count = 0

    def __call__(self, request: Any) -> list[bytes]:
        asked = request.json if request.method == "POST" else {}
        headers, found = "", {}
        match asked.get("method"):
            case "initialize":
                self.count += 1
                headers = f"Mcp-Session-Id: s{self.count}\r\n"
                found = {"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}}}
                found["serverInfo"] = {"name": "sessions", "version": "1"}
            case "tools/list":
                found = {"tools": [{"name": "work", "inputSchema": {"type": "object"}}]}
            case "tools/call" if request.headers.get("mcp-session-id") not in self.forgotten:
                found = {"content": [{"type": "text", "text": "done"}]}
            case "notifications/initialized":
                return [b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"]
        if not found:
            status = {"tools/call": "404 Gone", None: "405 No"}.get(asked.get("method"), "400 No")
            return [f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()]
        body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": found})
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        return [(head + body).encode()]


class TestLife(unittest.TestCase):
    """When a server is started, and when it ends."""

    def test_started_when_used(self) -> None:
        """Naming a server starts nothing."""
        children = psutil.Process().children()
        g4f.mcp(COMMAND)
        self.assertEqual(children, psutil.Process().children())

    def test_started_once(self) -> None:
        """Calls of a thread share one process."""
        with g4f.mcp(COMMAND) as source:
            self.assertEqual(1, len({call(source, "process").text for _ in range(3)}))

    def test_killed_between_calls(self) -> None:
        """One that has ended meanwhile is started anew, and the call made."""
        with g4f.mcp(COMMAND) as source:
            process = tools_of(source)["process"]
            for _ in range(3):
                first = int(bridge.run(lambda: process.call({})).text)
                killed = psutil.Process(first)
                killed.kill()
                with suppress(psutil.NoSuchProcess):
                    while killed.status() != psutil.STATUS_ZOMBIE:
                        pass
                for thread in threading.enumerate():  # whoever reads its stderr ends with it
                    if thread.name == "g4f-mcp":
                        thread.join(script.PATIENCE)
                second = bridge.run(lambda: process.call({}))
                self.assertFalse(second.failed, second.text)
                self.assertNotEqual(first, int(second.text))

    def test_dies_in_a_call(self) -> None:
        """The call is not made twice, for it may have had effects: its result says why, and the next call works."""
        with g4f.mcp(COMMAND, env={"MY_TOKEN": KEY}) as source:
            tools = tools_of(source)
            died = bridge.run(lambda: tools["die"].call({}))
            self.assertTrue(died.failed)
            self.assertRegex(died.text, r"has ended: out of memory, \*\*\*; it is started anew when it is used again")
            self.assertEqual(Result("3"), bridge.run(lambda: tools["add"].call({"a": 1, "b": 2})))

    def test_dies_in_several_calls(self) -> None:
        """Each of them says so, and the next works."""

        async def several() -> list[Result]:
            async with g4f.mcp(COMMAND) as source:
                tools = {tool.name: tool for tool in await source.tools()}
                found = await asyncio.gather(*(tools[name].call({}) for name in ("hang", "die", "hang")))
                return [*found, await tools["add"].call({"a": 1, "b": 2})]

        *died, after = loops.run(several())
        self.assertEqual(Result("3"), after)
        for result in died:
            self.assertTrue(result.failed)
            self.assertIn("has ended: out of memory, None", result.text)

    def test_close(self) -> None:
        """`close`, `with`, `aclose` and `async with` end the process; used again, another is started."""

        async def with_async() -> int:
            async with g4f.mcp(COMMAND) as source:
                tools = {tool.name: tool for tool in await source.tools()}
                return int((await tools["process"].call({})).text)

        with g4f.mcp(COMMAND) as source:
            first = int(call(source, "process").text)
        self.assertFalse(psutil.pid_exists(first))
        second = int(call(source, "process").text)
        self.assertNotEqual(first, second)
        source.close()
        source.close()
        self.assertFalse(psutil.pid_exists(second))
        self.assertFalse(psutil.pid_exists(loops.run(with_async())))

    def test_end_of_a_loop(self) -> None:
        """A loop that ends closes what is open on it, as does a thread; a source works on each loop."""
        source = g4f.mcp(COMMAND)

        async def asked() -> int:
            tools = {tool.name: tool for tool in await source.tools()}
            return int((await tools["process"].call({})).text)

        found = [loops.run(asked()), loops.run(asked())]
        thread = threading.Thread(target=lambda: found.append(int(call(source, "process").text)))
        thread.start()
        thread.join()
        self.assertEqual(3, len(set(found)))
        for process in found:
            self.assertFalse(psutil.pid_exists(process))

    def test_nobody_refers_to_it(self) -> None:
        """A source that is dropped, as by a cell that is run again, leaves no process."""

        async def dropped() -> int:
            source: McpTools | None = g4f.mcp(COMMAND)
            assert source is not None
            process = int((await source.call("process", {})).text)
            (connection,) = source._connections.values()
            source = None
            gc.collect()
            await asyncio.wait([connection._owner], timeout=script.PATIENCE)
            self.assertTrue(connection._owner.done())
            return process

        self.assertFalse(psutil.pid_exists(loops.run(dropped())))

    def test_end_of_a_process(self) -> None:
        """A script that closes nothing ends without a word, and so does its server, even one that would stay."""
        out = script.run(
            f"""
            import g4f
            from g4f.waiting import bridge
            source = g4f.mcp({[*COMMAND, "stubborn"]!r})
            print(bridge.run(lambda: source.call("process", {{}})).text)
            """
        )
        self.assertFalse(psutil.pid_exists(int(out)))

    @unittest.skipUnless(hasattr(os, "fork"), "it cannot fork")
    def test_end_of_a_forked_child(self) -> None:
        """A child that ends leaves its parent's server alone."""
        out = script.run(
            f"""
            import asyncio, os, sys, g4f
            source, loop = g4f.mcp({COMMAND!r}), asyncio.new_event_loop()
            first = loop.run_until_complete(source.call("process", {{}})).text
            child = os.fork()
            if not child:
                sys.exit()
            os.waitpid(child, 0)
            print(first == loop.run_until_complete(source.call("process", {{}})).text)
            loop.run_until_complete(source.aclose())
            loop.close()
            """
        )
        self.assertEqual("True\n", out)

    def test_cancelled(self) -> None:
        """A call that is cancelled, also while the server starts, leaves the connection usable."""

        async def several() -> Result:
            async with g4f.mcp(COMMAND) as source:
                starting = asyncio.ensure_future(source.tools())
                await asyncio.sleep(0)
                starting.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await starting
                tools = {tool.name: tool for tool in await source.tools()}
                for _ in range(3):
                    hanging = asyncio.ensure_future(tools["hang"].call({}))
                    await tools["add"].call({"a": 1, "b": 2})
                    hanging.cancel()
                    with self.assertRaises(asyncio.CancelledError):
                        await hanging
                return await tools["add"].call({"a": 1, "b": 2})

        self.assertEqual(Result("3"), loops.run(several()))


class TestKernel(unittest.TestCase):
    """In a kernel, where a sync call waits nested on the loop of the cells."""

    def test_kernel(self) -> None:
        """Calls, awaited and not, share a connection; interrupts leave it usable; at the end no process is left."""
        with Kernel() as kernel:
            start = kernel.run(
                f"""
                %load_ext g4f_jupyter
                import g4f
                from g4f.waiting import bridge
                source = g4f.mcp({[*COMMAND, "stubborn"]!r})
                tools = {{tool.name: tool for tool in bridge.run(source.tools)}}
                def call(name): return bridge.run(lambda: tools[name].call({{}})).text
                async def nested(): return call("process")
                print(call("process"), (await tools["process"].call({{}})).text, await nested())
                """.replace("\n                ", "\n").strip()
            )
            self.assertEqual(("", ""), (start.error, start.stderr))
            processes = set(start.text.split())
            self.assertEqual(1, len(processes))
            for number in range(6):
                hang = ('call("hang")', 'await tools["hang"].call({})')[number % 2]
                cell = kernel.send(f'print("begun", flush=True)\n{hang}')
                kernel.wait_for(cell)
                kernel.interrupt()
                self.assertIn("KeyboardInterrupt", kernel.finish(cell).error)
                self.assertEqual(processes, set(kernel.run('print(call("process"))').text.split()))
            kernel.ask("shutdown_request", {"restart": False}, channel="control")
            psutil.Process(kernel.process).wait(timeout=script.PATIENCE)
            self.assertFalse(psutil.pid_exists(int(processes.pop())))
