"""May these words of a model be sent? Every number, price, date and link has to stand in the facts that they rest on.

No promise, no claim to be a person, nothing of the instructions. Wrong in the cautious direction: what is refused goes
to a person of ours, and a refused good answer costs less than an invented discount.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from speedlead.domain.assistant_signs import in_other_language, plain

Refusal = Literal[
    "invented_link", "invented_number", "invented_date", "promise", "claims_person", "leak", "not_in_facts",
    "too_long", "never_said", "other_language", "odd_signs",
]  # fmt: skip

# more than so many of the words that carry sense have to stand in the facts: one of five may be an invented thing
_COVERED = 0.8
_RUN = 7  # words in a row that nobody writes twice by chance
_LINK = re.compile(
    r"(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b(?:/\S*)?", re.IGNORECASE
)
_NUMBER = re.compile(
    r"(?P<before>[$€£¥]\s?|(?:usd|eur|gbp|chf)\s)?(?P<number>\d+(?:[.,:/-]\d+)*)"
    r"(?P<after>\s?(?:%|percent\b|prozent\b|por ciento|pour cent|[$€£¥]|usd\b|eur\b|euros?\b|dollars?\b|pounds?\b))?",
    re.IGNORECASE,
)
_UNIT = {"percent": "%", "prozent": "%", "por ciento": "%", "pour cent": "%", "usd": "$", "dollar": "$", "dollars": "$",
         "eur": "€", "euro": "€", "euros": "€", "gbp": "£", "pound": "£", "pounds": "£"}  # fmt: skip
_NUMERALS = (
    "two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty sixty seventy eighty "
    "ninety hundred thousand million half double twice triple quarter dozen zero "
    "zwei drei vier funf sechs sieben acht neun zehn zwanzig dreissig funfzig hundert tausend halb doppelt "
    "dos tres cuatro cinco seis siete ocho nueve diez veinte treinta cincuenta cien mil mitad doble "
    "deux trois quatre cinq sept huit neuf dix vingt trente cinquante cent mille moitie "
    "due tre quattro cinque sette otto nove dieci venti cento meta dois quatro sete oito dez vinte metade"
)
_DATES = (
    "monday tuesday wednesday thursday friday saturday sunday january february march april june july august "
    "september october november december today tomorrow tonight weekend weekends daily yesterday noon midnight "
    "montag dienstag mittwoch donnerstag freitag samstag sonntag heute morgen ubermorgen wochenende "
    "lunes martes miercoles jueves viernes sabado domingo hoy manana lundi mardi mercredi jeudi vendredi samedi "
    "dimanche demain aujourd lunedi martedi mercoledi giovedi venerdi domenica oggi domani hoje amanha"
)
_WE = "(?:i|we|someone|somebody|they|he|she|a person|our team|a colleague)(?:'ll| will| is going to)"
_PROMISE = re.compile(
    r"\bguarante\w*|\bpromis\w*|\bdiscount\w*|\brefund\w*|\bfree of charge\b|\bfor free\b|\bon the house\b|\bno cost\b"
    r"|(?<!feel )\bfree\b(?! (?:times?|slots?|moments?)\b)|\bunlimited\b|\bcancel any ?time\b"
    r"|\b(lowest|best|cheapest|special) (price|deal|offer|rate)s?\b|\bmoney[- ]back\b|\bwithout (any )?risk\b"
    r"|\brisk[- ]free\b|\bvoucher\w*|\bcoupon\w*|\bwaive\w*"
    r"|\b(i|we)('ll| will| shall| can) (make sure|ensure|match|beat|give you|get you)\b"
    rf"|\b{_WE} (call|phone|ring|visit|ship|deliver|pay|send)\b"
    r"|\b(definitely|certainly|absolutely|100 ?%) (can|will|works?|possible|yes)\b|\bright away\b|\bimmediately\b"
    r"|\bas soon as possible\b|\bapproved\b|\bdeal\b|\bcontract is\b|\blegally\b"
    r"|\bgarant\w*|\bverspr[eo]ch\w*|\brabatt\w*|\bnachlass\b|\bkostenlos\w*|\bgratis\b|\berstatt\w*|\bsofort\b"
    r"|\bdescuento\w*|\bpromet\w*|\breembols\w*|\bremise\b|\br[eé]duction\b|\bgratuit\w*|\brembours\w*"
    r"|\bsconto\b|\brimbors\w*|\bdesconto\w*|\bgr[aá]tis\b",
    re.IGNORECASE,
)
_REAL = "(?:real |actual |living |genuine )*"
_CLAIMS_PERSON = re.compile(
    r"\b(i am|i'm|im|this is|you are (talking|speaking|chatting|writing) (to|with)|as) (just |also |really )?(an? )?"
    rf"{_REAL}(human|person|man|woman|guy|girl|people|employee|sales ?rep\w*|agent|colleague)\b"
    rf"|\b(talking|speaking|chatting|writing) (to|with) (an? )?{_REAL}(human|person|someone|somebody)\b"
    r"|\b(not|never) (an? )?(bot|robot|machine|computer|ai|a\.i\.|automat\w+|program|chatbot)\b|\bmy name is\b"
    r"|\b(i|i'm|i am) (was born|grew up|married|sitting|at my desk|in the office)\b|\bmy (wife|husband|kids|boss)\b"
    r"|\bich bin (ein |eine |kein |keine )?(echte\w* )?(mensch|person|mitarbeiter\w*|bot|roboter|computer)\b"
    r"|\bich hei(ss|ß)e\b|\b(no )?soy (un |una )?(persona|humano|humana|robot|bot)\b|\bme llamo\b"
    r"|\bje (ne )?suis (pas )?(un |une )?(humain\w*|personne|robot|bot)\b|\bje m'appelle\b"
    r"|\b(non )?sono (un |una )?(persona|umano|robot|bot)\b|\b(n[aã]o )?sou (um |uma )?(pessoa|humano|rob[oô])\b",
    re.IGNORECASE,
)
_LEAK = re.compile(
    r"\b(system|initial|hidden|secret) (prompt|message|instruction)s?\b|\bmy (instructions|prompt|rules|guidelines)\b"
    r"|\bi (was|am|have been) (told|instructed|programmed|configured) (to|not)\b|\bapi[- ]?key\b|\bpassword\b|\bjson\b"
    r"|\bother (leads?|customers?|clients?) (ask(ed)?|wrote|said|told|are|is|has|have|named)\b"
    r"|\boffer_slots\b|\bhand_over\b",
    re.IGNORECASE,
)
_SPELLED_LINK = re.compile(r"\bdot (?:com|net|org|io|de|info|biz)\b", re.IGNORECASE)
# what agrees to whatever was asked
_YES = re.compile(
    r"\b(?:yes|yep|yeah|sure|of course|correct|right|indeed|exactly|agreed|agree|ok|okay|absolutely"
    r"|confirm\w*|accept\w*|we can|you get|ja|jawohl|genau|richtig|stimmt|si|claro|oui|exact|certo|sim)\b"
)
_NO = frozenset(
    "no not never none nothing without cannot nobody neither nor kein keine keinen keiner nicht nie niemals ohne nunca "
    "sin nada ningun ninguna pas jamais sans rien aucun aucune non mai senza niente nessun nao nem sem".split()
)
_WHEN = re.compile(r"\bnext (week|month|year)\b|\bin an? (hour|day|week)\b", re.IGNORECASE)
# what is said around a fact, in English; other languages have their share of uncovered words for it
_COURTESY = frozenset(
    "about again also already alright answer anything apologies apologize around asking available based been because "
    "before best between brief cannot come could course currently details does doing else every exactly feel find fine "
    "follow from give glad going good great happy have hear hello help helps here hope however info information just "
    "kindly know later like lets look looking make many more much need next offer okay only other perhaps please quick "
    "question questions reply right said same says share should some sorry start sure tell than thank thanks that them "
    "then there these they this those time times touch understand understood very want welcome well were what when "
    "where whether which while will wish with without word would write wrote your yours noted reaching interest "
    "interested team correct indeed regarding different meet meeting talk choose pick works free helpful first".split()
)
_LIGHT = frozenset(word[:5] for word in _COURTESY)


@dataclass(frozen=True, slots=True)
class Source:
    """What the words may rest on: `facts` as the house wrote them.

    `instructions`: what the model was told; `heard`: what the lead wrote, to which a yes would agree.
    """

    facts: Sequence[str]
    language: str = "en"
    never: Sequence[str] = ()
    instructions: str = ""
    heard: str = ""


def refused(text: str, source: Source) -> Refusal | None:
    """Why the words may not be sent; None: they may."""
    said, known = plain(text), plain(" \n ".join(source.facts))
    own = _without_quotes(said, source.facts)
    if _odd(text, said, known):
        return "odd_signs"
    if any(word.lower() in said.lower() for word in source.never):
        return "never_said"
    if _CLAIMS_PERSON.search(own):
        return "claims_person"
    if _LEAK.search(own) or _repeats(said, source.instructions, known):
        return "leak"
    if _PROMISE.search(own):
        return "promise"
    if set(_links(said)) - set(_links(known)) or _SPELLED_LINK.search(said):
        return "invented_link"
    if _invented(said, known) or _of_another(said, source.facts):
        return "invented_number"
    if _named(said, _DATES) - _named(known, _DATES) or _WHEN.search(own):
        return "invented_date"
    if in_other_language(said, source.language):
        return "other_language"
    if (
        _turned_round(own, source.facts)
        or _new_name(own, known, source.language)
        or not _rests(said, known)
        or not _covered(own, known)
    ):
        return "not_in_facts"
    return "promise" if _agrees(own, source, known) else None


def _without_quotes(said: str, facts: Sequence[str]) -> str:
    """Less what the house itself has written: a fact may promise, the assistant may not."""
    for fact in facts:
        said = re.sub(re.escape(plain(fact).rstrip(". ")), " ", said, flags=re.I)
    return said


def has_link(text: str) -> bool:
    return _LINK.search(text) is not None


def _links(text: str) -> Iterator[str]:
    for match in _LINK.finditer(text):
        yield match[0].lower().rstrip(".,;:!?)")


def _numbers(text: str) -> Iterator[tuple[str, str, str]]:
    """(number, its money or percent sign, the word that says of what), as they stand in the text."""
    for match in _NUMBER.finditer(text):
        sign = (match["before"] or match["after"] or "").strip().lower()
        following = next(iter(_sense(_clause(text[match.end() :]))), "")
        yield match["number"], _UNIT.get(sign, sign), following[:5]


def _all_numbers(text: str) -> Iterator[tuple[str, str, str]]:
    """Each number of the facts with every word that it may be said to be of: those close after it, or none."""
    for match in _NUMBER.finditer(text):
        sign = (match["before"] or match["after"] or "").strip().lower()
        words = ["", *(word[:5] for word in list(_sense(_clause(text[match.end() :])))[:4])]
        yield from ((match["number"], _UNIT.get(sign, sign), word) for word in words)


def _invented(said: str, known: str) -> bool:
    return not set(_numbers(said)) <= set(_all_numbers(known)) or bool(
        _named(said, _NUMERALS) - _named(known, _NUMERALS)
    )


def _clause(text: str) -> str:
    return re.split(r"[.,;:!?()\n]|\d| and | or | und | oder ", text, maxsplit=1)[0]


def _named(text: str, words: str) -> set[str]:
    return set(re.findall(r"[a-z]+", _ascii(text))) & set(words.split())


def _odd(text: str, said: str, known: str) -> bool:
    """Markup, invisible signs, letters of a script that no fact has, or of two in one word.

    Such letters look like others, and pass every list.
    """

    def scripts(text: str) -> set[str]:
        return {unicodedata.name(sign, "").split(" ")[0] for sign in text if sign.isalpha()}

    if re.search(r"[<>{}\[\]`\\]|\*\*|^#", said) or said != re.sub(r"\s+", " ", text.replace("’", "'")):
        return True
    return bool(scripts(said) - scripts(known) - {"LATIN"}) or any(
        len(scripts(word)) > 1 and "LATIN" in scripts(word) for word in re.findall(r"[^\W\d_]+", said)
    )


def _agrees(own: str, source: Source, known: str) -> bool:
    """A yes to a number, a promise or things that are not in the facts: the lead has written the offer itself."""
    heard = plain(source.heard)
    if not heard or not _YES.search(_ascii(own)):
        return False
    if _PROMISE.search(heard) or {one[0] for one in _numbers(heard)} - {one[0] for one in _all_numbers(known)}:
        return True
    if _named(heard, _NUMERALS) - _named(known, _NUMERALS):
        return True
    there = {word[:5] for word in _sense(known)}
    words = [word for word in _sense(heard) if word not in _COURTESY]
    return bool(words) and 2 * sum(word[:5] in there for word in words) < len(words)


def _of_another(said: str, facts: Sequence[str]) -> bool:
    """A number of one fact with the words of another: each clause that has numbers rests on one fact."""

    def stems(text: str) -> set[str]:
        return {word[:5] for word in _sense(text)}

    everything = set().union(*(stems(fact) for fact in facts)) if facts else set()

    def rests(part: str) -> bool:
        numbers, words = {one[0] for one in _numbers(part)}, stems(part) & everything
        return not numbers or any(
            numbers <= {one[0] for one in _all_numbers(plain(fact))} and words <= stems(fact) for fact in facts
        )

    for sentence in re.split(r"(?<=[.!?])\s+", _LINK.sub(" ", said)):
        clauses = re.split(r",\s|;\s|\band\b|\bund\b", sentence)
        if not rests(sentence) and not (all(map(rests, clauses)) and len(clauses) > 1):
            return True
    return False


def _turned_round(said: str, facts: Sequence[str]) -> bool:
    """A not that no fact has there, or one that was left out."""

    def clauses(text: str) -> list[tuple[set[str], bool]]:
        found = []
        for part in re.split(r"[.!?;:,\n]|\band\b|\bund\b|\by\b|\bet\b", plain(text)):
            words = re.findall(r"[a-z]+", _ascii(part.replace("n't", " not")))
            found.append(({word[:5] for word in _sense(part)} - _LIGHT, bool(_NO & set(words))))
        return found

    known = [clause for fact in facts for clause in clauses(fact)]
    for words, negated in clauses(said):
        if not words and not negated:
            continue
        same = [no for other, no in known if words & other and len(words & other) >= min(2, len(words), len(other))]
        if negated != any(same) and (negated or (same and all(same))):
            return True
    return False


def _new_name(own: str, known: str, language: str) -> bool:
    """A name of something or somebody that no fact has; in German every noun has a capital."""
    if language == "de":
        return False
    there = {word[:5] for word in map(_ascii, re.findall(r"[^\W\d_]+", known))}
    inside = re.findall(r"(?<![.!?:\n-])(?<![.!?:\n-]\s)(?<!^)\b([^\W\d_]{2,})", own)
    named = [word for word in inside if word[0].isupper() and word not in ("OK",)]
    return any(_ascii(word)[:5] not in there and _ascii(word) not in _COURTESY for word in named)


def _rests(said: str, known: str) -> bool:
    """Something of the facts is in it: courtesies alone answer nothing, and may agree to everything."""
    return bool({word[:5] for word in _sense(said)} & {word[:5] for word in _sense(known)})


def _covered(said: str, known: str) -> bool:
    """Sentence by sentence: enough of what carries sense stands in the facts."""
    there = {word[:5] for word in _sense(known)}
    for sentence in re.split(r"[.!?\n]+", said):
        words = [word for word in _sense(sentence) if word not in _COURTESY]
        covered = sum(word[:5] in there for word in words)
        if covered < len(words) and covered <= _COVERED * len(words):
            return False
    return True


def _sense(text: str) -> Iterator[str]:
    """Words of four letters and more, and what is written in capitals: names of things."""
    for word in re.findall(r"[^\W\d_]+", text):
        if len(word) >= 4 or (len(word) >= 2 and word.isupper()):
            yield _ascii(word)


def _ascii(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss"))
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def _repeats(said: str, instructions: str, known: str) -> bool:
    """A run of words that stands in the instructions, and not in the facts, which the instructions have as well."""
    words, told, facts = (re.findall(r"\w+", text.lower()) for text in (said, instructions, known))

    def runs(text: list[str]) -> set[tuple[str, ...]]:
        return {tuple(text[at : at + _RUN]) for at in range(len(text) - _RUN + 1)}

    return bool((runs(words) & runs(told)) - runs(facts))
