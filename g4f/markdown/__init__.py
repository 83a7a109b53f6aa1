"""What a model writes is data: Markdown in which nothing acts, whatever shows it.

A freshly executed cell is trusted by JupyterLab, which then renders raw HTML inside `text/markdown` as it is. So an
answer is parsed, and written anew from the tokens that are known, in a form that every parser of Markdown reads alike:

- every character of text that could be a mark of Markdown, of HTML or of TeX is written as an entity
- a link has its address and nothing else; an address has letters, digits and a few marks, all else percent-encoded
- a code block has a fence that is longer than any in it, and a language of letters, digits and `+#.-`
- a formula stands between dollars, on one line, with balanced braces, and without commands that define or reach out

Tags that come out are `br`, `code`, `del`, `kbd`, `pre`, `span`, `sub` and `sup`, none of them with an attribute.

JupyterLab takes formulas out before it parses, and puts them back into the finished HTML with their quotation marks.
That is why no `$`, no `@@1@@` and no backslash of a text or an address comes out as itself: a formula could otherwise
end up inside an attribute.
"""

from .code import code_of, fenced, finished
from .entities import literal
from .rewriting import safe

__all__ = ["code_of", "fenced", "finished", "literal", "safe"]
