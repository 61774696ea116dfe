"""What is different where words are spoken: numbers that are said, addresses, and the house's phrases."""

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from speedlead.assistant.turn import take_turn
from speedlead.doctor import assistant
from speedlead.domain.assistant import Book, HandOver, Line, Say
from speedlead.domain.assistant_signs import asks_for_person, wants_silence
from speedlead.domain.assistant_voice import Spoken, number_said, takes_back
from speedlead.settings import SettingsError, read_settings
from tests.assistant.talking import EXAMPLE, SLOTS, model, situation
from tests.assistant.test_red_team import BROUGHT_TO, UNASKED

PRICE = {"act": "reply", "facts": ["price_basic"], "text": "The basic plan costs $49 a month and includes 5 users."}
SITE = {"act": "reply", "facts": ["price_basic", "site"],
        "text": "The basic plan costs $49 a month. "
                "Plans and prices are at https://www.acme.example/pricing."}  # fmt: skip


async def said(heard: str, answer: Any, **changed: Any) -> Any:
    talking = situation(heard, **({"channel": "voice", "introduced": True} | changed))
    return (await take_turn(model(answer), talking)).verdict


@pytest.mark.parametrize(
    ("heard", "number"),
    [
        ("Two.", 2), ("2", 2), ("the second one, please", 2), ("Number three", 3), ("one", 1), ("I'd like number 1", 1),
        ("two or three", None), ("not two", None), ("second at 3", None), ("", None), ("yes", None), ("twenty", None),
    ],
)  # fmt: skip
async def test_a_number_is_understood_and_nothing_else_is_taken_for_one(heard: str, number: int | None) -> None:
    assert number_said(heard) == number
    if number is not None and number <= len(SLOTS):
        verdict = await said(heard, RuntimeError("no model for a number"), slots=SLOTS)
        assert isinstance(verdict, Book)
        assert verdict.slot is SLOTS[number - 1]
        assert verdict.text.startswith("It is booked: ")


@pytest.mark.parametrize(
    ("heard", "wants"),
    [
        ("I take back my consent", "no voice"), ("I withdraw my agreement", "no voice"),
        ("I didn't agree to that", "no voice"), ("I do not consent", "no voice"), ("I never agreed", "no voice"),
        ("I don't want to talk to a computer", "a person"), ("I won't speak with a machine", "a person"),
        ("No computers, please", "a person"), ("Call me never again", "silence"),
        ("Do you agree to a discount?", None), ("I don't agree with the price", None),
        ("Can I cancel the plan?", None), ("Does it talk to my computer?", None),
    ],
)  # fmt: skip
def test_who_refuses_the_voice_is_understood_without_a_model(heard: str, wants: str | None) -> None:
    assert takes_back(heard) is (wants == "no voice")
    assert wants_silence(heard) is (wants == "silence")
    assert asks_for_person(heard) is (wants in ("a person", "silence"))


async def test_a_written_message_is_no_spoken_number() -> None:
    verdict = await said("the second one", {"act": "hand_over"}, slots=SLOTS, channel="sms")
    assert isinstance(verdict, HandOver)


async def test_an_address_is_left_out_and_goes_by_mail() -> None:
    verdict = await said("What is it, and where?", SITE, can_mail=True)
    assert isinstance(verdict, Say)
    assert verdict.text == "The basic plan costs $49 a month. I send you the address by mail."
    assert verdict.by_mail is not None
    assert verdict.by_mail.startswith("This is the automatic assistant of Acme: a computer, not a person.")
    assert verdict.by_mail.endswith(SITE["text"])
    assert (await said("What is it, and where?", SITE)).reason == "cannot_be_said"
    written = await said("What is it, and where?", SITE, can_mail=True, channel="sms")
    assert written.by_mail is None
    assert "https://" in written.text


async def test_it_says_that_it_is_a_computer_whenever_somebody_asks() -> None:
    assert (await said("How much is it?", PRICE)).text == PRICE["text"]
    verdict = await said("Are you a real person? How much is it?", PRICE)
    assert verdict.text.startswith("This is the automatic assistant of Acme: a computer with an artificial voice")


async def test_who_asks_for_a_person_is_handed_over_without_a_model() -> None:
    for heard in ("Person.", "a person, please", "I said person", "operator"):
        verdict = await said(heard, RuntimeError("asked"))
        assert (verdict.reason, verdict.text) == ("asked_for_person", Spoken().handed_over), heard


async def test_an_offer_is_said_in_sentences() -> None:
    slots = tuple(type(slot)(slot.number, slot.at, slot.text) for slot in SLOTS)
    verdict = await said("Can I see it?", {"act": "offer_slots"}, slots=slots, lines=(Line("lead", "Can I see it?"),))
    assert "\n" not in verdict.text
    assert f"Number 2: {SLOTS[1].text}." in verdict.text


@pytest.mark.parametrize(
    ("field", "text", "said_of_it"),
    [
        ("question", "Press 1 to talk.", "{company}"), ("question", "Press 1 to talk to {company}.", "computer"),
        ("introduction", "Hello from {company}.", "computer"), ("booked", "Done.", "{when}"),
    ],
)  # fmt: skip
def test_phrases_that_hide_what_speaks_are_refused(field: str, text: str, said_of_it: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Spoken(**{field: text})
    assert f"{field}: expected" in str(refused.value)
    assert said_of_it in str(refused.value)


def test_calls_need_a_model_and_english_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEEDLEAD_ASSISTANT_VOICE", "on")
    with pytest.raises(SettingsError) as refused:
        read_settings(os.environ)
    assert "SPEEDLEAD_ASSISTANT_VOICE: expected SPEEDLEAD_ASSISTANT_MODEL with it" in str(refused.value)
    file = tmp_path / "facts.yaml"
    file.write_text(
        "version: 1\nowner: Eva\nreview_by: 2027-05-31\nlanguage: de\n"
        "facts:\n  - {id: wo, say: Wir sind in Ulm und Bonn.}\n"
        "phrases:\n  introduction: Hier ist der Computer von {company}.\n  handed_over: Moment.\n  offer: Zeiten\n"
        "  booked: Gebucht {when}\n"
    )
    monkeypatch.setenv("SPEEDLEAD_ASSISTANT_MODEL", "openai:small")
    monkeypatch.setenv("SPEEDLEAD_ASSISTANT_FACTS_FILE", str(file))
    wrong = assistant(read_settings(os.environ))
    assert wrong.ok is False
    assert "language: expected 'en' with SPEEDLEAD_ASSISTANT_VOICE" in wrong.detail
    monkeypatch.setenv("SPEEDLEAD_ASSISTANT_FACTS_FILE", str(EXAMPLE))
    assert assistant(read_settings(os.environ)).detail.endswith("by text and in calls")


# what a lead may try and a model be brought to is no other on the telephone (test_red_team.py)
@pytest.mark.parametrize(("heard", "answer", "reason"), BROUGHT_TO, ids=lambda value: str(value)[:30])
async def test_nothing_that_may_not_be_written_is_spoken(heard: str, answer: Any, reason: str) -> None:
    verdict = await said(heard, answer, can_mail=True)
    assert isinstance(verdict, HandOver), verdict
    assert verdict.reason == reason


@pytest.mark.parametrize(("heard", "changed", "reason"), UNASKED, ids=lambda value: str(value)[:30])
async def test_no_model_is_asked_in_a_call_either(heard: str, changed: dict[str, Any], reason: str) -> None:
    verdict = await said(heard, RuntimeError("asked"), **changed)
    assert isinstance(verdict, HandOver)
    assert verdict.reason == reason
