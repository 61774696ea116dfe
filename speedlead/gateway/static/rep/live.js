// Listens to what happens, says when it cannot, and comes back by itself.

import { setNow } from "./clock.js";

const STALE_MS = 20_000; // the server's beat comes every 15 seconds
const LONGEST_MS = 30_000;

export class Live {
  // `hear(name, data)`: an event; `show(state, since)`: live, stale, signed_out, elsewhere
  constructor(url, hear, show) {
    Object.assign(this, { url, hear, show, heard: Date.now(), tries: 0, state: "live" });
    addEventListener("offline", () => this.#judge(true));
    addEventListener("online", () => this.open());
    document.addEventListener("visibilitychange", () => document.hidden || this.#judge());
    setInterval(() => this.#judge(), 1000);
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    this.source?.close();
    const source = (this.source = new EventSource(this.url));
    for (const name of ["hello", "beat", "changed", "notice", "over"]) {
      source.addEventListener(name, (event) => source === this.source && this.#on(name, JSON.parse(event.data)));
    }
    source.onerror = () => {
      // the browser comes back to a connection that broke, never to an answer that was refused
      if (source === this.source && source.readyState === EventSource.CLOSED) this.#again();
    };
  }

  #on(name, data) {
    this.heard = Date.now();
    this.tries = 0;
    setNow(data.now);
    if (name === "over") return this.#over(data.why);
    this.#set("live");
    this.hear(name, data);
  }

  #over(why) {
    if (why === "again") return this.#again();
    this.end(why);
  }

  // Not live any more until somebody says so.
  end(why) {
    clearTimeout(this.timer);
    this.source.close();
    this.#set(why);
  }

  async #again() {
    this.source.close();
    const wait = Math.min(LONGEST_MS, 1000 * 2 ** this.tries++) * (0.75 + Math.random() / 2);
    this.timer = setTimeout(() => this.open(), wait);
    try {
      const answer = await fetch("/rep/queue", { headers: { "HX-Request": "true" } });
      if (answer.status === 401 || answer.status === 403) {
        this.end("signed_out");
      }
    } catch {
      // no connection: the timer tries again
    }
  }

  #judge(lost = false) {
    if (this.state === "signed_out" || this.state === "elsewhere") return;
    if (lost || Date.now() - this.heard > STALE_MS) this.#set("stale");
  }

  #set(state) {
    if (state === this.state) return;
    this.state = state;
    this.show(state, this.heard);
  }
}
