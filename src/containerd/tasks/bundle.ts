/**
 * Bundles: the folder of a task, in which its shim lives.
 *
 *     STATE/io.containerd.runtime.v2.task/NAMESPACE/ID/   config.json rootfs/ work address log options.json …
 *     ROOT/io.containerd.runtime.v2.task/NAMESPACE/ID/    what `work` points to: lasts over a reboot
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { unmount } from '../../libc/mount.ts';
import { alreadyExists } from '../errors.ts';
import { checkIdentifier } from '../identifier.ts';

export interface Bundle {
  namespace: string;
  id: string;
  path: string;
}

/** A file that is in the bundle while its task is made, or deleted. */
const UNFINISHED = 'unfinished';

/** Below both root and state. */
const FOLDER = 'io.containerd.runtime.v2.task';

export interface BundleFolders {
  root: string;
  state: string;
}

/**
 * Makes the bundle of a new task.
 * @param config the text of config.json
 * @throws already exists
 */
export function makeBundle({ root, state }: BundleFolders, namespace: string, id: string, config: Uint8Array): Bundle {
  checkIdentifier(id, `invalid task id ${id}`);
  const path = join(state, FOLDER, namespace, id);
  const work = join(root, FOLDER, namespace, id);
  for (const folder of [path, work]) mkdirSync(dirname(folder), { recursive: true, mode: 0o711 });
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw alreadyExists(`task ${id}: bundle ${path}`);
    throw error;
  }
  const bundle = { namespace, id, path };
  try {
    // Who is root inside a user namespace has to come to its root file system.
    const gid = rootGroup(config);
    if (gid !== 0) {
      chownSync(path, -1, gid);
      chmodSync(path, 0o710);
    }
    mkdirSync(join(path, 'rootfs'), { mode: 0o711 });
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { mode: 0o711 });
    symlinkSync(work, join(path, 'work'));
    writeFileSync(join(path, 'config.json'), config, { mode: 0o666 });
    forgoBundle(bundle);
  } catch (error) {
    deleteBundle(bundle);
    throw error;
  }
  return bundle;
}

/** The task was made, or is not deleted after all. */
export const keepBundle = ({ path }: Bundle): void => rmSync(join(path, UNFINISHED), { force: true });

/** The task is going to be deleted: a daemon that finds the bundle is to do so. */
export const forgoBundle = ({ path }: Bundle): void => writeFileSync(join(path, UNFINISHED), '');

/** Whether a daemon was killed while it made the task, of which no client knows then, or while it deleted it. */
export const isUnfinished = ({ path }: Bundle): boolean => existsSync(join(path, UNFINISHED));

/** The host's number of group 0 of the container. */
function rootGroup(config: Uint8Array): number {
  const text = Buffer.from(config.buffer, config.byteOffset, config.byteLength);
  // Nearly all have none, and a config is long.
  if (!text.includes('"gidMappings"')) return 0;
  const { linux } = JSON.parse(text.toString()) as { linux?: { gidMappings?: { containerID: number; hostID: number }[] } };
  return linux?.gidMappings?.find(({ containerID }) => containerID === 0)?.hostID ?? 0;
}

/**
 * Removes it, with what is still mounted in it. Nothing that is mounted is removed: rootfs goes as
 * an empty folder or the removal fails.
 * @throws Error when something cannot be unmounted
 */
export function deleteBundle({ path }: Pick<Bundle, 'path'>): void {
  const work = linkIn(join(path, 'work'));
  const rootfs = join(path, 'rootfs');
  while (unmount(rootfs, 0)) {
    // Mounts may lie on one another.
  }
  ifThere(() => rmdirSync(rootfs));
  removeAtOnce(path);
  if (work !== undefined) removeAtOnce(work);
}

function linkIn(path: string): string | undefined {
  let found: string | undefined;
  ifThere(() => {
    found = readlinkSync(path);
  });
  return found;
}

/** A half removed folder would be taken for a task: names that begin with a dot are not. */
function removeAtOnce(path: string): void {
  const hidden = join(dirname(path), `.${basename(path)}`);
  ifThere(() => renameSync(path, hidden));
  rmSync(hidden, { recursive: true, force: true });
}

function ifThere(act: () => void): void {
  try {
    act();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

const foldersIn = (path: string): string[] => {
  let found: string[] = [];
  ifThere(() => {
    found = readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  });
  return found;
};

/** The bundles that an earlier daemon left, and removes what it was just removing. */
export function foundBundles({ state }: BundleFolders): Bundle[] {
  const top = join(state, FOLDER);
  return foldersIn(top).flatMap((namespace) =>
    foldersIn(join(top, namespace)).flatMap((id) => {
      const path = join(top, namespace, id);
      if (!id.startsWith('.')) return [{ namespace, id, path }];
      rmSync(path, { recursive: true, force: true });
      return [];
    }),
  );
}

/** Removes working folders whose bundle is gone, as after a reboot. */
export function removeLostWork({ root, state }: BundleFolders): void {
  const known = new Set(foundBundles({ root, state }).map(({ namespace, id }) => join(namespace, id)));
  for (const namespace of foldersIn(join(root, FOLDER))) {
    for (const id of foldersIn(join(root, FOLDER, namespace))) {
      if (!known.has(join(namespace, id))) rmSync(join(root, FOLDER, namespace, id), { recursive: true, force: true });
    }
  }
}
