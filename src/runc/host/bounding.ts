/** The capability bounding set of this process: proc_pid_status(5), capabilities(7). */
import { readFileSync } from 'node:fs';
import { capabilitiesOf } from '../spec/capability-sets.ts';

/** The names of the capabilities that this process can pass on. */
export function boundingCapabilities(): string[] {
  const mask = /^CapBnd:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return capabilitiesOf(BigInt(`0x${mask}`));
}
