/** The containers that there are. Finding them is here; what can be done with one has a file for each thing. */
import type { ContainerRecord } from './record.ts';
import type { Running } from './running.ts';

/** A container that the daemon looks after. */
export interface Container {
  readonly id: string;
  readonly record: ContainerRecord;
  /** What is kept of it: DATA_ROOT/containers/ID. */
  readonly folder: string;
  /** Its streams and its end, from the moment it is being made until it has ended; undefined otherwise. */
  running: Running | undefined;
  /** Called as soon as there are streams: who attaches before the start misses nothing. */
  readonly awaiting: Set<(running: Running) => void>;
  /** One thing at a time: start, stop, remove and the like wait for each other. */
  locked<T>(act: () => Promise<T>): Promise<T>;
  /** Writes the record down, so that a daemon that is killed finds it. @throws Error of the file system */
  save(): void;
  /** The same for what has happened already and cannot be refused: on a full disk, as soon as there is room. */
  note(): void;
  /** Tells `docker events`, with the labels, the name and the image. */
  tell(action: string, attributes?: Record<string, string>): void;
  /** Called at each change of its state that somebody may wait for. @returns ends it */
  onChange(listener: (change: Change) => void): () => void;
  /** Tells those who wait. */
  changed(change: Change): void;
}

/** `exited`: its command has ended, and its streams are closed; `removed`: it is gone. */
export type Change = 'started' | 'exited' | 'removed';

export interface Containers {
  /** By id, by name, or by the first letters of an id. @throws 404 `No such container: X`, 400 when several begin so */
  get(reference: string): Container;
  find(reference: string): Container | undefined;
  list(): Container[];
  /** Takes a name for an id. @throws 409 when another container has it */
  take(name: string, id: string): void;
  /** A name that nobody has, taken for an id. */
  takeAny(id: string): string;
  release(name: string): void;
  /** A new one, with its folder. The name was taken before. */
  add(record: ContainerRecord): Container;
  /** Forgets it, and removes its folder. */
  drop(container: Container): void;
}
