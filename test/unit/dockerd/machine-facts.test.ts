import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { readMachineFacts } from '../../../src/dockerd/host/read-facts.ts';
import { CAPABILITIES } from '../../../src/libc/capabilities.ts';
import { numbersOf } from '../../../src/runc/spec/number-list.ts';

test.skipIf(process.platform !== 'linux')('the facts of this machine are such as a machine has', () => {
  const facts = readMachineFacts();
  expect(facts.kernel[0]).toBeGreaterThanOrEqual(5);
  expect(facts.cpuCount).toBe(availableParallelism());
  expect(numbersOf(facts.cpus).length).toBeGreaterThanOrEqual(1);
  expect(numbersOf(facts.mems).length).toBeGreaterThanOrEqual(1);
  for (const name of facts.capabilities) expect(CAPABILITIES).toContain(name);
  // Who may raise limits has none that matter.
  expect(Object.keys(facts.hardLimits).length === 0).toBe(facts.capabilities.includes('CAP_SYS_RESOURCE'));
  expect(facts.initPath).toMatch(/minirun-pid1$/);
});
