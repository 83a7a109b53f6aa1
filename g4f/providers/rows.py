"""The data of the catalogue: one row per provider."""

from __future__ import annotations

from .row import Row

__all__ = ["FORMER", "ROWS", "Row", "openai_compatible"]


def openai_compatible(name: str, docs: str, base_url: str, **data: object) -> Row:
    """Return the row of a provider that speaks OpenAI's chat completions."""
    return Row(name, "g4f.providers.protocols.openai", "OpenAICompatible", docs, base_url, **data)  # type: ignore[arg-type]


ROWS: tuple[Row, ...] = (
    openai_compatible(
        "OpenAI",
        "https://developers.openai.com/docs/models",
        "https://api.openai.com/v1",
        address_keys=("OPENAI_BASE_URL",),
        keys=("OPENAI_API_KEY",),
        protocol="responses",
        default_model="gpt-6-luna",
        effort="none",  # as its predecessors did: the first word comes at once, and `temperature` is taken
        thinkers=r"gpt-(5\.[56]|6)",
        thoughtless=r"gpt-[34]|chatgpt-4",
        flex=0.5,
        max_tokens="max_completion_tokens",
        stream_usage=True,
        takes_files=True,
    ),
    openai_compatible(
        "AzureOpenAI",  # a model there is a deployment, which its owner has named
        "https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle",
        "{AZURE_OPENAI_ENDPOINT}",
        version="openai/v1",
        protocol="responses",
        keys=("AZURE_OPENAI_API_KEY",),
        flex=0.5,
        max_tokens="max_completion_tokens",
        stream_usage=True,
        by_default=False,
        takes_files=True,
    ),
    Row(
        "Anthropic",
        "g4f.providers.protocols.anthropic",
        "Anthropic",
        "https://platform.claude.com/docs/en/models/overview",
        "https://api.anthropic.com",
        address_keys=("ANTHROPIC_BASE_URL",),
        version="v1",
        keys=("ANTHROPIC_API_KEY",),
        default_model="claude-haiku-5-5",
    ),
    Row(
        "Gemini",  # Google's own clients read the two variables in this order
        "g4f.providers.protocols.gemini",
        "Gemini",
        "https://ai.google.dev/gemini-api/docs/models",
        "https://generativelanguage.googleapis.com/v1beta",
        address_keys=("GOOGLE_GEMINI_BASE_URL",),
        version="v1beta",
        keys=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        default_model="gemini-flash-latest",
    ),
    openai_compatible(
        "Mistral",
        "https://docs.mistral.ai/api",
        "https://api.mistral.ai/v1",
        keys=("MISTRAL_API_KEY",),
        default_model="mistral-small-latest",
        seed="random_seed",
        lacks=("logit_bias",),
    ),
    openai_compatible(
        "Groq",
        "https://console.groq.com/docs/openai",
        "https://api.groq.com/openai/v1",
        keys=("GROQ_API_KEY",),
        flex=1.0,  # it limits the rate less, at the same price
        default_model="openai/gpt-oss-20b",
        stream_usage=True,
        lacks=("frequency_penalty", "logit_bias", "logprobs", "presence_penalty", "top_logprobs"),
    ),
    openai_compatible(
        "Together",
        "https://docs.together.ai/docs/inference/openai-compatibility",
        "https://api.together.ai/v1",
        keys=("TOGETHER_API_KEY",),
        default_model="openai/gpt-oss-20b",
    ),
    openai_compatible(
        "XAI",
        "https://docs.x.ai/docs/models",
        "https://api.x.ai/v1",
        protocol="responses",  # "The Chat Completions API is deprecated"
        keys=("XAI_API_KEY",),
        default_model="grok-4.3",
        stream_usage=True,
    ),
    openai_compatible(
        "DeepSeek",
        "https://api-docs.deepseek.com/quick_start/your_first_api_call",
        "https://api.deepseek.com",
        keys=("DEEPSEEK_API_KEY",),
        default_model="deepseek-flash",
        returns_thoughts=True,
        stream_usage=True,
        lacks=("json_schema",),  # "This response_format type is unavailable now"
    ),
    openai_compatible(
        "OpenRouter",
        "https://openrouter.ai/docs/quickstart",
        "https://openrouter.ai/api/v1",
        keys=("OPENROUTER_API_KEY",),
        default_model="openrouter/auto",
        takes_files=True,
    ),
    openai_compatible(
        "Cohere",  # refuses stream_options
        "https://docs.cohere.com/docs/compatibility-api",
        "https://api.cohere.ai/compatibility/v1",
        keys=("COHERE_API_KEY", "CO_API_KEY"),
        default_model="command-a-03-2025",
        lacks=("logit_bias", "metadata", "parallel_tool_calls", "prediction", "service_tier", "store", "top_logprobs"),
    ),
    openai_compatible(
        "HuggingFace",
        "https://huggingface.co/docs/inference-providers/guides/gpt-oss",
        "https://router.huggingface.co/v1",
        keys=("HF_TOKEN",),
        default_model="openai/gpt-oss-120b:cerebras",
    ),
    openai_compatible(
        "Cerebras",
        "https://inference-docs.cerebras.ai/resources/openai",
        "https://api.cerebras.ai/v1",
        keys=("CEREBRAS_API_KEY",),
        default_model="gpt-oss-120b",
    ),
    openai_compatible(
        "Fireworks",
        "https://docs.fireworks.ai/tools-sdks/openai-compatibility",
        "https://api.fireworks.ai/inference/v1",
        keys=("FIREWORKS_API_KEY",),
        default_model="accounts/fireworks/models/gpt-oss-20b",
    ),
    openai_compatible(
        "NVIDIA",
        "https://build.nvidia.com/settings",
        "https://integrate.api.nvidia.com/v1",
        keys=("NVIDIA_API_KEY",),
        by_default=False,
    ),
    openai_compatible(
        "Pollinations",
        "https://enter.pollinations.ai/api/docs/llm.txt",
        "https://gen.pollinations.ai/v1",
        keys=("POLLINATIONS_API_KEY",),
        default_model="openai",
        by_default=False,
    ),
    openai_compatible(
        "Colab",  # a notebook there has both variables, or a secret that holds the second one
        "https://github.com/googlecolab/colabtools/blob/main/google/colab/ai.py",
        "{MODEL_PROXY_HOST}/models/openapi",
        keys=("MODEL_PROXY_API_KEY",),
        is_free=True,
        default_model="google/gemini-2.5-flash",
    ),
    Row(
        "OllamaCloud",
        "g4f.providers.protocols.ollama",
        "Ollama",
        "https://docs.ollama.com/cloud",
        "https://ollama.com",
        keys=("OLLAMA_API_KEY",),
        default_model="gpt-oss:120b",
        lacks=("json_object", "json_schema"),  # "Ollama's Cloud currently does not support structured outputs"
    ),
    Row(
        "Ollama",
        "g4f.providers.protocols.ollama",
        "Ollama",
        "https://docs.ollama.com/api/introduction",
        "http://127.0.0.1:11434",
        address_keys=("OLLAMA_HOST",),
        probe=("/api/tags", '"name"'),  # a server without a model does not count
        pull="ollama pull {}",
    ),
    openai_compatible(
        "LMStudio",
        "https://lmstudio.ai/docs/developer/openai-compat",
        "http://localhost:1234/v1",
        optional_keys=("LM_API_TOKEN",),
        lacks=("json_object",),  # "'response_format.type' must be 'json_schema' or 'text'"
    ),
    openai_compatible(
        "LlamaCpp",
        "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
        "http://127.0.0.1:9931/v1",
        former_urls=("http://127.0.0.1:8080/v1",),
        optional_keys=("LLAMA_API_KEY",),
        stream_usage=True,
    ),
    openai_compatible(
        "VLLM",
        "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
        "http://localhost:8000/v1",
        stream_usage=True,
    ),
    Row(
        name="Local",
        module="g4f.providers.in_process.local",
        kind="Local",
        docs="https://github.com/xorbitsai/xllamacpp#readme",
        default_model="smollm2",
    ),
)
"""In the order in which the default provider is chosen: with a key, on this machine, in this process."""

_GITHUB = "GitHub Models was retired on 30 July 2026 (https://docs.github.com/en/github-models)"

FORMER = {
    "Perplexity": "Perplexity ended its chat completions on 27 September 2026 "
    "(https://docs.perplexity.ai/docs/agent-api/migrate-from-sonar/overview)",
    "GitHubModels": _GITHUB,
    "GitHub": _GITHUB,
}
"""What became of services that people still name, but that no longer answer chat completions."""
