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
from g4f.errors import (
    G4FError,
    InputError,
    MissingAuthError,
    ModelNotFoundError,
    ProviderNotFoundError,
    ProviderNotWorkingError,
    RetryNoProviderError,
)
from g4f.models import Model, ModelUtils
from g4f.providers import access, catalogue, rows
from g4f.providers.base_provider import AbstractProvider, AsyncGeneratorProvider, AsyncProvider
from g4f.providers.retry_provider import IterListProvider
from g4f.request import prepare
from g4f.routing import Route, resolve

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


def named(model: str, provider: str | None = None) -> tuple[str, str]:
    """Return the names of provider and model in the route."""
    route = resolve(model, provider)
    return route.name, route.model


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
        self.assertEqual(Route(Alpha, "Alpha", "alpha-1"), resolve("", Alpha))
        self.assertEqual(Route(Alpha, "Alpha", "own"), resolve("own", Alpha))
        self.assertEqual(Route(instance, "Bound", ""), resolve("", instance))
        self.assertEqual(Route(Loose, "Loose", ""), resolve("", Loose))

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

    def test_list(self) -> None:
        """A list is taken where a text is: names and classes, one or several, in that order."""
        for given in (
            [Beta, Alpha],
            ("Beta", Alpha),
            ["Beta Alpha"],
            ["beta,alpha"],
            (each for each in (Beta, "Alpha")),
        ):
            with self.subTest(given):
                route = resolve("", given)  # type: ignore[arg-type]
                self.assertEqual(([Beta, Alpha], "Beta Alpha"), (route.provider.providers, route.name))
        self.assertEqual(Route(Alpha, "Alpha", "alpha-1"), resolve("", [Alpha]))
        with self.assertRaisesRegex(RetryNoProviderError, "^the list of providers is empty"):
            ChatCompletion.create("", "?", [])

    def test_with_a_model(self) -> None:
        """A name may have a model, which counts whatever model is named."""
        for model in ("", "m"):
            for names, expected in (
                ("Alpha:gpt-x", (Alpha, "Alpha", "gpt-x")),
                ("alpha:llama3:8b", (Alpha, "Alpha", "llama3:8b")),
                (["Alpha:a/b:free"], (Alpha, "Alpha", "a/b:free")),
            ):
                with self.subTest(names, model=model):
                    self.assertEqual(Route(*expected), resolve(model, names))
        self.assertEqual(("Alpha:x Beta", ""), named("", "Alpha:x Beta"))
        self.assertEqual(
            "there is no provider 'Alhpa'. Did you mean 'Alpha'?", self.refused(ProviderNotFoundError, "", "Alhpa:x")
        )
        self.assertIn("is marked as not working", self.refused(ProviderNotWorkingError, "", "Broken:x"))

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
        for provider, words in (
            (Methodless, f"Methodless is not a provider: it has none of the methods {methods}"),
            (Methodless(), f"Methodless is not a provider: it has none of the methods {methods}"),
            (AbstractProvider, f"AbstractProvider is not a provider: it has none of the methods {methods}"),
            (5, f"int is not a provider: it has none of the methods {methods}"),
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
                self.assertEqual(Route(expected, expected.__name__, "both"), resolve("both"))

    def test_written_into_the_registry(self) -> None:
        """A name of the registry stands for the model's own, also where the provider is given."""
        self.assertEqual(Route(Beta, "Beta", "a-very-long-name"), resolve("short"))
        self.assertEqual(Route(Alpha, "Alpha", "a-very-long-name"), resolve("short", Alpha))
        self.assertEqual(Route(Alpha, "Alpha", "class"), resolve("class"))

    def test_served_in_other_forms(self) -> None:
        """Who serves a model may be an address, have a model of its own, or be a list."""
        url = "http://127.0.0.1:9/v1"
        self.assertEqual(Route(Beta, "Beta", "b"), resolve(Model("m", best_provider="Beta:b Alpha")))
        self.assertEqual("127.0.0.1:9", resolve(Model("m", best_provider=f"{url} Alpha")).name)
        with mock.patch.dict(os.environ, ALPHA="x"):
            self.assertEqual(Route(Alpha, "Alpha", "a"), resolve(Model("m", best_provider="Beta:b Alpha:a")))
        self.assertEqual([Alpha, Beta], resolve(Model("m", best_provider=["Alpha", Beta])).provider.providers)

    def test_object(self) -> None:
        """A Model is taken as it is; a provider that is given wins over its own."""
        self.assertEqual(Route(Beta, "Beta", "m"), resolve(Model("m", best_provider="Beta")))
        self.assertEqual(Route(Alpha, "Alpha", "m"), resolve(Model("m", best_provider=Beta), Alpha))

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
        self.assertEqual(Route(Alpha, "Alpha", "zzz"), resolve("zzz", "Alpha"))

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
            self.assertEqual(Route(Beta, "Beta", "beta-1"), resolve(""))
            self.assertEqual(Route(Beta, "Beta", "beta-1"), resolve(models.default))
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

    def test_set_for_any_model(self) -> None:
        """It counts whatever model is named, also for one that another provider serves, whose key is there."""
        ModelUtils.convert["known"] = Model("known", "Somebody", "Alpha")
        with mock.patch.dict(os.environ, ALPHA="x", G4F_PROVIDER="Beta"):
            for model in ("known", "unknown", Model("m", best_provider="Alpha"), Model("m")):
                with self.subTest(model=model):
                    self.assertIs(Beta, resolve(model).provider)
            for own in (Alpha, Loose, [Alpha]):
                self.assertEqual(own if own is Loose else Alpha, resolve(Model("m", best_provider=own)).provider)
            self.assertIs(Alpha, resolve("known", Alpha).provider)
            for names, expected in (("Beta:b", ("Beta", "b")), ("Beta:b Alpha", ("Beta:b Alpha", "known"))):
                os.environ["G4F_PROVIDER"] = names
                self.assertEqual(expected, named("known"))
            for names, kind in (("Alhpa:b", ProviderNotFoundError), ("ftp://host", InputError)):
                os.environ["G4F_PROVIDER"] = names
                self.assertRegex(self.refused(kind, "known"), "^G4F_PROVIDER: ")

    def test_none(self) -> None:
        """Where nobody can answer, each way to mend that is told."""
        with only(Alpha, Beta):
            self.assertEqual(
                "no provider can answer here. Alpha: set ALPHA; Beta: set BETA",
                self.refused(ProviderNotFoundError, ""),
            )


class TestOnlyKey(unittest.TestCase):
    """A model that is not known here."""

    def setUp(self) -> None:
        names = [*(key for row in catalogue.ROWS for key in row.keys), "G4F_PROVIDER"]
        self.enterContext(mock.patch.dict(os.environ))
        for name in names:
            os.environ.pop(name, None)
        for row in catalogue.ROWS:  # no server on this machine
            for name in row.address_keys if not row.keys else ():
                os.environ[name] = "http://127.0.0.1:9"
        self.enterContext(mock.patch.object(access, "_answers", self.answers))
        self.runs = ""

    def answers(self, row: rows.Row, url: str) -> bool:
        """Whether a server runs: the one that the test says."""
        return row.name == self.runs

    def test_goes_to_it(self) -> None:
        """It goes to the provider of the only key that is set, whichever that is."""
        for row in catalogue.ROWS:
            for key in row.keys:
                with self.subTest(key), mock.patch.dict(os.environ, {key: "k"}):
                    for model in ("gpt-99", "ft:gpt-4.1:me", "a/b:free", Model("m")):
                        name = model.name if isinstance(model, Model) else model
                        self.assertEqual((row.name, name), named(model))

    def test_many_keys(self) -> None:
        """With several keys, nobody is guessed: they are named. One of a provider that must be named is none."""
        with mock.patch.dict(os.environ, OPENAI_API_KEY="k", GROQ_API_KEY="k", NVIDIA_API_KEY="k"):
            with self.assertRaises(ModelNotFoundError) as caught:
                resolve("gpt-4p")
            start = "no provider is known for the model 'gpt-4p'. Did you mean 'gpt-4o'"
            self.assertTrue(str(caught.exception).startswith(start), caught.exception)
            self.assertTrue(str(caught.exception).endswith("serves it: provider='OpenAI' or 'Groq'"), caught.exception)
            del os.environ["OPENAI_API_KEY"]
            self.assertEqual("Groq", resolve("gpt-99").name)

    def test_server_here(self) -> None:
        """Without a key it goes to a server on this machine, never to the model in this process."""
        for self.runs in ("Ollama", "VLLM", "LMStudio"):
            self.assertEqual((self.runs, "llama3:8b"), named("llama3:8b"))
            with mock.patch.dict(os.environ, MISTRAL_API_KEY="k"):
                self.assertEqual("Mistral", resolve("llama3:8b").name)
        self.runs = ""
        with self.assertRaisesRegex(ModelNotFoundError, r"Name one that serves it: provider=…$"):
            resolve("llama3:8b")

    def test_known(self) -> None:
        """A model that is known goes to its own provider, whichever key is set, and says which one is missing."""
        with mock.patch.dict(os.environ, MISTRAL_API_KEY="k"):
            self.assertEqual("OpenAI", resolve("gpt-4o").name)
            with self.assertRaisesRegex(MissingAuthError, "OPENAI_API_KEY"):
                ChatCompletion.create("gpt-4o", "?")


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
