/**
 * The shim's log: the fifo `log` in a container's bundle, which containerd reads and copies into its own.
 * A process that holds several containers writes to the newest one's; when that one goes, to another's.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { call } from '../libc/fd.ts';

export interface Log {
  info(sentence: string): void;
  error(sentence: string): void;
  debug(sentence: string): void;
  /** From now on into this bundle's fifo; without one, nowhere. The one before is let go of, so that containerd reads its end. */
  follow(bundle: string | undefined): void;
}

/** The form of Go's logrus, in which containerd's own lines are. */
function line(level: string, sentence: string): string {
  return `time=${JSON.stringify(new Date().toISOString())} level=${level} msg=${JSON.stringify(sentence)} runtime=io.containerd.minirun.v1\n`;
}

export function openLog(debug: boolean): Log {
  const write = (level: string, sentence: string) => {
    try {
      writeSync(2, line(level, sentence));
    } catch {
      // Full, or nobody reads it: a log must not stop a container.
    }
  };
  return {
    info: (sentence) => write('info', sentence),
    error: (sentence) => write('error', sentence),
    debug: debug ? (sentence) => write('debug', sentence) : () => {},
    follow(bundle) {
      const fd = openFifo(bundle) ?? openSync('/dev/null', constants.O_WRONLY);
      call('dup3', fd, 1, 0);
      // What Node itself has to say when it crashes goes there too.
      call('dup3', fd, 2, 0);
      closeSync(fd);
    },
  };
}

function openFifo(bundle: string | undefined): number | undefined {
  if (!bundle) return undefined;
  try {
    // For reading as well: so it opens while nobody reads, and a containerd that comes back finds it.
    return openSync(join(bundle, 'log'), constants.O_RDWR | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}
