/** The streams of a process with a terminal: the shim holds the master end and copies, both ways. Source: pty(7), ioctl_tty(2). */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { closeFd, duplicateHigh } from '../../libc/fd.ts';
import { resize } from '../../runc/container/console.ts';
import { deferred } from './deferred.ts';
import { emptied, holdFifo } from './fifo.ts';
import { type Pump, pump } from './pump.ts';
import { type ProcessIo, type Stdio, schemeOf } from './stdio.ts';

const { O_RDONLY, O_WRONLY, O_NONBLOCK, O_APPEND, O_CREAT, O_NOCTTY } = constants;
/** What a terminal's user types for the end of input (VEOF, termios(3)). */
const CTRL_D = '\x04';

/** Opens the fifos that a terminal is connected with once it is there. stderr is none: a terminal has one output. @throws Error */
export function openTerminal(stdio: Stdio): ProcessIo {
  let input: number | undefined;
  let output: number | undefined;
  let target: number | undefined;
  let source: number | undefined;
  let master: number | undefined;
  let size: [rows: number, columns: number] | undefined;
  let out: Pump | undefined;
  let typed: Pump | undefined;
  const closed = deferred<void>();
  const copied = deferred<void>();
  const drained = deferred<void>();
  const close = (fd: number | undefined) => {
    if (fd !== undefined) closeSync(fd);
  };
  const closeStdin = () => {
    close(input);
    input = undefined;
  };
  const closeHolds = () => {
    closeStdin();
    for (const fd of [output, target, source]) close(fd);
    output = target = source = undefined;
  };
  const closeMaster = () => {
    if (master !== undefined) closeFd(master);
    master = undefined;
  };

  try {
    if (stdio.stdin) {
      input = holdFifo(stdio.stdin);
      source = openSync(stdio.stdin, O_RDONLY | O_NONBLOCK);
    }
    if (schemeOf(stdio.stdout) === 'file') {
      target = openSync(decodeURIComponent(new URL(stdio.stdout).pathname), O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY, 0o644);
    } else if (stdio.stdout) {
      output = holdFifo(stdio.stdout);
      target = openSync(stdio.stdout, O_WRONLY | O_NONBLOCK);
    }
  } catch (error) {
    closeHolds();
    throw error;
  }

  return {
    streams: undefined,
    started(given) {
      if (given === undefined) return;
      master = given;
      if (size) resize(master, ...size);
      // Without a reader the output is read all the same: the process must not wait for nobody.
      out = pump(duplicateHigh(master), target ?? openSync('/dev/null', O_WRONLY));
      target = undefined;
      if (source === undefined) return;
      typed = pump(source, duplicateHigh(master));
      source = undefined;
      void typed.done.then(() => {
        if (master !== undefined && input === undefined) endOfInput(master);
      });
    },
    closeStdin,
    resize(rows, columns) {
      size = [rows, columns];
      if (master !== undefined) resize(master, rows, columns);
    },
    ended() {
      typed?.stop();
      out?.finish();
      closeMaster();
      closeStdin();
      void (async () => {
        await out?.done;
        copied.resolve();
        if (output !== undefined) await emptied(output, closed.promise);
        closeHolds();
        drained.resolve();
      })();
    },
    copied: copied.promise,
    drained: drained.promise,
    close() {
      closed.resolve();
      typed?.stop();
      out?.stop();
      closeMaster();
      closeHolds();
      copied.resolve();
      drained.resolve();
    },
  };
}

/** The client has nothing more to type: a program that reads lines gets the end, as if Ctrl-D had been typed. */
function endOfInput(master: number): void {
  try {
    writeSync(master, CTRL_D);
  } catch {
    // nobody reads, or the terminal is closed: that is no concern of the client's
  }
}
