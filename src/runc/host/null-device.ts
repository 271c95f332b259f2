/** Which standard streams are the null device. */
import { fstatSync } from 'node:fs';

/** dev_t of device 1:3, as stat(2) gives it. */
const NULL_DEVICE = 0x103;

/**
 * @param descriptors of this process, in the order of standard input, output and error
 * @returns the numbers, 0 to 2, of those that are the null device
 */
export function nullStreams(descriptors: readonly number[]): number[] {
  return descriptors.flatMap((descriptor, stream) => {
    try {
      const stat = fstatSync(descriptor);
      return stat.isCharacterDevice() && stat.rdev === NULL_DEVICE ? [stream] : [];
    } catch {
      return []; // not open
    }
  });
}
