// Sends one clip with its texts to the API.
import { ApiError, text, url } from "./page";

export interface Sent {
  id: string;
}

/** A refusal that says after how many seconds the same request may succeed; 0 if it does not. */
export class Refused extends ApiError {
  constructor(
    message: string,
    status: number,
    code: string,
    details: { field: string; message: string }[],
    readonly retryAfter: number,
  ) {
    super(message, status, code, details);
  }
}

/** Returns a key by which the server knows a repeated request. (`crypto.randomUUID` exists under https only.) */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Uploads a form. `onProgress` gets the part that was sent, 0..1. Throws Refused; an AbortError if stopped. */
export function send(
  form: FormData,
  key: string,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url("/api/v1/mechanisms"));
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Accept-Language", document.documentElement.lang);
    request.setRequestHeader("Idempotency-Key", key);
    request.upload.onprogress = (event) => onProgress(event.total ? event.loaded / event.total : 0);
    request.onload = () => {
      if (request.status === 202) resolve(JSON.parse(request.responseText));
      else reject(refusalOf(request));
    };
    request.onerror = () => reject(new Refused(text("failed"), 0, "", [], 0));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}

function refusalOf(request: XMLHttpRequest): Refused {
  const isJson = request.getResponseHeader("Content-Type")?.startsWith("application/json");
  const body = isJson ? JSON.parse(request.responseText) : {};
  const message = request.status === 401 ? text("upload_signed_out") : (body.message ?? text("failed"));
  const seconds = Number(request.getResponseHeader("Retry-After")) || 0;
  return new Refused(message, request.status, body.code ?? "", body.details ?? [], seconds);
}
