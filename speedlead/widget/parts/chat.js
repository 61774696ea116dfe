// a conversation on the page, after the form: what the visitor writes goes to the lead's owner, answers appear here
const openChat = (panel, url, mail) => {
  const box = make("section", { className: "speedlead-chat" }, panel);
  box.setAttribute("aria-label", TEXT.chat);
  const log = make("div", { className: "speedlead-log", tabIndex: 0, hidden: true }, box);
  log.setAttribute("role", "log");
  log.setAttribute("aria-label", TEXT.chat);
  const form = make("form", {}, box), label = make("label", { textContent: TEXT.chat }, form);
  const text = make("textarea", { rows: 3, maxLength: 4000, required: true }, label);
  make("button", { textContent: TEXT.send }, form);
  if (mail) make("small", { textContent: TEXT.away }, form);
  const seen = {};
  let active = Date.now(), timer = 0, over = false, asking = false;

  const line = (one) => {
    const item = seen[one.id] || (seen[one.id] = make("p", {})), state = one.waits ? "waits" : "is there";
    // what has not changed stays: a screen reader would read it out again
    if (item.dataset.state === state) return;
    item.dataset.state = state;
    item.textContent = "";
    make("b", { textContent: (one.ours ? one.who : TEXT.you) + (one.waits ? ` · ${TEXT.busy}` : "") }, item);
    item.append(one.text);
    if (item.parentNode) return;
    log.append(item);
    log.hidden = false;
    log.scrollTop = log.scrollHeight;
    if (one.ours) active = Date.now();
  };

  const look = async () => {
    clearTimeout(timer);
    // a page that has thrown the panel away does not look: what nobody sees has to go by mail
    if (over || asking || !box.isConnected) return;
    // often while something happens, seldom when not, never where nobody sees it
    if (!document.hidden) {
      asking = true;
      try {
        const answer = await request(url, { headers: { Accept: "application/json" } });
        if (answer.status === 200) (await answer.json()).messages.forEach(line);
        over = /^40[34]$/.test(answer.status);
        if (over) write(CHAT, null, "sessionStorage");
      } catch (e) {}
      asking = false;
    }
    timer = setTimeout(look, (Date.now() - active < 3e5 ? 4000 : 20000) * spread());
  };

  const say = (one, tries) => {
    const body = new URLSearchParams({ text: one.text }).toString();
    const again = (after) => {
      line(Object.assign(one, { waits: true }));
      setTimeout(() => say(one, tries + 1), Math.max(after || 0, Math.min(6e4, 2000 * 2 ** tries) * spread()));
    };
    request(url, { method: "POST", headers: headers(one.id), body, keepalive: true }).then(
      (answer) => {
        if (answer.ok) return line(Object.assign(one, { waits: false }));
        if (answer.status < 500 && answer.status !== 429) {
          seen[one.id].remove();
          text.value = text.value || one.text;
          return text.setCustomValidity(TEXT.fail), text.reportValidity();
        }
        return again(1000 * answer.headers.get("Retry-After"));
      },
      () => again()
    );
  };

  text.addEventListener("input", () => text.setCustomValidity(""));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    const written = text.value.trim();
    if (!written) return;
    active = Date.now();
    text.value = "";
    const one = { id: newKey(), text: written, waits: true };
    line(one);
    say(one, 0);
    text.focus();
  });
  document.addEventListener("visibilitychange", () => document.hidden || look());
  look();
};
