/** A limit as one write into one cgroup file, and what v1 and v2 write alike. */
import type { Resources } from '../spec/config.ts';
import type { Controller } from './cgroup-needs.ts';
import { decimal, pidsMax } from './cgroup-values.ts';

/** One write into one file of a container's cgroup. */
export interface Limit {
  /** The controller by its name in this hierarchy; the file lies in that controller's folder. */
  controller: string;
  file: string;
  value: string;
  why: string;
  from: string;
  /** errno names of the open or the write that mean "this kernel cannot: go on". */
  ignore?: string[];
}

/** Adds a write: file, value, place below #/linux/resources, why, errno names to ignore. */
export type Add = (file: string, value: string, place: string, why: string, ignore?: string[]) => void;

/** What a limit is for, where the two versions mean the same. */
export const WHY = {
  memory:
    "The most memory that all processes of the container may use together, page cache included. Who needs more waits until something can be dropped; when nothing can, the kernel kills one of the container's processes, never one outside.",
  burst: 'Time left over in quiet periods may be saved up to this many microseconds and spent in a busy one.',
  idle: 'An idle cgroup runs only when nobody else wants the CPU.',
  cpus: "The CPUs on which the container's processes may run.",
  mems: 'The memory nodes from which the container gets its memory, on machines whose memory belongs to several processors.',
  pids: 'The most processes and threads at a time: fork fails beyond it. It stops a fork bomb from filling the process table of the whole machine.',
  reserved: 'The same for pages that are reserved: mmap fails at once, instead of the process being killed when it touches the page.',
} as const;

function rdma(r: Resources, add: Add): void {
  for (const [device, limit] of Object.entries(r.rdma ?? {})) {
    const parts: string[] = [];
    if (limit.hcaHandles !== undefined) parts.push(`hca_handle=${decimal(limit.hcaHandles)}`);
    if (limit.hcaObjects !== undefined) parts.push(`hca_object=${decimal(limit.hcaObjects)}`);
    if (parts.length)
      add(
        'rdma.max',
        `${device} ${parts.join(' ')}`,
        'rdma',
        'The most handles and objects that the container may take of a network card with remote memory access.',
      );
  }
}

/**
 * The controllers whose files are the same in both versions, but for one ending.
 * @param most how the file of a largest amount ends: `limit_in_bytes` or `max`
 */
export function limitsOfBoth(controller: Controller, r: Resources, most: string, add: Add): void {
  if (controller === 'cpuset') {
    if (r.cpu?.cpus) add('cpuset.cpus', r.cpu.cpus, 'cpu/cpus', WHY.cpus);
    if (r.cpu?.mems) add('cpuset.mems', r.cpu.mems, 'cpu/mems', WHY.mems);
  } else if (controller === 'pids') {
    if (r.pids?.limit !== undefined) add('pids.max', pidsMax(r.pids.limit), 'pids/limit', WHY.pids);
  } else if (controller === 'hugetlb') {
    r.hugepageLimits?.forEach((h, i) => {
      const why = `The most memory in huge pages of ${h.pageSize} that may be in use.`;
      add(`hugetlb.${h.pageSize}.${most}`, decimal(h.limit), `hugepageLimits/${i}`, why);
      add(`hugetlb.${h.pageSize}.rsvd.${most}`, decimal(h.limit), `hugepageLimits/${i}`, WHY.reserved, ['ENOENT']);
    });
  } else if (controller === 'rdma') rdma(r, add);
}
