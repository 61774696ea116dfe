"""Runs a template over plain values: once as text, once as HTML. What a lead wrote is a value, never a template.

A template may name a value, ask whether there is one, and link to an address it was given; the linter refuses the rest
of the template language, and the sandbox would. One text makes both forms: a blank line parts paragraphs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from speedlead.composing.book import Template


class RenderError(ValueError):
    """A name that no message has, a value that is not there, or a link that is none."""


@dataclass(frozen=True, slots=True)
class Link:
    """An address that a text may link to; nothing that a lead wrote ever becomes one. `picture`: what is clicked on."""

    url: str
    picture: str | None = None


class Renderer:
    """Compiles a template at its first use and keeps it. Rendering one takes some 0.1 ms."""

    def __init__(self) -> None:
        self._text = _environment(html=False)
        self._html = _environment(html=True)
        self._compiled: dict[tuple[str, bool], Any] = {}

    def subject(self, template: Template, values: Mapping[str, object]) -> str:
        """One line. Raises RenderError."""
        return " ".join(self._run(template.name + "#", template.head.subject or "", values, html=False).split())

    def text(self, template: Template, values: Mapping[str, object]) -> str:
        """Paragraphs of a mail, one line for what is texted or read out. Raises RenderError."""
        said = self._run(template.name, template.body, values, html=False)
        return " ".join(said.split()) if template.channel != "email" else "\n\n".join(_paragraphs(said)) + "\n"

    def html(self, template: Template, values: Mapping[str, object]) -> str:
        """A small document without style or script. Raises RenderError."""
        said = self._run(template.name, template.body, values, html=True)
        body = "\n".join(f"<p>{part.replace(chr(10), '<br>' + chr(10))}</p>" for part in _paragraphs(said))
        return f'<html lang="{template.language}"><body>\n{body}\n</body></html>\n'

    def _run(self, name: str, source: str, values: Mapping[str, object], *, html: bool) -> str:
        try:
            compiled = self._compiled.get((name, html))
            if compiled is None:
                compiled = (self._html if html else self._text).from_string(source)
                self._compiled[name, html] = compiled
            return str(compiled.render(values))
        except TemplateError as error:
            raise RenderError(error.message or type(error).__name__) from None


def _paragraphs(said: str) -> list[str]:
    return [part.strip() for part in re.split(r"\n[ \t]*\n", said) if part.strip()]


def _environment(*, html: bool) -> ImmutableSandboxedEnvironment:
    def show(value: Any) -> Any:
        if value is None:
            raise RenderError("a value is shown that may be missing; expected {% if name %} around it")
        if isinstance(value, Link):
            return _anchor(value, value.url) if html else value.url
        return value

    def link(value: Any, text: str) -> Any:
        if not isinstance(value, Link):
            raise RenderError("link: expected a name of an address before it")
        return _anchor(value, text) if html else f"{text}: {value.url}"

    environment = ImmutableSandboxedEnvironment(
        autoescape=html, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=show
    )
    environment.globals.clear()
    environment.tests.clear()
    environment.filters.clear()
    environment.filters["link"] = link
    return environment


def _anchor(link: Link, text: str) -> Markup:
    if link.picture is not None:
        shown = Markup('<img src="{}" alt="" width="320">').format(escape(link.picture))
        return Markup('<a href="{}">{}<br>{}</a>').format(escape(link.url), shown, escape(text))
    return Markup('<a href="{}">{}</a>').format(escape(link.url), escape(text))
