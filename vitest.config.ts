import { defineConfig } from 'vitest/config'

// Two kinds of tests: `unit` needs no privilege; `lab` makes network namespaces and needs root.
// Lab files run one after another: they share the machine's clock and two cores with real peers.
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['src/**/*.test.ts', 'test/unit/**/*.test.ts'] } },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
