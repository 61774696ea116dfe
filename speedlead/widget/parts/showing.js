// what the visitor sees: the page's own fonts and colours, texts as text, no markup from anywhere
const make = (name, props, parent) => {
  const element = Object.assign(document.createElement(name), props);
  if (parent) parent.append(element);
  return element;
};

const STYLE = `
.speedlead-status:not(:empty), .speedlead-error { margin: .4em 0; padding-left: .6em; border-left: 3px solid #d33; font-weight: 600 }
.speedlead-panel { padding: 1em; border: 1px solid; border-radius: .4em; overflow-wrap: anywhere }
.speedlead-panel:focus { outline: none }
.speedlead-panel > p { margin: 0 0 .7em }
.speedlead-promise { font-size: 1.15em; font-weight: 600 }
.speedlead-log { max-height: 18em; overflow-y: auto }
.speedlead-log p { margin: 0 0 .5em; padding: .5em .7em; border: 1px solid; border-radius: .4em; white-space: pre-wrap }
.speedlead-log b, .speedlead-chat label, .speedlead-chat small { display: block; font-size: .9em }
.speedlead-chat textarea, .speedlead-chat button { font: inherit; color: inherit; background: none; border: 1px solid; border-radius: .4em; padding: .5em 1em; margin: .4em 0 }
.speedlead-chat textarea { display: block; box-sizing: border-box; width: 100% }
.speedlead-form[hidden], .speedlead-panel[hidden] { display: none !important }
.speedlead-trap { position: absolute; left: -9999px }`;

// a constructed sheet: a strict style-src lets it pass, where an element would need a nonce
const dress = () => {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    document.adoptedStyleSheets = Array.from(document.adoptedStyleSheets).concat(sheet);
  } catch (e) {
    const style = make("style", { textContent: STYLE });
    if (OPTIONS.nonce || SCRIPT.nonce) style.nonce = OPTIONS.nonce || SCRIPT.nonce;
    document.head.append(style);
  }
};

let marks = 0;

const unmark = (field) => {
  const note = field.speedleadNote;
  if (!note) return;
  field.speedleadNote = null;
  field.removeAttribute("aria-invalid");
  const left = (field.getAttribute("aria-describedby") || "").split(" ").filter((id) => id && id !== note.id);
  if (left.length) field.setAttribute("aria-describedby", left.join(" "));
  else field.removeAttribute("aria-describedby");
  note.remove();
};

const mark = (field, text) => {
  unmark(field);
  const note = make("p", { className: "speedlead-error", id: `speedlead-error-${++marks}`, textContent: text });
  (field.closest("label") || field).after(note);
  field.speedleadNote = note;
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", `${field.getAttribute("aria-describedby") || ""} ${note.id}`.trim());
  field.addEventListener("input", () => unmark(field), { once: true });
};

// each wrong field has its note beside it; what has no field stands in the status line
const showErrors = (form, errors) => {
  const fields = fieldsOf(form).filter(visible), loose = [];
  let first = null;
  errors.forEach((error) => {
    const reach = error.field === "email" && /neither/.test(error.reason);
    const own = reach ? TEXT.reach : TEXT[{ email: "email", phone: "phone" }[error.field]];
    const text = own || (LANG.slice(0, 2) === "en" ? `${error.reason}; ${error.expected}` : TEXT.look);
    const field = fields.find((one) => nameOf(one) === error.field) || (reach && fields.find((one) => nameOf(one) === "phone"));
    if (!field) return loose.push(reach ? text : `${error.field}: ${text}`);
    mark(field, text);
    first = first || field;
  });
  if (first) first.focus();
  return loose.join(" ");
};

// only web addresses of the gateway become links
const ours = (url) => typeof url === "string" && url.indexOf(`${BASE}/`) === 0;

const showDone = (panel, answer) => {
  panel.textContent = "";
  make("p", { textContent: TEXT.done }, panel);
  make("p", { className: "speedlead-promise", textContent: answer.promise || TEXT.soon }, panel);
  if (ours(answer.book) && OPTIONS.book !== "off") {
    make("a", { href: answer.book, textContent: TEXT.book }, make("p", {}, panel));
  }
  panel.hidden = false;
};
