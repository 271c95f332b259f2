/** What a container may not leave behind on the host. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCgroupFacts } from '../../../src/runc/host/cgroup-facts.ts';

/** Mounts, cgroups and processes whose name holds the word. */
export function tracesOf(word: string): string[] {
  const found: string[] = [];
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) if (line.includes(word)) found.push(`mount ${line}`);
  const facts = readCgroupFacts(process.getuid?.() ?? 0);
  for (const top of new Set([...Object.values(facts.v1), ...(facts.v2 ? [facts.v2] : [])])) {
    const base = join(top, 'minirun');
    if (existsSync(base)) for (const name of readdirSync(base)) if (name.includes(word)) found.push(`cgroup ${join(base, name)}`);
  }
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      if (Number(pid) !== process.pid && line.includes(word) && !/\) [ZX] /.test(stat))
        found.push(`process ${pid} ${line.replaceAll('\0', ' ')}`);
    } catch {
      // gone meanwhile
    }
  }
  return found;
}
