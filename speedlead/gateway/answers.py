"""The small pages that strangers see besides the form: a sentence, or the unsubscribe button. Values are escaped."""

from collections.abc import Mapping
from html import escape

from starlette.responses import HTMLResponse


def message(title: str, text: str, *, status: int, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    """A page that says one thing."""
    return _page(title, f"<p>{escape(text)}</p>", status=status, headers=headers)


def unsubscribe(action: str, company: str) -> HTMLResponse:
    return _page(
        "Unsubscribe",
        f"<p>Stop all e-mail from {escape(company)} to you?</p>\n"
        f'<form method="post" action="{escape(action)}">\n'
        '<button class="primary" type="submit">Unsubscribe</button>\n</form>',
        company=company,
    )


def _page(
    title: str, body: str, *, status: int = 200, headers: Mapping[str, str] | None = None, company: str = ""
) -> HTMLResponse:
    """`body` is HTML; `title` is text."""
    brand = f'<header class="top"><span class="brand">{escape(company)}</span></header>\n' if company else ""
    return HTMLResponse(
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<link rel="icon" href="/static/icon.svg" type="image/svg+xml">\n'
        f'<link rel="stylesheet" href="/static/app.css">\n</head>\n<body>\n{brand}<main class="narrow">\n'
        f"<h1>{escape(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n",
        status,
        headers,
    )
