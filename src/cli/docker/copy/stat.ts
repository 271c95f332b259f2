/** A path in a container, as the archive API tells of it. */
import type { Connection } from '../connect/connect.ts';
import { askStream } from '../connect/request.ts';

export interface PathStat {
  name: string;
  size: number;
  /** Go's FileMode: the highest bit is a folder, 1 << 27 a symbolic link. */
  mode: number;
  mtime: string;
  linkTarget: string;
}

const STAT = 'x-docker-container-path-stat';
const FOLDER = 0x80000000;
const LINK = 0x08000000;

export const isFolder = ({ mode }: PathStat): boolean => mode >= FOLDER;
export const isLink = ({ mode }: PathStat): boolean => (mode & LINK) !== 0;

export const statOf = (headers: Record<string, unknown>): PathStat =>
  JSON.parse(Buffer.from(String(headers[STAT] ?? ''), 'base64').toString()) as PathStat;

/** undefined where there is nothing. @throws AnswerError for a container that is not there */
export async function statIn(connection: Connection, container: string, path: string): Promise<PathStat | undefined> {
  try {
    const answer = await askStream(connection, `/containers/${container}/archive`, { method: 'HEAD', query: { path } });
    answer.resume();
    return statOf(answer.headers);
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== 404) throw error;
    // HEAD has no body: whether it is the container or the path that is missing must be asked.
    const { ask } = await import('../connect/request.ts');
    await ask(connection, `/containers/${container}/json`);
    return undefined;
  }
}
