// Tells a new notice: on the page, in the title, by a sound and on the desktop where the rep has allowed it.

const told = new Set([...document.querySelectorAll("[id^='notice-']")].map((item) => item.id.slice(7)));
const title = document.title;

function wish(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(name) === "on";
    localStorage.setItem(name, value ? "on" : "off");
  } catch {
    // a browser that keeps nothing: the wish lasts as long as the page
  }
  return value ?? false;
}

export { wish };

export function count(unseen) {
  document.title = unseen ? `(${unseen}) ${title}` : title;
}

export function tell(notice, say) {
  if (told.has(notice.id)) return;
  told.add(notice.id);
  const text = [notice.text, notice.title].filter(Boolean).join(": ");
  say(text);
  if (soundOn) ring(notice.urgent);
  if (desktopOn && "Notification" in window && Notification.permission === "granted") {
    const shown = new Notification(notice.text, { body: notice.title, tag: notice.id, icon: "/static/icon.svg" });
    shown.onclick = () => {
      focus();
      if (notice.lead) dispatchEvent(new CustomEvent("open-lead", { detail: notice.lead }));
      shown.close();
    };
  }
}

// ── sound: a browser lets a page ring only after somebody has touched it ─────────────────────────────────────────────

let soundOn = wish("sound");
let desktopOn = wish("desktop");
let audio = null;

function wake() {
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
}

function ring(urgent) {
  if (audio?.state !== "running") return;
  document.documentElement.dataset.rang = String(Number(document.documentElement.dataset.rang || 0) + 1);
  for (const [n, pitch] of (urgent ? [880, 1175, 880, 1175] : [660, 880]).entries()) {
    const at = audio.currentTime + n * 0.16;
    const tone = new OscillatorNode(audio, { frequency: pitch });
    const loud = new GainNode(audio, { gain: 0 });
    loud.gain.setValueAtTime(0.15, at);
    loud.gain.exponentialRampToValueAtTime(0.001, at + 0.15);
    tone.connect(loud).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.16);
  }
}

function toggle(id, isOn, set) {
  const button = document.getElementById(id);
  const show = () => {
    const name = id === "sound" ? "Sound" : "Desktop notices";
    button.textContent = `${name}: ${isOn() ? "on" : "off"}`;
    button.setAttribute("aria-pressed", String(isOn()));
  };
  button.hidden = false;
  button.addEventListener("click", async () => {
    await set(!isOn());
    wish(id, isOn());
    show();
  });
  show();
}

export function setUp() {
  toggle("sound", () => soundOn, (on) => {
    soundOn = on;
    if (on) {
      wake();
      audio.resume().then(() => ring(false));
    }
  });
  if ("Notification" in window) {
    toggle("desktop", () => desktopOn && Notification.permission === "granted", async (on) => {
      desktopOn = on && (await Notification.requestPermission()) === "granted";
    });
  }
  if (soundOn) for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, wake, { once: true });
  count(document.querySelector("#unseen")?.dataset.unseen | 0);
}
