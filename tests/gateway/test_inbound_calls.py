"""Calls to our number: who is rung, what an answered and a missed one become, and what is said."""

import asyncio
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from speedlead.gateway.inbound_calls import end_forgotten
from speedlead.ids import new_id
from speedlead.store import inbound_calls
from tests.gateway.house import PHONE, House

VOICE = "/webhooks/twilio/voice"
SID = "CA" + "1" * 32
WEEK = {str(day): [[540, 1080]] for day in range(5)}  # 9 to 18
GERMAN = "+493012345678"
REP_PHONES = {"Anna": "+14155552701", "Ben": "+14155552702", "Cleo": "+14155552703"}


async def rep(house: House, name: str, **columns: Any) -> str:
    row = {
        "id": new_id(), "name": name, "email": f"{name.lower()}@acme.example", "phone": REP_PHONES[name],
        "zone": "America/New_York", "weekly": WEEK, "capacity": 20,
    } | columns  # fmt: skip
    marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    await house.pool.execute(f"insert into rep ({', '.join(row)}) values ({marks})", *row.values())
    return str(row["id"])


async def ring(house: House, sender: str = PHONE, sid: str = SID) -> str:
    status, said = await house.twilio(f"{VOICE}/inbound", CallSid=sid, From=sender, To="+13105550100",
                                      CallStatus="ringing", Direction="inbound")  # fmt: skip
    assert status == 200, said
    return said


def url(document: str, what: str) -> str:
    """The path of the next request that a document names."""
    root = ElementTree.fromstring(document)  # noqa: S314
    found = {"done": root.find("Dial"), "rep": root.find("Dial/Number"), "accept": root.find("Gather")}[what]
    assert found is not None, document
    full = found.get("url" if what == "rep" else "action") or ""
    return full[full.index("/webhooks") :]


async def follow(house: House, document: str, what: str, **form: str) -> str:
    status, said = await house.twilio(url(document, what), **({"CallSid": SID, "CallStatus": "in-progress"} | form))
    assert status == 200, said
    return said


async def take(house: House, document: str, digits: str = "1") -> str:
    """The phone that rings is picked up, and keys are pressed."""
    return await follow(house, await follow(house, document, "rep"), "accept", Digits=digits)


async def the_lead(house: House) -> dict[str, Any]:
    return dict(await house.pool.fetchrow("select l.*, i.channel, i.consent_call, i.consent_text, i.phone from lead l "
                                          "join inquiry i on i.lead_id = l.id and number = 1"))  # fmt: skip


def dialled(document: str) -> str | None:
    found = re.search(r"<Number[^>]*>([^<]+)<", document)
    return found and found[1]


# ── who is rung ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_owner_is_rung_first_and_then_one_who_is_on_shift(house: House) -> None:
    await rep(house, "Ben")
    anna = await rep(house, "Anna")
    lead_id = await house.lead(phone=PHONE)
    await house.pool.execute("update lead set owner_id = $2 where id = $1", lead_id, anna)
    document = await ring(house)
    assert dialled(document) == REP_PHONES["Anna"]
    document = await follow(house, document, "done", DialCallStatus="no-answer")
    assert dialled(document) == REP_PHONES["Ben"]
    document = await follow(house, document, "done", DialCallStatus="busy")
    assert dialled(document) is None
    assert "<Say" in document


@pytest.mark.parametrize(
    "columns",
    [{"presence": "away"}, {"presence": "busy"}, {"phone": None}, {"manager": True}, {"active": False},
     {"weekly": {"6": [[540, 1080]]}}, {"zone": "Asia/Tokyo"}],
)  # fmt: skip
async def test_who_is_not_there_is_not_rung(house: House, columns: dict[str, Any]) -> None:
    await rep(house, "Anna", **columns)
    assert dialled(await ring(house)) is None


async def test_the_rep_hears_who_calls(house: House) -> None:
    await rep(house, "Anna")
    await house.lead(phone=PHONE, name="Ada <Lovelace>", company="Engines")
    document = await follow(house, await ring(house), "rep")
    assert "A call from Ada &lt;Lovelace&gt; from Engines. About: demo request. Press 1" in document


async def test_a_rep_who_calls_the_line_is_no_lead(house: House) -> None:
    await rep(house, "Anna")
    assert "line for callers" in await ring(house, REP_PHONES["Anna"])
    assert await house.count("lead") == 0


# ── answered ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_answered_call_of_a_stranger_is_a_lead_that_was_spoken_to(house: House) -> None:
    anna = await rep(house, "Anna")
    document = await ring(house)
    assert await house.count("lead") == 0  # nobody is called back who is on the line
    assert "<Hangup" not in await take(house, document)
    lead = await the_lead(house)
    assert (lead["channel"], lead["intent"], lead["phone"]) == ("phone", "phone_call", PHONE)
    assert (lead["owner_id"], lead["plan_stopped"]) == (anna, "replied")
    assert lead["first_contact_at"] == lead["first_attempt_at"] == house.clock.now
    sent = await house.messages(lead["id"])
    assert [(m["kind"], m.get("call_result")) for m in sent] == [("start", None), ("outcome", "connected")]
    assert house.behind.delivered == [lead["id"]]
    # a receipt would be an odd answer to somebody who has just spoken with us
    assert await house.pool.fetchval("select state || ':' || reason from touch") == "skipped:person_answers"
    assert "<Hangup" in await follow(house, document, "done", DialCallStatus="completed")
    assert await house.pool.fetchval("select kind || ':' || (data->>'result') from story where kind = 'called_us'")
    assert await house.pool.fetchval("select state from inbound_call") == "connected"


async def test_an_answered_call_stops_the_plan_of_its_lead(house: House) -> None:
    await rep(house, "Anna")
    lead_id = await house.lead(phone=PHONE)
    await take(house, await ring(house))
    assert [m["kind"] for m in await house.messages(lead_id)] == ["start", "outcome"]
    assert await house.pool.fetchval("select plan_stopped from lead") == "replied"
    assert (await house.count("lead"), await house.count("inquiry")) == (1, 1)


async def test_an_answer_that_is_asked_for_again_counts_once(house: House) -> None:
    await rep(house, "Anna")
    document = await ring(house)
    asked = await follow(house, document, "rep")
    for again in ("", "2"):
        assert "<Hangup" not in await follow(house, asked, "accept", Digits="1", Extra=again)
    assert (await house.count("lead"), await house.count("outcome")) == (1, 1)


@pytest.mark.parametrize("digits", ["", "2"])
async def test_a_voicemail_of_a_rep_takes_no_call(house: House, digits: str) -> None:
    await rep(house, "Anna")
    document = await ring(house)
    assert "<Hangup" in await take(house, document, digits)
    assert "<Say" in await follow(house, document, "done", DialCallStatus="completed")
    assert await house.pool.fetchval("select state from inbound_call") == "missed"


async def test_a_key_that_comes_too_late_connects_nobody(house: House) -> None:
    await rep(house, "Anna")
    document = await ring(house)
    asked = await follow(house, document, "rep")
    await follow(house, document, "done", CallStatus="completed", DialCallStatus="canceled")
    assert "The caller is gone" in await follow(house, asked, "accept", Digits="1")
    assert "The caller is gone" in await follow(house, document, "rep")
    assert await house.count("outcome") == 0


# ── missed ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_missed_call_of_a_stranger_is_a_lead_that_asks_for_a_call(house: House) -> None:
    await rep(house, "Anna", presence="away")
    said = await ring(house)
    # Monday 10:00 in New York, where the team works; 7:00 in San Francisco, where nobody is called before 9
    assert "A person calls you by 09:05 (Los Angeles time)." in said
    lead = await the_lead(house)
    assert (lead["channel"], lead["lead_type"], lead["consent_call"]) == ("phone", "warm", False)
    assert lead["consent_text"] is not None
    assert [m["kind"] for m in await house.messages(lead["id"])] == ["start"]
    assert house.behind.delivered == [lead["id"]]


@pytest.mark.parametrize(
    ("now", "promise"),
    [
        (datetime(2026, 11, 23, 18, 0, tzinfo=UTC), "by 10:05"),
        (datetime(2026, 11, 23, 23, 30, tzinfo=UTC), "tomorrow, by 09:05"),
        (datetime(2026, 11, 21, 18, 0, tzinfo=UTC), "on Monday 23 November, by 09:05"),
    ],
)
async def test_the_promise_is_five_minutes_from_the_first_hour_in_which_somebody_may_call(
    house: House, now: datetime, promise: str
) -> None:
    await rep(house, "Anna", presence="busy")
    house.clock.now = now
    assert f"A person calls you {promise} (Los Angeles time)." in await ring(house)


async def test_it_is_said_in_the_callers_language(house: House) -> None:
    said = await ring(house, GERMAN)
    assert 'language="de-DE"' in said
    assert "Vielen Dank für Ihren Anruf bei Acme" in said
    assert "Wir rufen Sie" in said


async def test_a_missed_call_of_an_open_lead_is_a_question_that_waits(house: House) -> None:
    await rep(house, "Anna", presence="away")
    lead_id = await house.lead(phone=PHONE, intent="newsletter")
    house.clock.now = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
    await ring(house)
    due = house.clock.now + timedelta(minutes=5)
    sent = await house.messages(lead_id, "reply")
    assert [(m["channel"], datetime.fromisoformat(m["due"])) for m in sent] == [("call", due)]
    assert await house.pool.fetchval("select due_at from reply") == due
    assert await house.pool.fetchval("select plan_stopped from lead") == "replied"
    lines = (await house.call("GET", f"/api/leads/{lead_id}/messages"))[1]
    assert lines["answer_by"] in ("email", "sms")


async def test_a_call_after_the_lead_has_closed_is_a_new_one(house: House) -> None:
    first = await house.lead(phone=PHONE)
    await house.close_lead(first)
    await ring(house)
    assert await house.count("lead") == 2
    assert await house.count("person") == 1


async def test_the_same_call_again_says_the_same(house: House) -> None:
    first = await ring(house)
    assert await ring(house) == first
    status, again = await house.twilio(f"{VOICE}/inbound", CallSid=SID, From=PHONE, CallStatus="in-progress")
    assert (status, again) == (200, first)
    assert (await house.count("lead"), await house.count("inquiry"), await house.count("inbound_call")) == (1, 1, 1)


async def test_somebody_who_opted_out_is_promised_nothing(house: House) -> None:
    first = await house.lead(phone=PHONE)
    person = await house.pool.fetchval("select person_id from lead")
    await house.close_lead(first)
    await house.pool.execute(
        """insert into suppression (person_id, channel, reason, source, at)
           values ($1, 'all', 'opted_out_all', 'rep', $2)""",
        person, house.clock.now,
    )  # fmt: skip
    assert "Please write to us" in await ring(house)
    assert await house.pool.fetchval("select count(*) from notice where kind = 'inquiry_after_opt_out'") == 1


@pytest.mark.parametrize("sender", ["+266696687", "anonymous", "Restricted", "", "+1", "client:eve", "+1900555"])
async def test_a_hidden_number_rings_as_well_and_is_no_lead(house: House, sender: str) -> None:
    anna = await rep(house, "Anna")
    document = await ring(house, sender)
    assert dialled(document) == REP_PHONES["Anna"]
    assert "Please write to us" in await follow(house, document, "done", DialCallStatus="busy")
    assert (await house.count("lead"), await house.pool.fetchval("select kind from notice")) == (0, "missed_call")
    document = await ring(house, sender, "CA" + "2" * 32)
    assert "<Hangup" not in await take(house, document)
    assert await house.pool.fetchval("select rep_id from inbound_call where state = 'connected'") == anna


# ── what is lost on the way ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_caller_who_hangs_up_while_it_rings_is_called_back(house: House) -> None:
    await rep(house, "Anna")
    await ring(house)
    await house.twilio(f"{VOICE}/inbound-over", CallSid=SID, CallStatus="completed", From=PHONE)
    assert await house.count("lead") == 1
    assert await house.pool.fetchval("select state from inbound_call") == "missed"


async def test_the_end_of_a_call_that_was_taken_changes_nothing(house: House) -> None:
    await rep(house, "Anna")
    await take(house, await ring(house))
    await house.twilio(f"{VOICE}/inbound-over", CallSid=SID, CallStatus="completed", From=PHONE)
    assert await house.pool.fetchval("select state from inbound_call") == "connected"


async def test_a_call_of_whose_end_nobody_told_us_is_called_back(house: House) -> None:
    await rep(house, "Anna")
    await ring(house)
    await end_forgotten(house.app.state.context)
    assert await house.count("lead") == 0
    house.clock.now += timedelta(minutes=4)
    await end_forgotten(house.app.state.context)
    await end_forgotten(house.app.state.context)
    assert (await house.count("lead"), await house.count("inquiry")) == (1, 1)


@pytest.mark.parametrize("sid", ["", "CA1", "x" * 500, "CA" + "g" * 32])
async def test_a_call_without_a_sid_is_hung_up(house: House, sid: str) -> None:
    status, said = await house.twilio(f"{VOICE}/inbound", CallSid=sid, From=PHONE)
    assert (status, "<Hangup" in said) == (200, True)
    assert await house.count("inbound_call") == 0


@pytest.mark.parametrize(
    "query", ["", "?call=1&turn=0", f"?call={uuid.UUID(int=0)}&turn=0", f"?call={'-' * 36}&turn=0", "?call=a&turn=99"]
)
@pytest.mark.parametrize("step", ["inbound-rep", "inbound-accept", "inbound-done"])
async def test_a_url_that_is_not_ours_is_hung_up(house: House, step: str, query: str) -> None:
    status, said = await house.twilio(f"{VOICE}/{step}{query}", CallSid=SID, Digits="1", From=PHONE)
    assert (status, "<Hangup" in said) == (200, True)
    assert await house.count("lead") == 0


@pytest.mark.parametrize("step", ["inbound", "inbound-rep", "inbound-accept", "inbound-done", "inbound-over"])
async def test_forged_requests_are_refused(house: House, step: str) -> None:
    assert (await house.twilio(f"{VOICE}/{step}", signed=False, CallSid=SID, From=PHONE))[0] == 403
    assert await house.count("inbound_call") == 0


async def test_two_calls_at_once_from_one_number_are_one_lead(house: House) -> None:
    await asyncio.gather(*(ring(house, PHONE, "CA" + f"{n:032x}") for n in range(6)))
    assert (await house.count("person"), await house.count("lead")) == (1, 1)


async def test_a_machine_that_dials_from_ever_other_numbers_is_looked_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound_calls, "MOST_STRANGERS", 2)
    await house.lead(phone=PHONE)  # of another door: it does not count
    for n in range(4):
        await ring(house, f"+1212555014{n}", f"CA{n:032x}")
    assert await house.pool.fetchval("select count(*) from lead where form_key = 'phone'") == 2
    notices = await house.pool.fetch("select audience, kind, reason from notice")
    assert [tuple(row) for row in notices] == [("manager", "missed_call", "too_many")]
    await rep(house, "Anna")
    assert dialled(await ring(house, "+12125550148", "CA" + "8" * 32)) is None
    assert dialled(await ring(house, PHONE, "CA" + "9" * 32)) == REP_PHONES["Anna"]  # whom we know gets through
    house.clock.now += timedelta(hours=1, seconds=1)
    assert dialled(await ring(house, "+12125550149", "CA" + "7" * 32)) == REP_PHONES["Anna"]
