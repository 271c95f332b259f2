/** Writing content of a namespace. */
import { failedPrecondition } from '../errors.ts';
import { checkLabels } from '../identifier.ts';
import type { Labels } from './records.ts';

/** One writer of one ref; `close` ends it in any case. */
export interface ContentWriter {
  readonly ref: string;
  readonly offset: number;
  /** 0 when nobody said. */
  readonly total: number;
  readonly startedAt: Date;
  readonly updatedAt: Date;
  digest(): string;
  write(chunk: Uint8Array): Promise<void>;
  truncate(offset: number): Promise<void>;
  /** @returns its digest @throws failed precondition, already exists */
  commit(wanted?: { size?: number; digest?: string; labels?: Labels }): Promise<string>;
  close(): Promise<void>;
}

/** For what is there already: nothing is to be written, only committed. */
export function sharedWriter(ref: string, digest: string, size: number, at: Date, commit: (labels: Labels) => void): ContentWriter {
  const refuse = async () => {
    throw failedPrecondition(`content ${digest} is complete`);
  };
  return {
    ref,
    offset: size,
    total: size,
    startedAt: at,
    updatedAt: at,
    digest: () => digest,
    write: refuse,
    truncate: refuse,
    close: async () => undefined,
    async commit(wanted = {}) {
      checkLabels(wanted.labels ?? {}, 'info.Labels');
      if (wanted.size !== undefined && wanted.size > 0 && wanted.size !== size) {
        throw failedPrecondition(`${JSON.stringify(digest)} failed size validation: ${size} != ${wanted.size}`);
      }
      if (wanted.digest !== undefined && wanted.digest !== digest) throw failedPrecondition(`${JSON.stringify(digest)} unexpected digest`);
      commit(wanted.labels ?? {});
      return digest;
    },
  };
}
