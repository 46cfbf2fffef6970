// Puts the parts together: the pass, the session at the broker, what is known of the chat, and the page.

import { Chat, HERE, OWN } from "./chat.js";
import { element } from "./content.js";
import { Memory } from "./memory.js";
import { owner, passInFragment, readPass } from "./pass.js";
import { newId, Session } from "./session.js";
import { View } from "./view.js";

const KEPT_PASS = "imgw.pass"; // for this tab, over a reload
const at = (id) => document.getElementById(id);

class App {
  constructor(pass) {
    const me = owner(pass);
    this.pass = pass;
    this.chat = new Chat(me, (thread, message) => this.view.changed(thread, message));
    this.memory = new Memory(pass.broker.client_id);
    this.view = new View(this.chat, {
      open: (thread) => this.open(thread),
      send: (content, answered) => this.send(content, answered),
      seen: (message) => this.seen(message),
    });
    this.session = new Session(pass, {
      state: (name) => this.state(name),
      down: (down) => this.down(down),
      sync: (event) => this.sync(event),
      response: (answer) => this.answered(answer),
    });
    at("who").textContent = `${me.user_id} · ${me.device_id}`;
    document.title = `${me.user_id} · ${me.app_id}`;
    this.view.show(this.chat.thread({ id: OWN }));
    this.resume();
  }

  async state(name) {
    this.view.state(name);
    if (name === "refused") ask("The pass does not count any more. Paste a new one; nothing is lost.");
    if (name !== "connected") return;
    for (const { up } of this.memory.unanswered) this.session.up(up).catch(() => {});
    try {
      await this.loadThreads();
      await this.open(this.view.open, true);
      this.view.problem();
    } catch (error) {
      if (this.session.connected) this.view.problem(`The history did not come: ${error.message}.`);
    }
  }

  /** Ask for the threads; once for all who want it at the same time. */
  loadThreads() {
    this.loading ??= this.askForThreads().finally(() => {
      this.loading = null;
    });
    return this.loading;
  }

  async askForThreads() {
    for await (const { threads } of this.session.pages("threads")) {
      for (const thread of threads) this.chat.thread(asKnown(thread));
    }
    const { own, unnamed } = this.chat;
    if (own && unnamed && !unnamed.messages.length) {
      this.chat.threads.delete(OWN);
      if (this.view.open === unnamed) this.view.show(own);
    }
    this.view.threads();
  }

  /** A message names its thread; whose it is, only the list tells. */
  async know(thread) {
    if (thread.id !== OWN && !thread.user_id && !thread.topic) await this.loadThreads();
  }

  async open(thread, again = false) {
    if (thread !== this.view.open) this.view.show(thread);
    if ((thread.loaded && !again) || thread.id === OWN || !this.session.connected) return;
    const { reads } = this.memory;
    for await (const { messages } of this.session.pages("messages", { thread_id: thread.id })) {
      for (const message of this.chat.takePage(thread, messages)) this.delivered(message);
      for (const { mo_id } of messages) if (reads.has(mo_id)) this.chat.mark(mo_id, "read", "there");
    }
    thread.loaded = true;
  }

  /** Show again what was on its way when the page was left. */
  resume() {
    for (const { up, thread_id, at: when } of this.memory.unanswered) {
      this.chat.sending(this.chat.thread({ id: thread_id }), up, when);
    }
  }

  down(down) {
    // Without MQTT 5 the broker does not know when; with it, it knows better than the clock of a device.
    const untold = this.pass.broker.protocol === "3.1.1";
    if (untold && Date.parse(down.expires_at) <= Date.now()) return;
    if (down.content?.type === "read") this.memory.read(down.content.of);
    const known = this.chat.again(down);
    if (!known) return this.arrived(this.chat.takeDown(down));
    // The inbox had it before it came, or its receipts were refused: they may be to be told yet.
    this.delivered(known);
    this.view.lookAgain(known);
  }

  sync(event) {
    // Our own, told back, is as good as the answer, which may be late.
    if (event.type === "mo" && this.chat.named(event.from) === HERE) this.memory.answered(event.id);
    this.arrived(this.chat.takeSync(event));
  }

  arrived(message) {
    if (!message) return;
    if (message.thread !== this.view.open || document.hidden) message.thread.unread += 1;
    this.delivered(message);
    this.view.threads();
    this.know(message.thread).catch(() => {}); // at the next connection, then
  }

  async delivered(message) {
    if (message.direction === "mt") await this.receipt(message, "delivered");
  }

  async seen(message) {
    await this.receipt(message, "read");
  }

  /** Each device tells for itself; but not of what is old and known to have got there. */
  async receipt(message, status) {
    const { telling, [status]: said } = message;
    if (said.has(HERE) || telling.has(status) || (said.size && !message.live)) return;
    telling.add(status);
    try {
      await this.session.receipt(message.message_id, status);
      this.chat.mark(message.message_id, status, HERE);
    } finally {
      telling.delete(status);
    }
  }

  send(content, answered = null) {
    const thread = answered?.thread ?? this.view.open;
    const choice = thread.id === OWN ? {} : { id: thread.id };
    const sent_at = new Date().toISOString();
    const answers = answered ? { in_reply_to: answered.message_id } : {};
    const up = { id: newId(), content, thread: choice, sent_at, ...answers };
    this.memory.sent({ up, thread_id: thread.id, at: sent_at });
    this.chat.sending(thread, up, sent_at);
    if (this.session.connected) this.session.up(up).catch(() => {});
  }

  async answered(answer) {
    if (answer.type === "accepted") {
      const message = this.chat.accepted(answer);
      this.memory.answered(answer.of);
      if (!message) return;
      await this.try(() => this.know(message.thread));
    }
    if (answer.type === "refused" && this.chat.refused(answer)) this.memory.answered(answer.of);
  }

  async try(work) {
    this.view.problem();
    try {
      await work();
    } catch (error) {
      this.view.problem(`That did not work: ${error.message}.`);
    }
  }

  async newThread() {
    const followed = (await this.allTopics()).filter((topic) => topic.subscribed);
    const choices = followed.map(({ topic: value }) => element("option", { value }, `all who follow ${value}`));
    at("thread-topic").replaceChildren(element("option", { value: "" }, this.chat.me.app_id), ...choices);
    at("thread-title").value = "";
    if ((await shut(at("thread-dialog"))) !== "make") return;
    const title = at("thread-title").value.trim();
    const topic = at("thread-topic").value;
    const own = this.chat.own ?? this.chat.unnamed;
    await this.open(title || topic ? await this.made(title, topic) : own);
    at("text").focus();
  }

  async made(title, topic) {
    const asked = { ...(title && { title }), ...(topic && { topic }) };
    const { thread } = await this.session.request("thread_create", asked);
    return this.chat.thread(asKnown(thread));
  }

  async allTopics() {
    const all = [];
    for await (const { topics } of this.session.pages("topics")) all.push(...topics);
    return all;
  }

  async topics() {
    at("topics").replaceChildren(...(await this.allTopics()).map((topic) => this.topicItem(topic)));
    await shut(at("topics-dialog"));
    await this.loadThreads();
  }

  topicItem({ topic, description, subscribed, open }) {
    const disabled = open === false && !subscribed;
    const box = element("input", { type: "checkbox", checked: subscribed, disabled });
    box.onchange = () => {
      const action = box.checked ? "topic_subscribe" : "topic_unsubscribe";
      this.try(() => this.session.request(action, { topic }));
    };
    return element("li", {}, element("label", {}, box, ` ${topic}`, description ? `: ${description}` : ""));
  }

  async closeOrOpen() {
    const thread = this.view.open;
    const status = thread.status === "closed" ? "open" : "closed";
    const { thread: changed } = await this.session.request("thread_update", { thread_id: thread.id, status });
    this.chat.thread(asKnown(changed));
  }
}

function asKnown({ thread_id, ...known }) {
  return { id: thread_id, ...known };
}

function shut(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

function ask(problem = "") {
  at("pass-problem").textContent = problem;
  at("enter").hidden = false;
  at("chat").hidden = true;
  at("pass").value = "";
  at("pass").focus();
}

let app = null;

function begin(pass) {
  sessionStorage.setItem(KEPT_PASS, JSON.stringify(pass));
  app?.session.stop();
  app = new App(pass);
  at("enter").hidden = true;
  at("chat").hidden = false;
  app.session.start();
}

function beginWith(read) {
  try {
    const pass = read();
    if (pass) begin(pass);
    else ask();
  } catch (error) {
    ask(error.message);
  }
}

function fromAddress() {
  const { hash } = location;
  // Not for whoever looks over the person's shoulder.
  history.replaceState(null, "", location.pathname + location.search);
  const kept = sessionStorage.getItem(KEPT_PASS);
  beginWith(() => passInFragment(hash) ?? (kept ? readPass(kept) : null));
}

function listen() {
  at("enter").onsubmit = (event) => {
    event.preventDefault();
    beginWith(() => readPass(at("pass").value));
  };
  at("leave").onclick = () => {
    app.session.stop();
    sessionStorage.removeItem(KEPT_PASS);
    ask();
  };
  at("composer").onsubmit = (event) => {
    event.preventDefault();
    const text = at("text").value.trim();
    if (!text) return;
    at("text").value = "";
    app.send({ type: "text", text });
  };
  at("text").onkeydown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    at("composer").requestSubmit();
  };
  at("back").onclick = () => delete document.body.dataset.showing;
  at("new-thread").onclick = () => app.try(() => app.newThread());
  at("show-topics").onclick = () => app.try(() => app.topics());
  at("close-thread").onclick = () => app.try(() => app.closeOrOpen());
  addEventListener("hashchange", () => location.hash.startsWith("#pass=") && fromAddress());
}

listen();
fromAddress();
