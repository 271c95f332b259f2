/** The streams of a process as a request names them, and what they become. */
import type { Streams } from '../../runc/container/start.ts';

/** As in Create and Exec: paths of fifos, URIs, or '' for /dev/null. */
export interface Stdio {
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
}

export interface StdioOptions {
  /** The container; a logging program is told. */
  id: string;
  namespace: string;
  /** Who owns the streams (Options.io_uid, io_gid); 0 leaves them as they are. */
  uid: number;
  gid: number;
  /** Others may write to the streams after the process has ended (an exec's children): they go through this process. */
  copied: boolean;
}

/**
 * The shim's side of a process's streams. Opened before the process starts, closed by Delete: whoever
 * opens it owns it.
 */
export interface ProcessIo {
  /** What the process gets as 0, 1 and 2; undefined where it gets a terminal. */
  readonly streams: Streams | undefined;
  /** The process has been made: it has its streams, or this is the master end of its terminal, which is ours now. */
  started(master: number | undefined): void;
  /** No more input: the process reads the end once what was sent is read and the client has closed its end. */
  closeStdin(): void;
  /** Rows and columns; nothing happens without a terminal. */
  resize(rows: number, columns: number): void;
  /** The process has ended: readers get the end of its output after the last byte. */
  ended(): void;
  /** Resolves, after {@link ended}, when nothing that this process copies is under way: readers that are there can get all of it. */
  readonly copied: Promise<void>;
  /** Resolves, after {@link ended}, when all output has been taken by a reader. */
  readonly drained: Promise<void>;
  /** Lets go of everything; what nobody has read is lost. */
  close(): void;
}

/** `file:///var/log/x` → `file`; a plain path → `fifo`. */
export const schemeOf = (uri: string): string => /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase() ?? 'fifo';
