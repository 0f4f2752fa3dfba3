// Loaded by the watch page and by embedded players.
import "./comments";
import "./external";
import "./in_place";
import "./player";
import "./zoom";
import { announce, find, text } from "./page";

/** A field whose text a button copies. */
class CopyField extends HTMLElement {
  connectedCallback(): void {
    const button = find(this, "[data-copy]");
    button.hidden = !navigator.clipboard; // there is none without https
    button.addEventListener("click", () => this.#copy());
  }

  async #copy(): Promise<void> {
    const field = find<HTMLInputElement>(this, "input");
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      announce(text("copied"));
    } catch {
      announce(text("failed")); // the text stays selected for copying by hand
    }
  }
}

customElements.define("copy-field", CopyField);
