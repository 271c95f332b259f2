/** What containers, tasks, namespaces and leases may be called, and what labels may hold. Source: containerd, pkg/identifiers and pkg/labels. */
import { invalidArgument } from './errors.ts';

const MAX_LENGTH = 76;
const PATTERN = /^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$/;
const MAX_LABEL = 4096;

/**
 * Ids become names of folders, so no slash, no `..` and no leading dot is in them.
 * @throws invalid argument
 */
export function checkIdentifier(id: string, what?: string): void {
  const said = what === undefined ? '' : `${what}: `;
  if (id === '') throw invalidArgument(`${said}identifier must not be empty`);
  if (id.length > MAX_LENGTH)
    throw invalidArgument(`${said}identifier ${JSON.stringify(id)} greater than maximum length (${MAX_LENGTH} characters)`);
  if (!PATTERN.test(id)) throw invalidArgument(`${said}identifier ${JSON.stringify(id)} must match ${PATTERN.source}`);
}

/** @throws invalid argument for a label that is too long, in bytes of its name and value together */
export function checkLabels(labels: Record<string, string>, what: string): void {
  for (const [name, value] of Object.entries(labels)) {
    const length = Buffer.byteLength(name) + Buffer.byteLength(value);
    if (length <= MAX_LABEL) continue;
    throw invalidArgument(
      `${what}: label key and value length (${length} bytes) greater than maximum size (${MAX_LABEL} bytes), key: ${name.slice(0, 10)}`,
    );
  }
}
