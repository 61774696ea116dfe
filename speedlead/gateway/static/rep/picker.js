// The time of a callback: typed on the lead's clock, checked against the law by the server, shown on the rep's clock.

import { localTime, now } from "./clock.js";

const WHOLE = {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
};

// As a datetime-local field has it: 2026-11-24T14:30
function typed(ms, zone) {
  const [, day, month, year, time] = /(\d+)\/(\d+)\/(\d+), (.*)/.exec(localTime(ms, zone, WHOLE));
  return `${year}-${month}-${day}T${time}`;
}

let asked = 0;

async function check(picker) {
  const field = picker.querySelector("input");
  const told = picker.querySelector("#at-check");
  const mine = ++asked;
  told.replaceChildren();
  told.className = "";
  field.removeAttribute("aria-invalid");
  const callback = picker.form.elements.outcome.value === "callback_requested";
  if (!field.value || !callback) return;
  told.textContent = "Asking whether that is lawful…";
  try {
    const answer = await fetch(`${picker.dataset.ask}?at=${encodeURIComponent(field.value)}`, {
      headers: { "HX-Request": "true" },
    });
    const found = await answer.json();
    if (mine !== asked) return;
    told.textContent = found.text;
    told.className = found.lawful ? "good" : "late";
    if (found.lawful) return;
    field.setAttribute("aria-invalid", "true");
    if (found.first) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Take the first lawful time";
      button.addEventListener("click", () => take(picker, found.first));
      told.append(" ", button);
    }
  } catch {
    if (mine === asked) told.textContent = "The time could not be checked; it is checked again when you log it.";
  }
}

function take(picker, value) {
  const field = picker.querySelector("input");
  field.value = value;
  field.focus();
  check(picker);
}

export function openPicker() {
  const picker = document.getElementById("picker");
  if (!picker) return;
  const form = picker.closest("form");
  form.querySelector("[value=callback_requested]").checked = true;
  picker.querySelector("input").focus();
  picker.scrollIntoView({ block: "nearest" });
}

// Once for each lead that is shown.
export function setUpPicker() {
  const picker = document.getElementById("picker");
  if (!picker || picker.form) return;
  picker.form = picker.closest("form");
  const zone = picker.dataset.zone;
  const there = () => now() + Number(picker.dataset.ahead || 0);
  const picks = picker.querySelector("#at-picks");
  picks.hidden = false;
  picks.addEventListener("click", (event) => {
    const { in: minutes, tomorrow } = event.target.dataset;
    if (minutes) take(picker, typed(there() + Number(minutes) * 60_000, zone));
    if (tomorrow) take(picker, `${typed(there() + 86_400_000, zone).slice(0, 10)}T${tomorrow}`);
  });
  picker.form.addEventListener("change", (event) => {
    if (event.target.name === "at" || event.target.name === "outcome") check(picker);
  });
}
