/** What a container uses, as io.containerd.cgroups.v2.Metrics. Source of the files: Linux, admin-guide/cgroup-v2.rst. */
import { readdirSync } from 'node:fs';
import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import {
  CPUStatSchema,
  IOEntrySchema,
  MemoryEventsSchema,
  MemoryStatSchema,
  type Metrics,
  MetricsSchema,
} from '../../proto/io/containerd/cgroups/v2/metrics_pb.ts';
import { keyed, one } from '../../runc/cgroup/counters.ts';
import { readQuietly } from '../../runc/cgroup/processes.ts';

type Counters = Record<string, bigint>;

/** The numbers of a message that have the names of a file's lines. */
const named = (schema: DescMessage, values: Counters): Counters =>
  Object.fromEntries(
    schema.fields.flatMap(({ name, localName }) => (values[name] === undefined ? [] : [[localName, values[name] as bigint]])),
  );

/** `some avg10=0.00 avg60=0.00 avg300=0.00 total=0` */
function pressure(text: string): { psi?: Record<string, { avg10: number; avg60: number; avg300: number; total: bigint }> } {
  const lines = [...text.matchAll(/^(some|full) avg10=([\d.]+) avg60=([\d.]+) avg300=([\d.]+) total=(\d+)$/gm)];
  if (!lines.length) return {};
  const psi = lines.map(
    ([, kind = '', avg10, avg60, avg300, total = '0']) =>
      [kind, { avg10: Number(avg10), avg60: Number(avg60), avg300: Number(avg300), total: BigInt(total) }] as const,
  );
  return { psi: Object.fromEntries(psi) };
}

/** `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …` */
const ioEntries = (text: string) =>
  text.split('\n').flatMap((line) => {
    const [, major, minor, rest = ''] = /^(\d+):(\d+) (.*)$/.exec(line) ?? [];
    if (major === undefined || minor === undefined) return [];
    const values = Object.fromEntries([...rest.matchAll(/(\w+)=(\d+)/g)].map(([, name = '', value = '0']) => [name, BigInt(value)]));
    return [{ major: BigInt(major), minor: BigInt(minor), ...named(IOEntrySchema, values) }];
  });

function hugePages(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((name) => /^hugetlb\.(\d+[KMG]B)\.current$/.exec(name)?.[1] ?? []);
  } catch {
    return [];
  }
}

/** @param folder the container's cgroup */
export function metricsV2(folder: string): Metrics {
  const read = (name: string): string => readQuietly(`${folder}/${name}`);
  const limit = read('pids.max').trim();
  const init: MessageInitShape<typeof MetricsSchema> = {
    // No limit is 0 here, 2^64-1 for memory: so containerd's own shim has it.
    pids: { current: one(read('pids.current')), limit: limit === 'max' ? 0n : one(limit) },
    cpu: { ...named(CPUStatSchema, keyed(read('cpu.stat'))), ...pressure(read('cpu.pressure')) },
    memory: {
      ...named(MemoryStatSchema, keyed(read('memory.stat'))),
      usage: one(read('memory.current')),
      usageLimit: one(read('memory.max')),
      maxUsage: one(read('memory.peak')),
      swapUsage: one(read('memory.swap.current')),
      swapLimit: one(read('memory.swap.max')),
      swapMaxUsage: one(read('memory.swap.peak')),
      ...pressure(read('memory.pressure')),
    },
    io: { usage: ioEntries(read('io.stat')), ...pressure(read('io.pressure')) },
    hugetlb: hugePages(folder).map((pagesize) => ({
      pagesize,
      current: one(read(`hugetlb.${pagesize}.current`)),
      max: one(read(`hugetlb.${pagesize}.max`)),
      failcnt: keyed(read(`hugetlb.${pagesize}.events`)).max ?? 0n,
    })),
    memoryEvents: named(MemoryEventsSchema, keyed(read('memory.events'))),
  };
  return create(MetricsSchema, init);
}
