// What htmx can't know: the proof of our own forms, tabs out of sight, menus that close, where the keyboard is.
document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = document.querySelector('meta[name="csrf-token"]').content;
});
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.hasAttribute("data-live")) event.preventDefault();
});
// What was pressed and refused says so where its answer would stand; what renews itself waits for the next time.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.isError && !event.detail.requestConfig.elt.hasAttribute("data-live")) event.detail.shouldSwap = true;
});
document.addEventListener("htmx:sendError", (event) => {
  if (event.detail.elt.hasAttribute("data-live")) return;
  event.detail.target.textContent = "No answer came. Look at your connection, then press again.";
});
document.querySelector(".sections [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A live piece that is renewed keeps where the keyboard is and what stands open; it waits while somebody types in it
// or has a menu of it open. What is new is known as the same by what it leads to, sends or says.
const STOPS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
const nameOf = (element) => {
  const hidden = element.form?.querySelectorAll('input[type="hidden"]:not([name="csrf_token"])') ?? [];
  const sent = [...hidden].map((input) => [input.name, input.value]);
  const leadsTo = element.getAttribute("href") ?? element.form?.getAttribute("action") ?? element.textContent;
  return JSON.stringify([element.tagName, element.id, leadsTo, sent]);
};
const sameIn = (piece, name) => [...piece.querySelectorAll(STOPS)].filter((element) => nameOf(element) === name);
const isInUse = (piece) =>
  piece.querySelector("details.menu[open]") !== null ||
  (piece.contains(document.activeElement) &&
    document.activeElement.matches("input:not([type=checkbox], [type=radio]), select, textarea"));
let kept = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const piece = event.detail.target;
  if (!event.detail.shouldSwap || !piece.hasAttribute("data-live")) return;
  event.detail.shouldSwap = !isInUse(piece);
  const focused = piece.contains(document.activeElement) ? document.activeElement : null;
  kept = { open: [...piece.querySelectorAll("details[open] > summary")].map(nameOf), focused: null };
  if (focused) kept.focused = { name: nameOf(focused), place: sameIn(piece, nameOf(focused)).indexOf(focused) };
});
document.addEventListener("htmx:afterSwap", (event) => {
  const piece = event.target;
  if (!kept || !piece.hasAttribute("data-live")) return;
  for (const name of kept.open) for (const summary of sameIn(piece, name)) summary.parentElement.open = true;
  if (kept.focused) {
    const same = sameIn(piece, kept.focused.name);
    (same[Math.min(kept.focused.place, same.length - 1)] ?? piece).focus({ preventScroll: true });
  }
  kept = null;
});
