/**
 * A look at a process through /proc, as narrow as the question: before and after a call, only
 * what that call can change is read. Whatever cannot be read (the process has ended, is not
 * dumpable, belongs to somebody else) is left out; nothing here throws.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type MountEntry, parseMountinfo } from './mount-table.ts';

/** What a snapshot can hold; which call needs which is in changes.ts. */
export type Aspect = 'namespaces' | 'mounts' | 'status' | 'cgroup' | 'cwd' | 'limits' | 'exe' | 'descriptors' | 'session' | 'personality';

export interface Snapshot {
  /** `mnt` → `mnt:[4026531841]`; also `pid_for_children`, `time_for_children`. */
  namespaces?: Map<string, string>;
  mounts?: Map<number, MountEntry>;
  /** Lines of /proc/PID/status by their name. */
  status?: Map<string, string>;
  /** controller list (empty for cgroup v2) → path. */
  cgroup?: Map<string, string>;
  cwd?: string;
  /** `Max open files` → `1024 (hard 4096)`. */
  limits?: Map<string, string>;
  exe?: string;
  descriptors?: number;
  session?: string;
  personality?: string;
}

/** Runs a read of /proc; undefined when the kernel refuses. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const table = (text: string, separator: RegExp): Map<string, string> =>
  new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const at = separator.exec(line);
      return at ? [[line.slice(0, at.index), line.slice(at.index + at[0].length).trim()]] : [];
    }),
  );

/** Reads the given aspects of a process. */
export function snapshot(pid: number, aspects: Iterable<Aspect>): Snapshot {
  const proc = `/proc/${pid}`;
  const file = (name: string) => attempt(() => readFileSync(`${proc}/${name}`, 'utf8'));
  const link = (name: string) => attempt(() => readlinkSync(`${proc}/${name}`));
  const out: Snapshot = {};
  for (const aspect of aspects) {
    switch (aspect) {
      case 'namespaces':
        out.namespaces = namespaces(proc);
        break;
      case 'mounts':
        out.mounts = optional(file('mountinfo'), parseMountinfo);
        break;
      case 'status':
        out.status = optional(file('status'), (text) => table(text, /:\t?/));
        break;
      case 'cgroup':
        // 4:memory:/path, and 0::/path for cgroup v2
        out.cgroup = optional(file('cgroup'), (text) => table(text.replace(/^\d+:/gm, ''), /:/));
        break;
      case 'cwd':
        out.cwd = link('cwd');
        break;
      case 'limits':
        out.limits = optional(file('limits'), limits);
        break;
      case 'exe':
        out.exe = link('exe');
        break;
      case 'descriptors':
        out.descriptors = attempt(() => readdirSync(`${proc}/fd`).length);
        break;
      case 'session':
        out.session = optional(file('stat'), (stat) => stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
        break;
      case 'personality':
        out.personality = file('personality')?.trim();
        break;
    }
  }
  return out;
}

const optional = <T, U>(value: T | undefined, map: (value: T) => U): U | undefined => (value === undefined ? undefined : map(value));

function namespaces(proc: string): Map<string, string> | undefined {
  const names = attempt(() => readdirSync(`${proc}/ns`));
  if (!names) return undefined;
  // pid_for_children cannot be read between unshare(CLONE_NEWPID) and the first child: it is empty then.
  const links = names.map((name): [string, string] => [name, attempt(() => readlinkSync(`${proc}/ns/${name}`)) ?? '']);
  return links.some(([, target]) => target) ? new Map(links) : undefined;
}

/** Columns of /proc/PID/limits are separated by two or more spaces. */
function limits(text: string): Map<string, string> {
  const rows = text
    .split('\n')
    .slice(1)
    .map((line) => line.split(/ {2,}/));
  return new Map(
    rows.flatMap(([name, soft, hard]): [string, string][] =>
      name && soft && hard ? [[name, soft === hard ? soft : `${soft}, at most ${hard}`]] : [],
    ),
  );
}
