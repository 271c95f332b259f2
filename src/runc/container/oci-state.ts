/** A container as runc's `state` and `list` show it: the specification's state and three fields of runc's own. */
import { readFileSync, statSync } from 'node:fs';
import { isFrozen } from '../cgroup/freezer.ts';
import { type ContainerView, DeletedError, idsIn, loadConfig, type Status, viewOf } from './state.ts';

export interface OciState {
  ociVersion: string;
  id: string;
  /** 0 when it has stopped. */
  pid: number;
  status: Status;
  bundle: string;
  rootfs: string;
  /** RFC 3339. */
  created: string;
  annotations?: Record<string, string>;
  /** Name of the user who made it, as in /etc/passwd; empty where there is none. */
  owner: string;
}

/** The status, frozen ones told apart. */
export const statusOf = (view: ContainerView): Status =>
  (view.status === 'running' || view.status === 'created') && isFrozen(view.state.cgroups) ? 'paused' : view.status;

/** The name of the user to whom the container's folder belongs. */
function ownerOf(folder: string): string {
  try {
    const { uid } = statSync(folder);
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((l) => l.split(':')[2] === String(uid));
    return line?.split(':')[0] ?? '';
  } catch {
    return '';
  }
}

export function ociState(view: ContainerView): OciState {
  const { state } = view;
  const { annotations } = loadConfig(view);
  return {
    ociVersion: state.ociVersion,
    id: state.id,
    pid: view.pid,
    status: statusOf(view),
    bundle: state.bundle,
    rootfs: state.rootfs,
    created: state.created,
    ...(annotations && Object.keys(annotations).length ? { annotations } : {}),
    owner: ownerOf(view.folder),
  };
}

/** All containers below a root folder, those that are just being made too. */
export function ociStates(root: string): OciState[] {
  return idsIn(root).flatMap((id) => {
    const view = viewOf(root, id);
    if (!view) return [];
    try {
      return [ociState(view)];
    } catch (error) {
      if (error instanceof DeletedError) return [];
      throw error;
    }
  });
}
