/** What a run left whose minirun was killed: its container lives on under its shim, and nobody waits for it any more. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readMountTable } from '../../dockerd/mount-table.ts';
import { MNT } from '../../libc/flags.ts';
import { unmount } from '../../libc/mount.ts';
import { isAlive, type ProcessName, self } from '../../runc/container/state.ts';
import { NAMESPACE } from './chain.ts';
import { SHIM } from './programs.ts';

interface Owner {
  id: string;
  process: ProcessName;
  /** A root file system that was unpacked for this run. */
  rootfs?: string;
}

const FILE = 'owner.json';
const PATIENCE_MS = 20_000;

/** Written before anything else is made. @param id empty where the containers' ids are not known yet (dockerd gives them) */
export function own(folder: string, id: string, rootfs: string | undefined): void {
  const owner: Owner = { id, process: self(), ...(rootfs === undefined ? {} : { rootfs }) };
  writeFileSync(join(folder, FILE), JSON.stringify(owner), { mode: 0o600 });
}

/** Removes what is left of runs that were killed. @param root the folder of all runs */
export function sweepLost(root: string): void {
  let names: string[];
  try {
    names = readdirSync(root);
  } catch {
    return;
  }
  for (const name of names) {
    const folder = join(root, name);
    const owner = ownerOf(folder);
    if (owner && !isAlive(owner.process)) clear(folder, owner);
  }
}

function ownerOf(folder: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, FILE), 'utf8')) as Owner;
  } catch {
    return undefined; // just being made
  }
}

/** Where the layers keep a container: that of a shim alone, of containerd, and of dockerd. */
function bundlesIn(folder: string, id: string): { namespace: string; bundle: string }[] {
  const tasks = (state: string) => join(folder, state, 'io.containerd.runtime.v2.task');
  const below = (top: string) => (existsSync(top) ? readdirSync(top).map((name) => join(top, name)) : []);
  return [
    { namespace: NAMESPACE, bundle: join(folder, 'bundle') },
    { namespace: NAMESPACE, bundle: join(tasks('state'), NAMESPACE, id) },
    ...below(tasks('exec/containerd')).flatMap((namespace) =>
      below(namespace).map((bundle) => ({ namespace: basename(namespace), bundle })),
    ),
  ].filter(({ bundle }) => basename(bundle) !== NAMESPACE);
}

/** Volumes and shared memory of a dockerd that was killed. */
function unmountBelow(folder: string): void {
  const mounted = readMountTable().filter(({ path }) => path.startsWith(`${folder}/`));
  for (const { path } of mounted.reverse()) unmount(path, MNT.MNT_DETACH | MNT.UMOUNT_NOFOLLOW);
}

/** The shim's own `delete` kills the container, and removes it; whether or not a shim still lives. */
function clear(folder: string, { id, rootfs }: Owner): void {
  for (const { namespace, bundle } of bundlesIn(folder, id)) {
    if (!existsSync(join(bundle, 'config.json'))) continue;
    const words = [
      '-namespace',
      namespace,
      '-address',
      '',
      '-id',
      basename(bundle) === 'bundle' ? id : basename(bundle),
      '-bundle',
      bundle,
      'delete',
    ];
    const { status } = spawnSync(SHIM, words, { cwd: bundle, stdio: 'ignore', timeout: PATIENCE_MS });
    // The next run tries again.
    if (status !== 0) return;
  }
  unmountBelow(folder);
  for (const path of [rootfs, folder]) if (path) rmSync(path, { recursive: true, force: true });
}
