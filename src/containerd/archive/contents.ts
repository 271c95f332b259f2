/** What an image archive holds: its small files as text, its blobs in the content store. */
import { randomBytes } from 'node:crypto';
import { isDigest } from '../content/digest.ts';
import { invalidArgument, isAlreadyExists } from '../errors.ts';
import type { TarEntry } from '../layers/tar-header.ts';
import { readable } from '../layers/tar-header.ts';
import { dropIngest } from '../transfer/content.ts';
import type { BlobWriter, ContentPort } from '../transfer/ports.ts';
import { linkTarget } from './archive-name.ts';
import type { ArchiveVisitor } from './read-archive.ts';

export interface Stored {
  digest: string;
  /** bytes */
  size: number;
}

export interface ArchiveContents {
  /** `oci-layout`, `index.json`, `manifest.json`, `repositories`, and the old `ID/json`, by name */
  texts: Map<string, Buffer>;
  /** all other files, by name */
  blobs: Map<string, Stored>;
  /** from a name to another one of the archive */
  links: Map<string, string>;
}

/** What is read before anything else is known must fit into the memory: one file, and all of them. */
const MAX_TEXT = 8 << 20;
const MAX_TEXTS = 64 << 20;
/** Files of an archive; an image has a few hundred at most. */
const MAX_FILES = 100_000;

const isText = (name: string) => /^(oci-layout|index\.json|manifest\.json|repositories|[0-9a-f]{64}\/(json|VERSION))$/.test(name);

/** The digest that a file of an OCI layout must have, by its name. */
function promised(name: string): string | undefined {
  const match = /^blobs\/([a-z0-9]+)\/([0-9a-f]+)$/.exec(name);
  if (!match) return undefined;
  const digest = `${match[1]}:${match[2]}`;
  if (!isDigest(digest)) throw invalidArgument(`archive: ${JSON.stringify(name)} is no digest`);
  return digest;
}

/** Puts away what it is told. `found` is complete when the archive has been read to its end. */
export function collectArchive(content: ContentPort): { visitor: ArchiveVisitor; found: ArchiveContents; close(): Promise<void> } {
  const found: ArchiveContents = { texts: new Map(), blobs: new Map(), links: new Map() };
  const own = randomBytes(6).toString('hex');
  let textBytes = 0;
  let files = 0;
  /** What is done with the file at hand. */
  let name = '';
  let expected: string | undefined;
  let size = 0;
  let text: Buffer[] | undefined;
  let writer: BlobWriter | undefined;
  let skipping = true;

  const begin = async (entry: TarEntry) => {
    size = entry.size;
    expected = promised(name);
    skipping = false;
    text = isText(name) ? [] : undefined;
    if (text) {
      textBytes += size;
      if (size > MAX_TEXT || textBytes > MAX_TEXTS)
        throw invalidArgument(`archive: ${JSON.stringify(name)} has ${size} bytes, too many for what it is`);
      return;
    }
    try {
      writer = await content.ingest(`import-${own}-${expected ?? name}`, { ...(expected && { expected }), total: size });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      skipping = true;
      found.blobs.set(name, { digest: expected as string, size });
    }
  };

  const finish = async () => {
    if (text) found.texts.set(name, Buffer.concat(text));
    if (!writer) return;
    const ended = writer;
    writer = undefined;
    try {
      const digest = await commit(ended);
      found.blobs.set(name, { digest, size });
    } finally {
      await ended.close();
    }
  };

  const commit = async (ended: BlobWriter): Promise<string> => {
    const ref = `import-${own}-${expected ?? name}`;
    try {
      return await ended.commit({ size, ...(expected && { digest: expected }) });
    } catch (error) {
      await dropIngest(content, ref);
      // "content sha256:…: already exists" is no failure: the same bytes are there under their digest.
      const known = isAlreadyExists(error) ? (expected ?? /sha256:[0-9a-f]{64}/.exec((error as Error).message)?.[0]) : undefined;
      if (known !== undefined) return known;
      throw error;
    }
  };

  const visitor: ArchiveVisitor = {
    entry: async (entryName, entry) => {
      name = entryName;
      skipping = true;
      if (++files > MAX_FILES) throw invalidArgument(`archive: more than ${MAX_FILES} files`);
      if (entry.type === 'symlink') found.links.set(name, linkTarget(name, readable(entry.linkName)));
      else if (entry.type === 'link') found.links.set(name, linkTarget('', readable(entry.linkName)));
      else if (entry.type === 'file') await begin(entry);
    },
    data: async (bytes) => {
      if (skipping) return;
      if (text) text.push(Buffer.from(bytes));
      else await writer?.write(bytes);
    },
    end: async () => {
      if (!skipping) await finish();
      skipping = true;
      text = undefined;
    },
  };
  return {
    visitor,
    found,
    // Of an archive that ended in the middle of a file nothing stays.
    close: async () => {
      if (writer === undefined) return;
      await writer.close();
      await dropIngest(content, `import-${own}-${expected ?? name}`);
    },
  };
}

/** The blob of that name, through links of the archive. @throws invalid argument when there is none */
export function blobNamed({ blobs, links }: ArchiveContents, name: string, what: string): Stored {
  let at = name.replace(/^\.\//, '');
  for (let hops = 0; hops < 8; hops++) {
    const blob = blobs.get(at);
    if (blob) return blob;
    const next = links.get(at);
    if (next === undefined) break;
    at = next;
  }
  throw invalidArgument(`archive: ${what} ${JSON.stringify(name)} not found`);
}

/** A small file as JSON. @throws invalid argument */
export function jsonOf({ texts }: ArchiveContents, name: string): unknown {
  const bytes = texts.get(name);
  if (bytes === undefined) throw invalidArgument(`archive: ${name} is missing`);
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw invalidArgument(`archive: ${name} is not JSON (${(error as Error).message})`);
  }
}
