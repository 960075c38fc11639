// Goal: the time by which packets are limited passes while the thread works or is idle, and not while others have the CPU.
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { parseAddress } from '../packet/address.ts'
import { threadTime } from './thread-time.ts'
import { WorkBudget } from './work-budget.ts'

/** Works until so much time has passed, in milliseconds. */
const work = (ms: number, clock: () => number): void => {
  for (const begun = clock(); clock() - begun < ms;);
}

/** Continues a process that stops, half a second after it has: not before, however busy the machine is. */
const CONTINUE = `while [ -e /proc/$0 ]; do
  if grep -q '^State:.T' /proc/$0/status; then sleep 0.5; exec kill -CONT $0; fi
  sleep 0.02
done`

/** Returns a function that leaves the process without a CPU for half a second: it stops, and a helper continues it. */
const starvation = (): (() => void) => {
  spawn('sh', ['-c', CONTINUE, String(process.pid)], { stdio: 'ignore' })
  return () => process.kill(process.pid, 'SIGSTOP')
}

test('the time passes while the thread is idle', async () => {
  const [time, wall] = [threadTime(), performance.now()]
  await sleep(300)
  expect(threadTime() - time).toBeGreaterThan(150)
  // The CPU time of all threads may be more than the time that passed.
  expect(threadTime() - time).toBeLessThan(2 * (performance.now() - wall))
})

test('the time passes while the thread works, and not while it waits for a CPU', () => {
  const starve = starvation()
  const [time, wall] = [threadTime(), performance.now()]
  work(50, threadTime)
  starve()
  const [timeMs, wallMs] = [threadTime() - time, performance.now() - wall]
  expect(timeMs).toBeGreaterThanOrEqual(50)
  expect(wallMs - timeMs).toBeGreaterThan(200)
})

test('an owner whose packet is interrupted by other programs is not refused the next one', () => {
  const owner = parseAddress('192.0.2.1')!
  const budget = new WorkBudget(threadTime)
  const starve = starvation()
  const begun = performance.now()
  expect(budget.run(owner, 'stranger', starve)).toBeDefined()
  expect(performance.now() - begun).toBeGreaterThan(200)
  expect(budget.run(owner, 'stranger', () => 'looked at')).toEqual({ result: 'looked at' })
})
