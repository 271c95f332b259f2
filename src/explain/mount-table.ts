/** The mount table of a process, and what has changed in it. Source: proc_pid_mountinfo(5). */

export interface MountEntry {
  id: number;
  parent: number;
  /** Which folder of the file system is mounted: `/` for a whole one, else a bind mount of a part. */
  root: string;
  /** Where, as the process sees it. */
  mountPoint: string;
  options: string;
  /** `shared:7`, `master:7`, `unbindable`; empty for a private mount. */
  propagation: string;
  type: string;
  source: string;
}

/** Spaces and the like are written as octal escapes in mountinfo. */
const unescaped = (text: string): string => text.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));

/** The entries of a mountinfo file by mount id; lines that do not look like one are left out. */
export function parseMountinfo(text: string): Map<number, MountEntry> {
  const entries = new Map<number, MountEntry>();
  for (const line of text.split('\n')) {
    const [left, right] = line.split(' - ');
    const fields = left?.split(' ') ?? [];
    const [type = '', source = ''] = right?.split(' ') ?? [];
    const [id, parent, , root, mountPoint, options, ...propagation] = fields;
    if (!id || root === undefined || mountPoint === undefined || options === undefined || !type) continue;
    entries.set(Number(id), {
      id: Number(id),
      parent: Number(parent),
      root: unescaped(root),
      mountPoint: unescaped(mountPoint),
      options,
      propagation: propagation.join(' '),
      type,
      source: unescaped(source),
    });
  }
  return entries;
}

/** What is mounted: `proc`, `ext4 /dev/vda1`, `/srv/rootfs of ext4 /dev/vda1`. */
export function showSource(m: MountEntry): string {
  const whole = m.source === m.type || m.source === 'none' ? m.type : `${m.type} ${m.source}`;
  return m.root === '/' ? whole : `${m.root} of ${whole}`;
}

/** `proc on /proc (nosuid,nodev)`: mountinfo's line in brief. */
export function showMount(m: MountEntry): string {
  const options = m.options.split(',').filter((o) => o !== 'rw' && o !== 'relatime');
  return `${showSource(m)} on ${m.mountPoint}${options.length ? ` (${options.join(',')})` : ''}`;
}

export interface MountChanges {
  added: MountEntry[];
  removed: MountEntry[];
  /** Same mount, other options or propagation. */
  changed: [before: MountEntry, after: MountEntry][];
}

/** Compares two tables of one mount namespace. */
export function compareMounts(before: Map<number, MountEntry>, after: Map<number, MountEntry>): MountChanges {
  const out: MountChanges = { added: [], removed: [], changed: [] };
  for (const [id, entry] of after) {
    const was = before.get(id);
    if (!was) out.added.push(entry);
    else if (was.options !== entry.options || was.propagation !== entry.propagation) out.changed.push([was, entry]);
  }
  for (const [id, entry] of before) if (!after.has(id)) out.removed.push(entry);
  return out;
}

/** `private`, `shared`, `slave`: how a mount passes events on, in the words of mount_namespaces(7). */
export function propagationName(m: MountEntry): string {
  const names: string[] = [];
  if (/\bmaster:/.test(m.propagation)) names.push('slave');
  if (/\bshared:/.test(m.propagation)) names.push('shared');
  if (/\bunbindable\b/.test(m.propagation)) names.push('unbindable');
  return names.join(' and ') || 'private';
}

/** The mount at the process's root directory: the one whose parent it cannot see. */
export const rootMount = (mounts: Map<number, MountEntry>): MountEntry | undefined =>
  [...mounts.values()].find((m) => !mounts.has(m.parent) || m.parent === m.id);
