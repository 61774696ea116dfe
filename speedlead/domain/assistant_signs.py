"""Signs in what a lead writes: it wants a person, it is angry, it asks whom it talks to, it writes another language.

Wrong in the cautious direction: what is taken for a sign goes to a person of ours.
"""

import re
import unicodedata

_PERSON = re.compile(
    r"\b(speak|talk|chat|write|connect me|put me through|get me|want|need|prefer|is there)\b.{0,30}?"
    r"\b(human|person|someone|somebody|agent|rep|representative|manager|sales ?person|people)\b"
    r"|\b(real|actual|live) (human|person|agent|people)\b|\b(human|person|agent|operator) please\b"
    r"|^\W*(please\W+)?(i said\W+)?(an?\W+|the\W+)?"
    r"(human|person|agent|operator|representative|mensch|persona|humain|operador|operatore|atendente|pessoa)\W*(please\W*)?$"
    r"|\b(put|get|give me)\b.{0,12}\b(human|person|supervisor|boss|colleague)\b|\b(any|some)(one|body) there\b"
    r"|\b(call|phone|ring) me\b|\bno (more )?(bots?|robots?|computers?|machines?)\b"
    r"|(\b(not|dont|never|hate|refuse)|n't)\b.{0,20}\b(speak|talk)\w* (to|with) .{0,10}\b"
    r"(computers?|machines?|bots?|robots?|ai|artificial)\b"
    r"|\b(mit|ein(en|em)?|echte[nmr]?)\b.{0,20}\b(menschen?|mitarbeiter(in)?|person)\b|\bruf\w* (sie )?mich\b"
    r"|\b(hablar|quiero)\b.{0,25}\b(persona|humano|alguien|agente)\b"
    r"|\b(parler|veux)\b.{0,25}\b(humain|personne|quelqu|conseiller)"
    r"|\b(parlare|voglio)\b.{0,25}\b(persona|umano|qualcuno|operatore)\b"
    r"|\b(falar|quero)\b.{0,25}\b(pessoa|humano|algu[eé]m|atendente)\b",
    re.IGNORECASE | re.DOTALL,
)
_ANGRY = re.compile(
    r"\b(ridiculous|unacceptable|furious|fed up|pissed|outrag\w+|disgust\w*|terrible|the worst|useless|idiots?|stupid"
    r"|lawyer|attorney|sue you|suing|legal action|complaint|complain|scam\w*|fraud\w*|spam\w*|harass\w*|report you"
    r"|liars?|lying|sucks?|joke|fuck\w*|shit\w*|bullshit|damn|wtf|leave me alone|sick of"
    r"|unversch[aä]mt\w*|beschwer\w*|anwalt|betrug|betr[uü]ger\w*|frechheit|schei(ss|ß)\w*|saftladen|l[aä]cherlich"
    r"|abogado|estafa\w*|denuncia\w*|mierda|inaceptable|verg[uü]enza"
    r"|avocat|arnaque\w*|merde|inadmissible|honteux|avvocato|truffa\w*|merda|vergogna|inaccettabile"
    r"|advogado|golpe|vergonha|inaceit[aá]vel)\b|!!!|\?!\?|[\U0001F620\U0001F621\U0001F92C]",
    re.IGNORECASE,
)
_WHETHER = re.compile(
    r"\b(are|r) (you|u)\b.{0,25}\b(bot|robot|human|person|real|machine|computer|ai|a\.i|automat\w*|chatgpt|gpt)\b"
    r"|\b(is|am) (this|it|i)\b.{0,30}\b(bot|robot|human|person|real|machine|computer|ai|automat\w*)\b"
    r"|^\W*(you|u) (really )?(a |an )?(real )?(bot|robot|human|person|machine|computer|ai)\b|\bwho is this\b"
    r"|\b(who|what) are you\b|\bhuman\s*\?|\bbot\s*\?"
    r"|\bbist du\b|\bsind sie (ein|eine|echt)\b|\beres (un|una|real)\b|\b([eê]tes[- ]vous|es[- ]tu) une?\b"
    r"|\b(sei|siete|[eè]) un[ao]? (bot|robot|person\w+)\b|\bvoc[eê] [eé]\b",
    re.IGNORECASE,
)
# a withdrawal of consent counts in whatever words it comes
_SILENCE = re.compile(
    r"\b(stop|quit|cease)\b.{0,15}\b(text\w*|messag\w*|writ\w*|contact\w*|mail\w*|e-mail\w*|sending|this)\b"
    r"|\b(do not|don't|dont|never)\b.{0,10}\b(text|message|contact|write|e-?mail)\b.{0,6}\b(me|us|again|anymore)\b"
    r"|\b(remove me|take me off|leave me alone|opt(ing)? out|unsubscribe|no more (texts?|messages?|e?-?mails?))\b"
    r"|\b(call|phone|ring) me never\b"
    r"|\b(keine|nicht mehr)\b.{0,20}\b(nachrichten|sms|mails?|schreiben|kontaktieren)\b"
    r"|\bno me (escrib|contact|mand|envi)\w*|\bne m'(ecri|écri|envoy|contact)\w*|\bnon (scriver|contattar|mandar)mi\b",
    re.IGNORECASE,
)
_COMPUTER = re.compile(
    r"automat|comput|machin|maschin|robot|\bbots?\b|chatbot|software|program|\b(ai|ki|ia)\b|artificial|kunstlich|artifici"
    r"|ordinateur|ordenador|virtual|digital",
    re.IGNORECASE,
)
# small words that stand in nearly every sentence of a language
_SMALL = {
    "en": "the and is are you your of to for with have has this that what we our it can do does how much not in on",
    "de": "der die das und ist sind sie ihr ihre von zu fur mit haben hat ein eine einen wir was kann nicht wie ich",
    "es": "el la los las y es son usted su de para con tiene una que nosotros nuestro puede no cuanto cuesta como por",
    "fr": "le la les et est sont vous votre de pour avec avez une que nous notre peut pas combien comment dans du des",
    "it": "il lo gli e sono lei suo di per con ha una che noi nostro puo non quanto costa come nel della delle del",
    "nl": "de het een en van is zijn niet wat hoe voor met u jullie kunnen kost hoeveel wij uw ik je dat kan er",
    "pl": "ile jest czy nie jak do na co za sie oraz mam dla prosze chce dzien dobry kosztuje w z",
    "pt": "o os as e sao voce seu de para com tem uma que nos nosso pode nao quanto custa como em do da dos",
}
_WORDS_OF = {language: frozenset(words.split()) for language, words in _SMALL.items()}


def asks_for_person(text: str) -> bool:
    return _PERSON.search(plain(text)) is not None


def angry(text: str) -> bool:
    letters = [sign for sign in text if sign.isalpha()]
    shouts = len(letters) >= 14 and sum(sign.isupper() for sign in letters) > 0.7 * len(letters)
    return shouts or _ANGRY.search(plain(text)) is not None


def wants_silence(text: str) -> bool:
    return _SILENCE.search(plain(text)) is not None


def says_computer(text: str) -> bool:
    """A word of an introduction that says so, in the languages that we know."""
    return _COMPUTER.search(_without_marks(text)) is not None


def asks_whether_human(text: str) -> bool:
    return _WHETHER.search(plain(text)) is not None


def in_other_language(text: str, language: str) -> bool:
    """By its small words, or by its script. A few words without a sign of any language count as understood."""
    letters = [sign for sign in text if sign.isalpha()]
    strange = sum(not unicodedata.name(sign, "").startswith("LATIN") for sign in letters)
    if language in _WORDS_OF and letters and strange > 0.3 * len(letters):
        return True
    words = re.findall(r"[a-z]+", _without_marks(text.lower()))
    found = {name: sum(word in small for word in words) for name, small in _WORDS_OF.items()}
    best = max(found, key=lambda name: found[name])
    return language in found and best != language and found[best] >= found[language] + 2


def plain(text: str) -> str:
    """As it reads: look-alike forms made plain, invisible signs and quotation marks away, spaces single."""
    text = unicodedata.normalize("NFKC", text).replace("’", "'")
    text = "".join(sign for sign in text if sign.isspace() or unicodedata.category(sign) not in ("Cf", "Cc"))
    return re.sub(r"[ \t\n]+", " ", text)


def _without_marks(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
