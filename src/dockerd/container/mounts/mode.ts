/** The words behind the second colon of `-v SOURCE:DESTINATION:MODE`. */

/** Each word belongs to a kind, and of each kind one word may be said. */
const KINDS: Record<string, 'write' | 'label' | 'propagation' | 'copy' | 'consistency'> = {
  ro: 'write',
  rw: 'write',
  // For SELinux: the files become the container's (Z), or those of all containers (z).
  z: 'label',
  Z: 'label',
  private: 'propagation',
  rprivate: 'propagation',
  shared: 'propagation',
  rshared: 'propagation',
  slave: 'propagation',
  rslave: 'propagation',
  nocopy: 'copy',
  // For Docker on a Mac; they change nothing here.
  consistent: 'consistency',
  cached: 'consistency',
  delegated: 'consistency',
};

export interface Mode {
  readonly: boolean;
  nocopy: boolean;
  propagation?: string;
}

export const isPropagation = (word: string): boolean => Object.hasOwn(KINDS, word) && KINDS[word] === 'propagation';

/** @returns undefined for what is no mode */
export function parseMode(text: string): Mode | undefined {
  const mode: Mode = { readonly: false, nocopy: false };
  const said = new Set<string>();
  for (const word of text === '' ? [] : text.split(',')) {
    const kind = Object.hasOwn(KINDS, word) ? KINDS[word] : undefined;
    if (kind === undefined || said.has(kind)) return undefined;
    said.add(kind);
    if (word === 'ro') mode.readonly = true;
    else if (word === 'nocopy') mode.nocopy = true;
    else if (kind === 'propagation') mode.propagation = word;
  }
  return mode;
}
