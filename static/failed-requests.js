/**
 * Says what became of a request of HTMX that a person made and that failed: HTMX itself leaves the
 * page as it is. What the server answered is one of its error pages, whose words are shown.
 *
 * @typedef {object} FailedRequest
 * @property {XMLHttpRequest} xhr
 * @property {HTMLElement} elt  What made it.
 * @property {{triggeringEvent?: Event}} requestConfig
 */

/** What the page asks for by itself, again and again: its failure is no news. */
const UNASKED = ["hx:poll:trigger", "visibilitychange", "revealed", "load"];

const place = document.querySelector("[data-failed-requests]");

/**
 * The event by which a person made the request.
 * @param {Event} event  One of HTMX.
 */
function madeBy(event) {
  const { requestConfig } = /** @type {CustomEvent<FailedRequest>} */ (event).detail;
  const made = requestConfig.triggeringEvent;
  return made && !UNASKED.includes(made.type) ? made : undefined;
}

/** @param {Event} event */
function onFailed(event) {
  const { xhr, elt } = /** @type {CustomEvent<FailedRequest>} */ (event).detail;
  const made = madeBy(event);
  if (made && place instanceof HTMLElement) show(place, xhr, elt, made.type);
}

/**
 * @param {HTMLElement} at
 * @param {XMLHttpRequest} xhr
 * @param {HTMLElement} elt  What made the request.
 * @param {string} trigger
 */
function show(at, xhr, elt, trigger) {
  const { unreachable, again, reload } = at.dataset;
  const answered = xhr.status >= 400;
  const text = document.createElement("p");
  text.dir = "auto";
  text.textContent = (answered && wordsOf(xhr.responseText)) || (unreachable ?? "");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  const focused = document.activeElement;
  const stale = answered && xhr.status < 500;
  button.textContent = (stale ? reload : again) ?? "";
  button.addEventListener("click", () => {
    at.replaceChildren();
    if (focused instanceof HTMLElement) focused.focus();
    if (stale) window.location.reload();
    else if (elt instanceof HTMLFormElement) elt.requestSubmit();
    else elt.dispatchEvent(new Event(trigger, { bubbles: true }));
  });
  const notice = document.createElement("div");
  notice.className = "notice error";
  notice.append(text, button);
  at.replaceChildren(notice);
}

/**
 * What an error page says.
 * @param {string} page
 */
function wordsOf(page) {
  const parsed = new DOMParser().parseFromString(page, "text/html");
  return parsed.querySelector("[data-error-message]")?.textContent ?? "";
}

for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(name, onFailed);
}
document.addEventListener("htmx:beforeRequest", (event) => {
  if (madeBy(event)) place?.replaceChildren();
});
