"""Another package called g4f, from another distribution or folder: one of the two hides or overwrites the other."""

from __future__ import annotations

from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path

__all__ = ["explained", "other_g4f"]


def other_g4f() -> str:
    """Return one line that says which other g4f is here and what to do, "" if there is none. Imports neither."""
    others = sorted({each.name for each in distributions() if _has_g4f(each)} - {"g4f-jupyter", "g4f_jupyter"})
    if others:
        names = ", ".join(others)
        return (
            f"another package g4f is installed, by {names}: it and g4f-jupyter overwrite each other. Use an "
            f"environment of its own, or: pip uninstall {' '.join(others)} g4f-jupyter, then pip install g4f-jupyter"
        )
    spec = find_spec("g4f")
    found = Path(spec.origin).parent if spec is not None and spec.origin is not None else None
    if found is None or found.resolve() == (Path(__file__).parent.parent / "g4f").resolve():
        return ""
    return f"g4f is imported from {found}, which hides the one of g4f-jupyter: rename it, or start elsewhere"


def explained(error: ImportError) -> ImportError:
    """Return the error of an import in g4f; if there is another g4f, one that IPython shows as the line about it."""
    other = other_g4f()
    if not other:
        return error
    broken = ImportError(other)
    broken._render_traceback_ = lambda: [f"ImportError: {other}"]  # type: ignore[attr-defined]
    return broken


def _has_g4f(distribution: Distribution) -> bool:
    """Whether a distribution has installed files of a package g4f. Reading its list as a text takes 0.2 ms."""
    files = f"\n{distribution.read_text('RECORD') or ''}"
    return "\ng4f/" in files or "g4f" in (distribution.read_text("top_level.txt") or "").split()
