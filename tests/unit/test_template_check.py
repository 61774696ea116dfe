"""What the linter finds in a template, and where: each fault alone, in a folder laid over the packaged one."""

from datetime import date
from pathlib import Path

import pytest

from speedlead.composer import Composer, House, packaged_book
from speedlead.composing.book import TemplateError, load_book
from speedlead.composing.lint import lint
from tests.unit.test_cli import speedlead

TODAY = date(2026, 11, 22)
HEAD = "---\nversion: 2\nowner: Ann\nreview_by: 2030-01-01\n"
SUBJECT = "subject: About {{ inquiry }}\n"
MAIL = "About {{ inquiry }}.\n\n{{ unsubscribe_url | link('Stop') }}\n"
ACK = ("Hello, we have your {{ inquiry }}.\n{{ promise }}\nThen a person {{ next_human_step }}.\n{{ other_ways }}\n"
       "{{ unsubscribe_url }}\n")  # fmt: skip


def write(folder: Path, name: str, body: str, head: str = HEAD) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    subject = SUBJECT if name.startswith("email") and "subject:" not in head else ""
    file.write_text(f"{head}{subject}---\n{body}")
    return file


def found(folder: Path, house: House | None = None) -> list[str]:
    composer = Composer(house or House("Acme", "+14155550100"), load_book(folder))
    return [str(finding) for finding in lint(composer, TODAY)]


def test_the_packaged_templates_are_as_they_should_be() -> None:
    for house in (House("Acme"), House("Northern Analytical Engines Limited", "+14155550100")):
        assert lint(Composer(house), TODAY) == []


def test_a_good_mail_and_a_good_acknowledgement_pass(tmp_path: Path) -> None:
    write(tmp_path, "email/useful.en.txt", MAIL)
    write(tmp_path, "email/acknowledgement.en.txt", ACK)
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    ("body", "line", "says"),
    [
        ("Hello.\n{{ unsubscribe_url }}\n", 7, "the inquiry is missing, or missing at times; expected {{ inquiry }}"),
        ("{% if quote %}{{ inquiry }}{% endif %}\n{{ unsubscribe_url }}", 7, "the inquiry is missing, or missing at"),
        (
            "About {{ inquiry }}.\n",
            7,
            "the way to opt out is missing, or missing at times; expected {{ unsubscribe_url }}",
        ),
        ("{{ inquiry }}\n{% if called %}{{ unsubscribe_url }}{% endif %}", 7, "the way to opt out is missing, or"),
        (MAIL + "\nDear {{ first_nam }}", 11, "no message has 'first_nam'; expected one of ask_place, booking_link"),
        (MAIL + "{{ inquiry ", 10, "unexpected end of template"),
        (MAIL + "{{ quote.__class__ }}", 10, "getattr is not for templates"),
        (MAIL + "{{ quote['x'] }}", 10, "getitem is not for templates"),
        (MAIL + "{{ quote.upper() }}", 10, "call is not for templates"),
        (MAIL + "{% for x in quote %}{% endfor %}", 10, "for is not for templates"),
        (MAIL + "{% include 'x' %}", 10, "include is not for templates"),
        (MAIL + "{{ quote | safe }}", 10, "the filter 'safe' is not for templates"),
        (MAIL + "{{ quote | link('x') }}", 10, 'expected {{ NAME | link("words") }} with one of booking_link,'),
        (MAIL + "{{ 7 * 7 }}", 10, "mul is not for templates"),
        (MAIL + "{{ quote }}", 7, "a value is shown that may be missing; expected {% if name %} around it"),
        (MAIL + "See https://acme.example/x", 10, "an address in the text; expected it under links: in the head"),
        (MAIL + "one\ntwo www.acme.example", 11, "an address in the text"),
        (MAIL + "No more e-mails", 7, "a reply that quotes this would be read as an opt-out; expected other words"),
        (MAIL + "javascript:alert(1)", 10, "an address in the text"),
    ],
)
def test_a_fault_is_told_with_its_line(body: str, line: int, says: str, tmp_path: Path) -> None:
    file = write(tmp_path, "email/useful.en.txt", body)
    assert any(text.startswith(f"{file}:{line}: {says}") for text in found(tmp_path)), found(tmp_path)


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("Hello, we have your {{ inquiry }}.", "the receipt is missing"),
        ("{{ promise }}", "the promised time is missing"),
        ("Then a person {{ next_human_step }}.", "what happens next is missing"),
        ("{{ other_ways }}", "other ways to reach us is missing"),
    ],
)
@pytest.mark.parametrize("how", ["gone", "at times"])
def test_an_acknowledgement_without_one_of_its_parts_is_refused(part: str, says: str, how: str, tmp_path: Path) -> None:
    without = "{{ inquiry }}" if "inquiry" in part else ""
    other = without if how == "gone" else f"{without}{{% if called %}}{part}{{% endif %}}"
    write(tmp_path, "email/acknowledgement.en.txt", ACK.replace(part, other))
    assert any(says in text for text in found(tmp_path)), found(tmp_path)


def test_a_text_message_needs_a_word_that_opts_out(tmp_path: Path) -> None:
    write(tmp_path, "sms/missed_you.en.txt", "About {{ inquiry }}, STOPPED.")
    assert [
        "the way to opt out is missing, or missing at times; expected STOP" in text for text in found(tmp_path)
    ] == [True]
    write(tmp_path, "sms/missed_you.en.txt", "About {{ inquiry }}, STOP.")
    assert found(tmp_path) == []


def test_a_text_message_may_not_grow_longer_than_is_allowed(tmp_path: Path) -> None:
    write(tmp_path, "sms/missed_you.en.txt", "About {{ inquiry }}: " + "word " * 60 + "STOP")
    assert found(tmp_path) == []
    wrong = found(tmp_path, House("Acme", segments=2))
    assert any("3 segments (GSM-7) with long values; expected 2 at most" in text for text in wrong)


def test_letters_that_double_the_price_are_a_warning_and_curly_quotes_are_not(tmp_path: Path) -> None:
    write(tmp_path, "sms/missed_you.en.txt", "“About” {{ inquiry }} – STOP …")
    assert found(tmp_path) == []
    file = write(tmp_path, "sms/missed_you.en.txt", "About {{ inquiry }} \u2713 STOP")
    assert found(tmp_path) == [f"{file}:6: warning: \u2713 make it UCS-2: 70 characters a segment instead of 160"]


def test_a_review_that_is_due_is_a_warning(tmp_path: Path) -> None:
    file = write(tmp_path, "email/useful.en.txt", MAIL, HEAD.replace("2030", "2020"))
    assert found(tmp_path) == [f"{file}:1: warning: review_by 2020-01-01 is past; Ann should read it again"]


def test_a_link_of_the_house_has_a_name_in_the_head(tmp_path: Path) -> None:
    head = HEAD + "links:\n  prices: https://acme.example/prices?a=1&b=2\n"
    write(tmp_path, "email/useful.en.txt", MAIL + "{{ prices | link('Our prices') }}", head)
    assert found(tmp_path) == []
    from tests.unit.test_composer import URL, record

    composer = Composer(House("Acme"), load_book(tmp_path))
    made = composer.compose("email", "useful", record(), unsubscribe_url=URL)
    assert '<a href="https://acme.example/prices?a=1&amp;b=2">Our prices</a>' in (made.html or "")
    assert "Our prices: https://acme.example/prices?a=1&b=2" in made.text


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("email/useful.en.txt", "Subject: x\n\nHello", ":1: expected a head between two lines of ---"),
        (
            "email/useful.en.txt",
            "---\nversion: 0\nowner: A\nreview_by: 2030-01-01\nsubject: x\n---\nx",
            ":2: version: ",
        ),
        ("email/useful.en.txt", "---\nversion: 1\nowner: A\nreview_by: soon\nsubject: x\n---\nx", ":4: review_by: "),
        ("email/useful.en.txt", "---\nversion: 1\nreview_by: 2030-01-01\nsubject: x\n---\nx", "owner: Field required"),
        ("email/useful.en.txt", f"{HEAD}---\nx", ":1: subject: expected one for a mail"),
        ("sms/useful.en.txt", f"{HEAD}{SUBJECT}---\nx", ":1: subject: expected none for a text"),
        ("sms/useful.en.txt", f"{HEAD}---\n \n", "expected a text below the head"),
        ("email/useful.txt", f"{HEAD}---\nx", ": expected email/NAME.LANGUAGE.txt, sms/NAME.LANGUAGE.txt or"),
        ("fax/useful.en.txt", f"{HEAD}---\nx", ": expected email/NAME.LANGUAGE.txt"),
        ("sms/useful.nl.txt", f"{HEAD}---\nx", "there are no words of this language; expected a file words/nl.yaml"),
        (
            "email/useful.en.txt",
            f"{HEAD}{SUBJECT}links: {{a: 'javascript:x'}}\n---\nx",
            "links: a: expected an address",
        ),
        ("email/useful.en.txt", f"{HEAD}{SUBJECT}links: {{a: 'https://me@x.y'}}\n---\nx", "links: a: expected an"),
        ("words/en.yaml", "version: 1\n", ":1: owner: Field required"),
        ("words/english.yaml", "version: 1\n", ": expected words/LANGUAGE.yaml"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_line(name: str, text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(TemplateError) as error:
        load_book(tmp_path)
    assert any(line.startswith(str(file)) and says in line for line in str(error.value).splitlines()), str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "by {hour}:{minute} ({city} time)\n  tomorrow",
            "soon\n  tomorrow",
            "when: today: expected {city} {hour} {minute}",
        ),
        ("{when}.\n  email", "{when.__class__}.\n  email", "promise: call: expected {when}, got"),
        ("{when}.\n  email", "{when!r}.\n  email", "promise: call: expected {when}, got"),
        ("{when}.\n  email", "{when.\n  email", "promise: call: "),
        ("  other: your inquiry\n", "", "expected words for 'other'"),
        (", Sunday]", "]", "weekdays: List should have at least 7 items"),
    ],
)
def test_words_that_lack_a_place_are_refused(old: str, new: str, says: str, tmp_path: Path) -> None:
    source = Path(packaged_book().word_files["en"][0]).read_text()
    assert old in source
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "en.yaml").write_text(source.replace(old, new))
    with pytest.raises(TemplateError) as error:
        load_book(tmp_path)
    assert says in str(error.value)


def test_the_version_of_a_text_is_not_of_its_owner_and_review(tmp_path: Path) -> None:
    def sha(text: str) -> str:
        (tmp_path / "sms").mkdir(exist_ok=True)
        (tmp_path / "sms" / "missed_you.en.txt").write_text(text)
        return next(
            e.sha256
            for e in load_book(tmp_path).editions()
            if (e.channel, e.id, e.language) == ("sms", "missed_you", "en")
        )

    first = sha(f"{HEAD}---\nAbout {{{{ inquiry }}}} STOP")
    assert sha(f"{HEAD.replace('Ann', 'Ben')}---\nAbout {{{{ inquiry }}}} STOP") == first
    assert sha(f"{HEAD}---\nabout {{{{ inquiry }}}} STOP") != first


# ── the commands ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_prints_every_fault_and_fails(tmp_path: Path) -> None:
    here = {"SPEEDLEAD_DATA_DIR": str(tmp_path / "data")}
    good = speedlead("template", "check", **here)
    assert (good.returncode, good.stdout) == (0, "73 files in de, en, es, fr, it, pt: nothing wrong\n")
    file = write(tmp_path / "own", "email/useful.en.txt", "Hello.")
    wrong = speedlead("template", "check", str(tmp_path / "own"), **here)
    assert wrong.returncode == 1
    assert [line.rpartition("; ")[0] for line in wrong.stderr.splitlines()] == [
        f"{file}:7: the inquiry is missing, or missing at times",
        f"{file}:7: the way to opt out is missing, or missing at times",
    ]
    plan = speedlead("plan", "check", SPEEDLEAD_TEMPLATES_DIR=str(tmp_path / "own"), **here)
    assert (plan.returncode, plan.stderr) == (1, wrong.stderr)


def test_a_plan_that_names_a_template_that_is_not_there_is_refused(tmp_path: Path) -> None:
    from speedlead.planbook import packaged_plan

    file = tmp_path / "own.yaml"
    file.write_text(packaged_plan().read_text().replace("template: useful", "template: useless"))
    done = speedlead("plan", "check", str(file), SPEEDLEAD_DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (
        1, "plan inbound: template email/useless: expected a file email/useless.en.txt\n"
    )  # fmt: skip


def test_a_message_can_be_looked_at_in_every_language(tmp_path: Path) -> None:
    here = {"SPEEDLEAD_DATA_DIR": str(tmp_path)}
    done = speedlead("template", "preview", "acknowledgement", "--sample", "--lang", "de", **here)
    assert done.returncode == 0
    assert "Subject: Eingegangen: Ihre Demo-Anfrage" in done.stdout
    assert "GSM-7" in done.stdout
    for arguments, says in (
        (("useful", "--sample", "--channel", "sms"), "template: expected one of acknowledgement, missed_you for sms"),
        (("useful", "--sample", "--lang", "nl"), "language: expected one of de, en, es, fr, it, pt for email/useful"),
        (("useful",), "--lead: expected one of --lead ID and --sample"),
        (("useful", "--lead", "x"), "SPEEDLEAD_DATABASE_URL: expected for --lead"),
    ):
        wrong = speedlead("template", "preview", *arguments, **here)
        assert wrong.returncode == 2
        assert wrong.stderr.startswith(says)


def test_a_video_is_linked_to_in_its_own_template_and_in_no_other(tmp_path: Path) -> None:
    head = '---\nversion: 1\nowner: Ann\nreview_by: 2030-01-01\nsubject: "{{ inquiry }}"\n---\n'
    head += "{{ inquiry }} {{ unsubscribe_url }} "
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "video.en.txt").write_text(head)
    (tmp_path / "email" / "useful.en.txt").write_text(head + '{{ video | link("Watch") }}')
    here = {"SPEEDLEAD_DATA_DIR": str(tmp_path / "data")}
    found = speedlead("template", "check", str(tmp_path), **here)
    said = found.stdout + found.stderr
    assert found.returncode == 1
    assert "the owner's video is missing" in said
    assert "no message has 'video'" in said
