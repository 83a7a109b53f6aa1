"""Tab in a chat cell: options, providers, models, threads, and the notebook's variables between braces.

The user waits for it while typing, so no server is asked, nothing is imported, and no property of a variable is
computed here: names come from the catalogue, from the notebook, and from the disk.
"""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from inspect import getattr_static, iscoroutinefunction, isroutine
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from IPython import version_info

from g4f.errors import InputError, ProviderNotFoundError
from g4f.models import ModelUtils
from g4f.providers.base_provider import METHODS, Provider
from g4f.providers.catalogue import ROWS, find
from g4f.providers.rows import Row
from g4f.tools.function import FunctionTool

from .aliases import Aliases
from .half_line import Place, options, place
from .model_names import cached, known
from .options import ALL_ROWS

KNOWS_THE_CELL = version_info >= (8, 6)
"""Whether IPython passes the whole cell to a completer. That of Colab, 7.34, passes the word and its line."""

if TYPE_CHECKING or KNOWS_THE_CELL:
    from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.core.magic import Magics

__all__ = ["register", "unregister"]

MONTH = 30 * 86_400.0
"""Seconds. While typing, an old list of models is better than none."""

WORDS = {"reasoning_effort": ("none", "minimal", "low", "medium", "high"), "rows": (ALL_ROWS,)}
"""Values of options that may have others, too."""

_SEPARATOR = re.compile(r"[\s,]+")
_TO_BE_QUOTED = re.compile(r"""[\s"'\\]""")
_BRACE = re.compile(r"(?<!\{)(?:\{\{)*\{\s*((?:[^\W\d]\w*\.)*)((?:[^\W\d]\w*)?)$")


def register(
    shell: InteractiveShell,
    magics: tuple[Magics, ...],
    *,
    provider: Callable[[], str],
    threads: Callable[[], Iterable[str]],
    aliases: Aliases,
) -> None:
    """Complete the lines of `magics` in `shell`, and the text below them.

    A value is completed by its choices, or by what the parser of the magic calls it: `provider`, `model`, `thread`,
    `alias`, `tool`, `mcp`, `rows`, or `target`, which is a provider and a model with a colon between. `provider`
    returns the one that is asked if a line names none, "" if that is open; `threads` returns the names of the threads.
    """
    unregister(shell)
    completer = _Completer(shell, magics, provider, threads, aliases)
    shell.Completer.custom_matchers.append(completer.match if KNOWS_THE_CELL else completer.words)


def unregister(shell: InteractiveShell) -> None:
    """Stop completing them."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [each for each in matchers if not isinstance(getattr(each, "__self__", None), _Completer)]


class _Found(NamedTuple):
    """The `names` that may replace `fragment`, the end of the text before the cursor."""

    fragment: str = ""
    kind: str = ""
    names: Iterable[str] = ()


class _Completer(NamedTuple):
    shell: InteractiveShell
    magics: tuple[Magics, ...]
    provider: Callable[[], str]
    threads: Callable[[], Iterable[str]]
    aliases: Aliases

    def match(self, context: CompletionContext) -> SimpleMatcherResult:
        """Return what may stand at the cursor; nothing where that is no affair of a chat."""
        line = context.line_with_cursor
        above = "".join(f"{line}\n" for line in context.full_text.split("\n")[: context.cursor_line]).lstrip()
        fragment, kind, names = self._found(above, context.text_until_cursor, line)
        completions = [SimpleCompletion(name, type=kind) for name in islice(names, context.limit)]
        return {"completions": completions, "matched_fragment": fragment, "suppress": True, "ordered": True}

    def words(self, word: str) -> list[str]:
        """Return the same if IPython passes only `word`, which ends at the cursor, and its line."""
        ipython = self.shell.Completer
        fragment, _, names = self._found("", ipython.text_until_cursor, ipython.line_buffer)
        return [word.removesuffix(fragment) + name for name in names] if word.endswith(fragment) else []

    def _found(self, above: str, before: str, line: str) -> _Found:
        """Return what may follow `before`, the beginning of `line`, in a cell that has `above` above that line."""
        if self._magic("%%", above):
            return self._in_text(before)
        magic = self._magic("%" if above else "%%?", before)
        if magic is None:
            return _Found()
        parser, end = magic
        at = place(parser, before[end:], line[len(before) :])
        return self._in_text(before) if at is None else self._in_line(parser, at)

    def _magic(self, signs: str, text: str) -> tuple[ArgumentParser, int] | None:
        """Return the parser of the magic that `text` begins with, and where its name ends; None if it is not ours."""
        match = re.match(rf"\s*({signs})(\w+)(?=\s)", text)
        if match is None:
            return None
        magic = self.shell.find_magic(match[2], "cell" if match[1] == "%%" else "line")
        parser: Any = getattr(magic, "parser", None)
        is_ours = getattr(magic, "__self__", None) in self.magics and parser is not None
        return (parser, match.end()) if is_ours else None

    def _in_line(self, parser: ArgumentParser, at: Place) -> _Found:
        """Return the options or values that begin with the typed text; the text itself if there are none.

        Otherwise IPython would complete Python names here. File names and free text are left to IPython.
        """
        if at.action is None:
            names = [name for name in options(parser) if name.startswith(at.typed or "--")]
            return _Found(at.typed, "option", names or [at.typed])
        kind = at.action.dest
        values = at.action.choices or WORDS.get(kind) or self._values(kind, at.given)
        if values is None:
            return _Found()
        typed = _SEPARATOR.split(at.typed)[-1] if kind == "provider" else at.typed
        return _Found(typed, kind, _quoted(_matching(map(str, values), typed), at.quote) or [typed])

    def _values(self, kind: str, given: Mapping[str, str]) -> Iterable[str] | None:
        match kind:
            case "provider" | "providers":
                own = [name for name, value in self._variables() if _is_address(value) or _answers(value)]
                return [*own, *(row.name for row in ROWS)]
            case "model" | "judge" | "judge_model":
                return [*self._models(given.get("provider") or self.provider())] or self._models("")
            case "target":
                return (f"{row.name}:{model}" for row in ROWS for model in _models_of(row))
            case "alias":
                return self._known_aliases()
            case "thread":
                return self.threads()
            case _:
                return self._fitting(kind)

    def _fitting(self, kind: str) -> list[str] | None:
        """Return the variables that such an option may name; None for one whose value is no variable."""
        fits = {"tool": _is_function, "mcp": _is_server, "schema": _is_type}.get(kind)
        return fits and [name for name, value in self._variables() if fits(value)]

    def _models(self, providers: str) -> Iterator[str]:
        """Yield the models of `providers`; if that is "", the aliases, and what anybody has."""
        if not providers:
            yield from self._known_aliases()
            yield from ModelUtils.convert
        for name in _SEPARATOR.split(providers) if providers else [row.name for row in ROWS]:
            own = self.shell.user_ns.get(name)
            if _is_address(own) or _answers(own):
                yield from _models_of(own)
            elif _is_address(name):
                yield from _models_of(name)
            else:
                with suppress(ProviderNotFoundError):
                    yield from _models_of(find(name))

    def _known_aliases(self) -> Iterable[str]:
        with suppress(InputError):  # a command that uses an alias reports the broken file
            return self.aliases.all()
        return ()

    def _in_text(self, before: str) -> _Found:
        """Return what may be in braces: a variable, or an attribute of one."""
        match = _BRACE.search(before)
        if match is None:
            return _Found()
        path, typed = match[1].split(".")[:-1], match[2]
        names = _attributes(dict(self._variables()), path) if path else [name for name, _ in self._variables()]
        shown = sorted(name for name in names if typed.startswith("_") or not name.startswith("_"))
        return _Found(typed, "attribute" if path else "instance", _matching(shown, typed))

    def _variables(self) -> list[tuple[str, Any]]:
        """Return the variables of the notebook, without those that IPython put there."""
        hidden, missing = self.shell.user_ns_hidden, object()
        variables = list(self.shell.user_ns.items())  # at once: a cell may run in another thread
        return [(name, value) for name, value in variables if hidden.get(name, missing) is not value]


if KNOWS_THE_CELL:  # if it finds something, the other matchers need not look
    context_matcher(identifier="g4f_jupyter.chat", priority=1000)(_Completer.match)


def _is_function(value: object) -> bool:
    return isroutine(value) or isinstance(value, FunctionTool)


def _is_type(value: object) -> bool:
    return isinstance(value, type)


def _is_server(value: object) -> bool:
    return iscoroutinefunction(getattr_static(type(value), "tools", None))


def _matching(names: Iterable[str], typed: str) -> list[str]:
    """Return the names that begin with the typed text, in upper or lower case; if none does, those that contain it."""
    listed, typed = list(names), typed.casefold()
    begin = [name for name in listed if name.casefold().startswith(typed)]
    return begin or [name for name in listed if typed in name.casefold()]


def _quoted(names: Iterable[str], quote: str) -> list[str]:
    """Return the names as they may be written after an open `quote`, or as a word if none is open."""
    if quote:
        return [name for name in names if quote not in name]
    return [shlex.quote(name) if _TO_BE_QUOTED.search(name) else name for name in names]


def _models_of(provider: Row | str | Provider) -> list[str]:
    """Return the models of a row, an address or a provider, as far as they are known without asking."""
    if _answers(provider):
        row = getattr_static(provider, "row", None)  # of one that the catalogue made
        if not isinstance(row, Row):
            default = getattr_static(provider, "default_model", "")
            return [default] if isinstance(default, str) and default else []
        provider = row
    return [*(known(provider) if isinstance(provider, Row) else ()), *cached(provider, MONTH)]


def _attributes(variables: Mapping[str, Any], path: list[str]) -> list[str]:
    """Return the names of the attributes of the value at `path`; none if a property would have to be computed."""
    value = variables.get(path[0])
    for name in path[1:]:
        value = getattr_static(value, name, None)
        if hasattr(type(value), "__get__"):
            return []
    try:
        return dir(value) if value is not None else []
    except Exception:  # noqa: BLE001 - a class of the notebook may have a __dir__ that fails in any way
        return []


def _is_address(value: object) -> bool:
    """Whether `value` could be the address of a server."""
    return isinstance(value, str) and "://" in value


def _answers(value: object) -> bool:
    """Whether `value` is a provider, judged by its class: its own attributes may run any code."""
    kind: Any = value if issubclass(type(value), type) else type(value)
    return any(method in vars(base) for base in kind.__mro__ for method in METHODS)
