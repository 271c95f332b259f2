/** Going through an archive, one file after the other, as fast as it can be put away. */
import type { Readable } from 'node:stream';
import { invalidArgument } from '../errors.ts';
import { decompressed } from '../layers/compression.ts';
import { readable, type TarEntry } from '../layers/tar-header.ts';
import { tarReader } from '../layers/tar-reader.ts';
import { cleanName } from './archive-name.ts';

/** Is told of each entry in turn; the archive waits until it is done. */
export interface ArchiveVisitor {
  /** @param name clean, as text */
  entry(name: string, entry: TarEntry): unknown;
  data(bytes: Buffer): unknown;
  end(): unknown;
}

/**
 * Reads a tar archive, plain or compressed, to its end.
 * @throws TarError when it is damaged, invalid argument for names that lead out of it
 */
export async function readArchive(archive: Readable, visitor: ArchiveVisitor): Promise<void> {
  const todo: (() => unknown)[] = [];
  let offset = 0;
  const reader = tarReader({
    entry: (entry) => {
      const name = cleanName(readable(entry.name));
      offset = 0;
      todo.push(() => visitor.entry(name, entry));
    },
    data: (bytes, at) => {
      // A hole costs its writer nothing, and a reader who fills it with zeros a disk.
      if (at !== offset) throw invalidArgument('archive: a sparse file, which image archives do not have');
      offset += bytes.length;
      todo.push(() => visitor.data(bytes));
    },
    end: () => todo.push(() => visitor.end()),
  });
  const act = async () => {
    for (const step of todo.splice(0)) await step();
  };
  for await (const chunk of decompressed(archive)) {
    reader.push(chunk);
    await act();
  }
  reader.finish();
  await act();
}
