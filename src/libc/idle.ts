/**
 * Gives memory back once nothing has happened for a while. V8 collects garbage when there is much of
 * it, so a process that stays idle keeps what its last minute left: with 50 containers, half of what it has.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadLibc } from './ffi.ts';

const QUIET_MS = 2000;

/** @returns what to call whenever something happens */
export function releaseWhenIdle(): () => void {
  let timer: NodeJS.Timeout | undefined;
  return () => {
    if (timer) timer.refresh();
    else timer = setTimeout(release, QUIET_MS).unref();
  };
}

function release(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  // Gives back the pages that the first one has emptied.
  collect();
  try {
    (loadLibc().func('int malloc_trim(size_t pad)') as (pad: number) => number)(0);
  } catch {
    // Not glibc.
  }
}
