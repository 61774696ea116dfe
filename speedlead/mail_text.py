"""Reading mail that people and programs answer with: is it automatic, and which part of it did they write? Pure."""

import re
from collections.abc import Mapping
from html import escape
from html.parser import HTMLParser

_QUOTE_START = re.compile(
    r"^\s*(?:>|-{2,}\s*original message|-{5,}|_{5,}|on .{4,200} wrote:\s*$|am .{4,200} schrieb.*:\s*$|"
    r"le .{4,200} a écrit\s*:\s*$|el .{4,200} escribió\s*:\s*$|em .{4,200} escreveu\s*:\s*$|op .{4,200} schreef.*:\s*$|"
    r"(?:on|am|le|el|em|op) \w.{4,60}\d{4}.{4,140}[<(][^\s@]+@[^\s@]+[>)]\s*$|"
    r"(?:from|von|van|de\s?|da):\s.+|sent from my |-- $)",
    re.IGNORECASE,
)


def is_automatic(headers: Mapping[str, str], envelope_from: str | None) -> bool:
    """Out-of-office notes, bounces and list mail: a program answered, not the lead. Header names in lower case.

    RFC 3834 (Auto-Submitted, empty envelope sender) and what older systems set. An `envelope_from` of None is unknown.
    """
    if headers.get("auto-submitted", "no").partition(";")[0].strip().lower() not in ("no", ""):
        return True
    if headers.get("precedence", "").strip().lower() in ("bulk", "junk", "list", "auto_reply"):
        return True
    if any(name in headers for name in ("x-autoreply", "x-autorespond", "x-autoresponder", "list-id")):
        return True
    return envelope_from is not None and envelope_from.strip(" <>") == ""


def is_absence_note(headers: Mapping[str, str], sender: str) -> bool:
    """May an automatic mail say when somebody is back? Not a report of failed delivery, and not a mailing list."""
    if headers.get("content-type", "").strip().lower().startswith("multipart/report"):
        return False
    if sender.partition("@")[0].lower() in ("mailer-daemon", "postmaster"):
        return False
    return "list-id" not in headers and "list-unsubscribe" not in headers


def written_part(text: str) -> str:
    """The text above the quoted mail and the signature: our own footer says "unsubscribe", and it comes back quoted."""
    kept: list[str] = []
    for line in text.split("\n"):
        if _QUOTE_START.match(line):
            break
        kept.append(line)
    return "\n".join(kept).strip()


def html_of_text(text: str) -> str:
    """A small document of escaped paragraphs; nothing in the text can become markup."""
    parts = [part.strip() for part in re.split(r"\n[ \t]*\n", text) if part.strip()]
    paragraphs = [f"<p>{escape(part)}</p>".replace("\n", "<br>\n") for part in parts]
    return "<html><body>\n" + "\n".join(paragraphs) + "\n</body></html>\n"


_BLOCKS = frozenset("p div br tr li ul ol table h1 h2 h3 h4 h5 h6 hr blockquote section article".split())
_UNSEEN = frozenset("head script style title template noscript svg".split())
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])", re.IGNORECASE)
_MOST_HTML = 500_000
_PIECE = 4096
# a tag, comment or style sheet that has not ended after so much never does; the parser reads it anew with each piece
_MOST_UNENDED = 131_072


def text_of_html(html: str) -> str:
    """What a reader of an HTML mail sees, as plain text; quoted mail gets a `> ` before each line, as in text mail."""
    reader = _Reader()
    for at in range(0, min(len(html), _MOST_HTML), _PIECE):
        reader.feed(html[at : at + _PIECE])
        if len(reader.rawdata) > _MOST_UNENDED:
            break
    if len(reader.rawdata) <= _PIECE:  # at the end, each of many unended tags would be looked for to the end
        reader.close()
    lines = (re.sub(r"[ \t\r\f\xa0]+", " ", line).strip() for line in "".join(reader.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    """Keeps the text and forgets the rest: no tag, attribute or link of a stranger's mail gets any further."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._quotes = 0
        self._unseen: str | None = None  # the element whose content nobody sees, and how many of its kind are open
        self._nested = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._unseen is not None:
            self._nested += tag == self._unseen
            return
        given = dict(attrs)
        hidden = "hidden" in given or _HIDDEN.search(given.get("style") or "")
        if tag not in _VOID and (tag in _UNSEEN or hidden):
            self._unseen, self._nested = tag, 1
            return
        self._quotes += tag == "blockquote"
        if tag in _BLOCKS:
            self._new_line()

    def handle_endtag(self, tag: str) -> None:
        if self._unseen is not None:
            self._nested -= tag == self._unseen
            if self._nested == 0:
                self._unseen = None
            return
        if tag == "blockquote":
            self._quotes = max(0, self._quotes - 1)
        if tag in _BLOCKS:
            self._new_line()

    def handle_data(self, data: str) -> None:
        if self._unseen is None:
            self.parts.append(" ".join(data.split("\n")))

    def parse_html_declaration(self, i: int) -> int:
        try:
            return super().parse_html_declaration(i)
        except AssertionError:  # `<![foo]>`, as word processors write it
            return self.parse_bogus_comment(i)

    def _new_line(self) -> None:
        self.parts.append("\n" + "> " * bool(self._quotes))
