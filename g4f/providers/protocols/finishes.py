"""Why an answer ended: the words of all servers → OpenAI's, for every protocol. No I/O."""

from __future__ import annotations

import re

__all__ = ["FAILED", "KNOWN", "finish"]

FAILED = "failed"
"""What `finish` returns if the answer ended because of a failure: it is not complete."""

KNOWN = frozenset({"stop", "length", "tool_calls", "content_filter"})
"""OpenAI's words."""

_SAME = {
    "stop": "stop end ended endturn endofturn endoftext eos eostoken eosid stopsequence stopstr stopstring stoptoken"
    " stopword stopwords complete completed done finish finished normal success",
    "tool_calls": "toolcall toolcalls tooluse tool functioncall functioncalls",
    "length": "continuation",
    "content_filter": "language escalation modelarmor spii",
    "": "none null unspecified unknownfinishreason",
}
_WORDS = {word: kind for kind, words in _SAME.items() for word in words.split()}
_PARTS = (
    (r"filter|safety|recitation|sensitive|block|prohibited|refus|moderat|policy|guardrail|copyright", "content_filter"),
    (r"malformed|error|abort|cancel|timeout|timedout|insufficient|fail|disconnect|unexpectedtool|toomanytool", FAILED),
    (r"missingthought|noimage|imageother|overload|interrupt|outofmemory|unavailable", FAILED),
    (r"length|max\w*token|maxoutput|outputlimit|tokenlimit|contextwindow|contextlimit|truncat|tokenbudget", "length"),
)
"""Parts of a word, without its separators, which say what kind of reason it is: the first that is found."""


def finish(reason: str) -> str:
    """Return OpenAI's word for a server's reason, FAILED for that of a failure, "" for none.

    Case and separators do not matter: MAX_TOKENS, max-tokens and maxTokens are one. An unknown word is returned as it
    is.
    """
    if reason in KNOWN:
        return reason
    word = re.sub(r"[\W_]+", "", reason).lower().removeprefix("finishreason")
    if word in _WORDS or not word:
        return _WORDS.get(word, "")
    return next((kind for part, kind in _PARTS if re.search(part, word)), reason)
