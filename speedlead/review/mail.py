"""The review as a mail: one HTML part that needs nothing from outside, one of plain text that says the same.

It has ids and links alone, no name, address or word of a lead: mails are forwarded.
"""

import textwrap
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from speedlead.ports import Mail
from speedlead.review.content import Review
from speedlead.review.words import Section, headline, sections, title

_WIDTH = 76


def mail_of(
    review: Review, *, company: str, staff_url: str, touch_id: str, to_address: str, to_name: str, reply_token: str
) -> Mail:
    url = f"{staff_url}/review/{review.week}"
    return Mail(
        touch_id=touch_id,
        to_address=to_address,
        to_name=to_name,
        subject=f"{company}: {title(review)}"[:200],
        text=text_of(review, staff_url),
        html=html_of(review, company, staff_url, url),
        reply_token=reply_token,
        category="notice",
        headers={"Auto-Submitted": "auto-generated"},
    )


def html_of(review: Review, company: str, staff_url: str, url: str) -> str:
    """A whole document; styles stand at their elements, for mail programs drop the head's."""
    return str(_template().render(
        review=review, title=title(review), headline=headline(review), sections=sections(review), company=company,
        staff_url=staff_url, url=url,
    ))  # fmt: skip


def text_of(review: Review, staff_url: str = "") -> str:
    """`staff_url`: where links begin; without one there are none."""
    parts = [title(review), "", *textwrap.wrap(headline(review), _WIDTH)]
    for section in sections(review):
        parts += ["", section.title.upper(), *textwrap.wrap(section.words, _WIDTH), *_lines(section, staff_url)]
    if staff_url:
        parts += ["", f"The whole review: {staff_url}/review/{review.week}"]
    return "\n".join(parts) + "\n"


def _lines(section: Section, staff_url: str) -> list[str]:
    """A row in words: what it is about, then each value with its name."""
    found = []
    for row in section.rows:
        named = zip(section.columns[1:], row.cells[1:], strict=False)
        text = "; ".join(f"{name.lower()}: {cell}" for name, cell in named)
        line = f"{row.cells[0]}: {text}" if text else row.cells[0]
        found += textwrap.wrap(line, _WIDTH, initial_indent="- ", subsequent_indent="  ")
        if row.path and staff_url:
            found.append(f"  {staff_url}{row.path}")
    return found


@cache
def _template() -> Any:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(files("speedlead.review").joinpath("mail.html").read_text("utf-8"))
