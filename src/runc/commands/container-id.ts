/** Ids of containers, and finding the one that a command names. */
import { busyError, lock } from '../container/lock.ts';
import { type ContainerView, folderOf, viewOf } from '../container/state.ts';

/** @throws Error in runc's words when it cannot be an id (it becomes the name of a folder) */
export function checkId(id: string): string {
  if (id === '') throw new Error('container id cannot be empty');
  if (!/^[\w+.-]+$/.test(id) || id === '.' || id === '..' || id.startsWith('.'))
    throw new Error(`invalid container ID format: ${JSON.stringify(id)}`);
  if (id.length > 255) throw new Error('container id is longer than 255 characters, the limit of a file name');
  return id;
}

/** @throws Error when there is none; engines look for these words */
export function containerOf(root: string, id: string | undefined): ContainerView {
  const view = viewOf(root, checkId(id ?? ''));
  if (!view) throw new Error('container does not exist');
  return view;
}

/** The container as it is while no other command changes it. @throws Error when there is none, or it stays busy */
export function holdContainer(root: string, id: string | undefined): { view: ContainerView; release: () => void } {
  const held = lock(folderOf(root, checkId(id ?? '')));
  if (held === 'busy') throw busyError(id ?? '');
  try {
    const view = containerOf(root, id);
    if (held === 'gone') throw new Error('container does not exist');
    return { view, release: held.release };
  } catch (error) {
    if (held !== 'gone') held.release();
    throw error;
  }
}
