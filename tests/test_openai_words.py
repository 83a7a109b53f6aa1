"""What a question says in OpenAI's words: what each protocol that has other words is given to write."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from typing import Any

from g4f.errors import InputError
from g4f.providers.protocols import openai_words as words

MADE: dict[str, Any] = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}


class Told(unittest.TestCase):
    """What is malformed is said in one line."""

    def refused(self, says: str, read: Callable[[], object]) -> None:
        """Check that reading is refused by these words."""
        with self.assertRaises(InputError) as caught:
            read()
        self.assertIn(says, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))


class TestTurns(Told):
    """Messages."""

    def test_roles_and_parts(self) -> None:
        """A developer is the system; a text is a part; nothing is no part; thoughts stand apart."""
        text, image = {"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "https://host/a.png"}}
        for message, expected in (
            (
                {"role": "developer", "content": "a"},
                words.ParsedMessage("system", [text], [], None, "", "messages[0]"),
            ),
            (
                {"role": "user", "content": [text, image]},
                words.ParsedMessage("user", [text, image], [], None, "", "messages[0]"),
            ),
            (
                {"role": "assistant", "content": "", "reasoning": "hm"},
                words.ParsedMessage("assistant", [], [], None, "hm", "messages[0]"),
            ),
        ):
            with self.subTest(message=message):
                self.assertEqual([expected], words.parse_messages([message]))

    def test_calls_and_results(self) -> None:
        """A result finds its call by its id, among all that were made before; else its tool by the name."""
        messages = [
            {"role": "assistant", "tool_calls": [MADE, {"function": {"name": "g"}}]},
            {"role": "assistant", "tool_calls": [MADE | {"id": "b"}]},
            {"role": "tool", "tool_call_id": "a", "content": "1"},
            {"role": "tool", "tool_name": "g", "content": "2"},
            {"role": "tool", "tool_call_id": "c", "name": "h", "content": "3"},
        ]
        first, second, *results = words.parse_messages(messages)
        self.assertEqual([words.ToolUse("a", "f", {"x": 1}), words.ToolUse("", "g", {})], first.calls)
        self.assertEqual([words.ToolUse("b", "f", {"x": 1})], second.calls)
        self.assertEqual(
            [first.calls[0], words.ToolUse("", "g", {}), words.ToolUse("", "h", {})],
            [turn.answered for turn in results],
        )

    def test_arguments(self) -> None:
        """They are text, or an object already; no text is no arguments."""
        for given, expected in (('{"x": 1}', {"x": 1}), ({"x": 1}, {"x": 1}), ("", {}), (" ", {}), (None, {})):
            with self.subTest(given=given):
                calls = [{"id": "a", "function": {"name": "f", "arguments": given}}]
                self.assertEqual(
                    expected,
                    words.parse_messages([{"role": "assistant", "tool_calls": calls}])[0].calls[0].arguments,
                )

    def test_refused(self) -> None:
        """The line says which message."""
        for says, message in (
            ("function_call is obsolete: use", {"role": "function", "name": "f", "content": "1"}),
            ("function_call is obsolete: use", {"role": "assistant", "function_call": {"name": "f"}}),
            (" has a part of type 'input_audio'", {"role": "user", "content": [{"type": "input_audio"}]}),
            ("tool_calls must be a list", {"role": "assistant", "tool_calls": MADE}),
            ("a tool call must be like", {"role": "assistant", "tool_calls": ["f"]}),
            ("a tool call must be like", {"role": "assistant", "tool_calls": [{"id": "a"}]}),
            ("the arguments of 'f' must be a JSON object, not '{'", call("{")),
            ("the arguments of 'f' must be a JSON object, not '[1]'", call("[1]")),
            ("the arguments of 'f' must be a JSON object, not '\\ud800'", call("\ud800")),
            ("the arguments of 'f' must be a JSON object, not '1'", call(1)),
            (" is the result of the tool call 'a', but no message", {"role": "tool", "tool_call_id": "a"}),
            (" is the result of the tool call None", {"role": "tool", "content": "1"}),
        ):
            with self.subTest(says, message=message):
                self.refused(
                    says,
                    lambda message=message: words.parse_messages([{"role": "user", "content": "q"}, message]),
                )
                self.refused(
                    "messages[1]",
                    lambda message=message: words.parse_messages([{"role": "user", "content": "q"}, message]),
                )


def call(arguments: object) -> dict[str, Any]:
    """Return a message that makes a call."""
    return {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": arguments}}]}


class TestOptions(Told):
    """Options."""

    def test_functions(self) -> None:
        """What is not given is empty; tools of a provider's own stay as they are."""
        schema = {"type": "object"}
        full = {"name": "f", "description": "d", "parameters": schema, "strict": True}
        own = ({"googleSearch": {}}, {"type": "web_search", "name": "web_search"})
        tools = [{"type": "function", "function": full}, *own, {"type": "function", "function": {"name": "g"}}]
        read = [
            words.ToolFunction("f", "d", schema, strict=True),
            *own,
            words.ToolFunction("g", "", {}, strict=False),
        ]
        self.assertEqual(read, words.functions(tools))
        for wrong, says in (
            ([tools[0], {"type": "function"}], "tools[1] must be like"),
            ([tools[0], object()], "tools[1] must be like"),
            (tools[0], "tools must be a list"),
        ):
            with self.subTest(wrong=wrong):
                self.refused(says, lambda wrong=wrong: words.functions(wrong))

    def test_tool_choice(self) -> None:
        """One of three words, or a function."""
        for word in ("auto", "none", "required"):
            self.assertEqual(word, words.tool_choice(word))
        self.assertEqual(words.Only("auto"), words.tool_choice({"type": "function", "function": {"name": "auto"}}))
        for wrong in ("some", {"type": "function"}, 1):
            self.refused("tool_choice must be auto, none, required or", lambda wrong=wrong: words.tool_choice(wrong))

    def test_response_format(self) -> None:
        """A schema, any JSON, or text."""
        schema = {"type": "object"}
        for given, expected in (
            (None, None),
            ({"type": "text"}, None),
            ({"type": "json_object"}, {}),
            ({"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}}, schema),
        ):
            with self.subTest(given=given):
                self.assertEqual(expected, words.schema_of(given))
        for wrong in ({"type": "json_schema"}, {"type": "xml"}, "json"):
            self.refused("response_format must be", lambda wrong=wrong: words.schema_of(wrong))

    def test_effort(self) -> None:
        """A word that the protocol knows."""
        known = {"none": 0, "low": 1}
        self.assertEqual([0, 1], [words.effort(word, known) for word in known])
        for wrong in ("much", 1, ["low"]):
            self.refused(
                "reasoning_effort must be one of none, low, not", lambda wrong=wrong: words.effort(wrong, known)
            )


if __name__ == "__main__":
    unittest.main()
