/** JSON objects one after the other, as Docker's streams hold them. */
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { CommandFailed } from '../connect/failed.ts';

/**
 * One object for each line.
 * @param prepare changes a line before it is parsed
 * @throws CommandFailed for a line that is no JSON
 */
export async function* jsonLines<T>(from: Readable, prepare = (line: string): string => line): AsyncGenerator<T> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const parsed = (line: string): T => {
    try {
      return JSON.parse(prepare(line)) as T;
    } catch {
      throw new CommandFailed(`the daemon's answer cannot be read: ${JSON.stringify(line.slice(0, 100))}`);
    }
  };
  for await (const chunk of from) {
    rest += decoder.write(chunk as Buffer);
    const lines = rest.split('\n');
    rest = lines.pop() as string;
    for (const line of lines) if (line.trim() !== '') yield parsed(line);
  }
  if (rest.trim() !== '') yield parsed(rest);
}
