"""Out-of-office notes that arrive by mail: the plan waits until they are back, and nothing else changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from speedlead.tokens import make_token
from tests.gateway.house import House

AUTOMATIC = "Auto-Submitted: auto-replied\n"
BACK = datetime(2026, 12, 1, 14, tzinfo=UTC)  # 09:00 in New York
NEW_YORK = {"country": "US", "tz": "America/New_York"}


def reply_to(house: House, lead_id: str) -> str:
    return f"reply+{make_token(house.credentials.secret_bytes, 'reply', lead_id)}@in.acme.example"


async def note(house: House, lead_id: str, text: str, headers: str = AUTOMATIC, **more: str) -> None:
    assert await house.mail(to=reply_to(house, lead_id), text=text, headers=headers, **more) == 204


async def row(house: House, lead_id: str) -> Any:
    return await house.pool.fetchrow("select * from lead where id = $1", lead_id)


async def untils(house: House, lead_id: str) -> list[Any]:
    return [message["until"] for message in await house.messages(lead_id, "reply")]


async def test_the_gate_and_the_plan_hear_of_the_day_in_one_transaction(house: House) -> None:
    lead_id = await house.lead(**NEW_YORK)
    await note(house, lead_id, "I am out of office, back on December 1.")
    lead = await row(house, lead_id)
    assert (lead["paused_until"], lead["plan_stopped"]) == (BACK, None)
    [message] = await house.messages(lead_id, "reply")
    assert message["automatic"]
    assert datetime.fromisoformat(message["until"]) == BACK
    data = await house.pool.fetchval("select data from story where lead_id = $1 and kind = 'reply'", lead_id)
    assert datetime.fromisoformat(data["until"]) == BACK


async def test_an_automatic_reply_never_counts_as_contact(house: House) -> None:
    lead_id = await house.lead(**NEW_YORK)
    before = await row(house, lead_id)
    await note(house, lead_id, "I am out of office, back on December 1.")
    after = await row(house, lead_id)
    for column in ("first_contact_at", "first_attempt_at", "acknowledged_at", "decided_at", "stage", "plan_stopped"):
        assert after[column] == before[column], column
    assert await house.pool.fetchval("select automatic from reply")


async def test_the_date_is_read_in_the_leads_country(house: House) -> None:
    lead_id = await house.lead(country="GB", tz="Europe/London")
    await note(house, lead_id, "I am on leave until 01/12/2026.")
    assert (await row(house, lead_id))["paused_until"] == datetime(2026, 12, 1, 9, tzinfo=UTC)


async def test_tomorrow_is_the_day_after_the_notes_own_date(house: House) -> None:
    lead_id = await house.lead(**NEW_YORK)
    sent = "Date: Sun, 22 Nov 2026 20:00:00 -0500\n"  # on Monday we hear of it: they are back
    await note(house, lead_id, "I will be back tomorrow.", AUTOMATIC + sent)
    assert await untils(house, lead_id) == [None]
    await note(house, lead_id, "I will be back tomorrow.")
    assert (await row(house, lead_id))["paused_until"] == datetime(2026, 11, 24, 14, tzinfo=UTC)


async def test_without_a_day_to_trust_the_plan_goes_on(house: House) -> None:
    lead_id = await house.lead(**NEW_YORK)
    ours = "\n\nOn Mon, 23 Nov 2026 at 10:00, Acme <hello@acme.example> wrote:\n> We are back on December 1"
    away = "I am out of office."
    for text in (away, f"{away}{ours}", "Back on Monday December 1", f"{away} Call 12-01-2026-55"):
        await note(house, lead_id, text)
    assert await untils(house, lead_id) == [None] * 4
    assert (await row(house, lead_id))["paused_until"] is None


async def test_a_person_a_failed_delivery_and_a_list_pause_nothing(house: House) -> None:
    lead_id = await house.lead(**NEW_YORK)
    text = "I am out of office, back on December 1."
    await note(house, lead_id, text, AUTOMATIC + "List-Id: <news.example.com>\n")
    await note(house, lead_id, text, AUTOMATIC + "Content-Type: multipart/report; report-type=delivery-status\n")
    await note(house, lead_id, text, AUTOMATIC, sender="MAILER-DAEMON@example.com")
    assert (await row(house, lead_id))["plan_stopped"] is None
    await note(house, lead_id, text, "")
    assert await untils(house, lead_id) == [None] * 4
    lead = await row(house, lead_id)
    assert (lead["paused_until"], lead["plan_stopped"]) == (None, "replied")


async def test_a_pause_of_ours_is_not_shortened_and_a_stopped_plan_not_held_up(house: House) -> None:
    lead_id = await house.lead(**NEW_YORK)
    ours = BACK + timedelta(days=7)
    await house.pool.execute("update lead set paused_until = $2 where id = $1", lead_id, ours)
    await note(house, lead_id, "Back on December 1.")
    assert (await row(house, lead_id))["paused_until"] == ours
    await house.pool.execute("update lead set paused_until = null, plan_stopped = 'replied' where id = $1", lead_id)
    await note(house, lead_id, "Back on December 1.")
    assert (await row(house, lead_id))["paused_until"] is None


async def test_the_same_note_twice_is_one(house: House) -> None:
    lead_id = await house.lead(**NEW_YORK)
    for _ in range(2):
        await note(house, lead_id, "Back on December 1.", AUTOMATIC + "Message-ID: <1@example.com>\n")
    assert len(await untils(house, lead_id)) == 1
