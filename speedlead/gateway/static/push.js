// registers this browser for web push: permission, a subscription with our key, and the address to the gateway
const form = document.getElementById("push");
const said = document.getElementById("push-said");

if (form && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window) {
  form.hidden = false;
  said.textContent = Notification.permission === "denied" ? "This browser was told not to show notifications." : "";
  form.querySelector("button").addEventListener("click", () => {
    register().catch((error) => {
      said.textContent = `This browser could not be registered: ${error.message}`;
    });
  });
}

async function register() {
  if ((await Notification.requestPermission()) !== "granted") {
    throw new Error("it does not allow notifications for this site.");
  }
  const worker = await active(await navigator.serviceWorker.register("/static/push-worker.js"));
  const key = Uint8Array.from(atob(form.dataset.key.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  const answer = await fetch("/account/notifications/devices", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": form.elements.csrf.value },
    body: JSON.stringify({ ...subscription.toJSON(), name: browserName() }),
  });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}.`);
  location.assign("/account/notifications?said=saved");
}

// a subscription needs a worker that runs
function active(registration) {
  const worker = registration.installing || registration.waiting || registration.active;
  if (worker.state === "activated") return registration;
  return new Promise((resolve) => {
    worker.addEventListener("statechange", () => worker.state === "activated" && resolve(registration));
  });
}

function browserName() {
  const known = [["Firefox", /Firefox\//], ["Edge", /Edg\//], ["Chrome", /Chrome\//], ["Safari", /Safari\//]];
  const browser = known.find(([, mark]) => mark.test(navigator.userAgent))?.[0] ?? "Browser";
  const system = [["Android", /Android/], ["iPhone", /iPhone/], ["iPad", /iPad/], ["Windows", /Windows/], ["Mac", /Mac OS/], ["Linux", /Linux/]];
  return `${browser} on ${system.find(([, mark]) => mark.test(navigator.userAgent))?.[0] ?? "some device"}`;
}
