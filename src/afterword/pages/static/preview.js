// Shows a survey as it is being typed: whatever preview was chosen last is asked for anew when typing pauses. Each is
// loaded into a frame of its own that takes the old one's place, so that nothing flickers and "Back" leaves the page.

const PAUSE_MS = 500;
const form = document.querySelector("[data-previewed]");
const buttons = [...document.querySelectorAll("button[formtarget=preview]")];

let number = 0;

function show(button) {
  const old = document.querySelector("iframe.phone:last-of-type");
  const fresh = old.cloneNode();
  fresh.removeAttribute("src");
  fresh.name = `preview-${++number}`;
  fresh.hidden = true;
  old.after(fresh);
  button.formTarget = fresh.name;
  form.requestSubmit(button);
  fresh.addEventListener("load", () => {
    for (const frame of document.querySelectorAll("iframe.phone")) if (frame !== fresh) frame.remove();
    fresh.hidden = false;
  });
}

if (form && buttons.length) {
  let chosen = buttons[0];
  let timer;
  for (const button of buttons) {
    button.addEventListener("click", (event) => {
      if (!event.isTrusted) return;
      event.preventDefault();
      chosen = button;
      show(button);
    });
  }
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => show(chosen), PAUSE_MS);
  });
}
