// The pass of a device: what POST /v1/applications/{app}/tokens answered. It comes pasted, or in the address
// behind the #, which no server gets to see.

const NEEDED = ["down", "device_down", "sync", "responses", "up", "receipts", "requests", "presence"];

/** The pass that a text says, JSON or base64url of it. Throws an Error in words for the person. */
export function readPass(text) {
  const pass = parsed(text.trim());
  const broker = pass?.broker;
  if (typeof pass?.token !== "string" || typeof broker !== "object" || typeof pass.topics !== "object") {
    throw new Error("This is no pass: it has token, broker and topics, as the tokens request answers them.");
  }
  if (!/^wss?:\/\//.test(broker.websocket_url ?? "")) {
    throw new Error("The pass has no WebSocket address: set parameters.public_websocket_url of the account.");
  }
  const missing = NEEDED.filter((name) => typeof pass.topics[name] !== "string");
  if (missing.length) throw new Error(`The pass lacks the topics ${missing.join(", ")}.`);
  return pass;
}

/** The pass in an address's fragment, as #pass=…; null when there is none. */
export function passInFragment(fragment) {
  const found = /^#pass=([A-Za-z0-9_-]+)$/.exec(fragment);
  return found ? readPass(found[1]) : null;
}

/** Whose pass it is: the login has application, person and device, each percent-encoded. */
export function owner(pass) {
  const [app_id, user_id, device_id] = pass.broker.username.split(":").map(decodeURIComponent);
  return { app_id, user_id, device_id };
}

function parsed(text) {
  try {
    return JSON.parse(text.startsWith("{") ? text : fromBase64Url(text));
  } catch {
    return null;
  }
}

function fromBase64Url(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
}
