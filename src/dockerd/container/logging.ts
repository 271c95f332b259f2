/** A container's log while it runs, for its streams. */
import { textOf } from '../../containerd/log.ts';
import type { Daemon } from '../daemon.ts';
import type { Container } from './containers.ts';
import { openLog } from './logs/open.ts';
import type { LogWriter } from './logs/writer.ts';
import { processArgs } from './spec/process-args.ts';
import type { Stream } from './streams.ts';

export interface ContainerLog {
  log: LogWriter | undefined;
  write: ((stream: Stream, chunk: Buffer) => void) | undefined;
  close(): void;
}

/** @throws ApiError when the log cannot be opened; the container is not started then */
export function openContainerLog(daemon: Daemon, { record, folder, id }: Container): ContainerLog {
  const failed = (error: unknown) => daemon.log('error', 'output of a container is not logged', { id, error: textOf(error) });
  const log = openLog(record, folder, processArgs(record.Config), failed);
  return { log, write: log && ((stream, chunk) => log.write(stream, chunk)), close: () => log?.close() };
}
