// Shows what changed without reloading: fetches the page again when the server says so and replaces
// the parts marked data-live that differ. Without JavaScript everything works; only this is missing.

const address = document.body.dataset.changes;
let source = null;

async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const newer = fresh.getElementById(part.id);
    if (!newer || newer.innerHTML === part.innerHTML || isBeingUsed(part)) continue;
    if (part.tagName === "OL") update(part, newer);
    else part.innerHTML = newer.innerHTML;
  }
}

// What somebody is choosing in is not taken from under the fingers; it is caught up with when they leave it.
function isBeingUsed(part) {
  const focused = document.activeElement;
  if (!part.contains(focused) || !focused.matches("select, input, textarea")) return false;
  focused.addEventListener("blur", refresh, { once: true });
  return true;
}

// A timeline keeps the entries that it has, so that what is unfolded stays so; a new one is scrolled to.
function update(list, newer) {
  const known = new Map([...list.children].map((entry) => [entry.id, entry]));
  let added = null;
  const entries = [...newer.children].map((entry) => {
    if (known.has(entry.id)) return known.get(entry.id);
    entry.classList.add("new");
    added = entry;
    return entry;
  });
  list.replaceChildren(...entries);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  added?.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "nearest" });
}

function watch() {
  if (document.hidden) {
    source?.close();
    source = null;
  } else if (!source) {
    let opened = false;
    source = new EventSource(address);
    source.onopen = () => {
      if (opened) refresh();
      opened = true;
    };
    source.onmessage = refresh;
  }
}

if (address) {
  watch();
  document.addEventListener("visibilitychange", () => {
    watch();
    if (!document.hidden) refresh();
  });
}
