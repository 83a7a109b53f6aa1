"""What is a secret: by its name, by its value, or by what it looks like."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any
from unittest import TestCase, mock

from g4f.errors import BadRequestError
from g4f.providers.transport.refusals import Target, redact, refusal
from g4f.secrets.key import Key, is_secret, may_be_secret, seal
from g4f.secrets.known import STARS, hides, keys_here, secrets_of
from g4f.secrets.scrubbing import Scrubber

from .cost import LINEAR, growth

SECRETS = """
    api_key apiKey API_KEY key auth Authorization pwd password DB_PASSWORD userPassword secret client_secret credential
    credentials bearer token HF_TOKEN access_token authToken dsn private_key privateKey cookie cookies Set-Cookie
    session_id sessionId x-api-key X-Auth-Token AWS_SECRET_ACCESS_KEY PGPASSWORD smtp_pass passphrase api_keys
    OPENAI_API_KEY_2 proxy_authorization jwt oauth subscription-key my_key webhook_url
"""

NONE = """
    tokens tokenizer max_tokens token_count n_tokens MAX_TOKENS token_ids author authors keyboard keys primary_key
    foreign_key sort_key cache_key public_key dict_key group_key hash_key index_key join_key partition_key
    monkey secretary compass model temperature top_k user bos_token pad_token
    forward_pass passport id url base_url names PWD OLDPWD SSH_AUTH_SOCK authentic prompt_cache_key
"""


class TestNames(TestCase):
    """Names of secrets."""

    def test_names(self) -> None:
        """Those of secrets, and those that only look so."""
        self.assertEqual([], [name for name in SECRETS.split() if not is_secret(name)])
        self.assertEqual([], [name for name in NONE.split() if is_secret(name)])
        self.assertFalse(is_secret(5) or is_secret(None) or is_secret(""))

    def test_words(self) -> None:
        """A bare "key" or "token" may hold a word, such as a key of a dict; other names hide any text."""
        for value in ("population", "first_name", "the", "a b 12345"):
            self.assertFalse(may_be_secret("key", value) or may_be_secret("token", value), value)
            self.assertTrue(may_be_secret("api_key", value), value)
        self.assertTrue(may_be_secret("key", "abc-123456") and may_be_secret("token", "s3cret"))
        self.assertFalse(may_be_secret("api_key", "") or may_be_secret("name", "abc-123456"))

    def test_values(self) -> None:
        """Under such a name all is hidden but what says nothing; `os.environ` is under each."""
        for value in ("text", b"bytes", 12345678, ("me", "pw"), {"a": 1}, SimpleNamespace(a=1), ["x"]):
            self.assertTrue(hides("password", value), value)
            self.assertFalse(hides("name", value), value)
        for value in (None, True, "", b"", os, len, int):
            self.assertFalse(hides("password", value), value)
        self.assertTrue(hides("anything", os.environ))
        self.assertTrue(hides("anything", dict(os.environ)))
        self.assertTrue(hides("anything", {**os.environ, "MORE": "1"}))
        self.assertFalse(hides("anything", dict.fromkeys(os.environ, "?")))
        self.assertFalse(hides("anything", {}))

    def test_raises(self) -> None:
        """Nothing of a value's own is called."""

        class Raises:
            @property
            def __class__(self) -> type:  # type: ignore[override]
                raise KeyError

            __str__ = __repr__ = __len__ = __eq__ = property(lambda _: 1 / 0)  # type: ignore[assignment]

        self.assertTrue(hides("password", Raises()))


VENDORS = """
    sk-abcdefgh12345678 sk-ant-api03-abcdefghijklmnop sk-proj-abcdefghijklmnop12 ghp_abcdefghijklmnop1234
    github_pat_11ABCDEFG0abcdefgh gho_abcdefghijkl glpat-abcdefghij1234567890 xoxb-123456789012-abcdef
    xoxp-1234567890 AKIAIOSFODNN7EXAMPLE ASIAIOSFODNN7EXAMPLE AIzaSyA-abcdefghijklmnopqrstuvwx hf_abcdefghijklmnop
    gsk_abcdefghijklmnop eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl xai-abcdefghijklmnop1234 sk_live_abcdefgh12
    pplx-abcdefghijklmnop12 nvapi-abcdefghijklmnop12 ya29.abcdefghijklmnop npm_abcdefghijklmnop12
"""


class TestScrubber(TestCase):
    """Stars in the place of secrets."""

    def scrubbed(self, text: str, *known: str) -> str:
        """Return what is left of a text; each pair of stars is counted."""
        scrubber = Scrubber(known)
        told = scrubber.scrub(text)
        self.assertEqual(told.count(STARS), scrubber.count, told)
        return told

    def test_looks(self) -> None:
        """Keys as vendors write them are found in the middle of a text."""
        for key in VENDORS.split():
            with self.subTest(key):
                self.assertEqual("Use ***, please", self.scrubbed(f"Use {key}, please"))
        pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----"
        self.assertEqual("a\n***\nb", self.scrubbed(f"a\n{pem}\nb"))
        self.assertEqual("a\n***", self.scrubbed(f"a\n{pem[:50]}"))

    def test_in_context(self) -> None:
        """So is what stands where a secret stands, in code, JSON, addresses, headers and settings."""
        for text, expected in (
            ('api_key = "s3cret"', 'api_key = "***"'),
            ("api_key: str = 's3cret'", "api_key: str = '***'"),
            ("connect(user='me', password='s3 cret')", "connect(user='me', password='***')"),
            ('pwd = f"s3{x}cret" + "more"', 'pwd = "***"'),
            ('auth = ("user", "s3" + "cret")', 'auth = ("***", "***" + "***")'),
            ('password = decoded("czNjcmV0")', 'password = decoded("***")'),
            ('f(credentials={"user": "me", "word": "s3cret"})', 'f(credentials={"user": "***", "word": "***"})'),
            ('os.environ["MY_KEY"] = "s3cret"', 'os.environ["MY_KEY"] = "***"'),
            ('os.environ.setdefault("MY_TOKEN", "s3cret")', 'os.environ.setdefault("MY_TOKEN", "***")'),
            ('{"a": {"clientSecret": "s3cret", "b": 1}}', '{"a": {"clientSecret": "***", "b": 1}}'),
            ("{'Authorization': 'Bearer ' 's3cret', 'x': 1}", "{'Authorization': '***', 'x': 1}"),
            ("namespace(user='me', password='s3cret')", "namespace(user='me', password='***')"),
            (r'{"a": "{\"password\": \"s3cret\"}"}', r'{"a": "{\"password\": \"***\"}"}'),
            ("postgres://me:s3cr/et@host/db", "postgres://***@host/db"),
            ("https://s3cret@host/x", "https://***@host/x"),
            ("http://host:80@me:s3cret", "http://***@"),
            ("GET /v1?api_key=s3cret&x=1 and /v2?token=s3cret", "GET /v1?api_key=***&x=1 and /v2?token=***"),
            ("Authorization: Bearer s3cret-token", "Authorization: Bearer ***"),
            ("authorization: Basic bWU6cHc=", "authorization: Basic ***"),
            ("host=h password=s3cret1 dbname=d", "host=h password=*** dbname=d"),
            ("DB_PASSWORD=s3cret1\nB=2", "DB_PASSWORD=***\nB=2"),
            ('password = "s3cr\n… 20 more characters', 'password = "***"\n… 20 more characters'),
            (b"{b'api_key': b's3cret'}".decode(), "{b'api_key': b'***'}".replace("b'***'", "'***'")),
        ):
            with self.subTest(text):
                told = self.scrubbed(text)
                self.assertNotIn("s3c", told)
                self.assertEqual(expected.replace("b'***'", "'***'"), told.replace("b'***'", "'***'"))

    def test_stays(self) -> None:
        """What only looks so stays as it is."""
        for text in (
            "tokens = 5, tokenizer = 'gpt-2-abc1', max_tokens=123456",
            'key = "population"; sorted(x, key=len); {"token": "the", "count": 5}',
            "password = getpass(); api_key = os.environ['OPENAI_API_KEY']; token = None",
            "def connect(password: str | None = None, key=''): ...",
            "scikit-learn, sk-learn-contrib; me@example.com; git@github.com:a/b; https://x.com/@me/1",
            "the basic understanding of bearer instruments; authorization is needed",
            "https://example.com/a?page=2&q=token&sort=key; 12:30:45; a: b: c; C:/x",
            '["password", "email"], {"password": None}, x == "y"',
        ):
            with self.subTest(text):
                self.assertEqual(text, self.scrubbed(text))

    def test_known(self) -> None:
        """A secret that is known is found anywhere, also in the form of an address, or cut off."""
        self.assertEqual("x***y", self.scrubbed("xhunter2+moreyy"[:-1], "hunter2+more"))
        self.assertEqual("?q=***", self.scrubbed("?q=hunter2%2Bmore", "hunter2+more"))
        self.assertEqual(
            "a ***\n… 3 more characters", self.scrubbed("a hunter2+mo\n… 3 more characters", "hunter2+more")
        )
        self.assertEqual(
            "***, ***", self.scrubbed("longer-secret-1, longer-secret", "longer-secret", "longer-secret-1")
        )

    def test_environment(self) -> None:
        """What the environment holds under the name of a secret is known, if it is no placeholder."""
        held = {
            "MY_TOKEN": "my-token-1",
            "B_PASSWORD": "short",
            "HTTPS_PROXY": "http://me:proxy-pass@h:1",
            "PWD": "/a/b/c/d/e",
        }
        with mock.patch.dict(os.environ, held, clear=True):
            self.assertLessEqual({"my-token-1", "proxy-pass"}, keys_here())
            self.assertFalse({"short", "/a/b/c/d/e"} & keys_here())

    def test_linear(self) -> None:
        """Eight times the text costs about eight times the work, whatever it repeats."""
        for piece in (
            "a",
            "a=",
            'a="',
            "://",
            '"',
            "?a=",
            "a: ",
            "eyJ",
            "sk-",
            "\\",
            "-----BEGIN ",
            "a-",
            'x="a" ',
            "'\\",
            "bearer ",
            "password=(",
            "auth = ('",
        ):
            with self.subTest(piece):

                def scrub(size: int, piece: str = piece) -> None:
                    Scrubber(["hunter2-more"]).scrub(piece * (size // len(piece)))

                self.assertLess(growth(scrub, 10_000), LINEAR)


class TestSealed(TestCase):
    """What a caller gave, before any frame holds it."""

    def test_options(self) -> None:
        """Each secret is a Key; all else, and the caller's own dicts, stay as they are."""
        body = {"vault": {"access_token": "a", "items": [{"password": "b"}], "max_tokens": 5}, "name": "c"}
        schema = {"type": "json_schema", "json_schema": {"schema": {"properties": {"password": {"type": "string"}}}}}
        options: dict[str, Any] = {
            "api_key": {"OpenAI": "a", "Groq": "b"},
            "base_url": "http://me:a@h/v1",
            "extra_headers": {"X": "a"},
            "extra_query": {"q": "a"},
            "extra_body": body,
            "proxy": "http://h:1",
            "response_format": schema,
            "tools": [{"password": "a"}],
            "provider": "OpenAI Local",
            "seed": 1,
        }
        seal(options)
        self.assertEqual({"OpenAI": STARS, "Groq": STARS}, eval(repr(options["api_key"])))
        self.assertEqual(
            {"vault": {"access_token": "a", "items": [{"password": "b"}], "max_tokens": 5}, "name": "c"}, body
        )
        self.assertNotIn("'a'", repr({name: options[name] for name in options if name not in ("tools", "extra_body")}))
        self.assertIs(schema, options["response_format"])
        self.assertEqual([Key] * 2, [type(found) for found in (options["base_url"], options["proxy"])])
        self.assertEqual(str, type(options["provider"]))
        self.assertEqual(
            "{'vault': {'access_token': '***', 'items': [{'password': '***'}], 'max_tokens': 5}, 'name': 'c'}",
            repr(options["extra_body"]),
        )

    def test_parts(self) -> None:
        """Of a header or an address, what is secret in it is one by itself."""
        given = {
            "extra_headers": {"Authorization": "Bearer header-secret", "Cookie": "a=b; sid=cookie-secret"},
            "base_url": "http://me:pass%40word1@host.example/v1?version=2026-01&key=query-secret",
        }
        found = set(secrets_of(seal(given)))
        for secret in ("header-secret", "cookie-secret", "pass%40word1", "pass@word1", "query-secret"):
            self.assertIn(secret, found)
        self.assertFalse({"host.example", "Bearer", "me"} & found)
        self.assertEqual({Key}, set(map(type, found)))


class TestRedact(TestCase):
    """What a server says."""

    def test_all(self) -> None:
        """Each secret of the call goes, and those of the environment; so do their ends around stars."""
        with mock.patch.dict(os.environ, {"OTHER_TOKEN": "of-the-environment"}):
            told = redact(
                "a header-secret, b%20c-query1 and of-the-environment, key hea***ret.",
                (Key("header-secret"), {"q": Key("b c-query1")}),
            )
        self.assertEqual("a ***, *** and ***, key ***", told)

    def test_cut(self) -> None:
        """Also where the words of the server are cut off in the middle of one."""
        asked = Target("P", "m", (Key("header-secret"),), "")
        for length in range(235, 252):
            for body in (
                f"{'x ' * length} header-secret",
                f'{{"error": {{"message": "{"x " * length} header-secret"}}}}',
            ):
                error = refusal(asked, 400, body.encode())
                self.assertIsInstance(error, BadRequestError)
                self.assertNotIn("head", str(error))
