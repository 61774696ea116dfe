"""Refusals in seven languages, and what is none."""

import pytest

from speedlead.optout import answered_by_provider, confirmation, opt_out_scope
from speedlead.optout_words import LANGUAGES

GSM_7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
REFUSALS = [
    ("Please remove me.", "all"), ("PLEASE STOP CONTACTING US", "all"), ("lose my number", "all"),
    ("No more calls, thanks", "call"), ("quit", "sms"), ("Baja", "sms"), ("Arrêt", "sms"), ("ABMELDEN", "sms"),
    ("No me escribas más", "sms"), ("No me contacten más por favor", "all"), ("no me llames", "call"),
    ("déjenme en paz", "all"), ("no me envíen más correos", "email"), ("dame de baja", "all"),
    ("Ne me contactez plus.", "all"), ("Merci de ne plus ... laissez-moi tranquille", "all"),
    ("Ne m’appelez plus", "call"), ("Ne m'écrivez plus", "sms"), ("Plus de mails svp", "email"),
    ("Kontaktieren Sie mich bitte nicht mehr", "all"), ("Lassen Sie mich in Ruhe!", "all"),
    ("bitte keine Anrufe mehr", "call"), ("Schreiben Sie mir nicht mehr", "sms"), ("Keine E-Mails mehr!", "email"),
    ("Löschen Sie meine Daten", "all"), ("Não me contacte mais", "all"), ("não me ligue mais", "call"),
    ("Não me envie mais mensagens", "sms"), ("me deixe em paz", "all"), ("Neem geen contact meer op", "all"),
    ("Non mi contatti più", "all"), ("Lasciatemi in pace!", "all"), ("la prego, mi lasci in pace", "all"),
    ("Cancellate i miei dati", "all"), ("toglietemi dalla lista", "all"), ("Non mi chiami più, grazie", "call"),
    ("smettetela di chiamarmi", "call"), ("Basta telefonate", "call"), ("Non mi scriva più", "sms"),
    ("basta messaggi", "sms"), ("BASTA", "sms"), ("Niente più e-mail", "email"), ("disiscrivetemi", "email"),
    ("Bel mij niet meer", "call"), ("Geen berichten meer", "sms"), ("mail me niet meer", "email"),
]  # fmt: skip
NONE = [
    "Can you remove the second seat from the quote?", "no me llamen antes de las nueve",
    "No me contacten hasta el lunes",
    "Ich habe keine Mails bekommen", "Rufen Sie mich bitte morgen an", "plus de messages que prévu",
    "¿Me llaman mañana?",
    "Non chiamatemi prima delle nove", "Mi chiami domani", "Perché non mi chiama?", "basta un messaggio",
    "Vorrei cancellare il mio ordine", "non ho più ricevuto la vostra mail",
    "Bel mij morgen", "Me ligue amanhã", "Appelez-moi plus tard", "Kein Problem", "I can't stop by today",
    "quiero cancelar mi contrato actual y contratar el suyo", "don't call me before 9", "", "   ", "👍",
]  # fmt: skip


@pytest.mark.parametrize(("text", "scope"), REFUSALS)
def test_a_refusal_is_heard_in_whatever_language(text: str, scope: str) -> None:
    assert opt_out_scope(text, "sms") == scope


@pytest.mark.parametrize("text", NONE)
def test_an_answer_is_no_refusal(text: str) -> None:
    assert opt_out_scope(text, "sms") is None


@pytest.mark.parametrize("words", LANGUAGES)
def test_a_confirmation_is_one_text(words: object) -> None:
    for said in (words.no_texts, words.no_calls, words.nothing):  # type: ignore[attr-defined]
        assert set(said) <= GSM_7
        assert len(said) <= 160 - 42


def test_a_confirmation_speaks_as_it_was_spoken_to() -> None:
    assert confirmation("Lassen Sie mich in Ruhe", "Acme") == "Acme: Wir kontaktieren Sie nicht mehr."
    assert confirmation("please stop texting me", "A" * 99).startswith("A" * 40 + ": You will get no more texts")


@pytest.mark.parametrize(
    ("text", "theirs"), [("STOP", True), (" Stop\n", True), ("Stop!", False), ("stop please", False), ("arret", False)]
)
def test_whole_keywords_alone_are_the_providers(text: str, theirs: bool) -> None:
    assert answered_by_provider(text) is theirs
