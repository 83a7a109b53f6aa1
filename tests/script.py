"""Scripts for tests: a fresh interpreter, where nothing is patched yet and its end can be looked at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from typing import Any

__all__ = ["PATIENCE", "SLOW", "environment", "interrupted", "run"]

PATIENCE = 300
"""Seconds after which a script counts as hanging."""

SLOW = 'import logging; logging.getLogger("asyncio").addFilter(lambda told: not told.msg.startswith("Executing"))\n'
"""For scripts in development mode, where asyncio tells of each step of 0.1 s: a busy machine makes many such."""


def environment() -> dict[str, str]:
    """Return an environment in which a child imports what the tests import."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUNBUFFERED": "1"}


def run(code: str, *options: str) -> str:
    """Return what the script wrote to stdout. It must end well, and write nothing to stderr, be it a warning."""
    with _start(code, *options) as script:
        return _end(script, 0)


def interrupted(code: str, *, times: int = 1) -> str:
    """Like `run`, and interrupt the script after each of its first lines, `times` of them."""
    with _start(code) as script:
        lines = []
        for _ in range(times):
            lines.append(script.stdout.readline())
            script.send_signal(signal.SIGINT)
        return "".join(lines) + _end(script, 0)


def _start(code: str, *options: str) -> Any:
    # A shell's background job ignores interrupts, and its children would too.
    hears = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    before = hears + SLOW * ("dev" in options)
    command = [sys.executable, "-W", "error", *options, "-c", before + textwrap.dedent(code)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment(), stdout=pipe, stderr=pipe, text=True)


def _end(script: Any, code: int) -> str:
    try:
        out, err = script.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        script.kill()
        out, err = script.communicate()
        raise AssertionError(f"the script hangs after {out!r}, {err!r}") from None
    if script.returncode != code or err:
        raise AssertionError(f"the script ended with {script.returncode}: {out!r}, {err}")
    return str(out)
