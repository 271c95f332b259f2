/** A few small files out of an archive, without extracting it. */
import { readArchive } from './archive.ts';

const LARGEST = 16 * 1024 * 1024;

/**
 * The texts of regular files, by their names without leading slash. The last one of a name counts.
 * @throws RootfsError when the file is no readable archive
 */
export async function textsOfArchive(file: string, names: readonly string[]): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  await readArchive(file, (entry) => {
    const name = entry.path.replace(/^(\.?\/)+/, '');
    if (entry.kind !== 'file' || !names.includes(name)) return undefined;
    const chunks: Buffer[] = [];
    let size = 0;
    return {
      data(chunk) {
        size += chunk.length;
        if (size <= LARGEST) chunks.push(Buffer.from(chunk));
      },
      end() {
        if (size <= LARGEST) texts[name] = Buffer.concat(chunks).toString('utf8');
      },
    };
  });
  return texts;
}
