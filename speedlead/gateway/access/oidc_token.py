"""Is an ID token what it says, for us, fresh, and the answer to our own question? (OpenID Connect Core 3.1.3.7)"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hmac import compare_digest
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

# what the provider's own keys can sign with; an algorithm that takes a shared secret would take its public key as one
ALGORITHMS = {"RS256": "RSA", "ES256": "EC"}
LEAST_RSA_BITS = 2048
# how far two clocks may be apart
LEEWAY_S = 60

Claims = dict[str, Any]
Keys = Sequence[Mapping[str, Any]]


class TokenRefused(Exception):
    """`code`: algorithm, key, signature, issuer, audience, expired, nonce or token."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class KeyUnknown(TokenRefused):
    """The token names a key that is not among ours: the provider may have changed its keys."""

    def __init__(self) -> None:
        super().__init__("key")


def check_token(token: str, keys: Keys, *, issuer: str, client_id: str, nonce: str, now: datetime) -> Claims:
    """The claims; `keys` are the provider's as JWK. Raises TokenRefused."""
    claims = _signed(token, keys)
    if claims.get("iss") != issuer:
        raise TokenRefused("issuer")
    _meant_for(claims, client_id)
    _fresh(claims, now.timestamp())
    if not compare_digest(str(claims.get("nonce") or "").encode(), nonce.encode()):
        raise TokenRefused("nonce")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise TokenRefused("token")
    return claims


def _signed(token: str, keys: Keys) -> Claims:
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise TokenRefused("token") from None
    algorithm = str(header.get("alg"))
    if algorithm not in ALGORITHMS:
        raise TokenRefused("algorithm")
    key = _key(keys, header.get("kid"), ALGORITHMS[algorithm], algorithm)
    # times, audience and issuer are looked at here, by the product's own clock
    unlooked = {f"verify_{name}": False for name in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}
    try:
        claims: Claims = jwt.decode(token, key, algorithms=[algorithm], options=unlooked)  # type: ignore[arg-type]
    except jwt.InvalidSignatureError:
        raise TokenRefused("signature") from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise TokenRefused("token") from None
    return claims


def _key(keys: Keys, kid: object, kind: str, algorithm: str) -> Any:
    fitting = [key for key in keys if key.get("kty") == kind and key.get("use") in (None, "sig")]
    if kid is not None:
        fitting = [key for key in fitting if key.get("kid") == kid]
    if len(fitting) != 1:
        raise KeyUnknown
    try:
        key = jwt.PyJWK(dict(fitting[0]), algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        raise TokenRefused("key") from None
    strong = isinstance(key, RSAPublicKey) and key.key_size >= LEAST_RSA_BITS
    if not strong and not (isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)):
        raise TokenRefused("key")
    return key


def _meant_for(claims: Claims, client_id: str) -> None:
    audience = claims.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    party = claims.get("azp")
    if client_id not in several or (len(several) > 1 and party is None) or party not in (None, client_id):
        raise TokenRefused("audience")


def _fresh(claims: Claims, now: float) -> None:
    ends, begins = _instant(claims.get("exp")), (_instant(claims.get("iat")), _instant(claims.get("nbf", 0)))
    if ends + LEEWAY_S <= now or any(begin - LEEWAY_S > now for begin in begins):
        raise TokenRefused("expired")


def _instant(value: object) -> float:
    """JSON readers take NaN and Infinity, which no comparison would catch."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise TokenRefused("expired")
    return float(value)
