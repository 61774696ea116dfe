"""A picture as PNG, the same on every machine: our own font and the light colours."""

import re
from importlib.resources import as_file, files

_VARIABLE = re.compile(r"--([a-z]+):\s*(#[0-9a-f]{6})")
_DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{.*?\n\}\n", re.S)


def to_png(svg: str, *, zoom: float = 2) -> bytes:
    """`svg` with its style in it. Two pixels for each of its units by default."""
    import resvg_py

    with as_file(files("speedlead.preview") / "fonts") as fonts:
        return resvg_py.svg_to_bytes(
            svg_string=_plain(svg),
            zoom=zoom,
            skip_system_fonts=True,
            font_dirs=[str(fonts)],
            font_family="DejaVu Sans",
            sans_serif_family="DejaVu Sans",
        )


def _plain(svg: str) -> str:
    """resvg knows no CSS variables, no media queries and no weights between 600 and 700: all are put in place."""
    light = _DARK.sub("", svg).replace("font-weight: 650", "font-weight: bold")
    colours = dict(_VARIABLE.findall(light))
    return re.sub(r"var\(--([a-z]+)\)", lambda found: colours[found[1]], light)
