// One key for what is done most, two for a call's result and outcome; never while somebody types.

import { wish } from "./notices.js";
import { openPicker } from "./picker.js";
import { ask } from "./posting.js";

const TYPING = "input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable], dialog[open]";
let armed = null; // the digit's radio, or "outcome"
let on = true;

// none while it is on its way, or another lead's is
const logForm = () => document.querySelector("#lead:not([inert]) #log-form:not([data-sending])");

const none = (form) => form.querySelector('[name=call_result][value=""]');

function arm(what) {
  // the form says what was chosen, so that its button, pressed by mouse, logs just that
  if (what === null && armed instanceof Element) none(armed.form).checked = true;
  if (what instanceof Element) what.checked = true;
  armed = what;
  const told = document.getElementById("armed");
  if (!told) return;
  if (what === null) return told.replaceChildren();
  const result = what === "outcome" ? "" : `${what.closest("label").querySelector("span").textContent}, `;
  const letters = [...logForm().querySelectorAll("[name=outcome][data-key]")]
    .map((radio) => `${radio.dataset.key} ${radio.closest("label").querySelector("span").textContent}`)
    .join(" · ");
  told.textContent = `Logging: ${result}and then? ${letters}${result ? " · Enter nothing yet" : ""} · Esc forget it`;
}

async function log(outcome) {
  const form = logForm();
  const radio = armed;
  arm(null);
  if (radio !== "outcome") radio.checked = true;
  if (outcome) outcome.checked = true;
  if (outcome?.value === "callback_requested") return openPicker();
  if (outcome?.value === "do_not_contact") {
    const sure = await ask("The lead is never contacted again, on any channel. Log it?", "Never contact again");
    if (!sure) return form.reset();
  }
  form.requestSubmit();
}

function second(event) {
  if (event.key === "Escape" || !logForm()?.contains(armed === "outcome" ? logForm() : armed)) return arm(null);
  if (event.key === "Enter" && armed !== "outcome") return log(null);
  const outcome = logForm().querySelector(`[name=outcome][data-key="${CSS.escape(event.key)}"]`);
  if (outcome) return log(outcome);
  return /^\d$/.test(event.key) ? first(event) : arm(null);
}

function first(event, move) {
  const press = (name) => document.querySelector(`#lead:not([inert]) #actions .key-${name}`)?.click();
  const inQueue = event.target === document.body || event.target.closest("#queue");
  if (event.key === "j" || (event.key === "ArrowDown" && inQueue)) return move(1);
  if (event.key === "k" || (event.key === "ArrowUp" && inQueue)) return move(-1);
  if ("acd".includes(event.key)) return press(event.key);
  if (event.key === "?") return document.getElementById("keys").showModal();
  if (!logForm()) return false;
  if (event.key === "b") return openPicker();
  if (event.key === "o") return arm("outcome");
  if (/^\d$/.test(event.key)) return arm(logForm().querySelector(`[name=call_result][data-key="${event.key}"]`));
  return false;
}

export function forget() {
  arm(null);
}

export function setUpKeys(move) {
  const box = document.getElementById("keys-on");
  on = box.checked = !wish("keys-off");
  box.addEventListener("change", () => {
    on = box.checked;
    wish("keys-off", !on);
  });
  const show = document.getElementById("show-keys");
  show.hidden = false;
  show.addEventListener("click", () => document.getElementById("keys").showModal());
  addEventListener("keydown", (event) => {
    if (!on || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    if (event.target.closest?.(TYPING) || document.querySelector("dialog[open]")) return;
    // a button or link that has the focus keeps its own Enter
    if (event.key === "Enter" && (armed === null || event.target.closest?.("a, button, summary"))) return;
    const done = armed === null ? first(event, move) : second(event, move);
    if (done !== false) event.preventDefault();
  });
}
