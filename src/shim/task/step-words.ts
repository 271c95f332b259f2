/** What is told of a step that failed, in one sentence that Docker's users know. The whole story is minirun-runc's to tell. */
import { errnoMeaning } from '../../libc/errno.ts';
import type { StepError } from '../../runc/engine/step-error.ts';
import type { Config } from '../../runc/spec/config.ts';

/**
 * A mount that failed is named as it was asked for, in runc's form: people know their own paths, not our steps.
 * @param config what the step was compiled from; undefined for a process that joins
 */
export function stepWords({ step, code, message }: StepError, config: Config | undefined): string {
  const index = /^#\/mounts\/(\d+)/.exec(step.from)?.[1];
  const mount = index === undefined ? undefined : config?.mounts?.[Number(index)];
  if (!mount || code === undefined) return message;
  // move_mount(2) tells in this way that one of the two is a folder, and the other is not.
  const meaning = step.call.name === 'move_mount' && code === 'EINVAL' ? errnoMeaning('ENOTDIR') : errnoMeaning(code);
  return `error mounting ${JSON.stringify(mount.source ?? mount.type ?? '')} to rootfs at ${JSON.stringify(mount.destination)}: ${step.call.name}: ${meaning}`;
}
