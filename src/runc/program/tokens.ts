/** The points of a start at which one actor waits for another. */
export const TOKENS = {
  /** The cgroups are there: a process can be put into them. */
  prepared: 'prepared',
  /** Init exists; its pid is known. */
  cloned: 'cloned',
  /** systemd has made the cgroups, with init in them. */
  scoped: 'scoped',
  /** Init is in its cgroup and its users are mapped. */
  placed: 'placed',
  /** Init is in the container's network namespace. */
  connected: 'connected',
  /** The host's interfaces that it gets have been moved there. */
  moved: 'moved',
  /** Namespaces and mounts are made, the root is not yet changed: hooks may run. */
  mounted: 'mounted',
  /** The hooks have ended. */
  hooked: 'hooked',
  /** The container is made; the command has not started. */
  ready: 'ready',
  /** The command may start. */
  start: 'start',
  /** Init waits at the gate: `create` is done. */
  created: 'created',
  /** Init has come through the gate: `start` is heard. */
  started: 'started',
} as const;
