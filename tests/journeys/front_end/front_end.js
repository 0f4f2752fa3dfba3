// A front end of the API on another origin, as short as one can be. Each function is a step of the test.
const server = new URLSearchParams(location.search).get("server");
const api = `${server}/api/v1`;
const video = document.getElementById("video");
const etags = {};
let token = "";

async function call(path, options = {}) {
  const headers = { ...options.headers, ...(token && { Authorization: `Bearer ${token}` }) };
  const response = await fetch(api + path, { ...options, headers });
  const body = await response.json();
  if (!response.ok) throw new Error(`${response.status} ${body.code}: ${body.message}`);
  etags[path] = response.headers.get("ETag");
  return body;
}

function json(method, body, headers = {}) {
  return { method, headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) };
}

async function signIn(username, password) {
  ({ access_token: token } = await call("/auth/login", json("POST", { username, password })));
}

async function upload(title, clip) {
  const bytes = await (await fetch(clip)).blob();
  const form = new FormData();
  form.append("title", title);
  form.append("file", bytes, "clip.mp4");
  return (await call("/mechanisms", { method: "POST", body: form, headers: { "Idempotency-Key": "upload-1" } })).id;
}

async function follow(id) {
  const { events_url } = await call(`/mechanisms/${id}/processing/ticket`, { method: "POST" });
  const states = [];
  const events = new EventSource(new URL(events_url, server));
  return new Promise((resolve, reject) => {
    events.onerror = () => reject(new Error(`the stream broke after ${states}`));
    events.addEventListener("processing", (event) => {
      const { state } = JSON.parse(event.data);
      states.push(state);
      if (state !== "ready" && state !== "failed") return;
      events.close();
      resolve(states);
    });
  });
}

async function edit(id, title) {
  await call(`/mechanisms/${id}`);
  const stale = etags[`/mechanisms/${id}`];
  const edited = await call(`/mechanisms/${id}`, json("PATCH", { title }, { "If-Match": stale }));
  const again = call(`/mechanisms/${id}`, json("PATCH", { title: "too late" }, { "If-Match": stale }));
  return { title: edited.title, again: await again.catch((problem) => problem.message) };
}

function happens(name) {
  return new Promise((resolve, reject) => {
    video.addEventListener(name, resolve, { once: true });
    video.addEventListener("error", () => reject(new Error(video.error.message)), { once: true });
  });
}

async function load(id) {
  const { file_url } = await call(`/mechanisms/${id}`);
  const loaded = happens("loadeddata");
  video.src = new URL(file_url, server);
  await loaded;
  return { duration: video.duration, width: video.videoWidth };
}

async function play() {
  const start = video.currentTime;
  const moved = new Promise((resolve) => {
    video.ontimeupdate = () => video.currentTime > start && resolve();
  });
  await video.play();
  await moved;
  return video.currentTime;
}

async function seek(seconds) {
  const seeked = happens("seeked");
  video.currentTime = seconds;
  await seeked;
  return { time: video.currentTime, brightness: brightness() };
}

// Reading pixels fails unless the server lets this origin read its media.
function brightness() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 8;
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 8, 8);
  const pixels = context.getImageData(0, 0, 8, 8).data;
  return pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
}
