"""Is a mail domain a free service's, a throw-away one's, or a company's? No network: both lists come with the package.

Throw-away domains: the package `disposable-email-domains`, whose list is brought up to date almost daily. Free
services: the list below, of providers where anybody gets an address, and of national internet providers.
"""

import re
from functools import cache

from disposable_email_domains import blocklist

from speedlead.domain.knowing import Kind

_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")

_SERVICES = """
gmail.com googlemail.com outlook.com hotmail.com live.com msn.com passport.com yahoo.com ymail.com
rocketmail.com aol.com aim.com icloud.com me.com mac.com proton.me protonmail.com protonmail.ch pm.me
tutanota.com tutanota.de tutamail.com tuta.io tuta.com keemail.me gmx.com gmx.de gmx.net gmx.at gmx.ch gmx.fr
gmx.us web.de email.de t-online.de freenet.de arcor.de online.de 1und1.de posteo.de posteo.net mailbox.org
mail.de mail.com email.com usa.com europe.com consultant.com engineer.com post.com dr.com zoho.com
zohomail.com zohomail.eu zohomail.in fastmail.com fastmail.fm hushmail.com hey.com duck.com inbox.com
lycos.com mailfence.com runbox.com startmail.com disroot.org riseup.net orange.fr wanadoo.fr free.fr
laposte.net sfr.fr neuf.fr bbox.fr numericable.fr libero.it virgilio.it tiscali.it alice.it tin.it inwind.it
iol.it fastwebnet.it telefonica.net terra.es ono.com sapo.pt mail.pt bluewin.ch hispeed.ch sunrise.ch aon.at
chello.at chello.nl ziggo.nl kpnmail.nl planet.nl hetnet.nl home.nl xs4all.nl skynet.be telenet.be proximus.be
wp.pl o2.pl onet.pl onet.eu op.pl interia.pl interia.eu poczta.fm tlen.pl gazeta.pl seznam.cz email.cz post.cz
centrum.cz centrum.sk azet.sk zoznam.sk freemail.hu citromail.hu indamail.hu abv.bg mail.bg dir.bg ukr.net
i.ua meta.ua mail.ru inbox.ru list.ru bk.ru internet.ru rambler.ru yandex.ru yandex.com ya.ru yandex.ua
yandex.kz yandex.by inbox.lv telia.com spray.se bredband.net comhem.se online.no broadpark.no mail.dk jubii.dk
luukku.com suomi24.fi elisanet.fi btinternet.com btopenworld.com talktalk.net virginmedia.com ntlworld.com
blueyonder.co.uk sky.com tiscali.co.uk o2.co.uk eircom.net comcast.net verizon.net att.net sbcglobal.net
bellsouth.net cox.net charter.net spectrum.net earthlink.net juno.com netzero.net optonline.net frontier.com
windstream.net centurylink.net roadrunner.com rr.com q.com mindspring.com shaw.ca rogers.com bell.net
sympatico.ca telus.net videotron.ca bigpond.com bigpond.net.au optusnet.com.au iinet.net.au tpg.com.au
xtra.co.nz uol.com.br bol.com.br terra.com.br ig.com.br globo.com globomail.com r7.com prodigy.net.mx
speedy.com.ar arnet.com.ar fibertel.com.ar qq.com vip.qq.com foxmail.com 163.com 126.com yeah.net sina.com
sina.cn sohu.com aliyun.com 139.com 189.cn 21cn.com tom.com naver.com hanmail.net daum.net nate.com kakao.com
docomo.ne.jp ezweb.ne.jp softbank.ne.jp i.softbank.jp nifty.com biglobe.ne.jp ocn.ne.jp so-net.ne.jp
rediffmail.com sify.com in.com indiatimes.com vsnl.net walla.co.il walla.com netvision.net.il bezeqint.net
mweb.co.za telkomsa.net webmail.co.za vodamail.co.za pchome.com.tw hinet.net seed.net.tw netvigator.com
singnet.com.sg starhub.net.sg
privaterelay.appleid.com mozmail.com simplelogin.com simplelogin.co slmail.me aleeas.com anonaddy.com anonaddy.me
addy.io passmail.net passinbox.com passfwd.com yandex.com.tr gmx.li gmx.co.uk gmx.es gmx.it googlemail.de aol.de
aol.co.uk aol.fr kabelmail.de vodafonemail.de unitybox.de netcologne.de ewetel.net a1.net bluemail.ch email.it
club-internet.fr aliceadsl.fr cegetel.net noos.fr wanadoo.es wanadoo.nl virgin.net pt.lu
""".split()
# the same service under many country domains
_NATIONAL = {
    "yahoo": "ca de es fr gr ie in it pl ro se at be dk no co.id co.in co.jp co.kr co.nz co.th co.uk co.za com.ar "
    "com.au com.br com.cn com.co com.hk com.mx com.my com.pe com.ph com.sg com.tr com.tw com.ve com.vn",
    "hotmail": "be ca ch cl co co.il co.jp co.nz co.th co.uk co.za com.ar com.au com.br com.tr com.tw cz de dk es fi "
    "fr gr hu it nl no se sg",
    "live": "at be ca cl cn co.kr co.uk co.za com.ar com.au com.mx com.my com.pt com.sg de dk fi fr hk ie in it jp nl "
    "no ru se",
    "outlook": "at be cl co.id co.il co.th com.ar com.au com.br com.gr com.tr com.vn cz de dk es fr hu ie in it jp kr "
    "lv my ph pt sa sg sk",
}  # fmt: skip


@cache
def free_services() -> frozenset[str]:
    return frozenset(_SERVICES) | {f"{name}.{end}" for name, ends in _NATIONAL.items() for end in ends.split()}


def domain_of(address: str | None) -> str | None:
    """In lower case and ASCII; None where there is no address, or one whose domain nobody can look up."""
    name = (address or "").rpartition("@")[2].strip().rstrip(".").lower()
    if not name.isascii():
        # as the intake writes addresses: Python's own codec makes straße.de the domain of somebody else
        from email_validator import EmailNotValidError, validate_email

        try:
            name = validate_email(f"a@{name}", check_deliverability=False).ascii_domain
        except EmailNotValidError:
            return None
    return name if _DOMAIN.fullmatch(name) else None


def kind_of(domain: str | None) -> Kind | None:
    """By the domain, or one that it is a part of. None without a domain."""
    if domain is None:
        return None
    parents = parents_of(domain)
    if any(name in blocklist for name in parents):
        return "disposable"
    return "free_mail" if any(name in free_services() for name in parents) else "company"


def parents_of(domain: str) -> tuple[str, ...]:
    """The domain and what it is a part of, the longest first, down to two labels: eu.acme.com, acme.com."""
    labels = domain.split(".")
    return tuple(".".join(labels[at:]) for at in range(len(labels) - 1))
