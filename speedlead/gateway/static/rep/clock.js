// The server's time, and what ticks with it: deadlines and the local clocks of leads.

let base = Date.now();
let heard = performance.now();

export function setNow(serverMs) {
  base = serverMs;
  heard = performance.now();
}

export function now() {
  return base + performance.now() - heard;
}

const two = (n) => String(n).padStart(2, "0");

function span(ms) {
  const s = Math.floor(ms / 1000);
  if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h ${two(Math.floor(s / 60) % 60)} min`;
  return `${Math.floor(s / 86400)} days`;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const formats = new Map();

export function localTime(ms, zone, parts = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }) {
  const key = zone + Object.keys(parts).length;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...parts }));
  return formats.get(key).format(ms);
}

export function tick() {
  const at = now();
  for (const element of document.querySelectorAll("[data-due]")) {
    const left = Number(element.dataset.due) - at;
    write(element, left >= 0 ? `due in ${span(left)}` : `late by ${span(-left)}`);
    element.classList.toggle("late", left < 0);
    element.closest(".lead")?.classList.toggle("overdue", left < 0);
  }
  for (const element of document.querySelectorAll("[data-clock]")) {
    write(element, localTime(at + Number(element.dataset.ahead || 0), element.dataset.clock));
  }
}
