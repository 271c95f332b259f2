/** Limits as cgroup v1 files. Source: Linux, admin-guide/cgroup-v1/. */
import type { BlockIO, Resources } from '../spec/config.ts';
import { type Add, type Limit, limitsOfBoth, WHY } from './cgroup-limit.ts';
import type { Controller } from './cgroup-needs.ts';
import { decimal, deviceLine } from './cgroup-values.ts';

function memory(m: NonNullable<Resources['memory']>, add: Add): void {
  if (m.limit) add('memory.limit_in_bytes', decimal(m.limit), 'memory/limit', WHY.memory);
  // Memory plus swap, so that moving a page to swap leaves the sum as it is. After the limit: the kernel refuses a sum below it.
  const swap = m.swap || (m.limit !== undefined && m.limit < 0 ? -1 : 0);
  if (swap)
    add(
      'memory.memsw.limit_in_bytes',
      decimal(swap),
      'memory/swap',
      'The most memory and swap together: version 1 counts the sum, because swapping a page out then changes nothing, and nobody gains room by it. (A kernel that does not count swap has no such file.)',
      ['ENOENT'],
    );
  if (m.reservation)
    add(
      'memory.soft_limit_in_bytes',
      decimal(m.reservation),
      'memory/reservation',
      'When the machine runs short, memory is taken first from cgroups that use more than this.',
    );
  if (m.kernel)
    add(
      'memory.kmem.limit_in_bytes',
      decimal(m.kernel),
      'memory/kernel',
      'A limit for what the kernel keeps on behalf of the container. Linux 5.16 gave it up: such memory counts in the main limit.',
      ['ENOENT', 'EOPNOTSUPP'],
    );
  if (m.kernelTCP)
    add('memory.kmem.tcp.limit_in_bytes', decimal(m.kernelTCP), 'memory/kernelTCP', 'The most memory for the buffers of TCP connections.', [
      'ENOENT',
      'EOPNOTSUPP',
    ]);
  if (m.swappiness !== undefined && m.swappiness >= 0)
    add(
      'memory.swappiness',
      decimal(m.swappiness),
      'memory/swappiness',
      "How willingly the kernel swaps the container's memory out instead of dropping cached files: 0 hardly ever, 100 as soon as either.",
    );
  if (m.disableOOMKiller)
    add(
      'memory.oom_control',
      '1',
      'memory/disableOOMKiller',
      'At the limit processes are to wait for memory instead of being killed. Without a memory limit this can stop the whole machine.',
    );
}

function cpu(c: NonNullable<Resources['cpu']>, add: Add): void {
  if (c.shares)
    add(
      'cpu.shares',
      decimal(c.shares),
      'cpu/shares',
      "The container's part when processes compete for the CPUs: one with 1024 gets twice as much as one with 512. Alone on an idle machine it still gets all.",
    );
  if (c.period)
    add('cpu.cfs_period_us', decimal(c.period), 'cpu/period', 'The length in microseconds of the round in which CPU time is measured out.');
  if (c.quota)
    add(
      'cpu.cfs_quota_us',
      decimal(c.quota),
      'cpu/quota',
      'The CPU time in microseconds that the container may use in each period, over all CPUs: 50000 of 100000 is half a CPU. When it is used up, all its processes stand still until the next period.',
    );
  if (c.burst !== undefined) add('cpu.cfs_burst_us', decimal(c.burst), 'cpu/burst', WHY.burst, ['ENOENT']);
  if (c.idle !== undefined) add('cpu.idle', decimal(c.idle), 'cpu/idle', WHY.idle, ['ENOENT']);
  if (c.realtimePeriod)
    add(
      'cpu.rt_period_us',
      decimal(c.realtimePeriod),
      'cpu/realtimePeriod',
      'The round in which the time of realtime processes is measured out.',
    );
  if (c.realtimeRuntime)
    add(
      'cpu.rt_runtime_us',
      decimal(c.realtimeRuntime),
      'cpu/realtimeRuntime',
      'The time in each round that realtime processes of the container may run; the folders above must have as much to give.',
    );
}

const THROTTLES = [
  ['throttleReadBpsDevice', 'read_bps_device', 'bytes a second that may be read from it'],
  ['throttleWriteBpsDevice', 'write_bps_device', 'bytes a second that may be written to it'],
  ['throttleReadIOPSDevice', 'read_iops_device', 'reads a second'],
  ['throttleWriteIOPSDevice', 'write_iops_device', 'writes a second'],
] as const;

function blkio(b: BlockIO, add: Add): void {
  const why =
    "The container's part of a disk's time when others want it too. Only the BFQ scheduler knows such weights; a kernel without it has no such file, and all get the same.";
  // The first name is that of the CFQ scheduler, gone since Linux 5.0 but kept by some vendors' kernels.
  if (b.weight) {
    add('blkio.weight', decimal(b.weight), 'blockIO/weight', why, ['ENOENT']);
    add('blkio.bfq.weight', decimal(b.weight), 'blockIO/weight', why, ['ENOENT']);
  }
  b.weightDevice?.forEach((d, i) => {
    if (d.weight)
      add('blkio.bfq.weight_device', deviceLine(d.major, d.minor, decimal(d.weight)), `blockIO/weightDevice/${i}`, why, ['ENOENT']);
  });
  for (const [key, file, what] of THROTTLES)
    b[key]?.forEach((t, i) =>
      add(
        `blkio.throttle.${file}`,
        deviceLine(t.major, t.minor, decimal(t.rate)),
        `blockIO/${key}/${i}`,
        `For the disk with this device number: ${what}. Who wants more waits.`,
      ),
    );
}

/** The writes that limit one controller of v1. */
export function limitsV1(controller: Controller, r: Resources): Limit[] {
  const limits: Limit[] = [];
  const name = controller === 'io' ? 'blkio' : controller;
  const add: Add = (file, value, place, why, ignore) => {
    limits.push({ controller: name, file, value, why, from: `#/linux/resources/${place}`, ...(ignore ? { ignore } : {}) });
  };
  if (controller === 'memory' && r.memory) memory(r.memory, add);
  else if (controller === 'cpu' && r.cpu) cpu(r.cpu, add);
  else if (controller === 'io' && r.blockIO) blkio(r.blockIO, add);
  else if (controller === 'net_cls' && r.network?.classID)
    add(
      'net_cls.classid',
      decimal(r.network.classID),
      'network/classID',
      "Marks the container's packets with a class, by which tc(8) and iptables can tell them.",
    );
  else if (controller === 'net_prio')
    r.network?.priorities?.forEach((p, i) =>
      add(
        'net_prio.ifpriomap',
        `${p.name} ${decimal(p.priority)}`,
        `network/priorities/${i}`,
        'The priority of what the container sends through this network interface.',
      ),
    );
  else limitsOfBoth(controller, r, 'limit_in_bytes', add);
  return limits;
}
