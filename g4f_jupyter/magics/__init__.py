"""The magics: `chat` is the walk of a cell, `chat_lines` has the others."""
