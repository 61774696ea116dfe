"""How out-of-office notes speak, by language: fragments of regular expressions, lower case, without accents."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """`months` and `weekdays` begin with January and Monday; short forms stand only beside a number or a date.

    `away`: says that somebody is not there; needed where only an end is named. `back`: says that they return.
    `until`: the day named is the first one back; `through`: it is the last one away. `after`: the day after it.
    `at`: what may stand between `back` and its date. `to`: joins the two dates of a range. `here`: the opposite of
    `away`; `no`: turns it round. `next_`: of the coming week; `coming`: simply the first one to come; `following`:
    either, written behind the weekday. `even`: behind a date, that it is the last one away. `day_alone`: "the 24th".
    """

    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    away: str
    back: str
    until: str
    through: str
    after: str
    at: str
    to: str
    here: str
    no: str
    tomorrow: str
    next_: str
    coming: str
    following: str = r"(?!)"
    even: str = r"inclusive|inclusief|inkl(?:usive)?|einschliesslich|inclus|inclusivamente"
    of: str = r"(?!)"
    day_alone: str = r"(?!)"


ENGLISH = Words(
    months=("jan(?:uary)?", "feb(?:ruary)?", "mar(?:ch)?", "apr(?:il)?", "may", "june?", "july?", "aug(?:ust)?",
            "sept?(?:ember)?", "oct(?:ober)?", "nov(?:ember)?", "dec(?:ember)?"),
    weekdays=("mon(?:day)?", "tue(?:s(?:day)?)?", "wed(?:nesday)?", "thu(?:r(?:s(?:day)?)?)?", "fri(?:day)?",
              "sat(?:urday)?", "sun(?:day)?"),
    away=r"out of (?:the )?(?:office|country)|ooo|away|absent|(?:on|annual|parental|sick|medical) leave|vacation|"
         r"holidays?|not in (?:the )?office|not available|unavailable|closed|travell?ing|no access|limited access|"
         r"out sick|(?:am|i'm|is|are|be|currently) out|pto",
    back=r"(?:not|never|\w*n't) (?:be )?(?:back|return(?:ing)?|available)(?: (?:to|in|at)(?: the| my)? (?:office|work))"
         r"?(?: again)? (?:before|until|till)|(?<!you )(?<!me )(?<!us )(?<!call )"
         r"back(?: (?:again|online|at work|at my desk|in(?: the| my)? office|to work))*|"
         r"return(?:s|ing)?(?: (?:to|in)(?: the| my)? (?:office|work|desk))?|(?:available|reachable) again|"
         r"available (?=from|as of|starting)|in(?: the| my)? office again|reopen(?:s|ing)?|re-open(?:s|ing)?",
    until=r"until|till|'?til",
    through=r"through|thru|up to and including|until and including|till the end of",
    after=r"after",
    at=r"on|from|as of|as from|by|starting|the|date|is|be|will be|it",
    to=r"to|through|thru|until|till|and",
    here=r"available|reachable|open|valid|here|in(?: the| my)? office",
    no=r"not|n't|cannot|no|only|out|away|closed|limited|back|absent|leave|unavailable",
    tomorrow=r"tomorrow",
    next_=r"next",
    coming=r"this|this coming|the coming",
    of=r"of",
    day_alone=r"\d\d?(?:st|nd|rd|th)",
)  # fmt: skip
GERMAN = Words(
    months=("jan(?:uar)?|janner", "feb(?:ruar)?|feber", "marz|maerz|mrz", "apr(?:il)?", "mai", "juni?", "juli?",
            "aug(?:ust)?", "sept?(?:ember)?", "okt(?:ober)?", "nov(?:ember)?", "dez(?:ember)?"),
    weekdays=("mo(?:ntag)?", "di(?:enstag)?", "mi(?:ttwoch)?", "do(?:nnerstag)?", "fr(?:eitag)?",
              "sa(?:mstag)?|sonnabend", "so(?:nntag)?"),
    away=r"abwesen\w*|nicht (?:im (?:buro|hause?)|da|erreichbar|verfugbar|am platz)|ausser haus|urlaub\w*|"
         r"betriebsferien|geschlossen|krank\w*|elternzeit|dienstreise|unterwegs|kein\w* zugriff|out of office",
    back=r"(?:wieder|zuruck|zurueck)(?: (?:im (?:buro|haus)|da|erreichbar|verfugbar|fur sie da|zuruck|personlich|"
         r"vor ort))*",
    until=r"(?!)",
    through=r"bis(?: (?:einschliesslich|inklusive|inkl\.?|und mit))?(?: zum)?",
    after=r"nach(?: dem)?",
    at=r"ab|am|dem|den|der|seit|von|zum|erst|ich|wir|bin|sind|ist",
    to=r"bis(?: (?:einschliesslich|inklusive|inkl\.?|und mit))?(?: zum)?",
    here=r"erreichbar|verfugbar|gultig|geoffnet|da",
    no=r"nicht|kein\w*|nur|ausser",
    tomorrow=r"(?<!tag )(?<!guten )(?<!heute )morgen",
    next_=r"nachste[nrm]?|naechste[nrm]?",
    coming=r"kommende[nrm]?|diese[nrm]?",
)  # fmt: skip
FRENCH = Words(
    months=("janv(?:ier)?", "fevr(?:ier)?", "mars", "avr(?:il)?", "mai", "juin", "juil(?:let)?", "aout",
            "sept(?:embre)?", "oct(?:obre)?", "nov(?:embre)?", "dec(?:embre)?"),
    weekdays=("lun(?:di)?", "mar(?:di)?", "mer(?:credi)?", "jeu(?:di)?", "ven(?:dredi)?", "sam(?:edi)?",
              "dim(?:anche)?"),
    away=r"absen\w*|conges?|vacances|en deplacement|hors du bureau|indisponible|pas (?:disponible|joignable)|"
         r"injoignable|fermes?|fermee?s?|fermeture|conge (?:maternite|maladie)",
    back=r"(?:de|mon|notre) retour(?: (?:au bureau|parmi vous|prevu|est prevu))*|reviens|reviendrai|rentre(?:rai)?|"
         r"retour(?: au bureau| prevu)?|de nouveau (?:joignable|disponible|au bureau)|reprendrai|rouvr\w+",
    until=r"(?!)",
    through=r"jusqu'?(?:au|a|en)(?: l[ea])?",
    after=r"apres(?: le)?",
    at=r"le|la|a partir du|a partir de|a compter du|des le|au|du|pour le|est|prevu|je serai",
    to=r"au|jusqu'?au|a",
    here=r"disponible|joignable|valable|ouvert",
    no=r"pas|in|plus|non",
    tomorrow=r"demain",
    next_=r"(?!)",
    coming=r"ce",
    following=r"prochain",
)  # fmt: skip
SPANISH = Words(
    months=("ene(?:ro)?", "feb(?:rero)?", "mar(?:zo)?", "abr(?:il)?", "mayo?", "jun(?:io)?", "jul(?:io)?",
            "ago(?:sto)?", "sept?(?:iembre)?|setiembre", "oct(?:ubre)?", "nov(?:iembre)?", "dic(?:iembre)?"),
    weekdays=("lun(?:es)?", "mar(?:tes)?", "mie(?:rcoles)?", "jue(?:ves)?", "vie(?:rnes)?", "sab(?:ado)?",
              "dom(?:ingo)?"),
    away=r"fuera de (?:la )?oficina|vacaciones|ausen\w*|de viaje|de baja|no (?:estoy|estare) (?:disponible|en la "
         r"oficina)|de permiso|cerrad[oa]s?",
    back=r"(?:vuelvo|volvere|regreso|regresare|regresa|reincorporo|reincorporare|retorno|retornare)(?: a la oficina)?|"
         r"de (?:vuelta|regreso|nuevo)(?: (?:en la oficina|disponible))?|mi (?:regreso|reincorporacion|vuelta)",
    until=r"(?!)",
    through=r"hasta(?: el)?",
    after=r"despues del?|tras el",
    at=r"el|a partir del?|desde el|dia|sera|estare|a",
    to=r"al|a|hasta(?: el)?",
    here=r"disponible|valido|abierto",
    no=r"no|sin",
    tomorrow=r"manana",
    next_=r"(?!)",
    coming=r"(?:el )?(?:proximo|este)",
    following=r"proximo|que viene",
    of=r"de",
)  # fmt: skip
PORTUGUESE = Words(
    months=("jan(?:eiro)?", "fev(?:ereiro)?", "mar(?:co)?", "abr(?:il)?", "maio?", "jun(?:ho)?", "jul(?:ho)?",
            "ago(?:sto)?", "set(?:embro)?", "out(?:ubro)?", "nov(?:embro)?", "dez(?:embro)?"),
    weekdays=("seg(?:unda)?(?:[- ]feira)?", "ter(?:ca)?(?:[- ]feira)?", "qua(?:rta)?(?:[- ]feira)?",
              "qui(?:nta)?(?:[- ]feira)?", "sex(?:ta)?(?:[- ]feira)?", "sab(?:ado)?", "dom(?:ingo)?"),
    away=r"fora d[oe] escritorio|ausen\w*|ferias|de licenca|em viagem|nao (?:estou|estarei) (?:disponivel|no "
         r"escritorio)|indisponivel|fechad[oa]s?",
    back=r"(?:volto|voltarei|regresso|regressarei|retorno|retornarei)(?: ao (?:escritorio|trabalho))?|"
         r"de (?:volta|regresso)(?: ao escritorio)?|novamente disponivel|meu (?:regresso|retorno)",
    until=r"(?!)",
    through=r"ate(?: (?:ao?|o))?(?: dia)?",
    after=r"apos(?: o dia)?|depois d[eo](?: dia)?",
    at=r"no|na|em|a|ao|dia|a partir d[eo]|desde|o|sera|estarei",
    to=r"a|ao|ate(?: (?:ao?|o))?(?: dia)?",
    here=r"disponivel|valido|aberto",
    no=r"nao|sem",
    tomorrow=r"amanha",
    next_=r"(?!)",
    coming=r"(?:na |no )?(?:proxim[ao]|est[ae])",
    following=r"que vem|proxim[ao]",
    of=r"de",
)  # fmt: skip
ITALIAN = Words(
    months=("gen(?:naio)?", "febb?(?:raio)?", "mar(?:zo)?", "apr(?:ile)?", "mag(?:gio)?", "giu(?:gno)?", "lug(?:lio)?",
            "ago(?:sto)?", "sett?(?:embre)?", "ott(?:obre)?", "nov(?:embre)?", "dic(?:embre)?"),
    weekdays=("lun(?:edi)?", "mar(?:tedi)?", "mer(?:coledi)?", "gio(?:vedi)?", "ven(?:erdi)?", "sab(?:ato)?",
              "dom(?:enica)?"),
    away=r"fuori (?:ufficio|sede)|ferie|vacanz[ae]|assen\w*|in viaggio|trasferta|malattia|permesso|congedo|maternita|"
         r"non (?:sono|saro|siamo|saremo) (?:disponibil[ei]|raggiungibil[ei]|in (?:ufficio|sede))|indisponibile|"
         r"chius[oaie]|chiusura",
    back=r"(?:torno|tornero|rientro|rientrero|torneremo|rientreremo|ritornero|ritorno)(?: (?:in ufficio|al lavoro|"
         r"operativ[oa]))?|(?:il )?mio (?:rientro|ritorno)|di (?:nuovo|ritorno)(?: (?:disponibil[ei]|in ufficio|"
         r"raggiungibil[ei]|operativ[oaie]))?|nuovamente (?:disponibil[ei]|in ufficio|raggiungibil[ei])|riapr\w+",
    until=r"(?!)",
    through=r"fino a(?:l|ll'|lla)?(?: giorno)?(?: compreso)?|sino al?",
    after=r"dopo (?:il|l')|dal giorno dopo",
    at=r"il|l'|a partire da(?:l|ll')?|da(?:l|ll')?|dal giorno|giorno|per il|saro|sono|previsto|e|in|a",
    to=r"a(?:l|ll')?|e il|fino a(?:l|ll')?",
    here=r"disponibil[ei]|raggiungibil[ei]|valid[oa]|apert[oaie]",
    no=r"non|senza",
    tomorrow=r"domani",
    next_=r"(?!)",
    coming=r"(?:il )?(?:prossim[oa]|quest[oa'])",
    following=r"prossim[oa]",
)  # fmt: skip
DUTCH = Words(
    months=("jan(?:uari)?", "feb(?:ruari)?", "maart|mrt", "apr(?:il)?", "mei", "juni?", "juli?", "aug(?:ustus)?",
            "sept?(?:ember)?", "okt(?:ober)?", "nov(?:ember)?", "dec(?:ember)?"),
    weekdays=("ma(?:andag)?", "di(?:nsdag)?", "woe?(?:nsdag)?", "do(?:nderdag)?", "vr(?:ijdag)?", "za(?:terdag)?",
              "zo(?:ndag)?"),
    away=r"afwezig\w*|vakantie|verlof|niet (?:op kantoor|aanwezig|bereikbaar|beschikbaar)|gesloten|met reces",
    back=r"(?:weer|terug)(?: (?:op kantoor|aanwezig|bereikbaar|beschikbaar|terug|aan het werk|vanaf))*",
    until=r"tot(?! en met)",
    through=r"tot en met|t/m",
    after=r"na",
    at=r"op|vanaf|per|ik|wij|ben|zijn|de|is",
    to=r"tot en met|t/m|tot",
    here=r"bereikbaar|beschikbaar|aanwezig|geldig|open",
    no=r"niet|geen|on",
    tomorrow=r"morgen",
    next_=r"volgende(?: week)?",
    coming=r"aanstaande|aankomende|komende|deze",
)  # fmt: skip
LANGUAGES = (ENGLISH, GERMAN, FRENCH, SPANISH, PORTUGUESE, ITALIAN, DUTCH)
