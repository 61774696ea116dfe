"""The looks of the picture: colours for light and dark, and a shape for each kind, so that colour is not needed."""

from collections.abc import Callable
from importlib.resources import files

STYLE = (files("speedlead") / "gateway" / "static" / "picture.css").read_text(encoding="utf-8")
"""For a picture that is a file of its own: its root has the class `picture`. Pages link the same file."""


def _polygon(points: str) -> Callable[[str], str]:
    return lambda css: f'<polygon class="{css}" points="{points}"/>'


def _path(d: str) -> Callable[[str], str]:
    return lambda css: f'<path class="{css}" d="{d}"/>'


_SHAPES: dict[str, Callable[[str], str]] = {
    "call": lambda css: f'<circle class="{css}" r="4"/>',
    "email": lambda css: f'<rect class="{css}" x="-4.6" y="-3.4" width="9.2" height="6.8"/>',
    "sms": _polygon("0,-4.6 4.6,3.6 -4.6,3.6"),
    "inquiry": _polygon("0,-5 5,0 0,5 -5,0"),
    "reply": _polygon("-5,0 1,-4.6 1,-1.8 5,-1.8 5,1.8 1,1.8 1,4.6"),
    "notified": _path("M -4 -1 a 4 4 0 0 1 8 0 v 3 h -8 z M -1 4 h 2"),
    "outcome": _path("M -4.4 0.4 L -1.2 3.8 L 4.6 -3.8"),
    "opt_out": _path("M -3.8 -3.8 L 3.8 3.8 M 3.8 -3.8 L -3.8 3.8"),
    "closed": lambda css: f'<rect class="{css}" x="-1.2" y="-4.6" width="2.4" height="9.2"/>',
}

LEGEND = (
    ("inquiry", True, "form"),
    ("call", True, "call"),
    ("email", True, "e-mail"),
    ("sms", True, "SMS"),
    ("call", False, "skipped, with its reason"),
    ("reply", True, "reply"),
    ("notified", True, "our people told"),
    ("outcome", True, "outcome logged"),
    ("opt_out", True, "opt-out"),
    ("closed", True, "end"),
)


def mark(shape: str, x: float, y: float, *, done: bool = True, tip: str = "") -> str:
    """`tip` is escaped already."""
    css = f"m {shape}" if done else f"m {shape} not"
    title = f"<title>{tip}</title>" if tip else ""
    return f'<g transform="translate({x:.1f} {y:.1f})">{title}{_SHAPES[shape](css)}</g>'
