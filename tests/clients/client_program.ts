// A user's program over the client that @hey-api/openapi-ts generates: `SERVER CLIP`. It prints OK at the end.
import { openAsBlob } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { client } from "./client/client.gen";
import {
  createMechanism,
  downloadOriginal,
  getMechanism,
  getMedia,
  getProcessing,
  listMechanisms,
  login,
  publishMechanism,
  refreshTokens,
  register,
  searchMechanisms,
} from "./client";

const UPLOADS = 3;
const [server, clip] = process.argv.slice(2);
const throwOnError = true;

async function signIn(): Promise<void> {
  const password = "four-bar linkage";
  await register({ body: { username: "typescript", email: "typescript@example.com", password }, throwOnError });
  const first = await login({ body: { username: "typescript", password }, throwOnError });
  const { data } = await refreshTokens({ body: { refresh_token: first.data.refresh_token }, throwOnError });
  client.setConfig({ auth: data.access_token });
}

async function upload(title: string): Promise<string> {
  const file = new File([await openAsBlob(clip)], "clip.mp4");
  const { data } = await createMechanism({ body: { title, file, categories: ["gears"] }, throwOnError });
  return data.id;
}

async function publish(mechanism_id: string): Promise<void> {
  await until(async () => {
    const { data } = await getProcessing({ path: { mechanism_id }, throwOnError });
    expect(data.state !== "failed", "is processed");
    return data.state === "ready";
  });
  const { data } = await publishMechanism({ path: { mechanism_id }, throwOnError });
  expect(data.is_published, "is published");
}

async function download(mechanism_id: string): Promise<void> {
  const original = await downloadOriginal({ path: { mechanism_id }, throwOnError });
  const expected = await openAsBlob(clip);
  expect(original.data.size === expected.size, "the original, byte for byte");
  const { data } = await getMechanism({ path: { mechanism_id }, throwOnError });
  const name = data.thumbnail_url!.split("/").at(-1)!;
  const thumbnail = await getMedia({ path: { mechanism_id, name }, throwOnError });
  expect(thumbnail.data.type === "image/webp", "a thumbnail");
}

async function listToTheEnd(): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | null | undefined;
  do {
    const { data } = await listMechanisms({ query: { limit: 1, cursor: cursor ?? undefined }, throwOnError });
    found.push(...data.items.map((item) => item.id));
    cursor = data.next;
  } while (cursor);
  return found;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 120_000;
  while (!(await holds())) {
    expect(Date.now() < end, "in time");
    await sleep(100);
  }
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`expected: ${what}`);
}

client.setConfig({ baseUrl: server });
await signIn();
const ids: string[] = [];
for (let number = 0; number < UPLOADS; number++) ids.push(await upload(`歯車 ${number}`));
for (const id of ids) {
  await publish(id);
  await download(id);
}
expect((await listToTheEnd()).sort().join() === ids.sort().join(), "each mechanism once in the list");
await until(async () => {
  const { data } = await searchMechanisms({ query: { q: "歯車" }, throwOnError });
  return data.items.map((hit) => hit.mechanism.id).sort().join() === ids.join();
});
console.log("OK");
