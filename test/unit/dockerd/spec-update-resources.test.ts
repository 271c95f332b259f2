import { describe, expect, test } from 'vitest';
import type { HostConfig, UpdateRequest } from '../../../src/dockerd/container/config.ts';
import { updateResources } from '../../../src/dockerd/container/spec/update-resources.ts';
import { ApiError } from '../../../src/dockerd/http/api-error.ts';
import { FACTS } from './spec-sample.ts';

const updated = (now: HostConfig, asked: UpdateRequest) => updateResources({ Id: 'c1', HostConfig: now }, asked, FACTS);
const refusal = (now: HostConfig, asked: UpdateRequest): string => {
  try {
    updated(now, asked);
  } catch (error) {
    if (error instanceof ApiError) return `${error.status} ${error.message}`;
    throw error;
  }
  return 'not refused';
};
const MEMORY = { Memory: 64 << 20, MemorySwap: 128 << 20 };

describe('new limits', () => {
  test('only what was asked is changed, and sent', () => {
    const { hostConfig, resources } = updated({ ...MEMORY, CpuShares: 5, PidsLimit: 9 }, { Memory: 96 << 20, CpusetCpus: '0' });
    expect(hostConfig).toEqual({ Memory: 96 << 20, MemorySwap: 128 << 20, CpuShares: 5, PidsLimit: 9, CpusetCpus: '0' });
    expect(resources).toEqual({ memory: { limit: 96 << 20 }, cpu: { cpus: '0' } });
  });

  test('no limit of processes, no limit of swap', () => {
    expect(updated({ PidsLimit: 9 }, { PidsLimit: -1 })).toMatchObject({
      hostConfig: { PidsLimit: undefined },
      resources: { pids: { limit: -1 } },
    });
    expect(updated(MEMORY, { MemorySwap: -1 }).resources).toEqual({ memory: { swap: -1 } });
  });

  test('a share of the CPUs', () => {
    expect(updated({}, { NanoCpus: 5e8 }).resources).toEqual({ cpu: { quota: 50_000, period: 100_000 } });
  });

  test('another restart policy alone', () => {
    const { hostConfig, resources } = updated(MEMORY, { RestartPolicy: { Name: 'always' } });
    expect(hostConfig.RestartPolicy).toEqual({ Name: 'always', MaximumRetryCount: 0 });
    expect(resources).toEqual({});
    expect(updated({ RestartPolicy: { Name: 'always' } }, { RestartPolicy: { Name: '' } }).hostConfig.RestartPolicy?.Name).toBe('always');
  });
});

// biome-ignore format: a table
test.each<[string, HostConfig, UpdateRequest]>([
  ['400 Minimum memory limit allowed is 6MB', {}, { Memory: 5 }],
  ["400 invalid restart policy 'x'", {}, { RestartPolicy: { Name: 'x' } }],
  ['409 Cannot update container c1: Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time', MEMORY, { Memory: 256 << 20 }],
  ['409 Cannot update container c1: Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set', { CpuPeriod: 5000 }, { NanoCpus: 1e9 }],
  ['409 Cannot update container c1: Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set', { CpuQuota: 5000 }, { NanoCpus: 1e9 }],
  ['409 Cannot update container c1: Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set', { NanoCpus: 1e9 }, { CpuPeriod: 5000 }],
  ['409 Cannot update container c1: Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set', { NanoCpus: 1e9 }, { CpuQuota: 5000 }],
  ['409 Cannot update container c1: Restart policy cannot be updated because AutoRemove is enabled for the container', { AutoRemove: true }, { RestartPolicy: { Name: 'always' } }],
  ['not refused', { Memory: 64 << 20, MemorySwap: -1 }, { Memory: 256 << 20 }],
  ['not refused', MEMORY, { MemorySwap: 256 << 20 }],
])('%s', (words, now, asked) => expect(refusal(now, asked)).toBe(words));
