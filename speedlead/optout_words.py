"""How people ask us to stop, in seven languages: regular expressions for lower case without accents and hyphens.

`everything`, `call`, `sms` and `email` name what is to stop; `here` names no channel: the one it came by is meant.
`keywords` count as whole texts. The last three confirm an opt-out by SMS, in characters of GSM-7 alone.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    keywords: frozenset[str]
    everything: tuple[str, ...]
    call: tuple[str, ...]
    sms: tuple[str, ...]
    email: tuple[str, ...]
    no_texts: str
    no_calls: str
    nothing: str
    here: tuple[str, ...] = ()


_NEGATED = r"(?<!don't )(?<!dont )(?<!do not )(?<!never )"
_NEVER = r"(?:do not|don't|dont|never|no longer|quit|cease|stop|please stop)"
ENGLISH = Words(
    keywords=frozenset(
        {
            "remove",
            "opt out",
            "stop all",
            "please stop",
            "stop please",
            "unsubscribe me",
            "remove me",
            "stop it",
            "stop sms",
        }
    ),
    everything=(
        rf"{_NEGATED}\bstop (?:contacting|bothering|messaging and calling|harassing)\b",
        r"\b(?:do not|don't|dont|never) (?:ever )?(?:contact|bother) (?:me|us)\b",
        r"\bleave (?:me|us) alone\b",
        r"\b(?:take|remove) (?:me|us|my (?:name|number|details|e ?mail)) (?:off|from)\b",
        r"\b(?:please|kindly|pls) (?:remove|delete) (?:me|us)\b",
        r"\bopt (?:me )?out of (?:everything|all)\b",
        r"\blose my number\b",
    ),
    call=(
        rf"{_NEGATED}\bstop (?:calling|phoning|ringing)\b",
        rf"\b{_NEVER} (?:ever )?(?:call|phone|ring) (?:me|us)\b(?! (?:before|after|until|till|at|on)\b)",
        r"\bno more calls\b",
    ),
    sms=(
        rf"{_NEGATED}\bstop (?:texting|messaging|sms)\b",
        r"\b(?:do not|don't|dont|never) (?:text|message) (?:me|us)\b",
        r"\bno more (?:texts|messages|sms)\b",
    ),
    email=(
        rf"{_NEGATED}\bstop (?:e ?mailing|mailing|sending (?:me|us) (?:e ?)?mails?)\b",
        r"\b(?:do not|don't|dont|never) (?:e ?mail|write to) (?:me|us)\b",
        r"\bno more (?:e ?)?mails\b",
    ),
    here=(
        r"\bunsubscribe (?:me|us)\b",
        r"\bopt (?:me|us) out\b",
        rf"{_NEGATED}\bstop sending\b",
        r"\bi (?:want to )?opt out\b",
    ),
    no_texts="You will get no more texts from us. Reply START to get them again.",
    no_calls="We will not call you any more.",
    nothing="We will not contact you any more.",
)

# "no me llamen antes de las nueve" is a wish about the time, not a refusal
_ES_NOT = r"(?! (?:antes|despues|hasta|a las|el|manana|hoy|por la)\b)"
SPANISH = Words(
    keywords=frozenset({"alto", "baja", "parar", "no mas", "por favor pare", "basta"}),
    everything=(
        rf"\bno (?:me|nos) (?:contact(?:es?|en|eis)|(?:vuelvan?|vuelvas) a contactar|molest(?:es?|en))\b{_ES_NOT}",
        r"\bdej(?:a|e|en|ad) de (?:contactar|molestar)(?:me|nos)?\b",
        r"\bdej(?:a|e|en|ad)(?:me|nos) en paz\b",
        r"\b(?:borr|elimin|quit)(?:a|e|en|ar|ad)(?:me|nos)\b",
        r"\b(?:borr|elimin|quit)(?:a|e|en|ar|ad) (?:mi numero|mis datos)\b",
        r"\b(?:da|de|den)(?:me|nos) de baja\b",
    ),
    call=(
        r"\bdej(?:a|e|en|ad) de llamar(?:me|nos)?\b",
        rf"\bno (?:me|nos) (?:llam(?:es?|en|eis)|(?:vuelvan?|vuelvas) a llamar)\b{_ES_NOT}",
        r"\bno mas llamadas\b",
    ),
    sms=(
        rf"\bno (?:me|nos) (?:escrib(?:as?|an|ais)|(?:vuelvan?|vuelvas) a escribir)\b{_ES_NOT}",
        r"\bno (?:me|nos) (?:mand|envi)(?:es?|en) (?:mas )?(?:mensajes|sms)\b",
        r"\bdej(?:a|e|en|ad) de (?:escribir|mandar|enviar)(?:me|nos)?\b",
        r"\bno mas (?:mensajes|sms)\b",
    ),
    email=(
        r"\bno (?:me|nos) (?:mand|envi)(?:es?|en) (?:mas )?(?:correos|e ?mails?)\b",
        r"\bno mas (?:correos|e ?mails?)\b",
    ),
    no_texts="Ya no le enviaremos mensajes. Responda START para volver a recibirlos.",
    no_calls="No volveremos a llamarle.",
    nothing="No volveremos a ponernos en contacto con usted.",
)

FRENCH = Words(
    keywords=frozenset({"arret", "arreter", "arretez", "stop svp", "desabonner", "desinscrire"}),
    everything=(
        r"\bne (?:me|nous) (?:re)?contacte[zr]? plus\b",
        r"\bne (?:me|nous) derange[zr]? plus\b",
        r"\b(?:arretez?|cessez) de (?:me|nous) (?:contacter|deranger|harceler)\b",
        r"\blaissez? (?:moi|nous) tranquilles?\b",
        r"\b(?:retir|supprim|enlev|effac|ray)ez? (?:moi|nous|mon numero|mes (?:coor)?donnees)\b",
    ),
    call=(
        r"\bne (?:m'|nous )(?:r?appele[zr]?|telephone[zr]?) plus\b",
        r"\bne me (?:rappele[zr]?|telephone[zr]?) plus\b",
        r"\b(?:arretez?|cessez) de (?:m'|me |nous )(?:r?appeler|telephoner)\b",
        r"\bplus d'appels?\b",
    ),
    sms=(
        r"\bne (?:m'|nous )(?:ecrive[zr]?|envoye[zr]?) plus\b(?! (?:de mails?|d'e ?mails?|de courriels?))",
        r"\b(?:arretez?|cessez) de (?:m'|nous )(?:ecrire|envoyer)\b",
        r"\bplus de (?:sms|messages|textos)\b(?! (?:que|pour)\b)",
    ),
    email=(
        r"\bplus (?:de mails?|d'e ?mails?|de courriels?)\b",
        r"\bdesabonnez (?:moi|nous)\b",
        r"\bme desabonner\b",
    ),
    no_texts="Vous ne recevrez plus de SMS de notre part. Répondez START pour en recevoir à nouveau.",
    no_calls="Nous ne vous appellerons plus.",
    nothing="Nous ne vous contacterons plus.",
)

_DE_NOT = r"(?:bitte )?(?:nicht|nie) (?:mehr|wieder)"
GERMAN = Words(
    keywords=frozenset({"stopp", "abmelden", "bitte stopp", "bitte stop", "aufhoren", "abbestellen"}),
    everything=(
        rf"\bkontaktier(?:en sie|t|e)? (?:mich|uns) {_DE_NOT}\b",
        r"\bnicht mehr (?:kontaktier(?:en|t)|belastig(?:en|t))\b",
        r"\bkein(?:en)? kontakt mehr\b",
        r"\blass(?:en sie|t)? (?:mich|uns) (?:bitte )?in ruhe\b",
        r"\b(?:losch|streich|entfern)(?:en sie|t|e)? (?:bitte )?(?:mich|uns|meine (?:daten|nummer|adresse))\b",
        r"\bmeine (?:daten|nummer|adresse) (?:bitte )?(?:loschen|streichen|entfernen)\b",
    ),
    call=(
        rf"\bruf(?:en sie|t|e)? (?:mich|uns) {_DE_NOT} an\b",
        r"\bkeine (?:weiteren )?anrufe(?: mehr)?\b",
        r"\bnicht mehr an(?:ge)?rufen\b",
    ),
    sms=(
        rf"\bschreib(?:en sie|t|e)? (?:mir|uns) {_DE_NOT}\b",
        r"\bkeine (?:weiteren )?(?:sms|nachrichten)(?: mehr)?\b",
        r"\bnicht mehr (?:an)?(?:schreiben|simsen)\b",
    ),
    email=(
        r"\bkeine (?:weiteren )?(?:e ?)?mails?(?: mehr)?\b(?! (?:bekommen|erhalten|gesehen|gefunden))",
        r"\bkein(?:en)? newsletter mehr\b",
        r"\bmeld(?:en sie|et|e)? (?:mich|uns) (?:bitte )?(?:vom newsletter )?ab\b",
    ),
    no_texts="Sie erhalten keine SMS mehr von uns. Mit START erhalten Sie sie wieder.",
    no_calls="Wir rufen Sie nicht mehr an.",
    nothing="Wir kontaktieren Sie nicht mehr.",
)

PORTUGUESE = Words(
    keywords=frozenset({"pare", "parem", "sair", "parar sms", "cancelar", "chega"}),
    everything=(
        r"\bnao (?:me|nos) conta(?:c?te|c?tem|c?tar) mais\b",
        r"\b(?:pare|parem|deixe|deixem) de (?:me |nos )?(?:conta(?:c)?tar|incomodar|perturbar)\b",
        r"\b(?:me|nos) deixem? em paz\b|\bdeixem? (?:me|nos) em paz\b",
        r"\b(?:removam?|retirem?|apaguem?|excluam?) (?:me|nos|o? ?meu numero|os? ?meus dados)\b",
        r"\b(?:me|nos) (?:remova|removam|retire|retirem|exclua|excluam)\b",
    ),
    call=(
        r"\bnao (?:me|nos) (?:liguem?|telefonem?) mais\b",
        r"\b(?:pare|parem|deixe|deixem) de (?:me |nos )?(?:ligar|telefonar)\b",
    ),
    sms=(
        r"\bnao (?:me|nos) (?:escrevam?|mandem?|enviem?) mais\b(?! (?:e ?mails?|correios))",
        r"\bnao (?:me|nos) (?:mandem?|enviem?) (?:mensagens|sms)\b",
        r"\b(?:pare|parem|deixe|deixem) de (?:me |nos )?(?:escrever|mandar|enviar)\b",
        r"\bchega de (?:mensagens|sms)\b",
    ),
    email=(
        r"\bnao (?:me|nos) (?:mandem?|enviem?) mais e ?mails?\b",
        r"\bchega de e ?mails?\b",
    ),
    no_texts="Deixamos de lhe enviar SMS. Responda START para voltar a receber.",
    no_calls="Deixamos de lhe ligar.",
    nothing="Deixamos de entrar em contacto consigo.",
)

# "non mi chiami prima delle nove" is a wish about the time, not a refusal
_IT_NOT = r"(?! (?:prima|dopo|fino|alle|oggi|domani|il|la|di|durante)\b)"
ITALIAN = Words(
    keywords=frozenset({"basta", "alt", "ferma", "fermatevi", "cancellami", "annulla", "disiscrivimi", "cancellatemi"}),
    everything=(
        rf"\bnon (?:mi|ci) (?:contatt(?:i|ate|are|ino)|disturb(?:i|ate|are|ino)) (?:piu|mai piu)\b{_IT_NOT}",
        rf"\bnon (?:contattar(?:mi|ci)|contattate(?:mi|ci)|disturbar(?:mi|ci)|disturbate(?:mi|ci))\b{_IT_NOT}",
        r"\b(?:smett(?:a|i|ete|ano|etela)|smettila|finite(?:la)?) di (?:contattar|disturbar|molestar)(?:mi|ci)\b",
        r"\b(?:(?:mi|ci) )?lasci\w* in pace\b",
        r"\b(?:cancell|elimin|rimuov|togli)\w*(?:mi|ci)\b",
        r"\b(?:cancell|elimin|rimuov)\w* (?:il mio (?:numero|nome|indirizzo)|i miei dati)\b",
    ),
    call=(
        rf"\bnon (?:mi|ci) (?:(?:ri)?chiam(?:i|ate|are|ino)|telefon(?:i|ate|are|ino)) (?:piu|mai piu)\b{_IT_NOT}",
        rf"\bnon (?:(?:ri)?chiamar(?:mi|ci)|(?:ri)?chiamate(?:mi|ci)"
        rf"|telefonar(?:mi|ci)|telefonate(?:mi|ci))\b{_IT_NOT}",
        r"\b(?:smett(?:a|i|ete|ano|etela)|smettila) di (?:chiamar(?:mi|ci)|telefonar(?:mi|ci))\b",
        r"\b(?:niente|basta) (?:piu )?(?:chiamate|telefonate)\b",
    ),
    sms=(
        r"\bnon (?:mi|ci) (?:scriv(?:a|ete|ere|ano)|mand(?:i|ate|are|ino)|invi(?:i|ate|are|no)) (?:piu|mai piu)\b"
        r"(?! (?:e ?mails?|mail))",
        r"\bnon (?:mi|ci) (?:mand|invi)(?:i|ate|are|ino|no) (?:piu )?(?:messaggi|sms)\b",
        r"\b(?:smett(?:a|i|ete|ano|etela)|smettila) di (?:scriver|mandar|inviar)(?:mi|ci)\b",
        r"\b(?:niente|basta) (?:piu )?(?:messaggi|sms)\b",
    ),
    email=(
        r"\bnon (?:mi|ci) (?:mand|invi)(?:i|ate|are|ino|no) (?:piu )?(?:e ?mails?|mail)\b",
        r"\b(?:niente|basta) (?:piu )?(?:e ?mails?|mail)\b",
        r"\bdisiscriv\w*(?:mi|ci)\b",
    ),
    no_texts="Non riceverà più SMS da noi. Risponda START per riceverli di nuovo.",
    no_calls="Non La chiameremo più.",
    nothing="Non La contatteremo più.",
)

DUTCH = Words(
    keywords=frozenset({"stoppen", "afmelden", "aub stoppen", "stop aub", "uitschrijven"}),
    everything=(
        r"\bneem (?:a\.?u\.?b\.? )?(?:geen|niet meer|niet langer) contact (?:meer )?(?:met \w+ )?(?:meer )?op\b",
        r"\bniet meer (?:contacteren|benaderen|lastigvallen)\b",
        r"\blaat (?:mij|me|ons) met rust\b",
        r"\b(?:verwijder|schrap) (?:mij|me|ons|mijn (?:gegevens|nummer))\b",
    ),
    call=(
        r"\bbel (?:mij|me|ons) (?:a\.?u\.?b\.? )?(?:niet|nooit) (?:meer|langer)\b",
        r"\bniet meer (?:op)?bellen\b",
        r"\bstop met (?:op)?bellen\b",
    ),
    sms=(
        r"\b(?:app|sms) (?:mij|me|ons) (?:niet|nooit) meer\b",
        r"\bstuur (?:mij|me|ons) geen (?:berichten|sms(?:jes)?)\b",
        r"\bgeen (?:berichten|sms(?:jes)?) meer\b",
        r"\bstop met (?:sturen|berichten|appen|sms'?en)\b",
    ),
    email=(
        r"\bgeen (?:e ?)?mails? meer\b",
        r"\bmail (?:mij|me|ons) (?:niet|nooit) meer\b",
        r"\bschrijf (?:mij|me|ons) uit\b",
    ),
    no_texts="U ontvangt geen sms meer van ons. Antwoord START om ze weer te ontvangen.",
    no_calls="Wij bellen u niet meer.",
    nothing="Wij nemen geen contact meer met u op.",
)

LANGUAGES = (ENGLISH, SPANISH, FRENCH, GERMAN, PORTUGUESE, ITALIAN, DUTCH)
