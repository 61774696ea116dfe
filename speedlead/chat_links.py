"""Addresses of a conversation in a page: signed, so that nobody makes one up, and each for one post of a form alone."""

from speedlead.tokens import make_token

CHAT = "chat"


def chat_url(public_url: str, secret: bytes, inquiry_id: str) -> str:
    return f"{public_url}/chat/{make_token(secret, CHAT, inquiry_id)}"
