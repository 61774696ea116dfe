"""The people behind the addresses: what they do with a message or a ringing phone, by setting or by script."""

import re
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, field_validator

from speedlead.ids import parse_touch
from speedlead.sandbox import mail_webhooks
from speedlead.sandbox.callbacks import Later, Postman
from speedlead.sandbox.store import Row, Store
from speedlead.sandbox.tokens import sms_sid

RepAction = Literal["accept", "ignore", "decline", "busy", "manual"]
CallAction = Literal["no_answer", "answer", "busy", "voicemail", "disconnected"]
Reaction = Literal["reply", "opt_out", "bounce", "out_of_office", "spam_report", "click"]

# Twilio's default keywords: the whole body, any case
STOP_WORDS = frozenset({"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"})
START_WORDS = frozenset({"START", "UNSTOP", "YES"})
REACTION_DELAY_S = 1.0
OUT_OF_OFFICE = "Thank you for your message. I am out of the office."


class ScriptLine(BaseModel):
    """On a channel and a step (substring or regex of the touch id's step; empty: any), do something, once or always.

    For `call`, `do` is what the person does with the phone (CallAction for a lead, RepAction for a rep).
    """

    model_config = ConfigDict(extra="forbid")

    on: Literal["email", "sms", "call"]
    step: str = ""
    do: Reaction | CallAction | RepAction
    text: str = ""
    once: bool = False

    @field_validator("step")
    @classmethod
    def _is_pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"expected a regular expression: {error}") from None
        return value


class Behaviour(BaseModel):
    """The body of PUT /api/people/{address}. `keys` are pressed one per <Gather>; `talk_s` is in seconds.

    `refuse_sms` (Twilio's code) and `refuse_email` (an HTTP status) refuse every request to the address.
    """

    model_config = ConfigDict(extra="forbid")

    rep: RepAction = "accept"
    keys: str = Field("1", pattern=r"^[0-9*#]*$")
    call: CallAction = "no_answer"
    talk_s: float = Field(5, ge=0, le=14_400)
    email: Literal["deliver", "bounce", "block", "drop", "defer"] = "deliver"
    sms: Literal["deliver", "undelivered"] = "deliver"
    sms_error: int = 30003
    refuse_sms: int | None = Field(None, ge=20_000, le=29_999)
    refuse_email: int | None = Field(None, ge=400, le=499)
    script: list[ScriptLine] = Field(default_factory=list, max_length=100)


def normal(address: str) -> str:
    """One spelling per address: e-mail in lower case, numbers without blanks."""
    return address.strip().lower() if "@" in address else re.sub(r"[\s().-]", "", address)


class People:
    """Decides and acts for every address. Reactions run through `Later`, so they survive a restart."""

    def __init__(self, store: Store, later: Later, postman: Postman, *, public_url: str, account_sid: str) -> None:
        self._store = store
        self._later = later
        self._postman = postman
        self._events_url = f"{public_url}/webhooks/sendgrid/events"
        self._parse_url = f"{public_url}/webhooks/sendgrid/inbound"
        self._sms_url = f"{public_url}/webhooks/twilio/sms/inbound"
        self._account_sid = account_sid
        later.handlers["react"] = self._react

    def behaviour(self, address: str) -> Behaviour:
        return Behaviour.model_validate(self._store.person(normal(address)))

    def set_behaviour(self, address: str, behaviour: Behaviour) -> None:
        self._store.set_person(normal(address), behaviour.model_dump(exclude_unset=True))

    def scripted(self, row: Row) -> ScriptLine | None:
        """The first line of the person's script that fits this message; a `once` line is used up."""
        behaviour = self.behaviour(row.recipient)
        step = _step(row.touch_id)
        for line in behaviour.script:
            if line.on == row.channel and re.search(line.step, step):
                if line.once:
                    rest = [kept for kept in behaviour.script if kept is not line]
                    self.set_behaviour(row.recipient, behaviour.model_copy(update={"script": rest}))
                return line
        return None

    # what happens to an accepted message

    async def resume(self) -> None:
        """Takes up messages that were stored a moment before the process died, with nothing planned for them yet."""
        planned = {job.ordered_by for job in self._store.jobs()}
        for channel, status in (("sms", "queued"), ("sms", "accepted"), ("email", "accepted")):
            for row in self._store.find(limit=1000, channel=channel, status=status):
                if f"set-{row.id}" not in planned:
                    await (self.sms_accepted(row) if channel == "sms" else self.mail_accepted(row))

    async def mail_accepted(self, row: Row) -> None:
        line = self.scripted(row)
        action: str = "bounce" if line and line.do == "bounce" else self.behaviour(row.recipient).email
        refused = self._store.suppressed(row.recipient, "email")
        if refused or action == "drop":
            await self._event(row, "dropped", "dropped", 0.2, reason=refused or "Invalid")
            return
        await self._event(row, "processed", "processed", 0.1)
        if action == "defer":
            await self._event(row, "deferred", "deferred", 0.4, response="451 try again later", attempt="1")
        elif action == "block":
            await self._event(row, "bounce", "blocked", 0.4, type="blocked", status="5.7.1", reason="550 5.7.1 blocked")
        elif action == "bounce":
            await self._later.do("react", {"id": row.id, "do": "bounce", "text": ""}, delay_s=0.4 * self._later.pace)
        else:
            await self._event(row, "delivered", "delivered", 0.4, response="250 OK")
            await self._answer_by_script(row, line)

    async def sms_accepted(self, row: Row) -> None:
        line = self.scripted(row)
        behaviour = self.behaviour(row.recipient)
        for status, delay_s in (("queued", 0.05), ("sent", 0.2)):
            await self.sms_status(row, status, delay_s)
        if behaviour.sms == "undelivered":
            await self.sms_status(row, "undelivered", 0.5, behaviour.sms_error)
            return
        await self.sms_status(row, "delivered", 0.5)
        await self._answer_by_script(row, line)

    async def sms_status(self, row: Row, status: str, delay_s: float, error_code: int | None = None) -> None:
        params = {
            "MessageSid": row.id, "SmsSid": row.id, "MessageStatus": status, "SmsStatus": status, "To": row.recipient,
            "From": row.sender, "AccountSid": self._account_sid, "ApiVersion": "2010-04-01",
        }  # fmt: skip
        if error_code:
            params["ErrorCode"] = str(error_code)
        if row.extra.get("messaging_service_sid"):
            params["MessagingServiceSid"] = row.extra["messaging_service_sid"]
        await self._postman.report(
            row.id, status, row.extra.get("status_callback"), urlencode(params).encode(), delay_s=delay_s,
            error_code=error_code,
        )  # fmt: skip

    async def _answer_by_script(self, row: Row, line: ScriptLine | None) -> None:
        if line is not None:
            delay_s = (0.5 + REACTION_DELAY_S) * self._later.pace
            await self._later.do("react", {"id": row.id, "do": line.do, "text": line.text}, delay_s=delay_s)

    # what people do about a message

    async def react(self, row: Row, do: str, text: str = "") -> None:
        """Raises ValueError when the channel has no such reaction."""
        if row.direction == "inbound" or row.channel == "call":
            raise ValueError(f"{do}: only a message that was sent can be answered")
        if row.channel == "sms":
            if do in ("reply", "out_of_office"):
                await self._text_back(row, text or "Yes, please call me.")
            elif do == "opt_out":
                await self._text_back(row, text or "STOP")
            elif do == "bounce":
                await self.sms_status(row, "undelivered", 0, 30003)
            else:
                raise ValueError(f"{do}: not for a text message")
        elif do == "reply":
            await self._mail_back(row, text or "Yes, please call me.", automatic=False)
        elif do == "out_of_office":
            await self._mail_back(row, text or OUT_OF_OFFICE, automatic=True)
        elif do == "bounce":
            self._store.suppress(row.recipient, "email", "Bounced Address")
            await self._event(
                row, "bounce", "bounced", 0, type="bounce", status="5.1.1", reason="550 5.1.1 no such user"
            )
        elif do == "spam_report":
            self._store.suppress(row.recipient, "email", "Spam Reporting Address")
            await self._event(row, "spamreport", "spam", 0)
        elif do == "click":
            # a scanner of links does the same: it must never count as the lead's answer
            await self._event(row, "click", row.status, 0, url="https://www.example.com/", useragent="Mozilla/5.0")
        elif do == "opt_out":
            await self._unsubscribe(row)
        else:
            raise ValueError(f"{do}: not for a mail")

    async def _react(self, job: dict[str, Any]) -> None:
        row = self._store.get(job["id"])
        if row is not None:
            await self.react(row, job["do"], job["text"])

    async def _text_back(self, row: Row, text: str) -> None:
        word = text.strip().upper()
        if word in STOP_WORDS:
            self._store.suppress(row.recipient, "sms", "replied STOP")
        elif word in START_WORDS:
            self._store.unsuppress(row.recipient, "sms")
        answer = Row(sms_sid(), "sms", "inbound", row.recipient, row.sender, row.touch_id, text=text, status="received")
        self._store.add(answer)
        params = {
            "MessageSid": answer.id, "SmsMessageSid": answer.id, "SmsSid": answer.id, "SmsStatus": "received",
            "AccountSid": self._account_sid, "From": answer.sender, "To": answer.recipient, "Body": text,
            "NumMedia": "0", "NumSegments": "1", "ApiVersion": "2010-04-01",
        }  # fmt: skip
        if row.extra.get("messaging_service_sid"):
            params["MessagingServiceSid"] = row.extra["messaging_service_sid"]
        await self._postman.hand_over(self._sms_url, urlencode(params).encode(), answers=answer.id)

    async def _mail_back(self, row: Row, text: str, *, automatic: bool) -> None:
        subject = f"Automatic reply: {row.subject}" if automatic else f"Re: {row.subject}"
        body, content_type = mail_webhooks.inbound(row, text=text, subject=subject, automatic=automatic)
        to = str(row.extra.get("reply_to") or row.sender)
        answer = Row(
            f"in-{sms_sid()[2:18]}", "email", "inbound", row.recipient, to, row.touch_id, subject=subject, text=text,
            status="received",
        )  # fmt: skip
        self._store.add(answer)
        await self._postman.hand_over(self._parse_url, body, content_type=content_type, sign="sendgrid")

    async def _unsubscribe(self, row: Row) -> None:
        """What the mail program's button does: one-click (RFC 8058) where offered, else SendGrid's own event."""
        header = str(row.extra.get("headers", {}).get("List-Unsubscribe", ""))
        links = [link for link in re.findall(r"<([^>]+)>", header) if link.startswith(("https://", "http://"))]
        if links:
            self._store.update(row.id, status="unsubscribed")
            await self._postman.hand_over(links[0], b"List-Unsubscribe=One-Click", sign="none")
            return
        self._store.suppress(row.recipient, "email", "Unsubscribed Address")
        await self._event(row, "unsubscribe", "unsubscribed", 0)

    async def _event(self, row: Row, name: str, row_status: str, delay_s: float, **more: Any) -> None:
        body = mail_webhooks.event(row, name, **more)
        await self._postman.report(
            row.id, row_status, self._events_url, body, content_type="application/json", sign="sendgrid",
            delay_s=delay_s,
        )  # fmt: skip


def _step(touch_id: str | None) -> str:
    try:
        return parse_touch(touch_id or "").step
    except ValueError:
        return touch_id or ""
