/** A button that copies the address beside it; it shows itself where the browser lets it copy. */

const button = document.querySelector("[data-copy]");
const source = document.querySelector("[data-copy-from]");

if (button instanceof HTMLButtonElement && source instanceof HTMLInputElement) {
  source.select();
  source.addEventListener("focus", () => source.select());
  button.hidden = !("clipboard" in navigator);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(source.value);
    button.textContent = button.dataset.copied ?? "";
  });
}
