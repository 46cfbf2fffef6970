// The connection to the MQTT broker: what a device hears, says and asks, and that it is there.

import mqtt from "./node_modules/mqtt/dist/mqtt.esm.js";

const ANSWER_WITHIN_MS = 15_000;
const AGAIN_AFTER_MS = 1_000;
const NOBODY_LISTENS = 0x10;
const TAKEN_OVER = 0x8e;
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;
const SHORT_LIVED_MS = 10_000;
const REFUSED_LOGIN = new Set([4, 5, 0x86, 0x87]); // bad login, not authorized: of 3.1.1, and of 5

/** A new id of our own; crypto.randomUUID is there on https and localhost only. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * A session lasts over connections, and over reloads of the page: the broker keeps what comes meanwhile.
 * `hears` has the functions state(name), down(message), sync(event) and response(answer).
 * State is connecting, connected, away, refused (the pass does not count any more) or elsewhere.
 */
export class Session {
  #pass;
  #hears;
  #client = null;
  #asked = new Map(); // by request id
  #unheard = new Set(); // publications that nobody listened to
  #begunAt = 0;
  #windows = null;

  constructor(pass, hears) {
    this.#pass = pass;
    this.#hears = hears;
  }

  start() {
    const { broker, token } = this.#pass;
    const five = broker.protocol !== "3.1.1";
    this.#hears.state("connecting");
    const client = mqtt.connect(broker.websocket_url, {
      protocolVersion: five ? 5 : 4,
      clientId: broker.client_id,
      username: broker.username,
      password: token,
      clean: false,
      ...(five ? { properties: { sessionExpiryInterval: broker.session_seconds } } : {}),
      resubscribe: false, // done here, at each connection
      reconnectPeriod: FIRST_PAUSE_MS,
      connectTimeout: 10_000,
      keepalive: 30,
      will: this.#presence(false, newId()),
    });
    this.#client = client;
    this.#claim(broker.client_id);
    client.on("connect", () => this.#begin(client));
    client.on("reconnect", () => {
      client.options.will = this.#presence(false, newId()); // a new one for each connection
    });
    client.on("packetreceive", ({ cmd, messageId, reasonCode }) => {
      if (cmd === "puback" && reasonCode === NOBODY_LISTENS) this.#unheard.add(messageId);
    });
    client.on("message", (topic, payload) => this.#take(topic, payload));
    client.on("close", () => this.#lost(client));
    client.on("disconnect", (packet) => packet.reasonCode === TAKEN_OVER && this.#end("elsewhere"));
    client.on("error", (error) => REFUSED_LOGIN.has(error.code) && this.#end("refused"));
  }

  /** Leave, and say so. The broker goes on keeping what comes. */
  stop() {
    this.#windows.close();
    this.#client.removeAllListeners("close");
    if (this.connected) this.#announce(false);
    this.#client.end(false);
  }

  get connected() {
    return Boolean(this.#client?.connected);
  }

  /** Send an MO; its answer comes by `response`. Repeating one with the same id is harmless. */
  up(message) {
    return this.#say("up", message, message.id);
  }

  receipt(message_id, status) {
    return this.#say("receipts", { message_id, status, at: new Date().toISOString() }, message_id);
  }

  /** Ask for something; resolves to the result. Rejects with an Error in words, whose `code` says why. */
  request(action, fields = {}) {
    const id = newId();
    return new Promise((resolve, reject) => {
      const giveUp = () => this.#settle(id, { code: "unavailable", detail: "no answer came" });
      this.#asked.set(id, { resolve, reject, timer: setTimeout(giveUp, ANSWER_WITHIN_MS) });
      this.#say("requests", { id, action, ...fields }, id).catch(giveUp);
    });
  }

  /** Ask for a list: yields the results of its pages, one after the other. */
  async *pages(action, fields = {}) {
    let cursor;
    do {
      const page = await this.request(action, { ...fields, limit: 100, ...(cursor ? { cursor } : {}) });
      yield page;
      cursor = page.next;
    } while (cursor);
  }

  get #sessionId() {
    return JSON.parse(this.#client.options.will.payload).session;
  }

  #presence(online, session) {
    const payload = JSON.stringify({ online, session, ...(online ? { platform: "web" } : {}) });
    return { topic: this.#pass.topics.presence, payload, qos: 1, retain: true };
  }

  /** One window of this browser is the device; the last one that was opened. */
  #claim(client_id) {
    this.#windows = new BroadcastChannel(`imgw.${client_id}`);
    this.#windows.onmessage = () => this.#end("elsewhere");
    this.#windows.postMessage("mine");
  }

  #announce(online) {
    const { topic, payload, ...options } = this.#presence(online, this.#sessionId);
    return this.#publish(topic, payload, options);
  }

  /** Until somebody takes it. Rejects when the connection is lost before. */
  async #publish(topic, payload, options) {
    const client = this.#client;
    for (;;) {
      const { messageId } = await client.publishAsync(topic, payload, options);
      // The broker has it, but nobody listens: the gateway is not back yet, as after a restart of the broker.
      if (!this.#unheard.delete(messageId)) return;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
      if (!client.connected) throw new Error("the connection was lost");
    }
  }

  #lost(client) {
    // Not every broker tells a window that another one has taken its place: the two must not fight.
    const shortLived = Date.now() - this.#begunAt < SHORT_LIVED_MS;
    const longer = Math.min(2 * client.options.reconnectPeriod, LONGEST_PAUSE_MS);
    client.options.reconnectPeriod = shortLived ? longer : FIRST_PAUSE_MS;
    this.#hears.state("away");
    const lost = { code: "unavailable", detail: "the connection was lost" };
    for (const id of [...this.#asked.keys()]) this.#settle(id, lost);
  }

  async #begin(client) {
    this.#begunAt = Date.now();
    const { down, device_down, sync, responses } = this.#pass.topics;
    try {
      await client.subscribeAsync([down, device_down, sync, responses], { qos: 1 });
      this.#hears.state("connected");
      await this.#announce(true);
    } catch {
      // Lost again meanwhile: the next connection does it.
    }
  }

  #say(topic, document, correlation) {
    const properties = {
      contentType: "application/json",
      responseTopic: this.#pass.topics.responses,
      correlationData: new TextEncoder().encode(correlation),
    };
    const options = this.#pass.broker.protocol === "3.1.1" ? { qos: 1 } : { qos: 1, properties };
    return this.#publish(this.#pass.topics[topic], JSON.stringify(document), options);
  }

  #take(topic, payload) {
    let document;
    try {
      document = JSON.parse(new TextDecoder().decode(payload));
    } catch {
      return; // not the gateway's
    }
    const { sync, responses } = this.#pass.topics;
    if (topic === sync) this.#hears.sync(document);
    else if (topic !== responses) this.#hears.down(document);
    else if (!this.#settle(document.of, document)) this.#hears.response(document);
  }

  #settle(id, answer) {
    const asked = this.#asked.get(id);
    if (!asked) return false;
    this.#asked.delete(id);
    clearTimeout(asked.timer);
    if (answer.type === "result") asked.resolve(answer.result);
    else asked.reject(Object.assign(new Error(answer.detail), { code: answer.code }));
    return true;
  }

  #end(state) {
    this.#windows.close();
    this.#client.removeAllListeners("close");
    this.#client.end(true);
    this.#hears.state(state);
  }
}
