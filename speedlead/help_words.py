"""What a text that only says HELP is answered with, in the language of its keyword, or of its lead. Pure.

Carriers want it answered with the sender's name, a way to reach a person and how to stop (CTIA Messaging Principles and
Best Practices, 5.1.3; Twilio's page on A2P campaigns). Characters of GSM-7 alone, and no word that sells.
"""

from speedlead.optout import plain_words

# help and info are said everywhere: the lead's language is the better guess
_ANYWHERE = frozenset({"help", "info"})
_LANGUAGE = {"hilfe": "de", "ayuda": "es", "aide": "fr", "aiuto": "it", "ajuda": "pt"}
_WORDS = {
    "en": "{company}: for help, {ways}. Message frequency varies. Msg & data rates may apply. Reply STOP to opt out.",
    "de": "{company}: Hilfe bekommen Sie hier: {ways}. Mit STOP erhalten Sie keine SMS mehr von uns.",
    "es": "{company}: si necesita ayuda, {ways}. Responda STOP para no recibir mensajes.",
    "fr": "{company}: pour obtenir de l'aide, {ways}. Répondez STOP pour ne plus recevoir de SMS.",
    "it": "{company}: per assistenza, {ways}. Risponda STOP per non ricevere altri SMS.",
    "pt": "{company}: se precisar de ajuda, {ways}. Responda STOP para deixar de receber SMS.",
}
# by number and by address
_WAYS = {
    "en": ("call {phone}", "write to {email}"),
    "de": ("Telefon {phone}", "E-Mail {email}"),
    "es": ("llame al {phone}", "escriba a {email}"),
    "fr": ("appelez le {phone}", "écrivez à {email}"),
    "it": ("chiami il {phone}", "scriva a {email}"),
    "pt": ("ligue para {phone}", "escreva para {email}"),
}
LANGUAGES = frozenset(_WORDS)


def asks_for_help(text: str) -> bool:
    """HELP and its kin, as the whole text."""
    plain = plain_words(text)
    return plain in _ANYWHERE or plain in _LANGUAGE


def help_text(text: str, company: str, phone: str | None, email: str, language: str = "en") -> str:
    """The answer, with the house's number if it has one, else its address.

    `language`: the lead's, one of `LANGUAGES`, for a keyword that has none of its own.
    """
    language = _LANGUAGE.get(plain_words(text), language)
    by_phone, by_mail = _WAYS[language]
    ways = by_phone.format(phone=phone) if phone else by_mail.format(email=email)
    return _WORDS[language].format(company=company[:40], ways=ways)
