/**
 * The words of `mounts[].options` in config.json, turned into what the kernel takes.
 *
 * Words are read in order and the last one wins, as in mount(8): `ro,rw` is `rw`. What is no word
 * of ours belongs to the file system (`size=64m`, `mode=755`) and is passed on as it is.
 * Source: runtime-spec config.md, "Linux mount options"; mount(8), mount(2), mount_setattr(2).
 */
import { MOUNT_ATTR, MS } from '../../libc/flags.ts';

export interface MountOptions {
  /** MS_* to set, without the propagation flags. */
  flags: number;
  /** MS_* that a word asked to be off (`rw`, `suid`, `exec`): a later remount must not keep them. */
  clear: number;
  /** One mount(2) call each, in this order: MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, with MS_REC where recursive. */
  propagation: number[];
  /** MOUNT_ATTR_* for mount_setattr(2) with AT_RECURSIVE (`rro`, `rnosuid`, …); both 0 when no word asks for it. */
  recursive: { set: number; clear: number };
  /** True for `bind` and `rbind`: the source is a place in the file tree, not a file system. */
  bind: boolean;
  /** The remaining words, joined with commas, for the file system itself. */
  data: string;
  /** Map the owner ids of this mount alone, or of all mounts below it too (`ridmap`). */
  idmap?: 'idmap' | 'ridmap';
  /** The mappings that stand in the option itself, as they are written there (see idmap-option.ts). */
  idmapText?: string;
  /** Copy what the rootfs has at this place into the new tmpfs. */
  tmpcopyup?: boolean;
}

/** word → [bits, true when the word turns them off]. */
const FLAGS: Record<string, readonly [bits: number, off: boolean]> = {
  async: [MS.MS_SYNCHRONOUS, true],
  atime: [MS.MS_NOATIME, true],
  bind: [MS.MS_BIND, false],
  dev: [MS.MS_NODEV, true],
  diratime: [MS.MS_NODIRATIME, true],
  dirsync: [MS.MS_DIRSYNC, false],
  exec: [MS.MS_NOEXEC, true],
  iversion: [MS.MS_I_VERSION, false],
  lazytime: [MS.MS_LAZYTIME, false],
  loud: [MS.MS_SILENT, true],
  mand: [MS.MS_MANDLOCK, false],
  noatime: [MS.MS_NOATIME, false],
  nodev: [MS.MS_NODEV, false],
  nodiratime: [MS.MS_NODIRATIME, false],
  noexec: [MS.MS_NOEXEC, false],
  noiversion: [MS.MS_I_VERSION, true],
  nolazytime: [MS.MS_LAZYTIME, true],
  nomand: [MS.MS_MANDLOCK, true],
  norelatime: [MS.MS_RELATIME, true],
  nostrictatime: [MS.MS_STRICTATIME, true],
  nosuid: [MS.MS_NOSUID, false],
  nosymfollow: [MS.MS_NOSYMFOLLOW, false],
  rbind: [MS.MS_BIND | MS.MS_REC, false],
  relatime: [MS.MS_RELATIME, false],
  remount: [MS.MS_REMOUNT, false],
  ro: [MS.MS_RDONLY, false],
  rw: [MS.MS_RDONLY, true],
  silent: [MS.MS_SILENT, false],
  strictatime: [MS.MS_STRICTATIME, false],
  suid: [MS.MS_NOSUID, true],
  symfollow: [MS.MS_NOSYMFOLLOW, true],
  sync: [MS.MS_SYNCHRONOUS, false],
};

const PROPAGATION: Record<string, number> = {
  private: MS.MS_PRIVATE,
  rprivate: MS.MS_PRIVATE | MS.MS_REC,
  rshared: MS.MS_SHARED | MS.MS_REC,
  rslave: MS.MS_SLAVE | MS.MS_REC,
  runbindable: MS.MS_UNBINDABLE | MS.MS_REC,
  shared: MS.MS_SHARED,
  slave: MS.MS_SLAVE,
  unbindable: MS.MS_UNBINDABLE,
};

const ATIME = MOUNT_ATTR.MOUNT_ATTR__ATIME;

/**
 * word → [attributes to set, attributes to clear]. The access time mode is one value in several
 * bits (0 is relatime), so the kernel wants all of them cleared whenever one is chosen.
 */
const RECURSIVE: Record<string, readonly [set: number, clear: number]> = {
  ratime: [0, ATIME],
  rdev: [0, MOUNT_ATTR.MOUNT_ATTR_NODEV],
  rdiratime: [0, MOUNT_ATTR.MOUNT_ATTR_NODIRATIME],
  rexec: [0, MOUNT_ATTR.MOUNT_ATTR_NOEXEC],
  rnoatime: [MOUNT_ATTR.MOUNT_ATTR_NOATIME, ATIME],
  rnodev: [MOUNT_ATTR.MOUNT_ATTR_NODEV, 0],
  rnodiratime: [MOUNT_ATTR.MOUNT_ATTR_NODIRATIME, 0],
  rnoexec: [MOUNT_ATTR.MOUNT_ATTR_NOEXEC, 0],
  rnorelatime: [0, ATIME],
  rnostrictatime: [0, ATIME],
  rnosuid: [MOUNT_ATTR.MOUNT_ATTR_NOSUID, 0],
  rnosymfollow: [MOUNT_ATTR.MOUNT_ATTR_NOSYMFOLLOW, 0],
  rrelatime: [0, ATIME],
  rro: [MOUNT_ATTR.MOUNT_ATTR_RDONLY, 0],
  rrw: [0, MOUNT_ATTR.MOUNT_ATTR_RDONLY],
  rstrictatime: [MOUNT_ATTR.MOUNT_ATTR_STRICTATIME, ATIME],
  rsuid: [0, MOUNT_ATTR.MOUNT_ATTR_NOSUID],
  rsymfollow: [0, MOUNT_ATTR.MOUNT_ATTR_NOSYMFOLLOW],
};

/** Every word with a meaning of its own, sorted: what `features` reports. */
export const MOUNT_WORDS: readonly string[] = [
  ...Object.keys(FLAGS),
  ...Object.keys(PROPAGATION),
  ...Object.keys(RECURSIVE),
  'defaults',
  'idmap',
  'ridmap',
  'tmpcopyup',
].sort();

/** Reads the options of one mount. Pure; an unknown word becomes part of `data`. */
export function parseMountOptions(options: readonly string[]): MountOptions {
  const parsed: MountOptions = { flags: 0, clear: 0, propagation: [], recursive: { set: 0, clear: 0 }, bind: false, data: '' };
  const data: string[] = [];
  for (const word of options) {
    const flag = own(FLAGS, word);
    const propagation = own(PROPAGATION, word);
    const recursive = own(RECURSIVE, word);
    if (flag) {
      const [bits, off] = flag;
      parsed.flags = off ? parsed.flags & ~bits : parsed.flags | bits;
      parsed.clear = off ? parsed.clear | bits : parsed.clear & ~bits;
    } else if (propagation !== undefined) parsed.propagation.push(propagation);
    else if (recursive) applyRecursive(parsed.recursive, recursive);
    else if (word === 'idmap' || word === 'ridmap') parsed.idmap = word;
    else if (/^r?idmap=/.test(word)) {
      const [name, ...text] = word.split('=');
      parsed.idmap = name as 'idmap' | 'ridmap';
      parsed.idmapText = text.join('=');
    } else if (word === 'tmpcopyup') parsed.tmpcopyup = true;
    else if (word !== 'defaults' && word !== '') data.push(word);
  }
  parsed.bind = (parsed.flags & MS.MS_BIND) !== 0;
  parsed.data = data.join(',');
  return parsed;
}

/** A later word undoes what an earlier one set of the same bits: mount_setattr(2) clears first, then sets. */
function applyRecursive(recursive: MountOptions['recursive'], [set, clear]: readonly [number, number]): void {
  recursive.set = (recursive.set & ~clear) | set;
  recursive.clear = (recursive.clear & ~(set & ~ATIME)) | clear;
}

const own = <T>(table: Record<string, T>, word: string): T | undefined => (Object.hasOwn(table, word) ? table[word] : undefined);
