/** What `--network`, `--ipc`, `--pid`, `--uts`, `--userns` and `--cgroupns` say: with whom a namespace is shared. */

/** A mode that names another container: `container:NAME` → `NAME`; undefined for any other. */
export const containerOf = (mode: string | undefined): string | undefined => /^container:([\s\S]*)$/.exec(mode ?? '')?.[1];

export const isHost = (mode: string | undefined): boolean => mode === 'host';

/** Of its own: neither the host's nor another container's. */
export const isPrivate = (mode: string | undefined): boolean => !isHost(mode) && containerOf(mode) === undefined;

/** Where the container's /dev/shm must be a file system that is mounted outside, so that other containers can have it. */
export const hasSharedShm = (mode: string | undefined): boolean => mode === 'shareable' || containerOf(mode) !== undefined;
