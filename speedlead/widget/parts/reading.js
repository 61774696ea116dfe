// what is read from the form and the page
const FIELDS =
  "name email phone company message intent source segment country region postcode tz consent_sms consent_call consent_recorded consent_marketing consent_text consent_ai_voice consent_ai_voice_text".split(" ");
const CLICKS = "gclid gbraid wbraid dclid msclkid fbclid ttclid twclid li_fat_id".split(" ");
const FILLS = {
  name: "name", email: "email", tel: "phone", organization: "company", "postal-code": "postcode", country: "country",
  "country-name": "country", "given-name": "given_name", "family-name": "family_name",
};
// "passengers" and "card_design" are no secrets
const NEVER = /^pass$|passw|csrf|token|nonce|captcha|cvc|cvv|card[-_]?n|credit[-_]?card/i;
const began = Date.now();

// addresses lose what may be a secret: query, fragment, and long or mail-like parts of the path
const bare = (text) => {
  try {
    const url = new URL(text);
    return url.origin + url.pathname.split("/").map((part) => (part.length > 40 || /@|%40/.test(part) ? "…" : part)).join("/");
  } catch (e) {
    return "";
  }
};

const touch = () => {
  const found = { at: Date.now(), page_url: bare(location.href) };
  new URLSearchParams(location.search).forEach((value, name) => {
    if (/^utm_\w{1,20}$/.test(name) || CLICKS.includes(name)) found[name] = value.slice(0, 200);
  });
  if (document.referrer && new URL(document.referrer).origin !== location.origin) found.referrer = bare(document.referrer);
  return found;
};

const campaign = (one) => Object.keys(one).some((name) => name !== "at" && name !== "page_url");

// {first, last}; nothing is kept before `agreed`
const touches = (agreed) => {
  const now = touch(), old = read(TOUCHES) || {};
  const first = old.first && young(old.first.at, 90) ? old.first : now;
  const last = !campaign(now) && old.last && young(old.last.at, 90) ? old.last : now;
  if (agreed === true) write(TOUCHES, { first, last });
  if (agreed === false) write(TOUCHES, null);
  return { first, last };
};

const visible = (field) => field.type !== "hidden" && field.getClientRects().length > 0;

const nameOf = (field) => {
  const named = field.dataset.speedleadField;
  if (named || FIELDS.includes(field.name)) return named || field.name;
  // a visible field of this name is no trap
  if (field.name === "website") return visible(field) ? "company_website" : "website";
  const hint = (field.autocomplete || "").split(" ").pop();
  const guess = FILLS[hint] || { email: "email", tel: "phone", textarea: "message" }[field.type];
  // a guess counts where no other field says of itself that it is this one
  const own = (other) => (other.dataset.speedleadField || other.name) === guess;
  return guess && !Array.from(field.form.elements).some(own) ? guess : field.name;
};

const fieldsOf = (form) =>
  Array.from(form.elements).filter(
    (field) =>
      nameOf(field) && !field.matches(":disabled") &&
      !/^(password|file|submit|button|image|reset|fieldset|output)$/.test(field.type) && !/^cc-/.test(field.autocomplete || "") &&
      !NEVER.test(field.name) && !field.closest("[data-speedlead-skip]")
  );

const textOf = (element) => element.textContent.replace(/\s+/g, " ").trim();

// what a person has said in the form, and what was shown beside it
const said = (form) => {
  const out = new URLSearchParams(), shown = [];
  fieldsOf(form).forEach((field) => {
    const name = nameOf(field), ticks = field.type === "checkbox" || field.type === "radio";
    if (ticks && /^consent_/.test(name) && field.labels && field.labels.length) {
      shown.push(`${name}: ${field.checked ? "yes" : "no"}: ${textOf(field.labels[0])}`);
    }
    if (ticks && !field.checked) return;
    if (field.type === "select-multiple") Array.from(field.selectedOptions).forEach((option) => out.append(name, option.value));
    else if (FIELDS.includes(name) && name !== field.name && out.get(name)) out.append(field.name || name, field.value);
    else out.append(name, field.value);
  });
  const name = `${out.get("given_name") || ""} ${out.get("family_name") || ""}`.trim();
  if (name && !out.get("name")) out.set("name", name);
  const consent = Array.from(form.querySelectorAll("[data-speedlead-consent]")).map(textOf).join("\n");
  if (consent) out.set("consent_text", consent);
  if (shown.length) out.set("consent_shown", shown.join("\n").slice(0, 2000));
  return out;
};

// where they are, where they came from, and what a program that fills in forms does otherwise than people
const around = (form, out, trap, since) => {
  const { first, last } = touches();
  const tell = (name, value) => value && !out.get(name) && out.set(name, value);
  tell("tz", Intl.DateTimeFormat().resolvedOptions().timeZone);
  tell("lang", LANG);
  tell("source", OPTIONS.source || form.dataset.source);
  tell("segment", OPTIONS.segment);
  tell("intent", OPTIONS.intent);
  Object.keys(last).forEach((key) => key !== "at" && key !== "page_url" && tell(key, last[key]));
  tell("page_url", bare(location.href));
  if (read(TOUCHES)) {
    Object.keys(first).forEach((key) => tell(`first_${key}`, key === "at" ? new Date(first.at).toISOString() : first[key]));
  }
  const fill = Date.now() - (since || began), signs = [];
  if (trap && trap.value) signs.push("trap");
  if (fill < 1500) signs.push("fast");
  if (!since) signs.push("untouched");
  out.set("fill_ms", fill);
  if (signs.length) out.set("spam_signs", signs.join(" "));
};
