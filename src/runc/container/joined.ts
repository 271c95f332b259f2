/** The namespaces of a running process, as seen from this one. */
import { readlinkSync } from 'node:fs';
import type { Joined } from '../compile/joining.ts';
import { NAMESPACE_FILE } from '../compile/namespaces.ts';
import type { NamespaceType } from '../spec/config.ts';

const ALL = Object.keys(NAMESPACE_FILE) as NamespaceType[];

/** The link reads `/` for a process whose root is this one's. */
function isChrooted(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/root`) !== '/';
  } catch {
    return false; // gone: whoever joins it says so
  }
}

/** Those in which the process differs from this one: the others need not (and often may not) be joined. */
export function namespacesOf(pid: number): Joined {
  const link = (of: string, type: NamespaceType): string => {
    try {
      return readlinkSync(`/proc/${of}/ns/${NAMESPACE_FILE[type]}`);
    } catch {
      return '';
    }
  };
  const namespaces = ALL.filter((type) => {
    const theirs = link(String(pid), type);
    return theirs !== '' && theirs !== link('self', type);
  });
  return { pid, namespaces, ...(!namespaces.includes('mount') && isChrooted(pid) ? { chrooted: true } : {}) };
}
