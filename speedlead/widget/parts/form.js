// the form itself: takes over its sending, and sends what could not be sent before
const SCRIPT = document.currentScript;
const OPTIONS = SCRIPT.dataset;
const BASE = SCRIPT.src.replace(/\/widget(\/\w+)?\.js.*$/, "");
const LANG = OPTIONS.lang || document.documentElement.lang || navigator.language || "en";
const TEXT = {};
NAMES.forEach((name, at) => {
  const own = OPTIONS[`text${name[0].toUpperCase()}${name.slice(1)}`];
  TEXT[name] = own || (WORDS[LANG.slice(0, 2).toLowerCase()] || WORDS.en)[at];
});

const headers = (key) => ({
  Accept: "application/json", "Idempotency-Key": key, "Content-Type": "application/x-www-form-urlencoded",
});

const request = (url, options) => {
  const stop = new AbortController(), timer = setTimeout(() => stop.abort(), 15000);
  const over = () => clearTimeout(timer);
  const asked = fetch(url, Object.assign({ mode: "cors", credentials: "omit", referrerPolicy: "origin", signal: stop.signal }, options));
  asked.then(over, over);
  return asked;
};

// many pages that wait for the same gateway do not come back at the same moment
const spread = () => 0.75 + Math.random() / 2;

let barred = false;
document.addEventListener("securitypolicyviolation", (event) => {
  if (/connect-src|default-src/.test(event.effectiveDirective) && event.blockedURI.indexOf(BASE) === 0) barred = true;
});

// the page may not ask the gateway by script (its policy, or an origin that is not in the settings): as without script
const reachable = () => {
  if (barred) return Promise.resolve(true);
  if (!navigator.onLine) return Promise.resolve(false);
  // whoever stands before a gateway that is down answers too, but not so that a page may read it
  return fetch(`${BASE}/widget.js`, { method: "HEAD", cache: "no-store" }).then((answer) => answer.ok, () => barred);
};

const sendPlainly = (one) => {
  // should the browser not get there, the next page tries once more: the key says that it is the same
  keep(Object.assign(one, { plain: true }));
  const form = make("form", { method: "post", action: one.to, acceptCharset: "utf-8", hidden: true }, document.body);
  new URLSearchParams(one.body).forEach((value, name) => make("input", { type: "hidden", name, value }, form));
  make("input", { type: "hidden", name: "idempotency_key", value: one.key }, form);
  HTMLFormElement.prototype.submit.call(form);
};

// "sent", "refused", or after how many milliseconds to try again; 0 where nothing answered. `told` hears the first two
const post = async (one, told) => {
  let answer;
  try {
    answer = await request(one.to, { method: "POST", headers: headers(one.key), body: one.body, keepalive: one.body.length < 6e4 });
  } catch (e) {
    return e.name === "AbortError" ? 2000 : 0;
  }
  if (answer.status >= 500 || /^(408|425|429)$/.test(answer.status)) return 1000 * answer.headers.get("Retry-After") || 2000;
  const found = await answer.json().catch(() => ({}));
  forget(one.key);
  const how = answer.ok ? "sent" : "refused";
  if (told) told(one, how, found);
  return how;
};

const views = [];
let tries = 0, timer = 0, sending = false;

// everything that waits, one after the other
const flush = async () => {
  if (sending) return;
  sending = true;
  clearTimeout(timer);
  let after = -1;
  // another page may have sent what a form here still waits for: by its key it is told the same
  const mine = views.map((view) => view.one).filter((one) => one && young(one.at, 1));
  const stored = kept();
  for (const one of stored.concat(mine.filter((one) => !stored.some((other) => other.key === one.key)))) {
    const view = views.find((other) => other.one && other.one.key === one.key);
    const left = await post(one, view && view.told);
    if (one.plain && !left) forget(one.key);
    else if (typeof left === "number") after = Math.max(after, left);
  }
  sending = false;
  if (after < 0) tries = 0;
  else timer = setTimeout(flush, Math.max(after, Math.min(6e4, 2000 * 2 ** tries++) * spread()));
};

const enhance = (form) => {
  if (form.speedlead) return;
  // by attribute: a field may be called "action"
  const to = OPTIONS.key ? `${BASE}/f/${OPTIONS.key}` : new URL(form.getAttribute("action") || "", location.href).href;
  if (to.indexOf(`${BASE}/f/`) !== 0) return console.warn(`speedlead: expected ${BASE}/f/… as the form's action, got ${to}`);
  form.speedlead = true;
  form.classList.add("speedlead-form");
  const where = `${location.pathname}#${form.getAttribute("id") || Array.from(document.forms).indexOf(form)}`;
  const status = make("div", { className: "speedlead-status" }), panel = make("section", { className: "speedlead-panel", tabIndex: -1, hidden: true });
  status.setAttribute("role", "status");
  panel.setAttribute("aria-label", TEXT.done);
  form.after(status, panel);
  const cover = make("div", { className: "speedlead-trap" }, form);
  cover.setAttribute("aria-hidden", "true");
  cover.dataset.speedleadSkip = "";
  const trap = make("input", { name: "homepage", tabIndex: -1, autocomplete: "off" }, cover);
  let since = 0;
  const touched = (event) => (since = since || (event.target !== trap && Date.now()));
  form.addEventListener("focusin", touched);
  form.addEventListener("input", touched);

  const view = { one: null, words: "" };
  views.push(view);
  const say = (text) => (status.textContent = text);

  view.told = (one, how, found) => {
    // two tries may be under way, and both be answered
    if (!view.one || view.one.key !== one.key) return;
    view.one = null;
    form.removeAttribute("aria-busy");
    if (how === "refused") return say(showErrors(form, found.errors || []) || (found.errors ? TEXT.look : TEXT.fail));
    say("");
    HTMLFormElement.prototype.reset.call(form);
    form.hidden = true;
    form.dispatchEvent(new CustomEvent("speedlead:sent", { bubbles: true, detail: { promise: found.promise } }));
    if (OPTIONS.thanks) return location.assign(new URL(OPTIONS.thanks, location.href));
    showDone(panel, found);
    if ("chat" in OPTIONS && ours(found.chat)) {
      write(CHAT, { at: Date.now(), where, answer: found }, "sessionStorage");
      openChat(panel, found.chat, found.mail);
    }
    panel.focus();
  };

  form.addEventListener("submit", async (event) => {
    const pressed = event.submitter;
    if (event.defaultPrevented || (pressed && pressed.hasAttribute("formaction"))) return;
    if (form.getAttribute("aria-busy")) return event.preventDefault();
    fieldsOf(form).forEach(unmark);
    const out = said(form), words = out.toString();
    // the same words are the same form, however often the button is pressed
    const key = view.one && view.words === words ? view.one.key : newKey();
    if (view.one && view.one.key !== key) forget(view.one.key);
    if (pressed && pressed.name) out.append(pressed.name, pressed.value);
    around(form, out, trap, since);
    // only now: whatever goes wrong before this, the form goes plainly
    event.preventDefault();
    const one = (view.one = { to, key, at: Date.now(), where, body: out.toString() });
    view.words = words;
    keep(one);
    form.setAttribute("aria-busy", "true");
    say(TEXT.busy);
    const left = await post(one, view.told);
    form.removeAttribute("aria-busy");
    if (typeof left !== "number") return;
    if (!left && (await reachable())) return say(""), sendPlainly(one);
    say(TEXT.kept);
    clearTimeout(timer);
    timer = setTimeout(flush, left || 2000);
  });

  // after a reload: what was not sent stands in the form again, and is on its way
  const before = kept().find((one) => one.where === where && !one.plain);
  if (before) {
    view.one = before;
    const values = new URLSearchParams(before.body);
    fieldsOf(form).filter(visible).forEach((field) => {
      const all = values.getAll(nameOf(field));
      if (field.type === "checkbox" || field.type === "radio") field.checked = all.includes(field.value);
      else if (field.type === "select-multiple") Array.from(field.options).forEach((option) => (option.selected = all.includes(option.value)));
      else if (all.length) field.value = all[0];
    });
    view.words = said(form).toString();
    say(TEXT.kept);
  }
  const talk = read(CHAT, "sessionStorage");
  if (!before && "chat" in OPTIONS && talk && talk.where === where && young(talk.at, 1) && ours(talk.answer.chat)) {
    form.hidden = true;
    showDone(panel, talk.answer);
    openChat(panel, talk.answer.chat, talk.answer.mail);
  }
};

window.speedlead = { enhance, touches };

const start = () => {
  dress();
  write(KEPT, kept().length ? kept() : null);
  touches(OPTIONS.touches === "on" ? true : undefined);
  document.querySelectorAll(OPTIONS.form || `form[action^="${BASE}/f/"]`).forEach(enhance);
  flush();
  window.addEventListener("online", flush);
  document.addEventListener("visibilitychange", () => document.hidden || flush());
};
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
