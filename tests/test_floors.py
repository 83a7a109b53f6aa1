"""Imports go down: each file stands on a floor, and imports from strictly lower ones."""

from __future__ import annotations

import ast
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import g4f
import g4f_jupyter

ROOT = Path(g4f.__file__).parent.parent
PACKAGES = [Path(package.__file__).parent for package in (g4f, g4f_jupyter)]

FLOORS = {
    "g4f/attaching/__init__.py": 0,
    "g4f/batching/__init__.py": 0,
    "g4f/batching/lives.py": 0,
    "g4f/markdown/formulas.py": 0,
    "g4f/notebook.py": 0,
    "g4f/printable.py": 0,
    "g4f/providers/__init__.py": 0,
    "g4f/providers/base_provider.py": 0,
    "g4f/providers/in_process/__init__.py": 0,
    "g4f/providers/protocols/__init__.py": 0,
    "g4f/providers/protocols/finishes.py": 0,
    "g4f/providers/response.py": 0,
    "g4f/providers/row.py": 0,
    "g4f/providers/transport/__init__.py": 0,
    "g4f/providers/transport/held.py": 0,
    "g4f/providers/transport/own_network.py": 0,
    "g4f/providers/transport/quotas.py": 0,
    "g4f/providers/transport/tokens.py": 0,
    "g4f/providers/vendors.py": 0,
    "g4f/secrets/__init__.py": 0,
    "g4f/secrets/key.py": 0,
    "g4f/taping/__init__.py": 0,
    "g4f/taping/carrying.py": 0,
    "g4f/tools/__init__.py": 0,
    "g4f/tools/prints.py": 0,
    "g4f/tools/tool.py": 0,
    "g4f/typed/__init__.py": 0,
    "g4f/typing.py": 0,
    "g4f/values/__init__.py": 0,
    "g4f/values/form.py": 0,
    "g4f/values/kinds.py": 0,
    "g4f/values/room.py": 0,
    "g4f/waiting/__init__.py": 0,
    "g4f/waiting/async_stream.py": 0,
    "g4f/waiting/threads.py": 0,
    "g4f/wire.py": 0,
    "g4f_jupyter/inserts/__init__.py": 0,
    "g4f_jupyter/inserts/scope.py": 0,
    "g4f_jupyter/kernel/__init__.py": 0,
    "g4f_jupyter/kernel/awaiting.py": 0,
    "g4f_jupyter/kernel/waking.py": 0,
    "g4f_jupyter/line/__init__.py": 0,
    "g4f_jupyter/line/half_line.py": 0,
    "g4f_jupyter/line/question_mark.py": 0,
    "g4f_jupyter/magics/__init__.py": 0,
    "g4f_jupyter/other_package.py": 0,
    "g4f_jupyter/own_code.py": 0,
    "g4f_jupyter/pytest_plugin.py": 0,
    "g4f_jupyter/show/__init__.py": 0,
    "g4f/client/shape.py": 1,
    "g4f/errors.py": 1,
    "g4f/markdown/entities.py": 1,
    "g4f/models.py": 1,
    "g4f/providers/protocols/beside.py": 1,
    "g4f/providers/protocols/openai_calls.py": 1,
    "g4f/providers/rows.py": 1,
    "g4f/providers/transport/lines.py": 1,
    "g4f/providers/transport/sse.py": 1,
    "g4f/providers/types.py": 1,
    "g4f/rounds.py": 1,
    "g4f/taping/counts.py": 1,
    "g4f/taping/kept.py": 1,
    "g4f/typed/reading.py": 1,
    "g4f/values/braces.py": 1,
    "g4f/values/columns.py": 1,
    "g4f/values/sources.py": 1,
    "g4f_jupyter/show/shown.py": 1,
    "g4f_jupyter/show/updates.py": 1,
    "g4f/assembly.py": 2,
    "g4f/attaching/pictures.py": 2,
    "g4f/attaching/private.py": 2,
    "g4f/batching/template.py": 2,
    "g4f/client/elsewhere.py": 2,
    "g4f/client/types.py": 2,
    "g4f/files.py": 2,
    "g4f/markdown/code.py": 2,
    "g4f/markdown/columns.py": 2,
    "g4f/options.py": 2,
    "g4f/providers/access.py": 2,
    "g4f/providers/in_process/llamacpp.py": 2,
    "g4f/providers/protocols/attachments.py": 2,
    "g4f/providers/protocols/heads.py": 2,
    "g4f/providers/protocols/openai_words.py": 2,
    "g4f/providers/transport/kinds.py": 2,
    "g4f/providers/transport/retries.py": 2,
    "g4f/providers/transport/unlabelled.py": 2,
    "g4f/secrets/known.py": 2,
    "g4f/taping/tapes.py": 2,
    "g4f/tidying.py": 2,
    "g4f/tools/confirming.py": 2,
    "g4f/tools/signature.py": 2,
    "g4f/typed/defaults.py": 2,
    "g4f/typed/parts.py": 2,
    "g4f/values/blame.py": 2,
    "g4f/waiting/limits.py": 2,
    "g4f/waiting/nesting.py": 2,
    "g4f_jupyter/expectations.py": 2,
    "g4f_jupyter/kernel/tracebacks.py": 2,
    "g4f_jupyter/line/contenders.py": 2,
    "g4f_jupyter/line/split.py": 2,
    "g4f_jupyter/show/waiting.py": 2,
    "g4f/batching/inputs.py": 3,
    "g4f/images.py": 3,
    "g4f/locks.py": 3,
    "g4f/logs.py": 3,
    "g4f/markdown/inline.py": 3,
    "g4f/providers/catalogue.py": 3,
    "g4f/providers/transport/governor.py": 3,
    "g4f/providers/transport/refusals.py": 3,
    "g4f/providers/transport/settings.py": 3,
    "g4f/secrets/scrubbing.py": 3,
    "g4f/shaping.py": 3,
    "g4f/showing.py": 3,
    "g4f/spending.py": 3,
    "g4f/taping/notes.py": 3,
    "g4f/taping/ports.py": 3,
    "g4f/typed/schema.py": 3,
    "g4f/waiting/runners.py": 3,
    "g4f_jupyter/__main__.py": 3,
    "g4f_jupyter/fixing.py": 3,
    "g4f_jupyter/show/waiting_line.py": 3,
    "g4f/attaching/attached.py": 4,
    "g4f/attaching/kinds.py": 4,
    "g4f/batching/database.py": 4,
    "g4f/kept.py": 4,
    "g4f/markdown/rewriting.py": 4,
    "g4f/option_values.py": 4,
    "g4f/providers/protocols/reading.py": 4,
    "g4f/providers/transport/failures.py": 4,
    "g4f/providers/transport/request_ids.py": 4,
    "g4f/providers/walk.py": 4,
    "g4f/taping/question.py": 4,
    "g4f/tools/mcp_server.py": 4,
    "g4f/tools/results.py": 4,
    "g4f/typed/fitting.py": 4,
    "g4f/values/collections.py": 4,
    "g4f/waiting/bridge.py": 4,
    "g4f_jupyter/line/aliases.py": 4,
    "g4f/answer.py": 5,
    "g4f/attaching/reading.py": 5,
    "g4f/batching/writer.py": 5,
    "g4f/markdown/__init__.py": 5,
    "g4f/messages.py": 5,
    "g4f/providers/call.py": 5,
    "g4f/providers/protocols/anthropic_answer.py": 5,
    "g4f/providers/protocols/gemini_answer.py": 5,
    "g4f/providers/protocols/openai_answer.py": 5,
    "g4f/providers/protocols/responses_answer.py": 5,
    "g4f/providers/transport/http_messages.py": 5,
    "g4f/providers/transport/sessions.py": 5,
    "g4f/taping/file.py": 5,
    "g4f/tools/function.py": 5,
    "g4f/tools/mcp_connection.py": 5,
    "g4f/values/cells.py": 5,
    "g4f_jupyter/validation.py": 5,
    "g4f/batching/journal.py": 6,
    "g4f/batching/row.py": 6,
    "g4f/prices.py": 6,
    "g4f/providers/cancelling.py": 6,
    "g4f/providers/in_process/local.py": 6,
    "g4f/providers/transport/governors.py": 6,
    "g4f/taping/command.py": 6,
    "g4f/tools/mcp.py": 6,
    "g4f/tools/toolbox.py": 6,
    "g4f/turn.py": 6,
    "g4f/values/summary.py": 6,
    "g4f_jupyter/line/model_names.py": 6,
    "g4f_jupyter/show/forms.py": 6,
    "g4f/__main__.py": 7,
    "g4f/batching/budget.py": 7,
    "g4f/batching/command.py": 7,
    "g4f/batching/frames.py": 7,
    "g4f/batching/tally.py": 7,
    "g4f/providers/retry_provider.py": 7,
    "g4f/providers/transport/http.py": 7,
    "g4f/tools/loop.py": 7,
    "g4f/values/tables.py": 7,
    "g4f_jupyter/line/options.py": 7,
    "g4f_jupyter/show/footer.py": 7,
    "g4f/Provider.py": 8,
    "g4f/batching/progress.py": 8,
    "g4f/providers/protocols/endpoint.py": 8,
    "g4f/routing.py": 8,
    "g4f/taping/player.py": 8,
    "g4f/values/text.py": 8,
    "g4f_jupyter/line/completion.py": 8,
    "g4f_jupyter/show/tables.py": 8,
    "g4f/attaching/tables.py": 9,
    "g4f/client/defaults.py": 9,
    "g4f/client/service.py": 9,
    "g4f/providers/protocols/http_provider.py": 9,
    "g4f/request.py": 9,
    "g4f/attaching/contents.py": 10,
    "g4f/client/listing.py": 10,
    "g4f/dispatch.py": 10,
    "g4f/providers/protocols/anthropic.py": 10,
    "g4f/providers/protocols/gemini.py": 10,
    "g4f/providers/protocols/ollama.py": 10,
    "g4f/providers/protocols/responses.py": 10,
    "g4f_jupyter/show/preview.py": 10,
    "g4f/attaching/attach.py": 11,
    "g4f/attaching/fetching.py": 11,
    "g4f/attaching/pdf.py": 11,
    "g4f/batching/plan.py": 11,
    "g4f/client/client.py": 11,
    "g4f/completion.py": 11,
    "g4f/conversation.py": 11,
    "g4f/deciding.py": 11,
    "g4f/providers/protocols/openai.py": 11,
    "g4f/batching/terms.py": 12,
    "g4f/client/__init__.py": 12,
    "g4f/comparing.py": 12,
    "g4f_jupyter/inserts/known.py": 12,
    "g4f_jupyter/judging.py": 12,
    "g4f_jupyter/threads.py": 12,
    "g4f/batching/run.py": 13,
    "g4f_jupyter/cells.py": 13,
    "g4f_jupyter/inserts/inserts.py": 13,
    "g4f_jupyter/inserts/last_error.py": 13,
    "g4f_jupyter/show/history.py": 13,
    "g4f/batching/results.py": 14,
    "g4f_jupyter/below.py": 14,
    "g4f_jupyter/inserts/question.py": 14,
    "g4f_jupyter/inserts/words.py": 14,
    "g4f_jupyter/session.py": 14,
    "g4f_jupyter/show/errors.py": 14,
    "g4f/batching/batch.py": 15,
    "g4f_jupyter/line/providers.py": 15,
    "g4f_jupyter/line/schemas.py": 15,
    "g4f_jupyter/line/tools.py": 15,
    "g4f_jupyter/magics/asked.py": 15,
    "g4f_jupyter/show/display.py": 15,
    "g4f/__init__.py": 16,
    "g4f_jupyter/line/arguments.py": 16,
    "g4f_jupyter/magics/checks.py": 16,
    "g4f_jupyter/magics/settings.py": 16,
    "g4f_jupyter/show/frames.py": 16,
    "g4f_jupyter/show/terminal.py": 16,
    "g4f_jupyter/magics/questions.py": 17,
    "g4f_jupyter/show/columns.py": 17,
    "g4f_jupyter/magics/comparison.py": 18,
    "g4f_jupyter/magics/chat.py": 19,
    "g4f_jupyter/magics/chat_calls.py": 20,
    "g4f_jupyter/magics/chat_lines.py": 20,
    "g4f_jupyter/__init__.py": 21,
    "g4f_jupyter/kernel/registration.py": 21,
}

LATE = {
    ("g4f_jupyter/magics/checks.py", "..judging"): "only a judge needs it",
    ("g4f/waiting/nesting.py", "nest_asyncio2"): "its absence has an error of its own",
    ("g4f/markdown/code.py", "markdown_it"): "20 ms that only an answer in a cell has to spend",
    ("g4f/taping/tapes.py", ".player"): "7 ms that only a tape has to spend",
    ("g4f/taping/tapes.py", ".carrying"): "6 ms that only a tape has to spend",
    ("g4f/providers/catalogue.py", "..secrets.scrubbing"): "3 ms that only a name which nobody has needs to spend",
    ("g4f/tools/signature.py", "docstring_parser"): "10 ms that only a tool with a docstring has to spend",
    ("g4f/providers/access.py", "http"): "10 ms that only a probe has to spend",
    ("g4f/providers/transport/sessions.py", "aiohttp_socks"): "an optional package",
    ("g4f/providers/transport/settings.py", "urllib"): "13 ms that only a proxy of the environment has to spend",
    ("g4f/providers/in_process/llamacpp.py", "xllamacpp"): "an optional package",
    ("g4f/request.py", ".typed.schema"): "3 ms that only an answer with a schema has to spend",
    ("g4f/dispatch.py", ".typed.fitting"): "the same",
    ("g4f/request.py", ".attaching.fetching"): "it needs aiohttp, which nothing else there does",
    ("g4f/request.py", ".attaching.attach"): "5 ms that only a question with files has to spend",
    ("g4f/turn.py", ".attaching.attach"): "the same",
    ("g4f/providers/call.py", "..attaching.pdf"): "only an attached PDF needs it",
    ("g4f/attaching/pdf.py", "pypdf"): "an optional package",
    ("g4f/attaching/pictures.py", "PIL"): "an optional package",
    ("g4f_jupyter/inserts/question.py", "g4f"): "5 ms that only a question with files has to spend",
    ("g4f/__main__.py", ".batching.command"): "30 ms that only a journal has to spend",
    ("g4f/typed/schema.py", "jsonschema"): "an optional package",
    ("g4f/tools/mcp_connection.py", "httpx2"): "an optional package",
    ("g4f/tools/mcp_connection.py", "mcp"): "an optional package",
    ("g4f/__init__.py", "g4f_jupyter"): "only what another g4f has broken has this to spend",
    ("g4f_jupyter/__init__.py", ".magics"): "importing the package must not need an IPython",
    ("g4f_jupyter/__init__.py", ".other_package"): "importing the package must cost nothing",
    ("g4f_jupyter/__init__.py", ".kernel.registration"): "importing the package must not need an IPython",
    ("g4f/values/columns.py", "pyarrow"): "an optional package",
    ("g4f/prices.py", "genai_prices"): "an optional package",
    ("g4f/batching/frames.py", "narwhals"): "an optional package",
    ("g4f/batching/progress.py", "tqdm"): "an optional package",
    ("g4f_jupyter/pytest_plugin.py", "."): "only what --nbval has to spend",
    ("g4f_jupyter/show/terminal.py", "rich"): "an optional package",
}
"""Which file imports what inside a function, and why."""

DYNAMIC = {
    "g4f/__init__.py": "a name is imported when it is first used",
    "g4f/attaching/tables.py": "the packages for tables are optional, and chosen by what is there",
    "g4f/providers/catalogue.py": "loads the module that a row names",
    "g4f/providers/access.py": "google.colab is there only in Colab",
}
"""Which file imports by a name that it computes, and why."""


class Import(NamedTuple):
    """One import statement. `package` is what stands behind `from`, or the first part of an absolute name."""

    file: str
    line: int
    package: str
    targets: list[str]
    is_late: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.package}"


def _files() -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for package in PACKAGES for path in package.rglob("*.py"))


def _module_file(parts: list[str]) -> str | None:
    """Return the file of a module of ours: of a package, its `__init__.py`. None if there is no such module."""
    path = "/".join(parts)
    for file in (f"{path}.py", f"{path}/__init__.py"):
        if (ROOT / file).is_file():
            return file
    return None


def _targets(node: ast.Import | ast.ImportFrom, file: str) -> list[str]:
    """Return the files of ours that a statement imports from."""
    if isinstance(node, ast.Import):
        return [found for alias in node.names if (found := _ours(alias.name.split(".")))]
    base = file.split("/")[: -node.level] if node.level else []
    base += node.module.split(".") if node.module else []
    if _ours(base) is None:
        return []
    return [_module_file([*base, alias.name]) or _ours(base) or "" for alias in node.names]


def _ours(parts: list[str]) -> str | None:
    return _module_file(parts) if parts[:1] in (["g4f"], ["g4f_jupyter"]) else None


def _imports(file: str) -> Iterator[Import]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    late = {id(node) for function in ast.walk(tree) if isinstance(function, _FUNCTIONS) for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            package = "." * node.level + (node.module or "")
        elif isinstance(node, ast.Import):
            package = node.names[0].name
        else:
            continue
        package = package if package.startswith(".") else package.split(".")[0]
        yield Import(file, node.lineno, package, _targets(node, file), id(node) in late)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class TestFloors(unittest.TestCase):
    """The table above, and what the files say."""

    def test_each_file_has_a_floor(self) -> None:
        """A new file gets a floor; a file that is gone leaves none."""
        self.assertEqual(sorted(FLOORS), _files())

    def test_imports_go_down(self) -> None:
        """From strictly lower floors only, also where it is only for types."""
        count = 0
        for file in _files():
            for statement in _imports(file):
                for target in statement.targets:
                    count += 1
                    if (statement.file, statement.package) not in LATE:
                        self.assertLess(FLOORS[target], FLOORS[file], f"{statement}: {target}")
        self.assertGreater(count, 100)

    def test_never_through_a_package(self) -> None:
        """From the file where a name is, not from a package that passes it on."""
        for file in _files():
            for statement in _imports(file):
                for target in statement.targets:
                    self.assertFalse(target.endswith("__init__.py"), f"{statement}: {target}")

    def test_at_the_top(self) -> None:
        """A function imports only what the table names."""
        late = {
            (statement.file, statement.package)
            for file in _files()
            for statement in _imports(file)
            if statement.is_late
        }
        self.assertEqual(set(LATE), late)

    def test_by_a_computed_name(self) -> None:
        """So does what calls `import_module`."""
        found = {file for file in _files() if "import_module(" in (ROOT / file).read_text(encoding="utf-8")}
        self.assertEqual(set(DYNAMIC), found)


class TestTests(unittest.TestCase):
    """What tests are written with."""

    def test_loops(self) -> None:
        """They run coroutines by `loops.run`: a nest package may have put in an `asyncio.run` that closes no loop.

        One that is left open is closed by the garbage collector, whenever that is, with a warning in another test; and
        if that is while a test parses Python, pytest's words about the warning break its parser (CPython 3.11).
        """
        found = {
            path.name
            for path in Path(__file__).parent.glob("*.py")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "asyncio.run"
        }
        self.assertEqual({"test_asyncio.py", "fuzz_streams.py"}, found)  # where it is the subject; a program


class TestReading(unittest.TestCase):
    """What this test sees in a file."""

    def test_targets(self) -> None:
        """Relative and absolute, of a module and of a name in it."""
        for line, file, expected in (
            ("from . import errors", "g4f/completion.py", ["g4f/errors.py"]),
            ("from .client import Client", "g4f/completion.py", ["g4f/client/__init__.py"]),
            ("from .. import files, errors", "g4f/client/client.py", ["g4f/files.py", "g4f/errors.py"]),
            ("from ..errors import InputError", "g4f/client/client.py", ["g4f/errors.py"]),
            ("from g4f import Client", "g4f_jupyter/magics/chat.py", ["g4f/__init__.py"]),
            ("from g4f.errors import InputError", "g4f_jupyter/magics/chat.py", ["g4f/errors.py"]),
            ("import g4f.errors", "g4f_jupyter/magics/chat.py", ["g4f/errors.py"]),
            ("import asyncio", "g4f/waiting/bridge.py", []),
            ("from collections import deque", "g4f/waiting/bridge.py", []),
        ):
            (node,) = ast.parse(line).body
            assert isinstance(node, ast.Import | ast.ImportFrom)
            self.assertEqual(expected, _targets(node, file), line)
