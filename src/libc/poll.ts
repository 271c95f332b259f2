/** Waiting for a descriptor in Node's event loop, without a thread and without a stream of Node's around it. */
import { loadKoffi } from './ffi.ts';

export interface Poll {
  /** Calls back, again and again, while the descriptor can be read (or has ended) or written. */
  when(what: 'readable' | 'writable', act: () => void): void;
  /** Not any more, until the next {@link when}. */
  rest(): void;
  /** For good. The descriptor stays open: it must not be closed before. */
  close(): void;
}

/** Only one for a descriptor at a time (epoll(7)): duplicate it to wait for two things. It becomes non-blocking. */
export function poll(fd: number): Poll {
  const { node } = loadKoffi();
  const handle = node.poll(fd, { readable: true }, () => {});
  handle.stop();
  return {
    when: (what, act) => handle.start({ [what]: true }, act),
    rest: () => handle.stop(),
    close() {
      handle.stop();
      handle.close();
    },
  };
}
