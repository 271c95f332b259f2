/** Standard streams that are the host's null device. */
import { AT, O } from '../../libc/flags.ts';
import { dup3, memfdCreate, open, statx } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import { isDevice } from './device-files.ts';
import { add, closeResult, type Draft, hasNamespace, type Setting } from './draft.ts';
import { bringsItsDevices } from './made-devices.ts';

const NULL_DEVICE = 'null';
const EMPTY = 'empty';

/**
 * Exchanges them for the container's own: an open file is as good as its path, so root in the
 * container could change the mode and owner of the host's /dev/null through /proc/self/fd/0. In a
 * user namespace it could not.
 * @param streams numbers of descriptors, 0 to 2
 * @param hostile the container runs already, and may have removed its null device to keep the host's
 */
export function compileNullStreams(draft: Draft, streams: readonly number[] = [], hostile = false): void {
  if (!streams.length || hasNamespace(draft.config, 'user') || bringsItsDevices(draft)) return;
  const setting: Setting = { actor: 'init', chapter: 'privileges', from: 'minirun' };
  const replace = (by: string, why: string) => {
    for (const stream of streams)
      add(draft, { ...setting, call: dup3(ref(by), stream), ...(by === NULL_DEVICE ? { ignore: ['EBADF'] } : {}), minor: true, why });
  };
  if (hostile) {
    add(draft, {
      ...setting,
      call: memfdCreate('no-null-device'),
      saves: EMPTY,
      minor: true,
      why: "An empty file, in case that the container has no null device (any more): the host's must not go into it.",
    });
    replace(EMPTY, "Let go of the host's null device.");
    closeResult(draft, setting, ref(EMPTY));
  }
  add(draft, {
    ...setting,
    call: open('/dev/null', O.O_RDWR | O.O_CLOEXEC | O.O_NOCTTY | O.O_NOFOLLOW),
    saves: NULL_DEVICE,
    ignore: ['ENOENT', 'EACCES', 'EPERM'],
    why: "Standard input or output is the host's null device. Open the container's own instead: whoever holds a file open can change its mode and owner, and this one belongs to everybody on the host.",
  });
  add(draft, {
    ...setting,
    call: statx(ref(NULL_DEVICE), '', AT.AT_EMPTY_PATH),
    ignore: ['EBADF'],
    minor: true,
    expect: isDevice('c', 1, 3, '/dev/null', '/dev/null of the container is not the null device 1:3; somebody may have replaced it.'),
    why: 'Make sure that it really is the null device (CVE-2025-31133).',
  });
  replace(NULL_DEVICE, 'Let it take the place of the stream.');
  closeResult(draft, setting, ref(NULL_DEVICE), true);
}
