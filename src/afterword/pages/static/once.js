// A form that is on its way is not sent a second time: who clicks twice means it once. It can be sent again when its
// page is shown again, or after a while, should the answer never come.

const WAITS_MS = 10_000;

let sentAt = new WeakMap();

function opensElsewhere(form, button) {
  const target = button?.getAttribute("formtarget") ?? form.getAttribute("target");
  return Boolean(target) && target !== "_self";
}

addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.getAttribute("method") !== "post" || opensElsewhere(form, event.submitter)) return;
  if (performance.now() - (sentAt.get(form) ?? -WAITS_MS) < WAITS_MS) {
    event.preventDefault();
    return;
  }
  sentAt.set(form, performance.now());
  form.setAttribute("aria-busy", "true");
});

addEventListener("pageshow", () => {
  sentAt = new WeakMap();
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
});
