"""What a lead reads: the four parts of the answer, an exact promise, and nothing a stranger could smuggle in."""

import re
import time
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedlead.composer import ComposeError, Composer, House, Message, Promise, packaged_book, promise_words, recipient
from speedlead.composing.book import load_book
from speedlead.composing.safe import first_name, quote
from speedlead.composing.segments import count
from speedlead.domain.placing import Consents
from speedlead.domain.zones import Evidence
from speedlead.planbook import load_plan
from speedlead.records import LeadRecord
from tests.unit.leads import DAY, HOUR, MINUTE, NOW, SECOND

NEW_YORK = "America/New_York"
COMPOSER = Composer(House("Acme Engines", "+1 415 555 0100"))
URL = "https://acme.example/u/token"
SENT = sorted(
    # the video is for plans of one's own
    {*load_plan().templates(), ("email", "acknowledgement"), ("sms", "acknowledgement"), ("email", "video")}
)
LANGUAGES = ["de", "en", "es", "fr", "it", "pt"]
# a machine that does seven other things at the same time
SLACK = 5
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
        "called": True, "owner_video": "https://video.acme.example/anna",
    }  # fmt: skip
    return LeadRecord(**(values | changes))


def answer(channel: str = "email", lead: LeadRecord | None = None, **options: Any) -> Message:
    promise = promise_words(NOW + 3 * MINUTE, NOW, NEW_YORK, "call")
    who = lead or record()
    return COMPOSER.compose(channel, "acknowledgement", who, unsubscribe_url=URL, promise=promise, **options)


def compose(channel: str, template: str, lead: LeadRecord, language: str | None = None) -> Message:
    promise = Promise(None, "A person calls you.")
    return COMPOSER.compose(channel, template, lead, unsubscribe_url=URL, promise=promise, language=language)


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
        "Acme Engines: we have your demo request. A person calls you by 10:03 (New York time). "
        "Next, one of us reads it and then calls you. Hurry? Call +1 415 555 0100. Reply STOP to opt out."
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


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_can_be_neither_called_nor_written_to_is_promised_neither(language: str) -> None:
    due = NOW + 9 * HOUR
    words = promise_words(due, NOW, None, "look", language).text
    others = {promise_words(due, NOW, None, channel, language).text for channel in ("call", "email")}
    assert words not in others
    if language == "en":
        assert words == "A person reads your inquiry within 9 hours."


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
    composer, lead = Composer(House("Acme", company_phone)), record(**gaps)
    composer.check(channel, template)
    promise = Promise(None, "A person calls you.")
    message = composer.compose(channel, template, lead, unsubscribe_url=URL, promise=promise)
    assert ("inquiry" if gaps.get("intent") else "demo request") in message.text  # REQ 54
    assert not any(mark in message.text for mark in ("None", "{{", "{%", "  ,"))
    assert (message.subject is not None) is (channel == "email")
    assert (message.html is not None) is (channel == "email")


def test_nobody_is_told_of_a_call_that_was_not_made() -> None:
    for channel in ("email", "sms"):
        assert "tried" in compose(channel, "missed_you", record()).text
        silent = compose(channel, "missed_you", record(called=False))
        assert "tried" not in silent.text + (silent.subject or "")
        assert "call you about" not in silent.text


class Skeleton(HTMLParser):
    """Every element with its attributes, in order, without the text in between."""

    def __init__(self, html: str | None) -> None:
        super().__init__()
        self.seen: list[object] = []
        self.feed(html or "")

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.append((tag, tuple(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(tag)

    def handle_comment(self, data: str) -> None:
        self.seen.append(data)


def harmless(message: Message, usual: Message) -> None:
    """The elements, attributes and links of the same message to somebody who wrote nothing odd; one header line."""
    assert Skeleton(message.html).seen == Skeleton(usual.html).seen
    assert "49" not in message.text
    assert len((message.subject or "").splitlines()) <= 1
    EmailMessage()["Subject"] = message.subject or ""  # refuses a second header line
    assert "evil.example" not in message.text
    assert message.text.count("://") == usual.text.count("://")
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x85\u2028]", message.text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize(("channel", "template"), SENT)
def test_what_a_lead_wrote_stays_text(nasty: str, channel: str, template: str, language: str) -> None:
    lead = record(name=nasty, message=nasty, company=nasty)
    harmless(compose(channel, template, lead, language), compose(channel, template, record(), language))


@given(st.text(max_size=60), st.text(max_size=300), st.sampled_from(SENT), st.sampled_from(LANGUAGES))
def test_no_text_at_all_becomes_markup_a_link_or_a_header(
    name: str, message: str, sent: tuple[str, str], language: str
) -> None:
    made = compose(*sent, record(name=name, message=message), language)
    assert Skeleton(made.html).seen == Skeleton(compose(*sent, record(), language).html).seen
    assert len((made.subject or "").splitlines()) <= 1
    if sent[0] == "sms":
        assert count(made.text).segments <= 3
        assert len(made.text) <= 1600
        assert "STOP" in made.text


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Ada Lovelace", "Ada"), ("  Jean-Luc  Picard", "Jean-Luc"), ("O'Brien", "O'Brien"), ("J. R. Tolkien", "J."),
        ("Zoë", "Zoë"), ("अदिति राव", "अदिति"), ("李雷", "李雷"), ("Ada,", "Ada"),
        (None, None), ("", None), (" ", None), ("evil.example", None), ("http://evil", None),
        ("a@b.example", None), ("W" * 41, None), ("1000$", None), ("<b>", None),
    ],
)  # fmt: skip
def test_the_first_name_is_a_name_or_nobody_in_particular(name: str | None, first: str) -> None:
    assert first_name(name) == first


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Ada Lovelace", "Ada Lovelace"), ("A\r\nBcc: x", "A Bcc: x"), ("http://evil", None), ("evil.example", None),
     ("\u202eadA", "adA"), ("x" * 5000, "x" * 100), (None, None), (" ", None)],
)  # fmt: skip
def test_the_name_beside_the_address_is_one_line_and_no_link(name: str | None, shown: str | None) -> None:
    assert recipient(record(name=name)) == shown


def test_a_quote_is_one_line_cut_at_a_word() -> None:
    assert quote("one\n\ntwo\tthree") == "one two three"
    long = quote("word " * 60)
    assert long is not None
    assert long.endswith("word …")
    assert len(long) <= 142
    assert quote(" \n ") is None
    assert quote("Schöne Grüße, bis 2026. Danke") == "Schöne Grüße, bis 2026. Danke"


@pytest.mark.parametrize(
    "text",
    [
        "see https://evil.example", "evil.example", "evil.рф", "evil．com", "evil。com", "e\u200bvil.\u200bcom",
        "www evil com",
        "me@evil.example", "call 1-800-555-0100", "ring +44 20 7946 0958", "javascript://x",
    ],
)  # fmt: skip
def test_nothing_is_quoted_that_a_mail_program_could_make_a_link_of(text: str) -> None:
    assert quote(f"Hello, {text} please") is None


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("zone", [NEW_YORK, "America/Argentina/Buenos_Aires", "America/North_Dakota/New_Salem"])
@pytest.mark.parametrize("company", ["Acme", "Northern Analytical Engines Ltd"])
def test_the_answer_by_text_takes_two_segments_of_plain_letters(language: str, zone: str, company: str) -> None:
    worst = datetime(2026, 9, 30, 23, 59, 30, tzinfo=UTC)  # 'on Wednesday 30 September'
    composer = Composer(House(company, "+14155550100"))
    for intent in ("demo_request", "webinar", "newsletter", "other"):
        promise = promise_words(worst, worst - 5 * DAY, zone, "call", language)
        lead = record(intent=intent)
        made = composer.compose("sms", "acknowledgement", lead, unsubscribe_url=URL, promise=promise, language=language)
        assert (count(made.text).encoding, count(made.text).segments) == ("GSM-7", 2), made.text


@pytest.mark.parametrize("missing", ["email", "sms"])
def test_a_missing_template_is_named(missing: str) -> None:
    with pytest.raises(ComposeError, match=rf"template {missing}/nothing: expected a file {missing}/nothing\.en\.txt"):
        COMPOSER.check(missing, "nothing")
    with pytest.raises(ComposeError, match="expected a file"):
        compose(missing, "nothing", record())


def test_a_message_is_in_the_language_of_the_lead_and_says_which_edition_it_is() -> None:
    austrian = record(language="de-AT")
    made = answer(lead=austrian)
    assert made.edition == "email/acknowledgement.de v2"
    assert (made.subject or "").startswith("Eingegangen: Ihre Demo-Anfrage")
    assert '<html lang="de">' in (made.html or "")
    promise = COMPOSER.promise(austrian, NOW + 3 * MINUTE, NOW, "Europe/Vienna", "call")
    assert promise.text == "Wir rufen Sie bis 16:03 Uhr (Ortszeit Vienna) persönlich an."
    assert answer(lead=record(evidence=Evidence(country="FR"))).edition == "email/acknowledgement.fr v2"
    assert answer(lead=record(language="xx", evidence=Evidence(country="JP"))).edition == "email/acknowledgement.en v2"


def test_a_house_whose_language_has_no_acknowledgement_is_refused() -> None:
    with pytest.raises(ComposeError, match="SPEEDLEAD_LANGUAGE: expected one of de, en, es, fr, it, pt"):
        Composer(House("Acme", language="nl"))


def test_a_text_that_gets_too_long_loses_the_words_of_the_lead_and_keeps_the_way_out(tmp_path: Path) -> None:
    folder = tmp_path / "sms"
    folder.mkdir()
    (folder / "missed_you.en.txt").write_text(
        "---\nversion: 2\nowner: Me\nreview_by: 2030-01-01\n---\n"
        "{{ inquiry }} {% if quote %}{{ quote }} {% endif %}STOP"
    )
    composer = Composer(House("Acme", segments=1), load_book(tmp_path))
    said = "\u0416" * 20 + " " + "\u0416" * 100  # two segments and more, in letters that GSM-7 has not
    for message, kept in (("Hello", "Hello "), (said, "\u0416" * 20 + " … ")):
        lead = record(message=message)
        text = composer.compose("sms", "missed_you", lead, unsubscribe_url=URL).text
        assert text == f"your demo request {kept}STOP".replace("…", "...")


def test_every_packaged_template_is_used_by_a_plan_or_by_the_engine_and_written_in_every_language() -> None:
    # a plan may say the first: the default plan leaves no message; the second is said about a meeting, the third by
    # plans/nurture.yaml
    used = [*SENT, ("voicemail", "missed_you"), ("email", "meeting"), ("email", "still_here")]
    assert set(packaged_book().templates) == {(*one, language) for one in used for language in LANGUAGES}


def test_an_acknowledgement_is_rendered_within_a_millisecond() -> None:
    answer()
    started = time.perf_counter()
    for _ in range(50):
        answer()
    assert (time.perf_counter() - started) / 50 < 0.001 * SLACK


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_last_mail_asks_how_we_did_where_it_has_a_link_to_say_so(language: str) -> None:
    link = "https://acme.example/feedback/t/day-7-email"
    made = COMPOSER.compose(
        "email", "last_note", record(), unsubscribe_url=URL, language=language, feedback_link=link
    )  # fmt: skip
    said = COMPOSER.book.words[language].feedback
    assert f"{said['fast']} {said['yes']}: {link}?fast=yes · {said['no']}: {link}?fast=no" in made.text
    assert f'<a href="{link}?fast=no">{said["no"]}</a>' in (made.html or "")
    without = COMPOSER.compose("email", "last_note", record(), unsubscribe_url=URL, language=language)
    assert "feedback" not in without.text
