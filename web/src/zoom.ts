import { find } from "./page";

const STEP = 1.5;
const MAX_ZOOM = 16;

/** A picture that is shown whole and can be enlarged: by buttons, by + and -, and by the wheel with Ctrl. */
class PictureZoom extends HTMLElement {
  #zoom = 1;
  #stage!: HTMLElement;
  #image!: HTMLImageElement;

  connectedCallback(): void {
    this.#stage = find(this, "[data-zoom-stage]");
    this.#image = find<HTMLImageElement>(this, "img");
    find(this, "[data-zoom-tools]").hidden = false;
    const actions = { in: () => this.#by(STEP), out: () => this.#by(1 / STEP), fit: () => this.#to(1) };
    for (const [name, act] of Object.entries(actions)) {
      find(this, `[data-zoom=${name}]`).addEventListener("click", act);
    }
    this.#stage.addEventListener("keydown", (event) => this.#onKey(event));
    this.#stage.addEventListener("wheel", (event) => this.#onWheel(event), { passive: false });
    this.#to(1);
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+") this.#by(STEP);
    else if (event.key === "-") this.#by(1 / STEP);
    else if (event.key === "0") this.#to(1);
    else return;
    event.preventDefault();
  }

  #onWheel(event: WheelEvent): void {
    if (!event.ctrlKey) return; // the page scrolls
    event.preventDefault();
    this.#by(event.deltaY < 0 ? STEP : 1 / STEP);
  }

  #by(factor: number): void {
    this.#to(this.#zoom * factor);
  }

  /** Shows the picture `zoom` times as large as the whole; what is in the middle stays there. */
  #to(zoom: number): void {
    const stage = this.#stage;
    const x = (stage.scrollLeft + stage.clientWidth / 2) / stage.scrollWidth;
    const y = (stage.scrollTop + stage.clientHeight / 2) / stage.scrollHeight;
    this.#zoom = Math.min(Math.max(zoom, 1), MAX_ZOOM);
    this.#image.style.setProperty("--zoom", String(this.#zoom));
    this.classList.toggle("enlarged", this.#zoom > 1);
    stage.scrollLeft = x * stage.scrollWidth - stage.clientWidth / 2;
    stage.scrollTop = y * stage.scrollHeight - stage.clientHeight / 2;
    const level = find(this, "[data-zoom-level]");
    level.textContent = (level.dataset.text ?? "").replace("{percent}", String(Math.round(this.#zoom * 100)));
  }
}

customElements.define("picture-zoom", PictureZoom);
