"""Values in a question: `{name}`, `{name.attr}` and `{name[0]}` are replaced by text that `values` makes of them.

`{name:.2f}`, `{name!r}` and `{name=}` are written as an f-string writes them; of `{name!all}`, nothing is left out.

There is one pass: braces within an inserted text stay. Nothing is called, unless `--eval` allows it: then any
expression counts, such as `{df.head()}`. `braces` finds the braces that are meant.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from g4f.errors import InputError, close_matches
from g4f.images import image_part
from g4f.secrets.key import Key
from g4f.secrets.known import hides
from g4f.secrets.scrubbing import Scrubber
from g4f.values.blame import blamed
from g4f.values.braces import Braces, found, path_of
from g4f.values.form import Form
from g4f.values.kinds import is_a
from g4f.values.text import LIMIT, SAYS_ITSELF, text_of

from .known import scrubber_for

__all__ = ["Inserted", "insert", "value_of"]

_SEARCHED = 10_000
"""Most keys that are compared with a misspelt one."""


_DRAWING = ("_repr_png_", "_repr_jpeg_", "_repr_mimebundle_")


class Inserted(NamedTuple):
    """A question with its values in it. Where a value is an image, the text only mentions it, by its number from 1.

    `left_out` says in lines what of the values is not in it.
    """

    text: str
    images: list[Any]
    left_out: list[str]


def insert(
    text: str,
    namespace: Mapping[str, Any],
    *,
    evaluate: bool = False,
    limit: int = LIMIT,
    rows: int | None = None,
    scrubber: Scrubber | None = None,
) -> Inserted:
    """Return `text` with the values of `namespace` in it, each of at most `limit` characters, or `rows` of a table.

    Stars replace secrets in the values, and the `scrubber` counts them; `text` itself stays as it is.

    `evaluate` allows any expression in braces, which may call what it likes. Raises InputError in one line for a name,
    attribute or index that is not there, with close matches; for a call without `evaluate`; and for a value whose own
    code raises.
    """
    images: list[Any] = []
    left_out: list[str] = []
    if "{" not in text:
        return Inserted(text, images, left_out)
    scrubber = scrubber or scrubber_for(namespace)

    def text_at(value: Any, path: list[ast.expr] | None, source: str, form: Form | None) -> str:
        if hides(_name(path or []), value):
            return scrubber.stars()
        return text_of(value, source, form=form, limit=limit, rows=rows, scrubber=scrubber, left_out=left_out)

    return Inserted("".join(_parts(text, namespace, evaluate, images, text_at)), images, left_out)


def _parts(
    text: str,
    namespace: Mapping[str, Any],
    evaluate: bool,
    images: list[Any],
    text_at: Callable[[Any, list[ast.expr] | None, str, Form | None], str],
) -> Iterator[str]:
    """Yield `text` in order, with the braces that are meant replaced; images are added to `images`."""
    done = 0
    for braces in found(text):
        path = path_of(braces.tree)
        if not _is_meant(braces, path, namespace, evaluate):
            continue
        inner = text[braces.start + braces.depth : braces.end - braces.depth]
        if braces.depth % 2:
            value, form = value_of(braces, path, namespace, evaluate), _filled(braces.form, namespace)
            mention = "" if form and not form.is_whole else _mention(value, braces.source, images)
            inner = mention or _apart(text, braces, value, text_at(value, path, braces.source, form))
        pairs = braces.depth // 2
        yield from (text[done : braces.start], "{" * pairs, inner, "}" * pairs)
        done = braces.end
    yield text[done:]


def _name(path: list[ast.expr]) -> str:
    """Return the last name or key in a path, which tells whether a secret is there; "" if there is none."""
    for step in reversed(path):
        match step:
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
                return name
    return ""


def _is_meant(braces: Braces, path: list[ast.expr] | None, namespace: Mapping[str, Any], evaluate: bool) -> bool:
    """Whether braces are replaced, or are an error; otherwise they stay."""
    nodes = path[:1] if path else ast.walk(braces.tree)
    is_known = any(isinstance(node, ast.Name) and node.id in namespace for node in nodes)
    if path or evaluate:
        return is_known or not (braces.lenient or (braces.form and not braces.form.is_whole))
    return is_known and not braces.lenient


def _key(node: ast.expr | None, namespace: Mapping[str, Any]) -> Any:
    """Return what stands between [ and ]: a constant, a variable, a slice, or several of them."""
    match node:
        case ast.Slice(lower, upper, step):
            return slice(*(_key(part, namespace) for part in (lower, upper, step)))
        case ast.Tuple(parts):
            return tuple(_key(part, namespace) for part in parts)
        case ast.Name(name):
            return _variable(name, namespace)
    return None if node is None else ast.literal_eval(node)


def _variable(name: str, namespace: Mapping[str, Any], hint: str = "") -> Any:
    if name in namespace:
        return namespace[name]
    known = [each for each in namespace if not each.startswith("_")]
    raise InputError(f"there is no variable {name!r}.{close_matches(name, known)}{hint}")


def value_of(braces: Braces, path: list[ast.expr] | None, namespace: Mapping[str, Any], evaluate: bool) -> Any:
    """Return the value of the expression in braces, whose `path` is that of `path_of`. Raises InputError."""
    source = braces.source
    if path:
        return _resolved(source, path, namespace)
    if not evaluate:
        raise InputError(f"{{{source}}} would have to be computed: allow it with --eval.{_as_it_is(source)}")
    with blamed(f"{{{source}}}"):
        # A copy: names of its own, such as those of a comprehension, must not stay in the notebook.
        return eval(compile(ast.Expression(braces.tree), "<braces>", "eval"), dict(namespace))  # noqa: S307 - it is what --eval means


def _filled(form: Form | None, namespace: Mapping[str, Any]) -> Form | None:
    """Return the form with the variables in its spec, such as that of `{x:>{width}}`, in their places."""
    for name in form.variables() if form else ():
        form = form and form._replace(spec=form.spec.replace(f"{{{name}}}", str(_variable(name, namespace))))
    return form


def _as_it_is(source: str) -> str:
    return f" To send the braces themselves, write {{{{{source}}}}}, or put them in backticks."


def _resolved(source: str, path: list[ast.expr], namespace: Mapping[str, Any]) -> Any:
    """Walk from the variable to its attribute or item. Nothing is called, except by properties themselves."""
    value = _variable(ast.unparse(path[0]), namespace, _as_it_is(source))
    for step in path[1:]:
        if isinstance(value, Key):
            return value  # a part of it would be no Key any more
        with blamed(ast.unparse(step)):
            if isinstance(step, ast.Subscript):
                value = _item(value, _key(step.slice, namespace), step)
            elif isinstance(step, ast.Attribute):
                value = _attribute(value, step.attr, step)
    return value


def _attribute(value: Any, name: str, step: ast.Attribute) -> Any:
    try:
        return getattr(value, name)
    except AttributeError as error:
        if error.name != name or error.obj is not value:  # raised by the attribute's own code
            raise
        if isinstance(value, Mapping) and name in value:
            raise InputError(f"{ast.unparse(step)}: write {ast.unparse(step.value)}[{name!r}]") from error
        known = [each for each in dir(value) if not each.startswith("_")]
        raise InputError(f"{ast.unparse(step)}: there is no {name!r}.{close_matches(name, known)}") from error


def _item(value: Any, key: object, step: ast.expr) -> Any:
    try:
        return value[key]
    except KeyError as error:
        keys = value.keys() if isinstance(key, str) and hasattr(value, "keys") else ()
        known = [each for each in islice(keys, _SEARCHED) if isinstance(each, str)]
        raise InputError(f"{ast.unparse(step)}: there is no {key!r}.{close_matches(str(key), known)}") from error


def _mention(value: object, name: str, images: list[Any]) -> str:
    """Add an image to `images`, once, and return the text in its place; return "" for any other value."""
    with blamed(f"drawing {name}"):
        if not _is_image(value):
            return ""
    at = next((at for at, image in enumerate(images) if image is value), len(images))
    images[at:] = images[at:] or [value]
    return f"[image {at + 1}: {name}]"


def _is_image(value: object) -> bool:
    """Whether an object draws itself, and has no text of its own for a model."""
    kind = type(value)
    if isinstance(value, type) or any(hasattr(kind, name) for name in SAYS_ITSELF):
        return False
    if hasattr(kind, "getbands") or hasattr(kind, "savefig") or is_a(value, "IPython", "Image"):
        return True
    if is_a(value, "matplotlib", "Artist"):
        return getattr(value, "figure", None) is not None
    if not any(callable(getattr(kind, name, None)) for name in _DRAWING):
        return False
    try:
        image_part(value)
    except InputError:
        return False  # IPython shows it, but not as an image
    return True


def _apart(text: str, braces: Braces, value: object, inserted: str) -> str:
    """Return a text of several lines, such as a table, with blank lines around it; the value of a str as it is."""
    if "\n" not in inserted or isinstance(value, str):
        return inserted
    before, after = text[: braces.start], text[braces.end :]
    lead = "" if not before.strip() or before.endswith("\n\n") else "\n" if before.endswith("\n") else "\n\n"
    tail = "" if not after.strip() or after.startswith("\n\n") else "\n" if after.startswith("\n") else "\n\n"
    return f"{lead}{inserted}{tail}"
