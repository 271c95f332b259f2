/** Processor time of children, to the microsecond: on a shared machine the clock on the wall says less. */
import { addressOf, must, syscall } from '../src/libc/ffi.ts';

const GETRUSAGE = process.arch === 'arm64' ? 165 : 98;
const RUSAGE_CHILDREN = -1;

/** Milliseconds, user and system, of all children that have been waited for, and of theirs: getrusage(2). */
export function childrenCpu(): number {
  const usage = Buffer.alloc(144);
  must('getrusage', syscall(GETRUSAGE, [RUSAGE_CHILDREN, addressOf(usage)]));
  const time = (at: number) => Number(usage.readBigInt64LE(at)) * 1000 + Number(usage.readBigInt64LE(at + 8)) / 1000;
  return time(0) + time(16);
}
