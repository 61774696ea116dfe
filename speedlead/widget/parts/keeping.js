// what is kept on the visitor's device: a form that is on its way, until it is sent and for a day at most; and, only where
// the page says that the visitor has agreed, from where they came first and last
const KEPT = "speedlead:kept", TOUCHES = "speedlead:touches", CHAT = "speedlead:chat";
const DAY = 864e5;
// what the browser did not store, because it is full or forbids it
const memory = {};

const read = (name, where = "localStorage") => {
  if (name in memory) return memory[name];
  try {
    return JSON.parse(window[where].getItem(name));
  } catch (e) {}
};

const write = (name, value, where = "localStorage") => {
  try {
    if (value) window[where].setItem(name, JSON.stringify(value));
    else window[where].removeItem(name);
    delete memory[name];
  } catch (e) {
    memory[name] = value;
  }
};

const young = (at, days) => at > Date.now() - days * DAY && at <= Date.now() + DAY;

const kept = () => {
  const found = read(KEPT);
  return (Array.isArray(found) ? found : []).filter((one) => one && one.to && one.key && young(one.at, 1));
};

const keep = (one) => write(KEPT, kept().filter((other) => other.key !== one.key).concat(one).slice(-5));

const forget = (key) => {
  const left = kept().filter((one) => one.key !== key);
  write(KEPT, left.length ? left : null);
};

// a key for a form as it is filled in: the same at every try
const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16).padStart(2, "0")).join("");
