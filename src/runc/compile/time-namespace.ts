/** Time namespaces: clocks that count from boot, shifted. Source: time_namespaces(7). */
import { CLONE, PR } from '../../libc/flags.ts';
import { prctl, unshare } from '../program/calls.ts';
import { add, type Draft, type Setting, writeFile } from './draft.ts';

/** @param entersAtExec the caller itself enters it when it executes (Linux 6.3); otherwise its children do */
export function compileTimeNamespace(draft: Draft, setting: Setting, entersAtExec: boolean): void {
  add(draft, {
    ...setting,
    call: unshare(CLONE.CLONE_NEWTIME),
    why: `A time namespace of its own: the clocks that count from boot can be shifted in it (for a container that was moved to another machine). ${
      entersAtExec
        ? 'The process enters it when it executes the command.'
        : 'Children enter it, not the caller: so the starter asks for it and init is born in it.'
    }`,
  });
  const offsets = draft.config.linux?.timeOffsets ?? {};
  const closed = entersAtExec && Object.keys(offsets).length > 0;
  if (closed) {
    add(draft, {
      ...setting,
      call: prctl(PR.PR_SET_DUMPABLE, 1),
      minor: true,
      why: 'A process that has changed its user is not dumpable: its /proc files belong to root outside. Nobody else is in here yet, so open them for a moment.',
    });
  }
  for (const clock of ['monotonic', 'boottime'] as const) {
    const offset = offsets[clock];
    if (!offset) continue;
    writeFile(
      draft,
      { ...setting, from: `#/linux/timeOffsets/${clock}` },
      '/proc/self/timens_offsets',
      `${clock} ${offset.secs ?? 0} ${offset.nanosecs ?? 0}\n`,
      'Shift this clock. It is possible only until the first process has entered the namespace.',
    );
  }
  if (closed) add(draft, { ...setting, call: prctl(PR.PR_SET_DUMPABLE, 0), minor: true, why: 'And close them again.' });
}
