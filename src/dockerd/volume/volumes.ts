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

export interface VolumeRequest {
  /** Made up (64 hex digits) when empty. */
  name?: string | undefined;
  driver?: string | undefined;
  options?: Record<string, string> | undefined;
  labels?: Record<string, string> | undefined;
}

export interface Volumes {
  /** Makes it, unless there is one of that name: then that one. @throws 400, 409 when it is there with other options */
  create(request: VolumeRequest): Promise<Volume>;
  /** @throws 404 `get NAME: no such volume` */
  get(name: string): Volume;
  list(): Volume[];
  /** @throws 404, 409 when a container uses it */
  remove(name: string, force: boolean): Promise<void>;
  /** To be called before a container with this volume starts: mounts it, if it is a file system of its own. @returns the folder */
  mount(name: string, containerId: string): Promise<string>;
  /** After the container has ended. */
  unmount(name: string, containerId: string): Promise<void>;
}
