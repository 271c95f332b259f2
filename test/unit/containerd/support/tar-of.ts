/** A tar archive of a few entries, also of such as no honest program writes. */
import { Header } from 'tar';

export interface Entry {
  path: string;
  body?: string | Buffer;
  type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link';
  linkpath?: string;
}

export function tarOf(entries: readonly Entry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { path, body = '', type = 'File', linkpath } of entries) {
    const bytes = Buffer.from(body);
    const block = Buffer.alloc(512);
    new Header({ path, type, size: bytes.length, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0), ...(linkpath && { linkpath }) }).encode(
      block,
      0,
    );
    blocks.push(block, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
