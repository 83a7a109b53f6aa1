"""Secrets in a text: found by their value, by their names, or by what they look like."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from .key import is_secret, may_be_secret
from .known import STARS

__all__ = ["Scrubber"]

_LOOKS = re.compile(
    r"""
    -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    | \b(?:
        sk-(?=[\w-]*\d)[\w-]{8,} | sk-[\w-]{20,} | [rsp]k_(?:live|test)_\w{8,}
        | gh[pousr]_\w{8,} | github_pat_\w{8,} | glpat-[\w-]{8,} | xox[a-z]-[\w-]{8,} | xapp-[\w-]{8,}
        | (?:AKIA|ASIA)[A-Z0-9]{12,} | AIza[\w-]{16,} | ya29\.[\w-]{8,} | hf_[A-Za-z0-9]{8,} | gsk_\w{8,}
        | (?:xai|pplx|nvapi|csk)-[\w-]{16,} | (?:r8|npm|dop_v1)_\w{16,} | SG\.[\w-]{8,}\.[\w-]{8,}
        | eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?
    )
    """,
    re.VERBOSE | re.DOTALL,
)
"""Keys as their vendors write them, tokens in the form of JWT, private keys."""

_ADDRESS = re.compile(
    r"""(?<=://)(?: [^\s/"'<>@]{0,200}:[^\s"'<>@]{0,200}@(?:[^\s/"'<>@:]{1,200}:(?!\d+\b)[^\s/"'<>@]{1,200})? )"""
    r"""| (?<=://)[^\s/"'<>@:]{1,200}@""",
    re.VERBOSE,
)
"""Who asks at an address, with a password; also behind the host, where some write it."""

_QUERY = re.compile(r"(?<=[?&;])([\w.-]{1,80})(=)([^&\s\"'<>#;]+)")
_HEADER = re.compile(
    r"(\bauthorization\W{1,4}(?:(?:basic|bearer|digest|token)\s+)?|\bbearer\s+)(?=[\w.~+/=-]*[\d=])([\w.~+/=-]{6,})",
    re.IGNORECASE,
)

_TEXT = r"""[bfru]{0,2}(?: "(?:\\.|[^"\\\n])*(?:"|(?=…)|\Z|(?=\n…)) | '(?:\\.|[^'\\\n])*(?:'|(?=…)|\Z|(?=\n…))
    | \\"[^"\\\n]*\\" )"""
_NAMED = re.compile(
    rf"""
    (?<![\w-]) ([\w-]{{1,80}}) (
        (?:\\?["'])? \]? \s* (?: =(?!=) | :(?![:=]) | :[ ]?[\w.\[\]| ]{{1,40}}=(?!=) ) \s* | (?-i:(?<=[A-Z])["'],\s*)
    )
    ( {_TEXT} (?: \s* (?: \+\s* )? {_TEXT} )* )
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""A name, and the text that it is given, in code, JSON, or the `repr` of an object; the text may be put together."""

_COMPOSED = re.compile(r"(?<![\w-])([\w-]{1,80})((?:\\?[\"'])?\]?\s*[=:]\s*)(?=[(\[{]|[A-Za-z_][\w.]{0,80}\()")
"""A name, and what it is given where that is no text but made of some: a list, a dict, a call."""

_LITERAL = re.compile(r"""([bfru]{0,2})("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')(\s*:)?""", re.IGNORECASE)
"""A text in code; with a colon behind it, it is a name in a dict."""

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
"""The name of a variable of the environment, which is no secret."""

_JOINT = re.compile(r"\\?[\"']\s*(?:\+\s*)?[bfru]{0,2}\\?[\"']", re.IGNORECASE)
"""What stands between two texts that are put together."""

_BARE = re.compile(
    r"(?<![\w-])(?!(?i:key|token)\b)([\w-]{1,80})(\s?[=:]\s?)(?=[^\s\"',;)&]{0,200}\d)([^\s\"'`,;()&\[\]{}<>]{6,1000}+)(?![(\[])"
)
"""The same without quotation marks, such as in a file of settings."""


class Scrubber:
    """Puts stars in the place of secrets, and counts them. `known` are secrets by their value."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self.count = 0
        self._known: list[str] = []
        self.learn(known)

    def learn(self, known: Iterable[str]) -> None:
        """Know further secrets by their value."""
        forms = {form for value in known for form in (value, quote(value, safe=""))}
        self._known = sorted(forms.union(self._known), key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, self._known))) if self._known else None

    def stars(self) -> str:
        """Return what stands for a secret, and count it."""
        self.count += 1
        return STARS

    def scrub(self, text: str) -> str:
        """Return `text` with stars in the place of each secret."""
        if self._values is not None:
            text = self._cut_off(self._values.sub(lambda _: self.stars(), text))
        text = _LOOKS.sub(lambda _: self.stars(), text)
        text = _ADDRESS.sub(lambda _: f"{self.stars()}@", text)
        text = _HEADER.sub(lambda found: found[1] + self.stars(), text)
        text = self._composed(_QUERY.sub(self._named, text))
        return _BARE.sub(self._named, _NAMED.sub(self._quoted, text))

    def _cut_off(self, text: str) -> str:
        """Star the beginning of a known secret where a text was cut off within it."""
        for mark in reversed(list(re.finditer(r"\n?…", text))):
            before = text[: mark.start()]
            for value in self._known:
                length = next((n for n in range(len(value) - 1, 3, -1) if before.endswith(value[:n])), 0)
                if length:
                    text = before[:-length] + self.stars() + text[mark.start() :]
                    break
        return text

    def _named(self, found: re.Match[str]) -> str:
        name, between, value = found.groups()
        if value.startswith(STARS) or not may_be_secret(name, value):
            return found[0]
        return f"{name}{between}{self.stars()}"

    def _composed(self, text: str) -> str:
        """Return `text` with stars for the texts of which a secret is made, up to the end of its line."""
        out, end = [], 0
        for found in _COMPOSED.finditer(text):
            name = found[1]
            if found.start() < end or not is_secret(name) or name.lower() in ("key", "token"):  # too often of something
                continue
            stop = text.find("\n", found.end())
            stop = len(text) if stop < 0 else stop
            out += [text[end : found.end()], _LITERAL.sub(self._literal, text[found.end() : stop])]
            end = stop
        return "".join([*out, text[end:]])

    def _literal(self, found: re.Match[str]) -> str:
        words = found[2][1:-1]
        if found[3] or not words or words == STARS or _VARIABLE.fullmatch(words):
            return found[0]
        return f"{found[1]}{found[2][0]}{self.stars()}{found[2][0]}"

    def _quoted(self, found: re.Match[str]) -> str:
        name, between, given = found.groups()
        mark = re.search(r"\\?[\"']", given)
        assert mark is not None  # noqa: S101 - it begins a text
        value = _JOINT.sub("", given[mark.end() :]).strip("\"'\\")
        if value.startswith(STARS) or not may_be_secret(name, value):
            start = len(name + between) + mark.end()
            return found[0][:start] + _NAMED.sub(self._quoted, found[0][start:])
        return f"{name}{between}{mark[0]}{self.stars()}{mark[0]}"
