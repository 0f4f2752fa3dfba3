// The search box of every page: suggestions (ARIA combobox with a listbox), and `/` to go there.
import { usesSingleKeys } from "./keys";
import { ApiError, announce, api, find, text } from "./page";

const DELAY = 150; // ms after the last key
const MAX_SUGGESTIONS = 8;
const LIST = "search-suggestions";

interface Suggestion {
  kind: "title" | "author" | "category" | "term";
  text: string;
}

/** Whether an input method uses the key. Safari ends a composition before its last key, which has this code. */
function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

class SearchBox extends HTMLElement {
  #input!: HTMLInputElement;
  #list = document.createElement("ul");
  #timer = 0;
  #request = new AbortController();
  #active = -1;
  #typed = "";
  #before: HTMLElement | null = null; // where the focus was before `/`

  connectedCallback(): void {
    this.#input = find<HTMLInputElement>(this, "input");
    this.#describe();
    this.#input.addEventListener("input", (event) => {
      if (!(event as InputEvent).isComposing) this.#schedule();
    });
    this.#input.addEventListener("compositionstart", () => this.#close());
    this.#input.addEventListener("compositionend", () => this.#schedule());
    this.#input.addEventListener("keydown", (event) => this.#press(event));
    this.#input.addEventListener("blur", () => this.#close());
    this.#list.addEventListener("pointerdown", (event) => event.preventDefault()); // the input keeps the focus
    this.#list.addEventListener("click", (event) => this.#choose(event.target));
    document.addEventListener("keydown", (event) => this.#enter(event));
  }

  #describe(): void {
    this.#list.id = LIST;
    this.#list.role = "listbox";
    this.#list.ariaLabel = text("suggestions");
    this.#list.hidden = true;
    this.append(this.#list);
    this.#input.role = "combobox";
    this.#input.ariaAutoComplete = "list";
    this.#input.ariaExpanded = "false";
    this.#input.setAttribute("aria-controls", LIST);
  }

  #schedule(): void {
    this.#forget();
    this.#timer = window.setTimeout(() => this.#suggest(), DELAY);
  }

  /** Drops the running request, so that a late response never replaces a newer one. */
  #forget(): void {
    clearTimeout(this.#timer);
    this.#request.abort();
    this.#request = new AbortController();
  }

  async #suggest(): Promise<void> {
    const words = this.#input.value.trim();
    const { signal } = this.#request;
    if (!words) {
      this.#close();
      return;
    }
    try {
      const query = new URLSearchParams({ q: words, limit: String(MAX_SUGGESTIONS) });
      const { suggestions } = await api<{ suggestions: Suggestion[] }>(`/search/suggest?${query}`, {
        signal,
      });
      if (!signal.aborted) this.#show(suggestions);
    } catch (error) {
      // Suggestions only save typing: without them, Enter searches as before.
      if (!(error instanceof ApiError)) throw error;
      if (!signal.aborted) this.#close();
    }
  }

  #show(suggestions: Suggestion[]): void {
    if (!suggestions.length || document.activeElement !== this.#input) {
      this.#close();
      return;
    }
    this.#typed = this.#input.value;
    this.#list.replaceChildren(...suggestions.map(option));
    this.#list.hidden = false;
    this.#input.ariaExpanded = "true";
    this.#activate(-1);
    announce(text("suggestion_count", { count: suggestions.length }));
  }

  #close(): void {
    this.#forget();
    this.#list.hidden = true;
    this.#input.ariaExpanded = "false";
    this.#activate(-1);
  }

  #press(event: KeyboardEvent): void {
    if (isComposing(event)) {
      if (event.key === "Enter") event.preventDefault(); // it ends the composition and must not submit
      return;
    }
    if (event.key === "Escape") this.#escape(event);
    else if (event.key === "ArrowDown") this.#move(event, 1);
    else if (event.key === "ArrowUp") this.#move(event, -1);
    else if (event.key === "Enter") this.#close(); // the form submits what the box shows
  }

  #escape(event: KeyboardEvent): void {
    event.preventDefault();
    if (this.#list.hidden) {
      this.#leave();
      return;
    }
    this.#input.value = this.#typed;
    this.#close();
  }

  #leave(): void {
    const before = this.#before;
    this.#before = null;
    if (before?.isConnected && before !== document.body) before.focus();
    else this.#input.blur();
  }

  #move(event: KeyboardEvent, step: number): void {
    event.preventDefault();
    if (this.#list.hidden) {
      this.#schedule();
      return;
    }
    const places = this.#list.children.length + 1; // one of them is the box itself
    this.#activate(((this.#active + 1 + step + places) % places) - 1);
    this.#input.value = queryOf(this.#list.children[this.#active]) ?? this.#typed;
  }

  #activate(place: number): void {
    this.#active = place;
    for (const [at, item] of [...this.#list.children].entries()) item.ariaSelected = String(at === place);
    const active = this.#list.children[place];
    if (active) this.#input.setAttribute("aria-activedescendant", active.id);
    else this.#input.removeAttribute("aria-activedescendant");
    active?.scrollIntoView({ block: "nearest" });
  }

  #choose(target: EventTarget | null): void {
    const chosen = target instanceof Element ? target.closest("[role=option]") : null;
    if (!chosen) return;
    this.#input.value = queryOf(chosen) ?? "";
    this.#close();
    this.#input.form?.requestSubmit();
  }

  #enter(event: KeyboardEvent): void {
    if (event.key !== "/" || isComposing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!usesSingleKeys() || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    this.#before = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    this.#input.focus();
    this.#input.select();
  }
}

function option(suggestion: Suggestion, place: number): HTMLLIElement {
  const item = document.createElement("li");
  item.id = `${LIST}-${place}`;
  item.role = "option";
  item.textContent = suggestion.text;
  item.dataset.query = searchFor(suggestion);
  if (suggestion.kind !== "title") {
    const kind = document.createElement("span");
    kind.className = "soft";
    kind.textContent = ` ${text(`suggestion_${suggestion.kind}`)}`;
    item.append(kind);
  }
  return item;
}

/** The search that finds what is suggested: an author or a category is looked for in its own field. */
function searchFor({ kind, text: name }: Suggestion): string {
  return kind === "author" || kind === "category" ? `${kind}:"${name.replaceAll('"', " ")}"` : name;
}

function queryOf(item: Element | undefined): string | undefined {
  return item instanceof HTMLElement ? item.dataset.query : undefined;
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches("input, textarea, select");
}

customElements.define("search-box", SearchBox);
