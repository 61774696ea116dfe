"""Reads TwiML: the verbs of a document, in order; what is not known to the caller is kept as well."""

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Verb:
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: tuple["Verb", ...] = ()

    def number(self, attribute: str, default: int) -> int:
        try:
            return int(self.attributes.get(attribute, default))
        except ValueError:
            return default


def parse(document: str) -> list[Verb]:
    """Raises ValueError when the document is no TwiML (Twilio's error 12100)."""
    if "<!DOCTYPE" in document or "<!ENTITY" in document:
        raise ValueError("TwiML: a document type is not allowed")
    try:
        root = ElementTree.fromstring(document)  # noqa: S314 our own gateway wrote it, and entities are refused above
    except ElementTree.ParseError as error:
        raise ValueError(f"TwiML: {error}") from None
    if root.tag != "Response":
        raise ValueError(f"TwiML: expected <Response>, got <{root.tag}>")
    return [_verb(element) for element in root]


def _verb(element: ElementTree.Element) -> Verb:
    return Verb(
        element.tag, dict(element.attrib), (element.text or "").strip(), tuple(_verb(child) for child in element)
    )
