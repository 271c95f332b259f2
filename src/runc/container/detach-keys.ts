/** The key sequence that leaves a container running and gives the terminal back. */

/** Docker's default: ctrl-p ctrl-q. */
export const DEFAULT_DETACH_KEYS = Uint8Array.of(16, 17);

/** `ctrl-a,d` → the bytes. @throws Error for what is no key */
export function parseDetachKeys(text: string): Uint8Array {
  if (text === '') return new Uint8Array();
  const bytes = text.split(',').map((key) => {
    const control = /^ctrl-(.)$/.exec(key)?.[1];
    if (control && /[a-zA-Z@[\\\]^_]/.test(control)) return control.toUpperCase().charCodeAt(0) & 0x1f;
    if (key.length === 1) return key.charCodeAt(0);
    throw new Error(`detach keys "${text}": "${key}" is neither a character nor ctrl- with one (a-z @ [ \\ ] ^ _)`);
  });
  return Uint8Array.from(bytes);
}

/** Watches typed bytes for the sequence; holds back a beginning of it until it is complete or broken. */
export class DetachFilter {
  private matched = 0;
  private readonly keys: Uint8Array;
  constructor(keys: Uint8Array) {
    this.keys = keys;
  }

  push(chunk: Uint8Array): { pass: Buffer; detach: boolean } {
    const pass: number[] = [];
    for (const byte of chunk) {
      if (this.keys.length && byte === this.keys[this.matched]) {
        this.matched++;
        if (this.matched === this.keys.length) return { pass: Buffer.from(pass), detach: true };
        continue;
      }
      for (let i = 0; i < this.matched; i++) pass.push(this.keys[i] as number);
      this.matched = this.keys[0] === byte && this.keys.length > 0 ? 1 : 0;
      if (!this.matched) pass.push(byte);
    }
    return { pass: Buffer.from(pass), detach: false };
  }
}
