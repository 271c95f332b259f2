/** Containers as they are kept: a folder for each, with one file that says everything. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../containerd/log.ts';
import { writeWhole } from '../durable.ts';
import type { Events } from '../events.ts';
import { badRequest, conflict, notFound } from '../http/api-error.ts';
import type { Change, Container, Containers } from './containers.ts';
import { newName } from './names.ts';
import type { ContainerRecord } from './record.ts';

const RECORD = 'container.json';
/** Docker's rule for names. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** @throws 400 in Docker's words */
export function checkName(name: string): string {
  const bare = name.replace(/^\//, '');
  if (NAME.test(bare)) return bare;
  throw badRequest(`Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
}

/** How often a full disk is looked at again, in ms. */
const AGAIN_MS = 2000;

function newContainer(record: ContainerRecord, folder: string, events: Events, log: Log): Container {
  let late: NodeJS.Timeout | undefined;
  const save = () => {
    writeWhole(join(folder, RECORD), `${JSON.stringify(record)}\n`);
    clearTimeout(late);
    late = undefined;
  };
  const note = () => {
    try {
      save();
    } catch (error) {
      // Removed meanwhile.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      if (late === undefined) log('error', 'state of a container is not on the disk yet', { id: record.Id, error });
      clearTimeout(late);
      late = setTimeout(note, AGAIN_MS).unref();
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  const listeners = new Set<(change: Change) => void>();
  return {
    id: record.Id,
    record,
    folder,
    running: undefined,
    awaiting: new Set(),
    locked(act) {
      const mine = last.then(act, act);
      last = mine.catch(() => undefined);
      return mine;
    },
    save,
    note,
    tell(action, attributes = {}) {
      const { Config, Name, Id } = record;
      events.publish('container', action, Id, { ...Config.Labels, ...attributes, image: Config.Image ?? '', name: Name });
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    changed(change) {
      for (const listener of [...listeners]) listener(change);
    },
  };
}

/** Opens the containers of an earlier daemon. Whether they still run is found out by restore.ts. */
export function openContainers(dataRoot: string, events: Events, log: Log): Containers {
  const root = join(dataRoot, 'containers');
  mkdirSync(root, { recursive: true, mode: 0o710 });
  const byId = new Map<string, Container>();
  const names = new Map<string, string>();
  for (const id of readdirSync(root)) {
    const folder = join(root, id);
    try {
      const record = JSON.parse(readFileSync(join(folder, RECORD), 'utf8')) as ContainerRecord;
      byId.set(id, newContainer(record, folder, events, log));
      names.set(record.Name, id);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        // The daemon was killed before it had said that there is such a container.
        rmSync(folder, { recursive: true, force: true });
      } else log('error', 'container cannot be read', { folder, error });
    }
  }

  const take = (name: string, id: string): void => {
    const owner = names.get(name);
    if (owner !== undefined && owner !== id)
      throw conflict(
        `Conflict. The container name "/${name}" is already in use by container "${owner}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    names.set(name, id);
  };

  const find = (reference: string): Container | undefined => {
    const text = reference.replace(/^\//, '');
    const exact = byId.get(text) ?? byId.get(names.get(text) ?? '');
    if (exact || !/^[0-9a-f]{1,63}$/.test(text)) return exact;
    const found = [...byId.values()].filter(({ id }) => id.startsWith(text));
    if (found.length > 1) throw badRequest(`Multiple IDs found with provided prefix: ${text}`);
    return found[0];
  };

  return {
    find,
    get(reference) {
      const found = find(reference);
      if (!found) throw notFound(`No such container: ${reference}`);
      return found;
    },
    list: () => [...byId.values()],
    take,
    takeAny(id) {
      const name = newName((taken) => names.has(taken));
      take(name, id);
      return name;
    },
    release: (name) => void names.delete(name),
    add(record) {
      const folder = join(root, record.Id);
      mkdirSync(folder, { mode: 0o710 });
      const container = newContainer(record, folder, events, log);
      container.save();
      byId.set(record.Id, container);
      return container;
    },
    drop(container) {
      byId.delete(container.id);
      if (names.get(container.record.Name) === container.id) names.delete(container.record.Name);
      rmSync(container.folder, { recursive: true, force: true });
    },
  };
}
