// What the browser keeps over a reload: the MO that the gateway has not answered for yet, and which of those
// before are known to be read, since the inbox does not tell.

const READS_KEPT = 500;

export class Memory {
  #unanswered;
  #reads;

  constructor(client_id) {
    this.#unanswered = `imgw.unanswered.${client_id}`;
    this.#reads = `imgw.reads.${client_id}`;
  }

  /** MO on their way, oldest first: {up, thread_id, at}. Repeating one with the same id is harmless. */
  get unanswered() {
    return kept(this.#unanswered);
  }

  sent(entry) {
    keep(this.#unanswered, [...this.unanswered, entry]);
  }

  answered(id) {
    keep(this.#unanswered, this.unanswered.filter((entry) => entry.up.id !== id));
  }

  /** The ids of MO that were read. */
  get reads() {
    return new Set(kept(this.#reads));
  }

  read(mo_id) {
    keep(this.#reads, [...this.reads.add(mo_id)].slice(-READS_KEPT));
  }
}

function kept(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "[]");
  } catch {
    return []; // no storage here, or not ours
  }
}

function keep(key, entries) {
  try {
    localStorage.setItem(key, JSON.stringify(entries));
  } catch {
    // Full, or forbidden: then a reload loses it.
  }
}
