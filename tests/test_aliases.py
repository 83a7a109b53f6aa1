"""Short names for models."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from g4f.errors import G4FError, InputError, ProviderNotFoundError
from g4f_jupyter.line.aliases import Aliases

from .kernel import Kernel


class TestAliases(unittest.TestCase):
    """Aliases of a profile."""

    def setUp(self) -> None:
        """Start what the tests need."""
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.aliases = Aliases(self.folder)

    def test_kept(self) -> None:
        """An alias is there for everybody with the same profile, until it is set anew or removed."""
        other = Aliases(self.folder)
        self.assertEqual({}, other.all())
        self.assertIsNone(other.resolve("fast"))
        self.assertEqual(("OpenAI", "gpt-5.4-nano"), self.aliases.set("fast", "openai:gpt-5.4-nano"))
        self.aliases.set("big-1.0", "Ollama:llama3:70b")
        self.assertEqual(("Ollama", "llama3:70b"), other.resolve("big-1.0"))
        self.assertEqual(["big-1.0", "fast"], list(other.all()))
        self.assertEqual("OpenAI:gpt-5.4-nano", str(other.resolve("fast")))
        other.set("fast", "Groq:openai/gpt-oss-20b")
        self.assertEqual(("Groq", "openai/gpt-oss-20b"), self.aliases.resolve("fast"))
        other.remove("fast")
        self.assertEqual(["big-1.0"], list(self.aliases.all()))

    def test_bad_input(self) -> None:
        """What cannot be meant is told in one line, and changes nothing."""
        self.aliases.set("fast", "OpenAI:gpt-5.4-nano")
        word = "an alias is a word of letters, digits, dots, dashes and underscores, not "
        shape = "an alias stands for PROVIDER:MODEL, like OpenAI:gpt-5.4-nano, not "
        for name, target, kind, told in (
            ("my fast", "OpenAI:x", InputError, f"{word}'my fast'"),
            ("a:b", "OpenAI:x", InputError, f"{word}'a:b'"),
            ("-m", "OpenAI:x", InputError, f"{word}'-m'"),
            ("", "OpenAI:x", InputError, f"{word}''"),
            ("a", "gpt-5.4-nano", InputError, f"{shape}'gpt-5.4-nano'"),
            ("a", "OpenAI:", InputError, f"{shape}'OpenAI:'"),
            ("a", ":x", InputError, f"{shape}':x'"),
            ("a", "", InputError, f"{shape}''"),
            ("a", "http://u:p@h/v1", InputError, f"{shape}'***'"),
            ("a", "OpenAY:x", ProviderNotFoundError, "there is no provider 'OpenAY'. Did you mean 'OpenAI'"),
            ("gpt-4o", "OpenAI:x", InputError, "'gpt-4o' is the name of a model: choose another alias for OpenAI:x"),
            ("gemini-flash-latest", "OpenAI:x", InputError, "'gemini-flash-latest' is the name of a model"),
        ):
            with self.subTest(name=name, target=target):
                with self.assertRaises(G4FError) as raised:
                    self.aliases.set(name, target)
                self.assertIs(kind, type(raised.exception))
                self.assertEqual(told, str(raised.exception)[: len(told)])
                self.assertNotIn("\n", str(raised.exception))
        with self.assertRaisesRegex(InputError, "^there is no alias 'fats'. Did you mean 'fast'\\?$"):
            self.aliases.remove("fats")
        self.assertEqual(["fast"], list(self.aliases.all()))

    def test_broken_file(self) -> None:
        """A file that is not what was written is told by its name, and never written over."""
        file = Path(self.folder, "g4f_aliases.json")
        for data in (b'{"fast": ["OpenAI", "gp', b'{"fast": "OpenAI"}', b"\xff"):
            with self.subTest(data):
                file.write_bytes(data)
                for call in (
                    self.aliases.all,
                    lambda: self.aliases.resolve("x"),
                    lambda: self.aliases.set("a", "OpenAI:x"),
                ):
                    with self.assertRaisesRegex(InputError, f"^the aliases cannot be read: repair or remove {file}: "):
                        call()
                self.assertEqual(data, file.read_bytes())

    def test_unwritable(self) -> None:
        """A folder that cannot be written to is told."""
        Path(self.folder, "file").touch()
        aliases = Aliases(Path(self.folder, "file"))
        with self.assertRaisesRegex(InputError, "^the aliases cannot be (read|saved)"):
            aliases.set("a", "OpenAI:x")

    def test_profile(self) -> None:
        """A kernel's profile holds them: each kernel that uses it finds them."""
        code = "from g4f_jupyter.line.aliases import Aliases\naliases = Aliases(get_ipython().profile_dir.location)\n"
        with Kernel(IPYTHONDIR=self.folder) as kernel:
            kernel.run(code + "aliases.set('fast', 'OpenAI:gpt-5.4-nano')")
        self.assertEqual(("OpenAI", "gpt-5.4-nano"), Aliases(Path(self.folder, "profile_default")).resolve("fast"))
