// The list of one's own mechanisms: choosing all, following what is processed, and more of them on the same page.
import { announce, find } from "./page";
import { ProcessingWatch, stepText } from "./processing";

class OwnedList extends HTMLElement {
  connectedCallback(): void {
    this.#offerAll();
    for (const row of this.querySelectorAll<HTMLElement>(".owned > li")) this.#follow(row);
    this.#offerMore();
  }

  #offerAll(): void {
    const label = this.querySelector<HTMLElement>(".all");
    if (!label) return;
    label.hidden = false;
    const all = find<HTMLInputElement>(label, "input");
    all.addEventListener("change", () => {
      for (const box of this.#boxes()) box.checked = all.checked;
    });
    this.addEventListener("change", (event) => {
      if (event.target === all) return;
      const chosen = this.#boxes().filter((box) => box.checked).length;
      all.checked = chosen === this.#boxes().length;
      all.indeterminate = chosen > 0 && !all.checked;
    });
  }

  #boxes(): HTMLInputElement[] {
    return [...this.querySelectorAll<HTMLInputElement>("input[name=id]")];
  }

  /** Shows the progress of a mechanism that is being processed. */
  #follow(row: HTMLElement): void {
    if (row.dataset.state !== "processing") return;
    const bar = find<HTMLProgressElement>(row, "progress");
    new ProcessingWatch(
      row.dataset.id ?? "",
      (status) => {
        if (status.state === "ready" || status.state === "failed") {
          void this.#refresh(row);
          return;
        }
        bar.hidden = false;
        bar.value = status.progress;
        find(row, "[data-role=step]").textContent = stepText(status);
      },
      () => void this.#refresh(row),
    );
  }

  /** Replaces a row by what the server shows of it now. */
  async #refresh(row: HTMLElement): Promise<void> {
    // Without the filter, which the mechanism no longer matches; or else from this page of a long list.
    const page = await fetched(location.pathname);
    const fresh = page?.getElementById(row.id) ?? (await fetched(location.href))?.getElementById(row.id);
    if (!fresh) return;
    const box = row.querySelector<HTMLInputElement>("input[name=id]");
    const freshBox = fresh.querySelector<HTMLInputElement>("input[name=id]");
    if (box && freshBox) freshBox.checked = box.checked;
    const hadFocus = row.contains(document.activeElement);
    row.replaceWith(fresh);
    if (hadFocus) fresh.querySelector<HTMLElement>("a")?.focus();
    announce(`${fresh.querySelector("h2")?.textContent}: ${fresh.querySelector(".tag")?.textContent}`);
  }

  #offerMore(): void {
    document.addEventListener("click", async (event) => {
      const link = (event.target as Element).closest<HTMLAnchorElement>("a[data-role=more]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const page = await fetched(link.href);
      const items = [...(page?.querySelectorAll<HTMLElement>(".owned > li") ?? [])];
      if (!page || !items.length) {
        location.assign(link.href);
        return;
      }
      find(this, ".owned").append(...items);
      for (const item of items) this.#follow(item);
      const next = page.querySelector<HTMLAnchorElement>("a[data-role=more]");
      if (next) link.href = next.href;
      else link.remove();
      items[0]?.querySelector<HTMLElement>("h2 a")?.focus();
    });
  }
}

/** Returns the page at `address`; undefined if it cannot be read now. */
async function fetched(address: string): Promise<Document | undefined> {
  try {
    const response = await fetch(address, { headers: { Accept: "text/html" } });
    if (!response.ok) return undefined;
    return new DOMParser().parseFromString(await response.text(), "text/html");
  } catch {
    return undefined; // the row stays as it was until the page is loaded again
  }
}

customElements.define("mechanism-list", OwnedList);
