// Loaded by the watch page.
export {};
