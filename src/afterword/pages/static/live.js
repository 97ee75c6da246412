// Makes pages livelier; each works without it. Moments are told in the reader's own time, a chosen filter
// applies at once, and what is marked data-live is fetched again when the server says that it changed.

const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const spoken = document.documentElement.lang;
const language = navigator.languages.find((one) => one.split("-")[0] === spoken) ?? spoken;
const today = new Intl.DateTimeFormat(language, clock);
const thisYear = new Intl.DateTimeFormat(language, { ...clock, day: "numeric", month: "short" });
const everyYear = new Intl.DateTimeFormat(language, { ...clock, day: "numeric", month: "short", year: "numeric" });
const SHORTEST_PAUSE_MS = 700;

function inWords(moment) {
  const now = new Date();
  if (moment.toDateString() === now.toDateString()) return today.format(moment);
  return (moment.getFullYear() === now.getFullYear() ? thisYear : everyYear).format(moment);
}

function tellLocalTime(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.title = time.textContent;
    time.textContent = inWords(new Date(time.dateTime));
  }
}

function hideWhatIsForNoScript(root) {
  for (const one of root.querySelectorAll("[data-without-script]")) one.hidden = true;
}

function applyFiltersAtOnce() {
  for (const choice of document.querySelectorAll("[data-submits]")) {
    choice.addEventListener("change", () => choice.form.requestSubmit());
  }
  hideWhatIsForNoScript(document);
  for (const form of document.querySelectorAll("[data-leaves-out-empty]")) {
    form.addEventListener("formdata", ({ formData }) => {
      for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
    });
  }
}

function nameOf(details, index) {
  return details.id || `number ${index}`;
}

function openDetails(root) {
  return new Map([...root.querySelectorAll("details")].map((details, index) => [nameOf(details, index), details.open]));
}

function replaceContent(region, fresh) {
  const focused = region.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const known = new Set([...region.querySelectorAll("tbody > tr[id]")].map((row) => row.id));
  const open = openDetails(region);
  region.replaceChildren(...fresh.childNodes);
  tellLocalTime(region);
  hideWhatIsForNoScript(region);
  if (known.size) {
    for (const row of region.querySelectorAll("tbody > tr[id]")) {
      if (!known.has(row.id)) row.classList.add("fresh");
    }
  }
  region.querySelectorAll("details").forEach((details, index) => {
    details.open = open.get(nameOf(details, index)) ?? details.open;
  });
  if (focused) region.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function keepLive(region) {
  let source = null;
  let shown = region.innerHTML;
  let busy = false;
  let again = false;

  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected) { location.reload(); return; }
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(region.id);
        if (fresh && fresh.innerHTML !== shown) {
          shown = fresh.innerHTML;
          replaceContent(region, fresh);
        }
        if (fresh && !("live" in fresh.dataset)) stop();
      }
    } catch {
      // The server is away; the stream tells when it is back.
    } finally {
      await new Promise((resolve) => { setTimeout(resolve, SHORTEST_PAUSE_MS); });
      busy = false;
      if (again) { again = false; refresh(); }
    }
  }
  function start() {
    source ??= new EventSource(region.dataset.live);
    source.addEventListener("changed", refresh);
  }
  function stop() {
    source?.close();
    source = null;
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop();
    else { start(); refresh(); }
  });
  addEventListener("pagehide", stop);
  start();
}

const live = document.querySelector("[data-live]");
if (live) keepLive(live);
tellLocalTime(document);
applyFiltersAtOnce();
