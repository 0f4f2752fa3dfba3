// Pictures of mechanisms that move while somebody looks at them.
import { find, prefersLessMotion, storage } from "./page";

const DELAY = 120; // ms; so that a pointer that only passes loads nothing
const MAX_PLAYING = 3; // on touch screens, where cards play because they are in view

const PAUSED = "mechshare-previews-paused"; // in this browser, for its later visits too

/** Whether the browser asks for less data (Save-Data, and `prefers-reduced-data`). */
function savesData(): boolean {
  const { connection } = navigator as Navigator & { connection?: { saveData?: boolean } };
  return connection?.saveData === true || matchMedia("(prefers-reduced-data: reduce)").matches;
}

/** A card whose still picture is replaced by its looping preview while the person points at it or focuses it. */
class Preview extends HTMLElement {
  #timer = 0;
  #reasons = new Set<string>();

  connectedCallback(): void {
    this.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && this.play("pointer"));
    this.addEventListener("pointerleave", () => this.stop("pointer"));
    this.addEventListener("focusin", () => this.play("focus"));
    this.addEventListener("focusout", () => this.stop("focus"));
    inView?.observe(this);
  }

  disconnectedCallback(): void {
    inView?.unobserve(this);
    this.#reasons.clear();
    this.#showStill();
  }

  get isPlaying(): boolean {
    return this.#reasons.size > 0;
  }

  /** Plays until every reason to play is gone. */
  play(reason: string): void {
    const source = this.dataset.preview;
    if (!source || prefersLessMotion.matches || (reason === "view" && isPaused)) return;
    this.#reasons.add(reason);
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#load(source), DELAY);
  }

  stop(reason: string): void {
    this.#reasons.delete(reason);
    if (!this.isPlaying) this.#showStill();
  }

  stopAll(): void {
    this.#reasons.clear();
    this.#showStill();
  }

  #load(source: string): void {
    if (isVideo(source)) {
      this.#showVideo(source);
      return;
    }
    const moving = new Image();
    moving.src = source;
    moving.decode().then(
      () => this.#show(source),
      () => {}, // the still picture stays
    );
  }

  #show(source: string): void {
    const image = this.querySelector("img");
    if (!image || image.dataset.still || !this.isPlaying) return;
    image.dataset.still = image.getAttribute("src") ?? "";
    image.src = source;
  }

  /** Lays the video over the still picture, which stays if the video can't be played. */
  #showVideo(source: string): void {
    const image = this.querySelector("img");
    if (!image || this.querySelector("video") || !this.isPlaying) return;
    const video = document.createElement("video");
    video.muted = video.loop = video.playsInline = true;
    video.disableRemotePlayback = true;
    video.ariaHidden = "true";
    video.src = source;
    video.addEventListener("loadeddata", () => video.play().catch(() => video.remove()));
    video.addEventListener("error", () => video.remove());
    image.after(video);
  }

  #showStill(): void {
    clearTimeout(this.#timer);
    this.querySelector("video")?.remove();
    const image = this.querySelector<HTMLImageElement>("img[data-still]");
    if (!image?.dataset.still) return;
    image.src = image.dataset.still;
    delete image.dataset.still;
  }
}

/** Whether a preview is a video; others are animated pictures. */
function isVideo(source: string): boolean {
  return new URL(source, location.href).pathname.endsWith(".mp4");
}

let isPaused = storage()?.getItem(PAUSED) === "yes";

/** The button that stops what moves by itself; shown where cards play because they are in view. */
class PausePreviews extends HTMLElement {
  connectedCallback(): void {
    this.hidden = !inView || prefersLessMotion.matches;
    const button = find(this, "button");
    button.setAttribute("aria-pressed", String(isPaused));
    button.addEventListener("click", () => this.#toggle(button));
  }

  #toggle(button: HTMLElement): void {
    isPaused = !isPaused;
    storage()?.setItem(PAUSED, isPaused ? "yes" : "no");
    button.setAttribute("aria-pressed", String(isPaused));
    for (const card of document.querySelectorAll<Preview>("mechanism-preview[data-in-view]"))
      card.stop("view");
    playInView([]);
  }
}

/** Plays the first few cards in view, and others once these leave it. */
function playInView(entries: IntersectionObserverEntry[]): void {
  for (const { target, isIntersecting } of entries) {
    target.toggleAttribute("data-in-view", isIntersecting);
    if (!isIntersecting) (target as Preview).stop("view");
  }
  const seen = document.querySelectorAll<Preview>("mechanism-preview[data-in-view]");
  for (const [place, card] of [...seen].entries()) {
    if (place < MAX_PLAYING) card.play("view");
    else card.stop("view");
  }
}

// A screen without a pointer that hovers has no other way to show what moves.
const inView =
  matchMedia("(hover: none)").matches && !savesData()
    ? new IntersectionObserver(playInView, { threshold: 0.75 })
    : undefined;

prefersLessMotion.addEventListener("change", () => {
  for (const card of document.querySelectorAll<Preview>("mechanism-preview")) card.stopAll();
});

customElements.define("mechanism-preview", Preview);
customElements.define("pause-previews", PausePreviews);
