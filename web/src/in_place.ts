// Sends the forms of a part of the page without leaving it: a playing clip goes on.
import { announce, find, text } from "./page";

class InPlace extends HTMLElement {
  connectedCallback(): void {
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send(event.target as HTMLFormElement);
    });
  }

  /** Sends the form, and shows this part as it is on the page to which the response leads. A refused form is sent
   * again as without a script: the page that says why takes the place of this one. */
  async #send(form: HTMLFormElement): Promise<void> {
    const action = form.getAttribute("action") ?? "";
    const body = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)]));
    try {
      const response = await fetch(action, { method: "POST", body });
      if (!response.ok) return form.submit();
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      this.replaceChildren(...find(page, `#${this.id}`).childNodes);
      find(this, `form[action="${CSS.escape(action)}"] button`).focus();
    } catch {
      announce(text("failed"));
    }
  }
}

customElements.define("in-place", InPlace);
