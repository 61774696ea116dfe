"""How people ask us to stop, in the languages besides English, and what they say along with it."""

from speedlead.optout_english import ENGLISH, Words

# "no me llamen antes de las nueve" is a wish about the time, not a refusal
_ES_NOT = r"(?! (?:antes|despues|hasta|a las|el|manana|hoy|por la)\b)"
_ES_LOST = r"(?! (?:perdid|sin|de (?:clientes|voz))\w*)"
_ES_UNWANTED = (
    r"\bno (?:quiero|queremos|deseo|deseamos) (?:seguir )?(?:recib(?:ir|iendo) )?"
    r"(?:que (?:me|nos) (?:mand|envi)(?:es?|en) )?(?:(?:mas|ningun|ninguna|sus|vuestros|vuestras|tus|estos|estas) )*"
)
SPANISH = Words(
    keywords=frozenset({"alto", "baja", "parar", "no mas", "por favor pare", "basta"}),
    everything=(
        rf"\bno (?:me|nos) (?:contact(?:es?|en|eis)|(?:vuelvan?|vuelvas) a contactar|molest(?:es?|en))\b{_ES_NOT}",
        r"\bdej(?:a|e|en|ad) de (?:contactar|molestar)(?:me|nos)?\b",
        r"\bdej(?:a|e|en|ad)(?:me|nos) en paz\b",
        r"\b(?:borr|elimin)(?:a|e|en|ad)(?:me|nos)\b(?! (?:un|una|el|la|los|las)\b)",
        r"\b(?:borr|elimin|quit|sac)(?:a|e|ue|en|uen|ar|ad)(?:me|nos) de (?:la|su|sus|tu|esta|vuestra|todas)\b",
        rf"\bno (?:quiero|queremos|deseo) (?:mas )?"
        rf"(?:que (?:me|nos) (?:contact|molest)(?:es?|en)|ser contactad[oa])\b{_ES_NOT}",
        r"\b(?:borr|elimin|quit)(?:a|e|en|ar|ad) (?:mi numero|mis datos)\b",
        r"\b(?:da|de|den)(?:me|nos) de baja\b",
    ),
    call=(
        r"\bdej(?:a|e|en|ad) de llamar(?:me|nos)?\b(?! (?:al|a (?:los|las|mis|nuestros|sus|clientes))\b)",
        rf"\bno (?:me|nos) (?:llam(?:es?|en|eis)|(?:vuelvan?|vuelvas) a llamar)\b{_ES_NOT}",
        rf"\bno mas llamadas\b{_ES_LOST}",
        rf"{_ES_UNWANTED}(?:llamadas?)\b{_ES_NOT}{_ES_LOST}",
        rf"\bno (?:quiero|queremos|deseo) (?:mas )?que (?:me|nos) llam(?:es?|en|eis)\b{_ES_NOT}",
    ),
    sms=(
        rf"\bno (?:me|nos) (?:escrib(?:as?|an|ais)|(?:vuelvan?|vuelvas) a escribir)\b{_ES_NOT}",
        r"\bno (?:me|nos) (?:mand|envi)(?:es?|en) (?:mas )?(?:mensajes|sms)\b",
        r"\bdej(?:a|e|en|ad) de (?:escribir|mandar|enviar)(?:me|nos)\b",
        rf"\bno mas sms\b{_ES_LOST}",
        rf"{_ES_UNWANTED}sms\b{_ES_NOT}{_ES_LOST}",
        rf"\bno (?:quiero|queremos|deseo) (?:mas )?que (?:me|nos) escrib(?:as?|an|ais)\b{_ES_NOT}",
    ),
    email=(
        r"\bno (?:me|nos) (?:mand|envi)(?:es?|en) (?:mas )?(?:correos|e ?mails?)\b",
        rf"\bno mas (?:correos|e ?mails?)\b{_ES_LOST}",
        rf"{_ES_UNWANTED}(?:correos?|e ?mails?)\b{_ES_NOT}{_ES_LOST}",
    ),
    here=(rf"\bno mas mensajes\b{_ES_LOST}", rf"{_ES_UNWANTED}mensajes?\b{_ES_NOT}{_ES_LOST}"),
    no_texts="Ya no le enviaremos mensajes. Responda START para volver a recibirlos.",
    no_calls="No volveremos a llamarle.",
    nothing="No volveremos a ponernos en contacto con usted.",
)

# "plus de messages" may be a wish for more of them: a negation, or nothing else in the sentence, makes it a refusal
_FR_UNWANTED = (
    r"\bne (?:veux|veut|voulons|souhaite|souhaitons|desire|desirons) (?:plus|pas|plus jamais) "
    r"(?:(?:recevoir|avoir|qu'on m'envoie|que vous m'envoyiez) )?(?:de |d'|des |vos |ces |votre |aucun |aucune |par )"
)
_FR_SENT = r"\bne (?:(?:m'|nous )envoye[zr]? plus|plus (?:m'|nous )envoyer) (?:de |d'|vos |ces |aucun )"
_FR_WHOLE = r"(?:^|\. )(?:(?:merci|svp|s'il vous plait|bonjour|stop) )*plus (?:de |d'|aucun |aucune )"
_FR_END = r"(?= \.|$| (?:svp|merci|s'il vous plait|de votre part)\b)"
_FR_NOT = r"(?! (?:avant|apres|entre|a|au|le|ce|cet|cette|demain|aujourd'hui|pendant|trop|tard|tot|souvent|vite)\b)"
_FR_TO_BE = r"\bne (?:veux|voulons|souhaite|souhaitons|desire|desirons) (?:plus|pas) (?:jamais )?etre "
FRENCH = Words(
    keywords=frozenset(
        {"arret", "arreter", "arretez", "stop svp", "stop merci", "svp stop", "desabonner", "desinscrire"}
    ),
    everything=(
        r"\bne (?:me|nous) (?:re)?contacte[zr]? plus\b",
        r"\bne (?:me|nous) derange[zr]? plus\b",
        rf"\bne plus (?:me|nous) (?:re)?(?:contacter|deranger|solliciter)\b{_FR_NOT}",
        rf"{_FR_TO_BE}(?:re)?(?:contacte|derange|sollicite|demarche)e?s?\b{_FR_NOT}",
        r"\b(?:arretez?|cessez) de (?:me|nous) (?:contacter|deranger|harceler)\b",
        r"\blaissez? (?:moi|nous) tranquilles?\b",
        r"\b(?:retir|supprim|enlev|effac|ray)ez? (?:moi|nous|mon numero|mes (?:coor)?donnees)\b",
    ),
    call=(
        r"\bne (?:m'|nous )(?:r?appele[zr]?|telephone[zr]?) plus\b",
        r"\bne me (?:rappele[zr]?|telephone[zr]?) plus\b",
        r"\b(?:arretez?|cessez) de (?:m'|me |nous )(?:r?appeler|telephoner)\b",
        rf"\bne m'appele[zr]? pas\b{_FR_NOT}|\bne plus (?:m'|me |nous )(?:r?appeler|telephoner)\b{_FR_NOT}",
        rf"{_FR_TO_BE}(?:r?appelee?s?)\b{_FR_NOT}",
        rf"(?:{_FR_UNWANTED}|{_FR_SENT})appels?\b(?! (?:manque|perdu|sans)\w*)|{_FR_WHOLE}appels?\b{_FR_END}",
        r"\b(?:arretez?|cessez|stop) (?:les|vos|ces|aux) appels?\b",
    ),
    sms=(
        r"\bne (?:m'|nous )(?:ecrive[zr]?|envoye[zr]?) plus\b"
        r"(?! (?:de |d'|vos )(?:mails?|e ?mails?|courriels?|messages))",
        r"\b(?:arretez?|cessez) de (?:m'|nous )(?:ecrire|envoyer)\b",
        rf"(?:{_FR_UNWANTED}|{_FR_SENT})(?:sms|textos?)\b|{_FR_WHOLE}(?:sms|textos?)\b{_FR_END}",
        r"\b(?:arretez?|cessez|stop) (?:les|vos|ces|aux) (?:sms|textos)\b",
    ),
    email=(
        rf"(?:{_FR_UNWANTED}|{_FR_SENT})(?:e ?mails?|mails?|courriels?)\b",
        rf"{_FR_WHOLE}(?:e ?mails?|mails?|courriels?)\b{_FR_END}",
        r"\bdesabonnez (?:moi|nous)\b",
        r"\bme desabonner\b",
    ),
    here=(rf"(?:{_FR_UNWANTED}|{_FR_SENT})messages?\b|{_FR_WHOLE}messages?\b{_FR_END}",),
    no_texts="Vous ne recevrez plus de SMS de notre part. Répondez START pour en recevoir à nouveau.",
    no_calls="Nous ne vous appellerons plus.",
    nothing="Nous ne vous contacterons plus.",
)

_DE_NOT = r"(?:bitte )?(?:nicht|nie) (?:mehr|wieder)"
# they talk about their own calls and mails: lost ones, or none that come in
_DE_OURS = (
    r"(?<!bekommen )(?<!erhalten )(?<!haben )(?<!habe )(?<!kriegen )(?<!bekomme )(?<!kommen )(?<!gehen )(?<!damit )"
)
_DE_LOST = (
    r"(?: mehr)?\b(?! (?:mehr )?(?:verpass|verlier|versaum|entgeh|vergess|ubersehen"
    r"|durch|unbeantwortet|gesehen|gefunden|\w+ (?:verpass|verlier))\w*)"
)
_DE_GOT = r"(?! (?:mehr )?(?:von \w+ )?(?:bekomm|erhalt|bekam|erhielt)\w*)"


def _keine(things: str) -> str:
    wanted = (
        r"\b(?:mochten?|will|wollen|wunschen?|brauchen?) (?:(?:ich|wir|bitte|wirklich|von ihnen|ab sofort|absolut) )*"
    )
    none = rf"keine (?:weiteren )?(?:{things}){_DE_LOST}"
    return rf"{wanted}{none}|{_DE_OURS}\b{none}{_DE_GOT}"


GERMAN = Words(
    keywords=frozenset(
        {
            "stopp",
            "abmelden",
            "bitte stopp",
            "bitte stop",
            "aufhoren",
            "abbestellen",
            "stop bitte",
            "stopp bitte",
            "bitte abmelden",
            "stop sms",
            "stop danke",
            "stopp danke",
            "bitte aufhoren",
        }
    ),
    everything=(
        rf"\bkontaktier(?:en sie|t|e)? (?:mich|uns) {_DE_NOT}\b(?! (?:per|uber|telefonisch)\b)",
        r"\bnicht mehr (?:kontaktier(?:en|t)|belastig(?:en|t))\b",
        r"\bkein(?:en)? kontakt mehr\b(?! (?:verlier|verpass)\w*)",
        r"\blass(?:en sie|t)? (?:mich|uns) (?:bitte )?in ruhe\b",
        r"\b(?:losch|streich|entfern)(?:en sie|t|e)? (?:bitte )?(?:mich|uns|meine (?:daten|nummer|adresse))\b",
        r"\bmeine (?:daten|nummer|adresse) (?:bitte )?(?:loschen|streichen|entfernen)\b",
    ),
    call=(
        rf"(?<!warum )(?<!wieso )\bruf(?:en sie|t|e)? (?:mich|uns) (?:{_DE_NOT}|(?:bitte )?nicht) an\b",
        _keine("anrufe"),
        r"(?<!kunden )(?<!leads )\bnicht mehr an(?:ge)?rufen\b(?! mussen)",
        r"\bnicht mehr (?:telefonisch|per telefon)\b(?! erreich\w*)",
    ),
    sms=(
        rf"\bschreib(?:en sie|t|e)? (?:mir|uns) {_DE_NOT}\b",
        _keine("sms"),
        r"(?<!kunden )(?<!leads )\bnicht mehr (?:an)?(?:schreiben|simsen)\b(?! mussen)",
        r"\b(?:schick|send)(?:en sie|t|e)? (?:mir|uns) (?:bitte )?keine (?:weiteren )?sms\b",
    ),
    email=(
        _keine("(?:e ?)?mails?"),
        r"\b(?:schick|send)(?:en sie|t|e)? (?:mir|uns) (?:bitte )?keine (?:weiteren )?(?:e ?)?mails?\b",
        r"\bkein(?:en)? newsletter mehr\b",
        r"\bmeld(?:en sie|et|e)? (?:mich|uns) (?:bitte )?(?:vom newsletter )?ab\b",
    ),
    here=(_keine("nachrichten"),),
    no_texts="Sie erhalten keine SMS mehr von uns. Mit START erhalten Sie sie wieder.",
    no_calls="Wir rufen Sie nicht mehr an.",
    nothing="Wir kontaktieren Sie nicht mehr.",
)

_PT_NOT = r"(?! (?:antes|depois|ate|as|amanha|hoje|de manha|a noite|no|na|ao|durante|agora)\b)"
_PT_LOST = r"(?! (?:perdid|sem|de clientes)\w*)"
_PT_UNWANTED = (
    r"\bnao (?:quero|queremos|desejo|desejamos) (?:mais )?(?:receber )?"
    r"(?:(?:mais|nenhuma?|as|os|suas|seus|vossas|vossos|estas|estes) )*"
)
PORTUGUESE = Words(
    keywords=frozenset({"pare", "parem", "sair", "parar sms", "cancelar", "chega"}),
    everything=(
        r"\bnao (?:me|nos) conta(?:c?te|c?tem|c?tar) mais\b",
        r"\bnao (?:quero|queremos) (?:mais )?(?:que (?:me|nos) conta(?:c?te|c?tem)|ser contac?tad[oa])\b(?: mais\b)?",
        r"\b(?:pare|parem|deixe|deixem) de (?:me |nos )?(?:conta(?:c)?tar|incomodar|perturbar)\b",
        r"\b(?:me|nos) deixem? em paz\b|\bdeixem? (?:me|nos) em paz\b",
        r"\b(?:removam?|retirem?|apaguem?|excluam?) (?:me|nos|o? ?meu numero|os? ?meus dados)\b",
        r"\b(?:me|nos) (?:remova|removam|retire|retirem|exclua|excluam)\b",
    ),
    call=(
        rf"\bnao (?:me|nos) (?:liguem?|liga|ligar|telefonem?|telefona) mais\b{_PT_NOT}",
        rf"\bnao (?:me|nos) (?:liguem?|telefonem?)\b{_PT_NOT}",
        rf"\bnao (?:quero|queremos) (?:mais )?que (?:me|nos) (?:liguem?|telefonem?)\b{_PT_NOT}",
        rf"{_PT_UNWANTED}(?:chamadas|ligacoes|telefonemas)\b{_PT_LOST}",
        r"\bchega de (?:chamadas|ligacoes|telefonemas)(?= \.|$| (?:obrigad|por favor)\w*)",
        r"\b(?:pare|parem|deixe|deixem) de (?:me |nos )?(?:ligar|telefonar)\b"
        r"(?! (?:aos?|as|a clientes|para (?:os?|as?|clientes|cada))\b)",
    ),
    sms=(
        r"\bnao (?:me|nos) (?:escrevam?|mandem?|enviem?) mais\b(?! (?:e ?mails?|correios))",
        r"\bnao (?:me|nos) (?:mandem?|enviem?) (?:mensagens|sms)\b",
        rf"{_PT_UNWANTED}sms\b{_PT_LOST}",
        r"\b(?:pare|parem|deixe|deixem) de (?:me|nos) (?:escrever|mandar|enviar)\b",
        r"\bchega de (?:mensagens|sms)(?= \.|$| (?:obrigad|por favor)\w*)",
    ),
    email=(
        r"\bnao (?:me|nos) (?:mandem?|enviem?) mais e ?mails?\b",
        r"\bchega de e ?mails?(?= \.|$| (?:obrigad|por favor)\w*)",
        rf"{_PT_UNWANTED}e ?mails?\b{_PT_LOST}",
    ),
    here=(rf"{_PT_UNWANTED}mensagens\b{_PT_LOST}",),
    no_texts="Deixamos de lhe enviar SMS. Responda START para voltar a receber.",
    no_calls="Deixamos de lhe ligar.",
    nothing="Deixamos de entrar em contacto consigo.",
)

# "non mi chiami prima delle nove" is a wish about the time, not a refusal
_IT_NOT = r"(?! (?:prima|dopo|fino|alle|oggi|domani|il|la|di|durante)\b)"
# "cancellateci l'appuntamento" is about something of theirs
_IT_THING = r"(?! (?:l'|(?:il|lo|la|i|gli|le|un|una|un'|quest[oa])\b))"
_IT_LOST = r"(?! (?:pers[aie]|perdut|senza|dei|ai)\w*)"
_IT_UNWANTED = (
    r"\bnon (?:voglio|vogliamo|desidero|desideriamo) (?:piu )?(?:ricevere )?"
    r"(?:(?:piu|altr[ei]|i|le|gli|vostri|vostre|questi|queste|nessun|nessuna) )*"
)
_IT_ENOUGH = r"\b(?:niente|basta) (?:(?:piu|con|queste|questi|le|i|vostre|vostri) )*"
_IT_END = (
    r"(?= \.|$| (?:e|o) (?:chiamate|telefonate|sms|messaggi|e ?mail)"
    r"| (?:grazie|per favore|per piacere|vostr[ei]|da parte vostra)\b)"
)
ITALIAN = Words(
    keywords=frozenset({"basta", "alt", "ferma", "fermatevi", "cancellami", "annulla", "disiscrivimi", "cancellatemi"}),
    everything=(
        rf"\bnon (?:mi|ci) (?:contatt(?:i|ate|are|ino)|disturb(?:i|ate|are|ino)) (?:piu|mai piu)\b{_IT_NOT}",
        rf"\bnon (?:contattar(?:mi|ci)|contattate(?:mi|ci)|disturbar(?:mi|ci)|disturbate(?:mi|ci))\b{_IT_NOT}",
        r"\b(?:smett(?:a|i|ete|ano|etela)|smettila|finite(?:la)?) di (?:contattar|disturbar|molestar)(?:mi|ci)\b",
        r"\b(?:(?:mi|ci) )?lasci\w* in pace\b",
        rf"\b(?:cancella(?:te)?|elimina(?:te)?|rimuov(?:i|ete))(?:mi|ci)\b{_IT_THING}",
        rf"\b(?:mi|ci) (?:cancelli|cancellate|cancellino|elimini|eliminate|rimuova|rimuovete)\b{_IT_THING}",
        r"\b(?:cancellar|eliminar|rimuover|toglier|togliete|togli)(?:mi|ci) (?:dal|dalla|dalle|dai|da quest[ao])\b",
        rf"\bnon (?:voglio|vogliamo|desidero|vorrei) (?:piu )?essere (?:piu )?(?:contattat|disturbat)[aoie]\b{_IT_NOT}",
        r"\b(?:cancell|elimin|rimuov)\w* (?:il mio (?:numero|nome|indirizzo)|i miei dati)\b",
    ),
    call=(
        rf"\bnon (?:mi|ci) (?:(?:ri)?chiam(?:i|ate|are|ino)|telefon(?:i|ate|are|ino)) (?:piu|mai piu)\b{_IT_NOT}",
        rf"\bnon (?:(?:ri)?chiamar(?:mi|ci)|(?:ri)?chiamate(?:mi|ci)"
        rf"|telefonar(?:mi|ci)|telefonate(?:mi|ci))\b{_IT_NOT}",
        r"\b(?:smett(?:a|i|ete|ano|etela)|smettila) di (?:chiamar(?:mi|ci)|telefonar(?:mi|ci))\b",
        rf"{_IT_ENOUGH}(?:chiamate|telefonate)\b{_IT_END}",
        rf"{_IT_UNWANTED}(?:chiamate|telefonate)\b{_IT_LOST}",
        rf"\bnon (?:voglio|vogliamo|desidero) (?:piu )?essere (?:piu )?(?:ri)?chiamat[aoie]\b{_IT_NOT}",
    ),
    sms=(
        r"\bnon (?:mi|ci) (?:scriv(?:a|ete|ere|ano)|mand(?:i|ate|are|ino)|invi(?:i|ate|are|no)) (?:piu|mai piu)\b"
        r"(?! (?:e ?mails?|mail))",
        r"\bnon (?:mi|ci) (?:mand|invi)(?:i|ate|are|ino|no) (?:piu )?(?:messaggi|sms)\b",
        r"\b(?:smett(?:a|i|ete|ano|etela)|smettila) di (?:scriver|mandar|inviar)(?:mi|ci)\b",
        rf"{_IT_ENOUGH}(?:messaggi|sms)\b{_IT_END}",
        rf"{_IT_UNWANTED}sms\b{_IT_LOST}",
    ),
    email=(
        r"\bnon (?:mi|ci) (?:mand|invi)(?:i|ate|are|ino|no) (?:piu )?(?:e ?mails?|mail)\b",
        rf"{_IT_ENOUGH}(?:e ?mails?|mail)\b{_IT_END}",
        rf"{_IT_UNWANTED}(?:e ?mails?|mail)\b{_IT_LOST}",
        r"\bdisiscriv\w*(?:mi|ci)\b",
    ),
    here=(rf"{_IT_UNWANTED}messaggi(?:o)?\b{_IT_LOST}",),
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
        r"(?<!klanten )\bniet meer (?:op)?bellen\b(?! hoeven)",
        r"\bniet meer gebeld worden\b",
        r"\bgeen (?:telefoontjes|oproepen|belletjes) meer\b(?! (?:te )?(?:missen|mislopen))",
        r"\bstop met (?:op)?bellen\b",
    ),
    sms=(
        r"\b(?:app|sms) (?:mij|me|ons) (?:niet|nooit) meer\b",
        r"\bstuur (?:mij|me|ons) geen (?:berichten|sms(?:jes)?)\b",
        r"\bgeen (?:berichten|sms(?:jes)?) meer\b(?! (?:te )?(?:missen|mislopen))",
        r"\bstop met (?:sturen|berichten|appen|sms'?en)\b",
    ),
    email=(
        r"\bgeen (?:e ?)?mails? meer\b(?! (?:te )?(?:missen|mislopen))",
        r"\bmail (?:mij|me|ons) (?:niet|nooit) meer\b",
        r"\bschrijf (?:mij|me|ons) uit\b",
    ),
    no_texts="U ontvangt geen sms meer van ons. Antwoord START om ze weer te ontvangen.",
    no_calls="Wij bellen u niet meer.",
    nothing="Wij nemen geen contact meer met u op.",
)

LANGUAGES = (ENGLISH, SPANISH, FRENCH, GERMAN, PORTUGUESE, ITALIAN, DUTCH)

# what goes along with a refusal and asks nothing: somebody who says no more than that waits for no answer
COURTESIES = frozenset(
    "please pls kindly thanks thank thx you hi hello hey ok okay again ever any more anymore now me us and or so "
    "just at all from everything your the this list lists mailing database to stop not interested sorry i am number "
    "immediately sms text texts texting messages message calls calling mails email emails emailing of bitte danke "
    "mehr nie wieder ich sofort ab jetzt und von ihnen vielen dank kein interesse mit die das guten tag por favor "
    "gracias mas nunca de la lista su sus y no interesa hola merci svp s il vous plait te plus jamais vos votre et "
    "bonjour monsieur madame grazie prego favore piu mai dalla dalle liste vostra vostre e per piacere buongiorno "
    "obrigado obrigada mais da sua ola mensagens mensajes messaggi nachrichten aub graag bedankt meer niet "
    "alstublieft u m".split()
)
