// Tells the server in which time zone pages are read: it shows their times in that one.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const kept = `parley_time_zone=${zone ?? ""}`; // its letters, "/", "+" and "-" may stand in a cookie
if (zone && !document.cookie.split("; ").includes(kept)) {
  document.cookie = `${kept}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
}
