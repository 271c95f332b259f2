import { defineConfig } from 'vitest/config';

/**
 * How often a test of real kernels and foreign daemons is tried again: in CI (.ci/run) a few times,
 * elsewhere never. scripts/test-counts.mjs tells of each that needed it: its cause is to be found all
 * the same. The pause lets what disturbed it pass.
 */
const retry = { count: Number(process.env.MINIRUN_TEST_RETRY ?? 0), delay: 1000 };

export default defineConfig({
  test: {
    // Processes, not threads: unshare and setns act on the calling thread, which must be the main one.
    pool: 'forks',
    globalSetup: './test/scratch-folder.ts',
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 20_000 } },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          // Real containers: the machine's cgroups and mounts are shared, so are its few processors.
          // So the unit tests, which use all of them, come before.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          retry,
          testTimeout: 60_000 * Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1),
          hookTimeout: 120_000 * Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1),
        },
      },
      {
        extends: true,
        test: {
          name: 'swap',
          include: ['test/swap/**/*.test.ts'],
          // Whole engines: one at a time, and not beside the integration tests.
          fileParallelism: false,
          retry,
          sequence: { groupOrder: 2 },
          testTimeout: 60_000 * Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1),
          hookTimeout: 60_000 * Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1),
        },
      },
    ],
  },
});
