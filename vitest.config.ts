import { defineConfig } from 'vitest/config'

// Two kinds of tests: `unit` needs no privilege; `lab` makes network namespaces and needs root.
// Lab files run one after another: they share the machine's clock and two cores with real peers.
// Time limits are there for what hangs, not for a machine that is busy.
const slow = process.env.SLOW === '1'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'script/**/*.test.ts'],
          testTimeout: slow ? 600_000 : 30_000,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          maxWorkers: 4,
          testTimeout: slow ? 600_000 : 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
