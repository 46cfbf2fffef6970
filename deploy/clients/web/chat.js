// What is known of the threads and their messages, put together from the inbox and from what comes live. No
// page, no network: it says what it has changed, and that is all.

/** The conversation that a person has without having made one: it has no id until the gateway names it. */
export const OWN = "";

/** The name of this device, for itself. */
export const HERE = "here";

const EARLY_MARKS_KEPT = 1_000;

export class Chat {
  /** `me` is the owner of the pass; `changed(thread, message)` is called after each change. */
  constructor(me, changed) {
    this.me = me;
    this.changed = changed;
    this.threads = new Map(); // by id
    this.#byId = new Map(); // messages, by message_id, mo_id and, of this device, by the id we gave
  }

  #byId;
  #early = []; // marks of messages that are not here yet

  /** The person's own conversation with the application, once it is known. */
  get own() {
    const { user_id } = this.me;
    const fits = (thread) => thread.user_id === user_id && thread.type === "conversation" && !thread.title;
    return [...this.threads.values()].find(fits);
  }

  /** The one that stands for it until then. */
  get unnamed() {
    return this.threads.get(OWN);
  }

  /** The thread of this id, with what is newly known of it. */
  thread({ id, ...known }) {
    let thread = this.threads.get(id);
    if (!thread) {
      const empty = { messages: [], unread: 0, writing: 0, loaded: false };
      thread = { id, type: "conversation", status: "open", ...empty };
      this.threads.set(id, thread);
    }
    Object.assign(thread, known);
    this.changed(thread);
    return thread;
  }

  /** The MT of what comes on `down`, when it is known already; live from now on. Else null. */
  again({ type, message_id }) {
    const message = type === "message" ? this.#byId.get(message_id) : null;
    if (message) message.live = true;
    return message ?? null;
  }

  /** What comes on `down`. Returns the message when it is one to be shown, and new. */
  takeDown(down) {
    if (down.type !== "message") return null;
    const thread = this.thread(named(down.thread ?? { id: OWN }));
    const { message_id, content, in_reply_to, sent_at: at } = down;
    return this.#said(thread, { direction: "mt", live: true, message_id, content, in_reply_to, at });
  }

  /** What comes on `sync`: other devices' MO and receipts, or ours. Returns a new message, as takeDown. */
  takeSync(event) {
    if (event.type === "receipt") {
      this.mark(event.message_id, event.status, this.named(event.from));
      return null;
    }
    if (event.type !== "mo") return null;
    const { mo_id, id, from, content, in_reply_to, sent_at: at } = event;
    const thread = this.thread(named(event.thread));
    return this.#said(thread, { direction: "mo", mo_id, id, from, content, in_reply_to, at });
  }

  /** A page of the inbox. Returns the messages that were new. */
  takePage(thread, messages) {
    const fresh = messages.map((message) => this.#said(thread, message, true));
    return fresh.filter((message) => message !== null);
  }

  /** An MO that is on its way. */
  sending(thread, up, at) {
    const from = { user_id: this.me.user_id, device_id: this.me.device_id };
    const { id, content, in_reply_to } = up;
    return this.#said(thread, { direction: "mo", id, from, content, in_reply_to, at, state: "waiting", up });
  }

  /** The gateway has taken an MO of this device. Returns the MO, or null when it is not known here. */
  accepted({ of, mo_id, thread_id }) {
    const message = this.#byId.get(of);
    if (!message) return null;
    this.#byId.set(mo_id, message);
    message.mo_id = mo_id;
    message.state = "sent";
    if (message.thread.id !== thread_id) this.#move(message, this.thread({ id: thread_id }));
    this.changed(message.thread, message);
    return message;
  }

  /** The gateway has not taken it. Returns the MO, or null when it was none of ours. */
  refused({ of, code, detail }) {
    const message = this.#byId.get(of);
    if (message?.direction === "mt") this.#untold(message);
    if (message?.direction !== "mo" || message.state === "sent") return null;
    message.state = "refused";
    message.refusal = detail;
    if (code === "thread_closed") message.thread.status = "closed";
    this.changed(message.thread, message);
    return message;
  }

  /** A message was delivered to, or read by, somebody. */
  mark(id, status, by) {
    const message = this.#byId.get(id);
    if (!message) {
      // Another device was faster than the message itself.
      if (this.#early.length < EARLY_MARKS_KEPT) this.#early.push({ id, status, by });
    } else if (!message[status].has(by)) {
      message[status].add(by);
      this.changed(message.thread, message);
    }
  }

  /** A device in words: by its name where it is the same person's. */
  named({ user_id, device_id }) {
    if (user_id !== this.me.user_id) return `${user_id} (${device_id})`;
    return device_id === this.me.device_id ? HERE : device_id;
  }

  isMine(message) {
    return message.direction === "mo" && message.from?.user_id === this.me.user_id;
  }

  /** A receipt of this device was refused, which of them is not said: should the MT come again, both are told. */
  #untold(message) {
    message.delivered.delete(HERE);
    message.read.delete(HERE);
    this.changed(message.thread, message);
  }

  #said(thread, said, old = false) {
    const { type } = said.content;
    if (type === "typing") {
      if (!old) this.#writes(thread);
    } else if (type === "read") this.mark(said.content.of, "read", "there");
    else if (type === "reaction") this.#reacts(said);
    else return this.#add(thread, said);
    return null;
  }

  #add(thread, said) {
    const mine = said.from?.user_id === this.me.user_id && said.from?.device_id === this.me.device_id;
    const ids = [said.message_id, said.mo_id, mine ? said.id : null].filter(Boolean);
    const known = ids.map((id) => this.#byId.get(id)).find(Boolean);
    const message = known ?? { ...said, thread, ...unmarked() };
    for (const id of ids) this.#byId.set(id, message);
    if (said.delivered_at && !message.delivered.size) message.delivered.add("some device");
    if (said.read_at && !message.read.size) message.read.add("some device");
    if (known) {
      if (mine && said.mo_id) this.accepted({ of: said.id, mo_id: said.mo_id, thread_id: thread.id });
      else this.changed(thread, known);
      return null;
    }
    if (said.direction === "mo" && !message.state) message.state = "sent";
    this.#place(thread, message);
    const early = this.#early.filter(({ id }) => ids.includes(id));
    this.#early = this.#early.filter((each) => !early.includes(each));
    for (const { id, status, by } of early) this.mark(id, status, by);
    return message;
  }

  #place(thread, message) {
    message.thread = thread;
    thread.messages.push(message);
    thread.messages.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
    thread.writing = 0;
    this.changed(thread, message);
  }

  /** What was written before the own conversation had its id goes there, all of it. */
  #move(message, thread) {
    const { thread: from } = message;
    const moved = from.id === OWN ? from.messages : [message];
    from.messages = from.messages.filter((other) => !moved.includes(other));
    if (from.id === OWN) {
      this.threads.delete(OWN);
      from.became = thread;
    }
    for (const each of moved) this.#place(thread, each);
  }

  #reacts({ content, direction, from }) {
    const message = this.#byId.get(content.to);
    if (!message) return;
    const who = direction === "mt" ? "there" : this.named(from);
    if (content.emoji) message.reactions.set(who, content.emoji);
    else message.reactions.delete(who);
    this.changed(message.thread, message);
  }

  #writes(thread) {
    const WRITING_FOR_MS = 8_000;
    thread.writing = Date.now() + WRITING_FOR_MS;
    this.changed(thread);
    setTimeout(() => this.changed(thread), WRITING_FOR_MS + 50);
  }
}

/** Who has got a message, and read it; which of this the device is telling just now; and who says what to it. */
function unmarked() {
  return { delivered: new Set(), read: new Set(), telling: new Set(), reactions: new Map() };
}

/** What a message says of its thread, without what would not be news. */
function named({ id, type, title }) {
  return { id, ...(type && { type }), ...(title && { title }) };
}
