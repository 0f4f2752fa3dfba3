// Sends one clip by tus, so that a cut connection or a reload of the page loses nothing, and makes a mechanism of it.
import { DetailedError, Upload } from "tus-js-client";
import { ApiError, text, url } from "./page";

export interface Sent {
  id: string;
}

/** The texts of a clip. */
export interface Texts {
  title: string;
  description: string;
  categories: string[];
  reliability_level: string;
  reliability_reason: string;
  parameters: string;
  license: string;
  visibility: string;
  original_offered: string;
  stated_period_s: string;
  remove_metadata: string;
  thumbnail_at: string;
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

/** Bytes by which the server recognises the format: it refuses a file after them rather than after all of it. */
const FIRST_PART = 64 * 1024;
const RETRY_DELAYS = [0, 1_000, 3_000, 5_000, 10_000];
/** What the server may say while a request before this one still ends, or while it restarts behind a proxy. */
const PASSING = [409, 423, 502, 504];

/** Returns a key by which the server knows a repeated request. (`crypto.randomUUID` exists under https only.) */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether a part of the file was sent before from this browser. */
export async function wasBegun(file: File): Promise<boolean> {
  return (await new Upload(file, options(file)).findPreviousUploads()).length > 0;
}

/**
 * Uploads a file, from where an earlier attempt was cut, and makes a mechanism of it. `onProgress` gets the part that
 * was sent, 0..1. Throws Refused; an AbortError if stopped.
 */
export async function send(
  file: File,
  texts: Texts,
  key: string,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
): Promise<Sent> {
  const upload = await uploaded(file, onProgress, signal);
  const response = await fetch(url("/api/v1/mechanisms/from-upload"), {
    method: "POST",
    headers: { ...headers(), "Content-Type": "application/json", "Idempotency-Key": key },
    body: JSON.stringify({ upload, ...texts }),
    signal,
  }).catch((error) => {
    throw error.name === "AbortError" ? error : new Refused(text("failed"), 0, "", [], 0);
  });
  const body = await response.text();
  const refusal = response.ok ? null : refusalOf(response.status, body, (name) => response.headers.get(name));
  // A refused text leaves the upload; one that the server does not know begins again.
  if (!refusal || refusal.status === 404) await forget(file);
  if (refusal) throw refusal;
  return JSON.parse(body);
}

/** Returns the address of the complete upload. */
async function uploaded(
  file: File,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const [before] = await new Upload(file, options(file)).findPreviousUploads();
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const upload = new Upload(file, {
      ...options(file),
      chunkSize: FIRST_PART,
      onChunkComplete: () => {
        upload.options.chunkSize = Number.POSITIVE_INFINITY;
      },
      onProgress: (sent, total) => onProgress(total ? sent / total : 0),
      onSuccess: () => resolve(upload.url ?? ""),
      onError: (error) => reject(refusedBy(error)),
    });
    const stop = () => {
      void upload.abort();
      reject(new DOMException("stopped", "AbortError"));
    };
    signal.addEventListener("abort", stop, { once: true });
    if (before) upload.resumeFromPreviousUpload(before);
    upload.start();
  });
}

async function forget(file: File): Promise<void> {
  const upload = new Upload(file, options(file));
  for (const { urlStorageKey } of await upload.findPreviousUploads()) {
    await upload.options.urlStorage?.removeUpload(urlStorageKey);
  }
}

function options(file: File): ConstructorParameters<typeof Upload>[1] {
  return {
    endpoint: url("/api/v1/uploads"),
    headers: headers(),
    metadata: { filename: file.name, filetype: file.type },
    retryDelays: RETRY_DELAYS,
    onShouldRetry: (error) => {
      const status = error instanceof DetailedError ? (error.originalResponse?.getStatus() ?? 0) : 0;
      return !status || PASSING.includes(status);
    },
  };
}

function headers(): Record<string, string> {
  return { Accept: "application/json", "Accept-Language": document.documentElement.lang };
}

function refusedBy(error: Error): Refused {
  const response = error instanceof DetailedError ? error.originalResponse : null;
  if (!response) return new Refused(text("failed"), 0, "", [], 0);
  return refusalOf(response.getStatus(), response.getBody(), (name) => response.getHeader(name) ?? null);
}

function refusalOf(status: number, content: string, header: (name: string) => string | null): Refused {
  const isJson = header("Content-Type")?.startsWith("application/json") && content;
  const body = isJson ? JSON.parse(content) : {};
  const message = status === 401 ? text("upload_signed_out") : (body.message ?? text("failed"));
  return new Refused(
    message,
    status,
    body.code ?? "",
    body.details ?? [],
    Number(header("Retry-After")) || 0,
  );
}
