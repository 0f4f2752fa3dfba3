// The bell of the header counts the new notifications while the page is shown.
import { find, text, url } from "./page";

interface UnreadCount {
  unread: number;
  is_exact: boolean;
}

class NotificationBell extends HTMLElement {
  #stream: EventSource | undefined;

  connectedCallback(): void {
    document.addEventListener("visibilitychange", this.#follow);
    this.#follow();
  }

  disconnectedCallback(): void {
    document.removeEventListener("visibilitychange", this.#follow);
    this.#close();
  }

  /** Keeps a stream open only while the page is visible: browsers open six connections to a host for all tabs. */
  #follow = (): void => {
    if (document.hidden) this.#close();
    else if (!this.#stream) this.#open();
  };

  #open(): void {
    this.#stream = new EventSource(url("/api/v1/users/me/notifications/events"));
    this.#stream.addEventListener("unread", (event) => this.#show(JSON.parse(event.data)));
  }

  #close(): void {
    this.#stream?.close();
    this.#stream = undefined;
  }

  #show({ unread, is_exact }: UnreadCount): void {
    const count = is_exact ? unread.toLocaleString(document.documentElement.lang) : `${unread - 1}+`;
    const number = find(this, "strong");
    number.hidden = unread === 0;
    number.textContent = count;
    find(this, "a").setAttribute("aria-label", unread ? text("bell_count", { count }) : text("bell"));
  }
}

customElements.define("notification-bell", NotificationBell);
