// The page: shows threads and messages, and says what the person does. Knows nothing of MQTT.

import { HERE, OWN } from "./chat.js";
import { element, shown } from "./content.js";

const STATES = {
  connecting: "connecting …",
  connected: "connected",
  away: "not connected; trying again",
  refused: "the pass does not count any more: get a new one",
  elsewhere: "this device is connected in another window",
};
const at = (id) => document.getElementById(id);

export class View {
  /** `does` has the functions open(thread), send(content), seen(message), read(), retry(message). */
  constructor(chat, does) {
    this.chat = chat;
    this.does = does;
    this.open = null;
    this.#items = new Map();
    const seen = (entries) => entries.filter((entry) => entry.isIntersecting).forEach(this.#see);
    this.#watch = new IntersectionObserver(seen, { root: at("messages"), threshold: 0.5 });
    document.addEventListener("visibilitychange", () => this.#turnedTo());
  }

  #items; // list items by message
  #watch;

  state(name) {
    at("state").textContent = STATES[name];
    at("state").dataset.state = name;
  }

  problem(words = "") {
    at("problem").textContent = words;
  }

  /** A thread has changed, and in it a message, where one is given. */
  changed(thread, message) {
    this.threads();
    if (this.open?.became) this.show(this.open.became);
    if (thread !== this.open) return;
    this.#header();
    if (message) this.#message(message);
  }

  threads() {
    const all = [...this.chat.threads.values()].sort((one, other) => newest(other) - newest(one));
    at("threads").replaceChildren(...all.map((thread) => this.#threadItem(thread)));
  }

  /** Show this thread. */
  show(thread) {
    this.open = thread;
    thread.unread = 0;
    this.#watch.disconnect();
    this.#items.clear();
    at("messages").replaceChildren();
    document.body.dataset.showing = "thread";
    this.problem();
    this.changed(thread);
    thread.messages.forEach((message) => this.#message(message));
  }

  /** Say again when this message is seen, now or later. */
  lookAgain(message) {
    const item = this.#items.get(message);
    if (!item) return;
    this.#watch.unobserve(item);
    this.#watch.observe(item);
  }

  #threadItem(thread) {
    const last = thread.messages.at(-1)?.content;
    const unread = thread.unread ? element("span", { className: "unread" }, `${thread.unread} new`) : null;
    const button = element(
      "button",
      { type: "button", onclick: () => this.does.open(thread) },
      element("strong", {}, titleOf(thread)),
      unread,
      element("small", {}, last?.text ?? last?.title ?? kindOf(thread)),
    );
    button.dataset.thread = thread.id;
    if (thread === this.open) button.setAttribute("aria-current", "true");
    return element("li", {}, button);
  }

  #header() {
    const thread = this.open;
    const closed = thread.status === "closed";
    const oneWay = thread.type === "announcement";
    at("title").textContent = titleOf(thread);
    at("about").textContent = kindOf(thread);
    at("composer").hidden = closed || oneWay;
    at("no-answer").hidden = !(closed || oneWay);
    at("no-answer").textContent = closed
      ? "This thread is closed: nobody can write to it."
      : "This is an announcement: nobody can answer it.";
    at("close-thread").hidden = oneWay || Boolean(thread.topic) || thread.id === OWN;
    at("close-thread").textContent = closed ? "Open again" : "Close";
    at("writing").textContent = thread.writing > Date.now() ? "is writing …" : "";
  }

  #message(message) {
    if (message.thread !== this.open) return this.#forget(message);
    const item = this.#items.get(message) ?? this.#place(message);
    item.querySelector(".marks").replaceChildren(...this.#marks(message));
  }

  #forget(message) {
    this.#items.get(message)?.remove();
    this.#items.delete(message);
  }

  #place(message) {
    const list = at("messages");
    const mine = this.chat.isMine(message);
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
    const item = element("li", { className: mine ? "mine" : "theirs" }, ...this.#body(message));
    this.#items.set(message, item);
    const later = this.open.messages.slice(this.open.messages.indexOf(message) + 1);
    list.insertBefore(item, later.map((other) => this.#items.get(other)).find(Boolean) ?? null);
    if (atEnd || mine) list.scrollTop = list.scrollHeight;
    if (message.direction === "mt") this.#watch.observe(item);
    return item;
  }

  #body(message) {
    const { from } = message;
    const who = message.direction === "mt" ? this.chat.me.app_id : this.chat.named(from);
    const time = new Date(message.at);
    const answerable = this.open.type === "conversation" && message.direction === "mt";
    const hour = time.toLocaleTimeString([], { timeStyle: "short" });
    const stamp = element("time", { dateTime: message.at, title: time.toLocaleString() }, hour);
    return [
      element("p", { className: "from" }, who === HERE ? "You" : who, " ", stamp),
      ...shown(message.content, answerable ? (content) => this.does.send(content, message) : null),
      element("p", { className: "marks" }),
    ];
  }

  #marks(message) {
    const marks = [];
    if (message.direction === "mo" && message.read.size) marks.push(mark("read", "✓✓ Read"));
    else if (message.state === "sent") marks.push(mark("sent", "✓ Sent"));
    else if (message.state === "waiting") marks.push(mark("waiting", "… on its way"));
    else if (message.state === "refused") marks.push(mark("refused", `Not taken: ${message.refusal}`));
    else if (message.read.size) marks.push(mark("read", `✓✓ Read: ${listed(message.read)}`));
    else if (message.delivered.size) {
      marks.push(mark("delivered", `✓ Delivered: ${listed(message.delivered)}`));
    }
    if (message.reactions.size) marks.push(element("span", {}, [...message.reactions.values()].join(" ")));
    return marks;
  }

  #see = (entry) => {
    if (document.visibilityState !== "visible") return;
    const found = [...this.#items].find(([, item]) => item === entry.target);
    this.#watch.unobserve(entry.target);
    if (found) this.does.seen(found[0]);
  };

  #turnedTo() {
    if (document.visibilityState !== "visible") return;
    this.open.unread = 0;
    for (const message of this.#items.keys()) if (message.direction === "mt") this.lookAgain(message);
  }
}

function mark(name, words) {
  const made = element("span", {}, words);
  made.dataset.mark = name;
  return made;
}

function listed(names) {
  const others = [...names].filter((name) => name !== HERE).sort();
  return [...(names.has(HERE) ? [HERE] : []), ...others].join(", ");
}

function titleOf(thread) {
  if (thread.title) return thread.title;
  if (thread.topic) return `# ${thread.topic}`;
  return thread.type === "announcement" ? "Announcements" : "Your conversation";
}

function kindOf(thread) {
  const kind = thread.type === "announcement" ? "announcement" : "conversation";
  const about = thread.topic ? ` of all who follow ${thread.topic}` : "";
  const closed = thread.status === "closed" ? "closed" : null;
  return [kind + about, thread.category, closed].filter(Boolean).join(", ");
}

function newest(thread) {
  return Date.parse(thread.messages.at(-1)?.at ?? thread.updated_at ?? 0);
}
