"""Amounts of money: exact, in a currency of ISO 4217, written as that currency is."""

from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

# ISO 4217, list one: the codes of money that is in use; what is no money of a country (gold, funds, tests) is left out
_CODES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP
CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD
IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR
MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP
SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG
XOF XPF YER ZAR ZMW ZWG
"""
# how many digits stand behind the point; all others have two
_DIGITS = dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(), 0) | dict.fromkeys(
    "BHD IQD JOD KWD LYD OMR TND".split(), 3
)
CODES = frozenset(_CODES.split())

# above every sum of a company, below what would be written wrongly on purpose
LARGEST = Decimal(10) ** 13
# what is divided by less than this is no figure of anybody's
_DIGITS_BEHIND = 6
# what those two can become at most has far fewer digits
_WIDE = Context(prec=100)


def currency(text: str) -> str:
    """The code in capitals. Raises ValueError."""
    code = text.strip().upper()
    if code not in CODES:
        raise ValueError(f"expected a currency of ISO 4217 such as EUR, got {text[:20]!r}")
    return code


def digits(code: str) -> int:
    return _DIGITS.get(code, 2)


def rounded(amount: Decimal, code: str) -> Decimal:
    """To the smallest unit, halves away from zero as bookkeepers do."""
    return rounded_to(amount, digits(code))


def rounded_to(number: Decimal, behind: int) -> Decimal:
    """To so many digits behind the point, halves away from zero; no zero has a minus."""
    found = number.quantize(Decimal(1).scaleb(-behind), ROUND_HALF_UP, _WIDE)
    return found or found.copy_abs()


def number(text: str, what: str = "a number such as 1200 or 12.50") -> Decimal:
    """Without signs of currency and without separators of thousands, which mean different things in two countries.

    Raises ValueError.
    """
    typed = text.strip()
    try:
        found = Decimal(typed) if typed.isascii() and "_" not in typed else Decimal("nan")
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite() or not -LARGEST < found < LARGEST:
        raise ValueError(f"expected {what}, got {typed[:40]!r}")
    if found != rounded_to(found, _DIGITS_BEHIND):
        raise ValueError(f"expected at most {_DIGITS_BEHIND} digits behind the point, got {typed[:40]!r}")
    return found


def amount(text: str, code: str) -> Decimal:
    """Raises ValueError, also for parts of the smallest unit."""
    found = number(text, f"an amount in {code} such as {rounded(Decimal('1250.5'), code)}")
    if found != rounded(found, code):
        raise ValueError(
            f"expected at most {digits(code)} digits behind the point for {code}, got {text.strip()[:40]!r}"
        )
    return found


def written(amount: Decimal, code: str) -> str:
    """`1,250.50 EUR`; whole amounts without their zeros."""
    exact = rounded(amount, code)
    if exact == exact.to_integral_value():
        exact = rounded_to(exact, 0)
    return f"{exact:,} {code}".replace("-", "−")
