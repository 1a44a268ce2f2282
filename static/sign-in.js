// A sign-in link carries its token in the fragment, which browsers send to nobody: post it.

function signInByLink() {
  const token = location.hash.slice(1);
  const form = document.querySelector("form[data-sign-in-link]");
  if (!token || !(form instanceof HTMLFormElement)) return;

  // Out of the address bar and the history before anything else happens.
  history.replaceState(null, "", location.pathname + location.search);
  const field = form.elements.namedItem("token");
  if (!(field instanceof HTMLInputElement)) return;
  field.value = token;
  for (const other of document.querySelectorAll("form[data-sign-in-password], [data-refused]")) {
    if (other instanceof HTMLElement) other.hidden = true;
  }
  form.hidden = false;
  form.submit();
}

signInByLink();
// The same page may get another link without being loaded again.
addEventListener("hashchange", signInByLink);
