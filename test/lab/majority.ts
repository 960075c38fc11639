import type { EtcdAccess } from '../../src/etcd/access.ts'
import { fileURLToPath } from 'node:url'
import { Process } from './process.ts'

/** Milliseconds without an answer after which no majority answers: writes go to all nodes, 50 ms after the one before. */
const SILENCE_MS = 250

/**
 * Writes to every node of etcd all the time, in a process of its own, and knows when one of them confirmed it. That takes as
 * much of a processor as what is tested, so it is for SLOW alone, which asserts by it.
 */
export class Majority {
  readonly #process: Process
  /** Times of answers, in milliseconds since 1970. */
  readonly #answers: number[] = []

  constructor({ endpoints, ca, cert, key }: EtcdAccess) {
    const script = fileURLToPath(new URL('majority.mjs', import.meta.url))
    const input = JSON.stringify({ endpoints, ca, cert, key })
    this.#process = new Process(['nice', '-n', '-15', process.execPath, script], { input })
    this.#process.each((line) => void this.#answers.push(Number(line)))
  }

  /** Returns true if a majority answered all the time between two times, in milliseconds since 1970. */
  answered(from: number, until: number): boolean {
    return this.#gaps(from, until).every((gapMs) => gapMs < SILENCE_MS)
  }

  /** Returns the longest time without an answer since a time. */
  longestGapMs(from: number): number {
    return Math.max(...this.#gaps(from, Date.now()))
  }

  async stop(): Promise<void> {
    await this.#process.stop()
  }

  #gaps(from: number, until: number): readonly number[] {
    const times = [from, ...this.#answers.filter((at) => at > from && at < until).sort((a, b) => a - b), until]
    return times.slice(1).map((at, index) => at - times[index]!)
  }
}
