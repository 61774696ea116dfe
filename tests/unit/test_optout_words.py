"""Refusals in seven languages, and what is none."""

import pytest

from speedlead.optout import answered_by_provider, confirmation, opt_out_scope, says_more
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

MORE_REFUSALS = [
    ("STOP 🙏", "sms"), ("Stop texts", "sms"), ("stop now", "sms"),
    ("I don't want to receive any more messages from you", "sms"), ("Je ne veux plus recevoir de SMS", "sms"),
    ("🛑 STOP", "sms"), ("stop!!! please", "sms"), ("do not text", "sms"),
    ("I no longer wish to receive these texts", "sms"), ("I do not want any more texts", "sms"),
    ("No quiero recibir más mensajes", "sms"), ("Non voglio più ricevere messaggi", "sms"),
    ("Não quero receber mais mensagens", "sms"), ("Não me liga mais", "call"), ("1) Stop!", "sms"),
    ("s\u200btop", "sms"), ("Stop. Please.", "sms"), ("Stop calling this number", "call"),
    ("Stop calling! I am at work", "call"), ("I don't want you to call me", "call"),
    ("I do not want to be contacted any more", "all"), ("We no longer wish to get your newsletter", "email"),
    ("please stop sending me things", "sms"), ("stop contacting us, please", "all"),
    ("No quiero más llamadas", "call"), ("Ya no quiero recibir correos", "email"),
    ("No quiero que me llamen más", "call"), ("Bórrenme de su lista", "all"), ("quítenme de la lista", "all"),
    ("No más mensajes, por favor", "sms"), ("No queremos que nos contacten", "all"),
    ("Je ne souhaite plus recevoir d'appels", "call"), ("Merci de ne plus m'appeler", "call"),
    ("Plus d'appels svp", "call"), ("Je ne veux plus être contacté", "all"), ("Ne m'envoyez plus de messages", "sms"),
    ("Arrêtez vos appels", "call"), ("Nous ne voulons plus recevoir vos mails", "email"),
    ("Ne m'appelez pas", "call"), ("Ich will keine SMS mehr", "sms"), ("Ich möchte keine Anrufe mehr", "call"),
    ("Wir möchten bitte keine E-Mails mehr erhalten", "email"), ("Rufen Sie mich bitte nicht an", "call"),
    ("Ich möchte nicht mehr angerufen werden", "call"), ("Schicken Sie mir keine SMS", "sms"),
    ("Bitte keine weiteren Nachrichten", "sms"), ("Stopp, danke", "sms"), ("Não quero mais receber e-mails", "email"),
    ("Não quero que me liguem", "call"), ("Não me telefonem mais", "call"), ("Chega de mensagens", "sms"),
    ("Não quero mais ligações", "call"), ("Não quero ser contactado", "all"), ("não me ligue", "call"),
    ("Cancellatemi dalla lista", "all"), ("Mi cancelli, per favore", "all"),
    ("Può togliermi dalla vostra lista?", "all"), ("Non voglio più essere chiamato", "call"),
    ("Non voglio più ricevere chiamate", "call"), ("Basta chiamate, grazie", "call"),
    ("Non desidero più ricevere e-mail", "email"), ("Non vorrei più essere contattato", "all"),
    ("Eliminatemi", "all"), ("Basta con queste telefonate", "call"),
]  # fmt: skip
# what people write who sell to callers, or who talk about a time
HARMLESS = [
    "Vorrei togliermi un dubbio: il prezzo include l'installazione?", "Potete cancellarci l'appuntamento di domani?",
    "Nous voulons plus d'appels entrants, comment faire ?", "Wir wollen keine Anrufe mehr verpassen",
    "We need to stop calling customers by hand", "Basta telefonate manuali ai clienti: cerchiamo un software",
    "How do I stop messaging customers twice?", "We want to stop sending spreadsheets around",
    "How can we stop emailing leads that have bought?", "We don't want calls to go unanswered",
    "No more missed calls would be great", "You never call me back", "Why don't you call me tomorrow",
    "Can you remove me from the waiting list for Monday?", "We do not want to lose messages",
    "Does it stop texting at night?", "I don't want to be called before 9",
    "We want to stop texting and start calling", "They never text us the code",
    "Quisiera quitarme una duda: ¿cuánto cuesta?", "No queremos perder más llamadas",
    "No más llamadas perdidas, ese es el objetivo", "Deje de llamar a clientes a mano: ¿es lo que ofrecen?",
    "¿Pueden eliminarnos los costes fijos?", "¿Por qué no me llaman?",
    "No quiero recibir llamadas antes de las nueve", "Queremos recibir más mensajes de clientes",
    "No hemos recibido más correos", "¿Dejan de enviar mensajes si el cliente contesta?",
    "plus de mails ouverts, c'est notre but", "Il nous faut plus d'appels entrants",
    "Je veux plus de messages personnalisés dans la campagne", "Nous ne recevons plus d'appels depuis lundi",
    "Appelez-moi plus tôt", "Ne m'appelez pas avant 9h", "Nous ne voulons plus manquer d'appels",
    "Je n'ai plus de questions", "Avez-vous plus de détails ?", "Keine E-Mails mehr verlieren: können Sie das?",
    "Wir bekommen keine Anrufe mehr, woran liegt das?", "Ich habe keine Nachrichten bekommen",
    "Warum rufen Sie mich nicht an?", "Wir wollen Kunden nicht mehr anrufen müssen", "Keine SMS bekommen",
    "Kontaktieren Sie mich nicht vor Montag", "Damit keine Anrufe mehr durchrutschen",
    "Ich brauche mehr Informationen", "Wir möchten keine Nachrichten mehr übersehen",
    "Não queremos perder mais chamadas", "Não me ligue antes das 9",
    "Chega de mensagens perdidas: é isso que queremos", "Deixe de ligar a clientes à mão", "Pode ligar mais tarde?",
    "Queremos receber mais mensagens", "Por que não me ligaram?", "Não recebi mais e-mails",
    "Potete eliminarci i costi fissi?", "Cancellatemi l'appuntamento di giovedì", "Non vogliamo più perdere chiamate",
    "Basta telefonate perse", "Vorrei ricevere più messaggi dai clienti", "Perché non mi chiamate?",
    "Non ricevo più le vostre mail", "Toglietemi una curiosità: quanto costa?",
]  # fmt: skip


@pytest.mark.parametrize(("text", "scope"), REFUSALS + MORE_REFUSALS)
def test_a_refusal_is_heard_in_whatever_language(text: str, scope: str) -> None:
    assert opt_out_scope(text, "sms") == scope


@pytest.mark.parametrize("text", NONE + HARMLESS)
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


@pytest.mark.parametrize(
    ("text", "more"),
    [("STOP 🙏", False), ("don’t text me again", False), ("Bitte keine Anrufe mehr, danke", False),
     ("não me ligue mais", False), ("Please don't call me. Could you email me the price list?", True),
     ("Keine Anrufe mehr bitte, aber was kostet es?", True), ("Basta chiamate, ma quanto costa?", True)],
)  # fmt: skip
def test_what_is_said_beside_a_refusal_is_seen(text: str, more: bool) -> None:
    assert says_more(text) is more
