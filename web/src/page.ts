// What every script of a page needs: addresses, texts, requests to the API, and elements.

/** Returns the address of `path`, also where the site is below a path of its host. */
export function url(path: string): string {
  return (document.documentElement.dataset.base ?? "") + path;
}

const texts: Record<string, string> = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");

/** Returns a text in the language of the page; `facts` replace the names in braces. */
export function text(key: string, facts: Record<string, string | number> = {}): string {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name: string) => String(facts[name] ?? ""));
}

/** An error of the API, whose message is in the language of the page. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    readonly details: { field: string; message: string }[],
  ) {
    super(message);
  }
}

/** Returns the JSON of the API, or undefined for an empty response. Throws ApiError with a message for people. */
export async function api<T>(path: string, init: RequestInit = {}): Promise<T> {
  const headers = new Headers(init.headers);
  headers.set("Accept", "application/json");
  headers.set("Accept-Language", document.documentElement.lang);
  let response: Response;
  try {
    response = await fetch(url(`/api/v1${path}`), { ...init, headers });
  } catch {
    throw new ApiError(text("failed"), 0, "", []);
  }
  const body = response.headers.get("Content-Type")?.startsWith("application/json")
    ? await response.json()
    : undefined;
  if (!response.ok) {
    throw new ApiError(
      body?.message ?? text("failed"),
      response.status,
      body?.code ?? "",
      body?.details ?? [],
    );
  }
  return body as T;
}

/** Returns the body and headers of a JSON request. */
export function json(method: string, content: unknown, headers: Record<string, string> = {}): RequestInit {
  return {
    method,
    body: JSON.stringify(content),
    headers: { "Content-Type": "application/json", ...headers },
  };
}

/** Returns the first element that matches, which the template promises to have. */
export function find<E extends Element = HTMLElement>(root: ParentNode, selector: string): E {
  const found = root.querySelector<E>(selector);
  if (!found) throw new Error(`no ${selector}`);
  return found;
}

/** Returns the storage of the browser; undefined where it refuses it, as it may in frames of other sites. */
export function storage(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

/** Says `message` to everybody, also to those who do not see the page. */
export function announce(message: string): void {
  const status = document.getElementById("announcement");
  if (status) status.textContent = message;
}

/** Whether the person asked for less motion. */
export const prefersLessMotion = matchMedia("(prefers-reduced-motion: reduce)");
