"""(model, provider) → Route: names, defaults, and what is said of those that nobody knows."""

from __future__ import annotations

import ast
import inspect
import os
import unittest
from collections.abc import AsyncGenerator
from typing import Any
from unittest import mock

from g4f import ChatCompletion, Provider, models
from g4f.client.service import get_model_and_provider
from g4f.dispatch import prepare
from g4f.errors import (
    G4FError,
    InputError,
    MissingAuthError,
    ModelNotFoundError,
    ProviderNotFoundError,
    ProviderNotWorkingError,
)
from g4f.models import Model, ModelUtils
from g4f.providers import catalogue, rows
from g4f.providers.base_provider import AbstractProvider, AsyncGeneratorProvider, AsyncProvider
from g4f.providers.retry_provider import IterListProvider
from g4f.routing import resolve

from .rows import only


class Alpha(AsyncGeneratorProvider):
    """A provider of the catalogue. It can answer where the variable ALPHA is set."""

    default_model = "alpha-1"

    @classmethod
    def missing(cls) -> str:
        return "" if os.environ.get(cls.__name__.upper()) else f"set {cls.__name__.upper()}"

    @classmethod
    async def create_async_generator(cls, model: str, messages: object) -> AsyncGenerator[str]:
        yield model


class Beta(Alpha):
    """Another, with BETA."""

    default_model = "beta-1"


class Broken(Alpha):
    """One that says of itself that it does not work."""

    working = False


class Methodless(AsyncProvider):
    """No provider."""


class Bound:
    """An instance answers, the class cannot."""

    async def create_async(self, model: str, messages: object) -> str:
        return model


class Loose:
    """Its method takes neither self nor a class."""

    async def create_async(model: str, messages: object) -> str:  # type: ignore[misc] # noqa: N805
        return model


class _Case(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(only(Alpha, Beta, Broken))
        self.enterContext(mock.patch.dict(os.environ))
        self.enterContext(mock.patch.dict(ModelUtils.convert))
        for name in ("ALPHA", "BETA", "BROKEN", "G4F_PROVIDER"):
            os.environ.pop(name, None)

    def refused(self, kind: type[G4FError], model: Any, provider: Any = None) -> str:
        with self.assertRaises(kind) as caught:
            prepare(model, "?", provider, {})
        self.assertIs(kind, type(caught.exception))
        return str(caught.exception)


class TestProvider(_Case):
    """A provider as a class, an instance, a name, or several names."""

    def test_class_and_instance(self) -> None:
        """They are taken as they are, with their name and their default model."""
        instance = Bound()
        self.assertEqual((Alpha, "Alpha", "alpha-1"), tuple(resolve("", Alpha)))
        self.assertEqual((Alpha, "Alpha", "own"), tuple(resolve("own", Alpha)))
        self.assertEqual((instance, "Bound", ""), tuple(resolve("", instance)))
        self.assertEqual((Loose, "Loose", ""), tuple(resolve("", Loose)))

    def test_own_name(self) -> None:
        """An instance may have a name of its own."""
        instance = Bound()
        instance.name = "mine"  # type: ignore[attr-defined]
        self.assertEqual("mine", resolve("", instance).name)

    def test_by_name(self) -> None:
        """In any case; a class of the catalogue is the same one each time."""
        self.assertIs(Alpha, resolve("", "Alpha").provider)
        self.assertIs(Alpha, resolve("", " alpha ").provider)

    def test_several_names(self) -> None:
        """They are asked in that order."""
        for names in ("Beta Alpha", "Beta, Alpha", " Beta,Alpha "):
            with self.subTest(names=names):
                route = resolve("", names)
                self.assertIs(IterListProvider, type(route.provider))
                self.assertEqual([Beta, Alpha], route.provider.providers)
                self.assertEqual(("Beta Alpha", ""), (route.name, route.model))

    def test_misspelt(self) -> None:
        """Close matches are told, or else what is known."""
        self.assertEqual(
            "there is no provider 'Alhpa'. Did you mean 'Alpha'?", self.refused(ProviderNotFoundError, "", "Alhpa")
        )
        self.assertEqual(
            "there is no provider 'Btea'. Did you mean 'Beta'?", self.refused(ProviderNotFoundError, "", "Alpha Btea")
        )
        self.assertEqual(
            "there is no provider 'Zzz'. Known are: Alpha, Beta, Broken.",
            self.refused(ProviderNotFoundError, "", "Zzz"),
        )
        with self.assertRaisesRegex(ProviderNotFoundError, r"^there is no provider 'Gama'\. Did you mean 'Gamma'\?$"):
            catalogue.find("Gama", ["Gamma", "Delta"])
        self.assertEqual("the name of the provider is empty", self.refused(ProviderNotFoundError, "", " "))

    def test_not_working(self) -> None:
        """A class that says so itself is not asked, whether it is given or named."""
        words = "Broken is marked as not working (working = False)"
        self.assertEqual(words, self.refused(ProviderNotWorkingError, "", Broken))
        self.assertEqual(words, self.refused(ProviderNotWorkingError, "", "Broken"))
        self.assertRaisesRegex(ProviderNotWorkingError, "Broken", get_model_and_provider, "", Broken)

    def test_no_provider(self) -> None:
        """A class without a method, a class whose method wants an instance, and what is none at all."""
        methods = "create_async_generator, create_async, create_completion"
        several = f"list is not a provider: it has none of the methods {methods}. For several providers give "
        for provider, words in (
            (Methodless, f"Methodless is not a provider: it has none of the methods {methods}"),
            (Methodless(), f"Methodless is not a provider: it has none of the methods {methods}"),
            (AbstractProvider, f"AbstractProvider is not a provider: it has none of the methods {methods}"),
            (5, f"int is not a provider: it has none of the methods {methods}"),
            ([Alpha, Beta], f"{several}IterListProvider([…])"),
            (Bound, "Bound.create_async needs an instance: give provider=Bound(), or make it a @classmethod"),
        ):
            with self.subTest(provider=provider):
                self.assertEqual(words, self.refused(ProviderNotWorkingError, "", provider))


class TestModel(_Case):
    """A model finds its provider."""

    def setUp(self) -> None:
        super().setUp()
        ModelUtils.convert["both"] = Model("both", "Somebody", "Alpha, Beta")
        ModelUtils.convert["short"] = Model("a-very-long-name", best_provider="Beta")
        ModelUtils.convert["class"] = Model("class", best_provider=Alpha)
        ModelUtils.convert["homeless"] = Model("homeless")

    def test_known(self) -> None:
        """It goes to the first of its providers that can answer here, else to its first."""
        for present, expected in (((), Alpha), (("ALPHA",), Alpha), (("BETA",), Beta), (("ALPHA", "BETA"), Alpha)):
            with self.subTest(present=present), mock.patch.dict(os.environ, dict.fromkeys(present, "x")):
                self.assertEqual((expected, expected.__name__, "both"), tuple(resolve("both")))

    def test_written_into_the_registry(self) -> None:
        """A name of the registry stands for the model's own, also where the provider is given."""
        self.assertEqual((Beta, "Beta", "a-very-long-name"), tuple(resolve("short")))
        self.assertEqual((Alpha, "Alpha", "a-very-long-name"), tuple(resolve("short", Alpha)))
        self.assertEqual((Alpha, "Alpha", "class"), tuple(resolve("class")))

    def test_object(self) -> None:
        """A Model is taken as it is; a provider that is given wins over its own."""
        self.assertEqual((Beta, "Beta", "m"), tuple(resolve(Model("m", best_provider="Beta"))))
        self.assertEqual((Alpha, "Alpha", "m"), tuple(resolve(Model("m", best_provider=Beta), Alpha)))

    def test_unknown(self) -> None:
        """Never silently another model: close matches are told."""
        end = "Name one that serves it: provider=…"
        for model, near in (
            ("boht", " Did you mean 'both'?"),
            ("zzz", ""),
            ("homeless", ""),
            (Model("boht"), " Did you mean 'both'?"),
            (Model("zzz", best_provider=""), ""),
        ):
            with self.subTest(model=model), mock.patch.dict(os.environ, ALPHA="x"):
                name = model.name if isinstance(model, Model) else model
                self.assertEqual(
                    f"no provider is known for the model {name!r}.{near} {end}", self.refused(ModelNotFoundError, model)
                )

    def test_unknown_with_provider(self) -> None:
        """Whoever names a provider may ask it for any model."""
        self.assertEqual((Alpha, "Alpha", "zzz"), tuple(resolve("zzz", "Alpha")))

    def test_misspelt_provider(self) -> None:
        """A model whose provider is misspelt says so."""
        words = self.refused(ProviderNotFoundError, Model("m", best_provider="Alhpa"))
        self.assertEqual("there is no provider 'Alhpa'. Did you mean 'Alpha'?", words)

    def test_no_name(self) -> None:
        """What is no name of a model."""
        start = 'model must be a name ("" for the default) or a Model, not '
        self.assertEqual(f"{start}None", self.refused(InputError, None))
        self.assertEqual(f"{start}int", self.refused(InputError, 5, Alpha))
        self.assertEqual(
            f"{start}list. Are model and messages swapped?", self.refused(InputError, [{"role": "user"}], Alpha)
        )


class TestDefault(_Case):
    """No model and no provider."""

    def test_first_that_can_answer(self) -> None:
        """In the order of the catalogue, with its default model."""
        with mock.patch.dict(os.environ, BETA="x"):
            self.assertEqual((Beta, "Beta", "beta-1"), tuple(resolve("")))
            self.assertEqual((Beta, "Beta", "beta-1"), tuple(resolve(models.default)))
            os.environ["ALPHA"] = "x"
            self.assertIs(Alpha, resolve("").provider)

    def test_set_by_the_environment(self) -> None:
        """`G4F_PROVIDER` comes first, be it one name or several."""
        with mock.patch.dict(os.environ, ALPHA="x", G4F_PROVIDER="Beta"):
            self.assertIs(Beta, resolve("").provider)
            os.environ["G4F_PROVIDER"] = "Beta Alpha"
            self.assertEqual([Beta, Alpha], resolve("").provider.providers)
            os.environ["G4F_PROVIDER"] = "Alhpa"
            words = "G4F_PROVIDER: there is no provider 'Alhpa'. Did you mean 'Alpha'?"
            self.assertEqual(words, self.refused(ProviderNotFoundError, ""))

    def test_none(self) -> None:
        """Where nobody can answer, each way to mend that is told."""
        with only(Alpha, Beta):
            self.assertEqual(
                "no provider can answer here. Alpha: set ALPHA; Beta: set BETA",
                self.refused(ProviderNotFoundError, ""),
            )


class TestRealCatalogue(unittest.TestCase):
    """The data that comes with the package."""

    def test_models(self) -> None:
        """Each well-known model is an attribute, is in the registry by its name, and is served by known providers."""
        named = {name: value for name, value in vars(models).items() if isinstance(value, Model)}
        self.assertEqual(Model(""), named.pop("default"))
        self.assertEqual(set(ModelUtils.convert.values()), set(named.values()))
        for name, model in named.items():
            self.assertEqual(name, model.name.replace("-", "_").replace(".", "_"))
            self.assertIs(model, ModelUtils.convert[model.name])
            for provider in str(model.best_provider).split():
                self.assertEqual(provider, catalogue.find(provider).name)

    def test_models_once(self) -> None:
        """None is written twice, where the second would silently be the one that counts."""
        assigned = [
            node.targets[0].id
            for node in ast.parse(inspect.getsource(models)).body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        ]
        self.assertEqual(sorted(set(assigned)), sorted(assigned))

    def test_default_models(self) -> None:
        """Without a provider, the default model of a provider is asked of those who have it."""
        for row in catalogue.ROWS:
            if row.by_default and row.default_model and not set("/:") & set(row.default_model):
                with self.subTest(row.name):
                    self.assertIn(row.name, str(ModelUtils.convert[row.default_model].best_provider).split())

    def test_key_that_is_missing(self) -> None:
        """A known model without its key is asked of its first provider, and the call says which key is missing."""
        with mock.patch.dict(os.environ):
            os.environ.pop("OPENAI_API_KEY", None)
            with self.assertRaisesRegex(MissingAuthError, "OPENAI_API_KEY") as caught:
                ChatCompletion.create("gpt-4o", "?")
            self.assertEqual(("OpenAI", "gpt-4o"), (caught.exception.provider, caught.exception.model))

    def test_provider_names(self) -> None:
        """`g4f.Provider.<Name>` is the catalogue's; a misspelt one is an AttributeError with close matches."""
        self.assertIs(catalogue.load("OpenAI"), Provider.OpenAI)
        self.assertIn("OpenAI", dir(Provider))
        with self.assertRaisesRegex(AttributeError, "there is no provider 'OpenIA'. Did you mean 'OpenAI'?"):
            _ = Provider.OpenIA

    def test_spelling(self) -> None:
        """Neither case nor what is no letter or digit counts in a name."""
        for written, name in (
            ("lm-studio", "LMStudio"),
            ("llama.cpp", "LlamaCpp"),
            ("open_ai", "OpenAI"),
            ("x.ai", "XAI"),
        ):
            with self.subTest(written):
                self.assertIs(catalogue.load(name), resolve("m", written).provider)

    def test_former(self) -> None:
        """A service that answers no more says so in one line, with what to do, however it is written."""
        for written, name in (
            ("Perplexity", "Perplexity ended its chat completions on"),
            ("perplexity", "Perplexity ended its chat completions on"),
            ("GitHubModels", "GitHub Models was retired on"),
            ("github-models", "GitHub Models was retired on"),
            ("GitHub Models", "GitHub Models was retired on"),
            ("github", "GitHub Models was retired on"),
        ):
            told = rf"^{name} \d+ \w+ 2026 \(https://[^)]*\)\. Choose another provider: python -m g4f lists them$"
            with self.subTest(written), self.assertRaisesRegex(ProviderNotFoundError, told):
                resolve("", written)
        self.assertEqual(set(), {*rows.FORMER} & {row.name for row in catalogue.ROWS})

    def test_old_name(self) -> None:
        """`get_model_and_provider` is the old name of it, and passes over what came after."""
        self.assertEqual(("m", Alpha), get_model_and_provider("m", Alpha, False, ignore_working=True))
