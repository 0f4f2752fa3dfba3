// Uploads a file with tus-js-client as it comes from npm: once cut half way, and continued by a new program.
import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import { FileUrlStorage, Upload } from "tus-js-client";

const [endpoint, token, path, storage, stopAfter] = process.argv.slice(2);
const upload = new Upload(createReadStream(path), {
  endpoint,
  chunkSize: 65_536,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: basename(path) },
  uploadSize: statSync(path).size,
  urlStorage: new FileUrlStorage(storage),
  fingerprint: async () => path,
  onProgress: (sent) => {
    if (stopAfter && sent > Number(stopAfter)) process.exit(0);
  },
  onError: (error) => {
    console.error(error);
    process.exit(1);
  },
  onSuccess: () => console.log(upload.url),
});
const [before] = await upload.findPreviousUploads();
if (before) {
  console.log("resumed");
  upload.resumeFromPreviousUpload(before);
}
upload.start();
