/** What marks a snapshot as a container's: its id. One whose container is gone is removed by the next daemon. */
export const SNAPSHOT_LABEL = 'dev.minirun.dockerd/container';
