"""The two bodies SendGrid posts to us: arrays of events, and mail from Inbound Parse."""

import json
import secrets
import time
from email.utils import formatdate
from typing import Any

from speedlead.sandbox.store import Row


def event(row: Row, name: str, **more: Any) -> bytes:
    """A JSON array with one event of `row`; custom_args appear flat in it, as SendGrid does it."""
    # a message with several recipients has one X-Message-Id and a row for each
    message_id = row.extra.get("message_id", row.id)
    body: dict[str, Any] = {
        **row.extra.get("custom_args", {}),
        "email": row.recipient,
        "timestamp": int(time.time()),
        "event": name,
        "sg_event_id": secrets.token_urlsafe(18),
        "sg_message_id": f"{message_id}.recvd-sandbox-{row.seq}",
        "smtp-id": f"<{message_id}@sandbox.invalid>",
        "category": row.extra.get("categories", []),
        **more,
    }
    return json.dumps([body]).encode()


def inbound(row: Row, *, text: str, subject: str, automatic: bool) -> tuple[bytes, str]:
    """(body, content type) of an answer to `row`, as Inbound Parse posts it."""
    reply_to = row.extra.get("reply_to") or row.sender
    sent = row.extra.get("headers", {})
    answered = sent.get("Message-ID", f"<{row.id}@sandbox.invalid>")
    lines = [
        f"Message-ID: <{secrets.token_hex(12)}@{row.recipient.rpartition('@')[2]}>",
        f"Date: {formatdate()}",
        f"From: {row.recipient}",
        f"To: {reply_to}",
        f"Subject: {_header(subject)}",
        f"In-Reply-To: {answered}",
        f"References: {sent.get('References', '')} {answered}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
    ]
    if automatic:  # RFC 3834
        lines += ["Auto-Submitted: auto-replied", "X-Auto-Response-Suppress: All", "Precedence: auto_reply"]
    return _parsed(lines, row.recipient, row.recipient, reply_to, subject, text)


def stranger(row: Row, *, name: str, language: str) -> tuple[bytes, str]:
    """(body, content type) of a mail that answers nothing of ours, as Inbound Parse posts it."""
    written_by = f"{_header(name)} <{row.sender}>" if name else row.sender
    lines = [
        f"Message-ID: <{secrets.token_hex(12)}@{row.sender.rpartition('@')[2]}>",
        f"Date: {formatdate()}",
        f"From: {written_by}",
        f"To: {row.recipient}",
        f"Subject: {_header(row.subject)}",
        *([f"Content-Language: {_header(language)}"] if language else []),
    ]
    return _parsed(lines, written_by, row.sender, row.recipient, row.subject, row.text)


def _parsed(lines: list[str], written_by: str, sender: str, to: str, subject: str, text: str) -> tuple[bytes, str]:
    fields = {
        "headers": "\n".join(lines) + "\n",
        "from": written_by,
        "to": to,
        "subject": subject,
        "text": text,
        "envelope": json.dumps({"to": [to], "from": sender}),
        "sender_ip": "127.0.0.1",
        "SPF": "pass",
        "dkim": f"{{@{sender.rpartition('@')[2]} : pass}}",
        "attachments": "0",
        "charsets": json.dumps({"to": "UTF-8", "subject": "UTF-8", "from": "UTF-8", "text": "utf-8"}),
    }
    boundary = "xYzZY" + secrets.token_hex(8)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    body = "".join(parts) + f"--{boundary}--\r\n"
    return body.encode(), f"multipart/form-data; boundary={boundary}"


def _header(value: str) -> str:
    return " ".join(value.split())
