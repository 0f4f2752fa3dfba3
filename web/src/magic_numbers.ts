// Recognises by the first bytes of a file that the server would refuse it. The server decides about all others.

/** An offset in bytes, and the bytes there in hexadecimal digits. */
export type MagicNumber = [offset: number, digits: string];

/** Whether the file has one of the magic numbers. Throws a DOMException if it can't be read. */
export async function hasMagicNumber(file: File, numbers: MagicNumber[]): Promise<boolean> {
  const length = Math.max(...numbers.map(([offset, digits]) => offset + digits.length / 2));
  const head = new Uint8Array(await file.slice(0, length).arrayBuffer());
  const hex = Array.from(head, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return numbers.some(([offset, digits]) => hex.startsWith(digits, offset * 2));
}
