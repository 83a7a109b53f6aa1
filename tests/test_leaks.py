"""Secrets of each kind, in each place: they are where they belong, and nowhere else.

A row of `KINDS` is a secret and how it is given; a row of `PLACES` is something that leaves the process, is written or
is shown. Each kind is tried in each place.
"""

from __future__ import annotations

import io
import json
import linecache
import logging
import os
import pickle
import sys
import tempfile
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest import TestCase, mock

import msgspec
from rich.pretty import pretty_repr

import g4f
from g4f.errors import G4FError
from g4f.option_values import in_our_words
from g4f.providers.catalogue import reasons
from g4f.request import prepare
from g4f.waiting import bridge
from g4f_jupyter.inserts.inserts import insert
from g4f_jupyter.inserts.last_error import about_last_error
from g4f_jupyter.show.footer import footer, metadata
from g4f_jupyter.show.preview import Preview

from .servers import ANSWER, Request, Server, Step, whole

SECRET = "hunter2-and-more-S3CRET"


class Kind(msgspec.Struct, frozen=True):
    """A way to have a secret: options of a call, variables of the environment and of the notebook, source code.

    `server` is where in a request it belongs, if it is sent at all: "headers", "path" or "body".
    """

    name: str
    options: dict[str, Any] = {}
    environment: dict[str, str] = {}
    variables: dict[str, Any] = {}
    source: str = ""
    server: str = ""


PASSWORD = f"http://me:{SECRET}@"

KINDS = (
    Kind("key in code", {"api_key": SECRET}, server="headers"),
    Kind("key in the environment", environment={"OPENAI_API_KEY": SECRET}, server="headers"),
    Kind("keys by name", {"api_key": {"OpenAI": SECRET}}, server="headers"),
    Kind("authorization", {"extra_headers": {"Authorization": f"Bearer {SECRET}"}}, server="headers"),
    Kind("another header", {"default_headers": {"X-Anything": SECRET}}, server="headers"),
    Kind("cookie", {"extra_headers": {"Cookie": f"a=b; sid={SECRET}"}}, server="headers"),
    Kind("password in the address", {"base_url": f"{PASSWORD}SERVER/v1", "api_key": None}, server="headers"),
    Kind("password in proxy=", {"proxy": f"{PASSWORD}PROXY"}),
    Kind("password in proxies=", {"proxies": {"all": f"{PASSWORD}PROXY"}}),
    Kind("password in HTTP_PROXY", environment={"HTTP_PROXY": f"{PASSWORD}PROXY"}),
    Kind("password in G4F_PROXY", environment={"G4F_PROXY": f"{PASSWORD}PROXY"}),
    Kind("secret in the query", {"base_url": f"http://SERVER/v1?api-version=1&key={SECRET}"}, server="path"),
    Kind("secret in extra_query", {"extra_query": {"code": SECRET}}, server="path"),
    Kind("secret in extra_body", {"extra_body": {"vault": {"access_token": SECRET}}}, server="body"),
    Kind("variable", variables={"db_password": SECRET}),
    Kind("dict", variables={"config": {"deep": [{"client_secret": SECRET, "tokens": 5}]}}),
    Kind("object", variables={"config": SimpleNamespace(user="me", password=SECRET)}),
    Kind("address in a variable", variables={"url": f"postgres://me:{SECRET}@host/db"}),
    Kind("a vendor's key", variables={"text": f"my key is sk-{SECRET}, keep it"}),
    Kind("environment in a variable", environment={"MY_OWN_TOKEN": SECRET}, variables={"env": os.environ}),
    Kind(
        "copy of the environment",
        environment={"OPENAI_API_KEY": SECRET},
        variables={"env": ("a", SECRET)},
        server="headers",
    ),
    Kind("source", source=f"def connect(password='{SECRET}'):\n    pwd = '{SECRET}'\n    return 1 / 0\nconnect()"),
)


class Setting(NamedTuple):
    """What a place is given: a secret's kind, with its options; the servers; and how a question is asked."""

    kind: Kind
    options: dict[str, Any]
    server: Server
    other: Server
    proxy: Server

    def ask(self, model: str = "answer", **options: Any) -> Any:
        """Ask OpenAI, whose address is that of the server."""
        given = {"provider": "OpenAI", "max_retries": 0} | self.options | options
        return g4f.Conversation(model, **given)("What?")

    def outcome(self, model: str, **options: Any) -> str:
        """Return what is told of a call: its error, or its answer."""
        try:
            return str(self.ask(model, **options))
        except G4FError as error:
            return told(error)

    def failure(self, model: str, **options: Any) -> BaseException:
        """Return the error of a call."""
        try:
            self.ask(model, **options)
        except Exception as error:  # noqa: BLE001 - whichever it is, it must not show the secret
            return error
        raise AssertionError("no error")


def everything(request: Request) -> str:
    """Return all that a server got."""
    return f"{request.method} {request.path} {request.headers} {request.body.decode()}"


def echo(request: Request) -> list[Step]:
    """Answer with all that came: as the answer, in an error, in its headers or in the place of an address."""
    if request.method == "GET":
        return whole({"no": "list", "all": everything(request)})
    match request.json.get("model"):
        case "refuse":
            error = {"error": {"message": f"{'x ' * 200} {everything(request)}"}}
            answer = whole(error, 400, **{"x-request-id": seen(request)})
        case "key":
            answer = whole({"error": {"message": everything(request), "code": "invalid_api_key"}}, 401)
        case "redirect":
            answer = whole(b"", 302, Location=f"http://me:{SECRET}@elsewhere.invalid/{seen(request)}?{seen(request)}")
        case "down":
            answer = whole({"error": {"message": everything(request)}}, 503)
        case "echo":
            said = {"role": "assistant", "content": everything(request)}
            answer = whole({"choices": [{"index": 0, "message": said, "finish_reason": "stop"}]})
        case _:
            answer = whole(ANSWER)
    return answer


def seen(request: Request) -> str:
    """Return all that came, for the value of a header."""
    return everything(request).replace("\n", " ")[:4000].encode("ascii", "replace").decode()


def told(error: BaseException) -> str:
    """Return all that an error says, and what it carries."""
    return f"{error} {error!r} {vars(error)} {getattr(error, 'request_id', '')}"


def client_shown(at: Setting) -> str:
    """Clients and conversations, and what they hold."""
    shown = []
    for client in (g4f.Client("OpenAI", **at.options), g4f.AsyncClient("OpenAI", **at.options)):
        shown += [client, vars(client), client.chat, client.chat.completions, vars(client.chat.completions)]
    chat = g4f.Conversation("m", "OpenAI", **at.options)
    return " ".join(f"{each!r} {each}" for each in (*shown, chat, vars(chat), chat.options))


def request_shown(at: Setting) -> str:
    """A request that is ready to be sent."""
    request = prepare("m", "?", *in_our_words("OpenAI", {**at.options}))
    return f"{request!r} {request} {request.options}"


def pickled(at: Setting) -> str:
    """A pickle, which is refused if there is a secret to be written."""
    out = []
    for each in (g4f.Conversation("m", "OpenAI", **at.options), g4f.Conversation("m", "OpenAI", **at.options).options):
        with suppress(TypeError):
            out.append(pickle.dumps(each).decode("latin-1"))
    return " ".join(out)


def history(at: Setting) -> str:
    """A conversation as it is saved."""
    chat = g4f.Conversation("answer", at.options.get("base_url", "OpenAI"), **at.options)
    with suppress(G4FError):
        chat("What?", max_retries=0)
    return chat.to_json()


def dry_run(at: Setting) -> str:
    """What a dry run shows."""
    preview = Preview(prepare("m", "?", *in_our_words("OpenAI Anthropic", {**at.options})))
    return f"{preview!r} {preview._repr_markdown_()}"


def refused(at: Setting) -> str:
    """The error of a server that tells all that it got, cut in the middle, and as its id of the request."""
    return told(at.failure("refuse")) + told(at.failure("key"))


def redirected(at: Setting) -> str:
    """The error of a server that sends elsewhere."""
    return told(at.failure("redirect"))


def unsent(at: Setting) -> str:
    """The errors where nothing answers, and where the address is none."""
    if "base_url" in at.options:
        return at.outcome("m", base_url=at.options["base_url"].replace("127.0.0.1", "no-host.invalid", 1))
    return " ".join(at.outcome("m", base_url=url) for url in ("http://127.0.0.1:9/v1", "http://h:x/v1"))


FORMS = (
    f"me:{SECRET}@127.0.0.1:9",
    f"http://127.0.0.1:9@me:{SECRET}",
    f"127.0.0.1:9:me:{SECRET}",
    f"http://a:{SECRET}",
    f"htp://me:{SECRET}@h",
)
"""Addresses in forms that none has."""


def wrong_forms(at: Setting) -> str:
    """The errors for addresses that are none, given and from the environment, and the variables of their frames."""
    outcomes = []
    for form in FORMS:
        for name in ("proxy", "base_url", "provider"):
            error = at.failure("m", **{name: form})
            outcomes += [told(error), variables(error)]
        for name in ("HTTP_PROXY", "ALL_PROXY", "G4F_PROXY", "OPENAI_BASE_URL"):
            with mock.patch.dict(os.environ, {name: form}):
                outcomes.append(at.outcome("m"))
        with mock.patch.dict(os.environ, {"G4F_PROVIDER": form}), suppress(G4FError):
            outcomes.append(f"{prepare('', '?', None, {})!r}")
    return " ".join(outcomes)


def frames(at: Setting) -> str:
    """What a verbose traceback shows of errors."""
    return " ".join(variables(at.failure(model)) for model in ("refuse", "redirect", "key"))


def variables(error: BaseException | None) -> str:
    """Return the variables of each frame of ours that an error has passed, by repr and as `rich` shows them."""
    shown = []
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename != __file__:
                shown += [
                    f"{value!r} {pretty_repr(value)} {pretty_repr(value, max_string=40)}"
                    for value in frame.f_locals.values()
                ]
        error = error.__context__
    return " ".join(shown)


def logged(at: Setting) -> str:
    """The log of a call, of one that fails, and of one that falls over, in full."""
    stream = io.StringIO()
    handler, logger = logging.StreamHandler(stream), logging.getLogger()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        at.ask("answer")
        at.failure("refuse")
        with suppress(G4FError):
            at.ask("down", provider="OpenAI Anthropic")
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    return stream.getvalue()


def taped(at: Setting) -> str:
    """A tape: of an answer that tells nothing, and of one that tells all."""
    with tempfile.TemporaryDirectory() as folder:
        tape = Path(folder) / "answers.jsonl"
        with g4f.tape(tape), mock.patch("warnings.warn_explicit"):
            for model in ("answer", "echo"):
                with suppress(G4FError):
                    at.ask(model)
        written = " ".join(path.read_text() for path in Path(folder).iterdir())
    assert '"answer"' in written
    return written


def next_vendor(at: Setting) -> str:
    """What the next of a list gets where the first fails."""
    with suppress(G4FError):
        at.ask("down", provider="OpenAI Anthropic")
    return " ".join(map(everything, at.other.requests))


def other_vendor(at: Setting) -> str:
    """What another provider gets that a call of a client, or of a conversation, names."""
    options = {"max_retries": 0} | at.options
    for call in (
        lambda: g4f.Client("OpenAI", **options).chat.completions.create("?", "m", provider="Anthropic"),
        lambda: g4f.Conversation("m", "OpenAI", **options)("?", provider=g4f.Provider.Anthropic),
        lambda: list(g4f.Client("OpenAI Local", **options).chat.completions.stream("?", "m", provider="Anthropic")),
    ):
        with suppress(G4FError):
            call()
    return " ".join(map(everything, at.other.requests))


def other_address(at: Setting) -> str:
    """What another address gets that a call of a client names, on another port of the same host."""
    client = g4f.Client("OpenAI", max_retries=0, **at.options)
    with suppress(G4FError):
        client.chat.completions.create("?", "m", base_url=f"{at.other.url}")
    return " ".join(map(everything, at.other.requests))


def server(at: Setting) -> str:
    """What the server gets, but for the part where the secret belongs."""
    at.ask("answer")
    kept = [request._asdict() | {at.kind.server: ""} for request in (*at.server.requests, *at.proxy.requests)]
    for request in kept:
        if isinstance(request["headers"], dict):
            request["headers"].pop("proxy-authorization", None)
    return repr(kept)


def listed(at: Setting) -> str:
    """The error of a list of models that is none."""
    known = {
        name: at.options[name] for name in ("api_key", "base_url", "proxy") if isinstance(at.options.get(name), str)
    }
    try:
        bridge.run(lambda: g4f.Provider.OpenAI.models(**known))
    except G4FError as error:
        return told(error)
    raise AssertionError("no error")


def below(at: Setting) -> str:
    """What stands below an answer, and what is saved with it."""
    answer = at.ask("answer")
    return f"{footer(answer)} {metadata(answer)} {answer!r} {vars(answer)}"


def table(_: Setting) -> str:
    """What is said of the providers here."""
    return " ".join(reasons())


def about_error(at: Setting) -> str:
    """What `%chat_fix` tells of an error, with the variables, the code and the message of it."""
    names: dict[str, Any] = {"options": dict(at.options), **at.kind.variables, "client": None}
    with suppress(G4FError):
        names["client"] = g4f.Client("OpenAI", **at.options)
    code = at.kind.source or "\n".join(
        [
            "def work(one, all):",
            "    " + ", ".join(names),
            "    raise ValueError(f'it failed with {one}')",
            "work(options, names)",
        ]
    )
    names |= {"names": dict(names)}
    with mock.patch.object(sys, "last_exc", failing(code, names), create=True):
        return about_last_error()


def failing(code: str, names: dict[str, Any]) -> BaseException:
    """Return the error of a cell, whose source can be found."""
    name = "<ipython-input-1>"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    try:
        exec(compile(code, name, "exec"), names)
    except Exception as error:  # noqa: BLE001 - that is what is asked for
        return error
    raise AssertionError("no error")


def inserted(at: Setting) -> str:
    """What stands in a question for variables, in braces."""
    names = {"options": dict(at.options), "headers": at.options.get("extra_headers", {}), **at.kind.variables}
    names |= {"both": [names["options"], at.kind.variables], "client": g4f.Client("OpenAI"), "environ": os.environ}
    names["copy"] = dict(os.environ)
    names["run"] = SimpleNamespace(__doc__=at.kind.source)
    asked = " ".join(f"{{{name}}}" for name in names)
    return insert(f"{asked} {{copy['OPENAI_API_KEY']}}", names).text


PLACES: tuple[Callable[[Setting], str], ...] = (
    client_shown,
    request_shown,
    pickled,
    history,
    dry_run,
    refused,
    redirected,
    unsent,
    wrong_forms,
    frames,
    logged,
    taped,
    next_vendor,
    other_vendor,
    other_address,
    server,
    listed,
    below,
    table,
    about_error,
    inserted,
)


@contextmanager
def setting(kind: Kind) -> Iterator[Setting]:
    """Have the servers, and a secret of this kind."""
    with Server(echo) as server, Server(echo) as other, Server(echo) as proxy:

        def placed(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: placed(held) for name, held in value.items()}
            if not isinstance(value, str):
                return value
            return value.replace("SERVER", f"127.0.0.1:{server.port}").replace("PROXY", f"127.0.0.1:{proxy.port}")

        own = {"OPENAI_BASE_URL": server.url, "ANTHROPIC_BASE_URL": other.url.removesuffix("/v1")}
        own |= {
            "OPENAI_API_KEY": "sk-of-openai",
            "ANTHROPIC_API_KEY": "sk-of-anthropic",
            "no_proxy": "",
            "NO_PROXY": "",
        }
        if "base_url" in kind.options:
            del own["OPENAI_BASE_URL"]
        with mock.patch.dict(os.environ, own | placed(kind.environment)):
            yield Setting(kind, placed(kind.options), server, other, proxy)


class TestLeaks(TestCase):
    """Each kind in each place."""

    def test_nowhere(self) -> None:
        """What leaves the process, is written or is shown has the secret in it only where it belongs."""
        hidden = (SECRET, SECRET[:16], b64encode(f"me:{SECRET}".encode()).decode(), json.dumps(SECRET)[1:-1])
        for kind in KINDS:
            for place in PLACES:
                with self.subTest(kind.name, place=place.__name__), setting(kind) as at:
                    shown = place(at)
                    self.assertEqual(
                        [], [shown[max(0, shown.find(each) - 200) :][:300] for each in hidden if each in shown]
                    )

    def test_where_it_belongs(self) -> None:
        """It gets there: hiding a secret must not lose it."""
        for kind in KINDS:
            if kind.server or "PROXY" in repr(kind):
                with self.subTest(kind.name), setting(kind) as at:
                    at.ask("answer")
                    sent = at.server.requests if kind.server else at.proxy.requests
                    told = " ".join(map(everything, sent))
                    self.assertTrue(SECRET in told or b64encode(f"me:{SECRET}".encode()).decode() in told, told)
