"""A function of the caller's as a tool."""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
import threading
from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any, overload

import msgspec

from ..errors import InputError, kind_of
from ..waiting.threads import in_thread
from .results import failure, items_of, result_of
from .signature import signature_of
from .tool import Result

__all__ = ["FunctionTool", "function_tool", "tool"]

_OTHER = re.compile(r"[^a-zA-Z0-9_-]")
"""Characters that no service takes in the name of a tool."""


class FunctionTool:
    """A function that a model may call. Called in code, it is the function itself.

    A sync function runs in a thread, several at once; one that is `in_kernel` in the main thread, as matplotlib's
    figures on the screen, widgets, and most databases need it.
    """

    def __init__(self, function: Callable[..., Any], *, name: str = "", in_kernel: bool = False) -> None:
        """Raise InputError for what cannot be a tool, with the parameter."""
        given = name or _name(function)
        self.name = _OTHER.sub("_", given)[:64]
        self._function, self._in_kernel = function, in_kernel
        self._arguments, self.parameters, self.description = signature_of(function, given)
        called = getattr(type(function), "__call__", None)  # noqa: B004 - whether what it calls is async
        self._is_async = any(map(inspect.iscoroutinefunction, (function, called)))
        if inspect.isroutine(function):
            update_wrapper(self, function)

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Call the function."""
        return self._function(*given, **named)

    def __repr__(self) -> str:
        return f"<tool {self.name}>"

    async def call(self, arguments: dict[str, Any]) -> Result:
        """Decode the arguments into the types of the signature, and call the function with them."""
        try:
            decoded = msgspec.convert(arguments, self._arguments, str_keys=True)
        except msgspec.ValidationError as error:
            return Result(f"the arguments do not fit: {error}", failed=True)
        fields = self._arguments.__struct_fields__
        named = {each: value for each in fields if (value := getattr(decoded, each)) is not msgspec.UNSET}
        call = partial(self._function, **named)
        if self._is_async:
            return await _awaited(call)
        if self._in_kernel:
            outcome = await _in_main_thread(call)
        else:
            outcome = await in_thread(partial(_outcome, call, BaseException))
        return outcome if isinstance(outcome, Result) else await _awaited(lambda: outcome)


async def _awaited(call: Callable[[], Any]) -> Result:
    """Return the result of what `call` returns: an awaitable, or an async generator."""
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    try:
        returned = call()
        return result_of(await (items_of(returned) if inspect.isasyncgen(returned) else returned))
    except asyncio.CancelledError as error:
        if task is not None and task.cancelling() > before:
            raise
        return failure(error)
    except (Exception, SystemExit) as error:
        return failure(error)


def _outcome(call: Callable[[], Any], caught: Any) -> Any:
    """Return the result of a call, or what it returns if that is to be awaited, on the loop."""
    try:
        returned = call()
        return returned if inspect.isawaitable(returned) or inspect.isasyncgen(returned) else result_of(returned)
    except caught as error:
        return failure(error)


async def _in_main_thread(call: Callable[[], Any]) -> Any:
    """Call it in the main thread, if a kernel's loop runs there; else here. An interrupt is not caught."""

    async def here() -> Any:
        return _outcome(call, (Exception, SystemExit))

    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    loop = getattr(getattr(getattr(shell, "kernel", None), "io_loop", None), "asyncio_loop", None)
    if loop is None or threading.current_thread() is threading.main_thread():
        return await here()
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(here(), loop))


def _name(function: Any) -> str:
    if isinstance(function, type):
        raise InputError(f"{function.__name__} is a class: give a function, or an instance that can be called")
    if not callable(function):
        raise InputError(f"a tool must be a function, not {kind_of(function)}")
    while isinstance(function, partial):
        function = function.func
    name = str(getattr(function, "__name__", "") or type(function).__name__)
    if name == "<lambda>":
        raise InputError("a lambda has no name for the model: write it as a function with def")
    return name


@overload
def tool(function: Callable[..., Any], /) -> FunctionTool: ...


@overload
def tool(*, name: str = "", in_kernel: bool = False) -> Callable[[Callable[..., Any]], FunctionTool]: ...


def tool(
    function: Callable[..., Any] | None = None, /, *, name: str = "", in_kernel: bool = False
) -> FunctionTool | Callable[[Callable[..., Any]], FunctionTool]:
    """Return a function as a tool, with a `name` of its own, or one that runs `in_kernel`, the main thread.

    `@tool` and `@tool(in_kernel=True)` stand above a function, `tool(in_kernel=True)(function)` anywhere. A plain
    function needs none of it. Raises InputError for what cannot be a tool.
    """
    made = partial(FunctionTool, name=name, in_kernel=in_kernel)
    return made if function is None else made(function)


def function_tool(value: Any) -> FunctionTool:
    """Return a value as a tool. Raises InputError for what cannot be one."""
    return value if isinstance(value, FunctionTool) else FunctionTool(value)
