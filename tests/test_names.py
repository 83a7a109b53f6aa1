"""Public names: where they are, that they are told, and that naming them loads nothing heavy."""

from __future__ import annotations

import ast
import importlib
import inspect
import unittest
from pathlib import Path
from types import ModuleType

import g4f
import g4f_jupyter
from g4f.providers.rows import ROWS

from . import script

PATHS = {
    "g4f": "AsyncClient ChatCompletion Client Conversation Model NOT_GIVEN Provider "
    "abatch batch compare compare_async errors ibatch mcp models tape tool",
    "g4f.client": "AsyncClient ChatCompletion ChatCompletionChunk Client",
    "g4f.client.service": "get_model_and_provider",
    "g4f.models": "Model ModelUtils default",
    "g4f.providers.base_provider": "AbstractProvider AsyncGeneratorProvider AsyncProvider",
    "g4f.providers.types": "BaseProvider",
    "g4f.providers.retry_provider": "IterListProvider RetryProvider",
    "g4f.providers.response": "FinishReason ProviderInfo Reasoning ToolCall Usage",
    "g4f_jupyter": "achat chat load_ipython_extension unload_ipython_extension",
}
"""What users import, and from where."""

HEAVY = (
    "aiohttp",
    "docstring_parser",
    "IPython",
    "markdown_it",
    "mcp",
    "narwhals",
    "nest_asyncio2",
    "sqlite3",
    "tqdm",
    "traitlets",
    "xllamacpp",
)


def _modules() -> list[ModuleType]:
    modules = []
    for package in (g4f, g4f_jupyter):
        root = Path(package.__file__).parent
        for path in sorted(root.rglob("*.py")):
            parts = path.relative_to(root.parent).with_suffix("").parts
            if parts[-1] != "__main__":
                modules.append(importlib.import_module(".".join(parts).removesuffix(".__init__")))
    return modules


MODULES = [module for module in _modules() if hasattr(module, "__all__") or not hasattr(module, "__path__")]
"""All but folders that hold nothing themselves."""


class TestPaths(unittest.TestCase):
    """The paths of the contract."""

    def test_imports(self) -> None:
        """Each name is where it was promised, and is public there."""
        for path, names in PATHS.items():
            module = importlib.import_module(path)
            for name in names.split():
                self.assertTrue(hasattr(module, name), f"{path}.{name}")
                self.assertIn(name, module.__all__)

    def test_top(self) -> None:
        """The top level has these names and no others."""
        self.assertEqual(PATHS["g4f"].split(), sorted(g4f.__all__, key=lambda name: (name.islower(), name)))
        self.assertEqual(PATHS["g4f.client"].split(), sorted(importlib.import_module("g4f.client").__all__))

    def test_providers(self) -> None:
        """Every provider of the catalogue is a name of `g4f.Provider`."""
        bases = ["AbstractProvider", "AsyncGeneratorProvider", "AsyncProvider", "IterListProvider", "RetryProvider"]
        self.assertEqual({*bases, *(row.name for row in ROWS)}, set(g4f.Provider.__all__))
        self.assertEqual(sorted(g4f.Provider.__all__), dir(g4f.Provider))

    def test_same(self) -> None:
        """Old names are other names for the same."""
        types, base = (
            importlib.import_module("g4f.providers.types"),
            importlib.import_module("g4f.providers.base_provider"),
        )
        self.assertIs(base.AbstractProvider, types.BaseProvider)


class TestPublic(unittest.TestCase):
    """`__all__` of each module."""

    def test_all(self) -> None:
        """It is sorted, and names just what has no underscore: each class and function of the module."""
        for module in MODULES:
            tree = ast.parse(inspect.getsource(module))
            defined = {
                node.name
                for node in tree.body
                if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                and not node.name.startswith("_")
            }
            with self.subTest(module.__name__):
                if module is not g4f.Provider:
                    self.assertEqual(sorted(module.__all__, key=_order), module.__all__)
                    self.assertEqual(set(), {name for name in module.__all__ if not hasattr(module, name)})
                self.assertEqual(set(), defined - set(module.__all__))
                self.assertEqual(set(), {name for name in module.__all__ if name.startswith("_")})

    def test_one_name_one_class(self) -> None:
        """No two public classes share a name, but the two that the contract demands."""
        classes = {
            value
            for module in MODULES
            for name in (module.__all__ if module is not g4f.Provider else ())
            if inspect.isclass(value := getattr(module, name)) and value.__module__.startswith("g4f")
        }
        names = sorted(value.__name__ for value in classes)
        shared = {name for name in names if names.count(name) > 1}
        self.assertEqual({"ChatCompletion"}, shared)

    def test_docstrings(self) -> None:
        """Every module, and every class and function that is public in it, says what you get; so does each method."""
        for module in MODULES:
            self.assertTrue(module.__doc__, module.__name__)
            for name in module.__all__ if module is not g4f.Provider else ():
                value = getattr(module, name)
                if getattr(value, "__module__", "") != module.__name__ or not (
                    inspect.isclass(value) or inspect.isfunction(value)
                ):
                    continue
                self.assertTrue(value.__doc__, f"{module.__name__}.{name}")
                for member, method in vars(value).items() if inspect.isclass(value) else ():
                    if not member.startswith("_") and (
                        inspect.isfunction(method) or isinstance(method, classmethod | staticmethod | property)
                    ):
                        self.assertTrue(method.__doc__, f"{module.__name__}.{name}.{member}")


def _order(name: str) -> tuple[int, str]:
    """Return the place of a name: constants, then classes, then functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


class TestLight(unittest.TestCase):
    """What an import loads."""

    def test_core(self) -> None:
        """`import g4f`, and naming what is not used, loads no package that only some calls need."""
        out = script.run(
            f"""
            import sys
            import g4f, g4f.client.service, g4f.providers.types, g4f_jupyter
            dir(g4f.Provider), g4f.models.default, g4f.Client(), g4f.AsyncClient().chat
            print([name for name in {HEAVY!r} if name in sys.modules])
            """
        )
        self.assertEqual("[]\n", out)
