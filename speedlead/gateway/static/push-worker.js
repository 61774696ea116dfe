// shows what was pushed; a click opens the page of the lead. It runs while no page of ours is open.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const alert = event.data.json();
  event.waitUntil(self.registration.showNotification(alert.title, {
    body: alert.body,
    tag: alert.tag,
    icon: "/static/icon.svg",
    requireInteraction: alert.urgent,
    data: { url: alert.url },
    actions: [{ action: "open", title: alert.button }],
  }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data.url));
});
