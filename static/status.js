/**
 * Keeps the page Status live: it is asked for again while somebody can see it, what they had opened
 * and scrolled stays as it was, and it says so where the server answers no more.
 */

const LIVE = "[data-live]";

/** How each was left, by its id. @type {Map<string, {open: boolean, scrolled: number}>} */
const views = new Map();

/** @param {Event} event  One of HTMX. */
function isLive(event) {
  return event.target instanceof Element && event.target.matches(LIVE);
}

/** @returns {Iterable<HTMLElement>} */
function keeping() {
  return document.querySelectorAll(`${LIVE} [data-keep]`);
}

function keep() {
  for (const one of keeping()) {
    const open = one instanceof HTMLDetailsElement && one.open;
    views.set(one.id, { open, scrolled: one.scrollLeft });
  }
}

function restore() {
  for (const one of keeping()) {
    const was = views.get(one.id);
    if (one instanceof HTMLDetailsElement) one.open = was?.open ?? false;
  }
  // What is in a closed one cannot be scrolled.
  for (const one of keeping()) one.scrollLeft = views.get(one.id)?.scrolled ?? 0;
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (isLive(event) && document.hidden) event.preventDefault();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (isLive(event)) keep();
});
document.addEventListener("htmx:afterSwap", restore);
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(name, () => {
    const stale = document.querySelector(`${LIVE} [data-stale]`);
    if (stale instanceof HTMLElement) stale.hidden = false;
  });
}
