// What a message says, as elements. Whatever comes from outside becomes text, never markup, and a link only
// where it leads to http or https.

const NAMES = { image: "Image", video: "Video", audio: "Audio", document: "Document", sticker: "Sticker" };

/** An element with these properties and children; strings become text. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** The elements of a content. `answer(content)` is called when the person uses one of its buttons; without it
 * they are disabled. */
export function shown(content, answer) {
  const parts = [];
  if (content.type === "text") parts.push(element("p", { className: "text" }, content.text));
  else if (content.type in NAMES) parts.push(...media(content));
  else if (content.type === "location") parts.push(place(content));
  else if (content.type === "contact") parts.push(...contact(content));
  else if (content.type === "list") parts.push(...list(content, answer));
  else if (content.type === "button_reply" || content.type === "list_reply") {
    parts.push(element("p", { className: "text" }, content.title ?? content.id));
  } else parts.push(element("pre", {}, JSON.stringify(content.payload ?? content, null, 1)));
  if (content.buttons?.length) {
    const buttons = content.buttons.map((each) => button(each, answer));
    parts.push(element("div", { className: "choices" }, ...buttons));
  }
  return parts;
}

function media(content) {
  const name = `${NAMES[content.type]}${content.filename ? `: ${content.filename}` : ""}`;
  const caption = content.caption ? element("p", { className: "text" }, content.caption) : null;
  return [element("p", {}, link(content.url, name)), caption].filter(Boolean);
}

function place({ latitude, longitude, name, address }) {
  const where = `${Number(latitude)}, ${Number(longitude)}`;
  const url = `https://www.openstreetmap.org/?mlat=${Number(latitude)}&mlon=${Number(longitude)}`;
  return element("p", {}, link(url, [name, address, where].filter(Boolean).join(", ")));
}

function contact({ name, phones, emails = [] }) {
  return [element("p", { className: "text" }, name), element("p", {}, [...phones, ...emails].join(", "))];
}

function list({ text, sections }, answer) {
  const groups = sections.map(({ title, rows }) => {
    const buttons = rows.map((row) => {
      const words = row.description ? `${row.title}: ${row.description}` : row.title;
      return choice(words, { type: "list_reply", id: row.id, title: row.title }, answer);
    });
    return element("div", { className: "choices" }, title ? element("p", {}, title) : null, ...buttons);
  });
  return [element("p", { className: "text" }, text), ...groups];
}

function button(each, answer) {
  if (each.type === "url") return link(each.url, each.title);
  if (each.type === "call" && /^\+?[0-9 ()-]+$/.test(each.phone)) {
    return element("a", { href: `tel:${each.phone.replaceAll(/[^+0-9]/g, "")}` }, each.title);
  }
  if (each.type === "location") return locate(each.title, answer);
  return choice(each.title, { type: "button_reply", id: each.id, title: each.title }, answer);
}

function choice(words, content, answer) {
  const onclick = () => answer(content);
  return element("button", { type: "button", disabled: !answer || !content.id, onclick }, words);
}

function locate(title, answer) {
  const onclick = () =>
    navigator.geolocation.getCurrentPosition(({ coords: { latitude, longitude } }) =>
      answer({ type: "location", latitude, longitude }),
    );
  return element("button", { type: "button", disabled: !answer || !navigator.geolocation, onclick }, title);
}

function link(url, words) {
  if (!/^https?:\/\//.test(url ?? "")) return element("span", {}, words);
  return element("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, words);
}
