// Asks for the figures again when the server says that something has happened, and says so when it hears nothing.

const STALE_MS = 40_000; // the server speaks every 15 seconds
const figures = document.getElementById("figures");
const stale = document.getElementById("stale");
let heard = Date.now();
let asking = false;
let again = false;

async function ask() {
  if (asking) return void (again = true);
  asking = true;
  again = false;
  try {
    await htmx.ajax("GET", figures.dataset.from, { target: "#figures", swap: "innerMorph" });
  } finally {
    asking = false;
    if (again) ask();
  }
}

function listen() {
  const source = new EventSource("/ops/events");
  const hear = (event) => {
    heard = Date.now();
    stale.textContent = "";
    if (event.type === "over") {
      source.close();
      return void (stale.textContent = "You are signed out: these figures are not updated any more.");
    }
    if (event.type === "changed" || missing()) ask();
  };
  for (const name of ["hello", "changed", "over"]) source.addEventListener(name, hear);
  source.addEventListener("error", () => {
    // the browser comes back to a connection that broke, never to an answer that was refused
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 10_000);
  });
}

const missing = () => figures.querySelector(".waits") !== null;

setInterval(() => {
  if (Date.now() - heard > STALE_MS && !stale.textContent) {
    stale.textContent = `Not updated since ${new Date(heard).toLocaleTimeString()}: the server does not answer.`;
  }
}, 1000);

// a filter is applied as soon as it is chosen; without scripts the button does it
document.getElementById("filter").addEventListener("change", (event) => {
  if (event.target.matches("select")) event.currentTarget.requestSubmit();
});
// empty fields would make a long link that says nothing
document.getElementById("filter").addEventListener("formdata", (event) => {
  for (const [name, text] of [...event.formData]) if (!text) event.formData.delete(name);
});

if (missing()) ask();
if (figures.dataset.live === "on") listen();
