// Single keys that control players, which people can switch off (WCAG 2.1.4).
import { storage } from "./page";

const SETTING = "mechshare-single-keys";
const TYPING = "input:not([type=range], [type=checkbox]), textarea, select, [contenteditable]";
const PRESSED_BY_SPACE = "button, a, summary, input[type=checkbox], [role=button]";

export function usesSingleKeys(): boolean {
  return storage()?.getItem(SETTING) !== "off";
}

export function useSingleKeys(isOn: boolean): void {
  storage()?.setItem(SETTING, isOn ? "on" : "off");
}

/** Returns whether `event` is a key for the player: typed in it or on the page itself, and not into a field. */
export function isForPlayer(event: KeyboardEvent, player: Element): boolean {
  const target = event.target as Element;
  const isOnPage = target === document.body || target.id === "main";
  if (!(isOnPage || player.contains(target)) || target.closest(TYPING)) return false;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return false;
  return !(event.key === " " && target.closest(PRESSED_BY_SPACE)) && usesSingleKeys();
}

/** Replaces the names in braces of a text from the page. */
export function filled(text: string | undefined, facts: Record<string, string | number>): string {
  return (text ?? "").replace(/\{(\w+)\}/g, (_, name: string) => String(facts[name] ?? ""));
}

/** Chooses the next speed of the list. */
export function changeSpeed(select: HTMLSelectElement, step: number): void {
  select.selectedIndex = Math.min(select.length - 1, Math.max(0, select.selectedIndex + step));
  select.dispatchEvent(new Event("change"));
}

/** Names the button by what it does next. */
export function showPlaying(button: HTMLElement, isPlaying: boolean): void {
  button.setAttribute("aria-label", (isPlaying ? button.dataset.pause : button.dataset.play) ?? "");
  for (const symbol of button.querySelectorAll<SVGElement>("[data-symbol]")) {
    symbol.toggleAttribute("hidden", symbol.dataset.symbol !== (isPlaying ? "pause" : "play"));
  }
}
