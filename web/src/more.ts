// "Show more": appends the next cards, and changes the address so that Back returns to the longer list.
import { announce, find, text } from "./page";

class ShowMore extends HTMLElement {
  #link!: HTMLAnchorElement;
  #isLoading = false;

  connectedCallback(): void {
    this.#link = find<HTMLAnchorElement>(this, "a");
    this.#link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab or window: the link's own way
      event.preventDefault();
      void this.#load();
    });
  }

  async #load(): Promise<void> {
    if (this.#isLoading) return;
    this.#setLoading(true);
    try {
      this.#append(await this.#fetch());
    } catch (error) {
      this.#fail(error instanceof Error && !(error instanceof TypeError) ? error.message : text("failed"));
    }
  }

  /** Returns the next cards as a document. Throws an Error with the message of the server. */
  async #fetch(): Promise<Document> {
    const headers = { Accept: "*/*", "Accept-Language": document.documentElement.lang };
    const response = await fetch(this.dataset.cards ?? "", { headers });
    const body = await response.text();
    if (response.ok) return new DOMParser().parseFromString(body, "text/html");
    const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
    throw new Error(isJson ? JSON.parse(body).message : text("failed"));
  }

  #append(page: Document): void {
    const list = find(document, "#mechanisms");
    const shown = new Set([...list.children].map(address));
    // A mechanism published meanwhile moves the others: the last one shown may come again.
    const cards = [...find(page, ".cards").children].filter((card) => !shown.has(address(card)));
    list.append(...cards);
    history.replaceState(history.state, "", this.#link.href);
    announce(text("more_shown", { count: cards.length }));
    const next = page.querySelector(".more");
    if (next) this.replaceWith(next);
    else this.remove();
    (cards[0] ?? next)?.querySelector("a")?.focus();
  }

  #setLoading(isLoading: boolean): void {
    this.#isLoading = isLoading;
    this.querySelector("[role=alert]")?.remove();
    this.#link.textContent = text(isLoading ? "loading" : "more");
    this.#link.ariaDisabled = String(isLoading);
    this.ariaBusy = String(isLoading);
  }

  #fail(reason: string): void {
    this.#setLoading(false);
    const notice = document.createElement("p");
    notice.className = "notice bad";
    notice.role = "alert";
    notice.textContent = `${text("more_failed")} ${reason}`;
    this.prepend(notice);
    this.#link.textContent = text("retry");
  }
}

/** Returns the address of the mechanism of a card. */
function address(card: Element): string | undefined {
  return card.querySelector("a")?.href;
}

customElements.define("show-more", ShowMore);
