// One clip on the upload page: its texts, its way to the server, and its processing.
import { ApiError, announce, api, find, text, url } from "./page";
import { type ProcessingStatus, ProcessingWatch, stepText } from "./processing";
import { newKey, Refused, send, type Texts, wasBegun } from "./sending";

/** The status of a refusal that no other text mends. */
const UNSUPPORTED_FORMAT = 415;
/** Characters of the title of a mechanism that moves alike. */
const LONGEST_HINT = 30;

export type RowState =
  | "new"
  | "queued"
  | "sending"
  | "waiting"
  | "refused"
  | "unusable"
  | "processing"
  | "failed"
  | "ready"
  | "public";

const BUTTONS: Record<RowState, string[]> = {
  new: ["remove"],
  queued: ["stop"],
  sending: ["stop"],
  waiting: ["stop"],
  refused: ["retry", "remove"],
  unusable: ["remove"],
  processing: ["open", "edit"],
  failed: ["retry", "open", "edit"],
  ready: ["publish", "open", "edit"],
  public: ["open"],
};
const TONES: Partial<Record<RowState, string>> = {
  refused: "bad",
  unusable: "bad",
  failed: "bad",
  waiting: "warn",
  ready: "good",
  public: "good",
};
const ACTIONS = ["publish", "retry", "open", "edit", "stop", "remove"];
let rows = 0;

/** What is known of a file before it is sent: why it is never accepted, and why not now; "" for no reason. */
export interface Judge {
  refusalOf(file: File): Promise<string>;
  problemOf(file: File): string;
}

/** The row of `file`, whose element is a copy of the page's template. */
export class UploadRow {
  state: RowState = "new";
  readonly element: HTMLElement;
  readonly name: string;
  #id = "";
  #key = newKey();
  #stopping = new AbortController();
  #picture: string;

  constructor(
    private readonly file: File,
    template: HTMLTemplateElement,
    private readonly judge: Judge,
    private readonly onChange: () => void,
  ) {
    this.name = file.name;
    this.element = find(template.content.cloneNode(true) as DocumentFragment, "li");
    makeIdsUnique(this.element, ++rows);
    find(this.element, "h2").textContent = file.name;
    find<HTMLInputElement>(this.element, "[name=title]").value = titleOf(file.name);
    find(this.element, "progress").setAttribute("aria-label", file.name);
    this.#picture = URL.createObjectURL(file);
    find(this.element, ".shown").append(pictureOf(file, this.#picture));
    for (const role of ACTIONS) {
      const button = this.#role(role);
      const name = document.createElement("span");
      name.className = "visually-hidden";
      name.textContent = ` (${file.name})`;
      button.append(name);
    }
    this.#role("publish").addEventListener("click", () => this.#publish());
    this.#role("retry").addEventListener("click", () => this.#retry());
    this.#role("stop").addEventListener("click", () => this.#stop());
    this.#role("remove").addEventListener("click", () => this.#remove());
    this.element.addEventListener("submit", (event) => event.preventDefault());
    this.#show("new");
    void this.#examine();
  }

  async #examine(): Promise<void> {
    const refusal = await this.judge.refusalOf(this.file);
    const isBegun = !refusal && (await wasBegun(this.file));
    if (this.state !== "new") return;
    if (refusal) this.#show("unusable", refusal);
    else if (isBegun) this.#message(text("upload_begun"));
  }

  /** Whether leaving the page would lose the clip. */
  get isUnderWay(): boolean {
    return ["queued", "sending", "waiting"].includes(this.state);
  }

  /** The size of the file in bytes. */
  get size(): number {
    return this.file.size;
  }

  /** Marks the row as one to be sent, unless it is clear already that it would be refused. */
  enqueue(): void {
    this.#clearFieldProblems();
    const hasTitle = find<HTMLInputElement>(this.element, "[name=title]").value.trim() !== "";
    const problem = hasTitle ? this.judge.problemOf(this.file) : text("upload_no_title");
    if (!hasTitle) this.#fieldProblem("title", problem);
    if (problem) this.#show("refused", problem);
    else this.#show("queued");
  }

  /** Sends the clip; returns when the server has it or refused it, or when the person stopped it. */
  async send(): Promise<void> {
    const texts = this.#texts();
    this.#stopping = new AbortController();
    this.#show("sending", text("upload_percent", { percent: 0 }));
    try {
      await this.#sendPatiently(texts);
    } catch (error) {
      if (error instanceof Refused) this.#refuse(error);
      else if ((error as DOMException).name === "AbortError") this.#show("refused", text("upload_stopped"));
      else throw error;
    }
  }

  async #sendPatiently(texts: Texts): Promise<void> {
    while (true) {
      try {
        const progress = (part: number) => this.#progress(part);
        const sent = await send(this.file, texts, this.#key, progress, this.#stopping.signal);
        this.#watch(sent.id);
        return;
      } catch (error) {
        const seconds = error instanceof Refused && [429, 503].includes(error.status) ? error.retryAfter : 0;
        if (!seconds) throw error;
        await this.#wait(seconds, (error as Refused).message);
        this.#show("sending", text("upload_percent", { percent: 0 }));
      }
    }
  }

  async #wait(seconds: number, why: string): Promise<void> {
    for (let left = seconds; left > 0; left -= 1) {
      this.#show("waiting", `${why} ${text("upload_goes_on", { seconds: left })}`, left === seconds);
      await new Promise((done) => setTimeout(done, 1_000));
      this.#stopping.signal.throwIfAborted();
    }
  }

  #texts(): Texts {
    this.#fields().disabled = false; // a form does not include disabled fields
    const form = new FormData(find<HTMLFormElement>(this.element, "form"));
    const textOf = (name: string) => String(form.get(name) ?? "");
    return {
      title: textOf("title"),
      description: textOf("description"),
      categories: form.getAll("categories").flatMap((text) => namesIn(String(text))),
      reliability_level: textOf("reliability_level"),
      reliability_reason: textOf("reliability_reason"),
      parameters: textOf("parameters"),
      license: textOf("license"),
      visibility: textOf("visibility"),
      original_offered: textOf("original_offered"),
      stated_period_s: textOf("stated_period_s"),
      remove_metadata: textOf("remove_metadata"),
      thumbnail_at: textOf("thumbnail_at"),
    };
  }

  #progress(part: number): void {
    if (this.state !== "sending") return;
    const bar = find<HTMLProgressElement>(this.element, "progress");
    bar.value = part;
    this.#message(
      part < 1 ? text("upload_percent", { percent: Math.floor(part * 100) }) : text("upload_stored"),
    );
  }

  #refuse(error: Refused): void {
    for (const { field, message } of error.details) this.#fieldProblem(field, message);
    const isReused = error.code === "IDEMPOTENCY_KEY_REUSED";
    const message = isReused ? text("upload_sent_before") : messageOf(error);
    this.#show(error.status === UNSUPPORTED_FORMAT ? "unusable" : "refused", message);
  }

  #watch(id: string): void {
    this.#id = id;
    this.#role<HTMLAnchorElement>("open").href = url(`/m/${id}`);
    this.#role<HTMLAnchorElement>("edit").href = url(`/m/${id}/edit`);
    this.#show("processing", text("step_pending"));
    this.#sayStored();
    new ProcessingWatch(
      id,
      (status) => this.#processed(status),
      (error) => this.#show("failed", error.message),
    );
  }

  /** Tells the page that the server stores more, or less, than before. */
  #sayStored(): void {
    this.element.dispatchEvent(new Event("stored", { bubbles: true }));
  }

  #processed(status: ProcessingStatus): void {
    if (status.state === "ready" || status.state === "failed") this.#sayStored();
    if (status.state === "ready") this.#show("ready", readyText(status));
    else if (status.state === "failed") this.#show("failed", status.reason?.message ?? text("failed"));
    else {
      find<HTMLProgressElement>(this.element, "progress").value = status.progress;
      this.#message(stepText(status));
    }
  }

  async #publish(): Promise<void> {
    await this.#change("publish", () => this.#show("public", text("upload_public")));
  }

  async #retry(): Promise<void> {
    if (this.state === "refused") {
      this.enqueue();
      return;
    }
    await this.#change("processing/retry", () => this.#watch(this.#id));
  }

  async #change(path: string, onDone: () => void): Promise<void> {
    try {
      await api(`/mechanisms/${this.#id}/${path}`, { method: "POST" });
      onDone();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#show(this.state, error.message);
    }
  }

  #stop(): void {
    if (this.state === "queued") this.#show("new");
    else this.#stopping.abort();
  }

  #remove(): void {
    URL.revokeObjectURL(this.#picture);
    this.element.remove();
    this.state = "refused";
    this.onChange();
  }

  #show(state: RowState, message = "", isNews = true): void {
    const isOther = state !== this.state;
    const hadFocus = this.element.contains(document.activeElement);
    this.state = state;
    this.element.dataset.state = state;
    const tag = this.#role("state");
    tag.textContent = text(`upload_state_${state}`);
    tag.className = `tag ${TONES[state] ?? ""}`;
    this.#message(message);
    const isBusy = state === "sending" || state === "processing";
    const bar = find<HTMLProgressElement>(this.element, "progress");
    bar.hidden = !isBusy;
    if (isOther) bar.value = 0;
    for (const role of ACTIONS) this.#role(role).hidden = !BUTTONS[state].includes(role);
    const isEditable = state === "new" || state === "refused";
    this.#fields().disabled = !isEditable;
    find(this.element, "form").hidden = !isEditable;
    if (isNews && isOther) announce(`${this.name}: ${tag.textContent}. ${message}`);
    if (isOther && hadFocus) this.#keepFocus();
    this.onChange();
  }

  /** Moves the focus to the next useful button if what had it is gone. */
  #keepFocus(): void {
    if (this.element.contains(document.activeElement)) return;
    const role = BUTTONS[this.state][0];
    if (role) this.#role(role).focus();
  }

  #message(message: string): void {
    this.#role("message").textContent = message;
  }

  #fieldProblem(name: string, message: string): void {
    const field = this.element.querySelector<HTMLElement>(`[name="${CSS.escape(name)}"]`);
    const box = field?.closest(".field");
    if (!field || !box) return;
    const error = document.createElement("p");
    error.className = "error";
    error.id = `${field.id}-error`;
    error.textContent = message;
    box.append(error);
    field.setAttribute("aria-invalid", "true");
    for (
      let closed = field.closest("details");
      closed;
      closed = closed.parentElement?.closest("details") ?? null
    ) {
      closed.open = true;
    }
    field.dataset.notes = field.getAttribute("aria-describedby") ?? "";
    field.setAttribute("aria-describedby", `${error.id} ${field.dataset.notes}`.trim());
  }

  #clearFieldProblems(): void {
    for (const error of this.element.querySelectorAll(".error")) error.remove();
    for (const field of this.element.querySelectorAll<HTMLElement>("[aria-invalid]")) {
      field.removeAttribute("aria-invalid");
      if (field.dataset.notes) field.setAttribute("aria-describedby", field.dataset.notes);
      else field.removeAttribute("aria-describedby");
    }
  }

  #fields(): HTMLFieldSetElement {
    return this.#role<HTMLFieldSetElement>("fields");
  }

  #role<E extends HTMLElement = HTMLElement>(role: string): E {
    return find<E>(this.element, `[data-role=${role}]`);
  }
}

/** Returns what is said of a clip that is ready: who sees it, and which mechanisms move like it. */
function readyText(status: ProcessingStatus): string {
  const [nearest] = status.alike;
  if (!nearest) return text("upload_ready");
  const titles = text("upload_quoted", { title: shortened(nearest.title) });
  return `${text("upload_ready")} ${text("upload_alike", { titles })}`;
}

/** Returns a text that fits into the room that the row keeps for it. */
function shortened(title: string): string {
  const letters = [...title];
  return letters.length <= LONGEST_HINT ? title : `${letters.slice(0, LONGEST_HINT - 1).join("")}…`;
}

/** Returns a title from the name of a file: without its extension, with spaces for underscores. */
export function titleOf(name: string): string {
  const stem = name.replace(/\.[^.]{1,5}$/, "");
  const words = stem.replace(/_+/g, " ").replace(/\s+/g, " ").trim() || name;
  return [...words].slice(0, 200).join(""); // by characters: a half of one would be refused
}

function messageOf(error: Refused): string {
  const details = error.details.map((one) => one.message).filter((message) => message !== error.message);
  return error.code === "MALFORMED_REQUEST" && details.length ? details.join(" ") : error.message;
}

function namesIn(text: string): string[] {
  return text
    .split(/[,，、]/)
    .map((name) => name.trim())
    .filter(Boolean);
}

function pictureOf(file: File, address: string): HTMLElement {
  if (file.type.startsWith("image/")) {
    const image = new Image();
    image.onerror = () => image.remove(); // no picture says more than a broken one
    image.src = address;
    image.alt = "";
    return image;
  }
  const video = document.createElement("video");
  video.src = address;
  video.muted = true;
  video.playsInline = true;
  video.preload = "metadata";
  return video;
}

function makeIdsUnique(root: HTMLElement, number: number): void {
  for (const element of root.querySelectorAll("[id]")) element.id += `-${number}`;
  for (const name of ["for", "aria-describedby", "aria-labelledby"]) {
    for (const element of root.querySelectorAll(`[${name}]`)) {
      element.setAttribute(name, `${element.getAttribute(name)}-${number}`);
    }
  }
}
