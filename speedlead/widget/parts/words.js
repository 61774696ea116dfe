// what the visitor reads, in this order; data-text-<name> on the script's element says it otherwise
const NAMES = "busy done soon book kept look fail reach email phone chat send you away".split(" ");
const WORDS = {
  en: [
    "Sending …", "Thank you, we have it.", "A person gets back to you.", "Choose a time for a meeting",
    "No connection. What you wrote is kept on this device and sent as soon as it works.",
    "Please check what is marked.", "This did not work. Please try again later.", "E-mail or phone: one is enough.",
    "Please give an address such as name@example.com.", "Please give the number with its country code (+1 …).",
    "Write to us here", "Send", "You", "You may close this page: our answer then comes by e-mail.",
  ],
  de: [
    "Wird gesendet …", "Vielen Dank, wir haben Ihre Nachricht.", "Wir melden uns persönlich bei Ihnen.",
    "Termin aussuchen",
    "Keine Verbindung. Ihre Angaben bleiben auf diesem Gerät und werden gesendet, sobald es geht.",
    "Bitte prüfen Sie die markierten Angaben.", "Das hat nicht geklappt. Bitte später noch einmal versuchen.",
    "E-Mail oder Telefon: eines genügt.", "Bitte eine Adresse wie name@example.com angeben.",
    "Bitte die Nummer mit Landesvorwahl angeben (+49 …).", "Schreiben Sie uns hier", "Senden", "Sie",
    "Sie können diese Seite schließen: Unsere Antwort kommt dann per E-Mail.",
  ],
  es: [
    "Enviando …", "Gracias, lo hemos recibido.", "Una persona se pondrá en contacto con usted.",
    "Elegir una hora para una reunión",
    "Sin conexión. Lo que ha escrito se guarda en este dispositivo y se enviará en cuanto sea posible.",
    "Revise los campos marcados.", "No ha funcionado. Inténtelo más tarde.", "Correo o teléfono: basta con uno.",
    "Indique un correo como nombre@example.com.", "Indique el número con el prefijo del país (+34 …).",
    "Escríbanos aquí", "Enviar", "Usted", "Puede cerrar esta página: la respuesta le llegará por correo.",
  ],
  fr: [
    "Envoi …", "Merci, nous l’avons bien reçu.", "Une personne vous répondra.", "Choisir une heure de rendez-vous",
    "Pas de connexion. Votre saisie reste sur cet appareil et sera envoyée dès que possible.",
    "Veuillez vérifier les champs signalés.", "Cela n’a pas fonctionné. Veuillez réessayer plus tard.",
    "E-mail ou téléphone : un seul suffit.", "Indiquez une adresse comme nom@example.com.",
    "Indiquez le numéro avec l’indicatif du pays (+33 …).", "Écrivez-nous ici", "Envoyer", "Vous",
    "Vous pouvez fermer cette page : notre réponse arrivera par e-mail.",
  ],
  it: [
    "Invio …", "Grazie, lo abbiamo ricevuto.", "Una persona le risponderà.", "Scegliere un orario per un incontro",
    "Nessuna connessione. Ciò che ha scritto resta su questo dispositivo e sarà inviato appena possibile.",
    "Controlli i campi segnati.", "Non ha funzionato. Riprovi più tardi.", "E-mail o telefono: ne basta uno.",
    "Indichi un indirizzo come nome@example.com.", "Indichi il numero con il prefisso del paese (+39 …).",
    "Ci scriva qui", "Inviare", "Lei", "Può chiudere questa pagina: la risposta arriverà per e-mail.",
  ],
  pt: [
    "A enviar …", "Obrigado, recebemos a sua mensagem.", "Uma pessoa entrará em contacto consigo.",
    "Escolher uma hora para uma reunião",
    "Sem ligação. O que escreveu fica neste dispositivo e será enviado assim que for possível.",
    "Verifique os campos assinalados.", "Não funcionou. Tente mais tarde.", "E-mail ou telefone: basta um.",
    "Indique um endereço como nome@example.com.", "Indique o número com o indicativo do país (+351 …).",
    "Escreva-nos aqui", "Enviar", "Você", "Pode fechar esta página: a resposta chegará por e-mail.",
  ],
};
