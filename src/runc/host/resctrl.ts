/** The resctrl file system of this machine: what the processor can share out (resctrl.rst of the kernel). */
import { readdirSync, readFileSync } from 'node:fs';
import { resctrlFolders } from '../compile/intel-rdt.ts';
import type { IntelRdt } from '../spec/config.ts';
import type { ResctrlFacts } from './facts.ts';

/** Where resctrl is mounted, from the text of /proc/self/mountinfo; undefined when it is not. */
export function resctrlRoot(mountinfo: string): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    if (right?.startsWith('resctrl ')) return left?.split(' ')[4];
  }
  return undefined;
}

/** @returns undefined where the machine has none, or nobody mounted it */
export function readResctrl(rdt: IntelRdt, mountinfo: string): ResctrlFacts | undefined {
  const root = resctrlRoot(mountinfo);
  if (root === undefined) return undefined;
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch {
      return undefined;
    }
  };
  // Without a closID the class is the container's own and new.
  const schemata = rdt.closID ? attempt(() => readFileSync(`${resctrlFolders(rdt, root, '').group}/schemata`, 'utf8')) : undefined;
  return { root, info: attempt(() => readdirSync(`${root}/info`)) ?? [], ...(schemata === undefined ? {} : { schemata }) };
}
