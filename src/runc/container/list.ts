/** Finding containers, and clearing away what killed runs have left. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isFrozen } from '../cgroup/freezer.ts';
import { removeTraces } from './remove.ts';
import { type ContainerView, idsIn, isAlive, viewOf } from './state.ts';

/** A folder without state may be one second old before it counts as left behind. */
const GRACE_MS = 10_000;

/**
 * One container, or undefined where there is none (any more). One whose init and whose minirun
 * process are both gone before its end was written down was left by a killed run: if it was to be
 * removed, or was never finished, it is cleared away here.
 */
function viewOrClear(root: string, id: string): ContainerView | undefined {
  const view = viewOf(root, id);
  if (!view) {
    const age = Date.now() - (statSync(join(root, id), { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > GRACE_MS) removeTraces(root, id, undefined);
    return undefined;
  }
  const { state } = view;
  const abandoned = view.status === 'stopped' && !isAlive(state.owner);
  if (!abandoned || !(state.remove || !state.init)) return view;
  removeTraces(root, id, state);
  return undefined;
}

/** Clears away what killed runs have left. Those that ended as they should are not looked at. */
export function sweep(root: string): void {
  for (const id of idsIn(root)) if (!existsSync(join(root, id, 'exit.json'))) viewOrClear(root, id);
}

/** All containers, oldest first; what killed runs have left is cleared away on the way. */
export function listContainers(root: string): ContainerView[] {
  const views: ContainerView[] = [];
  for (const id of idsIn(root)) {
    const view = viewOrClear(root, id);
    if (!view) continue;
    if (view.status === 'running' && isFrozen(view.state.cgroups)) view.status = 'paused';
    views.push(view);
  }
  return views.sort((a, b) => a.state.created.localeCompare(b.state.created));
}

/**
 * The container of that id, name, or beginning of an id.
 * @throws Error when there is none, or more than one
 */
export function findContainer(root: string, wanted: string): ContainerView {
  const views = listContainers(root);
  const exact = views.find((v) => v.state.id === wanted || v.state.name === wanted);
  if (exact) return exact;
  const matches = views.filter((v) => v.state.id.startsWith(wanted));
  if (matches.length === 1) return matches[0] as ContainerView;
  if (matches.length > 1) throw new Error(`"${wanted}" is the beginning of ${matches.length} container ids; write more of it`);
  throw new Error(`no container "${wanted}"; minirun ps -a lists those there are`);
}
