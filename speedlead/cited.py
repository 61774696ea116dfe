"""Where the plan's numbers are from, in words: the plans that come with us cite rows of our requirements by number.

Plans keep the numbers, because a text that is changed is another version. What a house writes itself is left as it is.
"""

import re

_FIRST, _SECOND = "an article on answering in five minutes", "a trade article"
_ROWS = {
    18: f"{_FIRST}: SaaS", 19: f"{_FIRST}: consumers", 20: f"{_FIRST}: large companies", 21: f"{_FIRST}: by source",
    22: f"{_SECOND}: by channel", 27: f"{_SECOND}: its cases", 39: f"{_FIRST}: hot leads", 40: f"{_FIRST}: warm leads",
    41: f"{_FIRST}: cold leads",
}  # fmt: skip
_CITED = re.compile(r"REQ (\d+)")


def in_words(source: str) -> str:
    """`REQ 22, house default` -> `a trade article: by channel, house default`. Other rows stay."""
    return _CITED.sub(lambda found: _ROWS.get(int(found[1]), found[0]), source)
