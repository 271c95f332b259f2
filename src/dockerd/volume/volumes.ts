/** Named volumes: folders that outlive containers. */

export interface Volume {
  Name: string;
  Driver: 'local';
  /** The folder with its files, or where its file system is mounted while it is in use. */
  Mountpoint: string;
  /** RFC 3339. */
  CreatedAt: string;
  Labels: Record<string, string> | null;
  Options: Record<string, string> | null;
  Scope: 'local';
  /** Nobody named it. */
  anonymous: boolean;
}

/** What marks a volume that nobody named; Docker's `volume prune` takes only those, from version 1.42 of the API on. */
export const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';

export interface VolumeRequest {
  /** Made up (64 hex digits) when empty. */
  name?: string | undefined;
  driver?: string | undefined;
  options?: Record<string, string> | undefined;
  labels?: Record<string, string> | undefined;
}

export interface Volumes {
  /**
   * Makes it, unless there is one of that name: then that one, whatever its options, as in Docker.
   * @param holder the id of a container that is going to use it: nobody removes it until {@link release}
   * @throws 400 for names and options that are none, 404 for a driver that is not there
   */
  create(request: VolumeRequest, holder?: string): Promise<Volume>;
  /** Refuses what `create` would refuse, and makes nothing. @throws 400, 404 */
  check(request: VolumeRequest): void;
  /** The container is written down by now, or has failed: it holds its volumes no more than its record says. */
  release(holder: string): void;
  /** @throws 404 `get NAME: no such volume` */
  get(name: string): Volume;
  list(): Volume[];
  /** The ids of the containers that it belongs to, running or not. */
  usedBy(name: string): string[];
  /** What its files take, in bytes. Undefined for a file system of its own: its size is not this machine's matter. */
  size(name: string): Promise<number | undefined>;
  /** @param force a volume that is not there is fine @throws 404, 409 when a container uses it */
  remove(name: string, force: boolean): Promise<void>;
  /** To be called before a container with this volume starts: mounts it, if it is a file system of its own. @returns the folder */
  mount(name: string, containerId: string): Promise<string>;
  /** After the container has ended. */
  unmount(name: string, containerId: string): Promise<void>;
  /**
   * Fills a volume that is empty. A daemon that is killed in the middle of it leaves an empty volume, where only one
   * container has it and it is no file system of its own.
   * @param fill writes into the folder
   */
  populate(name: string, containerId: string, fill: (folder: string) => Promise<void>): Promise<void>;
}
