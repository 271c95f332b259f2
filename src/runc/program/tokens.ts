/** The points of a start at which one actor waits for another. */
export const TOKENS = {
  /** The cgroups are there: a process can be put into them. */
  prepared: 'prepared',
  /** Init exists; its pid is known. */
  cloned: 'cloned',
  /** Init is in its cgroup and its users are mapped. */
  placed: 'placed',
  /** The container is made; the command has not started. */
  ready: 'ready',
  /** The command may start. */
  start: 'start',
} as const;
