/** Limits as cgroup v2 files. Source: Linux, admin-guide/cgroup-v2.rst. */
import type { BlockIO, Resources } from '../spec/config.ts';
import { type Add, type Limit, limitsOfBoth, WHY } from './cgroup-limit.ts';
import type { Controller } from './cgroup-needs.ts';
import { blkioToIoWeight, cpuMax, decimal, orMax, sharesToWeight, swapOnly } from './cgroup-values.ts';

function memory(m: NonNullable<Resources['memory']>, add: Add): void {
  const swap = swapOnly(m.limit, m.swap);
  // Refusing or allowing all swap is what happens anyway where the kernel has no swap: no file, no harm.
  if (swap !== undefined)
    add(
      'memory.swap.max',
      swap,
      'memory/swap',
      'The most swap. Docker and the OCI config count memory and swap together, as version 1 did; version 2 counts swap alone, so this is the difference of the two.',
      swap === '0' || swap === 'max' ? ['ENOENT'] : undefined,
    );
  if (m.limit) add('memory.max', orMax(m.limit), 'memory/limit', WHY.memory);
  if (m.reservation)
    add(
      'memory.low',
      orMax(m.reservation),
      'memory/reservation',
      'This much is left to the container when the machine runs short, as long as memory can be taken elsewhere.',
    );
}

function cpu(c: NonNullable<Resources['cpu']>, add: Add): void {
  // Before the weight: an idle cgroup has no weight, and the kernel refuses to set one.
  if (c.idle !== undefined) add('cpu.idle', decimal(c.idle), 'cpu/idle', WHY.idle, ['ENOENT']);
  if (c.shares && c.idle !== 1)
    add(
      'cpu.weight',
      decimal(sharesToWeight(c.shares)),
      'cpu/shares',
      "The container's part when processes compete for the CPUs, as a weight from 1 to 10000 with 100 as the usual one. config.json gives it in version 1's shares (2 to 262144, usually 1024), which is converted. Alone on an idle machine the container still gets all.",
    );
  const max = cpuMax(c.quota, c.period);
  if (max)
    add(
      'cpu.max',
      max,
      c.quota ? 'cpu/quota' : 'cpu/period',
      'Quota and period in microseconds: the CPU time that the container may use in each period, over all CPUs; 50000 of 100000 is half a CPU. When it is used up, all its processes stand still until the next period.',
    );
  if (c.burst !== undefined) add('cpu.max.burst', decimal(c.burst), 'cpu/burst', WHY.burst, ['ENOENT']);
}

const THROTTLES = [
  ['throttleReadBpsDevice', 'rbps', 'bytes a second that may be read from it'],
  ['throttleWriteBpsDevice', 'wbps', 'bytes a second that may be written to it'],
  ['throttleReadIOPSDevice', 'riops', 'reads a second'],
  ['throttleWriteIOPSDevice', 'wiops', 'writes a second'],
] as const;

function io(b: BlockIO, add: Add): void {
  const why =
    "The container's part of a disk's time when others want it too. There are two ways, and a kernel may have either: the BFQ scheduler's weight (1 to 1000) and io.cost's (1 to 10000).";
  if (b.weight) {
    add('io.bfq.weight', decimal(b.weight), 'blockIO/weight', why, ['ENOENT']);
    add('io.weight', decimal(blkioToIoWeight(b.weight)), 'blockIO/weight', why, ['ENOENT']);
  }
  b.weightDevice?.forEach((d, i) => {
    if (d.weight) add('io.bfq.weight', `${d.major}:${d.minor} ${decimal(d.weight)}`, `blockIO/weightDevice/${i}`, why, ['ENOENT']);
  });
  for (const [key, word, what] of THROTTLES)
    b[key]?.forEach((t, i) =>
      add(
        'io.max',
        `${t.major}:${t.minor} ${word}=${t.rate > 0 ? decimal(t.rate) : 'max'}`,
        `blockIO/${key}/${i}`,
        `For the disk with this device number: ${what}. Who wants more waits.`,
      ),
    );
}

/** The writes that limit one controller of v2. */
export function limitsV2(controller: Controller, r: Resources): Limit[] {
  const limits: Limit[] = [];
  const add: Add = (file, value, place, why, ignore) => {
    limits.push({ controller, file, value, why, from: `#/linux/resources/${place}`, ...(ignore ? { ignore } : {}) });
  };
  if (controller === 'memory' && r.memory) memory(r.memory, add);
  else if (controller === 'cpu' && r.cpu) cpu(r.cpu, add);
  else if (controller === 'io' && r.blockIO) io(r.blockIO, add);
  else limitsOfBoth(controller, r, 'max', add);
  return limits;
}

/** `unified`: files of v2 by name, written as they are; a value of several lines is several writes. */
export function unifiedLimits(unified: Record<string, string>): Limit[] {
  return Object.entries(unified).flatMap(([file, text]) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((value) => ({
        controller: file.split('.')[0] ?? '',
        file,
        value,
        why: 'config.json names this cgroup v2 file and its value itself.',
        from: `#/linux/resources/unified/${file}`,
      })),
  );
}

/** What v2 has no counterpart for: the sentences that the person who asked should read. */
export function ignoredByV2(r: Resources): string[] {
  const lost: [unknown, string][] = [
    [r.memory?.swappiness !== undefined && r.memory.swappiness >= 0, 'memory.swappiness'],
    [r.memory?.disableOOMKiller, 'memory.disableOOMKiller'],
    [r.memory?.kernelTCP, 'memory.kernelTCP'],
    [r.memory?.kernel, 'memory.kernel'],
  ];
  return lost.filter(([asked]) => asked).map(([, name]) => `cgroup v2 has nothing like ${name}, so it has no effect here.`);
}
