/** `minirun cp CONTAINER:PATH PATH`: the archive of the API, unpacked here. */
import { mkdirSync, statSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar';
import { UsageError } from '../../usage-error.ts';
import type { Connection } from '../connect/connect.ts';
import { CommandFailed } from '../connect/failed.ts';
import { askStream } from '../connect/request.ts';
import { humanSize } from '../output/units.ts';
import { writeTo } from '../streams/frames.ts';
import { landing, meansContent, renamed } from './names.ts';
import { isFolder, isLink, statIn, statOf } from './stat.ts';

export interface CopyOptions {
  archive?: boolean;
  followLink?: boolean;
}

/** @returns what was done, in one sentence */
export async function copyFrom(
  connection: Connection,
  from: { container: string; path: string },
  to: string,
  { archive, followLink }: CopyOptions,
): Promise<string> {
  let path = posix.join('/', from.path) + (meansContent(from.path) && !from.path.endsWith('/') ? '/.' : '');
  if (followLink) {
    const stat = await statIn(connection, from.container, path);
    if (stat && isLink(stat)) path = posix.resolve(posix.dirname(path), stat.linkTarget);
  }
  const answer = await askStream(connection, `/containers/${from.container}/archive`, { query: { path } });
  if (to === '-') {
    if (process.stdout.isTTY) throw new UsageError('cowardly refusing to write an archive to a terminal: redirect it');
    for await (const chunk of answer) await writeTo(process.stdout, chunk as Buffer);
    return '';
  }
  const stat = statOf(answer.headers);
  const there = statSync(to, { throwIfNoEntry: false });
  let where: ReturnType<typeof landing>;
  try {
    where = landing(from.path, isFolder(stat), to, { exists: there !== undefined, folder: there?.isDirectory() === true });
    if (!statSync(where.folder, { throwIfNoEntry: false })?.isDirectory()) throw new Error(`no such directory: ${where.folder}`);
  } catch (error) {
    answer.destroy();
    throw new CommandFailed(`${to}: ${(error as Error).message}`);
  }
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  if (where.name !== undefined && isFolder(stat)) mkdirSync(resolve(where.folder, where.name), { recursive: true });
  const wrong: string[] = [];
  await pipeline(
    answer,
    extract({
      cwd: resolve(where.folder),
      // Ids of the container mean nothing here, unless somebody asks for them.
      preserveOwner: archive === true && process.geteuid?.() === 0,
      noMtime: false,
      preservePaths: false,
      onwarn: (_code, message) => void wrong.push(String(message)),
      filter(name, entry) {
        const renamedTo = renamed(name, stat.name, where.name);
        if (renamedTo === undefined) return false;
        (entry as { path: string }).path = renamedTo;
        const linked = entry as { type?: string; linkpath?: string };
        if (linked.type === 'Link' && linked.linkpath) linked.linkpath = renamed(linked.linkpath, stat.name, where.name) ?? linked.linkpath;
        return true;
      },
    }),
  );
  if (wrong.length > 0) throw new CommandFailed(`not all of it could be written to ${to}: ${wrong.join('; ')}`);
  return `Successfully copied ${humanSize(bytes)} to ${to}`;
}
