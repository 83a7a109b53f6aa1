"""`python -m g4f`: who can answer here, for people and for programs."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import unittest
from typing import Any

from g4f.providers.catalogue import ROWS, find, lacks, load

from . import script
from .servers import HANG, Server, whole

KEY = "sk-secret-of-this-test-1234"
VARIABLES = {name for row in ROWS for name in (*row.keys, *row.address_keys)} | {"AZURE_OPENAI_ENDPOINT"}


def run(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it in an environment that has only these variables for providers."""
    given = {name: value for name, value in script.environment().items() if name not in VARIABLES} | variables
    command = [sys.executable, "-W", "error", "-m", "g4f", *options]
    return subprocess.run(command, env=given, capture_output=True, text=True, timeout=script.PATIENCE, check=False)


def told(*options: str, **variables: str) -> str:
    """Return what it prints, with no word on stderr."""
    done = run(*options, **variables)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def listed(**variables: str) -> dict[str, dict[str, Any]]:
    """Return what `--json` tells, by name."""
    return {each["name"]: each for each in json.loads(told("--json", **variables))}


class TestTable(unittest.TestCase):
    """The table."""

    def test_lines(self) -> None:
        """One line for each provider in the order of the catalogue, in columns: default model, state with remedy."""
        head, *lines = told(MISTRAL_API_KEY=KEY).splitlines()
        self.assertEqual([row.name for row in ROWS], [line.split()[0] for line in lines])
        name, model, state = (head.index(word) for word in ("provider", "default model", "here"))
        for row, line in zip(ROWS, lines, strict=True):
            self.assertEqual(row.name, line[name:model].strip())
            self.assertEqual(row.default_model, line[model:state].strip())
        states = {line.split()[0]: line[state:] for line in lines}
        self.assertEqual("ready", states["Mistral"])
        self.assertEqual("set OPENAI_API_KEY", states["OpenAI"])
        self.assertEqual("set COHERE_API_KEY or CO_API_KEY", states["Cohere"])
        self.assertEqual("set AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY", states["AzureOpenAI"])

    def test_narrow(self) -> None:
        """In a terminal of 80 columns no line is longer, and what a provider needs goes on in its column."""
        main, side = pty.openpty()
        given = {name: value for name, value in script.environment().items() if name not in VARIABLES}
        command = [sys.executable, "-m", "g4f"]
        with subprocess.Popen(command, env=given | {"COLUMNS": "80"}, stdout=side, stderr=side) as shown:
            os.close(side)
            read = b""
            try:
                while data := os.read(main, 2**16):
                    read += data
            except OSError:  # how a closed terminal ends
                pass
            os.close(main)
            self.assertEqual(0, shown.wait(script.PATIENCE))
        lines = read.decode().replace("\r", "").splitlines()
        self.assertLessEqual(max(map(len, lines)), 80)
        place = next(number for number, line in enumerate(lines) if line.startswith("AzureOpenAI"))
        column = lines[0].index("here")
        self.assertEqual("set AZURE_OPENAI_ENDPOINT", lines[place][column:])
        self.assertEqual(" " * column + "and AZURE_OPENAI_API_KEY", lines[place + 1])

    def test_light(self) -> None:
        """It loads no package that only a call needs."""
        code = """
            import sys
            from g4f.__main__ import main
            main([])
            print([name for name in ("aiohttp", "IPython", "markdown_it", "xllamacpp") if name in sys.modules])
            """
        self.assertEqual("[]", script.run(code).splitlines()[-1])

    def test_bad_option(self) -> None:
        """An option that it does not have is refused in argparse's words."""
        for options in (("--jsonn",), ("all",), ("--json", "--markdown")):
            with self.subTest(options):
                done = run(*options)
                self.assertEqual((2, ""), (done.returncode, done.stdout))
                usage, error = done.stderr.splitlines()
                self.assertRegex(usage, r"^usage: python -m g4f \[-h\]")
                self.assertRegex(error, "^python -m g4f: error: ")


class TestJSON(unittest.TestCase):
    """`--json`."""

    def test_all(self) -> None:
        """Each provider with what is known of it."""
        found = listed(XAI_API_KEY=KEY)
        self.assertEqual([row.name for row in ROWS], list(found))
        expected = {
            "name": "XAI",
            "ready": True,
            "reason": "",
            "default_model": find("XAI").default_model,
            "keys": ["XAI_API_KEY"],
            "key_set": True,
            "base_url": "https://api.x.ai/v1",
            "supports": {"images": True, "tools": True, "json_schema": True, "reasoning": True},
            "lacks": sorted(lacks(find("XAI"))),
            "docs": find("XAI").docs,
        }
        self.assertEqual(expected, found["XAI"])
        self.assertEqual((False, "set MISTRAL_API_KEY"), (found["Mistral"]["ready"], found["Mistral"]["reason"]))
        self.assertFalse(found["DeepSeek"]["supports"]["json_schema"])
        self.assertFalse(found["Local"]["supports"]["images"])

    def test_default_models(self) -> None:
        """What a row says is what the provider asks."""
        for row in ROWS:
            self.assertEqual(load(row.name).default_model, row.default_model, row.name)

    def test_no_key(self) -> None:
        """No key is shown, in no form, also where it stands in the place of an address."""
        keys = dict.fromkeys(VARIABLES, KEY)
        for options in ((), ("--json",), ("--markdown",)):
            self.assertNotIn("secret", told(*options, **keys))
        reason = "OPENAI_BASE_URL must hold an address like https://api.openai.com/v1"
        self.assertEqual(reason, listed(**keys)["OpenAI"]["reason"])

    def test_servers(self) -> None:
        """A server of one's own is ready while it runs; one that hangs is given up."""
        models = whole({"object": "list", "data": [{"id": "m"}]})
        with Server(models) as server:
            self.assertTrue(listed(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=server.url)["OpenAI"]["ready"])
        with Server([HANG]) as server:
            address = {name: server.url for row in ROWS for name in row.address_keys}
            keys = {name: KEY for row in ROWS for name in row.keys}
            found = listed(**keys, **address)
        hanging = [each for each in found.values() if f"start its server at {server.url}" in each["reason"]]
        self.assertGreater(len(hanging), 0)


if __name__ == "__main__":
    unittest.main()
