// What htmx can't know: the proof of our own forms, tabs out of sight, menus that close.
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
