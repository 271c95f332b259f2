/** The containers that there are. Finding them is here; what can be done with one has a file for each thing. */
import type { ContainerRecord } from './record.ts';

/** A container that the daemon looks after. */
export interface Container {
  readonly record: ContainerRecord;
  /** What is kept of it: DATA_ROOT/containers/ID. */
  readonly folder: string;
  /** One thing at a time: start, stop, remove and the like wait for each other. */
  locked<T>(act: () => Promise<T>): Promise<T>;
  /** Writes the record down, so that a daemon that is killed finds it. */
  save(): void;
  /** Tells `docker events`, with the labels, the name and the image. */
  tell(action: string, attributes?: Record<string, string>): void;
}

export interface Containers {
  /** By id, by name, or by the first letters of an id. @throws 404 `No such container: X`, 400 when several begin so */
  get(reference: string): Container;
  find(reference: string): Container | undefined;
  list(): Container[];
}
