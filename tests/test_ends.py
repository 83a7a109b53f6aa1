"""Ends: a thread that outlives the main one, a forked child with what it inherited, a loop that was closed."""

from __future__ import annotations

import threading
import unittest

from g4f.waiting.threads import side_by_side

from . import script

LATE = """
import sys, threading
from g4f.errors import ConnectError
from tests.servers import Server, hello
{before}

def late():
    threading.main_thread().join()
    import asyncio
    import g4f
    from g4f.providers.catalogue import ROWS, reasons

    class Sync:
        @classmethod
        def create_completion(cls, model, messages):
            yield "Hello"

    async def streamed():
        return [item async for item in g4f.ChatCompletion.create_async("m", "?", by_name, stream=True)][0]

    {call}

server = Server(*[hello] * 2).__enter__()
by_name = server.url.replace("127.0.0.1", "localhost")
threading.Thread(target=late).start()
"""
CALLS = {
    "whole": 'print(g4f.ChatCompletion.create("m", "?", by_name))',
    "streamed": 'print("".join(map(str, g4f.ChatCompletion.create("m", "?", by_name, stream=True)))[:5])',
    "async": 'print(asyncio.run(g4f.ChatCompletion.create_async("m", "?", by_name)))',
    "async, streamed": "print(asyncio.run(streamed()) + 'lo')",
    "sync provider": 'print(g4f.ChatCompletion.create("m", "?", Sync))',
    "client": 'print(g4f.Client(base_url=by_name).chat.completions.create("?", "m").choices[0].message.content)',
    "who can answer": 'print("Hello" if len(reasons()) == len(ROWS) else reasons())',
    "left open": 'stream = g4f.ChatCompletion.create("m", "?", Sync, stream=True); print(next(stream))',
}

FORK = """
import asyncio, gc, os, sys, threading
import g4f
from g4f.waiting import bridge
from g4f.errors import ResponseError
from tests.servers import HANG, Server, delta, hello, stream

class Own:
    @classmethod
    async def create_async_generator(cls, model, messages):
        try:
            yield "x"
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            print("closed by the parent" if os.getpid() == parent else "closed by a child")

class Sync:
    @classmethod
    def create_completion(cls, model, messages):
        yield "x"
        yield from iter(lambda: "x", "")

def begin(provider):
    started = g4f.ChatCompletion.create("m", "?", provider, stream=True)
    next(started)
    return started

def child(leave, act):
    global inherited
    if act == "drop":
        inherited = None
        gc.collect()
    elif act == "close":
        inherited.close()
    elif act == "read":
        try:
            while True:
                next(inherited)
        except ResponseError as error:
            assert "in the process that forked this one" in str(error), error
        assert list(inherited) == []
    elif act == "ask":
        assert g4f.ChatCompletion.create("m", "?", again) in ("Hello", "x"), "no answer"
    sys.stdout.flush()
    leave()

def family():
    sys.stdout.flush()
    for act in ("keep", "drop", "close", "read", "ask"):
        assert act != "ask" or unharmed()
        for leave in (lambda: os._exit(0), sys.exit):
            pid = os.fork()
            if not pid:
                child(leave, act)
            assert os.waitpid(pid, 0)[1] == 0, act

class Again:
    @classmethod
    async def create_async_generator(cls, model, messages):
        yield "Hello"

parent, again, unharmed = os.getpid(), Again, lambda: True
"""
INHERITED = {
    "own loop": "inherited = begin(Own); family(); inherited.close()",
    "sync provider": "inherited = begin(Sync); family(); inherited.close()",
    "connection": """
        server = Server([*stream(delta("x"), end=False), HANG], *[hello] * 3).__enter__()
        again, unharmed = server.url, lambda: not server.left.is_set()
        inherited = begin(server.url)
        family()
        inherited.close()
        assert g4f.ChatCompletion.create("m", "?", again) == "Hello"
        print("closed by the parent")
        """,
    "another thread": """
        begun, go = threading.Event(), threading.Event()
        def work():
            global inherited
            inherited = begin(Own)
            begun.set()
            go.wait()
            inherited.close()
        thread = threading.Thread(target=work)
        thread.start()
        begun.wait()
        family()
        go.set()
        thread.join()
        """,
    "read in another thread": """
        begun, go = threading.Event(), threading.Event()
        class Busy:
            @classmethod
            async def create_async_generator(cls, model, messages):
                yield "x"
                begun.set()
                await asyncio.to_thread(go.wait)
                print("closed by the parent")
        inherited = g4f.ChatCompletion.create("m", "?", Busy, stream=True)
        thread = threading.Thread(target=list, args=(inherited,))
        thread.start()
        begun.wait()
        family()
        go.set()
        thread.join()
        """,
}


class TestLateThread(unittest.TestCase):
    """A thread that goes on when the main one has ended."""

    def test_first_call(self) -> None:
        """Whatever it asks first, it is answered: nothing needs a pool, which cannot be had any more."""
        for before in ("", "import g4f; g4f.ChatCompletion", "import asyncio; asyncio.run(asyncio.to_thread(int))"):
            for name, call in CALLS.items():
                with self.subTest(name, before=before):
                    self.assertEqual("Hello\n", script.run(LATE.format(before=before, call=call)))

    def test_at_exit(self) -> None:
        """So is what is asked when the interpreter ends."""
        code = """
            import atexit
            import g4f
            from tests.mocks import AsyncProviderMock
            atexit.register(lambda: print(g4f.ChatCompletion.create("", "?", AsyncProviderMock)))
            """
        self.assertEqual("Mock\n", script.run(code, "-X", "dev"))


class TestSideBySide(unittest.TestCase):
    """Calls that wait for something, each in a thread of its own."""

    def test_all(self) -> None:
        """They run at the same time, and return in their order; one that fails, fails the whole."""
        meet = threading.Barrier(3)
        self.assertEqual([0, 1, 2], sorted(side_by_side([meet.wait] * 3)))
        self.assertEqual(["a", "b"], side_by_side([lambda: "a", lambda: "b"]))
        with self.assertRaises(ZeroDivisionError):
            side_by_side([lambda: 1.0, lambda: 1 / 0])


class TestForkedChild(unittest.TestCase):
    """What a child inherits is the parent's."""

    def test_stream(self) -> None:
        """A child drops, closes or keeps it, and says nothing; it reads it: one line; it asks: it is answered.

        Nothing of it is cleaned up there, and for the parent it goes on.
        """
        for name, code in INHERITED.items():
            with self.subTest(name):
                lines = "\n".join(line.removeprefix(" " * 8) for line in code.splitlines())
                out = script.run(FORK + lines, "-W", "ignore::DeprecationWarning")  # fork among threads
                self.assertEqual("" if name == "sync provider" else "closed by the parent\n", out)

    def test_on_a_running_loop(self) -> None:
        """So it is where the loop of the program itself was running; what it cancels at its own end, it cancels."""
        code = """
            async def main():
                global inherited
                bridge.make_nestable(asyncio.get_running_loop())
                inherited = begin(Own)
                sys.stdout.flush()
                for act in ("keep", "drop", "close", "read", "ask"):
                    pid = os.fork()
                    if not pid:
                        child(lambda: os._exit(0), act)
                    assert os.waitpid(pid, 0)[1] == 0, act
                inherited.close()
            asyncio.run(main())
            """
        lines = "\n".join(line.removeprefix(" " * 12) for line in code.splitlines())
        self.assertEqual("closed by the parent\n", script.run(FORK + lines, "-W", "ignore::DeprecationWarning"))

    def test_client(self) -> None:
        """A client, and the connections that it keeps, serve the parent; the child opens its own."""
        code = """
            server = Server(*[hello] * 9).__enter__()
            client = g4f.Client(base_url=server.url)
            ask = lambda: client.chat.completions.create("?", "m").choices[0].message.content
            print(ask(), server.connections)
            sys.stdout.flush()
            for leave in (lambda: os._exit(0), sys.exit):
                for asks in (False, True):
                    pid = os.fork()
                    if not pid:
                        assert not asks or ask() == "Hello"
                        leave()
                    assert os.waitpid(pid, 0)[1] == 0
            print(ask(), server.connections)
            """
        lines = "\n".join(line.removeprefix(" " * 12) for line in code.splitlines())
        out = script.run(FORK + lines, "-W", "ignore::DeprecationWarning")
        self.assertEqual("Hello 1\nHello 3\n", out)


class TestClosedLoop(unittest.TestCase):
    """A loop that is closed under a stream."""

    def test_closed(self) -> None:
        """The stream is closed or dropped without a word, and read it is one line."""
        code = """
            async def main():
                bridge.make_nestable(asyncio.get_running_loop())
                return [begin(Own) for _ in range(4)]
            loop = asyncio.new_event_loop()
            closed, dropped, read, kept = loop.run_until_complete(main())
            loop.close()
            closed.close()
            del dropped
            gc.collect()
            try:
                next(read)
            except ResponseError as error:
                print(error)
            print(list(read), list(closed))
            """
        lines = "\n".join(line.removeprefix(" " * 12) for line in code.splitlines())
        told = (
            "the stream was cut off: its event loop was closed, or runs in the process that forked this one. Ask again"
        )
        self.assertEqual(f"{told}\n[] []\n", script.run(FORK + lines, "-X", "dev"))

    def test_in_threads(self) -> None:
        """A stream that a thread holds when the program ends is dropped without a word, be it a daemon."""
        code = """
            begun = threading.Event()
            def hold(read):
                held = begin(Own)
                begun.set()
                {waits}
            threading.Thread(target=hold, args=({read},), daemon={daemon}).start()
            begun.wait()
            """
        for waits, read, daemon in (
            ("threading.main_thread().join()", False, False),
            ("threading.Event().wait()", False, True),
            ("list(held)", True, True),
        ):
            with self.subTest(waits):
                lines = "\n".join(line.removeprefix(" " * 12) for line in code.splitlines())
                out = script.run(FORK + lines.format(waits=waits, read=read, daemon=daemon), "-X", "dev")
                self.assertIn(out, ("", "closed by the parent\n"))


if __name__ == "__main__":
    unittest.main()
