/** The time of day to the nanosecond; Date has milliseconds. */
import { call } from './fd.ts';
import { addressOf, must } from './ffi.ts';

const CLOCK_REALTIME = 0;
const timespec = Buffer.alloc(16);

/** clock_gettime(2): nanoseconds since 1970. */
export function realtime(): bigint {
  must('clock_gettime', call('clock_gettime', CLOCK_REALTIME, addressOf(timespec)));
  return timespec.readBigInt64LE(0) * 1_000_000_000n + timespec.readBigInt64LE(8);
}
