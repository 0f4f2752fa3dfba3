// Escape closes the panel in which the focus is, and leads back to what opened it.
import { find } from "./page";

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || event.defaultPrevented) return;
  const panel = (event.target as Element).closest<HTMLDetailsElement>("details[open]");
  if (!panel) return;
  panel.open = false;
  find(panel, "summary").focus();
});
