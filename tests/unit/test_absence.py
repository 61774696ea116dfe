"""Out-of-office notes as people write them: the day of return, and what looks like one and is none."""

import time
from datetime import UTC, date, datetime

import pytest

from speedlead import lawbook
from speedlead.closures import HolidayClosures
from speedlead.domain.absence import return_day
from speedlead.domain.absence_words import LANGUAGES
from speedlead.domain.placing import Placer
from speedlead.domain.zones import Evidence
from speedlead.mail_text import is_absence_note, written_part
from speedlead.place_finder import PlaceFinder
from speedlead.planbook import load_plan
from speedlead.returns import Returns

THURSDAY = date(2026, 11, 19)

SAID = [
    # the day named is the first one back
    ("I am out of the office and will be back on Tuesday 24 November.", "GB", "2026-11-24"),
    ("Thanks for your mail. Back on 2026-12-01.", "US", "2026-12-01"),
    ("I'm travelling, returning 2026/12/01", None, "2026-12-01"),
    ("I will return to the office on Dec 1st, 2026.", "US", "2026-12-01"),
    ("I'll be back in the office Monday.", "US", "2026-11-23"),
    ("Back Monday 9am", "US", "2026-11-23"),
    ("I'll be back on Monday 30th.", "GB", "2026-11-30"),
    ("I return on the 24th.", "US", "2026-11-24"),
    ("Hi, I won’t be back until 24 November.", "GB", "2026-11-24"),
    ("On 24 November I will be back at my desk.", "IE", "2026-11-24"),
    ("Available again from 24/11/26.", "AU", "2026-11-24"),
    ("Our office reopens on Monday, November 30.", "US", "2026-11-30"),
    ("I will be back tomorrow.", "GB", "2026-11-20"),
    ("Back next Monday!", "GB", "2026-11-23"),
    ("Ich bin am Dienstag, den 24. November wieder im Büro.", "DE", "2026-11-24"),
    ("Ich bin ab dem 24.11. wieder erreichbar.", "DE", "2026-11-24"),
    ("Zurück am 1. Dezember 2026", "AT", "2026-12-01"),
    ("Ich bin nächsten Montag wieder für Sie da.", "DE", "2026-11-23"),
    ("Guten Morgen, ich bin am Montag Morgen wieder da.", "CH", "2026-11-23"),
    ("Ich bin morgen wieder da.", "DE", "2026-11-20"),
    ("Je suis absent. Je serai de retour le lundi 30 novembre.", "FR", "2026-11-30"),
    ("De retour à partir du 1er décembre", "FR", "2026-12-01"),
    ("En congés, je reviens lundi prochain.", "FR", "2026-11-23"),
    ("Vuelvo el 1 de diciembre de 2026.", "ES", "2026-12-01"),
    ("Regreso el próximo lunes.", "MX", "2026-11-23"),
    ("Estarei de volta no dia 1º de dezembro.", "BR", "2026-12-01"),
    ("Volto na próxima segunda-feira.", "PT", "2026-11-23"),
    ("Ik ben vanaf 30 november weer bereikbaar.", "NL", "2026-11-30"),
    ("Ik ben maandag weer terug.", "NL", "2026-11-23"),
    # "until": the first day back in English and Dutch, the last one away elsewhere and where it says so
    ("Out of office until Nov. 24", "US", "2026-11-24"),
    ("I'm out of office until Monday.", "US", "2026-11-23"),
    ("Ik ben op vakantie tot 30 november.", "NL", "2026-11-30"),
    ("I am away until 27 November inclusive.", "GB", "2026-11-28"),
    ("I'm on leave through November 27th, 2026", "US", "2026-11-28"),
    ("Ich bin bis einschließlich 27. November 2026 nicht im Büro.", "DE", "2026-11-28"),
    ("Abwesend bis zum 27.11.2026 09:00 Uhr", "DE", "2026-11-28"),
    ("Je suis absente jusqu'au 27 novembre inclus.", "FR", "2026-11-28"),
    ("Estaré fuera de la oficina hasta el 27 de noviembre.", "ES", "2026-11-28"),
    ("Estou de férias até 27/11/2026.", "PT", "2026-11-28"),
    ("Sono fuori ufficio fino al 27 novembre.", "IT", "2026-11-28"),
    ("Sono in ferie dal 16 al 27 novembre 2026.", "IT", "2026-11-28"),
    ("Sarò assente; rientrerò in ufficio il 30 novembre.", "IT", "2026-11-30"),
    ("Sono in ferie e torno lunedì 30 novembre.", "IT", "2026-11-30"),
    ("Di nuovo disponibile dal 01/12/2026", "IT", "2026-12-01"),
    ("Ik ben afwezig tot en met 27 november.", "BE", "2026-11-28"),
    # a range that has begun
    ("I am on holiday from 16 to 27 November.", "GB", "2026-11-28"),
    ("Out of office 11/16-11/27", "US", "2026-11-28"),
    ("Vom 16.11. bis 27.11.2026 bin ich im Urlaub.", "DE", "2026-11-28"),
    ("Vacaciones del 16 al 27 de noviembre", "ES", "2026-11-28"),
    ("En congés du 16 au 27 novembre.", "FR", "2026-11-28"),
    # a named return counts more than the end of the absence, and two languages may say the same
    ("On leave from 16 until 27 November and back on 30 November.", "GB", "2026-11-30"),
    ("Out of office until 27 November.\n\nAbwesend bis 27. November.", "DE", "2026-11-28"),
    ("Back on 1 December.\n\nIch bin am 1. Dezember zurück.", "DE", "2026-12-01"),
    # day and month in the lead's country, or in the language's way
    ("I am away until 12/01/2026.", "US", "2026-12-01"),
    ("I am away until 12/01/2027.", "GB", "2027-01-12"),
    ("Afwezig tot en met 01/12/2026", "US", "2026-12-02"),
    ("I am away until 11/30.", "GB", "2026-11-30"),  # there is no thirtieth month
    ("I am away until 12/11.", None, "2026-12-11"),  # and the other reading lies in the past
]
NOT_SAID = [
    ("Thank you for your message. I will answer as soon as I can.", "GB"),
    ("I am away until further notice.", "GB"),
    ("La nostra offerta è valida fino al 30 novembre.", "IT"),
    ("La richiamo il 24 novembre.", "IT"),
    ("Back soon!", "US"),
    # truly ambiguous
    ("Out of office until 12/01.", "CA"),
    ("Out of office until 12/01.", None),
    ("Back on Monday 24 November", "GB"),  # it is a Tuesday
    ("Back next Friday", "GB"),  # tomorrow, or in eight days
    ("Back on Thursday", "GB"),  # today, or in a week
    ("Back on 24 November. Back on 26 November.", "GB"),
    # past, or too far ahead
    ("Back on 3 November", "GB"),
    ("Back on 24 November 2025", "GB"),
    ("Ich bin am 03.08.2026 wieder da.", "DE"),
    ("I am on parental leave until 24 March 2027", "GB"),
    ("Back on 31 November", "GB"),
    # numbers that are no dates, and dates of something else
    ("I am out. Call +49 30 24 11 26, or 24-11-2026-55 until then.", "DE"),
    ("I am out. My mobile: 06-12-20 26 44, back office 12-01-2027.", "NL"),
    ("I am out of the office. Your ticket is 2026-12-01-7, case 24/11/99.", "GB"),
    ("Our office is closed. Opening hours: Monday to Friday, 9-17.", "GB"),
    ("I am out of the office. Our offer is valid until 30 November.", "GB"),
    ("We received your request of 24 November and answer by 26 November.", "GB"),
    ("I will get back to you on 24 November.", "GB"),
    ("We will call you back on 24 November.", "GB"),
    ("Delivery will be retried until 2026-11-24.", None),
    ("Available until 24 November. Then I am on leave.", "GB"),
    # not away yet
    ("Our office is closed from 24 December to 2 January.", "GB"),
    ("Betriebsferien vom 24.12. bis 02.01.", "DE"),
]


@pytest.mark.parametrize(("note", "country", "day"), SAID)
def test_the_day_of_return_is_read(note: str, country: str | None, day: str) -> None:
    assert return_day(note, THURSDAY, country) == date.fromisoformat(day)


@pytest.mark.parametrize(("note", "country"), NOT_SAID)
def test_nothing_is_guessed(note: str, country: str | None) -> None:
    assert return_day(note, THURSDAY, country) is None


def test_around_the_new_year_a_day_without_a_year_is_the_next_one() -> None:
    assert return_day("Back on 4 January", date(2026, 12, 21), "GB") == date(2027, 1, 4)
    assert return_day("Ich bin bis 08.01. im Urlaub", date(2026, 12, 28), "DE") == date(2027, 1, 9)
    assert return_day("On leave from 21 December to 3 January", date(2026, 12, 22), "GB") == date(2027, 1, 4)


def test_a_weekday_says_which_number_is_the_month() -> None:
    assert return_day("Back on 02/01", date(2026, 12, 28), "CA") is None
    assert return_day("Back on Mon 02/01", date(2026, 12, 28), "CA") == date(2027, 2, 1)
    assert return_day("Back on Sat 02/01", date(2026, 12, 28), "CA") == date(2027, 1, 2)


@pytest.mark.parametrize(
    "quote",
    [
        "On Thu, 19 Nov 2026 at 10:00, Acme <hello@acme.example> wrote:",
        "Am 19.11.2026 um 10:00 schrieb Acme:",
        "Le jeu. 19 nov. 2026 à 10:00, Acme a écrit :",
        "El jue, 19 nov 2026 a las 10:00, Acme (<hello@acme.example>) escribió:",
        "Em qui., 19 de nov. de 2026 às 10:00, Acme escreveu:",
        "Op do 19 nov 2026 om 10:00 schreef Acme <hello@acme.example>:",
        "On Thu, 19 Nov 2026 at 10:00, Acme <hello@acme.example>\nwrote:",
        "-----Ursprüngliche Nachricht-----", "-----Original Message-----", "________________________________",
        "From: Acme <hello@acme.example>", "Von: Acme", "Van: Acme", "De : Acme", "De: Acme",
    ],
)  # fmt: skip
def test_dates_of_the_quoted_mail_are_not_taken(quote: str) -> None:
    ours = f"{quote}\nWe will be back on 24 November. I am away until 26 November."
    assert return_day(written_part(f"I am not in the office.\n\n{ours}"), THURSDAY, "GB") is None
    back = written_part(f"I am not in the office, back on 1 December.\n\n{ours}")
    assert return_day(back, THURSDAY, "GB") == date(2026, 12, 1)


@pytest.mark.parametrize(
    "evil",
    ["on " * 3000, "until 1/1 " * 500, "back " + "- " * 3000 + "24 November", "1" * 9000, "from 1 to " * 400,
     "monday " * 600, "(" * 4000 + "back on", "a" * 9000, "1/" * 3000],
    ids=lambda text: text[:10],
)  # fmt: skip
def test_no_text_takes_long_to_read(evil: str) -> None:
    began = time.perf_counter()
    return_day(evil, THURSDAY, "US")
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("words", LANGUAGES, ids=range(len(LANGUAGES)))
def test_each_language_has_all_months_and_weekdays(words: object) -> None:
    assert (len(words.months), len(words.weekdays)) == (12, 7)  # type: ignore[attr-defined]


def test_reports_and_lists_name_no_return() -> None:
    assert is_absence_note({"auto-submitted": "auto-replied", "precedence": "bulk"}, "ada@example.com")
    assert is_absence_note({"auto-submitted": "auto-generated"}, "ada@example.com")  # as Exchange has it
    assert not is_absence_note({"content-type": "multipart/report; report-type=delivery-status"}, "ada@example.com")
    assert not is_absence_note({}, "MAILER-DAEMON@example.com")
    assert not is_absence_note({"list-id": "<news.example.com>"}, "ada@example.com")


# ── as an instant where the lead is ──────────────────────────────────────────────────────────────────────────────────

RETURNS = Returns(Placer(lawbook.load(), HolidayClosures(), {}), PlaceFinder(), load_plan())
NOW = datetime(2026, 11, 19, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("note", "place", "until"),
    [
        ("Back on 24 November", Evidence(tz="America/New_York", country="US"), "2026-11-24T14:00Z"),
        ("Back on 24 November", Evidence(tz="Europe/Berlin", country="DE"), "2026-11-24T08:00Z"),
        ("Back on 24 November", Evidence(tz="America/Vancouver", country="CA", region="BC"), "2026-11-24T16:00Z"),
        # Thanksgiving, and an absence that ends on a Friday
        ("Back on 26 November", Evidence(tz="America/New_York", country="US"), "2026-11-27T14:00Z"),
        ("On holiday from 16 to 27 November", Evidence(tz="Europe/London", country="GB"), "2026-11-30T09:00Z"),
        ("Back on 24 November", Evidence(), "2026-11-24T12:00Z"),
        # the first place to have business hours is not where they may be
        ("Back on 12/01/2026", Evidence(tz="America/New_York", country="US"), "2026-12-01T14:00Z"),
        ("Out of office until 12/01", Evidence(), None),
        ("Out of office, back soon", Evidence(tz="America/New_York", country="US"), None),
    ],
)
def test_the_plan_waits_until_business_opens_there(note: str, place: Evidence, until: str | None) -> None:
    assert RETURNS.until(note, None, place, NOW) == (until and datetime.fromisoformat(until))


def test_a_day_that_has_begun_there_is_none_to_wait_for() -> None:
    assert RETURNS.until("Back on 19 November", None, Evidence(tz="America/New_York", country="US"), NOW) is None


def test_tomorrow_counts_from_the_notes_own_date_when_that_can_be() -> None:
    there = Evidence(tz="Europe/Berlin", country="DE")
    late = datetime(2026, 11, 18, 20, tzinfo=UTC)
    assert RETURNS.until("Back tomorrow", late, there, NOW) is None  # that was this morning
    assert RETURNS.until("Back tomorrow", datetime(2020, 1, 1, tzinfo=UTC), there, NOW) == datetime(
        2026, 11, 20, 8, tzinfo=UTC
    )
    evening = datetime(2026, 11, 19, 16, tzinfo=UTC)
    sydney = Evidence(tz="Australia/Sydney", country="AU")  # where it is Friday already
    assert RETURNS.until("Back tomorrow", None, sydney, evening) == datetime(2026, 11, 22, 22, tzinfo=UTC)
