// The player of a clip: loops, steps by frames, and plays slowly.
import { changeSpeed, filled, isForPlayer, showPlaying, useSingleKeys, usesSingleKeys } from "./keys";
import { Measure, type Measurement } from "./measure";
import { find, prefersLessMotion } from "./page";

const UNKNOWN_RATE = 30; // frames per second of clips on other hosts, whose frames nobody has counted
const KEYS: Record<string, string> = {
  " ": "play",
  k: "play",
  ",": "back",
  ".": "forward",
  "<": "slower",
  ">": "faster",
  i: "in",
  o: "out",
  w: "whole",
  m: "mirror",
  a: "angle",
  l: "length",
  f: "full",
  Escape: "clear",
};

export class LoopPlayer extends HTMLElement {
  #video!: HTMLVideoElement;
  #scrubber!: HTMLInputElement;
  #speed: HTMLSelectElement | null = null;
  #measure: Measure | undefined;
  #frames = 1;
  #rate = UNKNOWN_RATE;
  #frame = 0;
  #span: [number, number] | undefined; // first and last frame
  readonly #onKey = (event: KeyboardEvent) => this.#press(event);
  readonly #actions: Record<string, () => void> = {
    play: () => (this.#video.paused ? this.#play() : this.#video.pause()),
    back: () => this.#show(this.#frame - 1),
    forward: () => this.#show(this.#frame + 1),
    slower: () => this.#changeSpeed(-1),
    faster: () => this.#changeSpeed(1),
    in: () => this.#loop(this.#frame, Math.max(this.#frame, this.#span?.[1] ?? this.#frames - 1)),
    out: () => this.#loop(Math.min(this.#frame, this.#span?.[0] ?? 0), this.#frame),
    whole: () => this.#loop(0, this.#frames - 1),
    sound: () => this.#toggleSound(),
    mirror: () => this.#mirror(),
    angle: () => this.#startMeasuring("angle"),
    length: () => this.#startMeasuring("length"),
    reference: () => this.#setReference(),
    clear: () => this.#stopMeasuring(),
    full: () => this.#toggleFullScreen(),
  };

  connectedCallback(): void {
    this.#video = find(this, "video");
    this.#scrubber = find(this, "[data-scrubber]");
    this.#speed = this.querySelector("[data-speed]");
    const overlay = this.querySelector<SVGSVGElement>("[data-overlay]");
    if (overlay) this.#measure = new Measure(overlay, find(this, "[data-measuring]"));
    this.#video.controls = false;
    this.#listen();
    this.#countFrames();
    this.#showState();
    if (!prefersLessMotion.matches) this.#play();
  }

  disconnectedCallback(): void {
    document.removeEventListener("keydown", this.#onKey);
  }

  #listen(): void {
    const video = this.#video;
    video.addEventListener("loadedmetadata", () => {
      this.#countFrames();
      if (!this.dataset.frames) this.#measure?.resize(video.videoWidth, video.videoHeight);
    });
    video.addEventListener("play", () => this.#showState());
    video.addEventListener("pause", () => this.#showState());
    video.addEventListener("click", () => this.#act("play"));
    this.#watchFrames();
    this.#scrubber.addEventListener("input", () => this.#show(Number(this.#scrubber.value) - 1));
    this.#speed?.addEventListener("change", () => {
      video.playbackRate = Number(this.#speed?.value);
    });
    this.addEventListener("click", (event) => {
      const button = (event.target as Element).closest<HTMLElement>("[data-action]");
      if (button) this.#act(button.dataset.action ?? "");
    });
    this.#offerKeys();
    prefersLessMotion.addEventListener("change", () => prefersLessMotion.matches && video.pause());
    document.addEventListener("keydown", this.#onKey);
  }

  #offerKeys(): void {
    const choice = this.querySelector<HTMLInputElement>("[data-keys]");
    if (!choice) return;
    choice.checked = usesSingleKeys();
    choice.addEventListener("change", () => useSingleKeys(choice.checked));
  }

  #press(event: KeyboardEvent): void {
    const action = KEYS[event.key];
    if (!action || !isForPlayer(event, this)) return;
    if (action === "clear" && !this.#measure?.kind) return;
    event.preventDefault();
    this.#act(action);
  }

  #act(action: string): void {
    this.#actions[action]?.();
  }

  #play(): void {
    // A browser that refuses to play by itself leaves the clip paused, which the button shows.
    this.#video.play().catch(() => this.#showState());
  }

  /** Learns how many frames there are, which the page knows of stored clips, and how long each lasts. */
  #countFrames(): void {
    const duration = this.#video.duration;
    this.#frames = Number(this.dataset.frames) || Math.max(1, Math.round((duration || 0) * UNKNOWN_RATE));
    if (duration > 0 && Number.isFinite(duration)) this.#rate = this.#frames / duration;
    this.#scrubber.max = String(this.#frames);
    this.#tell();
  }

  /** Follows the shown frame, exactly where the browser says which one it is. */
  #watchFrames(): void {
    const video = this.#video;
    if ("requestVideoFrameCallback" in video) {
      const onFrame = (_: number, { mediaTime }: VideoFrameCallbackMetadata) => {
        this.#arrive(Math.round(mediaTime * this.#rate));
        video.requestVideoFrameCallback(onFrame);
      };
      video.requestVideoFrameCallback(onFrame);
      return;
    }
    const onTick = () => {
      this.#arrive(Math.floor(this.#video.currentTime * this.#rate + 1e-6));
      requestAnimationFrame(onTick);
    };
    requestAnimationFrame(onTick);
  }

  /** Notes the frame of a playing clip; at the end of the span it goes back to its beginning. */
  #arrive(frame: number): void {
    // While paused, the chosen frame counts: clips with uneven frames would otherwise be stuck at some.
    if (this.#video.paused) return;
    if (this.#span && (frame > this.#span[1] || frame < this.#span[0])) {
      this.#seek(this.#span[0]);
      return;
    }
    this.#frame = Math.min(this.#frames - 1, Math.max(0, frame));
    this.#tell();
  }

  /** Stops at `frame`; past the ends of the clip or span it goes on at the other end. */
  #show(frame: number): void {
    const [first, last] = this.#span ?? [0, this.#frames - 1];
    this.#video.pause();
    this.#seek(frame < first ? last : frame > last ? first : frame);
  }

  #seek(frame: number): void {
    this.#frame = frame;
    this.#video.currentTime = (frame + 0.5) / this.#rate; // the middle of the frame
    this.#tell();
  }

  #loop(first: number, last: number): void {
    const isWhole = first === 0 && last === this.#frames - 1;
    this.#span = isWhole ? undefined : [first, last];
    this.querySelector<HTMLButtonElement>("[data-action=whole]")?.toggleAttribute("disabled", isWhole);
    const message = find(this, "[data-span]");
    message.textContent = isWhole ? "" : filled(message.dataset.text, { first: first + 1, last: last + 1 });
    const bar = find(this, "[data-span-bar]");
    bar.hidden = isWhole;
    bar.style.insetInlineStart = `${(100 * first) / this.#frames}%`;
    bar.style.inlineSize = `${(100 * (last - first + 1)) / this.#frames}%`;
  }

  /** Plays from a moment on, in ms, or repeats the span from `start` to `end`. */
  playFrom(start: number, end?: number): void {
    if (this.#video.readyState === HTMLMediaElement.HAVE_NOTHING) {
      this.#video.addEventListener("loadedmetadata", () => this.playFrom(start, end), { once: true });
      this.#play(); // which loads it
      return;
    }
    const [first, last] = [this.#frameAt(start), end === undefined ? this.#frames - 1 : this.#frameAt(end)];
    this.#loop(end === undefined ? 0 : first, last);
    this.#seek(first);
    this.#play();
  }

  /** The time of the shown frame. */
  get seconds(): number {
    return this.#frame / this.#rate;
  }

  #frameAt(ms: number): number {
    return Math.min(this.#frames - 1, Math.floor((ms / 1000) * this.#rate + 1e-6));
  }

  #toggleSound(): void {
    this.#video.muted = !this.#video.muted;
    this.#mark("sound", !this.#video.muted);
  }

  #mirror(): void {
    const isMirrored = find(this, ".stage").classList.toggle("mirrored");
    this.#mark("mirror", isMirrored);
    this.#measure?.mirror();
  }

  #changeSpeed(step: number): void {
    if (this.#speed) changeSpeed(this.#speed, step);
  }

  #startMeasuring(kind: Measurement): void {
    if (this.#measure?.kind === kind) {
      this.#stopMeasuring();
      return;
    }
    this.#video.pause();
    this.#measure?.start(kind);
    this.#mark("angle", kind === "angle");
    this.#mark("length", kind === "length");
  }

  #stopMeasuring(): void {
    const kind = this.#measure?.kind;
    this.#measure?.clear();
    this.#mark("angle", false);
    this.#mark("length", false);
    if (kind) find(this, `[data-action=${kind}]`).focus();
  }

  #setReference(): void {
    const length = find<HTMLInputElement>(this, "[data-true-length]");
    const unit = find<HTMLInputElement>(this, "[data-unit]");
    this.#measure?.refer(Number(length.value), unit.value);
  }

  #toggleFullScreen(): void {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.requestFullscreen?.();
  }

  #mark(action: string, isPressed: boolean): void {
    this.querySelector(`[data-action=${action}]`)?.setAttribute("aria-pressed", String(isPressed));
  }

  #showState(): void {
    showPlaying(find(this, "[data-action=play]"), !this.#video.paused);
  }

  /** Shows the frame and its time. */
  #tell(): void {
    const facts = {
      frame: this.#frame + 1,
      frames: this.#frames,
      time: (this.#frame / this.#rate).toFixed(2),
    };
    this.#scrubber.value = String(facts.frame);
    this.#scrubber.setAttribute("aria-valuetext", filled(this.#scrubber.dataset.text, facts));
    const readout = this.querySelector<HTMLElement>("[data-readout]");
    if (readout) readout.textContent = filled(readout.dataset.text, facts);
  }
}

customElements.define("loop-player", LoopPlayer);
