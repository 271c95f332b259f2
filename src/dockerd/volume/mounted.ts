/**
 * Which containers have a volume's file system mounted. It is written down, because containers
 * outlive the daemon; after a reboot nothing is mounted, and nothing of it counts.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../durable.ts';
import { isMountPoint, readMountTable } from '../mount-table.ts';
import type { LocalMount } from './driver-options.ts';
import { dataFolder } from './folder.ts';
import { mountLocal, unmountLocal } from './local-mount.ts';

const USERS = 'mounted-for.json';

const usersPath = (root: string, name: string): string => join(root, name, USERS);

export function mountedFor(root: string, name: string): Set<string> {
  const path = usersPath(root, name);
  if (!existsSync(path) || !isMountPoint(readMountTable(), dataFolder(root, name))) return new Set();
  return new Set(JSON.parse(readFileSync(path, 'utf8')) as string[]);
}

export async function mountFor(root: string, name: string, wanted: LocalMount, user: string): Promise<void> {
  const users = mountedFor(root, name);
  const target = dataFolder(root, name);
  if (!isMountPoint(readMountTable(), target)) await mountLocal(wanted, target);
  // After the mount: a daemon that is killed between both leaves a mount of nobody, which the next one takes over.
  writeWhole(usersPath(root, name), JSON.stringify([...users, user]));
}

export function unmountFor(root: string, name: string, user: string): void {
  const users = mountedFor(root, name);
  users.delete(user);
  if (users.size > 0) {
    writeWhole(usersPath(root, name), JSON.stringify([...users]));
    return;
  }
  unmountLocal(dataFolder(root, name));
  rmSync(usersPath(root, name), { force: true });
}
