// Follows the processing of clips.
import { ApiError, api, text, url } from "./page";

export interface ProcessingStatus {
  state: "pending" | "processing" | "ready" | "failed";
  reason: { code: string; message: string } | null;
  step: string;
  progress: number;
  alike: { id: string; title: string; likeness: number }[];
}

const MAX_STREAMS = 2; // browsers open six connections to a host, and uploads need some of them
const POLL_INTERVAL = 3_000; // ms
let openStreams = 0;

/** Calls `onStatus` at each change of the processing of one clip, until it is ready or failed, or `stop` is called. */
export class ProcessingWatch {
  #stream: EventSource | undefined;
  #timer = 0;

  constructor(
    private readonly id: string,
    private readonly onStatus: (status: ProcessingStatus) => void,
    private readonly onLost: (error: ApiError) => void,
  ) {
    this.#begin();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#closeStream();
  }

  #begin(): void {
    if (openStreams < MAX_STREAMS) this.#openStream();
    else this.#poll();
  }

  #openStream(): void {
    openStreams += 1;
    this.#stream = new EventSource(url(`/api/v1/mechanisms/${this.id}/processing/events`));
    this.#stream.addEventListener("processing", (event) => this.#receive(JSON.parse(event.data)));
    this.#stream.addEventListener("error", () => {
      if (this.#stream?.readyState === EventSource.CLOSED) {
        this.#closeStream();
        this.#poll();
      }
    });
  }

  #closeStream(): void {
    if (!this.#stream) return;
    this.#stream.close();
    this.#stream = undefined;
    openStreams -= 1;
  }

  /** Reads the status, and tries again later: for want of a stream, or since the language of a stream is the browser's. */
  async #poll(): Promise<void> {
    try {
      this.#pass(await api<ProcessingStatus>(`/mechanisms/${this.id}/processing`));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if ([401, 403, 404].includes(error.status)) this.onLost(error);
      else this.#later();
    }
  }

  #receive(status: ProcessingStatus): void {
    if (status.state !== "ready" && status.state !== "failed") {
      this.onStatus(status);
      return;
    }
    this.#closeStream();
    this.#poll(); // which has the reason in the language of the page
  }

  #pass(status: ProcessingStatus): void {
    this.onStatus(status);
    if (status.state === "pending" || status.state === "processing") this.#later();
  }

  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#begin(), POLL_INTERVAL);
  }
}

const STEPS = ["fetch", "decode", "video", "thumbnail", "preview", "verify", "store"];

/** Returns the step of processing in words. */
export function stepText(status: ProcessingStatus): string {
  if (status.state === "pending") return text("step_pending");
  const step = STEPS.includes(status.step) ? text(`step_${status.step}`) : text("step_start");
  const percent = Math.round(status.progress * 100);
  return percent > 0 && percent < 100 ? text("step_percent", { step, percent }) : step;
}
