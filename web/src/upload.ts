// Loaded by the upload page: chooses files, and sends them one after the other.
import { hasMagicNumber } from "./magic_numbers";
import { find, text, url } from "./page";
import { UploadRow } from "./upload_row";

/** The list of clips on the upload page. */
class Uploads extends HTMLElement {
  #rows: UploadRow[] = [];
  #isSending = false;

  connectedCallback(): void {
    for (const input of this.querySelectorAll<HTMLInputElement>("input[type=file]")) {
      input.addEventListener("change", () => {
        this.#add(input.files ?? []);
        input.value = ""; // so that the same file can be chosen again
      });
    }
    find(this, "[data-role=start]").addEventListener("click", () => this.#start());
    this.addEventListener("stored", () => void this.#updateQuota());
    addEventListener("beforeunload", (event) => {
      if (this.#rows.some((row) => row.isUnderWay)) event.preventDefault();
    });
    this.#acceptDrops();
  }

  #acceptDrops(): void {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files");
    addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.classList.add("dropping");
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) this.classList.remove("dropping");
    });
    addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.classList.remove("dropping");
      this.#add(event.dataTransfer?.files ?? []);
    });
  }

  #add(files: Iterable<File>): void {
    const template = find<HTMLTemplateElement>(this, "template");
    const judge = { refusalOf: this.#refusalOf.bind(this), problemOf: this.#problemOf.bind(this) };
    const added = [...files].map((file) => new UploadRow(file, template, judge, () => this.#changed()));
    this.#rows.push(...added);
    find(this, ".uploads").append(...added.map((row) => row.element));
    this.#changed();
    added[0]?.element.querySelector<HTMLInputElement>("[name=title]")?.focus();
  }

  #start(): void {
    for (const row of this.#rows) if (row.state === "new") row.enqueue();
  }

  /** Returns why the server will refuse the file, in its words, so that nobody sends it in vain; "" if it may not. */
  async #refusalOf(file: File): Promise<string> {
    const { maxBytes, tooLarge, unsupported, magicNumbers } = this.dataset;
    if (!file.size) return text("upload_empty");
    if (file.size > Number(maxBytes)) return tooLarge ?? "";
    try {
      return (await hasMagicNumber(file, JSON.parse(magicNumbers ?? "[]"))) ? "" : (unsupported ?? "");
    } catch (error) {
      if (error instanceof DOMException) return text("upload_unreadable"); // a folder, or a file that is gone
      throw error;
    }
  }

  /** Returns why the file can't be sent now; "" if it can. */
  #problemOf(file: File): string {
    const { bytesLeft } = find(document, ".quota").dataset;
    const queued = this.#rows.reduce((sum, row) => sum + (row.state === "queued" ? row.size : 0), 0);
    return bytesLeft !== undefined && queued + file.size > Number(bytesLeft) ? text("upload_no_room") : "";
  }

  /** Shows what is stored now, as a new request of this page says it. */
  async #updateQuota(): Promise<void> {
    const response = await fetch(url("/upload")).catch(() => null); // without a connection, the former text stays
    if (!response?.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const quota = page.querySelector(".quota");
    if (quota) find(document, ".quota").replaceWith(quota);
  }

  #changed(): void {
    this.#rows = this.#rows.filter((row) => row.element.isConnected || row.state === "new");
    const fresh = this.#rows.filter((row) => row.state === "new").length;
    find(this, "[data-role=bar]").hidden = !this.#rows.length;
    find<HTMLButtonElement>(this, "[data-role=start]").disabled = !fresh;
    const done = this.#rows.filter((row) => ["ready", "public"].includes(row.state)).length;
    const summary = text("upload_summary", { done, count: this.#rows.length });
    find(this, "[data-role=summary]").textContent = summary;
    if (!this.#isSending) this.#sendQueued();
  }

  /** Sends what is queued, one clip at a time: each of them is there sooner, and the line stays usable. */
  async #sendQueued(): Promise<void> {
    this.#isSending = true;
    try {
      for (let row = this.#next(); row; row = this.#next()) await row.send();
    } finally {
      this.#isSending = false;
    }
  }

  #next(): UploadRow | undefined {
    return this.#rows.find((row) => row.state === "queued");
  }
}

customElements.define("mechanism-uploads", Uploads);
