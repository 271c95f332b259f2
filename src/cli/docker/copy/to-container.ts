/** `minirun cp PATH CONTAINER:PATH`: an archive made here, unpacked by the daemon. */
import { lstatSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, posix, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { create } from 'tar';
import { UsageError } from '../../usage-error.ts';
import type { Connection } from '../connect/connect.ts';
import { CommandFailed } from '../connect/failed.ts';
import { ask } from '../connect/request.ts';
import { humanSize } from '../output/units.ts';
import type { CopyOptions } from './from-container.ts';
import { landing, meansContent, renamed } from './names.ts';
import { isFolder, isLink, statIn } from './stat.ts';

/** @returns what was done, in one sentence */
export async function copyTo(
  connection: Connection,
  from: string,
  to: { container: string; path: string },
  { archive, followLink }: CopyOptions,
): Promise<string> {
  const target = posix.join('/', to.path) + (meansContent(to.path) && !to.path.endsWith('/') ? '/.' : '');
  let there = await statIn(connection, to.container, target);
  // A link in the container is followed there, so its end says whether it is a folder.
  for (let n = 0, path = target; there && isLink(there) && n < 40; n++) {
    path = posix.resolve(posix.dirname(path), there.linkTarget);
    there = await statIn(connection, to.container, path);
  }
  const query = (path: string) => ({ path, noOverwriteDirNonDir: 'true', copyUIDGID: archive ? 'true' : undefined });
  const send = (stream: NodeJS.ReadableStream, folder: string) =>
    ask(connection, `/containers/${to.container}/archive`, {
      method: 'PUT',
      query: query(folder),
      upload: { stream, type: 'application/x-tar' },
    });
  if (from === '-') {
    if (process.stdin.isTTY) throw new UsageError('an archive is expected on standard input: use a pipe');
    if (there === undefined || !isFolder(there)) throw new CommandFailed(`destination "${to.container}:${to.path}" must be a directory`);
    await send(process.stdin, target);
    return '';
  }
  const stats = statHere(from, followLink === true);
  let where: ReturnType<typeof landing>;
  try {
    const source = meansContent(from) ? from : resolve(from);
    where = landing(source, stats.isDirectory(), target, { exists: there !== undefined, folder: there !== undefined && isFolder(there) });
  } catch (error) {
    throw new CommandFailed(`${to.container}:${to.path}: ${(error as Error).message}`);
  }
  const whole = resolve(from);
  // The content of a folder is the folder under the name `.`.
  const [folder, top] = where.name === undefined ? [whole, '.'] : [dirname(whole), basename(whole)];
  const pack = create(
    {
      cwd: folder,
      follow: false,
      portable: false,
      onWriteEntry(entry) {
        if (where.name === undefined) return;
        const path = renamed(entry.path, top, where.name);
        if (path !== undefined) entry.path = path;
      },
    },
    [followLink ? `./${top}` : top],
  );
  let bytes = 0;
  const stream = new PassThrough();
  pack.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  pack.on('error', (error: unknown) => void stream.destroy(error as Error));
  pack.pipe(stream);
  await send(stream, where.folder);
  return `Successfully copied ${humanSize(bytes)} to ${to.container}:${to.path}`;
}

function statHere(path: string, follow: boolean): Stats {
  try {
    return follow || path.endsWith('/') || meansContent(path) ? statSync(path) : lstatSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(`${path}: ${code === 'ENOENT' ? 'no such file or directory' : message}`);
  }
}
