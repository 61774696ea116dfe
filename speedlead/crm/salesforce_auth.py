"""A token for Salesforce: by client credentials, or by a JWT that its user's certificate verifies.

help.salesforce.com: OAuth 2.0 Client Credentials Flow; OAuth 2.0 JWT Bearer Flow (both answer `access_token`; neither
has a refresh token: another one is asked for).
"""

import base64
import json
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from speedlead.crm.calls import Refused, Rest
from speedlead.crm.model import Salesforce

PATH = "/services/oauth2/token"
# three minutes are the most that they take
_VALID = timedelta(minutes=3)


async def new_token(rest: Rest, asked: Salesforce, secret: str, wall: datetime) -> str:
    """Asked for at My Domain. Raises Refused."""
    if asked.auth == "jwt":
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": _jwt(asked, secret, wall)}
    else:
        form = {"grant_type": "client_credentials", "client_id": asked.client_id, "client_secret": secret}
    reply = await rest.ask("POST", PATH, form=form)
    body = reply.body if isinstance(reply.body, dict) else {}
    if reply.status != 200 or not body.get("access_token"):
        code, text = str(body.get("error") or reply.status), str(body.get("error_description") or "no token was given")
        raise Refused(reply.status if reply.status != 200 else 401, code, text, asked=reply.asked)
    return str(body["access_token"])


def signing_key(secret: str) -> RSAPrivateKey:
    """Raises ValueError with what was expected."""
    try:
        key = load_pem_private_key(secret.encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("expected an RSA private key in PEM, without a password")
    return key


def _jwt(asked: Salesforce, secret: str, wall: datetime) -> str:
    claims = {"iss": asked.client_id, "sub": asked.username, "aud": asked.audience,
              "exp": int((wall + _VALID).timestamp())}  # fmt: skip
    said = f"{_part({'alg': 'RS256'})}.{_part(claims)}"
    mark = signing_key(secret).sign(said.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{said}.{_text(mark)}"


def _part(value: dict[str, Any]) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
