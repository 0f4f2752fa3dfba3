// The gallery: what is published, as anyone may see it. It uses nothing but the public API.
const api = new URL("api/v1", document.baseURI).href; // Under whatever path a proxy serves this page
const byId = (id) => document.getElementById(id);
const state = { query: "", category: "", next: null, page: 1 };

async function read(path) {
  const answer = await fetch(api + path, { headers: { "Accept-Language": navigator.language } });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message);
  return body;
}

function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}

function seconds(duration) {
  return duration === null ? "" : `${duration.toFixed(2)} s`;
}

function show(mechanism) {
  byId("video").src = mechanism.file_url;
  byId("video").poster = mechanism.thumbnail_url ?? "";
  byId("title").textContent = mechanism.title;
  byId("description").textContent = mechanism.description;
  const media = mechanism.media;
  const facts = [
    ["By", mechanism.user.display_name],
    ["Loop", seconds(mechanism.duration)],
    ...(media ? [["Picture", `${media.width} × ${media.height} px, ${media.frame_rate.toFixed(1)} frames/s`]] : []),
    ["Categories", mechanism.categories.join(", ")],
  ];
  byId("facts").replaceChildren(...facts.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
  byId("viewer").showModal();
}

function titled(mechanism, highlights) {
  const title = element("span");
  const pieces = highlights?.title ?? [{ text: mechanism.title, is_match: false }];
  title.append(...pieces.map((piece) => element(piece.is_match ? "mark" : "span", piece.text)));
  title.querySelectorAll("span").forEach((piece) => piece.replaceWith(piece.textContent));
  return title;
}

function card(mechanism, highlights) {
  const item = element("li");
  const open = element("button", "", { type: "button" });
  const image = element("img", "", { src: mechanism.preview_url ?? mechanism.thumbnail_url ?? "", alt: "", loading: "lazy" });
  open.append(image, titled(mechanism, highlights), element("small", `${mechanism.user.display_name} · ${seconds(mechanism.duration)}`));
  open.addEventListener("click", () => show(mechanism));
  item.append(open);
  return item;
}

async function load(more = false) {
  const parameters = new URLSearchParams();
  if (state.category) parameters.set("category", state.category);
  let cards;
  let total;
  let degraded = false;
  if (state.query) {
    state.page = more ? state.page + 1 : 1;
    parameters.set("q", state.query);
    parameters.set("page", state.page);
    const found = await read(`/search/mechanisms?${parameters}`);
    cards = found.items.map((item) => card(item.mechanism, item.highlights));
    total = found.total;
    degraded = found.degraded;
    byId("more").hidden = found.page * found.limit >= found.total;
  } else {
    if (more) parameters.set("cursor", state.next);
    const list = await read(`/mechanisms?${parameters}`);
    cards = list.items.map((mechanism) => card(mechanism));
    total = list.total;
    state.next = list.next;
    byId("more").hidden = list.next === null;
  }
  if (more) byId("mechanisms").append(...cards);
  else byId("mechanisms").replaceChildren(...cards);
  const count = total === 1 ? "1 mechanism" : `${total} mechanisms`;
  byId("status").textContent = degraded ? `${count}; the search index is away, there may be more` : count;
}

function tell(problem) {
  byId("status").textContent = problem.message;
}

async function loadCategories() {
  const { items } = await read("/categories");
  const japanese = navigator.language.startsWith("ja");
  byId("categories").replaceChildren(...items.filter((one) => one.mechanism_count > 0).map((one) => {
    const label = `${japanese ? one.name_ja : one.name_en} ${one.mechanism_count}`;
    const toggle = element("button", label, { type: "button", "aria-pressed": "false" });
    toggle.addEventListener("click", () => {
      state.category = state.category === one.id ? "" : one.id;
      byId("categories").querySelectorAll("button").forEach((other) => {
        other.setAttribute("aria-pressed", String(other === toggle && state.category !== ""));
      });
      load().catch(tell);
    });
    return toggle;
  }));
}

byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  state.query = byId("query").value.trim();
  load().catch(tell);
});
byId("query").addEventListener("input", async () => {
  const typed = byId("query").value.trim();
  if (!typed) return;
  const { items } = await read(`/search/suggest?q=${encodeURIComponent(typed)}`);
  byId("suggestions").replaceChildren(...items.map((title) => element("option", "", { value: title })));
});
byId("viewer").addEventListener("close", () => byId("video").removeAttribute("src"));
byId("more").addEventListener("click", () => load(true).catch(tell));
Promise.all([load(), loadCategories()]).catch(tell);
