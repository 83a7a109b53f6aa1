"""The data of the catalogue: one row for each provider."""

from __future__ import annotations

import msgspec

__all__ = ["ROWS", "Row", "openai_compatible"]


class Row(msgspec.Struct, frozen=True):
    """One provider. A provider that differs from another only in data is a row with the same `module` and `kind`.

    `module` and `kind` name the class; with a `base_url`, an instance of it is made from the row. Words in braces
    in the `base_url` are environment variables. `keys` are the variables that may hold its key, `base_urls` those
    that may hold another address for all calls, `docs` the page that the data is from. `key_header` is the header
    that takes the bare key, where it is not `Authorization: Bearer`; `max_tokens` its name in the request;
    `stream_usage` whether a stream tells the usage when asked by `stream_options`. What is not `by_default` is only
    asked when it is named.
    """

    name: str
    module: str
    kind: str
    docs: str
    base_url: str = ""
    base_urls: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    key_header: str = ""
    default_model: str = ""
    max_tokens: str = "max_tokens"
    stream_usage: bool = False
    by_default: bool = True


def openai_compatible(name: str, docs: str, base_url: str, **data: object) -> Row:
    """Return the row of a provider that speaks OpenAI's chat completions."""
    return Row(name, "g4f.providers.openai_compatible", "OpenAICompatible", docs, base_url, **data)  # type: ignore[arg-type]


ROWS: tuple[Row, ...] = (
    openai_compatible(
        "OpenAI",
        "https://platform.openai.com/docs/api-reference/chat/create",
        "https://api.openai.com/v1",
        base_urls=("OPENAI_BASE_URL",),
        keys=("OPENAI_API_KEY",),
        default_model="gpt-4o-mini",
        max_tokens="max_completion_tokens",
        stream_usage=True,
    ),
    Row(
        name="Local",
        module="g4f.providers.local",
        kind="Local",
        docs="https://github.com/xorbitsai/xllamacpp#readme",
    ),
)
"""In the order in which the default provider is looked for: those with a key, local servers, the model in the process."""
