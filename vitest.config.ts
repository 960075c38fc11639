import { accessSync, constants, readFileSync, statfsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer } from 'vitest/node'
import type { TestSpecification } from 'vitest/node'

// Three kinds of tests. `unit` needs no privilege. `wait` and `timing` make network namespaces and need root:
// files of `wait` run side by side, as they mostly wait; those of `timing` run one after the other, as they flood,
// scan, or depend on gaps between packets. script/test runs all at once, `timing` before the others in the eyes of the
// scheduler. Time limits are there for what hangs, not for a machine that is busy.
const slow = process.env.SLOW === '1'
/** A file waits for three quarters of its time. With many more workers, the time limits of programs pass for want of a core. */
const WAIT_WORKERS = Math.min(availableParallelism() + 3, 7)
/** In CI a test may fail once: nobody is there to see that the machine was starved at that moment. */
const retry = process.env.CI === 'true' ? 1 : 0

/** Files below test/lab that take the longest, which begin first: otherwise a run ends with one of them alone. */
const LONGEST = [
  'client-page',
  'fleet-document',
  'etcd',
  'package-contents',
  'watch',
  'proxy',
  'page',
  'install',
  'setup',
  'diagnoses',
  'fleet-claims',
  'fleet-openings',
  'fleet-users',
  'fleet-join',
  'lost-journal',
  'peers',
  'lossy',
]

/** Puts the longest files first, and keeps the usual order behind them: by size, or by what the last run took. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const usual = await super.sort(files)
    return usual.toSorted((one, other) => rank(one) - rank(other))
  }
}

function rank({ moduleId }: TestSpecification): number {
  const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/lab/${name}.test.ts`))
  return at < 0 ? LONGEST.length : at
}

/** Files below test/lab of which one runs at a time. */
const TIMING = ['flooded', 'forged', 'lossy', 'peers', 'played-back'].map((name) => `test/lab/${name}.test.ts`)

/**
 * A folder in memory for the unit tests, which make thousands of small files: on a disk each costs several times the
 * processor time. It must be large enough, and must let programs run.
 */
const MEMORY = '/dev/shm'
const MEMORY_MIN_BYTES = 1 << 30

function inMemory(): Readonly<Record<string, string>> {
  try {
    const [, , , options] = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .findLast(([, place, type]) => place === MEMORY && type === 'tmpfs')!
    const { bavail, bsize } = statfsSync(MEMORY)
    accessSync(MEMORY, constants.W_OK)
    if (options!.split(',').includes('noexec') || bavail * bsize < MEMORY_MIN_BYTES) return {}
    return process.env.TMPDIR === undefined ? { TMPDIR: MEMORY } : {}
  } catch {
    return {}
  }
}

const limits = { testTimeout: slow ? 600_000 : 180_000, hookTimeout: 180_000, retry }
/** One process for many files: loading everything anew for each takes as long as many of the tests. */
const shared = { isolate: false }
const lab = { setupFiles: ['test/lab/set-up.ts'], ...shared, ...limits }

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // Translated modules are kept by their content: three processes and the next run need the same ones.
    experimental: { fsModuleCache: true, fsModuleCachePath: 'node_modules/.cache/vitest' },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'script/**/*.test.ts', 'bench/**/*.test.ts'],
          ...shared,
          env: inMemory(),
          // One process has all files: in the usual young generation, much is copied that is garbage soon after.
          execArgv: ['--max-semi-space-size=64'],
          testTimeout: slow ? 600_000 : 90_000,
          retry,
        },
      },
      {
        test: {
          name: 'wait',
          include: ['test/lab/**/*.test.ts'],
          exclude: TIMING,
          maxWorkers: WAIT_WORKERS,
          ...lab,
        },
      },
      { test: { name: 'timing', include: TIMING, fileParallelism: false, ...lab } },
    ],
  },
})
