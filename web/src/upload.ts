// Loaded by the upload page.
export {};
