// Makes the editor of a Workflow handier; it works without. A value of the {a} list goes in at the cursor, the list of
// Tasks is filtered as one types, and who leaves with changes that are not saved is warned.

const form = document.querySelector("form[data-kept]");

function keepCursors() {
  let field = null;
  for (const told of document.querySelectorAll("[data-scripted]")) told.textContent = told.dataset.scripted;
  for (const list of document.querySelectorAll("[popover].names")) {
    for (const code of list.querySelectorAll("code[data-inserts]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "plain";
      code.replaceWith(button);
      button.append(code);
      button.addEventListener("click", () => {
        list.hidePopover();
        insert(field, code.textContent);
      });
    }
  }
  for (const asks of document.querySelectorAll("button.asks")) {
    asks.addEventListener("click", () => { field = asks.previousElementSibling; });
  }
}

function insert(field, text) {
  if (!field) return;
  field.focus();
  field.setRangeText(text, field.selectionStart ?? field.value.length, field.selectionEnd ?? field.value.length, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function filterTypes() {
  const search = document.querySelector("[data-filters]");
  const items = search ? [...document.getElementById(search.dataset.filters).children] : [];
  search?.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/);
    for (const item of items) item.hidden = !words.every((word) => item.textContent.toLowerCase().includes(word));
  });
  search?.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
}

function said() {
  return new URLSearchParams([...new FormData(form)].filter(([name]) => name !== "q")).toString();
}

function warnBeforeLeaving() {
  const before = said();
  let isSent = false;
  form.addEventListener("submit", () => { isSent = true; });
  addEventListener("pageshow", () => { isSent = false; });
  addEventListener("beforeunload", (event) => {
    if (!isSent && ("changed" in form.dataset || said() !== before)) event.preventDefault();
  });
}

if (form) {
  keepCursors();
  filterTypes();
  warnBeforeLeaving();
}
