"""A few leads as rows, made by hand, at a fixed instant: Monday 23 November 2026, 10:00 in New York."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from speedlead.planbook import load_plan

VERSION = load_plan().version  # of the plan that the running gateway has
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)

SAM, DANA, LEE = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
AVA, SCRIPT, BEN, CHLOE, DEEPA, NOBODY, REPLIED = (f"{n}f3a0000-0000-4000-8000-000000000000" for n in range(1, 8))

SCRIPT_NAME = "<script>alert(1)</script>"


class FixedClock:
    def __init__(self, wall: datetime = NOW) -> None:
        self._wall = wall

    def wall(self) -> datetime:
        return self._wall

    def business(self, offset_us: int) -> datetime:
        return self._wall + timedelta(microseconds=offset_us)


class HandClock:
    """Stands still until a test moves it; business and wall time are the same."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def wall(self) -> datetime:
        return self.now

    def business(self, offset_us: int) -> datetime:
        return self.now + timedelta(microseconds=offset_us)


def ago(**parts: float) -> datetime:
    return NOW - timedelta(**parts)


def coming(**parts: float) -> datetime:
    return NOW + timedelta(**parts)


async def put(conn: Any, table: str, **values: Any) -> None:
    names = ", ".join(values)
    marks = ", ".join(f"${n}" for n in range(1, len(values) + 1))
    await conn.execute(f"insert into {table} ({names}) values ({marks})", *values.values())


async def put_reps(conn: Any) -> None:
    for rep_id, name, manager in ((SAM, "Sam Reyes", False), (DANA, "Dana Kim", False), (LEE, "Lee Ortiz", True)):
        await put(conn, "rep", id=rep_id, name=name, email=f"{name.split()[0].lower()}@acme.example",
                  phone="+12125550100", zone="America/New_York", weekly={}, capacity=20, manager=manager)  # fmt: skip


async def put_lead(
    conn: Any, lead_id: str, *, name: str | None, email: str | None = None, phone: str | None = None,
    company: str | None = None, message: str | None = None, intent: str = "demo_request", source: str = "organic",
    lead_type: str = "hot", created: datetime | None = None, **columns: Any,
) -> str:  # fmt: skip
    """One lead with its person and inquiry; `columns` go into the lead's row. Returns the person's id."""
    person_id, created = str(uuid.uuid4()), created or ago(minutes=1)
    await conn.execute(
        "insert into plan (id, version, body, sha256) values ('inbound', $2, $1, 'x') on conflict do nothing",
        {},
        VERSION,
    )
    await put(conn, "person", id=person_id, name=name, company=company, created_at=created)
    if email:
        await put(conn, "person_email", address=email, person_id=person_id, created_at=created)
    if phone:
        await put(conn, "person_phone", number=phone, person_id=person_id, created_at=created)
    values = {
        "id": lead_id, "person_id": person_id, "form_key": "demo", "lead_type": lead_type, "intent": intent,
        "source": source, "plan_id": "inbound", "plan_version": VERSION, "created_at": created, "created_wall": created,
    }  # fmt: skip
    await put(conn, "lead", **(values | columns))
    await put(conn, "inquiry", id=str(uuid.uuid4()), lead_id=lead_id, person_id=person_id, number=1, form_key="demo",
              intent=intent, lead_type=lead_type, source=source, email=email, phone=phone, message=message,
              consent_call=bool(phone), consent_text="If I give a phone number, I ask Acme to call me.",
              fingerprint=b"x", submitted_at=created, submitted_wall=created)  # fmt: skip
    return person_id


async def put_story(
    conn: Any, lead_id: str, *lines: tuple[datetime, str, str | None, str | None, dict[str, Any]]
) -> None:
    for at, kind, step, reason, data in lines:
        await put(conn, "story", lead_id=lead_id, at=at, kind=kind, step=step, reason=reason, data=data)


async def put_touch(
    conn: Any, lead_id: str, person_id: str, step: str, channel: str, state: str, **columns: Any
) -> None:
    values = {"id": f"{lead_id}.{step}", "lead_id": lead_id, "person_id": person_id, "step": step, "channel": channel,
              "purpose": "plan", "state": state}  # fmt: skip
    await put(conn, "touch", **(values | columns))


async def put_notice(conn: Any, rep_id: str | None, kind: str, lead_id: str, **columns: Any) -> str:
    values = {"id": str(uuid.uuid4()), "lead_id": lead_id, "rep_id": rep_id, "audience": "rep" if rep_id else "manager",
              "kind": kind, "at": NOW}  # fmt: skip
    await put(conn, "notice", **(values | columns))
    return str(values["id"])


async def put_house(conn: Any) -> None:
    """Reps and seven leads, each in another situation."""
    await put_reps(conn)
    await _ava(conn)
    await _ben(conn)
    await put_lead(
        conn, SCRIPT, name=SCRIPT_NAME, email="mallory@example.com", phone="+14155550133", company="<b>Loud</b> & Sons",
        message="<img src=x onerror=alert(2)> \"quoted\" 'text' {{ 7 * 7 }}", intent="pricing", created=ago(minutes=4),
        stage="assigned", owner_id=SAM, open_at=ago(minutes=4), first_attempt_due=ago(minutes=1),
        first_attempt_target="hot", acknowledged_at=ago(minutes=3, seconds=58), assigned_at=ago(minutes=3, seconds=55),
        next_step="call-1", next_touch_at=ago(minutes=1, seconds=26), next_why="rep_unavailable", country="US",
    )  # fmt: skip
    await put_lead(
        conn, CHLOE, name="Chloé Tremblay", email="chloe@example.ca", intent="newsletter", lead_type="cold",
        created=ago(seconds=45), tz="America/Toronto", country="CA",
    )  # fmt: skip
    await put_lead(
        conn, DEEPA, name="Deepa Rao", email="deepa@example.in", intent="talk_to_sales", created=ago(days=2),
        stage="qualified", owner_id=DANA, tz="Asia/Kolkata", country="IN", acknowledged_at=ago(days=2, seconds=-2),
        open_at=ago(days=2), first_attempt_due=ago(days=2, minutes=-3), first_attempt_at=ago(days=2, minutes=-5),
        first_contact_at=ago(days=2, minutes=-5), decided_at=ago(days=1), closed_at=ago(days=1),
        close_reason="qualified", plan_stopped="qualified",
    )  # fmt: skip
    await put_lead(
        conn, NOBODY, name="Noor Haddad", phone="+12125550177", company="Haddad Logistics", source="paid_ads",
        created=ago(minutes=2), tz="America/New_York", country="US", stage="acknowledged", open_at=ago(minutes=2),
        acknowledged_at=ago(minutes=1, seconds=58), first_attempt_due=coming(minutes=1), next_step="call-1",
        next_touch_at=coming(seconds=34), next_why="rep_unavailable", message="Can somebody call me before eleven?",
    )  # fmt: skip
    person = await put_lead(
        conn, REPLIED, name="Ray Okafor", email="ray@okafor.example", company="Okafor Legal", created=ago(hours=3),
        tz="America/Chicago", country="US", stage="attempting", owner_id=SAM, open_at=ago(hours=3),
        acknowledged_at=ago(hours=3, seconds=-1), assigned_at=ago(hours=3, seconds=-3),
        first_attempt_at=ago(hours=2.95), first_attempt_due=ago(hours=2.9),
        plan_stopped="reply_received", next_why="reply_received", next_touch_at=coming(minutes=8), next_step=None,
    )  # fmt: skip
    await put(conn, "reply", id=str(uuid.uuid4()), lead_id=REPLIED, person_id=person, channel="email",
              subject="Re: your demo", body="Tuesday works for me. <i>Ray</i>", provider_id="m-1",
              received_at=ago(minutes=7))  # fmt: skip
    await put_notice(conn, SAM, "call_task", AVA, due_at=coming(minutes=2))
    await put_notice(conn, SAM, "reply_received", REPLIED, due_at=coming(minutes=8))
    await put_notice(conn, None, "nobody_available", NOBODY)


async def _ava(conn: Any) -> None:
    person = await put_lead(
        conn, AVA, name="Ava Müller", email="ava@northwind.example", phone="+12125550142", company="Northwind Robotics",
        message="We have 40 people in sales and lose leads over the weekend.\nCan we see it this week?",
        source="paid_ads", created=ago(seconds=60), tz="America/New_York", country="US", region="NY", postcode="10001",
        segment="b2b_saas", stage="assigned", owner_id=SAM, open_at=ago(seconds=60),
        first_attempt_due=coming(minutes=2), first_attempt_target="hot", promised_at=coming(minutes=2),
        promise_text="Sam calls you by 10:02, New York time.",
        acknowledged_at=ago(seconds=58.6), assigned_at=ago(seconds=57), next_step="call-1",
        next_touch_at=coming(minutes=1, seconds=34), next_why="next_step",
    )  # fmt: skip
    await put_touch(
        conn, AVA, person, "acknowledge-1", "email", "sent", purpose="acknowledgement", address="ava@northwind.example",
        subject="We have your demo request", body="Hello Ava,\n\nSam calls you by 10:02, New York time.",
        sent_at=ago(seconds=58.6), claimed_at=ago(seconds=59), versions={"tzdata": "2026.6"},
    )  # fmt: skip
    await put_story(
        conn, AVA,
        (ago(seconds=60), "inquiry", None, None, {}),
        (ago(seconds=58.6), "sent", "acknowledge-1", None, {"channel": "email", "purpose": "acknowledgement"}),
        (ago(seconds=57), "assigned", None, None, {"rep_id": SAM}),
    )  # fmt: skip


async def _ben(conn: Any) -> None:
    person = await put_lead(
        conn, BEN, name="Ben Carter", email="ben@carter.example", phone="+442079460018", company="Carter & Co",
        intent="content_download", lead_type="warm", created=ago(hours=4), tz="Europe/London", country="GB",
        stage="attempting", owner_id=SAM, open_at=ago(hours=4), acknowledged_at=ago(hours=4, seconds=-2),
        assigned_at=ago(hours=4, seconds=-9), first_attempt_due=ago(hours=3.75), first_attempt_at=ago(hours=3.8),
        first_attempt_target="warm", next_step="day-2-call", next_touch_at=coming(hours=19),
        next_why="outside_business_hours",
    )  # fmt: skip
    await put_touch(conn, BEN, person, "call-1", "call", "sent", sent_at=ago(hours=3.8), call_result="no_answer")
    await put_touch(conn, BEN, person, "sms-1", "sms", "skipped", reason="no_consent", reasons=["no_consent"],
                    settled_at=ago(minutes=20))  # fmt: skip
    await put_touch(conn, BEN, person, "call-2", "call", "deferred", reason="outside_business_hours",
                    reasons=["outside_business_hours"], placed_at=ago(minutes=5), next_at=coming(hours=19))  # fmt: skip
    await put_touch(conn, BEN, person, "email-1", "email", "in_doubt", reason="in_doubt", settled_at=ago(hours=3.2))
    await put_story(
        conn, BEN,
        (ago(hours=4), "inquiry", None, None, {}),
        (ago(hours=3.8), "sent", "call-1", None, {"channel": "call"}),
        (ago(minutes=20), "skipped", "sms-1", "no_consent", {"channel": "sms"}),
        (ago(minutes=5), "deferred", "call-2", "outside_business_hours",
         {"channel": "call", "reasons": ["outside_business_hours"], "next_at": coming(hours=19).isoformat()}),
    )  # fmt: skip
