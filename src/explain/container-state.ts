/**
 * What a container has after each step of its program: the namespaces it is in, and its mount
 * table. Computed from the calls alone, so it works where nothing can be run.
 */
import { CLONE, MS } from '../libc/flags.ts';
import { cloneFlags, isClone, type Program, type Step } from '../runc/program/step.ts';
import {
  attributeField,
  attributeWords,
  flagWords,
  follow,
  integer,
  newPlaces,
  type Place,
  type Places,
  placeOf,
  plain,
  propagationWord,
} from './places.ts';

/** In the order in which they are drawn; the names are those of /proc/PID/ns. */
export const NAMESPACES = ['user', 'pid', 'mnt', 'uts', 'ipc', 'net', 'cgroup', 'time'] as const;
export type NamespaceName = (typeof NAMESPACES)[number];

const FLAG: Record<NamespaceName, number> = {
  user: CLONE.CLONE_NEWUSER,
  pid: CLONE.CLONE_NEWPID,
  mnt: CLONE.CLONE_NEWNS,
  uts: CLONE.CLONE_NEWUTS,
  ipc: CLONE.CLONE_NEWIPC,
  net: CLONE.CLONE_NEWNET,
  cgroup: CLONE.CLONE_NEWCGROUP,
  time: CLONE.CLONE_NEWTIME,
};

export interface NamespaceChange {
  step: number;
  namespace: NamespaceName;
  becomes: 'new' | 'joined';
}

/** Every step that takes the container out of one of the host's namespaces. */
export function namespaceChanges(program: Program): NamespaceChange[] {
  return program.steps.flatMap((step, index): NamespaceChange[] => {
    const { name, args } = step.call;
    if (step.actor === 'runtime' && !isClone(step.call)) return [];
    const flags = name === 'setns' ? integer(args[1]) : isClone(step.call) || name === 'unshare' ? integer(cloneFlags(step.call)) : 0n;
    const becomes = name === 'setns' ? 'joined' : 'new';
    return NAMESPACES.filter((n) => flags & BigInt(FLAG[n])).map((namespace) => ({ step: index, namespace, becomes }));
  });
}

export interface Mounted {
  id: number;
  /** Inside the container; for what belongs to the host, its path there. */
  target: string;
  inside: boolean;
  type: string;
  source: string;
  options: string[];
  /** Index of the step that made it; -1 for what came with the namespace. */
  since: number;
}

export interface MountChange {
  step: number;
  kind: 'added' | 'changed' | 'removed';
  /** A few words for the picture: `+ /proc`. */
  label: string;
  table: Mounted[];
}

const HOST_TREE: Mounted = { id: 0, target: '/', inside: false, type: 'all', source: "the host's file tree", options: [], since: -1 };

/** Every step that changes the mount table of init, with the table as it stands afterwards. */
export function mountChanges(program: Program): { before: Mounted[]; changes: MountChange[] } {
  const places = newPlaces();
  let table: Mounted[] = [HOST_TREE];
  let serial = 0;
  const changes: MountChange[] = [];
  program.steps.forEach((step, index) => {
    const change = mountChange(places, step, table, index, () => ++serial);
    follow(places, step);
    if (!change) return;
    table = change.table;
    changes.push({ step: index, ...change });
  });
  return { before: [HOST_TREE], changes };
}

type Change = Omit<MountChange, 'step'>;

function mountChange(places: Places, step: Step, table: Mounted[], index: number, nextId: () => number): Change | undefined {
  const { name, args } = step.call;
  if (step.actor !== 'init') return undefined;
  const add = (place: Place, type: string, source: string, options: string[]): Change => ({
    kind: 'added',
    label: `+ ${place.inside ? place.path : `${place.path} (host)`}`,
    table: [...table, { id: nextId(), target: place.path, inside: place.inside, type, source, options, since: index }],
  });
  const change = (place: Place, words: string[], every: boolean): Change | undefined => {
    const top = topmost(table, place);
    if (!every && !top) return undefined;
    return {
      kind: 'changed',
      label: `${words.join(',')} ${every ? (place.path === '/' ? 'everywhere' : `below ${place.path}`) : place.path}`,
      table: table.map((m) => (m === top || (every && below(m, place)) ? { ...m, id: nextId(), options: merge(m.options, words) } : m)),
    };
  };
  switch (name) {
    case 'mount': {
      const flags = integer(args[3]);
      const source = plain(args[0]);
      const propagation = propagationWord(flags);
      if (flags & BigInt(MS.MS_BIND) && source && source === plain(args[1]) && !places.inside)
        return add({ path: '/', inside: true }, 'bind', source, []);
      const place = placeOf(places, undefined, args[1]);
      if (flags & BigInt(MS.MS_REMOUNT)) return change(place, flagWords(flags), false);
      if (propagation) return change(place, [propagation.replace(/^r/, '')], (flags & BigInt(MS.MS_REC)) !== 0n);
      if (flags & BigInt(MS.MS_BIND)) return add(place, 'bind', source, flagWords(flags));
      return add(place, plain(args[2]), source, [...flagWords(flags), ...plain(args[4]).split(',').filter(Boolean)]);
    }
    case 'move_mount': {
      const tree = args[0]?.kind === 'result' ? places.held.get(args[0].of) : undefined;
      const place = placeOf(places, args[2], args[3]);
      if (!tree) return undefined;
      return add(place, 'bind', `${tree.path}${tree.inside ? '' : ' of the host'}`, attributeWords(tree.attributes ?? 0n));
    }
    case 'mount_setattr': {
      const place = placeOf(places, args[0], args[1]);
      if (place.attributes !== undefined && !table.some((m) => m.target === place.path && m.inside === place.inside && m.since >= 0))
        return undefined;
      if (place.attributes !== undefined) return undefined; // not attached yet: shown when it is
      const propagation = propagationWord(attributeField(step, 'propagation'));
      const words = [...attributeWords(attributeField(step, 'attr_set')), ...(propagation ? [propagation] : [])];
      return words.length ? change(place, words, false) : undefined;
    }
    case 'pivot_root':
      return {
        kind: 'changed',
        label: 'the rootfs becomes /',
        table: table.map((m) => (m.inside ? m : { ...m, target: 'on top of /', id: nextId() })),
      };
    case 'umount2': {
      if (places.inside && table.some((m) => !m.inside) && plain(args[0]) === '.')
        return { kind: 'removed', label: "− the host's file tree", table: table.filter((m) => m.inside) };
      const top = topmost(table, placeOf(places, undefined, args[0]));
      return top && { kind: 'removed', label: `− ${top.target}`, table: table.filter((m) => m !== top) };
    }
    default:
      return undefined;
  }
}

const topmost = (table: Mounted[], place: Place): Mounted | undefined =>
  table.findLast((m) => m.target === place.path && m.inside === place.inside);

const below = (m: Mounted, place: Place): boolean =>
  place.path === '/'
    ? !place.inside || m.inside
    : m.inside === place.inside && (m.target === place.path || m.target.startsWith(`${place.path}/`));

const PROPAGATIONS = ['private', 'slave', 'shared', 'unbindable'];
const merge = (options: string[], words: string[]): string[] => {
  const kept = words.some((w) => PROPAGATIONS.includes(w)) ? options.filter((o) => !PROPAGATIONS.includes(o)) : options;
  return [...new Set([...kept, ...words])];
};
