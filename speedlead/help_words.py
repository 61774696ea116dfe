"""What a text that only says HELP is answered with, in the language of its keyword. Pure.

Carriers want it answered with the sender's name, a way to reach a person and how to stop (CTIA Messaging Principles and
Best Practices, 5.1.3; Twilio's page on A2P campaigns). Characters of GSM-7 alone, and no word that sells.
"""

from speedlead.optout import plain_words

_ENGLISH = "{company}: for help, {ways}. Message frequency varies. Msg & data rates may apply. Reply STOP to opt out."
_WORDS = {
    "help": _ENGLISH,
    "info": _ENGLISH,
    "hilfe": "{company}: Hilfe bekommen Sie hier: {ways}. Mit STOP erhalten Sie keine SMS mehr von uns.",
    "ayuda": "{company}: si necesita ayuda, {ways}. Responda STOP para no recibir mensajes.",
    "aide": "{company}: pour obtenir de l'aide, {ways}. Répondez STOP pour ne plus recevoir de SMS.",
    "aiuto": "{company}: per assistenza, {ways}. Risponda STOP per non ricevere altri SMS.",
    "ajuda": "{company}: se precisar de ajuda, {ways}. Responda STOP para deixar de receber SMS.",
}
# by number and by address
_WAYS = {
    "help": ("call {phone}", "write to {email}"),
    "info": ("call {phone}", "write to {email}"),
    "hilfe": ("Telefon {phone}", "E-Mail {email}"),
    "ayuda": ("llame al {phone}", "escriba a {email}"),
    "aide": ("appelez le {phone}", "écrivez à {email}"),
    "aiuto": ("chiami il {phone}", "scriva a {email}"),
    "ajuda": ("ligue para {phone}", "escreva para {email}"),
}


def asks_for_help(text: str) -> bool:
    """HELP and its kin, as the whole text."""
    return plain_words(text) in _WORDS


def help_text(text: str, company: str, phone: str | None, email: str) -> str:
    """The answer, with the house's number if it has one, else its address; English for any other keyword."""
    keyword = plain_words(text) if asks_for_help(text) else "help"
    by_phone, by_mail = _WAYS[keyword]
    ways = by_phone.format(phone=phone) if phone else by_mail.format(email=email)
    return _WORDS[keyword].format(company=company[:40], ways=ways)
