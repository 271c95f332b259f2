/** A container that runs: its streams, and what happens at its end. */
import type { LogWriter } from './logs/writer.ts';
import type { Streams } from './streams.ts';

export interface Running {
  readonly streams: Streams;
  /** Where its output is kept, for those who follow it; undefined for the log driver `none`. */
  readonly log: LogWriter | undefined;
  /** No more output will be logged. */
  closeLog(): void;
  /** Resolves when it has ended and all is put in order; never rejects. */
  over: Promise<void>;
  /** Somebody has asked for its end: no restart policy starts it again. */
  stopping: boolean;
}
