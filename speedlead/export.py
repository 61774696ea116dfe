"""Everything we hold of a person, for the person: JSON for machines, an HTML page for reading, or both as a zip."""

import base64
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import Any

from speedlead import wording
from speedlead.store.personal_data import TABLES

Rows = Mapping[str, Sequence[Mapping[str, Any]]]

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:0 0 1rem;width:100%}td{border-top:1px solid #ccc;padding:.2rem .6rem;"
    "vertical-align:top;overflow-wrap:anywhere}td:first-child{width:14rem;color:#555}"
)
# columns whose values are codes of ours
_WORDS = {
    "reason": wording.reason, "close_reason": wording.reason, "plan_stopped": wording.reason,
    "bad_reason": wording.reason, "stage": wording.stage, "intent": wording.intent, "step": wording.step,
}  # fmt: skip


def as_json(rows: Rows, company: str, at: datetime) -> str:
    """{"from", "made_at", "tables": {table: {"what", "rows"}}}; times in ISO 8601, bytes in base64."""
    tables = {
        table.name: {"what": table.title, "rows": [_public(table.private, row) for row in rows[table.name]]}
        for table in TABLES
        if table.name in rows
    }
    whole = {"from": company, "made_at": at, "tables": tables}
    return json.dumps(whole, default=_plain, indent=2, ensure_ascii=False) + "\n"


def as_html(rows: Rows, company: str, at: datetime) -> str:
    """One section for each kind of data, in words; what is empty or an internal number is left to the JSON."""
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Your data at {escape(company)}</title>',
        f"<style>{_STYLE}</style><h1>Your data at {escape(company)}</h1>",
        f"<p>Made on {at:%Y-%m-%d %H:%M} UTC. Times are in UTC. data.json has the same, complete, for programs.</p>",
    ]
    # the person first, machinery last
    for table in sorted((t for t in TABLES if t.name in rows), key=lambda t: t.name not in _FIRST):
        parts.append(f"<h2>{escape(table.title)}</h2>")
        for row in rows[table.name]:
            cells = [(name, _said(name, value)) for name, value in _public(table.private, row).items()]
            told = "".join(
                f"<tr><td>{escape(name.replace('_', ' '))}</td><td>{escape(text)}</td></tr>"
                for name, text in cells
                if text and name != "id" and not name.endswith(("_id", "_wall", "_us", "_ms"))
            )
            if told:
                parts.append(f"<table>{told}</table>")
    return "\n".join(parts) + "\n"


_FIRST = frozenset({"person", "person_email", "person_phone", "inquiry", "reply", "answer"})


def as_zip(rows: Rows, company: str, at: datetime) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", as_json(rows, company, at))
        archive.writestr("read-me.html", as_html(rows, company, at))
    return file.getvalue()


def _public(private: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in private.split()}


def _said(name: str, value: Any) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item}" for key, item in value.items())
    return str(_WORDS[name](value)) if name in _WORDS and isinstance(value, str) else str(value)


def _plain(value: object) -> object:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} in an export")
