// Measures angles and lengths on the picture of a clip.
import { find } from "./page";

export type Measurement = "angle" | "length";
type Point = { x: number; y: number };

const SVG = "http://www.w3.org/2000/svg";
const NAMES = "ABC";
const DOT = 7; // px on the screen
const TOUCH = 20; // px on the screen
const LARGE_STEP = 10; // px of the picture

/** Draws the points of a measurement over the picture, in its pixels, and says what they measure. */
export class Measure {
  kind: Measurement | undefined;
  #points: Point[] = [];
  #scale = 1; // units per px
  #unit = "px";
  #dragged = -1;
  #width: number;
  #height: number;
  readonly #reading: HTMLOutputElement;

  constructor(
    readonly svg: SVGSVGElement,
    readonly panel: HTMLElement,
  ) {
    this.#width = svg.viewBox.baseVal.width;
    this.#height = svg.viewBox.baseVal.height;
    this.#reading = find(panel, "[data-reading]");
    svg.addEventListener("pointerdown", (event) => this.#grab(event));
    svg.addEventListener("pointermove", (event) => this.#drag(event));
    svg.addEventListener("pointerup", () => this.#release());
    svg.addEventListener("pointercancel", () => this.#release());
    svg.addEventListener("keydown", (event) => this.#nudge(event));
    new ResizeObserver(() => this.#draw()).observe(svg);
  }

  /** Takes the size of the picture, in px, which the page does not know of clips on other hosts. */
  resize(width: number, height: number): void {
    [this.#width, this.#height] = [width, height];
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  }

  /** Shows the points of a new measurement in the middle of the picture, the first one with the focus. */
  start(kind: Measurement): void {
    const [w, h] = [this.#width, this.#height];
    const corners = [
      { x: w * 0.3, y: h * 0.35 },
      { x: w * 0.5, y: h * 0.6 },
      { x: w * 0.7, y: h * 0.35 },
    ];
    const ends = [
      { x: w * 0.35, y: h * 0.5 },
      { x: w * 0.65, y: h * 0.5 },
    ];
    this.kind = kind;
    this.#points = kind === "angle" ? corners : ends;
    this.svg.removeAttribute("hidden");
    this.panel.hidden = false;
    find(this.panel, "[data-scaling]").hidden = kind !== "length";
    this.#build();
    this.#draw();
    this.#dot(0)?.focus();
  }

  clear(): void {
    this.kind = undefined;
    this.#points = [];
    this.svg.replaceChildren();
    this.svg.setAttribute("hidden", "");
    this.panel.hidden = true;
  }

  /** Follows the picture, which was mirrored. */
  mirror(): void {
    for (const point of this.#points) point.x = this.#width - point.x;
    this.#draw();
  }

  /** Takes the measured length as `length` in `unit`; 0 returns to px. */
  refer(length: number, unit: string): void {
    const measured = this.#length();
    const isScaled = length > 0 && measured > 0;
    this.#scale = isScaled ? length / measured : 1;
    this.#unit = isScaled ? unit : "px";
    this.#draw();
  }

  #build(): void {
    const line = document.createElementNS(SVG, "polyline");
    const dots = this.#points.map((_, index) => {
      const dot = document.createElementNS(SVG, "g");
      dot.setAttribute("tabindex", "0");
      dot.setAttribute("role", "button");
      dot.dataset.index = String(index);
      const [touch, ring] = [
        document.createElementNS(SVG, "circle"),
        document.createElementNS(SVG, "circle"),
      ];
      touch.setAttribute("class", "touch");
      ring.setAttribute("class", "ring");
      const name = document.createElementNS(SVG, "text");
      name.textContent = NAMES[index] ?? "";
      name.setAttribute("aria-hidden", "true");
      dot.append(touch, ring, name);
      return dot;
    });
    this.svg.replaceChildren(line, ...dots);
  }

  #draw(): void {
    if (!this.kind) return;
    const pixel = this.#pixel();
    const line = find<SVGPolylineElement>(this.svg, "polyline");
    line.setAttribute("points", this.#points.map(({ x, y }) => `${x},${y}`).join(" "));
    this.#points.forEach((point, index) => {
      this.#place(index, point, pixel);
    });
    this.#read();
  }

  #place(index: number, { x, y }: Point, pixel: number): void {
    const dot = this.#dot(index);
    if (!dot) return;
    dot.setAttribute("transform", `translate(${x} ${y})`);
    find<SVGCircleElement>(dot, ".touch").setAttribute("r", String(TOUCH * pixel));
    find<SVGCircleElement>(dot, ".ring").setAttribute("r", String(DOT * pixel));
    const name = find<SVGTextElement>(dot, "text");
    name.setAttribute("font-size", String(14 * pixel));
    name.setAttribute("x", String(11 * pixel));
    name.setAttribute("y", String(-9 * pixel));
    const label = (this.svg.dataset.point ?? "")
      .replace("{name}", NAMES[index] ?? "")
      .replace("{x}", x.toFixed(0))
      .replace("{y}", y.toFixed(0));
    dot.setAttribute("aria-label", label);
  }

  #read(): void {
    const text = this.#reading.dataset[this.kind ?? "length"] ?? "";
    const value =
      this.kind === "angle" ? this.#angle().toFixed(1) : significant(this.#length() * this.#scale);
    this.#reading.value = text.replace("{value}", value).replace("{unit}", this.#unit);
  }

  /** The angle at the second point, in degrees from 0 to 180. */
  #angle(): number {
    const [a, b, c] = this.#points;
    if (!a || !b || !c) return 0;
    const one = Math.atan2(a.y - b.y, a.x - b.x);
    const other = Math.atan2(c.y - b.y, c.x - b.x);
    const turn = Math.abs(one - other);
    return ((turn > Math.PI ? 2 * Math.PI - turn : turn) * 180) / Math.PI;
  }

  /** The distance of the first two points, in px of the picture. */
  #length(): number {
    const [a, b] = this.#points;
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  }

  #dot(index: number): SVGGElement | null {
    return this.svg.querySelector<SVGGElement>(`[data-index="${index}"]`);
  }

  /** The size of a pixel of the screen, in px of the picture. */
  #pixel(): number {
    const matrix = this.svg.getScreenCTM();
    return matrix?.a ? 1 / Math.abs(matrix.a) : 1;
  }

  #at(event: PointerEvent): Point {
    const matrix = this.svg.getScreenCTM();
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix?.inverse());
    return this.#within({ x, y });
  }

  #within({ x, y }: Point): Point {
    return { x: Math.min(this.#width, Math.max(0, x)), y: Math.min(this.#height, Math.max(0, y)) };
  }

  #grab(event: PointerEvent): void {
    if (event.button !== 0) return;
    event.preventDefault();
    const at = this.#at(event);
    const distances = this.#points.map((point) => Math.hypot(point.x - at.x, point.y - at.y));
    this.#dragged = distances.indexOf(Math.min(...distances));
    this.svg.setPointerCapture(event.pointerId);
    this.#dot(this.#dragged)?.focus({ preventScroll: true });
    this.#drag(event);
  }

  #drag(event: PointerEvent): void {
    if (this.#dragged < 0) return;
    this.#points[this.#dragged] = this.#at(event);
    this.#draw();
  }

  #release(): void {
    this.#dragged = -1;
  }

  #nudge(event: KeyboardEvent): void {
    const dot = (event.target as Element).closest<SVGGElement>("[data-index]");
    const point = this.#points[Number(dot?.dataset.index ?? -1)];
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
      event.key
    ];
    if (!point || !direction) return;
    event.preventDefault();
    const step = event.shiftKey ? LARGE_STEP : 1;
    const [dx = 0, dy = 0] = direction;
    Object.assign(point, this.#within({ x: point.x + dx * step, y: point.y + dy * step }));
    this.#draw();
  }
}

function significant(value: number): string {
  return value >= 1000 ? value.toFixed(0) : value.toPrecision(4);
}
