// Loaded by the comparison page: two clips that run in step.
import "./external";
import { changeSpeed, filled, isForPlayer, showPlaying } from "./keys";
import { find, prefersLessMotion } from "./page";

const STEP = 1 / 30; // s; the step of the scrubber, about a frame
const MAX_DRIFT = 0.08; // s; a clip farther from its place is put there
const KEYS: Record<string, string> = {
  " ": "play",
  k: "play",
  ",": "back",
  ".": "forward",
  "<": "slower",
  ">": "faster",
};

/**
 * One clock for both clips: by phase, each runs once in the time of the first; by period, each does a period in that of
 * the first; by time, both run at their own pace.
 */
class ComparePlayers extends HTMLElement {
  #videos: HTMLVideoElement[] = [];
  #position = 0; // s on the common clock
  #isPlaying = false;
  #before = 0;
  #scrubber!: HTMLInputElement;
  #speed!: HTMLSelectElement;
  #mode!: HTMLSelectElement;
  readonly #onKey = (event: KeyboardEvent) => this.#press(event);

  connectedCallback(): void {
    this.#scrubber = find(this, "[data-scrubber]");
    this.#speed = find(this, "[data-speed]");
    this.#mode = find(this, "[data-mode]");
    this.#scrubber.addEventListener("input", () => this.#show(Number(this.#scrubber.value) * STEP));
    this.#mode.addEventListener("change", () => this.#show(0, this.#isPlaying));
    this.#speed.addEventListener("change", () => this.#pace());
    this.addEventListener("clip-loaded", () => this.#adopt());
    this.addEventListener("click", (event) => {
      const button = (event.target as Element).closest<HTMLElement>("[data-action]");
      if (button) this.#act(button.dataset.action ?? "");
    });
    document.addEventListener("keydown", this.#onKey);
    prefersLessMotion.addEventListener(
      "change",
      () => prefersLessMotion.matches && this.#show(this.#position),
    );
    this.#adopt();
    this.#setPlaying(!prefersLessMotion.matches);
    requestAnimationFrame((now) => this.#tick(now));
  }

  disconnectedCallback(): void {
    document.removeEventListener("keydown", this.#onKey);
  }

  /** Takes over the clips that there are. */
  #adopt(): void {
    for (const video of this.querySelectorAll("video")) {
      if (this.#videos.includes(video)) continue;
      video.controls = false;
      video.addEventListener("loadedmetadata", () => this.#pace());
    }
    this.#videos = [...this.querySelectorAll("video")];
    this.#pace();
  }

  #press(event: KeyboardEvent): void {
    const action = KEYS[event.key];
    if (!action || !isForPlayer(event, this)) return;
    event.preventDefault();
    this.#act(action);
  }

  #act(action: string): void {
    if (action === "play") this.#setPlaying(!this.#isPlaying);
    else if (action === "back") this.#show(this.#position - STEP);
    else if (action === "forward") this.#show(this.#position + STEP);
    else changeSpeed(this.#speed, action === "faster" ? 1 : -1);
  }

  #setPlaying(isPlaying: boolean): void {
    this.#isPlaying = isPlaying;
    showPlaying(find(this, "[data-action=play]"), isPlaying);
    for (const video of this.#videos) {
      // A browser that refuses to play leaves the clip to the clock, which moves it by seeking.
      if (isPlaying) video.play().catch(() => {});
      else video.pause();
    }
    if (!isPlaying) this.#align(0);
  }

  /** Goes to a position on the common clock. */
  #show(position: number, isPlaying = false): void {
    const length = this.#length();
    this.#position = (position + length) % length;
    if (isPlaying !== this.#isPlaying) this.#setPlaying(isPlaying);
    this.#pace();
    this.#align(0);
  }

  #tick(now: number): void {
    const passed = Math.min(0.25, (now - this.#before) / 1000); // a hidden page gets no ticks
    this.#before = now;
    if (this.#isPlaying && this.#videos.length) {
      this.#position = (this.#position + passed * Number(this.#speed.value)) % this.#length();
      this.#align(MAX_DRIFT);
    }
    if (this.isConnected) requestAnimationFrame((next) => this.#tick(next));
  }

  /** Puts the clips that are farther from their places than `drift` seconds there. */
  #align(drift: number): void {
    for (const video of this.#videos) {
      const duration = durationOf(video);
      if (!duration || video.seeking) continue;
      const wanted = (this.#position * this.#paceOf(video)) % this.#repeated(video);
      const distance = Math.abs(video.currentTime - wanted);
      if (Math.min(distance, duration - distance) > drift * video.playbackRate) video.currentTime = wanted;
    }
    this.#tell();
  }

  /** Sets the speed of each clip and the length of the scrubber. */
  #pace(): void {
    const length = this.#length();
    for (const video of this.#videos) {
      const speed = Number(this.#speed.value) * this.#paceOf(video);
      video.playbackRate = Math.min(16, Math.max(0.0625, speed));
    }
    this.#scrubber.min = "0";
    this.#scrubber.max = String(Math.max(1, Math.ceil(length / STEP) - 1));
    this.#tell();
  }

  /** How many seconds of the clip pass in a second of the common clock. */
  #paceOf(video: HTMLVideoElement): number {
    if (this.#mode.value === "period") return periodOf(video) / this.#firstPeriod();
    if (this.#mode.value === "phase") return (durationOf(video) || this.#length()) / this.#length();
    return 1;
  }

  /** The part of the clip that repeats, in seconds: all of it, or by period its whole periods, so that none is cut. */
  #repeated(video: HTMLVideoElement): number {
    if (this.#mode.value !== "period") return durationOf(video);
    return Math.min(cyclesOf(video) * periodOf(video), durationOf(video));
  }

  #firstPeriod(): number {
    const [first] = this.#videos;
    return first ? periodOf(first) : 1;
  }

  /**
   * The length of the common clock, in seconds: that of the first clip by phase, of the longer one by time, and by period
   * as many periods of the first clip as the clip with more of them has.
   */
  #length(): number {
    if (this.#mode.value === "period")
      return Math.max(1, ...this.#videos.map(cyclesOf)) * this.#firstPeriod();
    const durations = this.#videos.map(durationOf).filter(Boolean);
    return (this.#mode.value === "phase" ? durations[0] : Math.max(...durations, 0)) || 1;
  }

  #tell(): void {
    const facts = {
      percent: Math.round((100 * this.#position) / this.#length()),
      time: this.#position.toFixed(2),
    };
    this.#scrubber.value = String(Math.round(this.#position / STEP));
    this.#scrubber.setAttribute("aria-valuetext", filled(this.#scrubber.dataset.text, facts));
    const readout = find(this, "[data-readout]");
    readout.textContent = filled(readout.dataset.text, facts);
  }
}

/** Returns the length of a clip in seconds; 0 until it is known. */
function durationOf(video: HTMLVideoElement): number {
  return Number.isFinite(video.duration) ? video.duration : 0;
}

/** Returns the period of the motion in seconds; the page offers periods only where both clips have one. */
function periodOf(video: HTMLVideoElement): number {
  return Number(video.closest<HTMLElement>("[data-period]")?.dataset.period) || 1;
}

/** Returns how many whole periods the clip shows, at least 1: an end that lacks a frame or two still counts. */
function cyclesOf(video: HTMLVideoElement): number {
  return Math.max(1, Math.floor(durationOf(video) / periodOf(video) + 0.05));
}

customElements.define("compare-players", ComparePlayers);
