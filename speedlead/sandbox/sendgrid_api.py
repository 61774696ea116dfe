"""SendGrid's POST /v3/mail/send, with its checks and its error bodies."""

import hmac
import json
import re
from typing import Any

from aiohttp import web

from speedlead.sandbox.answers import with_faults
from speedlead.sandbox.faults import Faults
from speedlead.sandbox.people import People, normal
from speedlead.sandbox.store import Row, Store
from speedlead.sandbox.tokens import mail_id

MAX_BYTES = 30 * 1024 * 1024
MAX_CUSTOM_ARGS = 10_000
_ADDRESS = re.compile(r"^[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\".]+$")

Problem = tuple[str, str | None]


class SendgridApi:
    def __init__(self, store: Store, people: People, faults: Faults, *, api_key: str) -> None:
        self._store = store
        self._people = people
        self._faults = faults
        self._api_key = api_key

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v3/mail/send", self.send)]

    async def send(self, request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._api_key}".encode()):
            return errors(401, [("The provided authorization grant is invalid, expired, or revoked", None)])
        if request.content_type != "application/json":
            return errors(415, [("Content-Type should be application/json.", None)])
        try:
            mail = json.loads(await request.read())
        except ValueError:
            return errors(400, [("Bad Request", None)])
        problems = check(mail)
        if problems:
            return errors(400, problems)
        if (mail.get("mail_settings") or {}).get("sandbox_mode", {}).get("enable"):
            return web.Response(status=200)
        first = mail["personalizations"][0]
        refused = self._people.behaviour(first["to"][0]["email"]).refuse_email
        if refused:
            return errors(refused, [("refused", None)])
        key = {**mail.get("custom_args", {}), **first.get("custom_args", {})}.get("touch_id") or first["to"][0]["email"]

        async def accept() -> web.Response:
            message_id = mail_id()
            for row in self._stored(mail, message_id):
                await self._people.mail_accepted(row)
            return web.Response(status=202, headers={"X-Message-Id": message_id})

        return await with_faults(request, self._faults, channel="email", key=key, refuse=_refuse, accept=accept)

    def _stored(self, mail: dict[str, Any], message_id: str) -> list[Row]:
        """One row per recipient, all of them stored before anything else happens."""
        content = {part["type"]: part["value"] for part in mail["content"]}
        rows: list[Row] = []
        for personal in mail["personalizations"]:
            custom_args = {**mail.get("custom_args", {}), **personal.get("custom_args", {})}
            for to in [*personal["to"], *personal.get("cc", []), *personal.get("bcc", [])]:
                rows.append(self._store.add(Row(
                    message_id if not rows else f"{message_id}.{len(rows)}", "email", "outbound-api",
                    mail["from"]["email"], normal(to["email"]), custom_args.get("touch_id"),
                    subject=personal.get("subject") or mail.get("subject", ""), text=content.get("text/plain", ""),
                    html=content.get("text/html", ""), status="accepted",
                    extra={
                        "message_id": message_id, "custom_args": custom_args, "to_name": to.get("name"),
                        "from_name": mail["from"].get("name"), "categories": mail.get("categories", []),
                        "headers": {**mail.get("headers", {}), **personal.get("headers", {})},
                        "reply_to": (mail.get("reply_to") or {}).get("email"),
                    },
                )))  # fmt: skip
        return rows


def check(mail: Any) -> list[Problem]:
    """What SendGrid would complain about: (message, field) pairs."""
    if not isinstance(mail, dict):
        return [("Bad Request", None)]
    problems = _check_recipients(mail.get("personalizations"))
    sender = mail.get("from")
    if not isinstance(sender, dict) or not _is_address(sender.get("email")):
        problems.append(("The from object must be provided for every email send.", "from.email"))
    personal = mail.get("personalizations")
    subjects = [p.get("subject") for p in personal if isinstance(p, dict)] if isinstance(personal, list) else []
    if not mail.get("subject") and not (subjects and all(subjects)):
        problems.append(("The subject is required.", "subject"))
    content = mail.get("content")
    if not isinstance(content, list) or not content:
        problems.append(("Unless a valid template_id is provided, the content parameter is required.", "content"))
    else:
        for index, part in enumerate(content):
            if not isinstance(part, dict) or not part.get("type") or not part.get("value"):
                problems.append(("The content value must be a string at least one character in length.",
                                 f"content.{index}.value"))  # fmt: skip
        types = [part.get("type") for part in content if isinstance(part, dict)]
        if "text/plain" in types[1:]:
            problems.append(("If present, text/plain must be first.", "content"))
    categories = mail.get("categories", [])
    if len(categories) > 10 or len(set(categories)) != len(categories):
        problems.append(("There cannot be more than 10 unique categories.", "categories"))
    return problems


def _check_recipients(personalizations: Any) -> list[Problem]:
    if not isinstance(personalizations, list) or not 1 <= len(personalizations) <= 1000:
        return [("The personalizations field is required and must have at least one personalization.",
                 "personalizations")]  # fmt: skip
    problems: list[Problem] = []
    for index, personal in enumerate(personalizations):
        where = f"personalizations.{index}"
        recipients = personal.get("to") if isinstance(personal, dict) else None
        if not isinstance(recipients, list) or not recipients:
            problems.append(("The to array is required for all personalization objects.", f"{where}.to"))
            continue
        problems += [
            ("Does not contain a valid address.", f"{where}.to.{number}.email")
            for number, to in enumerate(recipients)
            if not isinstance(to, dict) or not _is_address(to.get("email"))
        ]
        if len(json.dumps(personal.get("custom_args", {})).encode()) > MAX_CUSTOM_ARGS:
            problems.append(("The custom_args are larger than 10000 bytes.", f"{where}.custom_args"))
    return problems


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and _ADDRESS.match(value) is not None


def errors(status: int, problems: list[Problem]) -> web.Response:
    """A refusal in SendGrid's shape."""
    body = {"errors": [{"message": message, "field": field, "help": None} for message, field in problems]}
    return web.json_response(body, status=status)


def _refuse(status: int) -> web.Response:
    words = {429: "too many requests", 503: "Service Unavailable"}
    return errors(status, [(words.get(status, "Internal Server Error"), None)])
