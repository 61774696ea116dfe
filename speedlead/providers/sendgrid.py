"""SendGrid mail: the SDK builds the message, a pooled session with a time limit carries it.

The SDK's own client opens a new connection for every mail and has no time limit unless one is patched in; its builders
are what is worth having. One recipient per request, so that an event always belongs to one touch.
"""

import base64
import re
from typing import Any

from sendgrid.helpers.mail import (
    Asm,
    Attachment,
    Category,
    ClickTracking,
    Content,
    CustomArg,
    Disposition,
    Email,
    FileContent,
    FileName,
    FileType,
    Header,
    OpenTracking,
    Personalization,
    ReplyTo,
    SubscriptionTracking,
    To,
    TrackingSettings,
)
from sendgrid.helpers.mail import Mail as SendgridMail
from sendgrid.helpers.mail.exceptions import SendGridException

from speedlead.ids import touch_id
from speedlead.mail_thread import message_id, thread_root
from speedlead.ports import Accepted, Mail, SendError, SendErrorKind
from speedlead.providers import errors
from speedlead.providers.http import (
    DEFAULT_TIMEOUT_S,
    TRANSPORT_ERRORS,
    new_session,
    no_answer,
    retry_after_s,
    watched,
)

SENDGRID_URL = "https://api.sendgrid.com"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_BAD_RECIPIENT = re.compile(r"^personalizations\.\d+\.to\.\d+\.email$")


class SendgridMailer:
    """Mailer over POST /v3/mail/send; `close()` it at the end. Create it inside a running event loop."""

    def __init__(
        self,
        api_key: str,
        *,
        from_address: str,
        from_name: str,
        reply_domain: str,
        unsubscribe_group: int | None = None,
        base_url: str = SENDGRID_URL,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        """`reply_domain` is the host of the Inbound Parse setting: replies go to reply+{token}@{reply_domain}.

        `unsubscribe_group`: which of the account's groups a mail of the plan belongs to.
        """
        self._url = base_url.rstrip("/") + "/v3/mail/send"
        self._headers = {"Authorization": f"Bearer {api_key}", "Accept": "application/json"}
        self._from = Email(from_address, _one_line(from_name))
        self._reply_domain = reply_domain
        self._group = unsubscribe_group
        self._session = new_session(timeout_s)

    async def send(self, mail: Mail) -> Accepted:
        try:
            payload = build(mail, sender=self._from, reply_domain=self._reply_domain, group=self._group)
        except SendGridException as error:  # the SDK refuses a text that begins like an API key
            raise SendError(SendErrorKind.CONTENT, f"not sent ({type(error).__name__})") from None
        with watched() as exchange:
            try:
                async with self._session.post(
                    self._url, json=payload, headers=self._headers, allow_redirects=False
                ) as answer:
                    if answer.status == 202:
                        # the events name the touch themselves, so an answer without an id is no doubt
                        return Accepted(answer.headers.get("X-Message-Id") or mail.touch_id)
                    fields = await _refused_fields(answer)
            except TRANSPORT_ERRORS as error:
                raise no_answer(error, exchange) from None
        # other successes are not SendGrid's: a wrong base URL, or a front server that swallowed the request
        kind = errors.status_ruling(answer.status).kind
        if kind is SendErrorKind.CONTENT and fields and all(_BAD_RECIPIENT.match(name) for name in fields):
            kind = SendErrorKind.BAD_ADDRESS
        evidence = ", ".join([f"HTTP {answer.status}", *sorted(fields)[:3]])
        raise SendError(kind, evidence, retry_after_s(answer.headers))

    async def close(self) -> None:
        await self._session.close()


def build(mail: Mail, *, sender: Email, reply_domain: str, group: int | None = None) -> dict[str, Any]:
    """The request body of one mail, made with the SDK's builders."""
    recipient = Personalization()
    recipient.add_to(To(mail.to_address, _one_line(mail.to_name) or None))
    # on the personalization, not the message: the official schema types the message-level field as a string
    recipient.add_custom_arg(CustomArg("touch_id", mail.touch_id))
    message = SendgridMail(from_email=_from(mail, sender), subject=_one_line(mail.subject))
    message.add_personalization(recipient)
    message.add_content(Content("text/plain", mail.text))
    if mail.html:
        message.add_content(Content("text/html", mail.html))
    if mail.invitation is not None:
        # the method is the one parameter that SendGrid lets through; the file is for programs that show no invitation
        message.add_content(Content(f"text/calendar; method={mail.invitation.method}", mail.invitation.text))
        file = base64.b64encode(mail.invitation.text.encode()).decode()
        how = FileName("invite.ics"), FileType("application/ics"), Disposition("attachment")
        message.add_attachment(Attachment(FileContent(file), *how))
    message.reply_to = ReplyTo(f"reply+{mail.reply_token}@{reply_domain}")
    message.add_category(Category(mail.category))
    # SendGrid lets headers carry these three; what it does not allow stands at `headers` in its official schema
    root = thread_root(mail.reply_token, reply_domain)
    message.add_header(Header("Message-ID", message_id(mail.touch_id, mail.reply_token, reply_domain)))
    answered = mail.in_reply_to or _first_mail(mail, reply_domain)
    if answered:
        message.add_header(Header("In-Reply-To", _one_line(answered)))
    message.add_header(Header("References", f"{root} {_one_line(answered)}".strip()))
    for name, value in mail.headers.items():
        message.add_header(Header(name, _one_line(value)))
    if mail.list_unsubscribe_url:
        # RFC 8058: one click in the mail program, without a visit to a page. Ours on every mail, also on one of a
        # group: what somebody does at SendGrid instead comes to us as an event, and means the same
        message.add_header(Header("List-Unsubscribe", f"<{mail.list_unsubscribe_url}>"))
        message.add_header(Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    if group is not None and mail.category == "cadence":
        message.asm = Asm(group)
    # rewritten links would break the one-click links, and opens and clicks are no signal of a person (scanners);
    # subscription tracking would put a List-Unsubscribe of its own beside ours, and a second link into the text
    message.tracking_settings = TrackingSettings(
        click_tracking=ClickTracking(False, False), open_tracking=OpenTracking(False),
        subscription_tracking=SubscriptionTracking(False),
    )  # fmt: skip
    body: dict[str, Any] = message.get()
    return body


def _from(mail: Mail, sender: Email) -> Email:
    """A person writes for the company: the name is theirs, the address stays on the domain that is signed for."""
    name = _one_line(mail.from_name)
    return Email(sender.email, f"{name} ({sender.name})") if name else sender


def _first_mail(mail: Mail, reply_domain: str) -> str | None:
    """A mail of the plan goes on from the receipt that the lead has: mail programs then show them as one."""
    if mail.category != "cadence":
        return None
    lead_id = mail.touch_id.partition(".")[0]
    return message_id(touch_id(lead_id, "ack-1"), mail.reply_token, reply_domain)


def _one_line(value: str | None) -> str:
    """A person's name may hold line breaks; a header may not."""
    return _CONTROL.sub(" ", value or "").strip()


async def _refused_fields(answer: Any) -> set[str]:
    """Names of the fields SendGrid complains about: never its message, which repeats what was sent.

    A 413 may be HTML of a front server, so the type is looked at first.
    """
    if "json" not in answer.headers.get("Content-Type", ""):
        return set()
    try:
        body = await answer.json()
        return {str(e["field"]) for e in body["errors"] if isinstance(e.get("field"), str)}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()
