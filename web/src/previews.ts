// Pictures of mechanisms that move while somebody looks at them.
import { prefersLessMotion } from "./page";

const DELAY = 120; // ms; so that a pointer that only passes loads nothing

/** A card whose still picture is replaced by its looping preview on hover and on focus. */
class Preview extends HTMLElement {
  #timer = 0;

  connectedCallback(): void {
    this.addEventListener("pointerenter", () => this.#start());
    this.addEventListener("pointerleave", () => this.#stop());
    this.addEventListener("focusin", () => this.#start());
    this.addEventListener("focusout", () => this.#stop());
  }

  #start(): void {
    const source = this.dataset.preview;
    if (!source || prefersLessMotion.matches) return;
    this.#timer = window.setTimeout(() => this.#show(source), DELAY);
  }

  #show(source: string): void {
    const image = this.querySelector("img");
    if (!image || image.dataset.still) return;
    const moving = new Image();
    moving.src = source;
    moving.decode().then(
      () => {
        if (!this.#timer) return;
        image.dataset.still = image.src;
        image.src = source;
      },
      () => {}, // the still picture stays
    );
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const image = this.querySelector<HTMLImageElement>("img[data-still]");
    if (!image?.dataset.still) return;
    image.src = image.dataset.still;
    delete image.dataset.still;
  }
}

customElements.define("mechanism-preview", Preview);
