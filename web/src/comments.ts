// Comments on moments of a clip: the marks and links play them, and the form takes the shown moment.
import { LoopPlayer } from "./player";

/** Plays the moment or repeats the span of a pressed mark or link, where the page has a player. */
document.addEventListener("click", (event) => {
  const link = (event.target as Element).closest<HTMLElement>("a[data-start]");
  const player = document.querySelector("loop-player");
  if (!link || !(player instanceof LoopPlayer)) return;
  if (!link.closest("loop-player")) event.preventDefault(); // a mark of the time line also leads to its comment
  player.playFrom(Number(link.dataset.start), link.dataset.end ? Number(link.dataset.end) : undefined);
});

/** Plays the moment or span that links from other pages name, as `#t=1.2` or `#t=1.2,1.8` (W3C Media Fragments). */
function playNamedMoment(): void {
  const [, start, end] = /^#t=(\d+\.?\d*)(?:,(\d+\.?\d*))?$/.exec(location.hash) ?? [];
  const player = document.querySelector("loop-player");
  if (!start || !(player instanceof LoopPlayer)) return;
  player.playFrom(1000 * Number(start), end ? 1000 * Number(end) : undefined);
}

window.addEventListener("hashchange", playNamedMoment);
playNamedMoment();

class CommentForm extends HTMLElement {
  connectedCallback(): void {
    const button = this.querySelector<HTMLButtonElement>("[data-take-moment]");
    const start = this.querySelector<HTMLInputElement>("[name=start]");
    if (!button || !start) return;
    button.hidden = false;
    button.addEventListener("click", () => {
      const player = document.querySelector("loop-player");
      if (player instanceof LoopPlayer) start.value = player.seconds.toFixed(2);
    });
  }
}

customElements.define("comment-form", CommentForm);
