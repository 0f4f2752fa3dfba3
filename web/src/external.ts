// A clip on another host, which the browser contacts only after a click.
import { find } from "./page";

class ExternalClip extends HTMLElement {
  connectedCallback(): void {
    find(this, "[data-load]").addEventListener("click", (event) => {
      event.preventDefault();
      const loaded = find<HTMLTemplateElement>(this, "template").content.cloneNode(true);
      this.replaceChildren(loaded);
      this.dispatchEvent(new Event("clip-loaded", { bubbles: true }));
      this.querySelector<HTMLElement>("button, video")?.focus();
    });
  }
}

customElements.define("external-clip", ExternalClip);
