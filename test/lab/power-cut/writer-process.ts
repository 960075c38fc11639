import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Store } from '../../../src/state/store.ts'

const ROOT = resolve(import.meta.dirname, '../../..')

/** Compiles the writer and what it imports into a folder, and gives the program's path. */
export function compileWriter(folder: string): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const compilerOptions = {
    noEmit: false,
    rootDir: ROOT,
    outDir: folder,
    typeRoots: [join(ROOT, 'node_modules/@types')],
  }
  const files = [join(import.meta.dirname, 'writer.ts')]
  const config = join(folder, 'tsconfig.json')
  writeFileSync(config, JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, files, include: [] }))
  execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', config], { stdio: 'inherit' })
  return join(folder, 'test/lab/power-cut/writer.js')
}

/** A writer under way. */
export class Writer {
  readonly child: ChildProcess
  readonly word: string
  #text = ''
  #wake: () => void = () => {}

  constructor(program: string, journal: string, word: string, lanes: number) {
    this.word = word
    this.child = spawn(process.execPath, [program, journal, word, String(lanes)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.child.stdout!.setEncoding('latin1').on('data', (text: string) => {
      this.#text += text
      this.#wake()
    })
  }

  /** Resolves when so many characters of report have come, or the writer ended. */
  async reported(characters: number): Promise<void> {
    const ended = once(this.child.stdout!, 'end')
    while (this.#text.length < characters && !this.child.stdout!.readableEnded) {
      await Promise.race([ended, new Promise<void>((wake) => (this.#wake = wake))])
    }
  }

  /** Kills it, and waits until it is gone and all it said has arrived. */
  async kill(): Promise<void> {
    const closed = once(this.child, 'close')
    this.child.kill('SIGKILL')
    await closed
  }

  get report(): string {
    return this.#text
  }
}

/**
 * What a reopened store lacks of what a writer's report says was acknowledged, or has though it was never asked for: lines
 * for a reader, none if all is right. Only what was acknowledged before `cutAt` (process.hrtime) counts;
 * `acknowledged` is how many these are.
 */
export function compare(store: Store, writer: Writer, cutAt?: bigint): { wrong: string[]; acknowledged: number } {
  const words = writer.report
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' '))
  const asked = new Set(words.filter(([sign]) => sign === '+').map(([, what, id]) => `${what} ${id}`))
  const done = new Set<string>()
  for (const [sign, what, id, time] of words) {
    if (sign === '=' && (cutAt === undefined || BigInt(time!) < cutAt)) done.add(`${what} ${id}`)
  }
  const wrong: string[] = []
  for (const name of done) {
    const [what, id] = name.split(' ') as [string, string]
    const present = what === 'used' ? store.wasUsed('door', id) : store.openings.has(id)
    if (what === 'closed' ? present : !present && !asked.has(`closed ${id}`)) wrong.push(`lost: ${name}`)
  }
  for (const id of store.openings.keys()) {
    if (id.startsWith(`${writer.word}.`) && !asked.has(`opened ${id}`)) wrong.push(`never asked for: opened ${id}`)
  }
  return { wrong, acknowledged: done.size }
}
