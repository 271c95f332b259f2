/** The numbers of init's descriptors: what is not the command's comes after what the command keeps. */

export interface Descriptors {
  /** The socket to the runtime; after the gate, to whoever said start. */
  control: number;
  /** The listening socket of a container that waits for `start`. */
  gate: number;
  /** The connection to a seccomp agent. */
  notify: number;
  /** The program itself; minirun-init reads it and closes it before the first step. */
  program: number;
  /** The socket that takes the terminal's master. */
  console: number;
}

/** @param preserveFds how many descriptors from 3 on belong to the command (`--preserve-fds`) */
export const descriptors = (preserveFds = 0): Descriptors => ({
  control: 3 + preserveFds,
  gate: 4 + preserveFds,
  notify: 5 + preserveFds,
  program: 6 + preserveFds,
  console: 7 + preserveFds,
});
