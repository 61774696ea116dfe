"""What a lead reads: the four parts of the answer, an exact promise, and nothing a stranger could smuggle in."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedlead.composer import TEMPLATES, ComposeError, Composer, Message, Promise, first_name, promise_words, quote
from speedlead.domain.placing import Consents
from speedlead.domain.zones import Evidence
from speedlead.planbook import load_plan
from speedlead.records import LeadRecord
from tests.unit.leads import DAY, HOUR, MINUTE, NOW, SECOND

NEW_YORK = "America/New_York"
COMPOSER = Composer("Acme Engines", "+1 415 555 0100")
SENT = sorted({*load_plan().templates(), ("email", "acknowledgement"), ("sms", "acknowledgement"), ("call", "brief")})
GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
NASTY = [
    "<script>alert(1)</script>", "{{ 7*7 }}", "{% for x in y %}", "{{ company_phone.__class__ }}",
    "Ada\r\nBcc: x@y.zz", "Ada\u2028Bcc: x@y.zz", "Ada\x85X: 1", "</Message><Dial>+15005550006</Dial>", "&amp;<b>",
    "\u202eevil", "'\"><img src=x>", "https://evil.example/login", "evil.example/x", "www.evil.example",
    "x" * 5000, "", "   ", "a\x00b",
]  # fmt: skip


def record(**changes: Any) -> LeadRecord:
    values: dict[str, Any] = {
        "lead_id": "7f3a", "person_id": "p", "lead_type": "hot", "intent": "demo_request", "source": "organic",
        "segment": None, "stage": "new", "owner_id": "r", "plan_id": "inbound", "plan_version": 1,
        "clock_offset_us": 0, "created_at": NOW, "submitted_at": NOW, "open_at": NOW, "first_attempt_due": NOW,
        "name": "Ada Lovelace", "company": "Engines", "email": "ada@example.com", "phone": "+12125550123",
        "message": "Can you show me the engine?", "inquiry_number": 1, "evidence": Evidence(),
        "consents": Consents(True, True, True), "owner_name": "Anna Berg", "owner_email": None, "owner_phone": None,
        "called": True,
    }  # fmt: skip
    return LeadRecord(**(values | changes))


def answer(channel: str = "email", lead: LeadRecord | None = None, **options: Any) -> Message:
    promise = promise_words(NOW + 3 * MINUTE, NOW, NEW_YORK, "call")
    return COMPOSER.compose(channel, "acknowledgement", lead or record(), promise, **options)


def test_the_answer_has_its_four_parts() -> None:
    text = answer().text
    assert "your demo request. It has reached Acme Engines and we have your details" in text  # REQ 29
    assert "A person calls you by 10:03 (New York time)." in text  # REQ 30
    assert "What happens next: one of our people reads what you wrote" in text  # REQ 31
    assert "In a hurry? Call +1 415 555 0100, or reply to this mail" in text  # REQ 32


def test_the_answer_asks_for_the_place_only_when_it_is_unknown() -> None:
    assert "in which city" not in answer().text
    assert "in which city" in answer(ask_place=True).text


def test_a_text_has_the_same_parts_and_says_how_to_stop() -> None:
    assert answer("sms").text == (
        "Acme Engines: we have your demo request. A person calls you by 10:03 (New York time). Hurry? "
        "Call +1 415 555 0100. Reply STOP to opt out."
    )


@pytest.mark.parametrize(
    ("due", "zone", "words"),
    [
        (NOW + 3 * MINUTE, NEW_YORK, "by 10:03 (New York time)"),
        (NOW + 3 * MINUTE + timedelta(microseconds=1), NEW_YORK, "by 10:04 (New York time)"),
        (NOW + 3 * MINUTE + SECOND, NEW_YORK, "by 10:04 (New York time)"),
        (NOW + DAY, NEW_YORK, "tomorrow, by 10:00 (New York time)"),
        (NOW + 5 * DAY, NEW_YORK, "on Sunday 29 November, by 10:00 (New York time)"),
        (NOW + 10 * HOUR, "Asia/Kolkata", "tomorrow, by 06:30 (Kolkata time)"),
        (NOW + 3 * MINUTE, "America/Argentina/Buenos_Aires", "by 12:03 (Buenos Aires time)"),
        (NOW + 3 * MINUTE, None, "within 3 minutes"),
        (NOW + 3 * MINUTE + SECOND, None, "within 4 minutes"),
        (NOW + 4 * HOUR, None, "within 4 hours"),
        (NOW + 4 * HOUR + SECOND, None, "within 5 hours"),
        (NOW - HOUR, None, "within 1 minute"),
    ],
)
def test_a_promise_is_exact_and_rounded_so_that_it_is_never_late(due: datetime, zone: str | None, words: str) -> None:
    promise = promise_words(due, NOW, zone, "call")
    assert promise == Promise(due, f"A person calls you {words}.")
    assert "writes to you personally " + words in promise_words(due, NOW, zone, "email").text


def test_a_promise_across_a_change_of_clocks_is_in_the_time_of_that_day() -> None:
    friday = datetime(2027, 3, 12, 23, 0, tzinfo=UTC)  # clocks go forward on Sunday
    text = promise_words(datetime(2027, 3, 15, 13, 3, tzinfo=UTC), friday, NEW_YORK, "call").text
    assert "on Monday 15 March, by 09:03" in text


def test_without_any_deadline_the_promise_is_the_next_business_day() -> None:
    assert promise_words(None, NOW, NEW_YORK, "call") == Promise(None, "A person calls you on the next business day.")


@given(st.integers(0, 10 * 86400), st.sampled_from([NEW_YORK, "Asia/Kathmandu", "Australia/Lord_Howe"]))
def test_the_promised_minute_is_not_before_the_deadline_and_less_than_a_minute_after(seconds: int, zone: str) -> None:
    due = NOW + seconds * SECOND
    text = promise_words(due, NOW, zone, "call").text
    clock = text.split("by ")[1][:5]
    said = [due + n * SECOND for n in range(60)]
    shown = {t.astimezone(ZoneInfo(zone)).strftime("%H:%M") for t in said if t.astimezone(ZoneInfo(zone)).second == 0}
    assert shown == {clock}


@pytest.mark.parametrize(("channel", "template"), SENT)
@pytest.mark.parametrize(
    "gaps",
    [{}, {"name": None}, {"message": None}, {"phone": None}, {"owner_name": None, "company": None}, {"called": False},
     {"name": None, "message": None, "phone": None, "email": None, "owner_name": None, "intent": "never_heard_of"}],
)  # fmt: skip
@pytest.mark.parametrize("company_phone", [None, "+1 415 555 0100"])
def test_every_template_renders_and_refers_to_the_inquiry(
    channel: str, template: str, gaps: dict[str, Any], company_phone: str | None
) -> None:
    composer, lead = Composer("Acme", company_phone), record(**gaps)
    composer.check(channel, template)
    message = composer.compose(channel, template, lead, Promise(None, "A person calls you."))
    assert ("inquiry" if gaps.get("intent") else "demo request") in message.text  # REQ 54
    assert not any(mark in message.text for mark in ("None", "{{", "{%", "  ,"))
    assert (message.subject is not None) is (channel == "email")
    assert (message.html is not None) is (channel == "email")


def test_nobody_is_told_of_a_call_that_was_not_made() -> None:
    for channel in ("email", "sms"):
        assert "tried" in COMPOSER.compose(channel, "missed_you", record()).text
        silent = COMPOSER.compose(channel, "missed_you", record(called=False))
        assert "tried" not in silent.text + (silent.subject or "")
        assert "call you about" not in silent.text


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag if not attrs else f"{tag}+")


def harmless(message: Message) -> None:
    tags = Tags()
    tags.feed(message.html or "")
    assert tags.seen <= {"html", "body", "p", "br"}
    assert "49" not in message.text
    assert len((message.subject or "").splitlines()) <= 1
    EmailMessage()["Subject"] = message.subject or ""  # refuses a second header line
    assert "evil.example" not in message.text


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize(("channel", "template"), SENT)
def test_what_a_lead_wrote_stays_text(nasty: str, channel: str, template: str) -> None:
    lead = record(name=nasty, message=nasty, company=nasty)
    harmless(COMPOSER.compose(channel, template, lead, Promise(None, "A person calls you.")))


@given(st.text(max_size=60), st.text(max_size=300))
def test_no_text_at_all_becomes_markup_or_a_header(name: str, message: str) -> None:
    composed = answer(lead=record(name=name, message=message))
    tags = Tags()
    tags.feed(composed.html or "")
    assert tags.seen <= {"html", "body", "p", "br"}
    assert len((composed.subject or "").splitlines()) <= 1


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Ada Lovelace", "Ada"), ("  Jean-Luc  Picard", "Jean-Luc"), ("O'Brien", "O'Brien"), ("J. R. Tolkien", "J."),
        ("Zoë", "Zoë"), ("अदिति राव", "अदिति"), ("李雷", "李雷"), ("Ada,", "Ada"),
        (None, "there"), ("", "there"), (" ", "there"), ("evil.example", "there"), ("http://evil", "there"),
        ("a@b.example", "there"), ("W" * 41, "there"), ("1000$", "there"), ("<b>", "there"),
    ],
)  # fmt: skip
def test_the_first_name_is_a_name_or_nobody_in_particular(name: str | None, first: str) -> None:
    assert first_name(name) == first


def test_a_quote_is_one_line_cut_at_a_word() -> None:
    assert quote("one\n\ntwo\tthree") == "one two three"
    long = quote("word " * 60)
    assert long is not None
    assert long.endswith("word …")
    assert len(long) <= 142
    assert quote(" \n ") is None
    assert quote("see https://evil.example") is None


def gsm_segments(text: str) -> int:
    assert set(text) <= GSM, set(text) - GSM
    return 1 if len(text) <= 160 else -(-len(text) // 153)


@pytest.mark.parametrize("intent", ["demo_request", "webinar", "newsletter", "other"])
@pytest.mark.parametrize("zone", [NEW_YORK, "America/Argentina/Buenos_Aires", "America/North_Dakota/New_Salem"])
@pytest.mark.parametrize("company", ["Acme", "Northern Analytical Engines Ltd"])
def test_the_answer_by_text_takes_two_segments_at_most(intent: str, zone: str, company: str) -> None:
    worst = datetime(2026, 9, 30, 23, 59, 30, tzinfo=UTC)  # 'on Wednesday 30 September'
    promise = promise_words(worst, worst - 5 * DAY, zone, "email")
    composer = Composer(company, "+1 415 555 0100")
    assert gsm_segments(composer.compose("sms", "acknowledgement", record(intent=intent), promise).text) <= 2


@pytest.mark.parametrize("missing", ["email", "sms"])
def test_a_missing_template_is_named(missing: str) -> None:
    with pytest.raises(ComposeError, match=rf"template {missing}/nothing: there is no file nothing\.en\.txt"):
        COMPOSER.check(missing, "nothing")
    with pytest.raises(ComposeError, match="there is no file"):
        COMPOSER.compose(missing, "nothing", record())


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("Subject: x\n\nAbout your inquiry", "does not refer to the inquiry"),
        ("Subject: x\n\n{{ inquiry }} {{ first_nam }}", "no message has first_nam"),
        ("Subject: x\n\n{{ inquiry ", "line 3"),
    ],
)
def test_a_template_is_checked_before_anything_is_sent(
    source: str, says: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "mine.en.txt").write_text(source)
    monkeypatch.setattr("speedlead.composer.TEMPLATES", tmp_path)
    with pytest.raises(ComposeError, match=says):
        Composer("Acme", None).check("email", "mine")


def test_every_packaged_template_is_used_by_a_plan_or_by_the_engine() -> None:
    files = {(file.parent.name, file.name.removesuffix(".en.txt")) for file in TEMPLATES.glob("*/*.txt")}
    assert files == set(SENT)
