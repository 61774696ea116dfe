// The rep's page: the queue on the left, the chosen lead on the right, both as the server writes them.

import { setNow, tick } from "./clock.js";
import { forget, setUpKeys } from "./keys.js";
import { Live } from "./live.js";
import { count, setUp, tell } from "./notices.js";
import { setUpPicker } from "./picker.js";
import { ask, goal, post, say } from "./posting.js";

const htmx = window.htmx;
const $ = (id) => document.getElementById(id);
const chosen = () => document.querySelector("#lead .panel")?.dataset.lead || "";

// ── what is shown ────────────────────────────────────────────────────────────────────────────────────────────────────

let asked = new Set();
let timer = null;
let busy = false;

// What came in quick succession is fetched once; `all`: the queue and the lead's own part.
function refresh(parts = ["queue", "live"]) {
  parts.forEach((part) => asked.add(part));
  if (parts.includes("panel")) worn = wanted;
  timer ??= setTimeout(fetchAsked, 150);
}

async function fetchAsked() {
  timer = null;
  if (busy) return refresh([]);
  busy = true;
  const parts = asked;
  asked = new Set();
  try {
    const lead = chosen();
    if (parts.has("queue")) await load(`/rep/queue?lead=${lead}`, "#queue");
    // what is for another lead by the time it comes finds no place
    if (parts.has("live") && lead) await load(`/rep/leads/${lead}/live`, `#live-${lead}`);
    // whoever has moved on has a fresh panel, and may be typing into it
    if (parts.has("panel") && wanted && wanted === worn && !$("lead").inert) await choose(wanted);
    if (parts.has("speed")) await load("/rep/speed", "#speed");
  } finally {
    busy = false;
    if (asked.size) refresh([]);
  }
}

async function load(url, target, swap = "innerMorph") {
  try {
    // each part is its own source: requests of one source would drop each other
    const source = document.querySelector(target);
    if (source) await htmx.ajax("GET", url, { source, target, swap });
  } catch {
    // the page stays as it is, and the bar says so
  }
  tick();
}

async function show(lead) {
  const inside = $("lead").contains(document.activeElement);
  await load(`/rep/leads/${lead}`, "#lead", "innerHTML");
  if (inside && document.activeElement === document.body) $("lead").focus({ preventScroll: true });
  setUpPicker();
  mark();
}

function mark() {
  for (const item of document.querySelectorAll("#queue .lead")) {
    const is = item.dataset.lead === chosen();
    item.classList.toggle("chosen", is);
    const link = item.querySelector("h3 a");
    if (is) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

let turn = 0;
let wanted = chosen();
let worn = null; // the lead whose panel is to be loaded anew
let shown = Promise.resolve();

// One after the other, and only the last: a slow answer never takes the place of a later one. Until it is there the
// panel is inert, so that nobody logs for the lead that they have just left.
function choose(lead) {
  const mine = ++turn;
  forget();
  wanted = lead;
  $("lead").inert = true;
  history.replaceState(null, "", `/rep?lead=${lead}`);
  shown = shown.then(async () => {
    if (mine !== turn) return;
    await show(lead);
    if (mine !== turn) return;
    $("lead").inert = false;
    if (chosen() !== lead) say("The lead could not be loaded; please try again.", true);
    wanted = chosen();
  });
  return shown;
}

async function move(by) {
  const items = [...document.querySelectorAll("#queue .lead")];
  if (!items.length) return;
  const at = items.findIndex((item) => item.dataset.lead === wanted);
  const next = items[at < 0 ? 0 : Math.min(items.length - 1, Math.max(0, at + by))];
  next.querySelector("h3 a").focus();
  next.scrollIntoView({ block: "nearest" });
  if (next.dataset.lead !== wanted) await choose(next.dataset.lead);
}

// ── what is done ─────────────────────────────────────────────────────────────────────────────────────────────────────

addEventListener("click", async (event) => {
  const link = event.target.closest("#queue .lead h3 a, #queue .notices a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  await choose(link.closest(".lead")?.dataset.lead ?? new URL(link.href).pathname.split("/")[2]);
  $("lead").focus({ preventScroll: true });
  // on a phone the lead stands below the list
  $("lead").scrollIntoView({ block: "nearest" });
  if ($("lead").getBoundingClientRect().top > innerHeight / 2) $("lead").scrollIntoView();
});

addEventListener("open-lead", (event) => choose(event.detail));

addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post" || !form.closest("#desk")) return;
  event.preventDefault();
  if (form.dataset.sending) return;
  const path = goal(form, event.submitter);
  if (path.endsWith("/decline") && !(await ask("Decline this lead? Somebody else is asked.", "Decline"))) return;
  form.dataset.sending = "yes";
  const done = await post(form, path, event.submitter);
  // a form that has logged stays shut until its successor is here: the same one again would log nothing
  if (!done || form.id !== "log-form") delete form.dataset.sending;
  if (!done) return refresh();
  const inScript = form.closest("#script");
  if (inScript) return load(`/leads/${chosen()}/script/panel`, "#script > div", "innerHTML");
  if (form.closest(".notices")) return refresh(["queue"]);
  if (/\/(accept|decline)$/.test(path) && path.split("/")[2] !== chosen()) return refresh(["queue"]);
  // fresh forms: what was logged is not logged again
  refresh(path.split("/")[2] === wanted ? ["queue", "panel"] : ["queue"]);
});

// ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────────

function hear(name, data) {
  // whatever happened while nobody listened
  if (name === "hello") refresh($("log-form")?.dataset.sending ? ["queue", "panel"] : ["queue", "live"]);
  if (name === "notice") {
    tell(data, say);
    refresh(["queue"]);
  }
  if (name === "changed") refresh(data.leads.includes(chosen()) ? ["queue", "live"] : ["queue"]);
  if (name === "beat") count(data.unseen);
}

function state(now, heard) {
  const bar = $("stale");
  const time = new Date(heard).toLocaleTimeString();
  const words = {
    stale: `Not live since ${time}: there is no connection. What you see may be old; trying again…`,
    elsewhere: `Not live since ${time}: this page is open in too many tabs.`,
    signed_out: `Not live since ${time}: you are signed out.`,
  };
  $("live-state").textContent = now === "live" ? "Updates by itself." : "Not live.";
  bar.className = now === "live" ? "" : "problem box";
  bar.replaceChildren(...(now === "live" ? [] : [words[now], " "]));
  if (now === "live") return;
  const way = document.createElement(now === "signed_out" ? "a" : "button");
  way.textContent = { stale: "Try now", elsewhere: "Go on here", signed_out: "Sign in" }[now];
  if (now === "signed_out") way.href = "/sign-in?next=/rep";
  else way.addEventListener("click", () => live.open());
  bar.append(way);
}

// A refresh that learns of the end of the session leaves what is being typed; the bar has the way to the sign-in.
document.addEventListener("htmx:before:response", (event) => {
  if (event.detail.ctx.response.status !== 401) return;
  event.preventDefault();
  live.end("signed_out");
});

setNow(Number($("desk").dataset.now));
setInterval(tick, 1000);
tick();
setUp();
setUpPicker();
setUpKeys(move);
const live = new Live("/rep/events", hear, state);
// whatever no event tells: an answer that a phone gives, a pause that ends
setInterval(() => live.state === "live" && !document.hidden && refresh(), 30_000);
setInterval(() => live.state === "live" && !document.hidden && refresh(["speed"]), 300_000);
