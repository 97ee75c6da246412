// Copies what an element holds, by a button that is hidden until this runs. Where the browser lets nobody write to the
// clipboard (it does so over https alone), the text is selected instead.

function offerCopying() {
  for (const button of document.querySelectorAll("button[data-copies]")) {
    const source = document.getElementById(button.dataset.copies);
    if (!source) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const words = button.textContent;
      try {
        await navigator.clipboard.writeText(source.textContent.trim());
        button.textContent = button.dataset.copied;
        setTimeout(() => { button.textContent = words; }, 2000);
      } catch {
        getSelection().selectAllChildren(source);
      }
    });
  }
}

offerCopying();
