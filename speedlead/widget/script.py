"""The script that turns a page's form into an intake form: its parts put together, and its version."""

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# one closure: nothing of it is in the way of what else the page runs
PARTS = ("words.js", "keeping.js", "reading.js", "showing.js", "chat.js", "form.js")

_QUOTED = re.compile(r'"[^"]*"|`[^`]*`|[^"`]+|[`"]')
_BLANKS = re.compile(r" ?(=>|[!=]==?|&&|\|\||[=?:,{}+<>]) ?")


@dataclass(frozen=True, slots=True)
class Script:
    """`packed`: as it is sent; `version` stands in the address; `integrity` is the attribute of that name (SRI)."""

    body: bytes
    packed: bytes
    version: str
    integrity: str


@cache
def script() -> Script:
    folder = Path(__file__).parent / "parts"
    body = ('(() => {\n"use strict";\n' + "".join(_spoken(folder / part) for part in PARTS) + "})();\n").encode()
    digest = hashlib.sha384(body).digest()
    packed = gzip.compress(body, 9, mtime=0)
    return Script(body, packed, digest[:6].hex(), f"sha384-{base64.b64encode(digest).decode()}")


def tag(public_url: str, *, pinned: bool) -> str:
    """The element for a page's head. `pinned`: this very version and no other."""
    if not pinned:
        return f'<script src="{public_url}/widget.js" data-form="#contact" defer></script>'
    found = script()
    return (
        f'<script src="{public_url}/widget/{found.version}.js" integrity="{found.integrity}" '
        'crossorigin="anonymous" data-form="#contact" defer></script>'
    )


def _spoken(part: Path) -> str:
    """Without the lines that only explain, and without the blanks that only please."""
    lines = (line.strip() for line in part.read_text(encoding="utf-8").splitlines())
    return "".join(f"{_tight(line)}\n" for line in lines if line and not line.startswith("//"))


def _tight(line: str) -> str:
    """Blanks around operators go, outside of what stands in quotes."""
    return "".join(piece if piece[0] in '"`' else _BLANKS.sub(r"\1", piece) for piece in _QUOTED.findall(line))
