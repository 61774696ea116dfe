// Keeps the list fresh without touching what somebody is typing in, reading or pointing at.
"use strict";
const rows = document.getElementById("rows");
const news = document.getElementById("news");

const inUse = (card) =>
  card.contains(document.activeElement) ||
  card.querySelector("details[open]") !== null ||
  [...card.querySelectorAll("input:not([type=hidden])")].some((field) => field.value !== "");

async function refresh() {
  const answer = await fetch("/rows" + location.search);
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  const cards = [...fresh.children];
  const wanted = new Set(cards.map((card) => card.id));
  let added = 0;
  for (const old of [...rows.children]) {
    if (!wanted.has(old.id) && !inUse(old)) old.remove();
  }
  let after = null;
  for (const card of cards) {
    let shown = card.id ? document.getElementById(card.id) : null;
    if (shown === null) {
      shown = document.adoptNode(card);
      if (after) after.after(shown); else rows.prepend(shown);
      added += 1;
    } else if (shown.dataset.version !== card.dataset.version && !inUse(shown)) {
      const replacement = document.adoptNode(card);
      shown.replaceWith(replacement);
      shown = replacement;
    }
    after = shown;
  }
  if (added) news.textContent = added === 1 ? "1 new message" : added + " new messages";
}

async function act(event) {
  event.preventDefault();
  const form = event.target;
  const button = event.submitter || form.querySelector("button");
  const body = new URLSearchParams(new FormData(form, event.submitter));  // a disabled button says nothing
  button.disabled = true;
  try {
    const answer = await fetch(form.action, {
      method: "POST", body, headers: { Accept: "application/json" },
    });
    news.textContent = answer.ok ? "Done: " + button.textContent : "Not possible: " + (await answer.json()).title;
    if (answer.ok && form.elements.text) form.elements.text.value = "";
  } finally {
    button.disabled = false;
    button.blur();
    refresh().catch(() => {});
  }
}

rows.addEventListener("submit", act);
document.querySelector(".stranger form").addEventListener("submit", act);

setInterval(() => { if (!document.hidden) refresh().catch(() => {}); }, 1500);
