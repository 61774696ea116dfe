"""The looks of the picture: colours for light and dark, and a shape for each kind, so that colour is not needed."""

from collections.abc import Callable

STYLE = """
svg { --panel: #ffffff; --ink: #1b1f24; --soft: #57606a; --rule: #d8dee4; --band: #eef4fb; --stripe: #f6f8fa;
  --call: #0b62c4; --email: #8a4b00; --sms: #1a7037; --lead: #7a2f9e; --ours: #57606a; --end: #b3261e; }
@media (prefers-color-scheme: dark) {
  svg { --panel: #12161c; --ink: #e8edf2; --soft: #a3aeb9; --rule: #323a44; --band: #1b2836; --stripe: #171c23;
    --call: #6cb2ff; --email: #f0a860; --sms: #66d18a; --lead: #d39cf0; --ours: #a3aeb9; --end: #ff8f86; }
}
text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--ink); }
.title { font-size: 20px; font-weight: 650; } .name { font-size: 13px; font-weight: 650; }
.small { font-size: 11px; } .soft { fill: var(--soft); } .line { font-size: 10.5px; } .tick { font-size: 9px; }
.time { fill: var(--soft); font-variant-numeric: tabular-nums; }
.panel { fill: var(--panel); } .band { fill: var(--band); } .stripe { fill: var(--stripe); }
.rule { stroke: var(--rule); stroke-width: 1; } .life { stroke: var(--soft); stroke-width: 1.5; }
.m { stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round; }
.call { fill: var(--call); stroke: var(--call); } .email { fill: var(--email); stroke: var(--email); }
.sms { fill: var(--sms); stroke: var(--sms); }
.inquiry, .reply { fill: var(--lead); stroke: var(--lead); } .opt_out { fill: none; stroke: var(--end); }
.notified { fill: none; stroke: var(--ours); } .outcome { fill: none; stroke: var(--sms); stroke-width: 2.2; }
.closed { fill: var(--soft); stroke: var(--soft); }
.not { fill: var(--panel); stroke-dasharray: 2 1.6; } text.not { fill: var(--soft); stroke: none; }
"""


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
