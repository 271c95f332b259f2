/**
 * Intel RDT (AMD: PQoS): shares of the processor's caches and of memory bandwidth. The kernel shows
 * it as a file system, resctrl, in which a folder is a class of service: its `schemata` say what the
 * class may use, and a thread joins by writing itself into `tasks`.
 * Source: runtime-spec, config-linux.md, "IntelRdt"; the kernel's Documentation/filesystems/resctrl.rst.
 */
import { posix } from 'node:path';
import type { Host, ResctrlFacts } from '../host/facts.ts';
import { AT_FDCWD } from '../program/args.ts';
import { mkdirat } from '../program/calls.ts';
import type { Config, IntelRdt } from '../spec/config.ts';
import { add, type Draft, type Setting, writeFile } from './draft.ts';

const FROM = '#/linux/intelRdt';

/** The folder of the class, and of the container's own counters where it wants some. */
export function resctrlFolders(rdt: IntelRdt, root: string, id: string): { group: string; monitoring: string | undefined } {
  const group = rdt.closID === '/' ? root : posix.join(root, rdt.closID || id);
  return { group, monitoring: rdt.enableMonitoring ? posix.join(group, 'mon_groups', id) : undefined };
}

/** What of these folders is the container's own and goes with it; a class with a name of its own belongs to others. */
export function resctrlLeftovers(config: Config, host: Host, id: string): string[] {
  const rdt = config.linux?.intelRdt;
  if (!rdt || !host.resctrl) return [];
  const { group, monitoring } = resctrlFolders(rdt, host.resctrl.root, id);
  if (!rdt.closID) return [group]; // its mon_groups go with it
  return monitoring === undefined ? [] : [monitoring];
}

/** The lines for `schemata`, in the order that the specification wants. */
const linesOf = (rdt: IntelRdt): string[] =>
  [rdt.l3CacheSchema, rdt.memBwSchema, ...(rdt.schemata ?? [])].filter((line) => line) as string[];

/** `L3:0=7f0;1=1f` → ['L3', {0: '7f0', 1: '1f'}]. */
function parsed(line: string): [resource: string, shares: Map<string, number>] {
  const [resource = '', rest = ''] = line.trim().split(':');
  const base = resource === 'MB' || resource === 'SMBA' ? 10 : 16;
  const shares = rest.split(';').map((part): [string, number] => {
    const [domain = '', value = ''] = part.split('=');
    return [domain.trim(), Number.parseInt(value, base)];
  });
  return [resource, new Map(shares)];
}

/** The first line that a class which is there already does not give, or undefined. */
function differing(asked: string[], present: string): string | undefined {
  const have = new Map(present.split('\n').filter(Boolean).map(parsed));
  return asked.find((line) => {
    const [resource, shares] = parsed(line);
    return [...shares].some(([domain, value]) => have.get(resource)?.get(domain) !== value);
  });
}

/** Why this machine cannot do what is asked, or undefined. */
export function intelRdtMissing(config: Config, host: Host): string | undefined {
  const rdt = config.linux?.intelRdt;
  if (!rdt) return undefined;
  const { resctrl } = host;
  if (!resctrl)
    return `${FROM}: intelRdt is specified in config, but Intel RDT is not enabled: no resctrl file system is mounted on this machine (mount -t resctrl resctrl /sys/fs/resctrl, where the processor has it)`;
  const has = (resctrlInfo: string) => resctrl.info.some((name) => name.startsWith(resctrlInfo));
  if (rdt.l3CacheSchema && !has('L3'))
    return `${FROM}/l3CacheSchema: intelRdt.l3CacheSchema is specified in config, but Intel RDT/CAT is not enabled on this machine`;
  if (rdt.memBwSchema && !has('MB'))
    return `${FROM}/memBwSchema: intelRdt.memBwSchema is specified in config, but Intel RDT/MBA is not enabled on this machine`;
  if (rdt.enableMonitoring && !resctrl.info.includes('L3_MON'))
    return `${FROM}/enableMonitoring: this processor cannot measure caches and memory bandwidth (there is no info/L3_MON in resctrl)`;
  return rdt.closID ? classMissing(rdt, rdt.closID, resctrl) : undefined;
}

function classMissing(rdt: IntelRdt, closID: string, { root, schemata }: ResctrlFacts): string | undefined {
  const lines = linesOf(rdt);
  if (!lines.length && schemata === undefined)
    return `${FROM}/closID: clos dir not accessible (must be pre-created when schemata, l3CacheSchema and memBwSchema are empty): there is no ${posix.join(root, closID)}`;
  const other = schemata === undefined ? undefined : differing(lines, schemata);
  if (other === undefined) return undefined;
  return `${FROM}/closID: the class ${closID} is there already, and its schemata are not ${other}; take another closID, or leave the schemata out to join it as it is`;
}

/**
 * Init's steps: make the class of service, say what it may use, join it.
 * @param isThere the container runs already: a further process only joins
 */
export function compileIntelRdt(draft: Draft, id: string, isThere = false): void {
  const rdt = draft.config.linux?.intelRdt;
  const resctrl = draft.host.resctrl;
  if (!rdt || !resctrl) return;
  // A further process is born into the class that its starter joins, which still sees the host's files.
  const setting: Setting = { actor: isThere ? 'starter' : 'init', chapter: 'cgroup', from: FROM };
  const { group, monitoring } = resctrlFolders(rdt, resctrl.root, id);
  const lines = linesOf(rdt);
  if (resctrl.schemata === undefined && !isThere) {
    add(draft, {
      ...setting,
      call: mkdirat(AT_FDCWD, group, 0o755),
      ignore: ['EEXIST'],
      why: 'A class of service of the processor: what runs in it gets its own share of the caches. Processors have few of them, often 4 to 16.',
    });
    if (lines.length) {
      writeFile(
        draft,
        setting,
        `${group}/schemata`,
        lines.map((line) => `${line}\n`).join(''),
        'Which parts of each cache, and how much of the memory bandwidth, the class may use: others cannot push its data out.',
      );
    }
  }
  writeFile(draft, setting, `${group}/tasks`, '0', 'Joins the class: 0 stands for whoever writes, and children are born in it.');
  if (monitoring === undefined) return;
  if (!isThere)
    add(draft, {
      ...setting,
      from: `${FROM}/enableMonitoring`,
      call: mkdirat(AT_FDCWD, monitoring, 0o755),
      ignore: ['EEXIST'],
      why: "Counters of the container's own: how much of the caches it fills, and how much memory bandwidth it uses.",
    });
  writeFile(draft, { ...setting, from: `${FROM}/enableMonitoring` }, `${monitoring}/tasks`, '0', 'Be counted there.');
}
