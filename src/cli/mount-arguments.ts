/**
 * `-v`, `--mount` and `--tmpfs`: three spellings, one result. Pure: paths stay as they were typed.
 */
import { MOUNT_WORDS } from '../runc/spec/mount-options.ts';
import { suggestion } from './nearest.ts';
import { parseSize } from './sizes.ts';
import { UsageError } from './usage-error.ts';

export interface MountRequest {
  kind: 'bind' | 'tmpfs';
  /** As typed; `bind` only. */
  source: string;
  /** Absolute path in the container. */
  target: string;
  readonly: boolean;
  propagation?: string;
  /** false: only the mount itself, not the mounts below it. */
  recursive: boolean;
  /** Whether a read-only bind is so for the mounts below it: as the kernel can, not at all, or by all means. */
  recursiveReadonly: 'default' | 'off' | 'force';
  /** More words of config.json's `options`. */
  options: string[];
  /** As the person wrote it, for errors. */
  typed: string;
}

const PROPAGATIONS = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];
/** SELinux labels, and hints for file sharing on a Mac: nothing to do here. */
const WITHOUT_EFFECT = new Set(['z', 'Z', 'nocopy', 'consistent', 'cached', 'delegated']);
const NEEDS_DAEMON = 'volumes need the daemon, which this version does not have';

const request = (kind: MountRequest['kind'], source: string, target: string, typed: string): MountRequest => ({
  kind,
  source,
  target,
  typed,
  readonly: false,
  recursive: true,
  recursiveReadonly: 'default',
  options: [],
});

function checkTarget(target: string, typed: string): void {
  if (!target.startsWith('/')) throw new UsageError(`${typed}: the path in the container, "${target}", must be absolute (begin with /)`);
  if (target.split('/').every((part) => part === '' || part === '.'))
    throw new UsageError(`${typed}: nothing can be mounted over the container's /`);
}

/** `SRC:DST[:ro,rslave,…]`. @throws UsageError */
export function parseVolume(text: string): MountRequest {
  const typed = `-v ${text}`;
  const [source = '', target, words = '', ...more] = text.split(':');
  if (more.length) throw new UsageError(`${typed}: too many colons; for paths with a colon use --mount type=bind,source=…,target=…`);
  if (target === undefined)
    throw new UsageError(`${typed}: only one path, which means a new volume; ${NEEDS_DAEMON}. To bind a folder write SOURCE:TARGET`);
  if (source === '') throw new UsageError(`${typed}: the source is missing; write SOURCE:TARGET`);
  if (!source.includes('/') && !source.startsWith('.')) {
    throw new UsageError(`${typed}: "${source}" is the name of a volume; ${NEEDS_DAEMON}. For a folder write ./${source}`);
  }
  checkTarget(target, typed);
  const mount = request('bind', source, target, typed);
  for (const word of words.split(',').filter(Boolean)) {
    if (word === 'ro' || word === 'rw') mount.readonly = word === 'ro';
    else if (PROPAGATIONS.includes(word)) mount.propagation = word;
    else if (WITHOUT_EFFECT.has(word)) continue;
    else if (MOUNT_WORDS.includes(word) && !['bind', 'rbind', 'remount', 'defaults'].includes(word)) mount.options.push(word);
    else
      throw new UsageError(
        `${typed}: unknown option "${word}"${suggestion(word, ['ro', 'rw', ...PROPAGATIONS, ...MOUNT_WORDS], `; there are ro, rw, ${PROPAGATIONS.join(', ')}`)}`,
      );
  }
  return mount;
}

/** One line of CSV: fields with a comma are written "in quotes". */
function fields(text: string, typed: string): string[] {
  const found: string[] = [];
  let rest = text;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(,|$)/s.exec(rest);
    const plain = /^([^",]*)(,|$)/s.exec(rest);
    const field = quoted ?? plain;
    if (!field) throw new UsageError(`${typed}: a quote is not closed, or is in the middle of a field`);
    found.push((field[1] ?? '').replaceAll('""', '"'));
    rest = rest.slice(field[0].length);
    if (field[2] === '') return found;
  }
}

const KEYS = ['type', 'source', 'target', 'readonly', 'bind-propagation', 'bind-recursive', 'tmpfs-size', 'tmpfs-mode'];
const SYNONYMS: Record<string, string> = { src: 'source', dst: 'target', destination: 'target', ro: 'readonly' };

function flag(key: string, value: string | undefined, typed: string): boolean {
  if (value === undefined || value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new UsageError(`${typed}: ${key}=${value} is neither true nor false`);
}

/** `type=bind,source=…,target=…[,readonly][,bind-propagation=…]` or `type=tmpfs,target=…`. @throws UsageError */
export function parseMount(text: string): MountRequest {
  const typed = `--mount ${text}`;
  const mount = request('bind', '', '', typed);
  let type = 'volume'; // Docker's default
  for (const field of fields(text, typed)) {
    const equals = field.indexOf('=');
    const written = equals < 0 ? field : field.slice(0, equals);
    const value = equals < 0 ? undefined : field.slice(equals + 1);
    const key = SYNONYMS[written] ?? written;
    if (key === 'readonly') mount.readonly = flag(written, value, typed);
    else if (key === 'bind-nonrecursive') mount.recursive = !flag(written, value, typed);
    else if (key === 'consistency') continue;
    else if (value === undefined)
      throw new UsageError(`${typed}: "${field}" has no value; write ${KEYS.includes(key) ? key : 'KEY'}=VALUE${suggestion(field, KEYS)}`);
    else if (key === 'type') type = value;
    else if (key === 'source') mount.source = value;
    else if (key === 'target') mount.target = value;
    else if (key === 'bind-propagation') {
      if (!PROPAGATIONS.includes(value)) throw new UsageError(`${typed}: bind-propagation is one of ${PROPAGATIONS.join(', ')}`);
      mount.propagation = value;
    } else if (key === 'bind-recursive') setRecursion(mount, value);
    else if (key === 'tmpfs-size') mount.options.push(`size=${parseSize('tmpfs-size', value)}`);
    else if (key === 'tmpfs-mode') {
      if (!/^[0-7]{1,4}$/.test(value)) throw new UsageError(`${typed}: tmpfs-mode is an octal number such as 1777`);
      mount.options.push(`mode=${value}`);
    } else throw new UsageError(`${typed}: unknown key "${written}"${suggestion(written, KEYS, `; there are ${KEYS.join(', ')}`)}`);
  }
  if (type === 'volume') throw new UsageError(`${typed}: ${NEEDS_DAEMON}; write type=bind or type=tmpfs`);
  if (type !== 'bind' && type !== 'tmpfs') throw new UsageError(`${typed}: type is bind or tmpfs, not "${type}"`);
  mount.kind = type;
  if (mount.target === '') throw new UsageError(`${typed}: the target is missing (target=/path)`);
  checkTarget(mount.target, typed);
  if (type === 'bind') {
    if (mount.source === '') throw new UsageError(`${typed}: the source is missing (source=/path)`);
    if (mount.options.length) throw new UsageError(`${typed}: tmpfs-size and tmpfs-mode go with type=tmpfs`);
  } else {
    if (mount.source !== '') throw new UsageError(`${typed}: a tmpfs has no source`);
    if (mount.propagation || !mount.recursive || mount.recursiveReadonly !== 'default')
      throw new UsageError(`${typed}: bind-… goes with type=bind`);
  }
  return mount;
}

function setRecursion(mount: MountRequest, value: string): void {
  switch (value) {
    case 'enabled':
      return;
    case 'disabled':
      mount.recursive = false;
      return;
    case 'writable':
      mount.recursiveReadonly = 'off';
      return;
    case 'readonly':
      mount.recursiveReadonly = 'force';
      return;
    default:
      throw new UsageError(`${mount.typed}: bind-recursive is enabled, disabled, writable or readonly`);
  }
}

const TMPFS_VALUES = /^(size=\d+[kmgKMG%]?|mode=[0-7]{1,4}|uid=\d+|gid=\d+|nr_inodes=\d+[kmgKMG]?|nr_blocks=\d+[kmgKMG]?|huge=\w+)$/;

/** `DST[:size=64m,mode=700,…]`. @throws UsageError */
export function parseTmpfs(text: string): MountRequest {
  const typed = `--tmpfs ${text}`;
  const colon = text.indexOf(':');
  const target = colon < 0 ? text : text.slice(0, colon);
  checkTarget(target, typed);
  const mount = request('tmpfs', '', target, typed);
  for (const word of colon < 0
    ? []
    : text
        .slice(colon + 1)
        .split(',')
        .filter(Boolean)) {
    if (word === 'ro' || word === 'rw') mount.readonly = word === 'ro';
    else if (TMPFS_VALUES.test(word) || (MOUNT_WORDS.includes(word) && !/bind|remount|idmap|^r(?!elatime)/.test(word)))
      mount.options.push(word);
    else
      throw new UsageError(
        `${typed}: unknown option "${word}"${suggestion(word, [...MOUNT_WORDS, 'size=64m', 'mode=1777'], '; a tmpfs takes size=, mode=, uid=, gid=, nr_inodes= and mount options such as exec')}`,
      );
  }
  return mount;
}
