// Loaded by the manage page.
export {};
