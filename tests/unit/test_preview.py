"""What is asked of a preview, and how it is told: fields, words, bands, pictures."""

import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta

import pytest

from speedlead.domain.placing import Question
from speedlead.domain.schedule import Asker
from speedlead.foresight import Foresight
from speedlead.picture_style import STYLE
from speedlead.preview import picture, png
from speedlead.preview.desk import Desk
from speedlead.preview.hours import bands
from speedlead.preview.request import PreviewRefused
from speedlead.preview.view import Preview
from tests.unit.test_foresight import ALWAYS, FORESIGHT, PLACER, PLACES, PLAN

NOW = datetime(2026, 11, 17, 15, 0, tzinfo=UTC)
DESK = Desk(FORESIGHT, "US", "those of the tests", NOW)
NIGHT = {
    "type": "hot", "phone": "+55 11 98765-4321", "at": "2026-11-20T23:10-03:00", "email": "any",
    "consent_text": "shown", "consent_sms": "yes",
}  # fmt: skip
SVG = "{http://www.w3.org/2000/svg}"


def preview(**fields: str) -> Preview:
    return DESK.preview(NIGHT | fields)


def problems(**fields: str) -> dict[str, tuple[str, str]]:
    with pytest.raises(PreviewRefused) as refused:
        DESK.preview(fields)
    return {problem.field: (problem.reason, problem.expected) for problem in refused.value.problems}


# ── fields ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_wrong_field_is_named_at_once() -> None:
    found = problems(type="lukewarm", phone="12", at="soon", tz="Mars/Base", country="ZZ", email="any")
    assert set(found) == {"type", "phone", "at", "tz", "country"}
    assert found["type"] == ("not a lead type", "hot, warm or cold")
    assert found["at"] == ("not a moment", "a date and a time of day, such as 2026-11-20T23:10-03:00")


def test_a_lead_needs_a_way_to_be_reached() -> None:
    assert problems(type="hot")["email"][1] == "an e-mail address or a phone number"


def test_an_intent_has_its_own_type() -> None:
    assert preview(type="", intent="webinar").prospect.lead_type == "warm"
    assert preview(type="cold", intent="").prospect.intent == "newsletter"
    assert "makes a warm lead" in problems(type="hot", intent="webinar", email="any")["intent"][0]
    assert "one of" in problems(intent="dancing", email="any")["intent"][1]


def test_a_time_without_an_offset_is_on_the_leads_clock() -> None:
    there = preview(at="2026-11-20T23:10")
    assert there.prospect.submitted_at == preview().prospect.submitted_at
    assert problems(email="any", at="2026-11-20T23:10")["at"][0] == "no offset, and nothing says where the lead is"
    assert preview(at="").prospect.submitted_at == NOW


@pytest.mark.parametrize("at", ["1999-01-01T00:00Z", "2099-01-01T00:00Z", "0001-01-01T00:00", "9999-12-31T23:59"])
def test_a_year_without_known_holidays_is_refused(at: str) -> None:
    assert problems(email="any", at=at)["at"][0] == "too far away"


def test_consents_and_place_are_read_as_an_inquirys() -> None:
    asked = preview(consent_call="yes", country="BR").prospect
    assert asked.evidence.phone_e164 == "+5511987654321"
    assert (asked.consents.call_requested, asked.consents.sms, asked.consents.call) == (True, True, True)
    assert asked.consents.inquiry_at == asked.submitted_at
    assert not preview(consent_text="").prospect.consents.call_requested


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_touch_has_what_the_plan_says_and_what_moved_it() -> None:
    told = {line.touch.step: line for line in preview().lines}
    assert told["ack-1"].plan == "at once, by e-mail, for every inquiry"
    assert told["call-1"].plan == "when the lead's clock opens, within 3 min"
    assert told["call-1"].why.startswith("not Fri 20 Nov, 23:10: ")
    assert "it is the weekend where the lead is" in told["call-1"].why
    assert (told["call-2"].plan, told["call-2"].why) == ("7 min after call 1, within 10 min", "")
    assert told["day-2-call"].plan == "the day after call 4, 10:00 to 12:00"
    assert told["day-6-call"].why.startswith("not Sat 28 Nov: ")
    assert "skipped: there is no consent to SMS" in {line.why for line in preview(consent_sms="").lines}


def test_laws_that_say_the_same_stand_together() -> None:
    why = {line.touch.step: line.why for line in preview(phone="+13055550123", at="2026-11-17T10:00-05:00").lines}
    assert why["call-4"] == "not Tue 17 Nov, 14:00: the most contacts allowed in this period were made (us-fl)"
    assert "quiet hours where the lead is (us-fed, us-fl)" in why["day-4-call"] + why["day-5-email"]


def test_a_slot_that_gave_way_is_said() -> None:
    """Nobody of the team is there at three in the afternoon of Tokyo."""
    mornings = Foresight(plan=PLAN, placer=PLACER, places=PLACES, team=[type(ALWAYS)("Asia/Tokyo", {1: ((540, 720),)})])
    shown = Desk(mornings, "US", "", NOW).preview(NIGHT | {"phone": "+819012345678", "at": "2026-11-17T10:00+09:00"})
    why = {line.touch.step: line.why for line in shown.lines}
    assert "no permitted time was left at the wanted time of day" in why["day-4-call"]


def test_the_facts_say_promise_and_end() -> None:
    facts = dict(preview().facts)
    assert facts["It is promised"] == "A person calls you on Monday 23 November, by 09:03 (Sao Paulo time)."
    assert facts["It ends"] == "Wed 2 Dec, 16:00: every step of the plan was done"
    nobody = dict(DESK.preview({"email": "any", "at": "2026-11-17T10:00Z"}).facts)
    assert nobody["Is"] == "not known; times are UTC"
    assert nobody["Its clock opens"].endswith(", with the inquiry")


def test_json_has_the_instants() -> None:
    said = preview().json()
    assert said["promise"]["at"] == "2026-11-23T12:03:00+00:00"
    assert said["touches"][1]["at"] == "2026-11-23T12:00:00+00:00"
    assert said["touches"][1]["local"] == "2026-11-23T09:00:00"
    assert said["ends"]["reason"] == "plan_completed"


# ── bands ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("phone", ["+5511987654321", "+33142685300", "+13055550123", "+61255501234"])
def test_the_bands_say_what_the_calendar_says_minute_by_minute(phone: str) -> None:
    shown = preview(phone=phone, at="2026-03-27T10:00Z")  # clocks change in France and Australia within these days
    start = shown.prospect.submitted_at
    asker = Asker(shown.week.place, shown.prospect.consents, PLAN.hours)
    made = bands(PLACER, asker, start, start + timedelta(days=12), by_phone=True)
    for minutes in range(0, 12 * 1440, 7):
        at = start + timedelta(minutes=minutes)
        for spans, business in ((made.lawful, False), (made.business, True)):
            question: Question = asker.question("call", at, business=business)
            assert any(a <= at < b for a, b in spans) == (PLACER.place(question).at == at), at  # type: ignore[union-attr]


# ── pictures ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in parsed(svg).iter(f"{SVG}text")]


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - our own


def test_the_picture_has_a_mark_and_a_label_for_every_touch() -> None:
    shown = preview()
    drawn = texts(shown.svg())
    for line in shown.lines:
        assert f"{line.touch.local:%H:%M} {line.step}" in drawn
    assert {"form", "16:00 end", "Sat 21 Nov"} <= set(drawn)


def test_touches_of_the_same_minutes_do_not_cover_each_other() -> None:
    shown = preview(at="2026-11-24T12:00-03:00")
    items = picture._items(shown.week, shown.prospect, shown.lines, "America/Sao_Paulo")
    for row in picture._rows(items):
        for one in row.items:
            for other in row.items:
                if one is not other and one.lane == other.lane:
                    a, b = picture._extent(one), picture._extent(other)
                    assert a[1] <= b[0] or b[1] <= a[0]


def test_days_on_which_nothing_happens_are_folded() -> None:
    shown = preview(phone="+33142685300", at="2026-11-24T15:00+01:00", type="warm")
    assert any("nothing for 26 days" in text for text in texts(shown.svg()))


def test_what_people_typed_is_only_text_in_the_picture() -> None:
    shown = preview(source='"><script>alert(1)</script>')
    assert "<script" not in shown.svg()
    assert parsed(shown.svg()).attrib["role"] == "img"


def test_the_png_is_a_picture_with_words_and_colours_in_it() -> None:
    plain = png._plain(f"<style>{STYLE}</style>")
    assert "var(" not in plain
    assert "@media" not in plain
    shown = preview()
    image = png.to_png(shown.svg(), zoom=1)
    assert image.startswith(b"\x89PNG")
    # without the font every word would be missing, and the picture would be much smaller
    assert len(image) > 20_000
