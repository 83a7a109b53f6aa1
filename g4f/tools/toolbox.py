"""The tools of one call: which there are, and the calls that a model makes of them."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextvars import ContextVar
from time import monotonic
from typing import Any, cast

import msgspec

from ..errors import InputError, close_matches, kind_of, quoted
from ..providers.response import Step
from ..rounds import MadeCall
from ..wire import decoded
from .confirming import Confirm, check_confirm
from .function import FunctionTool
from .prints import printing
from .results import bounded
from .tool import Result, Source, Tool

__all__ = ["MAX_STEPS", "OF_TOOLS", "Toolbox", "toolbox_of"]

MAX_STEPS = 8
"""Rounds of calls, unless the caller says otherwise."""

PATIENCE = 300.0
"""Seconds that a call may take, unless its tool has a `timeout`."""

SMALL = 2**13
"""Characters of a result that need not be counted in bytes."""

SAME = 3
"""How often a call with the same arguments may give the same result: after that it is not made any more."""

DEEPEST = 4
"""How deep calls may stand in each other, of tools that ask a model which has tools."""

_depth: ContextVar[int] = ContextVar("g4f_tool_depth", default=0)

UNSEEN = "[{} not sent: this provider cannot see images]"


class Toolbox:
    """The tools of one call.

    `schemas` are those that are known: dicts of the caller, whose calls are left to him, functions, and, once they are
    listed, the tools of sources. `named` says the same for a tape, which needs no source to be there.
    """

    def __init__(self, given: Sequence[Any], max_steps: int, confirm: Confirm | None) -> None:
        self.max_steps = max_steps
        self.sees_images = True
        self.schemas: list[dict[str, Any]] = []
        self.named: list[dict[str, Any]] = []
        self.sources: list[Source] = []
        self._confirm = confirm
        self._tools: dict[str, Tool] = {}
        self._made: Counter[tuple[str, str, str]] = Counter()
        for number, each in enumerate(given):
            self._add(each, f"tools[{number}]")

    def _add(self, given: Any, where: str) -> None:
        if isinstance(given, Mapping):
            self.schemas.append(dict(given))
            self.named.append(dict(given))
        elif _is_source(given):
            self.sources.append(given)
            self.named.append({"source": str(getattr(given, "name", type(given).__name__))})
        else:
            tool = given if _is_tool(given) else _function(given, where)
            self._put(tool)
            self.named.append(self.schemas[-1])

    def _put(self, tool: Tool) -> None:
        if tool.name in self._tools:
            raise InputError(f"two tools are called {tool.name}: give one of them another name, tool(name=…)(function)")
        self._tools[tool.name] = tool
        about = {"description": tool.description} if tool.description else {}
        function = {"name": tool.name, **about, "parameters": tool.parameters}
        self.schemas.append({"type": "function", "function": function})

    async def list_sources(self) -> None:
        """Add the tools of the sources to the schemas. Raises G4FError for one that cannot be reached."""
        while self.sources:
            for tool in await self.sources[0].tools():
                self._put(tool)
            del self.sources[0]

    def runs(self, calls: Sequence[MadeCall]) -> bool:
        """Whether there are calls, all to be made here. Those of a tool that is only a dict are left to the caller."""
        by_hand = set(map(_name_in, self.schemas)) - self._tools.keys()
        return bool(calls) and by_hand.isdisjoint(call.name for call in calls)

    async def run(self, calls: Sequence[MadeCall]) -> AsyncGenerator[Step]:
        """Make the calls at the same time, and yield a Step for each as it ends.

        Once the reader leaves, the rest are cancelled.
        """
        if len(calls) == 1:
            yield await self._step(calls[0])
            return
        tasks = [asyncio.create_task(self._step(call)) for call in calls]
        try:
            for ended in asyncio.as_completed(tasks):
                yield await ended
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _step(self, call: MadeCall) -> Step:
        start = monotonic()
        result = await self._result(call)
        text, images = result.text, result.images
        if images and not self.sees_images:
            text, images = f"{text}\n{UNSEEN.format('images are' if len(images) > 1 else 'an image is')}", ()
        self._made[call.name, call.arguments, text] += 1
        return Step(call.id, call.name, call.arguments, text, images, monotonic() - start, result.failed)

    async def _result(self, call: MadeCall) -> Result:
        """Return what a call gives, or why it was not made. Only tools that were named can run."""
        tool = self._tools.get(call.name)
        if tool is None:
            near = close_matches(call.name, self._tools) or f" There are: {', '.join(self._tools)}."
            return Result(f"there is no tool {quoted(call.name)}.{near}", failed=True)
        try:
            arguments = decoded(call.arguments.strip() or "{}")
        except msgspec.DecodeError as error:
            return Result(f"the arguments are not JSON: {error}", failed=True)
        if not isinstance(arguments, dict):
            return Result("the arguments must be a JSON object", failed=True)
        if self._is_repeated(call):
            return Result("this call was made before, and gave the same each time: go on without it", failed=True)
        if self._confirm is not None and not await self._confirm(call.name, call.arguments):
            return Result("the user does not allow this call", failed=True)
        return await self._within_limit(tool, arguments)

    async def _within_limit(self, tool: Tool, arguments: dict[str, Any]) -> Result:
        limit, depth = getattr(tool, "timeout", None) or PATIENCE, _depth.get()
        if depth == DEEPEST:
            return Result(f"this call was not made: it is one of a tool that asks a model, {DEEPEST} deep", failed=True)
        inside = _depth.set(depth + 1)
        try:
            with printing():
                async with asyncio.timeout(limit) as limits:
                    result = await tool.call(arguments)
        except TimeoutError:
            if not limits.expired():
                raise
            return Result(f"it did not end within {limit:g} s, and was given up", failed=True)
        finally:
            _depth.reset(inside)
        return msgspec.structs.replace(result, text=bounded(result.text)) if len(result.text) > SMALL else result

    def _is_repeated(self, call: MadeCall) -> bool:
        return any(
            count >= SAME and (name, arguments) == (call.name, call.arguments)
            for (name, arguments, _), count in self._made.items()
        )


OF_TOOLS = frozenset(("confirm", "max_steps", "tools"))
"""Options that have to do with tools."""


def toolbox_of(options: dict[str, Any]) -> Toolbox | None:
    """Return the tools among the options, whose place their schemas take; None if there are only dicts.

    `max_steps` and `confirm` are removed. Raises InputError for what cannot be a tool, for two of one name, and for
    calls that nobody can confirm.
    """
    max_steps, confirm, tools = options.pop("max_steps", None), options.pop("confirm", None), options.get("tools", ())
    if max_steps is not None and (isinstance(max_steps, bool) or not isinstance(max_steps, int) or max_steps < 1):
        raise InputError(f"max_steps must be a number of rounds, 1 or more, not {quoted(max_steps)}")
    given = list(tools) if isinstance(tools, list | tuple) else [tools]
    if all(isinstance(each, Mapping) for each in given):
        return None
    toolbox = Toolbox(given, max_steps or MAX_STEPS, check_confirm(confirm))
    options["tools"] = toolbox.schemas  # this list: sources add to it
    return toolbox


def _name_in(schema: Mapping[str, Any]) -> str:
    match schema:
        case {"function": {"name": str(name)}} | {"name": str(name)}:
            return name
    return ""


def _is_tool(value: object) -> bool:
    names = ("name", "description", "parameters", "call")
    return isinstance(value, FunctionTool) or (
        not isinstance(value, type) and all(hasattr(value, name) for name in names)
    )


def _is_source(value: object) -> bool:
    return not isinstance(value, type) and inspect.iscoroutinefunction(getattr(value, "tools", None))


def _function(value: object, where: str) -> Tool:
    if not callable(value):
        raise InputError(f"{where} must be a function, a tool, or a dict with a schema, not {kind_of(value)}")
    return cast("Tool", FunctionTool(cast("Callable[..., Any]", value)))
